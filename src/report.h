/* SPDX-License-Identifier: MIT */
/*
 * How a run came out: its exit status and, with --report, one object of JSON
 * for programs.  The manual lists its keys; all of them are always there.
 *
 * Steps of use: report_check() before anything is locked; one of
 * report_ended(), report_refused() and report_given_up(); report_write() when
 * everything is over.  The file is replaced as a whole: a reader sees the old
 * report or the new one.  Its mode is 0666 less the umask.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include "lock.h"

struct failure;
struct front_result;
struct job;

struct report {
	const char *name;
	const char *outcome; /* "ended", "busy", ... */
	int status;	     /* what netflock exits with, as a shell sees it */
	int signal;	     /* that ended command or wait; 0: none */
	const char *message; /* what went wrong, in words; or NULL */
	const struct job *job;
	const struct front_result *result; /* NULL: no command was started */
};

/*
 * The lock was ours, and RESULT is what came of it, which R refers to from now
 * on.  Returns false if that is a failure of ours that nobody has told yet.
 */
bool report_ended(struct report *r, const struct front_result *result);
/* There was no lock because of F, which R refers to from now on. */
void report_refused(struct report *r, const struct failure *f);
/* The lock is somebody else's, or is not needed; or a signal ended the wait. */
void report_given_up(struct report *r, enum lock_result result);

/* Whether PATH can be written.  Returns 0, or -1 with F set (78). */
int report_check(const char *path, struct failure *f);
/* Nothing if PATH is NULL.  Returns 0, or -1 with F set. */
int report_write(const char *path, const struct report *r, struct failure *f);

#endif
