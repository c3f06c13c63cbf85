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
#include "options_table.h"
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

/* "by WHO for TIME"; where a line may be cut, what changes comes first. */
static const char *
describe_time(char *dst, size_t size, const char *who, const char *time,
    bool cut)
{
	snprintf(dst, size, "%s %s %s %s", cut ? "for" : "by",
	    cut ? time : who, cut ? "by" : "for", cut ? who : time);
	return dst;
}

/*
 * "held by ops@db3 pid 4711 for 3m12s (pg_dump) and 2 more, 4 ahead", for a
 * line that may be CUT "held for 3m12s by ..."; of another name than the
 * first: "'b' is held by ..."
 */
static const char *
describe(char *dst, size_t size, const struct lock_rival *r, const char *name,
    bool cut)
{
	char who[256], by[520], held[24], left[24], most[48], ahead[64];
	int n = 0;
	int64_t age = (deadline_now() - r->learned) / DEADLINE_MS;
	const char *what = r->owner.reason[0] != '\0' ? r->owner.reason
						      : r->owner.command;

	describe_others(ahead, sizeof(ahead), r);
	if (r->name != name)
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
	snprintf(most, sizeof(most), "%s more at most", left);
	if (strcmp(r->state, "cooling") == 0)
		snprintf(dst, size, "kept by --min-hold for %s more after %s "
		    "(%s)%s", left, who, what, ahead);
	else if (strcmp(r->state, "pending") == 0)
		snprintf(dst, size, "just granted to %s (%s)%s", who, what,
		    ahead);
	else if (strcmp(r->state, "revoked") == 0)
		snprintf(dst, size, "reset, but still held %s (%s)%s",
		    describe_time(by, sizeof(by), who, most, cut), what, ahead);
	else
		snprintf(dst, size, "held %s (%s)%s",
		    describe_time(by, sizeof(by), who, held, cut), what, ahead);
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
		message_say(MESSAGE_WARNING, lock->want.name, "%s; trying on",
		    f->text);
}

/*
 * A line that may be cut: place and time come first.  Whole seconds, since it
 * is drawn each second.
 */
static bool
draw(const struct lock *lock)
{
	struct lock_rival r = lock->rival;
	int64_t age = (deadline_now() - r.learned) / DEADLINE_MS;
	char who[960], ahead[40] = "", text[1600];

	if (r.ahead > 0)
		snprintf(ahead, sizeof(ahead), ", %lld ahead",
		    (long long)r.ahead);
	r.ahead = 0;
	r.since_ms -= (r.since_ms + age) % 1000;
	if (r.ends_ms > age)
		r.ends_ms -= (r.ends_ms - age) % 1000;
	snprintf(text, sizeof(text), "waiting for '%s'%s: %s", lock->want.name,
	    ahead, describe(who, sizeof(who), &r, lock->want.name, true));
	return message_live(text);
}

/* On a terminal that can, one line that is kept up to date. */
static bool
say_waiting(void *arg, const struct lock *lock)
{
	const struct options *o = arg;
	char text[960];

	if (!watched())
		return false;
	if (!o->dumb && draw(lock))
		return true;
	message_say(MESSAGE_NOTICE, lock->want.name, "waiting: %s",
	    describe(text, sizeof(text), &lock->rival, lock->want.name, false));
	return false;
}

/* With -E 0 it is nothing to speak of, unless all is to be told. */
static bool
tells(const struct options *o)
{
	return o->conflict_status != 0 || message_verbose();
}

static void
say_busy(const struct options *o, const struct lock *lock)
{
	char text[960], wait[24];

	if (!tells(o))
		return;
	describe(text, sizeof(text), &lock->rival, lock->want.name, false);
	if (o->nonblock)
		message_say(MESSAGE_NOTICE, o->name, "busy: %s", text);
	else
		message_say(MESSAGE_NOTICE, o->name, "gave up after %s: %s",
		    duration_format(wait, sizeof(wait), o->wait_ms), text);
}

/* --once-per: who did it, and when. */
static void
say_done(const struct options *o, const struct lock *lock)
{
	const struct lock_rival *r = &lock->rival;
	char who[256], began[24];

	if (!tells(o))
		return;
	owner_format(who, sizeof(who), &r->owner);
	duration_format(began, sizeof(began), r->since_ms);
	message_say(MESSAGE_NOTICE, o->name,
	    "skipped: %s began it %s ago, with success (%s)",
	    r->known ? who : "somebody", began, r->owner.command);
}

/* The signal that ended the wait, unless it is none for us: 0. */
static int
ending(struct signals *signals)
{
	struct signals_event event;

	return signals_next(signals, &event) ? event.number : 0;
}

/* Returns the signal that ended it, or 0. */
static int
sleep_jitter(const struct options *o, struct signals *signals)
{
	uint64_t random = 0;
	int64_t until;
	struct pollfd fd = { signals->fd, POLLIN, 0 };
	int number = 0;
	char text[24];

	if (o->jitter_ms == 0 ||
	    getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 0;
	random %= (uint64_t)o->jitter_ms + 1;
	message_note(o->name, "sleeping for %s before the first attempt",
	    duration_format(text, sizeof(text), (int64_t)random));
	until = deadline_after_ms((int64_t)random);
	while (number == 0 && deadline_now() < until)
		if (poll(&fd, 1, deadline_poll_ms(until, deadline_now())) > 0)
			number = ending(signals);
	return number;
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

/* From the first attempt to an end that no signal puts off. */
static enum lock_result
pursue(const struct options *o, struct job *job, struct failure *f)
{
	struct lock *lock = job->lock;
	struct lock_patience patience = {
		.nonblock = o->nonblock,
		.persistent = o->if_unreachable == OPTIONS_WAIT,
		.wait_until = deadline_after_ms(o->wait_ms),
		.connect_ns = o->connect_ms * DEADLINE_MS,
		.waiting = say_waiting,
		.trouble = say_trouble,
		.waiting_arg = (void *)(uintptr_t)o,
	};
	enum lock_result result;

	do {
		lock_interrupt(lock, job->signals.fd);
		result = lock_acquire(lock, &patience, f);
		lock_interrupt(lock, -1);
		if (result == LOCK_HELD)
			result = check_signals(lock, &job->signals, f);
		if (result == LOCK_INTERRUPTED)
			job->ended_by = ending(&job->signals);
	} while (result == LOCK_INTERRUPTED && job->ended_by == 0 &&
	    lock_start_over(lock, f) == 0);
	return result;
}

/* --if-unreachable run: nothing keeps others from doing the same. */
static bool
runs_anyway(const struct options *o, struct job *job, struct failure *f)
{
	if (o->if_unreachable != OPTIONS_RUN_ANYWAY || job->lock->answered ||
	    f->status != STATUS_UNAVAILABLE)
		return false;
	message_always(o->name, "%s; running the command WITHOUT THE LOCK",
	    f->text);
	job->unlocked = true;
	job->lock->lease_end = DEADLINE_NEVER;
	return true;
}

enum lock_result
waiting_acquire(const struct options *o, struct job *job, int *status,
    struct failure *f)
{
	struct lock *lock = job->lock;
	enum lock_result result = LOCK_INTERRUPTED;
	char waited[24];

	job->ended_by = sleep_jitter(o, &job->signals);
	job->began = deadline_now();
	if (job->ended_by == 0)
		result = pursue(o, job, f);
	message_live(NULL);
	job->acquired = deadline_now();
	switch (result) {
	case LOCK_HELD:
		message_note(o->name, "locked after %s, fence %lld",
		    duration_format(waited, sizeof(waited), lock->waited_ms),
		    (long long)lock->fence);
		return LOCK_HELD;
	case LOCK_BUSY:
	case LOCK_DONE:
		(result == LOCK_BUSY ? say_busy : say_done)(o, lock);
		f->status = 0;
		*status = o->conflict_status;
		return result;
	case LOCK_INTERRUPTED:
		if (job->ended_by == 0)	/* F says why not */
			return LOCK_FAILED;
		f->status = 0;
		*status = 128 + job->ended_by;
		return result;
	default:
		return runs_anyway(o, job, f) ? LOCK_HELD : result;
	}
}

/* What to do, where that is clear: " (...)". */
static const char *
advise(char *dst, size_t size, const struct options *o, const struct failure *f)
{
	const char *near = NULL;

	dst[0] = '\0';
	if (f->status == STATUS_UNAVAILABLE && o->url_default)
		snprintf(dst, size,
		    " (start a Redis there, or set NETFLOCK_URL)");
	/* "netflock histroy nightly" is the command "nightly". */
	if (f->status == STATUS_NOTFOUND)
		near = options_table_near_command(o->commands, o->name);
	if (near != NULL)
		snprintf(dst, size, " (did you mean 'netflock %s'?)", near);
	return dst;
}

int
waiting_refuse(const struct options *o, const struct failure *f)
{
	char advice[80];

	message_error(o->name, "%s%s", f->text,
	    advise(advice, sizeof(advice), o, f));
	return f->status;
}
