/* SPDX-License-Identifier: MIT */
#include "admin.h"

#include <poll.h>
#include <string.h>

#include "deadline.h"
#include "failure.h"
#include "protocol.h"
#include "seen.h"
#include "session.h"
#include "status.h"

#define BACK_OFF_FIRST (20 * DEADLINE_MS)
#define BACK_OFF_LAST (500 * DEADLINE_MS)
/* Whole pages of SCAN, and whole queues. */
#define REPLY_CAP ((size_t)4 * 1024 * 1024)

/* One request, whatever it is; ARG knows what it needs. */
typedef enum protocol_result attempt_once(
    struct admin *a, void *arg, int64_t deadline, struct failure *f);

int
admin_open(
    struct admin *a, const struct session_settings *settings, struct failure *f)
{
	a->answered = false;
	a->session = session_new(settings);
	if (a->session == NULL)
		return failure_set(f, STATUS_OS, "out of memory");
	session_cap(a->session, REPLY_CAP);
	admin_interrupt(a, -1);
	return 0;
}

void
admin_interrupt(struct admin *a, int fd)
{
	a->interrupt_fd = fd;
	session_interrupt(a->session, fd);
}

void
admin_close(struct admin *a)
{
	session_free(a->session);
	a->session = NULL;
}

static bool
interrupted_within(const struct admin *a, int64_t time)
{
	struct pollfd fd = { a->interrupt_fd, POLLIN, 0 };
	int64_t now = deadline_now();

	return poll(&fd, 1, deadline_poll_ms(now + time, now)) > 0;
}

/* Ask until there is an answer, or time is up. */
static enum admin_result
pursue(struct admin *a, attempt_once *attempt, void *arg, struct failure *f)
{
	int64_t until = deadline_now() + a->connect_ns;
	int64_t pause = BACK_OFF_FIRST, deadline;

	if (a->answered)
		until += a->io_ns;
	for (;;) {
		deadline = until;
		if (a->answered && session_is_open(a->session))
			deadline =
			    deadline_min(deadline_now() + a->io_ns, until);
		switch (attempt(a, arg, deadline, f)) {
		case PROTOCOL_HELD:
			a->answered = true;
			return ADMIN_OK;
		case PROTOCOL_RETRY:
			break;
		case PROTOCOL_INTERRUPTED:
			return ADMIN_INTERRUPTED;
		default:
			return ADMIN_FAILED;
		}
		if (deadline_now() + pause >= until)
			return ADMIN_FAILED;
		if (interrupted_within(a, pause))
			return ADMIN_INTERRUPTED;
		pause = deadline_min(2 * pause, BACK_OFF_LAST);
	}
}

/* ------------------------------------------------------------------ */

struct look {
	const char *name;
	int waiters;
	struct inspect *in;
};

static enum protocol_result
try_inspect(struct admin *a, void *arg, int64_t deadline, struct failure *f)
{
	const struct look *look = arg;

	return a->protocol->inspect(
	    a, look->name, look->waiters, deadline, look->in, f);
}

enum admin_result
admin_inspect(struct admin *a, const char *name, int waiters,
    struct inspect *in, struct failure *f)
{
	struct look look = { name, waiters, in };

	return pursue(a, try_inspect, &look, f);
}

struct recall {
	const char *name;
	struct inspect_runs *runs;
};

static enum protocol_result
try_history(struct admin *a, void *arg, int64_t deadline, struct failure *f)
{
	const struct recall *recall = arg;

	return a->protocol->history(a, recall->name, deadline, recall->runs, f);
}

enum admin_result
admin_history(struct admin *a, const char *name, struct inspect_runs *runs,
    struct failure *f)
{
	struct recall recall = { name, runs };

	return pursue(a, try_history, &recall, f);
}

struct removing {
	struct admin_removal *removal;
	bool unsure; /* a request went out whose reply never came */
};

static enum protocol_result
try_reset(struct admin *a, void *arg, int64_t deadline, struct failure *f)
{
	struct removing *r = arg;
	enum protocol_result result =
	    a->protocol->reset(a, r->removal, deadline, f);

	/* It is gone: our first request may well have done that. */
	if (result == PROTOCOL_HELD && r->unsure && r->removal->count == 0)
		r->removal->count = 1;
	if (result == PROTOCOL_RETRY)
		r->unsure = true;
	return result;
}

enum admin_result
admin_reset(struct admin *a, struct admin_removal *removal, struct failure *f)
{
	struct removing removing = { removal, false };

	return pursue(a, try_reset, &removing, f);
}

static enum protocol_result
try_extend(struct admin *a, void *arg, int64_t deadline, struct failure *f)
{
	return a->protocol->extend(a, arg, deadline, f);
}

enum admin_result
admin_extend(
    struct admin *a, struct admin_extension *extension, struct failure *f)
{
	return pursue(a, try_extend, extension, f);
}

static enum protocol_result
try_list(struct admin *a, void *arg, int64_t deadline, struct failure *f)
{
	struct admin_walk *walk = arg;
	enum protocol_result result = a->protocol->list(a, walk, deadline, f);

	/* A cursor means nothing to a server that was started anew. */
	if (result == PROTOCOL_RETRY)
		memcpy(walk->cursor, "0", sizeof("0"));
	return result;
}

enum admin_result
admin_list(struct admin *a, struct admin_walk *walk, struct failure *f)
{
	enum admin_result result = ADMIN_OK;

	memcpy(walk->cursor, "0", sizeof("0"));
	walk->done = false;
	walk->seen = walk->exact ? seen_new_exact() : seen_new();
	if (walk->seen == NULL) {
		failure_set(f, STATUS_OS, "out of memory");
		return ADMIN_FAILED;
	}
	while (result == ADMIN_OK && !walk->done)
		result = pursue(a, try_list, walk, f);
	if (result == ADMIN_OK && seen_failed(walk->seen)) {
		failure_set(f, STATUS_OS, "out of memory");
		result = ADMIN_FAILED;
	}
	seen_free(walk->seen);
	walk->seen = NULL;
	return result;
}
