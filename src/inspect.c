/* SPDX-License-Identifier: MIT */
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define NUMBER_MAX (INT64_C(1) << 53)

static const char *const state_words[] = {
	[INSPECT_FREE] = "free",
	[INSPECT_WAITING] = "waiting",
	[INSPECT_GRANTED] = "granted",
	[INSPECT_HELD] = "held",
	[INSPECT_COOLING] = "cooling",
	[INSPECT_REVOKED] = "revoked",
	[INSPECT_BROKEN] = "broken",
};

/* ------------------------------------------------------------------ */
/* One value of the reply. */

static struct inspect_text
as_text(const struct reply *value)
{
	return (struct inspect_text){ reply_text(value), reply_length(value) };
}

static int64_t
as_number(const struct reply *value)
{
	const char *text = reply_text(value);
	size_t len = reply_length(value);
	int64_t n = 0;

	if (len == 0 || len > 16)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n < NUMBER_MAX ? n : -1;
}

static enum inspect_state
as_state(const struct reply *value)
{
	const char *word = reply_text(value);

	/* The server's word for it is "pending". */
	if (strcmp(word, "pending") == 0)
		return INSPECT_GRANTED;
	for (int s = INSPECT_HELD; s <= INSPECT_REVOKED; s++) {
		if (strcmp(word, state_words[s]) == 0)
			return (enum inspect_state)s;
	}
	return INSPECT_BROKEN;
}

static bool
take_owner(
    struct inspect_owner *o, const char *field, const struct reply *value)
{
	if (strcmp(field, "user") == 0)
		o->user = as_text(value);
	else if (strcmp(field, "host") == 0)
		o->host = as_text(value);
	else if (strcmp(field, "pid") == 0)
		o->pid = as_text(value);
	else if (strcmp(field, "command") == 0)
		o->command = as_text(value);
	else if (strcmp(field, "reason") == 0)
		o->reason = as_text(value);
	else
		return false;
	return true;
}

static bool
take_names(
    struct inspect_names *n, const char *field, const struct reply *value)
{
	if (strcmp(field, "names") == 0)
		n->list = as_text(value);
	else if (strcmp(field, "named") == 0)
		n->count = as_number(value);
	else
		return false;
	return true;
}

static void
take_holder(
    struct inspect_holder *h, const char *field, const struct reply *value)
{
	if (take_owner(&h->owner, field, value) ||
	    take_names(&h->names, field, value))
		return;
	if (strcmp(field, "token") == 0)
		h->token = as_text(value);
	else if (strcmp(field, "id") == 0)
		h->id = as_text(value);
	else if (strcmp(field, "state") == 0)
		h->state = as_state(value);
	else if (strcmp(field, "ends") == 0)
		h->lease_ms = as_number(value);
	else if (strcmp(field, "since") == 0)
		h->held_ms = as_number(value);
	else if (strcmp(field, "limit") == 0)
		h->limit = as_number(value);
	else if (strcmp(field, "ttl") == 0)
		h->ttl_ms = as_number(value);
	else if (strcmp(field, "fence") == 0)
		h->fence = as_number(value);
	else if (strcmp(field, "live") == 0)
		h->live = as_number(value) == 1;
}

static void
take_waiter(
    struct inspect_waiter *w, const char *field, const struct reply *value)
{
	if (take_owner(&w->owner, field, value) ||
	    take_names(&w->names, field, value))
		return;
	if (strcmp(field, "token") == 0)
		w->token = as_text(value);
	else if (strcmp(field, "since") == 0)
		w->waiting_ms = as_number(value);
	else if (strcmp(field, "limit") == 0)
		w->limit = as_number(value);
	else if (strcmp(field, "live") == 0)
		w->live = as_number(value) == 1;
}

static void
take_run(struct inspect_run *run, const char *field, const struct reply *value)
{
	run->known = true;
	if (take_owner(&run->owner, field, value))
		return;
	if (strcmp(field, "status") == 0)
		run->status = as_number(value);
	else if (strcmp(field, "ran") == 0)
		run->ran_ms = as_number(value);
	else if (strcmp(field, "ended") == 0)
		run->ended = as_number(value);
	else if (strcmp(field, "since") == 0)
		run->began = as_number(value);
	else if (strcmp(field, "waited") == 0)
		run->waited_ms = as_number(value);
	else if (strcmp(field, "fence") == 0)
		run->fence = as_number(value);
	else if (strcmp(field, "state") == 0)
		run->reset = as_state(value) == INSPECT_REVOKED;
}

static void
take_lock(struct inspect *in, const char *field, const struct reply *value)
{
	if (strcmp(field, "now") == 0)
		in->now_ms = as_number(value);
	else if (strcmp(field, "exists") == 0)
		in->exists = as_number(value) == 1;
	else if (strcmp(field, "waiting") == 0)
		in->waiting = as_number(value);
	else if (strcmp(field, "fence") == 0)
		in->fence = as_number(value);
	else if (strcmp(field, "hold") == 0)
		in->hold_ms = as_number(value);
	else if (strcmp(field, "holders") == 0)
		in->holder_total = as_number(value);
	else if (strcmp(field, "key") == 0)
		in->bad_key = as_text(value);
	else if (strcmp(field, "type") == 0)
		in->bad_type = as_text(value);
}

/* ------------------------------------------------------------------ */
/* The whole of it. */

/* "token.12" into "token" and 12; 0 for a field without a number. */
static size_t
split(char word[static 16], const struct reply *field)
{
	const char *text = reply_text(field), *dot = strrchr(text, '.');
	size_t len = dot ? (size_t)(dot - text) : strlen(text), index = 0;

	/* "last.user" has no number: its word is the whole of it. */
	if (dot != NULL && (dot[1] < '1' || dot[1] > '9')) {
		dot = NULL;
		len = strlen(text);
	}
	snprintf(word, 16, "%.*s", len < 15 ? (int)len : 15, text);
	if (dot == NULL)
		return 0;
	for (dot++; *dot >= '0' && *dot <= '9' && index < 1000000; dot++)
		index = index * 10 + (size_t)(*dot - '0');
	return *dot == '\0' ? index : 0;
}

/* How many holders and waiters it tells of: never more than it has values. */
static void
count(struct inspect *in, const struct reply *r)
{
	size_t most = reply_count(r) / 2, index;
	char word[16];

	for (size_t i = 1; i + 1 < reply_count(r); i += 2) {
		index = split(word, reply_at(r, i));
		if (index > most)
			continue;
		if (strcmp(word, "token") == 0 && index > in->holder_count)
			in->holder_count = index;
		if (strcmp(word, "wtoken") == 0 && index > in->waiter_count)
			in->waiter_count = index;
	}
}

static void
take_pair(
    struct inspect *in, const struct reply *field, const struct reply *value)
{
	char word[16];
	size_t index = split(word, field);

	if (index == 0 && strncmp(word, "last.", 5) == 0)
		take_run(&in->last, word + 5, value);
	else if (index == 0)
		take_lock(in, word, value);
	else if (word[0] == 'w' && index <= in->waiter_count)
		take_waiter(&in->waiters[index - 1], word + 1, value);
	else if (index <= in->holder_count)
		take_holder(&in->holders[index - 1], word, value);
}

#define NOBODY                                                          \
	{                                                               \
		{ "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }   \
	}

static const struct inspect_owner nobody = NOBODY;
static const struct inspect_text nothing = { "", 0 };
static const struct inspect_run no_run = { .owner = NOBODY,
	.status = -1,
	.ran_ms = -1,
	.began = -1,
	.ended = -1,
	.waited_ms = -1,
	.fence = -1 };

/* Everything unknown; what the reply tells is filled in later. */
static int
make_room(struct inspect *in)
{
	in->holders = calloc(in->holder_count + 1, sizeof(*in->holders));
	in->waiters = calloc(in->waiter_count + 1, sizeof(*in->waiters));
	if (in->holders == NULL || in->waiters == NULL)
		return -1;
	for (size_t i = 0; i < in->holder_count; i++)
		in->holders[i] = (struct inspect_holder){ .token = nothing,
			.id = nothing,
			.state = INSPECT_BROKEN,
			.owner = nobody,
			.held_ms = -1,
			.lease_ms = -1,
			.ttl_ms = -1,
			.fence = -1,
			.limit = -1,
			.names = { nothing, 0 } };
	for (size_t i = 0; i < in->waiter_count; i++)
		in->waiters[i] = (struct inspect_waiter){ .token = nothing,
			.owner = nobody,
			.waiting_ms = -1,
			.limit = -1,
			.names = { nothing, 0 } };
	return 0;
}

static void
init(struct inspect *in, const char *name, size_t len)
{
	*in = (struct inspect){ .name = name,
		.name_len = len,
		.bad_key = nothing,
		.bad_type = nothing,
		.now_ms = -1,
		.fence = -1,
		.hold_ms = -1,
		.holder_total = -1,
		.last = no_run };
}

int
inspect_take(struct inspect *in, const char *name, struct reply *reply)
{
	const char *word = reply_word(reply);

	init(in, name, strlen(name));
	in->reply = reply;
	count(in, reply);
	if ((strcmp(word, "ok") != 0 && strcmp(word, "wrongtype") != 0) ||
	    make_room(in) == -1) {
		inspect_free(in);
		return -1;
	}
	for (size_t i = 1; i + 1 < reply_count(reply); i += 2)
		take_pair(in, reply_at(reply, i), reply_at(reply, i + 1));
	if (in->waiting < (int64_t)in->waiter_count)
		in->waiting = (int64_t)in->waiter_count;
	if (in->holder_total < (int64_t)in->holder_count)
		in->holder_total = (int64_t)in->holder_count;
	return 0;
}

int
inspect_runs_take(struct inspect_runs *runs, struct reply *reply)
{
	const char *word = reply_word(reply);
	int64_t count = reply_number(reply, "runs", 0);
	size_t most = reply_count(reply) / 2, index;
	char field[16];

	*runs = (struct inspect_runs){ .bad_key = nothing,
		.bad_type = nothing,
		.reply = reply,
		.count = (size_t)count < most ? (size_t)count : most };
	runs->runs = calloc(runs->count + 1, sizeof(*runs->runs));
	if ((strcmp(word, "ok") != 0 && strcmp(word, "wrongtype") != 0) ||
	    count < 0 || runs->runs == NULL) {
		inspect_runs_free(runs);
		return -1;
	}
	for (size_t i = 0; i < runs->count; i++)
		runs->runs[i] = no_run;
	for (size_t i = 1; i + 1 < reply_count(reply); i += 2) {
		const struct reply *value = reply_at(reply, i + 1);

		index = split(field, reply_at(reply, i));
		if (index > 0 && index <= runs->count)
			take_run(&runs->runs[index - 1], field, value);
		else if (strcmp(field, "key") == 0)
			runs->bad_key = as_text(value);
		else if (strcmp(field, "type") == 0)
			runs->bad_type = as_text(value);
	}
	return 0;
}

void
inspect_runs_free(struct inspect_runs *runs)
{
	reply_free(runs->reply);
	free(runs->runs);
	runs->reply = NULL;
	runs->runs = NULL;
	runs->count = 0;
}

void
inspect_foreign(struct inspect *in, const char *key, size_t len)
{
	init(in, key, len);
	in->foreign = true;
	in->bad_key = (struct inspect_text){ key, len };
}

void
inspect_free(struct inspect *in)
{
	reply_free(in->reply);
	free(in->holders);
	free(in->waiters);
	in->reply = NULL;
	in->holders = NULL;
	in->waiters = NULL;
	in->holder_count = 0;
	in->waiter_count = 0;
}

/* ------------------------------------------------------------------ */
/* What it comes to. */

bool
inspect_name(
    const struct inspect_names *names, size_t *at, struct inspect_text *name)
{
	const struct inspect_text *list = &names->list;

	if (*at >= list->len)
		return false;
	name->data = list->data + *at;
	/* They are separated by NUL; so is the end, by whoever parsed it. */
	name->len = strnlen(name->data, list->len - *at);
	*at += name->len + 1;
	return true;
}

const struct inspect_holder *
inspect_first(const struct inspect *in)
{
	for (size_t i = 0; i < in->holder_count; i++) {
		if (in->holders[i].state != INSPECT_BROKEN)
			return &in->holders[i];
	}
	return NULL;
}

enum inspect_state
inspect_state(const struct inspect *in)
{
	const struct inspect_holder *h = inspect_first(in);

	if (in->foreign || in->bad_key.len > 0)
		return INSPECT_BROKEN;
	if (h != NULL)
		return h->state;
	if (in->holder_count > 0)
		return INSPECT_BROKEN;
	return in->waiting > 0 ? INSPECT_WAITING : INSPECT_FREE;
}

bool
inspect_is_held(const struct inspect *in)
{
	return !in->foreign && in->bad_key.len == 0 &&
	       inspect_first(in) != NULL;
}

const char *
inspect_state_word(enum inspect_state state)
{
	return state_words[state];
}

int64_t
inspect_limit(const struct inspect *in)
{
	int64_t limit = -1;

	for (size_t i = 0; i < in->holder_count; i++) {
		const struct inspect_holder *h = &in->holders[i];

		if (h->state == INSPECT_BROKEN || h->limit < 0)
			continue;
		if (limit <= 0 || (h->limit > 0 && h->limit < limit))
			limit = h->limit;
	}
	return limit;
}

int64_t
inspect_held(const struct inspect *in)
{
	int64_t held = 0;

	for (size_t i = 0; i < in->holder_count; i++)
		held += in->holders[i].state != INSPECT_BROKEN;
	/* Those that did not fit into the reply hold it as well. */
	return held + in->holder_total - (int64_t)in->holder_count;
}

const char *
inspect_word(const struct inspect *in)
{
	enum inspect_state state = inspect_state(in);
	int64_t limit = inspect_limit(in), held;

	if (in->foreign)
		return "foreign";
	held = in->bad_key.len > 0 ? 0 : inspect_held(in);
	if (state == INSPECT_BROKEN || held == 0 || limit == 1 ||
	    (held == 1 && state != INSPECT_HELD))
		return state_words[state];
	return limit == 0 ? "shared" : "slots";
}

char *
inspect_state_text(char *dst, size_t size, const struct inspect *in)
{
	const char *word = inspect_word(in);

	if (strcmp(word, "shared") == 0)
		snprintf(dst, size, "shared %" PRId64, inspect_held(in));
	else if (strcmp(word, "slots") == 0)
		snprintf(dst, size, "slots %" PRId64 "/%" PRId64,
		    inspect_held(in), inspect_limit(in));
	else
		snprintf(dst, size, "%s", word);
	return dst;
}
