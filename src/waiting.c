/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "duration.h"
#include "failure.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "signals.h"
#include "status.h"

/* " and 2 more, 4 ahead" */
static const char *
describe_others(char *dst, size_t size, const struct lock_rival *r)
{
	int n = 0;

	dst[0] = '\0';
	if (r->known && r->also > 0)
		n = snprintf(dst, size, " and %lld more", (long long)r->also);
	if (r->ahead > 0)
		snprintf(dst + n, size - (size_t)n, ", %lld ahead",
		    (long long)r->ahead);
	return dst;
}

/*
 * "held by ops@db3 pid 4711 for 3m12s (pg_dump) and 2 more, 4 ahead"; of
 * another name than the first: "'b' is held by ..."
 */
static const char *
describe(char *dst, size_t size, const struct lock *lock)
{
	const struct lock_rival *r = &lock->rival;
	char who[256], held[24], left[24], ahead[64];
	int n = 0;
	int64_t age = (deadline_now() - r->learned) / DEADLINE_MS;
	const char *what = r->owner.reason[0] != '\0' ? r->owner.reason
						      : r->owner.command;

	describe_others(ahead, sizeof(ahead), r);
	if (r->name != lock->want.name)
		n = snprintf(dst, size, "'%.200s' %s ", r->name,
		    r->known ? "is" : "has");
	dst += n;
	size -= (size_t)n;
	if (!r->known) {
		snprintf(dst, size, "no holder%s", ahead);
		return dst - n;
	}
	owner_format(who, sizeof(who), &r->owner);
	duration_format(held, sizeof(held), r->since_ms + age);
	duration_format(left, sizeof(left),
	    r->ends_ms > age ? r->ends_ms - age : 0);
	if (strcmp(r->state, "cooling") == 0)
		snprintf(dst, size, "kept free for %s more after %s (%s)%s",
		    left, who, what, ahead);
	else if (strcmp(r->state, "pending") == 0)
		snprintf(dst, size, "just granted to %s (%s)%s", who, what,
		    ahead);
	else if (strcmp(r->state, "revoked") == 0)
		snprintf(dst, size, "reset, but still held by %s for %s more "
		    "at most (%s)%s", who, left, what, ahead);
	else
		snprintf(dst, size, "held by %s for %s (%s)%s", who, held, what,
		    ahead);
	return dst - n;
}

/* To whoever looks on, not into cron's mail: it may still end well. */
static bool
watched(void)
{
	return message_verbose() || isatty(STDERR_FILENO);
}

static void
say_trouble(void *arg, const struct lock *lock, const struct failure *f)
{
	(void)arg;
	if (watched())
		message_error(lock->want.name, "%s; trying on", f->text);
}

static void
say_waiting(void *arg, const struct lock *lock)
{
	char text[960];

	(void)arg;
	if (watched())
		message_error(NULL, "waiting for '%s': %s", lock->want.name,
		    describe(text, sizeof(text), lock));
}

static void
say_busy(const struct options *o, const struct lock *lock)
{
	char text[960], wait[24];

	if (o->conflict_status == 0)
		return;
	describe(text, sizeof(text), lock);
	if (o->nonblock)
		message_error(o->name, "busy: %s", text);
	else
		message_error(o->name, "gave up after %s: %s",
		    duration_format(wait, sizeof(wait), o->wait_ms), text);
}

/* Die of the signal that ended the wait, unless the caller ignores it. */
static void
die(struct signals *signals)
{
	struct signals_event event;

	if (signals_next(signals, &event))
		signals_die(event.number);
}

static void
sleep_jitter(int64_t jitter_ms, struct signals *signals)
{
	uint64_t random = 0;
	int64_t until;
	struct pollfd fd = { signals->fd, POLLIN, 0 };

	if (jitter_ms == 0 ||
	    getrandom(&random, sizeof(random), 0) != sizeof(random))
		return;
	until = deadline_after_ms((int64_t)(random %
	    ((uint64_t)jitter_ms + 1)));
	while (deadline_now() < until)
		if (poll(&fd, 1, deadline_poll_ms(until, deadline_now())) > 0)
			die(signals);
}

/* A signal that came together with the lock: nothing has been started. */
static enum lock_result
check_signals(struct lock *lock, struct signals *signals, struct failure *f)
{
	struct pollfd fd = { signals->fd, POLLIN, 0 };

	if (poll(&fd, 1, 0) <= 0)
		return LOCK_HELD;
	lock_release(lock, NULL, deadline_now() + lock->want.terms.io, f);
	return LOCK_INTERRUPTED;
}

enum lock_result
waiting_acquire(const struct options *o, struct job *job, int *status,
    struct failure *f)
{
	struct signals *signals = &job->signals;
	struct lock *lock = job->lock;
	struct lock_patience patience = {
		.nonblock = o->nonblock,
		.connect_ns = o->connect_ms * DEADLINE_MS,
		.waiting = say_waiting,
		.trouble = say_trouble,
	};
	enum lock_result result;
	char waited[24];

	sleep_jitter(o->jitter_ms, signals);
	patience.wait_until = deadline_after_ms(o->wait_ms);
	do {
		lock_interrupt(lock, signals->fd);
		result = lock_acquire(lock, &patience, f);
		lock_interrupt(lock, -1);
		if (result == LOCK_HELD)
			result = check_signals(lock, signals, f);
		if (result == LOCK_INTERRUPTED)
			die(signals);
	} while (result == LOCK_INTERRUPTED &&
	    lock_start_over(lock, f) == 0);
	if (result == LOCK_HELD)
		message_note(o->name, "locked after %s, fence %lld",
		    duration_format(waited, sizeof(waited), lock->waited_ms),
		    (long long)lock->fence);
	if (result == LOCK_BUSY) {
		say_busy(o, lock);
		f->status = 0;
		*status = o->conflict_status;
	}
	return result;
}

int
waiting_refuse(const struct options *o, const struct failure *f)
{
	bool nowhere = f->status == STATUS_UNAVAILABLE && o->url_default;

	message_error(o->name, "%s%s", f->text,
	    nowhere ? " (start a Redis there, or set NETFLOCK_URL)" : "");
	return f->status;
}
