/* SPDX-License-Identifier: MIT */
/*
 * Which processes descend from this one, read from /proc.  Zombies are not
 * listed.  A snapshot: who forks while it is taken may be missed, so callers
 * walk again until nothing is left.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* More than this many at once are found by the next walk. */
#define TREE_MAX 8192

/* The longest mark. */
#define TREE_MARK 256

struct tree {
	pid_t root; /* ourselves; not in pids */
	const char *mark;
	pid_t *pids;
	size_t count;
	bool incomplete; /* something could not be seen now: walk again */
};

/*
 * A walk opens files, and may have to when nothing can be opened any more:
 * keep descriptors for it, once, in time.  Returns 0, or -1 (errno).
 */
int tree_reserve(void);
/* Give them back: before the walks that must not fail. */
void tree_spend(void);

/* Whether /proc shows us: mounted, and of our pid namespace. */
bool tree_visible(void);

/*
 * Take a snapshot.  With MARK ("NAME=value", not NULL) only of those of our
 * children that were started with it in their environment, and of all that is
 * below them.  PIDS has room for TREE_MAX.  Returns false if /proc shows
 * nothing usable.
 */
bool tree_walk(struct tree *t, pid_t *pids, const char *mark);

/* Whether PID is alive and, by its parent, still one of T's. */
bool tree_holds(const struct tree *t, pid_t pid);

#endif
