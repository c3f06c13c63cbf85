/* SPDX-License-Identifier: MIT */
/*
 * From "wants the lock" to "has it", as the user sees it: the jitter, how
 * long to wait, what is said meanwhile, and signals that end it.
 */
#ifndef WAITING_H
#define WAITING_H

#include "lock.h"

struct failure;
struct job;
struct options;

/*
 * Get JOB's lock.  LOCK_HELD: go on, but if JOB->unlocked, without it.
 * Otherwise *STATUS is the exit status; F->status is 0 if all has been said,
 * else F is still to be printed.  LOCK_INTERRUPTED: the queue has been left, and the
 * caller is to die of JOB->ended_by.
 */
enum lock_result waiting_acquire(const struct options *o, struct job *job,
    int *status, struct failure *f);

/* Print F, and what to do where that is clear.  Returns the exit status. */
int waiting_refuse(const struct options *o, const struct failure *f);

#endif
