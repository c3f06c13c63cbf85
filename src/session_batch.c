/* SPDX-License-Identifier: MIT */
/*
 * Many calls of one script in one write.  The first goes alone: it greets a
 * new connection, and teaches the server the script.
 */
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "script.h"
#include "session_inner.h"

#define WORDS_MAX 16

/* Send all but the first. */
static enum session_result
send_rest(struct session *s, const struct session_batch *b, int64_t deadline,
    struct failure *f)
{
	const char *words[3 + WORDS_MAX];
	enum transport_result sent;
	char nkeys[24];

	snprintf(nkeys, sizeof(nkeys), "%zu", b->nkeys);
	words[0] = "EVALSHA";
	words[1] = b->script->sha1;
	words[2] = nkeys;
	for (size_t i = 1; i < b->count; i++) {
		memcpy(words + 3, b->argv + i * b->argc,
		    b->argc * sizeof(*words));
		if (session_put(s, 3 + b->argc, words, NULL) != 0)
			return session_no_memory(s, f);
	}
	sent = session_push(s, deadline);
	if (sent == TRANSPORT_OK)
		return SESSION_OK;
	if (sent != TRANSPORT_TIMEOUT && sent != TRANSPORT_INTERRUPTED)
		return session_lost(s, f);
	session_close(s);
	return sent == TRANSPORT_TIMEOUT ? session_timed_out(s, deadline, f)
					 : SESSION_INTERRUPTED;
}

static enum session_result
hear_one(struct session *s, const struct session_batch *b, size_t i,
    int64_t deadline, struct failure *f)
{
	struct reply *reply = NULL;
	enum session_result r = session_take(s, deadline, &reply, f);

	/* Somebody flushed the scripts just now. */
	if (r == SESSION_OK && reply_kind(reply) == REPLY_ERROR &&
	    strncmp(reply_text(reply), "NOSCRIPT", 8) == 0) {
		reply_free(reply);
		return session_broken(s, f, "forgot a script");
	}
	r = session_settle(s, r, &reply, f);
	if (r == SESSION_OK)
		b->each(b->arg, i, reply);
	return r;
}

enum session_result
session_scripts(struct session *s, const struct session_batch *b,
    int64_t deadline, struct failure *f)
{
	struct reply *reply = NULL;
	enum session_result r;

	if (b->count == 0 || b->argc > WORDS_MAX)
		return SESSION_OK;
	r = session_script(
	    s, b->script, b->nkeys, b->argc, b->argv, deadline, &reply, f);
	if (r == SESSION_OK)
		b->each(b->arg, 0, reply);
	else
		reply_free(reply);
	if (r != SESSION_OK || b->count == 1)
		return r;
	s->began = deadline_now();
	r = send_rest(s, b, deadline, f);
	for (size_t i = 1; i < b->count && r == SESSION_OK; i++)
		r = hear_one(s, b, i, deadline, f);
	if (r == SESSION_OK && s->in.start != s->in.end)
		r = session_broken(s, f, "sent more than it was asked for");
	/* Replies may still come: nothing else must take them for its own. */
	if (r != SESSION_OK)
		session_close(s);
	return r;
}
