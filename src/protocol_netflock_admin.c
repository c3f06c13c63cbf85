/* SPDX-License-Identifier: MIT */
/*
 * The default protocol as operators use it: inspect, reset, and the walk over
 * all locks.  docs/protocol.md says what the scripts send and get.
 *
 * The walk: SCAN finds up to three keys of a lock.  Its hash stands for it;
 * where that is missing, its queue does.  So each lock is reported for one key
 * only, and a key of another type for itself.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "deadline.h"
#include "failure.h"
#include "inspect.h"
#include "protocol_netflock.h"
#include "script.h"
#include "seen.h"
#include "session.h"
#include "status.h"

#define PREFIX_MAX 64
#define NAME_MAX_BYTES 512
#define KEY_SIZE (PREFIX_MAX + NAME_MAX_BYTES + sizeof(":{}:waiters"))
#define KEYS 3
#define PAGE "1000" /* keys that one SCAN looks at */
#define HISTORY "1000" /* runs; no more are ever kept */

struct keys {
	char lock[KEY_SIZE], queue[KEY_SIZE], waiters[KEY_SIZE];
};

static void
make_keys(struct keys *k, const struct admin *a, const char *name)
{
	snprintf(k->lock, KEY_SIZE, "%.*s:{%.*s}", PREFIX_MAX, a->prefix,
	    NAME_MAX_BYTES, name);
	snprintf(k->queue, KEY_SIZE, "%.*s:queue", (int)KEY_SIZE - 10, k->lock);
	snprintf(
	    k->waiters, KEY_SIZE, "%.*s:waiters", (int)KEY_SIZE - 10, k->lock);
}

/* Like session_script(), but a reply that must be undone is no reply. */
static enum protocol_result
call(struct admin *a, const struct script *script, size_t argc,
    const char *const *argv, int64_t deadline, struct reply **r,
    struct failure *f)
{
	enum session_result result = session_script(
	    a->session, script, KEYS, argc, argv, deadline, r, f);

	if (result != SESSION_OK) {
		reply_free(*r);
		*r = NULL;
		session_close(a->session);
	}
	return protocol_netflock_result(result);
}

static enum protocol_result
unexpected(const char *word, struct failure *f)
{
	failure_set(f, STATUS_UNAVAILABLE,
	    "the server gave an answer that netflock does not know: '%.40s'",
	    word);
	return PROTOCOL_FATAL;
}

enum protocol_result
protocol_netflock_inspect(struct admin *a, const char *name, int waiters,
    int64_t deadline, struct inspect *in, struct failure *f)
{
	char most[16];
	struct keys k;
	const char *argv[] = { k.lock, k.queue, k.waiters, "waiters", most,
		"token", a->token };
	size_t argc = sizeof(argv) / sizeof(*argv);
	struct reply *r = NULL;
	enum protocol_result result;

	make_keys(&k, a, name);
	snprintf(most, sizeof(most), "%d", waiters);
	result = call(a, &script_inspect, a->token != NULL ? argc : argc - 2,
	    argv, deadline, &r, f);
	if (result == PROTOCOL_HELD && inspect_take(in, name, r) == -1)
		return unexpected("inspect", f);
	return result;
}

enum protocol_result
protocol_netflock_history(struct admin *a, const char *name, int64_t deadline,
    struct inspect_runs *runs, struct failure *f)
{
	struct keys k;
	const char *argv[] = { k.lock, k.queue, k.waiters, "most", HISTORY };
	struct reply *r = NULL;
	enum protocol_result result;

	make_keys(&k, a, name);
	result = call(a, &script_history, sizeof(argv) / sizeof(*argv), argv,
	    deadline, &r, f);
	if (result == PROTOCOL_HELD && inspect_runs_take(runs, r) == -1)
		return unexpected("history", f);
	return result;
}

enum protocol_result
protocol_netflock_reset(struct admin *a, struct admin_removal *removal,
    int64_t deadline, struct failure *f)
{
	struct keys k;
	const char *argv[11] = { k.lock, k.queue, k.waiters, "id", removal->id,
		"now", removal->now ? "1" : "0", "release",
		removal->release ? "1" : "0", "token", removal->token };
	struct reply *r = NULL;
	enum protocol_result result;
	const char *state;

	make_keys(&k, a, removal->name);
	result = call(a, &script_reset, removal->token != NULL ? 11 : 9, argv,
	    deadline, &r, f);
	if (result != PROTOCOL_HELD)
		return result;
	if (strcmp(reply_word(r), "ok") == 0) {
		removal->count = reply_number(r, "count", 0);
		removal->lease_ms = reply_number(r, "ends.1", -1);
		/* It may have changed since it was looked at. */
		state = reply_field(r, "state.1", NULL);
		if (state != NULL)
			removal->runs = strcmp(state, "held") == 0 ||
					strcmp(state, "revoked") == 0;
	} else if (strcmp(reply_word(r), "wrongtype") == 0) {
		failure_set(
		    f, STATUS_CONFIG, "a key of it is none of netflock's");
		result = PROTOCOL_FATAL;
	} else {
		result = unexpected(reply_word(r), f);
	}
	reply_free(r);
	return result;
}

enum protocol_result
protocol_netflock_extend(struct admin *a, struct admin_extension *e,
    int64_t deadline, struct failure *f)
{
	char ttl[24], fence[24];
	struct keys k;
	const char *argv[] = { k.lock, k.queue, k.waiters, "token", e->token,
		"id", e->id, "ttl", ttl, "fence", fence };
	struct reply *r = NULL;
	enum protocol_result result;

	make_keys(&k, a, e->name);
	snprintf(ttl, sizeof(ttl), "%" PRId64, e->ttl_ms);
	snprintf(fence, sizeof(fence), "%" PRId64, e->fence);
	result = call(a, &script_renew, sizeof(argv) / sizeof(*argv), argv,
	    deadline, &r, f);
	if (result != PROTOCOL_HELD)
		return result;
	e->ours = strcmp(reply_word(r), "ok") == 0;
	if (!e->ours && strcmp(reply_word(r), "lost") != 0)
		result = unexpected(reply_word(r), f);
	reply_free(r);
	return result;
}

/* ------------------------------------------------------------------ */
/* The walk. */

enum part { HASH, QUEUE, WAITERS, HISTORY_LIST };

/* A key that SCAN returned, and the lock it belongs to. */
struct candidate {
	const char *key;
	size_t key_len;
	char name[NAME_MAX_BYTES + 1];
	enum part part;
	struct keys keys;
};

struct batch {
	struct admin *admin;
	struct admin_walk *walk;
	struct candidate candidates[SESSION_BATCH];
	size_t count;
	char most[16];
	bool bad; /* a reply was none */
};

/* Which part of which lock KEY is; false if it is none. */
static bool
parse_key(struct candidate *c, const char *prefix, const char *key, size_t len)
{
	static const struct {
		const char *end;
		size_t len;
	} ends[] = { { "}", 1 }, { "}:queue", 7 }, { "}:waiters", 9 },
		{ "}:history", 9 } };
	size_t start = strlen(prefix) + 2, n;

	if (len <= start || strlen(key) != len)
		return false;
	for (int part = HASH; part <= HISTORY_LIST; part++) {
		n = ends[part].len;
		if (len <= start + n || len - start - n > NAME_MAX_BYTES ||
		    memcmp(key + len - n, ends[part].end, n) != 0)
			continue;
		memcpy(c->name, key + start, len - start - n);
		c->name[len - start - n] = '\0';
		c->part = (enum part)part;
		c->key = key;
		c->key_len = len;
		return true;
	}
	return false;
}

/* Whether the key is the one that the lock is reported for. */
static bool
stands_for(const struct candidate *c, const struct inspect *in)
{
	if (in->bad_key.len > 0)
		return in->bad_key.len == c->key_len &&
		       memcmp(in->bad_key.data, c->key, c->key_len) == 0;
	return in->exists ? c->part == HASH : c->part == QUEUE;
}

static void
report(struct admin_walk *walk, const char *key, size_t len,
    const struct inspect *in)
{
	if (!walk->done && seen_add(walk->seen, key, len))
		walk->done = !walk->found(walk->arg, in);
}

static void
take(void *arg, size_t i, struct reply *reply)
{
	struct batch *b = arg;
	struct candidate *c = &b->candidates[i];
	struct inspect in;

	if (inspect_take(&in, c->name, reply) == -1) {
		b->bad = true;
		return;
	}
	if (stands_for(c, &in))
		report(b->walk, c->key, c->key_len, &in);
	inspect_free(&in);
}

/* Look at the candidates that have come together. */
static enum protocol_result
look(struct batch *b, int64_t deadline, struct failure *f)
{
	const char *argv[SESSION_BATCH * 5], **v = argv;
	struct session_batch batch = { &script_inspect, KEYS, 5, argv, b->count,
		take, b };
	enum protocol_result result;

	if (b->count == 0)
		return PROTOCOL_HELD;
	for (size_t i = 0; i < b->count; i++) {
		struct keys *k = &b->candidates[i].keys;

		make_keys(k, b->admin, b->candidates[i].name);
		*v++ = k->lock;
		*v++ = k->queue;
		*v++ = k->waiters;
		*v++ = "waiters";
		*v++ = b->most;
	}
	b->count = 0;
	result = protocol_netflock_result(
	    session_scripts(b->admin->session, &batch, deadline, f));
	if (result == PROTOCOL_HELD && b->bad)
		return unexpected("inspect", f);
	return result;
}

static enum protocol_result
add_key(struct batch *b, const struct reply *key, int64_t deadline,
    struct failure *f)
{
	struct candidate *c = &b->candidates[b->count];
	const char *text = reply_text(key);
	size_t len = reply_length(key);
	struct inspect in;

	if (!parse_key(c, b->admin->prefix, text, len)) {
		inspect_foreign(&in, text, len);
		report(b->walk, text, len, &in);
		return PROTOCOL_HELD;
	}
	/* It says nothing of the lock. */
	if (c->part == HISTORY_LIST)
		return PROTOCOL_HELD;
	if (++b->count < SESSION_BATCH)
		return PROTOCOL_HELD;
	return look(b, deadline, f);
}

static enum protocol_result
scan(struct admin *a, struct admin_walk *walk, int64_t deadline,
    struct reply **r, struct failure *f)
{
	char match[PREFIX_MAX + 8];
	const char *argv[] = { "SCAN", walk->cursor, "MATCH", match, "COUNT",
		PAGE };
	enum session_result result;

	/* The prefix has no character that means something to MATCH. */
	snprintf(match, sizeof(match), "%.*s:{*", PREFIX_MAX, a->prefix);
	result = session_call(a->session, sizeof(argv) / sizeof(*argv), argv,
	    NULL, deadline, r, f);
	if (result != SESSION_OK) {
		reply_free(*r);
		*r = NULL;
		session_close(a->session);
		return protocol_netflock_result(result);
	}
	if (reply_count(*r) != 2 ||
	    reply_length(reply_at(*r, 0)) >= sizeof(walk->cursor) ||
	    reply_length(reply_at(*r, 0)) == 0) {
		reply_free(*r);
		*r = NULL;
		return unexpected("scan", f);
	}
	return PROTOCOL_HELD;
}

/*
 * To the next page.  A cursor that is no number, or the one that we sent,
 * would keep us walking for ever.
 */
static enum protocol_result
advance(struct admin_walk *walk, const struct reply *cursor, struct failure *f)
{
	const char *text = reply_text(cursor);

	if (text[strspn(text, "0123456789")] != '\0')
		return unexpected("scan", f);
	walk->done = strcmp(text, "0") == 0;
	if (!walk->done && strcmp(text, walk->cursor) == 0)
		return unexpected("scan", f);
	snprintf(walk->cursor, sizeof(walk->cursor), "%s", text);
	return PROTOCOL_HELD;
}

enum protocol_result
protocol_netflock_list(struct admin *a, struct admin_walk *walk,
    int64_t deadline, struct failure *f)
{
	struct reply *r = NULL;
	struct batch *b = malloc(sizeof(*b));
	const struct reply *keys;
	enum protocol_result result;

	if (b == NULL) {
		failure_set(f, STATUS_OS, "out of memory");
		return PROTOCOL_FATAL;
	}
	b->admin = a;
	b->walk = walk;
	b->count = 0;
	b->bad = false;
	snprintf(b->most, sizeof(b->most), "%d", walk->waiters);
	result = scan(a, walk, deadline, &r, f);
	keys = reply_at(r, 1);
	for (size_t i = 0; i < reply_count(keys); i++) {
		if (result != PROTOCOL_HELD || walk->done)
			break;
		/* The server has answered: each batch has a time of its own. */
		deadline = deadline_now() + a->io_ns;
		result = add_key(b, reply_at(keys, i), deadline, f);
	}
	if (result == PROTOCOL_HELD && !walk->done)
		result = look(b, deadline_now() + a->io_ns, f);
	if (result == PROTOCOL_HELD && !walk->done)
		result = advance(walk, reply_at(r, 0), f);
	reply_free(r);
	free(b);
	return result;
}
