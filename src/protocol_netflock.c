/* SPDX-License-Identifier: MIT */
/*
 * The default protocol: a queue in Redis, kept by the scripts of src/lua.
 * docs/protocol.md says what each sends and gets.
 */
#include "protocol_netflock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "lock.h"
#include "protocol.h"
#include "script.h"
#include "session.h"
#include "status.h"

#define KEYS_MAX (3 * LOCK_NAMES_MAX)
#define WORDS_MAX (KEYS_MAX + 64)
/* Numbers of the scripts stay below 2^53: Lua counts in doubles. */
#define NUMBER_MAX INT64_C(9007199254740991)
/* A server that floods a channel must not keep us from our deadlines. */
#define MESSAGES_MAX 100
/* Everybody in the queue asks again after this long; the head is never later. */
#define ASK_AGAIN_MS 30000
#define ASK_SPREAD_MS 100	/* more for each place further back ... */
#define ASK_SPREAD_MAX 100	/* ... up to this place */

/* Keys and arguments of one script, with room for the numbers among them. */
struct words {
	const char *v[WORDS_MAX];
	size_t count;
	char numbers[768];
	size_t used;
};

static void
words_init(struct words *w, const struct lock *lock)
{
	w->count = lock->key_count;
	memcpy(w->v, lock->keys, w->count * sizeof(*w->v));
	w->used = 0;
}

static void
add(struct words *w, const char *field, const char *value)
{
	if (w->count + 2 > WORDS_MAX)
		abort();	/* a constant of this file is too small */
	w->v[w->count++] = field;
	w->v[w->count++] = value;
}

static void
add_number(struct words *w, const char *field, int64_t value)
{
	char *text = w->numbers + w->used;
	int n = snprintf(text, sizeof(w->numbers) - w->used, "%" PRId64, value);

	w->used += (size_t)n + 1;
	if (w->used >= sizeof(w->numbers))
		abort();
	add(w, field, text);
}

/* Who asks: what every request but leave carries. */
static void
add_asker(struct words *w, const struct lock *lock)
{
	const struct lock_request *want = &lock->want;
	const struct owner *o = want->owner;

	add(w, "token", lock->token);
	add(w, "id", lock->id);
	add_number(w, "limit", want->limit);
	add_number(w, "ttl", want->terms.ttl / DEADLINE_MS);
	add_number(w, "kill", want->terms.kill_after / DEADLINE_MS);
	add_number(w, "renew", want->terms.renew / DEADLINE_MS);
	add_number(w, "io", want->terms.io / DEADLINE_MS);
	add(w, "user", o->user);
	add(w, "host", o->host);
	add(w, "pid", o->pid);
	add(w, "command", o->command);
	if (o->reason[0] != '\0')
		add(w, "reason", o->reason);
	if (want->chain[0] != '\0')
		add(w, "chain", want->chain);
	if (want->handback)
		add_number(w, "handback", want->min_hold_ms);
}

/* How recent a success makes this run needless. */
static void
add_once(struct words *w, const struct lock *lock)
{
	if (lock->want.once_ms > 0)
		add_number(w, "once", lock->want.once_ms);
}

static void
copy_field(char *dst, size_t size, const struct reply *r, const char *field)
{
	const char *text = reply_field(r, field, NULL);

	snprintf(dst, size, "%s", text != NULL ? text : "");
}

/* Which of our names a reply is about. */
static const char *
name_of(const struct lock_request *want, int64_t place)
{
	if (place < 2 || place > (int64_t)want->with_count + 1)
		return want->name;
	return want->with[place - 2];
}

/* "'b': " in front of what is said about another name than the first. */
static const char *
about(char *dst, size_t size, const struct lock *lock, const char *verb)
{
	dst[0] = '\0';
	if (lock->rival.name != lock->want.name)
		snprintf(dst, size, "'%.200s'%s ", lock->rival.name, verb);
	return dst;
}

static void
take_rival(struct lock *lock, const struct reply *r)
{
	struct lock_rival *rival = &lock->rival;

	rival->name = name_of(&lock->want, reply_number(r, "lock", 1));
	rival->known = reply_field(r, "pid", NULL) != NULL;
	rival->learned = deadline_now();
	copy_field(rival->owner.user, sizeof(rival->owner.user), r, "user");
	copy_field(rival->owner.host, sizeof(rival->owner.host), r, "host");
	copy_field(rival->owner.pid, sizeof(rival->owner.pid), r, "pid");
	copy_field(rival->owner.command, sizeof(rival->owner.command), r,
	    "command");
	copy_field(rival->owner.reason, sizeof(rival->owner.reason), r,
	    "reason");
	copy_field(rival->state, sizeof(rival->state), r, "state");
	rival->since_ms = reply_number(r, "since", 0);
	rival->ends_ms = reply_number(r, "ends", -1);
	rival->ended_ms = reply_number(r, "ended", -1);
	rival->ahead = reply_number(r, "ahead", 0);
	rival->holders = reply_number(r, "holders", 0);
	rival->also = reply_number(r, "also", 0);
}

/* What this lock's incarnation is called; presented with the next request. */
static void
take_borns(struct lock *lock, const struct reply *r)
{
	const char *borns = reply_field(r, "borns", NULL);

	if (borns != NULL && *borns != '\0' &&
	    strlen(borns) < sizeof(lock->borns))
		memcpy(lock->borns, borns, strlen(borns) + 1);
}

/*
 * What a waiter knew of the holders (rule 8): only then does a new birth
 * make it hold grants back.
 */
static void
take_busy(struct lock *lock, const struct reply *r)
{
	take_rival(lock, r);
	if (lock->rival.holders > 0) {
		take_borns(lock, r);
		lock->hold_ms = reply_number(r, "hold", 0);
	}
}

enum protocol_result
protocol_netflock_result(enum session_result result)
{
	switch (result) {
	case SESSION_OK:
		return PROTOCOL_HELD;
	case SESSION_RETRY:
	case SESSION_BROKEN:
	case SESSION_TIMEOUT:
		return PROTOCOL_RETRY;
	case SESSION_INTERRUPTED:
		return PROTOCOL_INTERRUPTED;
	default:
		return PROTOCOL_FATAL;
	}
}

static enum protocol_result
from_session(enum session_result result, const struct failure *f)
{
	/* No descriptor, no memory: to try again would not help. */
	if (result == SESSION_BROKEN && f != NULL && f->status == STATUS_OS)
		return PROTOCOL_FATAL;
	return protocol_netflock_result(result);
}

/* Give up whatever the server holds in our name: place, grant or lock. */
static void
leave_words(struct words *w, const struct lock *lock)
{
	words_init(w, lock);
	add(w, "token", lock->token);
	add(w, "id", lock->id);
	add_number(w, "limit", lock->want.limit);
}

/*
 * AUTH or SELECT failed, yet the script ran, since the default user may do
 * it: take it back there.  But never a lock that was ours already: its
 * command may be running, and nobody else must get it before its lease ends.
 */
static void
undo(struct lock *lock, int64_t deadline)
{
	struct reply *undone = NULL;
	struct words w;

	if (lock->confirmed)
		return;
	leave_words(&w, lock);
	session_undo(lock->ask, &script_leave, lock->key_count, w.count, w.v,
	    deadline, &undone, NULL);
	reply_free(undone);
}

/* Keys that a cluster has on different nodes: say what to do. */
static void
explain_slots(const struct lock *lock, struct failure *f)
{
	if (f == NULL || f->status != STATUS_CONFIG ||
	    strstr(f->text, "CROSSSLOT") == NULL)
		return;
	if (lock->want.with_count > 0)
		failure_set(f, STATUS_CONFIG,
		    "%s (on a cluster the names of --with must begin with a "
		    "common {tag}: '{app}a' and '{app}b')", f->text);
	else
		failure_set(f, STATUS_CONFIG,
		    "%s (on a cluster the NAME cannot begin with '}')",
		    f->text);
}

/* Run SCRIPT; on anything but PROTOCOL_HELD, *R is NULL and F is set. */
static enum protocol_result
call(struct lock *lock, const struct script *script, const struct words *w,
    int64_t deadline, struct reply **r, struct failure *f)
{
	enum session_result result = session_script(lock->ask, script,
	    lock->key_count, w->count, w->v, deadline, r, f);

	if (result == SESSION_ERROR)
		explain_slots(lock, f);
	if (result != SESSION_OK && *r != NULL) {
		reply_free(*r);
		*r = NULL;
		undo(lock, deadline);
	}
	return from_session(result, f);
}

static enum protocol_result
unexpected(const struct reply *r, struct failure *f)
{
	const char *key = reply_field(r, "key", NULL);
	const char *type = reply_field(r, "type", NULL);

	if (strcmp(reply_word(r), "wrongtype") == 0)
		failure_set(f, STATUS_CONFIG,
		    "key '%s' is a %s, not a lock of netflock (choose another "
		    "name or --prefix)", key ? key : "?", type ? type : "?");
	else
		failure_set(f, STATUS_UNAVAILABLE,
		    "the server gave an answer that netflock does not know: "
		    "'%.40s'", reply_word(r));
	return PROTOCOL_FATAL;
}

static enum protocol_result
nested(struct lock *lock, const struct reply *r, struct failure *f)
{
	char holder[256], name[256];

	take_rival(lock, r);
	owner_format(holder, sizeof(holder), &lock->rival.owner);
	failure_set(f, STATUS_USAGE,
	    "%sheld by %s, which runs this command: it would wait for itself",
	    about(name, sizeof(name), lock, " is"), holder);
	return PROTOCOL_NESTED;
}

/* Its success makes our run needless. */
static enum protocol_result
done(struct lock *lock, const struct reply *r)
{
	take_rival(lock, r);
	return PROTOCOL_DONE;
}

static enum protocol_result
granted(struct lock *lock, const struct reply *r)
{
	take_borns(lock, r);
	lock->fence = reply_number(r, "fence", lock->fence);
	return PROTOCOL_GRANTED;
}

/* What may be said to whoever asks, in the queue or not. */
static enum protocol_result
answer(struct lock *lock, const struct reply *r, struct failure *f)
{
	const char *word = reply_word(r);

	if (strcmp(word, "granted") == 0)
		return granted(lock, r);
	if (strcmp(word, "done") == 0)
		return done(lock, r);
	if (strcmp(word, "nested") == 0)
		return nested(lock, r, f);
	return unexpected(r, f);
}

static enum protocol_result
netflock_try(struct lock *lock, int64_t deadline, struct failure *f)
{
	int64_t sent = deadline_now();
	struct reply *r = NULL;
	enum protocol_result result;
	struct words w;

	words_init(&w, lock);
	add_asker(&w, lock);
	add_once(&w, lock);
	result = call(lock, &script_acquire, &w, deadline, &r, f);
	if (result != PROTOCOL_HELD)
		return result;
	if (strcmp(reply_word(r), "held") == 0) {
		granted(lock, r);
		lock->lease_end = deadline_lease(&lock->want.terms, sent);
		lock->confirmed = true;
	} else if (strcmp(reply_word(r), "busy") == 0) {
		take_busy(lock, r);
		result = PROTOCOL_BUSY;
	} else {
		result = answer(lock, r, f);
	}
	reply_free(r);
	return result;
}

/* In the queue: when to ask again if no message comes. */
static void
take_place(struct lock *lock, const struct reply *r)
{
	int64_t position = reply_number(r, "position", 1);
	int64_t next = reply_number(r, "next", -1);
	int64_t wait = ASK_AGAIN_MS;

	take_busy(lock, r);
	lock->order = reply_number(r, "order", lock->order);
	if (position > 1)
		wait += ASK_SPREAD_MS *
		    (position < ASK_SPREAD_MAX ? position : ASK_SPREAD_MAX);
	else if (next >= 0 && next < ASK_AGAIN_MS)
		wait = next + 1;
	lock->ask_again = deadline_now() + wait * DEADLINE_MS;
	lock->ask_latest = deadline_now() + ASK_AGAIN_MS * DEADLINE_MS;
}

static enum protocol_result
subscribe(struct lock *lock, int64_t deadline, struct failure *f)
{
	char channel[sizeof(lock->key) + sizeof(lock->token) + 1];

	if (session_is_open(lock->hear))
		return PROTOCOL_HELD;
	snprintf(channel, sizeof(channel), "%s:%s", lock->key, lock->token);
	return from_session(session_subscribe(lock->hear, channel, deadline,
	    f), f);
}

static enum protocol_result
netflock_wait(struct lock *lock, int64_t deadline, struct failure *f)
{
	struct reply *r = NULL;
	enum protocol_result result = subscribe(lock, deadline, f);
	struct words w;

	if (result != PROTOCOL_HELD)
		return result;
	words_init(&w, lock);
	add_asker(&w, lock);
	add_once(&w, lock);
	if (lock->order > 0)
		add_number(&w, "order", lock->order);
	add(&w, "borns", lock->borns);
	if (lock->hold_ms > 0)
		add_number(&w, "hold", lock->hold_ms);
	result = call(lock, &script_queue, &w, deadline, &r, f);
	if (result != PROTOCOL_HELD)
		return result;
	if (strcmp(reply_word(r), "queued") == 0) {
		take_place(lock, r);
		result = PROTOCOL_WAITING;
	} else {
		result = answer(lock, r, f);
	}
	reply_free(r);
	return result;
}

/* 1: a number followed WORD and a blank. */
static int
message_is(const char *text, const char *word, int64_t *number)
{
	size_t len = strlen(word);
	char *end;

	if (strncmp(text, word, len) != 0 || text[len] != ' ')
		return 0;
	*number = strtoll(text + len + 1, &end, 10);
	return *end == '\0' && *number >= 0 && *number < NUMBER_MAX;
}

/*
 * WORD is said of this attempt.  Another one with our token may have had the
 * channel before us: what was said of that comes late, and is not for us.
 */
static bool
message_tells(const struct lock *lock, const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && text[len] == ' ' &&
	    strcmp(text + len + 1, lock->id) == 0;
}

static enum protocol_result
netflock_hear(struct lock *lock, struct failure *f)
{
	char text[128];
	int64_t number;
	bool granted = false;
	int n = 0;

	for (int i = 0; i < MESSAGES_MAX; i++) {
		n = session_message(lock->hear, text, sizeof(text));
		if (n != 1)
			break;
		if (message_is(text, "granted", &number)) {
			lock->fence = number;
			granted = true;
		}
		if (message_is(text, "head", &number)) {
			if (number > ASK_AGAIN_MS)
				number = ASK_AGAIN_MS;
			lock->rival.ahead = 0;
			lock->ask_again = deadline_min(lock->ask_latest,
			    deadline_now() + (number + 1) * DEADLINE_MS);
		} else if (message_tells(lock, text, "revoked") ||
		    message_tells(lock, text, "displaced")) {
			lock->ask_again = deadline_now();
		}
	}
	if (granted)
		return PROTOCOL_GRANTED;
	if (n != -1)
		return PROTOCOL_WAITING;
	failure_set(f, STATUS_UNAVAILABLE, "the server closed the connection");
	return PROTOCOL_RETRY;
}

/* Why a renewal or a release was refused, in words for the user. */
static void
explain(struct lock *lock, const struct reply *r, struct failure *f)
{
	static const struct {
		const char *why, *text;
	} texts[] = {
		{ "gone", "the server no longer has it (deleted or expired)" },
		{ "revoked", "it was reset" },
		{ "cooling", "it was given back already" },
		{ "other", "another attempt of the same token holds it" },
		{ "granted", "the server lost it and gave it to somebody else" },
		{ "limit", "the server lost it and others hold it" },
		{ "released", "it was given back" },
	};
	const char *why = reply_field(r, "why", NULL);
	const char *text = "the server says that it is not ours";
	char holder[256], name[256];

	for (size_t i = 0; why && i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(why, texts[i].why) == 0)
			text = texts[i].text;
	lock->returned = why && lock->want.handback &&
	    (strcmp(why, "released") == 0 || strcmp(why, "cooling") == 0);
	take_rival(lock, r);
	owner_format(holder, sizeof(holder), &lock->rival.owner);
	failure_set(f, STATUS_LOST, "%s%s%s%s",
	    about(name, sizeof(name), lock, ":"), text,
	    lock->rival.known ? ", now held by " : "",
	    lock->rival.known ? holder : "");
}

static enum protocol_result
netflock_keep(struct lock *lock, int64_t deadline, struct failure *f)
{
	int64_t sent = deadline_now();
	struct reply *r = NULL;
	enum protocol_result result;
	struct words w;

	words_init(&w, lock);
	add_asker(&w, lock);
	add_number(&w, "fence", lock->fence);
	add(&w, "borns", lock->borns);
	add_number(&w, "confirmed", lock->confirmed);
	/* Who runs is needed. */
	if (!lock->confirmed)
		add_once(&w, lock);
	result = call(lock, &script_renew, &w, deadline, &r, f);
	if (result != PROTOCOL_HELD)
		return result;
	if (strcmp(reply_word(r), "ok") == 0) {
		take_borns(lock, r);
		/* The message that we confirm may be of an older grant. */
		lock->fence = reply_number(r, "fence", lock->fence);
		lock->server_left_ms = reply_number(r, "left", -1);
		lock->restored = reply_number(r, "restored", 0) == 1;
		lock->lease_end = deadline_lease(&lock->want.terms, sent);
		lock->confirmed = true;
	} else if (strcmp(reply_word(r), "done") == 0) {
		result = done(lock, r);
	} else if (strcmp(reply_word(r), "lost") == 0) {
		explain(lock, r, f);
		result = PROTOCOL_LOST;
	} else {
		result = unexpected(r, f);
	}
	reply_free(r);
	return result;
}

static enum protocol_result
netflock_listen(struct lock *lock, int64_t deadline, struct failure *f)
{
	char text[128];
	enum protocol_result result = subscribe(lock, deadline, f);
	int n = 0;

	if (result != PROTOCOL_HELD)
		return result;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		n = session_message(lock->hear, text, sizeof(text));
		if (n != 1)
			break;
		if (message_tells(lock, text, "revoked")) {
			failure_set(f, STATUS_LOST, "it was reset");
			return PROTOCOL_LOST;
		}
		if (message_tells(lock, text, "displaced")) {
			failure_set(f, STATUS_LOST, "the server lost it, and "
			    "whoever got it since has it back");
			return PROTOCOL_LOST;
		}
		if (lock->want.handback &&
		    message_tells(lock, text, "released")) {
			failure_set(f, STATUS_LOST, "it was given back");
			lock->returned = true;
			return PROTOCOL_LOST;
		}
	}
	if (n != -1)
		return PROTOCOL_HELD;
	failure_set(f, STATUS_UNAVAILABLE, "the server closed the connection");
	return PROTOCOL_RETRY;
}

/*
 * "Lost" may be the work of an earlier release whose reply never came: it
 * deleted the record, or made it cooling.  The command had ended by then.
 */
static bool
released_before(const struct lock *lock, const struct reply *r)
{
	const char *why = reply_field(r, "why", NULL);
	const char *borns = reply_field(r, "borns", NULL);

	/* A server that forgot meanwhile may have had another holder. */
	return lock->release_unsure && why != NULL && borns != NULL &&
	    strcmp(borns, lock->borns) == 0 && (strcmp(why, "gone") == 0 || strcmp(why, "cooling") == 0);
}

static enum protocol_result
netflock_release(struct lock *lock, const struct lock_run *run,
    int64_t deadline, struct failure *f)
{
	struct reply *r = NULL;
	enum protocol_result result;
	struct words w;

	words_init(&w, lock);
	add_asker(&w, lock);
	add_number(&w, "fence", lock->fence);
	add(&w, "borns", lock->borns);
	if (run != NULL) {
		if (!run->lost)
			add_number(&w, "minhold", lock->want.min_hold_ms);
	}
	if (run != NULL && run->status >= 0) {
		add_number(&w, "status", run->status);
		add_number(&w, "ran", run->ran_ms);
		add_number(&w, "waited", lock->waited_ms);
		add_number(&w, "keep", lock->want.keep_history);
		add_once(&w, lock);
	}
	result = call(lock, &script_release, &w, deadline, &r, f);
	if (result == PROTOCOL_RETRY)
		lock->release_unsure = true;
	if (result != PROTOCOL_HELD)
		return result;
	if (strcmp(reply_word(r), "lost") == 0) {
		if (!released_before(lock, r)) {
			explain(lock, r, f);
			result = PROTOCOL_LOST;
		}
	} else if (strcmp(reply_word(r), "ok") != 0) {
		result = unexpected(r, f);
	}
	reply_free(r);
	return result;
}

static void
netflock_leave(struct lock *lock, int64_t deadline)
{
	struct reply *r = NULL;
	struct words w;
	int64_t ahead = lock->rival.ahead;

	leave_words(&w, lock);
	if (session_is_open(lock->ask))
		session_script(lock->ask, &script_leave, lock->key_count,
		    w.count, w.v, deadline, &r, NULL);
	else
		session_goodbye(lock->ask, &script_goodbye, lock->key_count,
		    w.count, w.v);
	/* Who has it now: it may have changed hands since we asked. */
	if (reply_field(r, "pid", NULL) != NULL) {
		take_rival(lock, r);
		lock->rival.ahead = ahead;
	}
	reply_free(r);
}

const struct protocol protocol_netflock = {
	.name = "netflock",
	.try = netflock_try,
	.wait = netflock_wait,
	.hear = netflock_hear,
	.keep = netflock_keep,
	.listen = netflock_listen,
	.release = netflock_release,
	.leave = netflock_leave,
	.inspect = protocol_netflock_inspect,
	.history = protocol_netflock_history,
	.reset = protocol_netflock_reset,
	.extend = protocol_netflock_extend,
	.list = protocol_netflock_list,
};
