/* SPDX-License-Identifier: MIT */
/*
 * The story of a run: the options have been read (options.h); the job is
 * prepared (job.h); its lock is asked for, waited for, held (waiting.h,
 * lock.h); then the front watches while the keeper runs the command, renews
 * the lock and releases it (front.h, keeper.h); and all of it becomes one
 * exit status, and a report if one is wanted (report.h).
 */
#include "cmd_run.h"

#include <sys/wait.h>

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

/* What came of it, as an exit status. */
static void
conclude(const struct front_result *result, struct report *r)
{
	r->result = result;
	switch (result->outcome) {
	case FRONT_TIMED_OUT:
		r->outcome = "timed_out";
		r->status = STATUS_TIMEOUT;
		r->message = result->failure.text;
		break;
	case FRONT_LOST:
		r->outcome = "lost";
		r->status = STATUS_LOST;
		r->message = result->failure.text;
		break;
	case FRONT_ENDED:
		r->outcome = "ended";
		if (WIFSIGNALED(result->wstatus))
			r->signal = WTERMSIG(result->wstatus);
		r->status = r->signal != 0 ? 128 + r->signal
					   : WEXITSTATUS(result->wstatus);
		break;
	default:
		r->outcome = result->outcome == FRONT_NOT_STARTED
		    ? "not_started" : "failed";
		r->status = result->failure.status;
		r->message = result->failure.text;
		message_error(r->name, "%s", r->message);
	}
}

/* Before the command: why there was none, and what to do where it is clear. */
static void
refuse(const struct options *o, const struct failure *f, struct report *r)
{
	r->status = waiting_refuse(o, f);
	r->message = f->text;
	r->outcome = f->status == STATUS_UNAVAILABLE ? "unreachable"
	    : f->status == STATUS_REFUSED	     ? "refused"
	    : f->status == STATUS_NOEXEC || f->status == STATUS_NOTFOUND
		? "not_started" : "failed";
}

/* The lock is somebody else's, or is not needed; or a signal ended the wait. */
static void
give_up(enum lock_result result, struct report *r)
{
	r->signal = r->job->ended_by;
	r->outcome = r->signal != 0 ? "interrupted"
	    : result == LOCK_DONE   ? "skipped" : "busy";
}

int
cmd_run(const struct options *o)
{
	struct job job = { .lock = NULL };
	struct front_result result;
	struct failure f = { .status = STATUS_INTERNAL };
	struct report r = { .name = o->name, .job = &job };
	enum lock_result got = LOCK_FAILED;
	bool reported = o->report != NULL && report_check(o->report, &f) == 0;

	/* The command, the signals, who we are: before anything is locked. */
	if ((reported || o->report == NULL) && job_prepare(&job, o, &f) == 0)
		got = waiting_acquire(o, &job, &r.status, &f);
	if (got == LOCK_HELD) {
		/* Ours: a keeper runs the command and gives the lock back. */
		front_run(&job, &result);
		conclude(&result, &r);
	} else if (f.status != 0) {
		refuse(o, &f, &r);
	} else {
		give_up(got, &r);
	}
	if (reported && report_write(o->report, &r, &f) == -1)
		message_say(MESSAGE_WARNING, o->name, "%s", f.text);
	job_end(&job);
	if (r.signal != 0)
		signals_die(r.signal);
	return r.status;
}
