/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define UNKNOWN (-1)
#define SCARCE	(-2)

/* In /proc/PID/stat: the kernel's PF_EXITING. */
#define EXITING 0x4u

/*
 * What a walk may need at the same time (a directory and a file of it), and
 * as many again, since a connection made meanwhile may take the first two.
 */
#define SPARES 4

static int spares[SPARES] = { -1, -1, -1, -1 };

int
tree_reserve(void)
{
	for (int i = 0; i < SPARES; i++)
		if (spares[i] == -1 &&
		    (spares[i] = eventfd(0, EFD_CLOEXEC)) == -1)
			return -1;
	return 0;
}

void
tree_spend(void)
{
	for (int i = 0; i < SPARES; i++) {
		if (spares[i] != -1)
			close(spares[i]);
		spares[i] = -1;
	}
}

/* No descriptor or no memory: then nothing was learned. */
static bool
scarce(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/*
 * Read a small /proc file whole; returns its length, -1 (errno) if it is not
 * there.
 */
static ssize_t
slurp(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	while (used < size - 1 &&
	    (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	buf[used] = '\0';
	if (n == -1) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	close(fd);
	return (ssize_t)used;
}

/*
 * The entries of a /proc directory that are numbers, without malloc(3).
 * There is one buffer: no two at the same time.
 */
struct listing {
	int fd;
	ssize_t filled, at;
};

static _Alignas(8) char entries[16384];

/* Returns whether it is there (errno). */
static bool
list(struct listing *l, const char *path)
{
	l->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	l->filled = l->at = 0;
	return l->fd != -1;
}

/* The next number, 0 at the end. */
static pid_t
next(struct listing *l)
{
	struct dirent64 *entry;
	long pid;

	do {
		if (l->at >= l->filled) {
			l->filled = getdents64(l->fd, entries, sizeof(entries));
			l->at = 0;
			if (l->filled <= 0)
				return 0;
		}
		entry = (struct dirent64 *)(void *)(entries + l->at);
		l->at += entry->d_reclen;
		pid = strtol(entry->d_name, NULL, 10);
	} while (pid <= 0);
	return (pid_t)pid;
}

/*
 * Parent of PID, 0 if it is gone or a zombie, UNKNOWN if it lives but cannot
 * be read (/proc mounted with hidepid), SCARCE.  A main thread that has ended
 * looks like a zombie although others of its process run.  FLAGS (may be
 * NULL) are the kernel's of a process that lives.
 */
static pid_t
live_parent(pid_t pid, unsigned *flags)
{
	char path[64], text[512] = "";
	int parent, threads;
	unsigned kernel;
	const char *p;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (slurp(path, text, sizeof(text)) == -1 && scarce(errno))
		return SCARCE;
	if (*text == '\0')
		return kill(pid, 0) == -1 && errno == ESRCH ? 0 : UNKNOWN;
	p = strrchr(text, ')');		/* the name may hold anything */
	if (p == NULL || sscanf(p + 1, " %c %d %*d %*d %*d %*d %u %*u %*u "
	    "%*u %*u %*u %*u %*d %*d %*d %*d %d", &state, &parent, &kernel,
	    &threads) != 4)
		return 0;
	if (flags != NULL)
		*flags = kernel;
	return (state == 'Z' || state == 'X') && threads <= 1 ? 0 : parent;
}

/*
 * Whether PID is dying, but not dead: its environment is gone then, and its
 * children are not ours yet.
 */
static bool
exiting(pid_t pid)
{
	unsigned flags = 0;

	return live_parent(pid, &flags) > 0 && (flags & EXITING) != 0;
}

static bool
contains(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/*
 * Whether PID was started with MARK in its environment.  One that cannot be
 * read was not, unless it is dying: then the next walk knows better.
 */
static bool
marked(struct tree *t, pid_t pid)
{
	char path[64], text[8192 + TREE_MARK];
	size_t kept = 0, len = strlen(t->mark) + 1;
	bool found = false;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		t->incomplete |= scarce(errno) || exiting(pid);
		return false;
	}
	while (!found && (n = read(fd, text + kept, sizeof(text) - kept)) > 0) {
		size_t have = kept + (size_t)n;

		found = memmem(text, have, t->mark, len) != NULL;
		kept = have < len ? have : len;
		memmove(text, text + have - kept, kept);
	}
	close(fd);
	if (!found)
		t->incomplete |= exiting(pid);
	return found;
}

static void
add(struct tree *t, pid_t pid)
{
	if (t->count < TREE_MAX && pid > 0 && !contains(t->pids, t->count, pid))
		t->pids[t->count++] = pid;
}

/* A child of our own: is it to be counted in? */
static bool
counts(struct tree *t, pid_t pid)
{
	return t->mark == NULL || marked(t, pid);
}

/* One thread's children, from its "children" file.  -1: no such file. */
static int
add_children(struct tree *t, const char *path, bool own)
{
	char text[65536];
	char *p = text, *end;

	if (slurp(path, text, sizeof(text)) == -1) {
		t->incomplete |= scarce(errno);
		return scarce(errno) ? 0 : -1;
	}
	for (;;) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			return 0;
		if (!own || counts(t, (pid_t)pid))
			add(t, (pid_t)pid);
		p = end;
	}
}

/* Children belong to the thread that forked them. */
static int
add_process(struct tree *t, pid_t pid)
{
	bool own = pid == t->root;
	struct listing threads;
	char path[64];
	int result = 0;
	pid_t thread;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if (!list(&threads, path)) {
		t->incomplete |= scarce(errno);
		return own && !scarce(errno) ? -1 : 0;
	}
	while ((thread = next(&threads)) != 0) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		    (int)pid, (int)thread);
		if (add_children(t, path, own) == -1 && own)
			result = -1;
	}
	close(threads.fd);
	return result;
}

/* Kernels without "children" files: everybody's parent, until none is new. */
static bool
scan_all(struct tree *t)
{
	struct listing all;
	size_t before;

	do {
		pid_t pid, parent;

		before = t->count;
		if (live_parent(t->root, NULL) == UNKNOWN)
			return false;	/* so may all the others be */
		if (!list(&all, "/proc")) {
			t->incomplete |= scarce(errno);
			return t->incomplete;
		}
		while ((pid = next(&all)) != 0) {
			parent = live_parent(pid, NULL);
			t->incomplete |= parent == SCARCE;
			if (parent == t->root ? counts(t, pid)
					      : contains(t->pids, t->count,
						    parent))
				add(t, pid);
		}
		close(all.fd);
	} while (t->count > before);
	return true;
}

bool
tree_visible(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return strtol(text, NULL, 10) == getpid();
}

bool
tree_walk(struct tree *t, pid_t *pids, const char *mark)
{
	size_t live = 0;

	t->root = getpid();
	t->mark = mark;
	t->pids = pids;
	t->count = 0;
	t->incomplete = false;
	if (!tree_visible())
		return false;
	if (add_process(t, t->root) == -1) {
		t->count = 0;
		return scan_all(t);
	}
	for (size_t i = 0; i < t->count; i++)
		add_process(t, t->pids[i]);
	for (size_t i = 0; i < t->count; i++) {
		pid_t parent = live_parent(t->pids[i], NULL);

		t->incomplete |= parent == SCARCE;
		if (parent != 0 && parent != SCARCE)
			t->pids[live++] = t->pids[i];
	}
	t->count = live;
	return true;
}

bool
tree_holds(const struct tree *t, pid_t pid)
{
	pid_t parent = live_parent(pid, NULL);

	if (parent == SCARCE)	/* the walk has just seen it, or not */
		return contains(t->pids, t->count, pid);
	return parent == UNKNOWN || (parent != 0 &&
	    (parent == t->root || contains(t->pids, t->count, parent)));
}
