/* SPDX-License-Identifier: MIT */
#include "session_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "failure.h"
#include "script.h"

/* A script, and what it is called with. */
struct call {
	const struct script *script;
	size_t nkeys, argc;
	const char *const *argv;
	int64_t deadline;
};

/* "EVALSHA sha nkeys args..." or "EVAL source nkeys args...", for free(). */
static const char **
script_words(const struct call *c, bool by_sha, char nkeys[24])
{
	const char **words = malloc((c->argc + 3) * sizeof(*words));

	if (words == NULL)
		return NULL;
	snprintf(nkeys, 24, "%zu", c->nkeys);
	words[0] = by_sha ? "EVALSHA" : "EVAL";
	words[1] = by_sha ? c->script->sha1 : c->script->source;
	words[2] = nkeys;
	for (size_t i = 0; i < c->argc; i++)
		words[3 + i] = c->argv[i];
	return words;
}

static enum session_result
script_exchange(struct session *s, const struct call *c, bool by_sha,
    struct reply **reply, struct failure *f)
{
	char nkeys[24];
	const char **words = script_words(c, by_sha, nkeys);
	struct session_request q = { c->argc + 3, words, NULL, c->deadline,
		false };
	enum session_result r;

	if (words == NULL)
		return session_no_memory(s, f);
	r = session_exchange(s, &q, reply, f);
	free(words);
	return r;
}

/* On the connection as it is. */
static enum session_result
script_run(struct session *s, const struct call *c, struct reply **reply,
    struct failure *f)
{
	enum session_result r;

	s->script = c->script;
	r = script_exchange(s, c, true, reply, f);
	if (r == SESSION_OK && reply_kind(*reply) == REPLY_ERROR &&
	    strncmp(reply_text(*reply), "NOSCRIPT", 8) == 0) {
		reply_free(*reply);
		*reply = NULL;
		r = script_exchange(s, c, false, reply, f);
	}
	return session_settle(s, r, reply, f);
}

enum session_result
session_script(struct session *s, const struct script *script, size_t nkeys,
    size_t argc, const char *const *argv, int64_t deadline,
    struct reply **reply, struct failure *f)
{
	struct call c = { script, nkeys, argc, argv, deadline };
	enum session_result r;

	*reply = NULL;
	r = session_ready(s, deadline, f);
	return r == SESSION_OK ? script_run(s, &c, reply, f) : r;
}

enum session_result
session_undo(struct session *s, const struct script *script, size_t nkeys,
    size_t argc, const char *const *argv, int64_t deadline,
    struct reply **reply, struct failure *f)
{
	struct call c = { script, nkeys, argc, argv, deadline };

	*reply = NULL;
	s->began = deadline_now();
	if (s->state != SESSION_READY && s->state != SESSION_UNFIT)
		return session_broken(s, f, "is not connected any more");
	return script_run(s, &c, reply, f);
}

void
session_goodbye(struct session *s, const struct script *script, size_t nkeys,
    size_t argc, const char *const *argv)
{
	struct call c = { script, nkeys, argc, argv, 0 };
	char text[24];
	const char **words = NULL;

	if (s->state == SESSION_READY || s->state == SESSION_UNFIT ||
	    s->state == SESSION_STALE)
		words = script_words(&c, false, text);
	if (words != NULL && session_put(s, argc + 3, words, NULL) == 0)
		(void)session_push(s, 0);
	free(words);
	session_close(s);
}

/* ------------------------------------------------------------------ */
/* Subscriptions */

enum session_result
session_subscribe(
    struct session *s, const char *channel, int64_t deadline, struct failure *f)
{
	const char *words[] = { "SUBSCRIBE", channel };
	struct session_request q = { 2, words, NULL, deadline, true };
	struct reply *reply = NULL;
	enum session_result r = session_ready(s, deadline, f);

	if (r == SESSION_OK)
		r = session_exchange(s, &q, &reply, f);
	r = session_settle(s, r, &reply, f);
	if (r != SESSION_OK)
		session_close(s);
	else if (strcmp(reply_word(reply), "subscribe") == 0)
		s->state = SESSION_SUBSCRIBED;
	else
		r = session_broken(s, f, "did not confirm the subscription");
	reply_free(reply);
	return r;
}

int
session_message(struct session *s, char *text, size_t size)
{
	struct reply *reply = NULL;
	enum session_result r;
	bool message;

	if (s->state != SESSION_SUBSCRIBED)
		return -1;
	r = session_take(s, 0, &reply, NULL);
	if (r == SESSION_TIMEOUT)
		return 0;
	message = r == SESSION_OK && reply_count(reply) == 3 &&
		  strcmp(reply_word(reply), "message") == 0;
	if (message)
		snprintf(text, size, "%s", reply_text(reply_at(reply, 2)));
	else
		session_close(s);
	reply_free(reply);
	return message ? 1 : -1;
}
