/* SPDX-License-Identifier: MIT */
/*
 * The story of a run: the options have been read (options.h); the job is
 * prepared (job.h); its lock is asked for, waited for, held (waiting.h,
 * lock.h); then the front watches while the keeper runs the command, renews
 * the lock and releases it (front.h, keeper.h); and all of it becomes one
 * exit status.
 */
#include "cmd_run.h"

#include <sys/wait.h>

#include "failure.h"
#include "front.h"
#include "job.h"
#include "lock.h"
#include "message.h"
#include "options.h"
#include "signals.h"
#include "status.h"
#include "waiting.h"

/* What came of it, as an exit status. */
static int
conclude(const struct options *o, const struct front_result *r)
{
	switch (r->outcome) {
	case FRONT_TIMED_OUT:
		return STATUS_TIMEOUT;
	case FRONT_LOST:
		return STATUS_LOST;
	case FRONT_ENDED:
		if (WIFSIGNALED(r->wstatus))
			signals_die(WTERMSIG(r->wstatus));
		return WEXITSTATUS(r->wstatus);
	default:
		message_error(o->name, "%s", r->failure.text);
		return r->failure.status;
	}
}

int
cmd_run(const struct options *o)
{
	struct job job;
	struct front_result result;
	struct failure f = { .status = STATUS_INTERNAL };
	int status = STATUS_INTERNAL;

	/* The command, the signals, who we are: before anything is locked. */
	if (job_prepare(&job, o, &f) == 0 &&
	    waiting_acquire(o, &job, &status, &f) == LOCK_HELD) {
		/* Ours: a keeper runs the command and gives the lock back. */
		front_run(&job, &result);
		status = conclude(o, &result);
	} else if (f.status != 0) {
		status = waiting_refuse(o, &f);
	}
	job_end(&job);
	return status;
}
