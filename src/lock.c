/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "protocol.h"
#include "session.h"
#include "status.h"

#define BACK_OFF_FIRST (20 * DEADLINE_MS)
#define BACK_OFF_LAST  (1000 * DEADLINE_MS)
/* How long a waiter that gives up may take to say so (-w is exact). */
#define LEAVE_TIME (30 * DEADLINE_MS)
/* A request that had less time than this proves nothing by failing. */
#define FAIR_TIME (100 * DEADLINE_MS)
#define NOTICE_TIME (1000 * DEADLINE_MS)
/*
 * Who gives up should know that the server is there: ask once more this long
 * before the end, if the last answer is older than that.
 */
#define LAST_ASK (500 * DEADLINE_MS)

/* Every name has three keys: the scripts take them sorted by kind. */
static int
make_keys(struct lock *lock)
{
	static const char *const parts[] = { "", ":queue", ":waiters" };
	const struct lock_request *want = &lock->want;
	size_t names = want->with_count + 1;

	lock->keys = calloc(3 * names, sizeof(*lock->keys));
	for (size_t i = 0; lock->keys != NULL && i < 3 * names; i++) {
		size_t n = i % names;

		if (asprintf(&lock->keys[i], "%s:{%s}%s", want->prefix,
			n == 0 ? want->name : want->with[n - 1],
			parts[i / names]) == -1)
			return -1;
		lock->key_count++;
	}
	return lock->keys != NULL ? 0 : -1;
}

/* The identity of one attempt.  Returns 0, or -1 (errno). */
static int
name_attempt(struct lock *lock)
{
	if (lock->want.token != NULL)
		snprintf(lock->token, sizeof(lock->token), "%s",
		    lock->want.token);
	else if (token_random(lock->token) == -1)
		return -1;
	return token_random(lock->id);
}

struct lock *
lock_new(const struct lock_request *request,
    const struct session_settings *settings, struct failure *f)
{
	struct lock *lock = calloc(1, sizeof(*lock));

	if (lock == NULL)
		goto fail;
	lock->want = *request;
	lock->interrupt_fd = -1;
	lock->server_left_ms = -1;
	snprintf(lock->key, sizeof(lock->key), "%s:{%s}", request->prefix,
	    request->name);
	snprintf(lock->borns, sizeof(lock->borns), "0");
	lock->rival.name = request->name;
	if (make_keys(lock) == -1 || name_attempt(lock) == -1)
		goto fail;
	lock->ask = session_new(settings);
	lock->hear = session_new(settings);
	if (lock->ask != NULL && lock->hear != NULL) {
		session_share(lock->hear, lock->ask);
		return lock;
	}
fail:
	failure_set(f, STATUS_OS, "cannot prepare a lock: %s",
	    strerror(errno));
	lock_free(lock);
	return NULL;
}

void
lock_free(struct lock *lock)
{
	if (lock == NULL)
		return;
	session_free(lock->ask);
	session_free(lock->hear);
	for (size_t i = 0; i < lock->key_count; i++)
		free(lock->keys[i]);
	free(lock->keys);
	free(lock);
}

void
lock_interrupt(struct lock *lock, int fd)
{
	lock->interrupt_fd = fd;
	session_interrupt(lock->ask, fd);
	session_interrupt(lock->hear, fd);
}

void
lock_threaded(struct lock *lock, bool threaded)
{
	session_threaded(lock->ask, threaded);
	session_threaded(lock->hear, threaded);
}

int
lock_start_over(struct lock *lock, struct failure *f)
{
	lock->confirmed = false;
	session_close(lock->hear);	/* its channel has the token's name */
	if (name_attempt(lock) == 0)
		return 0;
	return failure_set(f, STATUS_OS, "no random numbers: %s",
	    strerror(errno));
}

/* ------------------------------------------------------------------ */
/* Getting it. */

/* One lock_acquire() on its way. */
struct pursuit {
	struct lock *lock;
	const struct protocol *protocol;
	const struct lock_patience *patience;
	struct failure *f;
	bool reasoned;	   /* F has been set */
	int64_t begin;
	bool answered;	   /* the server has given a usable answer ... */
	bool unanswered;   /* ... but not to the last request */
	bool queued;	   /* waiting, as opposed to the first attempt */
	bool troubled;	   /* and that has been said */
	int refusals;	   /* confirmations refused in a row */
	int64_t back_off;
	int64_t answer_at; /* when the last usable one came */
	int64_t notice_at;
};

/* Until when all this may take. */
static int64_t
limit(const struct pursuit *p)
{
	int64_t first = p->begin + p->patience->connect_ns;

	if (p->patience->nonblock)
		return first;
	return p->answered || p->patience->persistent ? p->patience->wait_until
			   : deadline_min(first, p->patience->wait_until);
}

/* The deadline of one request: connecting is part of it. */
static int64_t
request_deadline(const struct pursuit *p)
{
	int64_t time = p->lock->want.terms.io;

	if (!p->answered)
		return deadline_min(limit(p),
		    deadline_now() + p->patience->connect_ns);
	if (!session_is_open(p->lock->ask) || !session_is_open(p->lock->hear))
		time += p->patience->connect_ns;
	return deadline_min(deadline_now() + time, limit(p));
}

/*
 * Sleep until UNTIL, a message, the end of a connection, or a signal.
 * Returns the readable descriptors' bits: 1 messages, 2 requests, 4 signal.
 */
static int
nap(const struct lock *lock, int64_t until, bool listening)
{
	struct pollfd fds[3] = {
		{ listening ? session_fd(lock->hear) : -1, POLLIN, 0 },
		{ listening ? session_fd(lock->ask) : -1, POLLIN, 0 },
		{ lock->interrupt_fd, POLLIN, 0 },
	};
	int ready = 0;

	if (poll(fds, 3, deadline_poll_ms(until, deadline_now())) <= 0)
		return 0;
	for (int i = 0; i < 3; i++)
		if (fds[i].revents != 0)
			ready |= 1 << i;
	return ready;
}

static enum lock_result
interrupted(struct pursuit *p)
{
	lock_interrupt(p->lock, -1);
	p->protocol->leave(p->lock, deadline_now() + 10 * LEAVE_TIME);
	return LOCK_INTERRUPTED;
}

static enum lock_result
out_of_time(struct pursuit *p)
{
	lock_interrupt(p->lock, -1);
	p->protocol->leave(p->lock, deadline_now() + LEAVE_TIME);
	if (p->unanswered || !p->answered)
		return LOCK_FAILED;	/* F still holds the last reason */
	return LOCK_BUSY;
}

static enum lock_result
back_off(struct pursuit *p)
{
	int64_t until = deadline_now() + p->back_off;

	p->back_off = deadline_min(2 * p->back_off, BACK_OFF_LAST);
	if (nap(p->lock, deadline_min(until, limit(p)), false) & 4)
		return interrupted(p);
	return deadline_now() >= limit(p) ? out_of_time(p) : LOCK_RETRY;
}

/*
 * Ours, and time enough left to run something: if not, give it back.  A
 * reply can be late because it, or we, were held up.  That release may be held up
 * as well: only a new identity is safe from it when it arrives at last.
 */
static enum lock_result
accept(struct pursuit *p)
{
	struct lock *lock = p->lock;
	int64_t now = deadline_now();

	if (deadline_may_start(&lock->want.terms, lock->lease_end, now))
		return LOCK_HELD;
	p->protocol->leave(lock, now + lock->want.terms.io);
	failure_set(p->f, STATUS_UNAVAILABLE,
	    "acquired too late: the reply took longer than the lease allows");
	p->unanswered = true;
	return lock_start_over(lock, p->f) == 0 ? back_off(p) : LOCK_FAILED;
}

/* No use going on; what the server has of us is not to keep others out. */
static enum lock_result
give_up(struct pursuit *p)
{
	lock_interrupt(p->lock, -1);
	p->protocol->leave(p->lock, deadline_now() + LEAVE_TIME);
	return LOCK_FAILED;
}

/* A grant is a hint: only a renewal proves it. */
static enum lock_result
confirm(struct pursuit *p)
{
	int64_t deadline = request_deadline(p);
	int64_t least = deadline_now() + LEAVE_TIME;

	/* Granted at the last moment is granted. */
	if (deadline < least)
		deadline = least;
	switch (p->protocol->keep(p->lock, deadline, p->f)) {
	case PROTOCOL_HELD:
		return accept(p);
	case PROTOCOL_LOST:
		/* Ask again: at once, and then after a second. */
		if (p->refusals++ == 0)
			return LOCK_RETRY;
		p->back_off = BACK_OFF_LAST;
		return back_off(p);
	case PROTOCOL_DONE:
		return LOCK_DONE;
	case PROTOCOL_FATAL:
		return give_up(p);
	case PROTOCOL_INTERRUPTED:
		return interrupted(p);
	default:
		p->unanswered = true;
		return back_off(p);
	}
}

/* When to ask next: what the protocol says, or for the last time. */
static int64_t
next_ask(const struct pursuit *p)
{
	int64_t end = limit(p);

	if (end == DEADLINE_NEVER || end - LAST_ASK <= p->answer_at)
		return p->lock->ask_again;
	return deadline_min(p->lock->ask_again, end - LAST_ASK);
}

/* In the queue: until something happens.  RETRY: ask again. */
static enum lock_result
wait_turn(struct pursuit *p)
{
	struct lock *lock = p->lock;

	for (;;) {
		int64_t until = deadline_min(next_ask(p), limit(p));
		int ready = nap(lock, deadline_min(until, p->notice_at), true);
		int64_t now = deadline_now();

		if (ready & 4)
			return interrupted(p);
		if (now >= limit(p))
			return out_of_time(p);
		/* A server that hangs up after each answer is not hammered. */
		if (now - p->answer_at >= BACK_OFF_LAST)
			p->back_off = BACK_OFF_FIRST;
		if (ready & 1) {
			enum protocol_result heard =
			    p->protocol->hear(lock, p->f);

			if (heard == PROTOCOL_GRANTED)
				return confirm(p);
			if (heard != PROTOCOL_WAITING)
				return back_off(p);
		}
		if ((ready & 2) && !session_check(lock->ask))
			return back_off(p);
		if (now >= p->notice_at)
			p->notice_at = p->patience->waiting != NULL &&
			    p->patience->waiting(p->patience->waiting_arg, lock)
			    ? now + NOTICE_TIME : DEADLINE_NEVER;
		if (now >= next_ask(p))
			return LOCK_RETRY;
	}
}

static enum lock_result
answer(struct pursuit *p, enum protocol_result result)
{
	bool usable = result != PROTOCOL_RETRY;

	p->unanswered = !usable;
	if (usable) {
		p->answered = true;
		p->lock->answered |= result != PROTOCOL_FATAL &&
		    result != PROTOCOL_INTERRUPTED;
		p->troubled = false;
		p->answer_at = deadline_now();
	}
	switch (result) {
	case PROTOCOL_HELD:
		return accept(p);
	case PROTOCOL_GRANTED:
		return confirm(p);
	case PROTOCOL_BUSY:
		if (p->patience->nonblock)
			return LOCK_BUSY;
		if (deadline_now() >= limit(p))
			return out_of_time(p);
		p->queued = true;
		return LOCK_RETRY;
	case PROTOCOL_WAITING:
		p->refusals = 0;
		return wait_turn(p);
	case PROTOCOL_DONE:
		return LOCK_DONE;
	case PROTOCOL_INTERRUPTED:
		return interrupted(p);
	case PROTOCOL_RETRY:
		if (!p->troubled && p->patience->trouble != NULL)
			p->patience->trouble(p->patience->waiting_arg, p->lock,
			    p->f);
		p->troubled = true;
		return back_off(p);
	default:
		return p->queued ? give_up(p) : LOCK_FAILED;
	}
}

/*
 * One request.  What cut it short was the end of our patience: then the
 * answer before it, or the reason why there was none, is what counts.
 */
static enum lock_result
attempt(struct pursuit *p)
{
	int64_t deadline = request_deadline(p);
	bool fair = deadline - deadline_now() >= FAIR_TIME;
	struct failure f = { .status = 0 };
	enum protocol_result result = p->queued
	    ? p->protocol->wait(p->lock, deadline, &f)
	    : p->protocol->try(p->lock, deadline, &f);

	if (result == PROTOCOL_RETRY && !fair && (p->answered || p->reasoned))
		return back_off(p);
	if (f.status != 0) {
		*p->f = f;
		p->reasoned = true;
	}
	return answer(p, result);
}

enum lock_result
lock_acquire(struct lock *lock, const struct lock_patience *patience,
    struct failure *f)
{
	struct pursuit p = {
		.lock = lock,
		.protocol = lock->want.protocol,
		.patience = patience,
		.f = f,
		.begin = deadline_now(),
		.back_off = BACK_OFF_FIRST,
	};
	enum lock_result result;

	p.notice_at = p.begin + NOTICE_TIME;
	do {
		result = attempt(&p);
		if (result == LOCK_RETRY && deadline_now() >= limit(&p))
			result = out_of_time(&p);
	} while (result == LOCK_RETRY);
	lock->waited_ms = (deadline_now() - p.begin) / DEADLINE_MS;
	return result;
}

/* ------------------------------------------------------------------ */
/* Keeping it, and giving it back. */

static enum lock_result
outcome(enum protocol_result result)
{
	switch (result) {
	case PROTOCOL_HELD:
	case PROTOCOL_GRANTED:
		return LOCK_HELD;
	case PROTOCOL_LOST:
		return LOCK_LOST;
	case PROTOCOL_INTERRUPTED:
		return LOCK_INTERRUPTED;
	case PROTOCOL_RETRY:
		return LOCK_RETRY;
	default:
		return LOCK_FAILED;
	}
}

enum lock_result
lock_keep(struct lock *lock, int64_t deadline, struct failure *f)
{
	return outcome(lock->want.protocol->keep(lock, deadline, f));
}

enum lock_result
lock_listen(struct lock *lock, int64_t deadline, struct failure *f)
{
	return outcome(lock->want.protocol->listen(lock, deadline, f));
}

int
lock_listen_fd(const struct lock *lock)
{
	return session_fd(lock->hear);
}

int
lock_ask_fd(const struct lock *lock)
{
	return session_fd(lock->ask);
}

bool
lock_ask_check(struct lock *lock)
{
	return session_check(lock->ask);
}

enum lock_result
lock_release(struct lock *lock, const struct lock_run *run, int64_t deadline,
    struct failure *f)
{
	int64_t pause = BACK_OFF_FIRST;
	enum lock_result result;

	for (;;) {
		int64_t now = deadline_now();
		int64_t one = deadline_min(now + lock->want.terms.io, deadline);

		result = outcome(lock->want.protocol->release(lock, run, one,
		    f));
		if (result != LOCK_RETRY || deadline_now() + pause >= deadline)
			return result;
		nap(lock, deadline_now() + pause, false);
		pause = deadline_min(2 * pause, BACK_OFF_LAST);
	}
}

void
lock_abandon(struct lock *lock)
{
	session_abandon(lock->ask);
	session_abandon(lock->hear);
	lock_interrupt(lock, -1);
}
