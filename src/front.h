/* SPDX-License-Identifier: MIT */
/*
 * The front: the process that cron knows.  Once the lock is held it forks the
 * keeper and from then on only watches: it passes signals on, prints what the
 * keeper says, continues a keeper that was stopped, and cleans up after one
 * that died.  Where the lock is a script's it does so in the background
 * (background.h), passes nothing on, and forks another keeper for one that
 * died: no death of one process of ours is to cost the script anything.
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdint.h>

#include "failure.h"

struct job;

enum front_outcome {
	FRONT_ENDED,	   /* the command's own end: wstatus */
	FRONT_NOT_STARTED, /* failure has status and text */
	FRONT_TIMED_OUT,   /* --max-runtime stopped it; said, failure has why */
	FRONT_LOST,	   /* the lock; said, failure has why */
	FRONT_FAILED	   /* ours; failure has status and text */
};

struct front_result {
	enum front_outcome outcome;
	int wstatus; /* see wait(2) */
	int64_t started; /* the command, an instant; 0: it never was */
	int64_t ran_ms, renewals;
	struct failure failure;
};

/*
 * Run JOB's command under its lock, which must be held, until both are over.
 * The lock is given back, or runs out by itself; the caller frees it.
 */
void front_run(struct job *job, struct front_result *result);

#endif
