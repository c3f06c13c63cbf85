/* SPDX-License-Identifier: MIT */
/*
 * --report: one object of JSON on how a run went, for programs.  The manual
 * lists its keys; all of them are always there.
 *
 * Steps of use: report_check() before anything is locked; fill struct report;
 * report_write() when everything is over.  The file is replaced as a whole: a
 * reader sees the old report or the new one.  Its mode is 0666 less the umask.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

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

/* Whether PATH can be written.  Returns 0, or -1 with F set (78). */
int report_check(const char *path, struct failure *f);
/* Returns 0, or -1 with F set. */
int report_write(const char *path, const struct report *r, struct failure *f);

#endif
