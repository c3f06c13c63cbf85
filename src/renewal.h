/* SPDX-License-Identifier: MIT */
/*
 * The renewal thread of the keeper: renews the lock, reconnects, and hears a
 * reset.  It may hang in a name server or in malloc without harm, because the
 * keeper's main thread watches the same deadline_cell.
 *
 * Steps of use: renewal_new(), while descriptors can be had; renewal_start()
 * hands LOCK over; poll renewal_fd(), take renewal_next() until it says NONE;
 * renewal_stop() hands LOCK back.  While there can be no thread:
 * renewal_once().
 */
#ifndef RENEWAL_H
#define RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

struct deadline_cell;
struct lock;
struct renewal;

enum renewal_news {
	RENEWAL_NONE,
	RENEWAL_LOST,	   /* not ours any more; the thread has ended */
	RENEWAL_RETURNED,  /* nor this: the script itself gave it back */
	RENEWAL_FAILED,	   /* could not renew; trying on */
	RENEWAL_RECOVERED, /* renewed after a failure */
	RENEWAL_RESTORED,  /* the server had forgotten it; renewed */
	RENEWAL_CLOCK	   /* the server's clock runs ahead */
};

/* NULL with F set: no descriptor, no memory. */
struct renewal *renewal_new(struct lock *lock, struct deadline_cell *lease,
    struct failure *f);
/* 0, or -1 with F set if there can be no thread: LOCK is the caller's. */
int renewal_start(struct renewal *r, struct failure *f);
/* One renewal by the caller, who has LOCK: io at most, and before TERM. */
void renewal_once(struct renewal *r);
/* Readable when there is news; -1 when there will be none. */
int renewal_fd(const struct renewal *r);
/* The next piece of news; *F is its text. */
enum renewal_news renewal_next(struct renewal *r, struct failure *f);
/*
 * End the thread and take the lock back.  Returns false if it hangs past
 * DEADLINE: then it keeps the lock, and R stays valid.
 */
bool renewal_stop(struct renewal *r, int64_t deadline);

#endif
