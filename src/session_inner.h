/* SPDX-License-Identifier: MIT */
/*
 * What the files of a session share, and nobody else sees:
 *
 *     session.c         connecting, sending, taking replies, session_call()
 *     session_script.c  scripts and subscriptions, in terms of the former
 *     session_batch.c   many calls of one script in one write
 *     session_words.c   what went wrong, in words
 */
#ifndef SESSION_INNER_H
#define SESSION_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reply.h"
#include "session.h"
#include "transport.h"

enum session_state {
	SESSION_CLOSED,
	SESSION_READY,
	SESSION_SUBSCRIBED,
	SESSION_UNFIT, /* AUTH or SELECT failed: for undo and goodbye only */
	SESSION_STALE  /* a reply is outstanding: for goodbye only */
};

/* What was asked: a greeting, in front of the first request, or a request. */
enum session_topic { TOPIC_AUTH, TOPIC_SELECT, TOPIC_NAME, TOPIC_REQUEST };

struct session_buffer {
	char *data;
	size_t start, end, size; /* start..end is in use */
};

struct session {
	struct session_settings settings;
	struct transport *transport;
	struct redisReader *reader;
	enum session_state state;
	bool spoke; /* the server has sent a reply on this connection */
	enum session_topic greetings[TOPIC_REQUEST]; /* not yet answered */
	int greeting_count;
	int64_t began; /* the present call, for "within 2s" */
	const struct script *script; /* that it runs, or NULL */
	size_t cap;
	struct session_buffer in, out;
	struct reply_scan scan; /* of the reply at the start of "in" */
	char endpoint[300];
	char client_name[64]; /* what the settings point to */
};

struct session_request {
	size_t argc;
	const char *const *argv;
	const size_t *lens; /* or NULL */
	int64_t deadline;
	bool stream; /* more than one reply may come */
};

/* session.c ---------------------------------------------------------- */

/* Be connected and idle: begin a call. */
enum session_result session_ready(
    struct session *s, int64_t deadline, struct failure *f);
/*
 * Send a request on the open connection, behind the greetings if it is new,
 * and hear the reply.  SESSION_OK also for an error reply.
 */
enum session_result session_exchange(struct session *s,
    const struct session_request *q, struct reply **reply, struct failure *f);
/* Turn an error reply into a result. */
enum session_result session_settle(struct session *s, enum session_result r,
    struct reply **reply, struct failure *f);
/* Put a request behind what is to be sent; 0, or -1 if out of memory. */
int session_put(struct session *s, size_t argc, const char *const *argv,
    const size_t *lens);
/* Send what has been put together.  A deadline of 0: what goes at once. */
enum transport_result session_push(struct session *s, int64_t deadline);
/* The next reply, an error reply included. */
enum session_result session_take(struct session *s, int64_t deadline,
    struct reply **reply, struct failure *f);
/* Whom we authenticate as; "" for nobody. */
const char *session_user(const struct session *s);

/* session_words.c: each sets F (which may be NULL) ------------------- */

/* These close the connection.  HOW: "'db1:6379' HOW". */
enum session_result session_no_memory(struct session *s, struct failure *f);
enum session_result session_broken(
    struct session *s, struct failure *f, const char *how);
/* The server closed it; perhaps it said why. */
enum session_result session_lost(struct session *s, struct failure *f);
enum session_result session_too_long(struct session *s, struct failure *f);
enum session_result session_garbage(struct session *s, struct failure *f);
/* This one does not. */
enum session_result session_timed_out(
    const struct session *s, int64_t deadline, struct failure *f);
/* What the error TEXT means, as the answer to TOPIC. */
struct reply_verdict session_judge(const struct session *s, const char *text,
    enum session_topic topic, struct failure *f);

#endif
