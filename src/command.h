/* SPDX-License-Identifier: MIT */
/*
 * The command: found before the lock is taken, started under it, and its
 * whole process tree stopped when it must not go on.  The only module that
 * forks, execs and signals others (the resolver's helper apart).
 *
 * The tree is every descendant of the calling process, which must be a child
 * subreaper.  Walks use /proc; a process is signalled through a pidfd, after
 * a check that it still is a descendant.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;
struct signals;

struct command {
	char *path;		/* what to exec, from command_find() */
	char *const *argv;
	char *const *envp;	/* complete environment */
	const struct signals *signals; /* to give back */
	unsigned closed_fds;	/* bit N: descriptor N (0-2) was closed */
	sigset_t early;		/* sent to our process group before the start */
	int64_t start_by;	/* an instant (deadline.h); later is too late */
};

struct command_tree {
	pid_t pid;		/* the command, a child of ours; 0: none */
	bool foreign;		/* no child of ours, and alone: see below */
	int pidfd;		/* if foreign: readable when it has ended */
	bool ended;		/* it has been reaped ... */
	int wstatus;		/* ... with this status, see wait(2) */
	bool childless;		/* we have no child, so no descendant, left */
	char mark[256];		/* only those below who have it; "": all */
	int denied;		/* in the last walk: we may not signal them */
	bool unseen;		/* it could not look into /proc, or not all */
};

/*
 * Find FILE as execvp(3) would, in SEARCH (PATH's value, NULL: the default).
 * Returns the path to exec (malloc'ed), or NULL with F set (126 or 127).
 */
char *command_find(const char *file, const char *search, struct failure *f);

/*
 * Start it by vfork and exec, with PDEATHSIG KILL.  Returns its pid, or -1
 * with F set (71, 69 when it is too late, or 126/127 from exec).  A script without #! is given to
 * /bin/sh, as execvp(3) does.
 */
pid_t command_start(const struct command *c, struct failure *f);

/*
 * An empty tree of the calling process, which may have children already (a
 * shell that ran "daemon & exec netflock"), and be given theirs when they
 * die.  Such a one counts as the command's only what was started with TOKEN in
 * its environment (at the end of a variable), and what is below that: of the rest some may live on if the
 * keeper dies, but nobody else is ever killed.
 */
void command_tree_init(struct command_tree *tree, const char *token);
/*
 * A tree that is PID alone, whoever started it: all calls below see and signal
 * that process and no other, not even one that gets its number later.  Its
 * status stays unknown.  Returns 0, or -1 with F set (64: there is none, or it
 * may not be signalled).
 */
int command_tree_foreign(
    struct command_tree *tree, pid_t pid, struct failure *f);
/* Whether more of the tree can be seen than the command itself. */
bool command_tree_visible(void);
/* Before the start: keep what walks need.  Returns 0, or -1 with F set. */
int command_tree_reserve(struct failure *f);

/* Send SIGNAL to the command alone, if it has not ended. */
void command_signal(const struct command_tree *tree, int signal);

/* Reap whatever has ended; notices the end of the command itself. */
void command_tree_reap(struct command_tree *tree);

/*
 * Send SIGNAL (0: none) to every live descendant.  Returns how many there
 * are, and one more if not all could be seen.
 */
int command_tree_signal(struct command_tree *tree, int signal);

/*
 * KILL and reap until two walks in a row find nothing alive, for at most
 * TIMEOUT_MS.  Returns how many are left.
 */
int command_tree_kill(struct command_tree *tree, int timeout_ms);

#endif
