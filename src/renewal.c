/* SPDX-License-Identifier: MIT */
#include "renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "deadline.h"
#include "lock.h"
#include "status.h"

#define BACK_OFF_FIRST (50 * DEADLINE_MS)
#define BACK_OFF_LAST  (1000 * DEADLINE_MS)
/* Less than this is no time to subscribe in. */
#define LISTEN_LEAST   (50 * DEADLINE_MS)

struct renewal {
	struct lock *lock;
	struct deadline_cell *lease;
	pthread_t thread;
	int stop;	  /* eventfd: the keeper wants the lock back */
	int news[2];	  /* pipe: struct news; its end is the thread's */
	bool ended;	  /* the keeper's: it has seen that */
	/* the thread's own: */
	int timer;	  /* CLOCK_BOOTTIME; -1: there is none to be had */
	int64_t due;	  /* of the next renewal */
	int64_t back_off;
	bool failing;	  /* and said so */
	bool listening;
	int64_t listen_at; /* if not: when to try again ... */
	int64_t listen_back_off;
};

struct news {
	enum renewal_news kind;
	struct failure failure;
};

/* One packet below PIPE_BUF is never torn; a full pipe drops it. */
static void
tell(struct renewal *r, enum renewal_news kind, const struct failure *f)
{
	struct news news;

	memset(&news, 0, sizeof(news));
	news.kind = kind;
	if (f != NULL)
		news.failure = *f;
	while (write(r->news[1], &news, sizeof(news)) == -1 && errno == EINTR)
		;
}

static void
tell_lost(struct renewal *r, const struct failure *f)
{
	tell(r, r->lock->returned ? RENEWAL_RETURNED : RENEWAL_LOST, f);
}

/*
 * The lease had at least (what we count) - (what clocks may differ) left
 * when the server looked: less proves that its clock was moved.
 */
static void
check_clock(struct renewal *r, int64_t old_end, int64_t now)
{
	int64_t left = r->lock->server_left_ms * DEADLINE_MS;
	struct failure f;

	if (r->lock->server_left_ms < 0 || left >= old_end - now)
		return;
	failure_set(&f, STATUS_LOST,
	    "the server's clock ran ahead by at least %lld ms",
	    (long long)((old_end - now - left) / DEADLINE_MS));
	tell(r, RENEWAL_CLOCK, &f);
}

/* Returns whether the lock is still ours. */
static bool
renewed(struct renewal *r, int64_t old_end, int64_t sent)
{
	const struct deadline_terms *terms = &r->lock->want.terms;
	int64_t now = deadline_now();
	struct failure f;

	if (!deadline_cell_extend(r->lease, terms, r->lock->lease_end, now)) {
		failure_set(&f, STATUS_LOST, "renewed too late");
		tell(r, RENEWAL_LOST, &f);
		return false;
	}
	check_clock(r, old_end, now);
	if (r->lock->restored)
		tell(r, RENEWAL_RESTORED, NULL);
	else if (r->failing)
		tell(r, RENEWAL_RECOVERED, NULL);
	r->failing = false;
	r->back_off = BACK_OFF_FIRST;
	r->due = sent + terms->renew;
	return true;
}

static void
failed(struct renewal *r, const struct failure *f)
{
	if (!r->failing)
		tell(r, RENEWAL_FAILED, f);
	r->failing = true;
	r->due = deadline_now() + r->back_off;
	/* A server that is back is asked within a renewal interval (G2). */
	r->back_off = deadline_min(2 * r->back_off,
	    deadline_min(BACK_OFF_LAST, r->lock->want.terms.renew));
}

/* No request outlives the moment when the command must be stopped. */
static int64_t
request_deadline(const struct renewal *r, int64_t now)
{
	const struct deadline_terms *terms = &r->lock->want.terms;
	int64_t end = deadline_cell_end(r->lease);

	return deadline_min(now + terms->io, deadline_term_at(terms, end));
}

static bool
renew(struct renewal *r)
{
	int64_t sent = deadline_now();
	int64_t old_end = deadline_cell_end(r->lease);
	struct failure f = { .status = 0 };

	switch (lock_keep(r->lock, request_deadline(r, sent), &f)) {
	case LOCK_HELD:
		return renewed(r, old_end, sent);
	case LOCK_LOST:
		tell_lost(r, &f);
		return false;
	case LOCK_INTERRUPTED:
		return false;
	default:
		failed(r, &f);
		return true;
	}
}

/* A subscription that nobody answers must not cost the lock. */
static int64_t
listen_deadline(const struct renewal *r)
{
	int64_t now = deadline_now(), least = now + LISTEN_LEAST;

	return deadline_min(request_deadline(r, now),
	    r->due > least ? r->due : least);
}

/*
 * Hear a reset: from the moment of the subscription, or of the renewal after
 * it.
 */
static bool
listen_to_resets(struct renewal *r)
{
	struct failure f = { .status = 0 };
	bool before = r->listening;

	switch (lock_listen(r->lock, listen_deadline(r), &f)) {
	case LOCK_HELD:
		r->listening = true;
		r->listen_back_off = BACK_OFF_FIRST;
		if (!before)
			r->due = 0;	/* a reset may have gone unheard */
		return true;
	case LOCK_LOST:
		tell_lost(r, &f);
		return false;
	case LOCK_INTERRUPTED:
		return false;
	default:
		/* It may never be allowed: renewing matters more. */
		r->listening = false;
		r->listen_at = deadline_now() + r->listen_back_off;
		r->listen_back_off = deadline_min(2 * r->listen_back_off,
		    r->lock->want.terms.renew);
		return true;
	}
}

/*
 * Wake poll(2) at the instant UNTIL.  By a timer, since its own timeout does
 * not count suspend, after which a renewal may be overdue.
 */
static void
wake_at(struct renewal *r, int64_t until)
{
	struct itimerspec spec = { { 0, 0 }, { 0, 1 } };

	if (until > 0) {
		spec.it_value.tv_sec = until / 1000000000;
		spec.it_value.tv_nsec = until % 1000000000;
	}
	timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Sleep until the next renewal, a message, or the end of a connection. */
static bool
rest(struct renewal *r)
{
	struct pollfd fds[4] = {
		{ r->stop, POLLIN, 0 },
		{ lock_listen_fd(r->lock), POLLIN, 0 },
		{ lock_ask_fd(r->lock), POLLIN, 0 },
		{ r->timer, POLLIN, 0 },
	};
	int64_t until = r->due;

	if (!r->listening)
		until = deadline_min(until, r->listen_at);
	if (r->timer != -1)
		wake_at(r, until);
	poll(fds, 4, deadline_poll_ms(until, deadline_now()));
	if (fds[0].revents != 0)
		return false;
	if (fds[1].revents != 0) {
		if (!listen_to_resets(r))
			return false;
		if (!r->listening)
			r->due = 0;
	}
	if (fds[2].revents != 0 && !lock_ask_check(r->lock))
		r->due = 0;	/* the server went away: ask at once */
	return true;
}

/* If it is time to; but a renewal that is due soon comes first. */
static bool
listen_if_due(struct renewal *r)
{
	int64_t now = deadline_now();

	if (r->listening || now < r->listen_at)
		return true;
	if (r->due - now < LISTEN_LEAST) {
		r->listen_at = r->due;
		return true;
	}
	return listen_to_resets(r);
}

static void *
renewal_thread(void *arg)
{
	struct renewal *r = arg;

	r->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	for (;;) {
		if (deadline_cell_latched(r->lease))
			break;
		if (deadline_now() >= r->due && !renew(r))
			break;
		if (!listen_if_due(r))
			break;
		if (!rest(r))
			break;
	}
	if (r->timer != -1)
		close(r->timer);
	close(r->news[1]);
	return NULL;
}

static void
release(struct renewal *r)
{
	if (r->stop != -1)
		close(r->stop);
	if (r->news[0] != -1)
		close(r->news[0]);
	free(r);
}

struct renewal *
renewal_new(struct lock *lock, struct deadline_cell *lease,
    struct failure *f)
{
	struct renewal *r = calloc(1, sizeof(*r));
	int64_t ttl = lock->want.terms.ttl - lock->want.terms.drift;

	if (r == NULL)
		goto fail;
	r->news[0] = r->news[1] = -1;
	r->lock = lock;
	r->lease = lease;
	r->back_off = r->listen_back_off = BACK_OFF_FIRST;
	r->due = deadline_cell_end(lease) - ttl + lock->want.terms.renew;
	r->stop = eventfd(0, EFD_CLOEXEC);
	if (r->stop != -1 && pipe2(r->news, O_CLOEXEC | O_NONBLOCK) == 0)
		return r;
fail:
	failure_set(f, STATUS_OS, "cannot prepare the renewal: %s",
	    strerror(errno));
	if (r != NULL)
		release(r);
	return NULL;
}

int
renewal_start(struct renewal *r, struct failure *f)
{
	int error;

	lock_interrupt(r->lock, r->stop);
	lock_threaded(r->lock, true);
	error = pthread_create(&r->thread, NULL, renewal_thread, r);
	if (error == 0)
		return 0;
	lock_interrupt(r->lock, -1);
	lock_threaded(r->lock, false);
	return failure_set(f, STATUS_OS, "cannot start the renewal: %s",
	    strerror(error));
}

void
renewal_once(struct renewal *r)
{
	renew(r);
}

int
renewal_fd(const struct renewal *r)
{
	return r->ended ? -1 : r->news[0];
}

enum renewal_news
renewal_next(struct renewal *r, struct failure *f)
{
	struct news news;
	ssize_t n = read(r->news[0], &news, sizeof(news));

	r->ended = n == 0;
	if (n != sizeof(news))
		return RENEWAL_NONE;
	*f = news.failure;
	return news.kind;
}

bool
renewal_stop(struct renewal *r, int64_t deadline)
{
	const uint64_t one = 1;
	struct pollfd end = { r->news[0], 0, 0 };
	int n;

	while (write(r->stop, &one, sizeof(one)) == -1 && errno == EINTR)
		;
	do {
		n = poll(&end, 1, deadline_poll_ms(deadline, deadline_now()));
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return false;
	pthread_join(r->thread, NULL);	/* its last act was that end */
	lock_interrupt(r->lock, -1);
	lock_threaded(r->lock, false);
	release(r);
	return true;
}
