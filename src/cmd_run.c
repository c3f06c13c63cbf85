/* SPDX-License-Identifier: MIT */
/*
 * The story of a run: the options have been read (options.h); the job is
 * prepared (job.h); its lock is asked for, waited for, held (waiting.h,
 * lock.h); then the front watches while the keeper runs the command, renews
 * the lock and releases it (front.h, keeper.h); and all of it becomes one
 * exit status, and a report if one is wanted (report.h).
 */
#include "cmd_run.h"

#include "failure.h"
#include "front.h"
#include "job.h"
#include "lock.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "signals.h"
#include "status.h"
#include "waiting.h"

int
cmd_run(const struct options *o)
{
	struct job job = { .lock = NULL };
	struct front_result result;
	struct failure f = { .status = STATUS_INTERNAL };
	struct report r = { .name = o->name, .job = &job };
	enum lock_result got = LOCK_FAILED;
	bool reported = report_check(o->report, &f) == 0;

	/* The command, the signals, who we are: before anything is locked. */
	if (reported && job_prepare(&job, o, &f) == 0)
		got = waiting_acquire(o, &job, &r.status, &f);
	if (got == LOCK_HELD) {
		/* Ours: a keeper runs the command and gives the lock back. */
		front_run(&job, &result);
		if (!report_ended(&r, &result))
			message_error(o->name, "%s", r.message);
	} else if (f.status != 0) {
		r.status = waiting_refuse(o, &f);
		report_refused(&r, &f);
	} else {
		report_given_up(&r, got);
	}
	if (reported && report_write(o->report, &r, &f) == -1)
		message_say(MESSAGE_WARNING, o->name, "%s", f.text);
	job_end(&job);
	if (r.signal != 0)
		signals_die(r.signal);
	return r.status;
}
