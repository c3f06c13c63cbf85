/* SPDX-License-Identifier: MIT */
#include "session_inner.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "failure.h"
#include "status.h"
#include "transport.h"
#include "url.h"

#define READ_SIZE ((size_t)4096)

/* ------------------------------------------------------------------ */
/* Buffers */

static int
buffer_room(struct session_buffer *b, size_t n)
{
	size_t size = b->size == 0 ? READ_SIZE : b->size;
	char *data;

	if (b->start > 0) {
		memmove(b->data, b->data + b->start, b->end - b->start);
		b->end -= b->start;
		b->start = 0;
	}
	while (size - b->end < n)
		size *= 2;
	if (size == b->size)
		return 0;
	data = realloc(b->data, size);
	if (data == NULL)
		return -1;
	b->data = data;
	b->size = size;
	return 0;
}

static void
buffer_empty(struct session_buffer *b)
{
	b->start = 0;
	b->end = 0;
}

/* ------------------------------------------------------------------ */
/* Making and closing */

struct session *
session_new(const struct session_settings *settings)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->settings = *settings;
	if (settings->client_name != NULL) {
		snprintf(s->client_name, sizeof(s->client_name), "%s",
		    settings->client_name);
		s->settings.client_name = s->client_name;
	}
	s->cap = SESSION_CAP;
	url_endpoint(s->endpoint, sizeof(s->endpoint), settings->url);
	s->transport = transport_new(settings->url);
	if (s->transport == NULL) {
		session_free(s);
		return NULL;
	}
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	transport_free(s->transport);
	if (s->reader != NULL)
		redisReaderFree(s->reader);
	if (s->out.data != NULL)
		explicit_bzero(s->out.data, s->out.size);
	free(s->out.data);
	free(s->in.data);
	free(s);
}

void
session_share(struct session *s, const struct session *with)
{
	transport_share(s->transport, with->transport);
}

void
session_interrupt(struct session *s, int fd)
{
	transport_interrupt(s->transport, fd);
}

void
session_threaded(struct session *s, bool threaded)
{
	transport_threaded(s->transport, threaded);
}

void
session_cap(struct session *s, size_t bytes)
{
	s->cap = bytes;
}

void
session_close(struct session *s)
{
	transport_shut(s->transport);
	s->state = SESSION_CLOSED;
}

void
session_abandon(struct session *s)
{
	session_close(s);
}

const struct transport *
session_transport(const struct session *s)
{
	return s->transport;
}

bool
session_is_open(const struct session *s)
{
	return s->state == SESSION_READY || s->state == SESSION_SUBSCRIBED;
}

int
session_fd(const struct session *s)
{
	return session_is_open(s) ? transport_fd(s->transport) : -1;
}

bool
session_check(struct session *s)
{
	char byte;
	size_t n;

	if (s->state == SESSION_READY &&
	    transport_recv(s->transport, &byte, 1, &n, 0) != TRANSPORT_TIMEOUT)
		session_close(s);
	return session_is_open(s);
}

/* ------------------------------------------------------------------ */
/* Sending */

/* Put a request behind what is to be sent. */
int
session_put(
    struct session *s, size_t argc, const char *const *argv, const size_t *lens)
{
	char *text = NULL;
	long long len;

	len =
	    redisFormatCommandArgv(&text, (int)argc, (const char **)argv, lens);
	if (len < 0)
		return -1;
	if (buffer_room(&s->out, (size_t)len) != 0) {
		explicit_bzero(text, (size_t)len);
		redisFreeCommand(text);
		return -1;
	}
	memcpy(s->out.data + s->out.end, text, (size_t)len);
	s->out.end += (size_t)len;
	explicit_bzero(text, (size_t)len);
	redisFreeCommand(text);
	return 0;
}

/* Send what has been put together, and forget it: it may hold a password. */
enum transport_result
session_push(struct session *s, int64_t deadline)
{
	enum transport_result r = transport_send(s->transport,
	    s->out.data + s->out.start, s->out.end - s->out.start, deadline);

	explicit_bzero(s->out.data, s->out.end);
	buffer_empty(&s->out);
	return r;
}

static int
greet(struct session *s, enum session_topic what, size_t argc,
    const char *const *argv)
{
	s->greetings[s->greeting_count++] = what;
	return session_put(s, argc, argv, NULL);
}

const char *
session_user(const struct session *s)
{
	const char *user = s->settings.user;

	return user != NULL && *user != '\0' ? user : s->settings.url->user;
}

static const char *
session_password(const struct session *s)
{
	return s->settings.password != NULL ? s->settings.password
					    : s->settings.url->password;
}

/* Who we are and where we work, in front of the first request. */
static int
greet_all(struct session *s)
{
	const char *user = session_user(s), *password = session_password(s);
	const char *name = s->settings.client_name;
	char db[16];
	int bad = 0;

	s->greeting_count = 0;
	buffer_empty(&s->out);
	if (*user != '\0')
		bad |= greet(s, TOPIC_AUTH, 3,
		    (const char *[]){ "AUTH", user, password });
	else if (*password != '\0')
		bad |= greet(
		    s, TOPIC_AUTH, 2, (const char *[]){ "AUTH", password });
	snprintf(db, sizeof(db), "%d", s->settings.url->db);
	if (s->settings.url->db != 0)
		bad |=
		    greet(s, TOPIC_SELECT, 2, (const char *[]){ "SELECT", db });
	if (name != NULL)
		bad |= greet(s, TOPIC_NAME, 3,
		    (const char *[]){ "CLIENT", "SETNAME", name });
	return bad;
}

static enum session_result
session_connect(struct session *s, int64_t deadline, struct failure *f)
{
	enum transport_result r;

	session_close(s);
	if (s->settings.connect_ns > 0 &&
	    s->settings.connect_ns < deadline - s->began)
		deadline = s->began + s->settings.connect_ns;
	r = transport_open(s->transport, deadline, f);
	if (r == TRANSPORT_INTERRUPTED)
		return SESSION_INTERRUPTED;
	if (r != TRANSPORT_OK)
		return r == TRANSPORT_REFUSED ? SESSION_REFUSED
					      : SESSION_BROKEN;
	if (s->reader == NULL)
		s->reader = redisReaderCreate();
	buffer_empty(&s->in);
	if (s->reader == NULL || greet_all(s) != 0 ||
	    buffer_room(&s->in, READ_SIZE) != 0)
		return session_no_memory(s, f);
	memset(&s->scan, 0, sizeof(s->scan));
	s->spoke = false;
	s->state = SESSION_READY;
	return SESSION_OK;
}

/* A connection that nothing has been said on, or that is idle. */
enum session_result
session_ready(struct session *s, int64_t deadline, struct failure *f)
{
	s->began = deadline_now();
	s->script = NULL;
	if (s->state == SESSION_READY && session_check(s))
		return SESSION_OK;
	return session_connect(s, deadline, f);
}

/* ------------------------------------------------------------------ */
/* Receiving */

/* Read more of the reply.  The connection is as it was unless BROKEN. */
static enum session_result
in_fill(struct session *s, int64_t deadline, struct failure *f)
{
	enum transport_result r;
	size_t n = 0;

	if (buffer_room(&s->in, READ_SIZE) != 0)
		return session_no_memory(s, f);
	r = transport_recv(s->transport, s->in.data + s->in.end,
	    s->in.size - s->in.end, &n, deadline);
	switch (r) {
	case TRANSPORT_OK:
		s->in.end += n;
		return SESSION_OK;
	case TRANSPORT_TIMEOUT:
		return session_timed_out(s, deadline, f);
	case TRANSPORT_INTERRUPTED:
		return SESSION_INTERRUPTED;
	default:
		return session_lost(s, f);
	}
}

/* The reply that reply_scan() found whole. */
static enum session_result
in_parse(struct session *s, struct reply **reply, struct failure *f)
{
	size_t len = s->scan.at;

	*reply = reply_parse(s->reader, s->in.data + s->in.start, len);
	if (*reply == NULL) {
		bool full = s->reader->err == REDIS_ERR_OOM;

		/* It may be waiting for the rest of something. */
		redisReaderFree(s->reader);
		s->reader = NULL;
		return full ? session_no_memory(s, f) : session_garbage(s, f);
	}
	s->spoke = true;
	s->in.start += len;
	memset(&s->scan, 0, sizeof(s->scan));
	return SESSION_OK;
}

/* The next reply, an error reply included. */
enum session_result
session_take(struct session *s, int64_t deadline, struct reply **reply,
    struct failure *f)
{
	enum session_result r = SESSION_OK;

	while (r == SESSION_OK) {
		switch (reply_scan(&s->scan, s->in.data + s->in.start,
		    s->in.end - s->in.start, s->cap)) {
		case REPLY_WHOLE:
			return in_parse(s, reply, f);
		case REPLY_TOO_LONG:
			return session_too_long(s, f);
		case REPLY_GARBAGE:
			return session_garbage(s, f);
		case REPLY_PARTIAL:
			r = in_fill(s, deadline, f);
			break;
		}
	}
	return r;
}

/* ------------------------------------------------------------------ */
/* A request and its reply */

/*
 * A name is nice to have: a server that does not want it is good enough.  But
 * what it says to the first greeting may be meant for the connection: too
 * many clients, protected mode.
 */
static bool
greeting_failed(enum session_topic topic, const struct reply *reply)
{
	const char *text = reply_text(reply);

	if (reply_kind(reply) != REPLY_ERROR)
		return false;
	return topic != TOPIC_NAME ||
	       (reply_judge(text).result != SESSION_ERROR &&
		   strncmp(text, "NOPERM", 6) != 0);
}

/*
 * Take the answers to the greetings.  *BAD is what the first refused one
 * means, F says it; SESSION_OK if none was.
 */
static enum session_result
hear_greetings(struct session *s, int64_t deadline, enum session_result *bad,
    struct failure *f)
{
	enum session_result r = SESSION_OK;

	*bad = SESSION_OK;
	for (int i = 0; i < s->greeting_count && r == SESSION_OK; i++) {
		struct reply *reply = NULL;

		/* What comes after a refusal must not overwrite its text. */
		r = session_take(
		    s, deadline, &reply, *bad == SESSION_OK ? f : NULL);
		if (*bad == SESSION_OK &&
		    greeting_failed(s->greetings[i], reply))
			*bad = session_judge(
			    s, reply_text(reply), s->greetings[i], f)
				   .result;
		reply_free(reply);
	}
	s->greeting_count = 0;
	return r;
}

static enum session_result
hear(struct session *s, int64_t deadline, struct reply **reply,
    struct failure *f)
{
	enum session_result bad, r = hear_greetings(s, deadline, &bad, f);

	if (r == SESSION_OK)
		r = session_take(
		    s, deadline, reply, bad == SESSION_OK ? f : NULL);
	if (bad == SESSION_OK) {
		if (r == SESSION_TIMEOUT || r == SESSION_INTERRUPTED)
			s->state = SESSION_STALE;
		return r;
	}
	if (r == SESSION_OK && reply_kind(*reply) != REPLY_ERROR) {
		s->state = SESSION_UNFIT;
		return bad;
	}
	reply_free(*reply);
	*reply = NULL;
	session_close(s);
	return bad;
}

/*
 * Send a request on the open connection, behind the greetings if it is new,
 * and hear the reply.  SESSION_OK also for an error reply.
 */
enum session_result
session_exchange(struct session *s, const struct session_request *q,
    struct reply **reply, struct failure *f)
{
	enum transport_result sent;
	enum session_result r;

	if (session_put(s, q->argc, q->argv, q->lens) != 0)
		return session_no_memory(s, f);
	sent = session_push(s, q->deadline);
	if (sent == TRANSPORT_TIMEOUT || sent == TRANSPORT_INTERRUPTED) {
		/* Half a request is never executed, nothing to undo. */
		session_close(s);
		return sent == TRANSPORT_TIMEOUT
			   ? session_timed_out(s, q->deadline, f)
			   : SESSION_INTERRUPTED;
	}
	if (sent == TRANSPORT_OK)
		r = hear(s, q->deadline, reply, f);
	else /* it may have said why before it hung up */
		r = hear(s, 0, reply, f);
	if (sent != TRANSPORT_OK && r == SESSION_TIMEOUT)
		return session_lost(s, f);
	if (r == SESSION_OK && !q->stream && s->in.start != s->in.end) {
		reply_free(*reply);
		*reply = NULL;
		return session_broken(s, f, "sent more than it was asked for");
	}
	return r;
}

/* Turn an error reply into a result. */
enum session_result
session_settle(struct session *s, enum session_result r, struct reply **reply,
    struct failure *f)
{
	struct reply_verdict v;

	if (r != SESSION_OK || reply_kind(*reply) != REPLY_ERROR)
		return r;
	v = session_judge(s, reply_text(*reply), TOPIC_REQUEST, f);
	reply_free(*reply);
	*reply = NULL;
	if (v.elsewhere)
		transport_forget(s->transport);
	/* The next attempt is to greet anew, or to go elsewhere. */
	if (v.elsewhere || v.result == SESSION_REFUSED)
		session_close(s);
	return v.result;
}

enum session_result
session_call(struct session *s, size_t argc, const char *const *argv,
    const size_t *lens, int64_t deadline, struct reply **reply,
    struct failure *f)
{
	struct session_request q = { argc, argv, lens, deadline, false };
	enum session_result r;

	*reply = NULL;
	r = session_ready(s, deadline, f);
	if (r == SESSION_OK)
		r = session_exchange(s, &q, reply, f);
	return session_settle(s, r, reply, f);
}

enum session_result
session_ask(struct session *s, size_t argc, const char *const *argv,
    int64_t deadline, struct reply **reply, struct failure *f)
{
	struct session_request q = { argc, argv, NULL, deadline, false };
	enum session_result r;

	*reply = NULL;
	r = session_ready(s, deadline, f);
	return r == SESSION_OK ? session_exchange(s, &q, reply, f) : r;
}
