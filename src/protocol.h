/* SPDX-License-Identifier: MIT */
/*
 * What a lock protocol must be able to do.  One const table per protocol,
 * found by name; lock.c drives them and knows nothing of their keys.
 *
 * Each operation is one attempt with one deadline, on the lock's session; it neither
 * retries nor prints.  Any result but a success sets F.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

struct admin;
struct admin_extension;
struct admin_removal;
struct admin_walk;
struct failure;
struct inspect;
struct inspect_runs;
struct lock;
struct lock_run;
struct reply;

enum protocol_result {
	PROTOCOL_HELD,	      /* ours for a whole ttl from the send */
	PROTOCOL_GRANTED,     /* ours, but a keep() must confirm it first */
	PROTOCOL_BUSY,	      /* somebody else's; lock->rival is set */
	PROTOCOL_WAITING,     /* in the queue; lock->rival, ->ask_again set */
	PROTOCOL_LOST,	      /* no longer ours (keep, release) */
	PROTOCOL_NESTED,      /* an ancestor of ours keeps us out */
	PROTOCOL_DONE,	      /* needless (once_ms); lock->rival did it */
	PROTOCOL_RETRY,	      /* server says not now, connection broke: try again */
	PROTOCOL_FATAL,	      /* refused, or a configuration error: give up */
	PROTOCOL_INTERRUPTED  /* a signal */
};

struct protocol {
	const char *name;
	/* One attempt, without queueing. */
	enum protocol_result (*try)(struct lock *, int64_t deadline, struct failure *);
	/* (Re)enter the queue, listening first; or ask whether it is our turn. */
	enum protocol_result (*wait)(struct lock *, int64_t deadline, struct failure *);
	/*
	 * A message arrived for a waiter: GRANTED (confirm), WAITING (ask_again
	 * changed, or nothing of interest), RETRY (connection gone).
	 */
	enum protocol_result (*hear)(struct lock *, struct failure *);
	/* Confirm or renew for another ttl: HELD (or LOST). */
	enum protocol_result (*keep)(struct lock *, int64_t deadline, struct failure *);
	/* Listen for a reset while holding: HELD, or RETRY.  A reset heard: LOST. */
	enum protocol_result (*listen)(struct lock *, int64_t deadline, struct failure *);
	/* Give it back; RUN describes the run or is NULL.  HELD: was ours to the end; LOST. */
	enum protocol_result (*release)(struct lock *, const struct lock_run *run, int64_t deadline, struct failure *);
	/* A waiter goes; never waits longer than DEADLINE. */
	void (*leave)(struct lock *, int64_t deadline);

	/* For operators (admin.h), whose calls return HELD when they worked: */
	/* Look at the lock NAME and at its first WAITERS waiters. */
	enum protocol_result (*inspect)(struct admin *, const char *name, int waiters, int64_t deadline, struct inspect *, struct failure *);
	/* Its last runs. */
	enum protocol_result (*history)(struct admin *, const char *name, int64_t deadline, struct inspect_runs *, struct failure *);
	/* Take it from one holder. */
	enum protocol_result (*reset)(struct admin *, struct admin_removal *, int64_t deadline, struct failure *);
	/* Renew one holder's lease for it. */
	enum protocol_result (*extend)(struct admin *, struct admin_extension *, int64_t deadline, struct failure *);
	/* The next step of a walk over all locks; sets walk->done after the last. */
	enum protocol_result (*list)(struct admin *, struct admin_walk *, int64_t deadline, struct failure *);
};

/* NULL if there is none of that name. */
const struct protocol *protocol_find(const char *name);
extern const struct protocol protocol_netflock;

#endif
