/* SPDX-License-Identifier: MIT */
#include "deadline.h"

#include <limits.h>
#include <time.h>

int64_t
deadline_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t
deadline_after_ms(int64_t ms)
{
	if (ms < 0 || ms >= INT64_MAX / (2 * DEADLINE_MS))
		return DEADLINE_NEVER;
	return deadline_now() + ms * DEADLINE_MS;
}

int
deadline_poll_ms(int64_t at, int64_t now)
{
	int64_t ms;

	if (at == DEADLINE_NEVER)
		return -1;
	if (at <= now)
		return 0;
	ms = (at - now - 1) / DEADLINE_MS + 1;	/* rounded up */
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int64_t
deadline_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
deadline_terms(struct deadline_terms *t, int64_t ttl_ms, int64_t kill_after_ms,
    int64_t io_ms)
{
	int64_t ttl = ttl_ms * DEADLINE_MS;

	t->ttl = ttl;
	t->drift = ttl / 100 + 2 * DEADLINE_MS;
	t->slack = max64(50 * DEADLINE_MS, ttl / 100);
	t->renew = deadline_min(ttl / 3, 10000 * DEADLINE_MS);
	t->kill_after = kill_after_ms >= 0
	    ? kill_after_ms * DEADLINE_MS
	    : deadline_min(ttl / 6, 5000 * DEADLINE_MS);
	t->io = io_ms >= 0 ? io_ms * DEADLINE_MS
			   : deadline_min(ttl / 10, 2000 * DEADLINE_MS);
}

bool
deadline_terms_fit(const struct deadline_terms *t)
{
	return t->ttl > 1000 * DEADLINE_MS && t->io > 0 &&
	    t->kill_after < t->ttl && t->io < t->ttl &&
	    t->renew + t->io + t->kill_after + 2 * t->slack + t->drift < t->ttl;
}

/* By halving: whether a ttl fits never changes back as it grows. */
int64_t
deadline_smallest_ttl_ms(int64_t kill_after_ms, int64_t io_ms)
{
	int64_t low = 1000;				/* never fits */
	int64_t high = low;

	/* Twice what is given and more, below the overflow of nanoseconds. */
	high += 8 * (max64(kill_after_ms, 0) + max64(io_ms, 0)) + 4000;
	high = deadline_min(high, INT64_MAX / (4 * DEADLINE_MS));
	while (low + 1 < high) {
		int64_t middle = low + (high - low) / 2;
		struct deadline_terms t;

		deadline_terms(&t, middle, kill_after_ms, io_ms);
		if (deadline_terms_fit(&t))
			high = middle;
		else
			low = middle;
	}
	return high;
}

int64_t
deadline_lease(const struct deadline_terms *t, int64_t sent)
{
	return sent + t->ttl - t->drift;
}

int64_t
deadline_term_at(const struct deadline_terms *t, int64_t lease_end)
{
	return lease_end - t->kill_after - t->slack;
}

int64_t
deadline_kill_at(const struct deadline_terms *t, int64_t lease_end)
{
	return lease_end - t->slack;
}

bool
deadline_may_start(const struct deadline_terms *t, int64_t lease_end,
    int64_t now)
{
	return now < deadline_term_at(t, lease_end);
}

void
deadline_cell_init(struct deadline_cell *c, int64_t lease_end)
{
	atomic_init(&c->end, lease_end);
	atomic_init(&c->extended, 0);
}

int64_t
deadline_cell_end(const struct deadline_cell *c)
{
	int64_t end = atomic_load(&c->end);

	return end < 0 ? -end : end;
}

bool
deadline_cell_latched(const struct deadline_cell *c)
{
	return atomic_load(&c->end) < 0;
}

bool
deadline_cell_extend(struct deadline_cell *c, const struct deadline_terms *t,
    int64_t lease_end, int64_t now)
{
	int64_t old = atomic_load(&c->end);

	do {
		if (old < 0 || !deadline_may_start(t, old, now))
			return false;
		if (lease_end <= old)	/* deadlines only move forward */
			return true;
	} while (!atomic_compare_exchange_weak(&c->end, &old, lease_end));
	atomic_fetch_add(&c->extended, 1);
	return true;
}

bool
deadline_cell_expire(struct deadline_cell *c, const struct deadline_terms *t,
    int64_t now)
{
	int64_t old = atomic_load(&c->end);

	do {
		if (old < 0)
			return true;
		if (now < deadline_term_at(t, old))
			return false;
	} while (!atomic_compare_exchange_weak(&c->end, &old, -old));
	return true;
}

void
deadline_cell_latch(struct deadline_cell *c)
{
	int64_t old = atomic_load(&c->end);

	while (old > 0 && !atomic_compare_exchange_weak(&c->end, &old, -old))
		;
}
