/* SPDX-License-Identifier: MIT */
/*
 * One lock, or several names as one, as a client sees it: getting it, keeping it, giving it
 * back, whatever the protocol.
 *
 * Steps of use:
 *   1. fill struct lock_request, lock_new()
 *   2. lock_acquire(): LOCK_HELD, or why not
 *   3. (in the keeper) lock_keep() before every third of the ttl, lock_listen() to hear a reset
 *   4. lock_release() once nothing runs under it any more
 *   5. lock_free()
 * After fork(2) exactly one process goes on with it; the other calls lock_abandon(), after which it may
 * still lock_release() over a new connection.  One owner at a time, thread or process.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"
#include "owner.h"
#include "token.h"

struct failure;
struct protocol;
struct session;
struct session_settings;

enum lock_result {
	LOCK_HELD,
	LOCK_BUSY,	  /* not acquired in time; lock->rival says who has it */
	LOCK_DONE,	  /* needless (once_ms); lock->rival says who did it */
	LOCK_LOST,	  /* not ours any more */
	LOCK_RETRY,	  /* no usable answer; may work later */
	LOCK_FAILED,	  /* F has status and text */
	LOCK_INTERRUPTED  /* a signal is waiting on the interrupt descriptor */
};

#define LOCK_NAMES_MAX 100 /* the scripts take no more */

/* What the caller wants; pointers outlive the lock. */
struct lock_request {
	const struct protocol *protocol;
	const char *name;
	const char *const *with; /* further names: all or none */
	size_t with_count;	 /* LOCK_NAMES_MAX - 1 at most */
	const char *prefix;
	const char *chain;	/* tokens of our ancestors, "" for none */
	const char *token;	/* the caller's choice; NULL: random */
	bool handback;		/* a script's: it may be given back by token */
	const struct owner *owner;
	struct deadline_terms terms;
	int limit;		/* 1 exclusive, N slots, 0 shared */
	int64_t min_hold_ms;
	int64_t once_ms;	/* needless if a run since then succeeded */
	int keep_history;	/* runs that the server remembers */
};

/* Who keeps us out, as far as the last reply said. */
struct lock_rival {
	const char *name;  /* of the lock that he has: one of the request's */
	struct owner owner;
	bool known;
	int64_t learned;   /* when: the instant of the reply */
	int64_t since_ms;  /* held for, then */
	int64_t ends_ms;   /* lease left; -1 unknown */
	int64_t ended_ms;  /* LOCK_DONE: it ended so long ago; -1 unknown */
	int64_t ahead;	   /* waiters before us */
	int64_t holders;   /* in all our names */
	int64_t also;	   /* that many more have it besides him */
	char state[16];
};

struct lock_run {
	int status;	 /* as a shell would give it; -1: not known */
	int64_t ran_ms;
	bool lost;	 /* nothing is kept for --min-hold */
};

struct lock {
	struct lock_request want;
	char token[TOKEN_MAX + 1];
	char id[TOKEN_SIZE];
	/* once held: */
	int64_t fence;
	int64_t lease_end;   /* D of the last successful request */
	int64_t server_left_ms; /* what the last keep said was left before it; -1 unknown */
	bool restored;	     /* the last keep restored a forgotten record */
	bool confirmed;	     /* a direct grant or a keep was confirmed once */
	bool release_unsure; /* a release was sent whose reply never came */
	bool returned;	     /* LOST: the script itself gave it back */
	/* while waiting: */
	struct lock_rival rival;
	int64_t ask_again;   /* instant of the next request ... */
	int64_t ask_latest;  /* ... which messages may not put off beyond */
	int64_t waited_ms;   /* how long lock_acquire() took */
	bool answered;	     /* the server has ever given a usable answer */
	/* the protocol's own: */
	char key[600];	     /* of the first name: messages go there */
	char **keys;	     /* of all names: locks, then queues, then waiters */
	size_t key_count;
	char borns[LOCK_NAMES_MAX * 18];
	int64_t order;	     /* 0: none yet */
	int64_t hold_ms;
	struct session *ask;	/* requests */
	struct session *hear;	/* messages; made when first needed */
	int interrupt_fd;
};

struct lock_patience {
	bool nonblock;		/* one attempt */
	bool persistent;	/* connect_ns is for each attempt, not for all */
	int64_t wait_until;	/* total budget, DEADLINE_NEVER for ever */
	int64_t connect_ns;	/* until the first usable reply */
	/*
	 * Called when a wait exceeds a second, and every second from then on
	 * as long as it returns true; may be NULL.
	 */
	bool (*waiting)(void *arg, const struct lock *lock);
	/* Called once in each outage: no usable answer, trying on; may be NULL. */
	void (*trouble)(void *arg, const struct lock *lock,
	    const struct failure *f);
	void *waiting_arg; /* for both */
};

/* NULL: out of memory, or no randomness (errno).  Copies *REQUEST. */
struct lock *lock_new(const struct lock_request *request,
    const struct session_settings *settings, struct failure *f);
void lock_free(struct lock *lock);
/* All calls return LOCK_INTERRUPTED when FD is readable; -1 for never. */
void lock_interrupt(struct lock *lock, int fd);

/* Whether the process has other threads now: then no helper is forked. */
void lock_threaded(struct lock *lock, bool threaded);

/*
 * Become another attempt, with another token unless that was chosen: whatever
 * is still under way of the old one cannot touch what the new one gets.
 * Returns 0, or -1 with F set.
 */
int lock_start_over(struct lock *lock, struct failure *f);

/* Get it.  HELD: lease_end leaves room to start a command (deadline_may_start). */
enum lock_result lock_acquire(struct lock *lock,
    const struct lock_patience *patience, struct failure *f);
/* One renewal: HELD (lease_end moved), LOST, RETRY, FAILED, INTERRUPTED. */
enum lock_result lock_keep(struct lock *lock, int64_t deadline,
    struct failure *f);
/*
 * Make sure that a reset would be heard: HELD.  LOST if one was.  Then poll lock_listen_fd().
 */
enum lock_result lock_listen(struct lock *lock, int64_t deadline,
    struct failure *f);
int lock_listen_fd(const struct lock *lock);
/* The command connection, to notice that the server went away; -1 if closed. */
int lock_ask_fd(const struct lock *lock);
/* Call when lock_ask_fd() is readable: false if the connection is gone. */
bool lock_ask_check(struct lock *lock);
/*
 * Give it back: HELD (was ours to the end), LOST, RETRY/FAILED (F says why; it
 * runs out by itself).  Retries until DEADLINE.
 */
enum lock_result lock_release(struct lock *lock, const struct lock_run *run,
    int64_t deadline, struct failure *f);
/* Another process goes on with the connections: close our copies only. */
void lock_abandon(struct lock *lock);

#endif
