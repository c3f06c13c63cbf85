/* SPDX-License-Identifier: MIT */
/*
 * When a lease ends, and what must have happened by then.  All instants are
 * nanoseconds of CLOCK_BOOTTIME (it counts suspend, and no one can set it);
 * all durations here are nanoseconds.  See DESIGN 4:
 *
 *     D = sent + ttl - (ttl/100 + 2 ms)      "sent": before the first byte
 *     TERM at D - kill_after - slack, KILL at D - slack
 *
 * Steps of use: deadline_terms() once from the options; deadline_lease()
 * for every reply; deadline_may_start() before the command is started; then one
 * struct deadline_cell is shared by the thread that renews (extends it) and
 * the one that watches (latches it).
 */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_MS	INT64_C(1000000)
#define DEADLINE_NEVER	INT64_MAX

struct deadline_terms {
	int64_t ttl;
	int64_t drift;	    /* ttl/100 + 2 ms */
	int64_t slack;	    /* max(50 ms, ttl/100) */
	int64_t kill_after; /* between TERM and KILL */
	int64_t io;	    /* one request and its reply */
	int64_t renew;	    /* min(ttl/3, 10 s) */
};

/* Now, in nanoseconds of CLOCK_BOOTTIME. */
int64_t deadline_now(void);
/* Now + MS; DEADLINE_NEVER if MS is negative. */
int64_t deadline_after_ms(int64_t ms);
/* Milliseconds from NOW to AT for poll(2): rounded up, -1 for never, 0 if past. */
int deadline_poll_ms(int64_t at, int64_t now);
/* The earlier of two instants. */
int64_t deadline_min(int64_t a, int64_t b);

/*
 * Fill T from milliseconds; kill_after_ms and io_ms are -1 for their defaults
 * (min(5 s, ttl/6) and min(2 s, ttl/10)).
 */
void deadline_terms(struct deadline_terms *t, int64_t ttl_ms,
    int64_t kill_after_ms, int64_t io_ms);
/* Whether renew + io + kill_after + 2 slack + drift < ttl and ttl > 1 s. */
bool deadline_terms_fit(const struct deadline_terms *t);
/* The smallest ttl in ms that fits these kill_after and io (-1: defaults). */
int64_t deadline_smallest_ttl_ms(int64_t kill_after_ms, int64_t io_ms);

/* D of a lease whose request was sent at SENT. */
int64_t deadline_lease(const struct deadline_terms *t, int64_t sent);
int64_t deadline_term_at(const struct deadline_terms *t, int64_t lease_end);
int64_t deadline_kill_at(const struct deadline_terms *t, int64_t lease_end);
/* Whether a command may still be started under this lease. */
bool deadline_may_start(const struct deadline_terms *t, int64_t lease_end,
    int64_t now);

/*
 * The lease's end as two threads (and the front, on a shared page) see it.
 * A latched cell is a lost lease: nothing revives it.
 */
struct deadline_cell {
	_Atomic int64_t end; /* D; negative: latched, its magnitude is D */
	_Atomic int64_t extended; /* how often it was moved */
};

void deadline_cell_init(struct deadline_cell *c, int64_t lease_end);
int64_t deadline_cell_end(const struct deadline_cell *c);
bool deadline_cell_latched(const struct deadline_cell *c);
/*
 * The renewing side: move D forward to LEASE_END.  Returns false if it is
 * too late (TERM is due at NOW under the old D, or latched): the lease is lost.
 */
bool deadline_cell_extend(struct deadline_cell *c,
    const struct deadline_terms *t, int64_t lease_end, int64_t now);
/* The watching side: latch if TERM is due at NOW.  Returns whether latched. */
bool deadline_cell_expire(struct deadline_cell *c,
    const struct deadline_terms *t, int64_t now);
/* Latch whatever the time is: the lock is known to be lost, or given back. */
void deadline_cell_latch(struct deadline_cell *c);

#endif
