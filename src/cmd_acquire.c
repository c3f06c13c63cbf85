/* SPDX-License-Identifier: MIT */
/*
 * The story of an acquire: a lock is got as for a run (cmd_run.c), but for a
 * script that runs already.  With --pid a keeper in the background renews it
 * as long as that process lives (background.h); without, the lease is all
 * there is.  Only then the script is told its token.
 */
#include "cmd_acquire.h"

#include <stdio.h>

#include "background.h"
#include "failure.h"
#include "job.h"
#include "lock.h"
#include "message.h"
#include "options.h"
#include "signals.h"
#include "status.h"
#include "waiting.h"

/* The token, and nothing else unless it was asked for.  Returns 0 or -1. */
static int
print_token(const struct options *o, const struct lock *lock)
{
	fputs(lock->token, stdout);
	if (o->fence)
		printf(" %lld", (long long)lock->fence);
	putchar('\n');
	if (fflush(stdout) != EOF && !ferror(stdout))
		return 0;
	message_always(o->name,
	    "cannot write the token to the standard output: %m; the lock is "
	    "given back");
	return -1;
}

/* Nobody would know how to give back what nobody was told. */
static int
hand_over(const struct options *o, struct job *job)
{
	struct lock *lock = job->lock;
	struct failure f;

	if (print_token(o, lock) == 0)
		return STATUS_OK;
	lock_release(lock, NULL, deadline_now() + lock->want.terms.io, &f);
	return STATUS_OS;
}

static int
keep_and_hand_over(const struct options *o, struct job *job)
{
	struct failure f;

	if (background_start(job, &f) == -1)
		return waiting_refuse(o, &f);
	if (print_token(o, job->lock) == -1) {
		background_cancel(job);
		return STATUS_OS;
	}
	background_confirm(job);
	return STATUS_OK;
}

int
cmd_acquire(const struct options *o)
{
	struct job job;
	struct failure f = { .status = STATUS_INTERNAL };
	int status = STATUS_INTERNAL;

	if (job_prepare(&job, o, &f) == 0 &&
	    waiting_acquire(o, &job, &status, &f) == LOCK_HELD)
		status = (o->pid > 0 ? keep_and_hand_over : hand_over)(o, &job);
	else if (f.status != 0)
		status = waiting_refuse(o, &f);
	job_end(&job);
	if (job.ended_by != 0)
		signals_die(job.ended_by);
	return status;
}
