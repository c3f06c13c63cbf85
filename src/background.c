/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "front.h"
#include "job.h"
#include "lock.h"
#include "status.h"

/*
 * In the child: the keeper says that it is ready (struct failure with status
 * 0), or we say why there is none.
 */
static _Noreturn void
keep(struct job *job)
{
	struct front_result result;

	setsid();
	/* A file system that somebody wants to unmount is not ours to keep. */
	if (chdir("/") == -1)
		_exit(STATUS_OS);
	descriptors_close_inherited();
	descriptors_null();
	front_run(job, &result);
	if (result.failure.status != 0)
		send(job->link, &result.failure, sizeof(result.failure),
		    MSG_NOSIGNAL);
	_exit(STATUS_OK);
}

/* The first word from the background.  Returns 0 if it is good. */
static int
hear(int link, struct failure *f)
{
	struct failure heard;
	ssize_t n;

	do
		n = recv(link, &heard, sizeof(heard), MSG_WAITALL);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof(heard))
		return failure_set(f, STATUS_OS,
		    "the lock's keeper process was killed");
	if (heard.status == 0)
		return 0;
	*f = heard;
	return -1;
}

int
background_start(struct job *job, struct failure *f)
{
	int ends[2];
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
		job->link = ends[1];
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			keep(job);
		}
		close(ends[1]);
		job->link = ends[0];
	}
	if (pid == -1) {
		failure_set(f, STATUS_OS, "cannot start the lock's keeper: %s",
		    strerror(errno));
	} else {
		lock_abandon(job->lock);
		if (hear(job->link, f) == 0)
			return 0;
	}
	/* They did so, unless they were killed. */
	job->lock->release_unsure = true;
	lock_release(job->lock, NULL,
	    deadline_now() + job->lock->want.terms.io, NULL);
	return -1;
}

void
background_confirm(struct job *job)
{
	const char byte = 0;

	send(job->link, &byte, 1, MSG_NOSIGNAL);
	background_cancel(job);
}

void
background_cancel(struct job *job)
{
	close(job->link);
	job->link = -1;
}
