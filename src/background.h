/* SPDX-License-Identifier: MIT */
/*
 * A lock that is kept while a script lives: front and keeper (front.h,
 * keeper.h) go to the background, and the process that the script waits for
 * ends.  They have a session of their own, none of the script's descriptors,
 * and "/" as their directory, and go with the lock.
 *
 * Steps of use: the lock of a job with a foreign script is held;
 * background_start(); tell the script its token; background_confirm(), or
 * background_cancel() if it could not be told.  If we die before that it is
 * as if cancelled.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

struct failure;
struct job;

/*
 * Returns 0 once the lock is kept; JOB's connections are not ours any more.
 * -1 with F set: nobody keeps it, and it has been given back.
 */
int background_start(struct job *job, struct failure *f);
void background_confirm(struct job *job);
/* The lock is given back. */
void background_cancel(struct job *job);

#endif
