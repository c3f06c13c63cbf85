/* SPDX-License-Identifier: MIT */
/*
 * One job: what to run, under which lock, and how to stop it.  Made by
 * cmd_run from the options; then front and keeper work on it.  That of
 * cmd_acquire has no command: the lock is for a script that runs already, and
 * is kept as long as that lives, if its process is known.
 *
 * Steps of use: job_prepare(), before anything is locked; the lock is
 * acquired (waiting.h); front_run(); job_end().
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "owner.h"
#include "signals.h"

struct failure;
struct lock;
struct options;

struct job {
	struct lock *lock;	/* the front's, then the keeper's */
	struct signals signals;
	struct command command;
	struct command_tree script; /* foreign: the lock is kept for it */
	int link; /* script's: to whoever waits for the keeper, or -1 */
	struct owner owner;	/* who we are, for those who wait */
	int stop_signal;
	bool warn_only;		/* --on-lost warn */
	bool wait_all, kill_all;
	int64_t max_runtime_ms; /* 0: none */
	bool scrub;		/* the server's address from the environment */
	const char *chain;	/* tokens of our ancestors */
	/* set by waiting_acquire(): */
	bool unlocked;		/* run without the lock; it is never asked */
	int ended_by;		/* the signal that ended the wait; 0: none */
	int64_t began, acquired; /* instants; the second: when it was over */
};

/*
 * Fill JOB from O, which must outlive it: the command is found, or the script's
 * process; signals are taken, the lock is made but not asked for.  Returns 0, or -1 with F set.
 */
int job_prepare(struct job *job, const struct options *o, struct failure *f);
/* Free what job_prepare() made, also after it failed. */
void job_end(struct job *job);

#endif
