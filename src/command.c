/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "failure.h"
#include "signals.h"
#include "status.h"
#include "tree.h"

#define DEFAULT_PATH "/bin:/usr/bin"
#define SHELL "/bin/sh"

/* 0 if PATH can be executed, else errno. */
static int
executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return access(path, X_OK) == -1 ? errno : 0;
}

static int
not_started(struct failure *f, const char *file, int error)
{
	bool missing = error == ENOENT || error == ENOTDIR;

	if (error == ETIME)
		return failure_set(f, STATUS_UNAVAILABLE,
		    "acquired too late to start '%s' safely", file);
	if (error == EAGAIN || error == ENOMEM || error == EMFILE ||
	    error == ENFILE)
		return failure_set(f, STATUS_OS, "cannot start '%s': %s", file,
		    strerror(error));
	return failure_set(f, missing ? STATUS_NOTFOUND : STATUS_NOEXEC,
	    "cannot run '%s': %s", file, strerror(error));
}

char *
command_find(const char *file, const char *search, struct failure *f)
{
	char path[PATH_MAX];
	int error = ENOENT;

	if (*file == '\0' || strchr(file, '/') != NULL) {
		error = executable(file);
		if (error == 0)
			return strdup(file);
		not_started(f, file, error);
		return NULL;
	}
	if (search == NULL)
		search = DEFAULT_PATH;
	for (const char *p = search;; p++) {
		size_t len = strcspn(p, ":");
		int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)len, p,
		    len > 0 ? "/" : "./", file);	/* "" is "." */
		int tried = n < (int)sizeof(path) ? executable(path) : ENOENT;

		if (tried == 0)
			return strdup(path);
		if (tried == EACCES)
			error = EACCES;
		p += len;
		if (*p == '\0')
			break;
	}
	not_started(f, file, error);
	return NULL;
}

/*
 * In the child, on the parent's memory: only async-signal-safe calls, and
 * nothing is written but what is ours alone.
 */
static void
become(const struct command *c, const char *path, char *const argv[],
    pid_t parent, int report)
{
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)	/* it died before the prctl */
		_exit(STATUS_NOTFOUND);
	for (int fd = 0; fd < 3; fd++)
		if (c->closed_fds & (1U << fd))
			close(fd);
	/* All are blocked still: one that we have got, too, stays one. */
	for (int number = 1; number < NSIG; number++)
		if (sigismember(&c->early, number) == 1)
			kill(getpid(), number);
	signals_give_back(c->signals);
	/* Last: Ctrl-Z may have stopped us just now, and our parent waits. */
	error = ETIME;
	if (deadline_now() < c->start_by) {
		execve(path, argv, c->envp);
		error = errno;
	}
	while (write(report, &error, sizeof(error)) == -1 && errno == EINTR)
		;
	_exit(STATUS_NOTFOUND);
}

/* Returns the pid, or -1 with *ERROR.  The pipe closes when exec succeeds. */
static pid_t
spawn(const struct command *c, const char *path, char *const argv[],
    int *error)
{
	pid_t parent = getpid();
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1) {
		*error = errno;
		return -1;
	}
	pid = vfork();
	if (pid == 0)
		become(c, path, argv, parent, report[1]);
	*error = pid == -1 ? errno : 0;
	close(report[1]);
	if (pid > 0)
		while (read(report[0], error, sizeof(*error)) == -1 &&
		    errno == EINTR)
			;
	close(report[0]);
	if (pid > 0 && *error != 0) {
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		pid = -1;
	}
	return pid;
}

static pid_t
spawn_script(const struct command *c, int *error)
{
	size_t count = 0;
	char **argv;
	pid_t pid;

	while (c->argv[count] != NULL)
		count++;
	argv = calloc(count + 3, sizeof(*argv));
	if (argv == NULL) {
		*error = ENOMEM;
		return -1;
	}
	argv[0] = (char *)(uintptr_t)SHELL;	/* a busybox goes by it */
	argv[1] = c->path;
	for (size_t i = 1; i < count; i++)
		argv[i + 1] = c->argv[i];
	pid = spawn(c, SHELL, argv, error);
	free(argv);
	return pid;
}

pid_t
command_start(const struct command *c, struct failure *f)
{
	int error;
	pid_t pid = spawn(c, c->path, c->argv, &error);

	if (pid == -1 && error == ENOEXEC)
		pid = spawn_script(c, &error);
	if (pid == -1)
		not_started(f, c->argv[0], error);
	return pid;
}

/* ------------------------------------------------------------------ */

/* Walks need room that a stack should not give; one process, one walker. */
static pid_t found[TREE_MAX];

void
command_tree_init(struct command_tree *tree, const char *token)
{
	siginfo_t info;

	memset(tree, 0, sizeof(*tree));
	/* PID 1 is given the orphans of others, too. */
	if (getpid() == 1 ||
	    waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		snprintf(tree->mark, sizeof(tree->mark), "%s", token);
}

static int
not_foreign(struct failure *f, pid_t pid, int error)
{
	if (error == ESRCH || error == EINVAL)
		return failure_set(
		    f, STATUS_USAGE, "--pid %d: no such process", (int)pid);
	if (error == EPERM)
		return failure_set(f, STATUS_USAGE,
		    "--pid %d: another user's process", (int)pid);
	return failure_set(f, STATUS_OS, "cannot watch process %d: %s",
	    (int)pid, strerror(error));
}

static void
reap_foreign(struct command_tree *tree)
{
	struct pollfd fd = { tree->pidfd, POLLIN, 0 };

	if (poll(&fd, 1, 0) == 1)
		tree->ended = tree->childless = true;
}

/* Returns how many there are: 1 or 0. */
static int
signal_foreign(struct command_tree *tree, int signal)
{
	tree->denied = 0;
	if (syscall(SYS_pidfd_send_signal, tree->pidfd, signal, NULL, 0) == -1)
		tree->denied = errno == EPERM;
	reap_foreign(tree);
	return tree->ended ? 0 : 1;
}

int
command_tree_foreign(struct command_tree *tree, pid_t pid, struct failure *f)
{
	int error;

	memset(tree, 0, sizeof(*tree));
	tree->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (tree->pidfd == -1)
		return not_foreign(f, pid, errno);
	tree->pid = pid;
	tree->foreign = true;
	if (signal_foreign(tree, 0) == 1 && tree->denied == 0)
		return 0;
	error = tree->denied > 0 ? EPERM : ESRCH;
	close(tree->pidfd);
	return not_foreign(f, pid, error);
}

bool
command_tree_visible(void)
{
	return tree_visible();
}

int
command_tree_reserve(struct failure *f)
{
	if (tree_reserve() == 0)
		return 0;
	return failure_set(f, STATUS_OS,
	    "cannot keep descriptors to stop the command with: %s",
	    strerror(errno));
}

void
command_signal(const struct command_tree *tree, int signal)
{
	if (tree->foreign)
		syscall(SYS_pidfd_send_signal, tree->pidfd, signal, NULL, 0);
	else if (tree->pid > 0 && !tree->ended)	/* not reaped: its pid */
		kill(tree->pid, signal);
}

void
command_tree_reap(struct command_tree *tree)
{
	int wstatus;
	pid_t pid;

	if (tree->foreign) {
		reap_foreign(tree);
		return;
	}
	while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0) {
		if (pid != tree->pid)
			continue;
		tree->ended = true;
		tree->wstatus = wstatus;
	}
	/* A subreaper's descendants all hang on children of its own. */
	tree->childless = pid == -1 && errno == ECHILD;
}

/* By pidfd, so that the process checked is the process signalled. */
static int
signal_checked(const struct tree *t, pid_t pid, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int error = 0;

	if (fd == -1 && errno == ESRCH)
		return 0;
	if (fd == -1)	/* before Linux 5.3, or no descriptor left */
		return tree_holds(t, pid) && kill(pid, signal) == -1 ? errno
								     : 0;
	if (tree_holds(t, pid) &&
	    syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == -1)
		error = errno;
	close(fd);
	return error;
}

int
command_tree_signal(struct command_tree *tree, int signal)
{
	struct tree now;
	bool reached = false;

	if (tree->foreign)
		return signal_foreign(tree, signal);
	tree_spend();
	tree->denied = 0;
	tree->unseen = !tree_walk(&now, found,
	    *tree->mark != '\0' ? tree->mark : NULL);
	if (tree->unseen) {	/* the command can be reached, no more */
		command_signal(tree, signal);
		return tree->childless ? 0 : 1;
	}
	for (size_t i = 0; signal != 0 && i < now.count; i++) {
		reached |= now.pids[i] == tree->pid;
		if (signal_checked(&now, now.pids[i], signal) == EPERM)
			tree->denied++;
	}
	tree->unseen = now.incomplete;
	if (tree->unseen && !reached)
		command_signal(tree, signal);
	tree_reserve();		/* between walks; else they are for the next */
	return (int)now.count + (tree->unseen ? 1 : 0);
}

int
command_tree_kill(struct command_tree *tree, int timeout_ms)
{
	int64_t end = deadline_after_ms(timeout_ms);
	struct timespec pause = { 0, 100000 };
	int empty = 0, left;

	for (;;) {
		left = command_tree_signal(tree, SIGKILL);
		command_tree_reap(tree);
		empty = left == 0 ? empty + 1 : 0;
		if (empty == 2)
			return 0;
		if (left == 0)
			continue;
		if (deadline_now() >= end)
			return left;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 5000000)
			pause.tv_nsec *= 2;
	}
}
