/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "lock.h"
#include "options.h"
#include "protocol.h"
#include "session.h"
#include "status.h"

_Static_assert(OPTIONS_WITH_MAX + 1 == LOCK_NAMES_MAX, "NAME and --with");

#define HOUR_MS (INT64_C(3600) * 1000)

static void
take_options(struct job *job, const struct options *o)
{
	memset(job, 0, sizeof(*job));
	job->stop_signal = o->signal;
	job->warn_only = o->on_lost == OPTIONS_WARN;
	job->wait_all = o->wait_all;
	job->kill_all = o->kill_all;
	job->max_runtime_ms = o->max_runtime_ms;
	job->scrub = o->scrub_env;
	job->chain = o->chain;
	job->command.argv = o->argv;
	job->command.closed_fds = o->closed_fds;
	job->link = -1;
	owner_self(&job->owner, o->login, o->argv, o->reason);
}

/*
 * What makes a run needless: one that began in the last DUR less a tenth, an
 * hour at most.  Else a daily run that comes a little earlier than yesterday's,
 * by jitter or another clock, would be left out.
 */
static int64_t
once_window(int64_t once_ms)
{
	int64_t tolerance = once_ms / 10;

	return once_ms - (tolerance < HOUR_MS ? tolerance : HOUR_MS);
}

static struct lock *
make_lock(const struct job *job, const struct options *o, struct failure *f)
{
	char name[32];
	struct session_settings settings = { .url = &o->url, .user = o->user,
		.password = o->password, .client_name = name,
		.prefix = o->prefix,
		.connect_ns = o->connect_ms * DEADLINE_MS };
	struct lock_request request = { .protocol = &protocol_netflock,
		.name = o->name, .prefix = o->prefix, .chain = o->chain,
		.with = o->with, .with_count = o->with_count,
		.owner = &job->owner, .terms = o->terms, .limit = o->limit,
		.token = o->token, .handback = o->argv == NULL,
		.min_hold_ms = o->min_hold_ms,
		.once_ms = once_window(o->once_ms),
		.keep_history = o->keep_history };

	snprintf(name, sizeof(name), "netflock-%d", (int)getpid());
	return lock_new(&request, &settings, f);
}

static int
find_command(struct job *job, const struct options *o, struct failure *f)
{
	job->command.signals = &job->signals;
	job->command.path = command_find(o->argv[0], o->search, f);
	return job->command.path != NULL ? 0 : -1;
}

/* Without --pid it is whoever started us, for others to see. */
static int
find_script(struct job *job, const struct options *o, struct failure *f)
{
	pid_t pid = o->pid > 0 ? (pid_t)o->pid : getppid();

	if (o->pid > 0 && command_tree_foreign(&job->script, pid, f) == -1)
		return -1;
	if (pid > 0)
		owner_process(&job->owner, pid);
	return 0;
}

int
job_prepare(struct job *job, const struct options *o, struct failure *f)
{
	take_options(job, o);
	if ((o->argv != NULL ? find_command : find_script)(job, o, f) == -1)
		return -1;
	if (signals_take(&job->signals) == -1)
		return failure_set(f, STATUS_OS, "cannot take signals: %s",
		    strerror(errno));
	job->lock = make_lock(job, o, f);
	return job->lock != NULL ? 0 : -1;
}

void
job_end(struct job *job)
{
	lock_free(job->lock);
	free(job->command.path);
}
