/* SPDX-License-Identifier: MIT */
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job.h"
#include "keeper.h"
#include "lock.h"
#include "message.h"
#include "signals.h"
#include "status.h"

/* How long what a dead keeper left behind may take to die. */
#define KILL_TIME_MS 2000
/* As many keepers of a script may be killed: more is no accident. */
#define REPLACEMENTS_MAX 100

struct front {
	struct job *job;
	struct keeper_page *page;
	struct command_tree tree; /* what the keeper leaves when it dies */
	pid_t keeper;
	int channel;
	bool blocked;  /* stderr takes nothing, and the keeper has a message */
	bool gone;     /* the keeper has been reaped */
	int stops;     /* how often it was found stopped */
	bool overdue;  /* we killed it: stopped, or past the deadline */
	int replaced;  /* how many keepers have died */
};

/* What all keepers need.  Returns 0, or -1 with F set. */
static int
prepare(struct front *front, struct failure *f)
{
	struct job *job = front->job;

	front->tree = job->script;
	if (!job->script.foreign)
		command_tree_init(&front->tree, job->lock->token);
	if (command_tree_reserve(f) == -1)	/* the keeper's, too */
		return -1;
	front->page = keeper_page_new();
	if (front->page == NULL || signals_watch_children(&job->signals) == -1)
		return failure_set(f, STATUS_OS, "cannot prepare to fork: %s",
		    strerror(errno));
	deadline_cell_init(&front->page->lease, job->lock->lease_end);
	/* What an orphaned command leaves must fall to us, not to init. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return 0;
}

/* Fork the keeper.  Returns 0, or -1 with F set. */
static int
fork_keeper(struct front *front, struct failure *f)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, ends) == -1)
		return failure_set(f, STATUS_OS, "cannot prepare to fork: %s",
		    strerror(errno));
	sigemptyset(&front->job->command.early);
	signals_early(&front->job->command.early);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		keeper_main(front->job, front->page, ends[1]);
	}
	if (pid == -1) {
		failure_set(f, STATUS_OS, "cannot fork: %s", strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	front->keeper = pid;
	front->channel = ends[0];
	front->gone = front->overdue = false;
	front->stops = 0;
	return 0;
}

/*
 * Print what the keeper says.  While it lives one line at a time, when stderr
 * takes it: the rest waits in the channel.
 */
static void
print_messages(struct front *front)
{
	struct keeper_message m;
	ssize_t n;

	for (;;) {
		front->blocked = !front->gone && message_blocked();
		if (front->blocked)
			return;
		n = recv(front->channel, &m, sizeof(m) - 1, 0);
		/* Once, if it ended without reading all of ours. */
		if (n == -1 && errno == ECONNRESET)
			continue;
		if (n <= (ssize_t)offsetof(struct keeper_message, text))
			return;
		((char *)&m)[n] = '\0';
		message_say((enum message_kind)m.kind,
		    front->job->lock->want.name, "%s", m.text);
	}
}

static void
kill_keeper(struct front *front)
{
	front->overdue = true;
	kill(front->keeper, SIGKILL);
}

/*
 * A stopped keeper keeps no deadline.  Once it may be somebody's mistake;
 * twice, or so late that it could not act any more, it is killed: the
 * command dies with it (PDEATHSIG), and we clean up.
 */
static void
check_keeper(struct front *front)
{
	int wstatus;
	pid_t pid;

	/* Others are the caller's, or fell to us: nobody else reaps them. */
	while (!front->gone && (pid = waitpid(-1, &wstatus,
	    WNOHANG | WUNTRACED)) > 0) {
		if (pid != front->keeper)
			continue;
		if (!WIFSTOPPED(wstatus)) {
			front->gone = true;
		} else if (++front->stops == 1) {
			kill(front->keeper, SIGCONT);
		} else {
			kill_keeper(front);
		}
	}
}

static void
take_signals(struct front *front)
{
	struct signals_event event;

	while (signals_next(&front->job->signals, &event)) {
		if (event.number == SIGCHLD)
			check_keeper(front);
		else if (!event.terminal && !front->tree.foreign)
			send(front->channel, &event.number,
			    sizeof(event.number), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

/* Half the slack after the keeper's own KILL: it cannot be alive and well. */
static int64_t
overdue_at(const struct front *front)
{
	const struct deadline_terms *terms = &front->job->lock->want.terms;

	if (front->overdue || front->job->warn_only ||
	    atomic_load(&front->page->phase) >= KEEPER_KILLING)
		return DEADLINE_NEVER;
	return deadline_cell_end(&front->page->lease) - terms->slack / 2;
}

static void
watch(struct front *front)
{
	while (!front->gone) {
		struct pollfd fds[3] = {
			{ front->job->signals.fd, POLLIN, 0 },
			{ front->channel, front->blocked ? 0 : POLLIN, 0 },
			{ front->blocked ? STDERR_FILENO : -1, POLLOUT, 0 },
		};

		poll(fds, 3, deadline_poll_ms(overdue_at(front),
		    deadline_now()));
		if (deadline_now() >= overdue_at(front))
			kill_keeper(front);
		if ((fds[1].revents & POLLIN) || fds[2].revents != 0)
			print_messages(front);
		if (fds[0].revents != 0)
			take_signals(front);
		if (fds[1].revents & (POLLHUP | POLLERR)) {
			/* Its end is closed: it exits, or has. */
			while (!front->gone && waitpid(front->keeper, NULL,
			    0) == -1 && errno == EINTR)
				;
			front->gone = true;
		}
	}
}

/*
 * Over a new connection, instead of the keeper.  A lock that is lost may still
 * keep others waiting; one that has run out does not.
 */
static enum lock_result
release(struct front *front, const struct lock_run *run, struct failure *f)
{
	struct lock *lock = front->job->lock;
	int64_t io = lock->want.terms.io, now = deadline_now();
	int64_t end = deadline_cell_end(&front->page->lease);

	if (atomic_load(&front->page->lost))
		end = now + io;
	if (now >= end) {
		failure_set(f, STATUS_LOST, "it has run out");
		return LOCK_RETRY;
	}
	return lock_release(lock, run, deadline_min(end, now + 2 * io), f);
}

static const char *
what_ended(const struct front *front)
{
	return atomic_load(&front->page->phase) == KEEPER_STARTING
	    ? "the command was not started" : "the command was killed";
}

static int64_t
ran_ms(const struct front *front)
{
	int64_t started = front->page->started;

	return started > 0 ? (deadline_now() - started) / DEADLINE_MS : -1;
}

/* The keeper died with the command: nothing may run on. */
static void
clean_up(struct front *front, struct front_result *result)
{
	struct failure f = { .status = 0 };
	bool lost = front->overdue || atomic_load(&front->page->lost);
	bool spare = front->tree.foreign && front->job->warn_only;
	int left = spare ? 1 : command_tree_kill(&front->tree, KILL_TIME_MS);
	struct lock_run run = { .lost = true,
		.status = lost ? STATUS_LOST : STATUS_INTERNAL,
		.ran_ms = ran_ms(front) };

	result->outcome = FRONT_FAILED;
	failure_set(&result->failure, lost ? STATUS_LOST : STATUS_INTERNAL,
	    "the lock's keeper process %s; %s%s",
	    front->overdue ? "was stopped" : "was killed", what_ended(front),
	    left > 0 ? ", but not all of it died: the lock runs out by itself"
		     : "");
	if (front->job->unlocked || left > 0)
		return;
	if (release(front, front->page->started > 0 ? &run : NULL, &f) ==
	    LOCK_HELD || lost)
		return;
	failure_set(&result->failure, result->failure.status,
	    "%s; the lock was not released: %s", result->failure.text, f.text);
}

static void
take_result(const struct keeper_page *page, struct front_result *result)
{
	static const enum front_outcome outcomes[] = {
		[KEEPER_ENDED] = FRONT_ENDED,
		[KEEPER_NOT_STARTED] = FRONT_NOT_STARTED,
		[KEEPER_TIMED_OUT] = FRONT_TIMED_OUT,
		[KEEPER_LOST] = FRONT_LOST,
	};

	result->outcome = outcomes[page->outcome];
	result->wstatus = page->wstatus;
	result->failure = page->failure;
}

/* The keeper died after the command's end: only the release is left to do. */
static void
finish(struct front *front, struct front_result *result)
{
	struct failure f = { .status = 0 };
	enum lock_result released;
	bool told;

	take_result(front->page, result);
	if (!front->page->released || front->job->unlocked)
		return;
	told = result->outcome == FRONT_ENDED ||
	    result->outcome == FRONT_TIMED_OUT;
	/* It may have been done, by a request of which we know nothing. */
	front->job->lock->release_unsure = true;
	released = release(front, told ? &front->page->run : NULL, &f);
	if (released == LOCK_HELD)
		return;
	if (released == LOCK_LOST && result->outcome == FRONT_ENDED) {
		result->outcome = FRONT_LOST;
		failure_set(&result->failure, STATUS_LOST, "lock lost: %s",
		    f.text);
	}
	print_messages(front);	/* the keeper's words come first */
	if (result->outcome != FRONT_NOT_STARTED)
		message_error(front->job->lock->want.name,
		    "cannot release the lock: %s", f.text);
}

/*
 * A script that has nothing to do with our processes must not pay for the
 * death of one: the lock is ours as before, and another keeper goes on.  What
 * killed the first may leave no room for it at once: there is time until the
 * script would have to be stopped.
 */
static bool
replace_keeper(struct front *front)
{
	const struct deadline_terms *terms = &front->job->lock->want.terms;
	const struct timespec pause = { 0, 20000000 };
	struct failure f;

	if (!front->tree.foreign ||
	    atomic_load(&front->page->phase) >= KEEPER_OVER ||
	    front->replaced++ == REPLACEMENTS_MAX)
		return false;
	close(front->channel);
	front->channel = -1;
	while (fork_keeper(front, &f) == -1) {
		if (deadline_now() >= deadline_term_at(terms,
		    deadline_cell_end(&front->page->lease)))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void
front_run(struct job *job, struct front_result *result)
{
	struct front front = { .job = job };

	memset(result, 0, sizeof(*result));
	if (prepare(&front, &result->failure) == -1 ||
	    fork_keeper(&front, &result->failure) == -1) {
		result->outcome = FRONT_FAILED;
		if (!job->unlocked)
			lock_release(job->lock, NULL, deadline_now() +
			    job->lock->want.terms.io, NULL);
		return;
	}
	lock_abandon(job->lock);	/* the keeper's from here on */
	do
		watch(&front);
	while (replace_keeper(&front));
	switch (atomic_load(&front.page->phase)) {
	case KEEPER_DONE:
		take_result(front.page, result);
		break;
	case KEEPER_OVER:
		finish(&front, result);
		break;
	default:
		clean_up(&front, result);
	}
	result->started = front.page->started;
	result->ran_ms = result->started > 0 &&
	    atomic_load(&front.page->phase) >= KEEPER_OVER
	    ? front.page->run.ran_ms : ran_ms(&front);
	result->renewals = atomic_load(&front.page->lease.extended);
	/* Last, since it may have to wait for stderr. */
	print_messages(&front);
	close(front.channel);
}
