/* SPDX-License-Identifier: MIT */
/*
 * Locks as an operator sees them, who holds none: look at one, walk over all,
 * take one away.  Every call has a deadline and reconnects by itself: until
 * the server's first reply within the connect timeout, after that each
 * request within the I/O timeout, and what broke is asked again for as long
 * as the connect timeout.
 *
 * Steps of use: fill the first members, admin_open(); call; admin_close().
 */
#ifndef ADMIN_H
#define ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct inspect;
struct inspect_runs;
struct protocol;
struct seen;
struct session;
struct session_settings;

struct admin {
	/* filled by the caller; pointers outlive the struct */
	const struct protocol *protocol;
	const char *prefix;
	int64_t connect_ns, io_ns;
	const char *token; /* see the holders of this token only; NULL: all */

	struct session *session;
	int interrupt_fd;
	bool answered; /* the server has given a usable answer */
};

enum admin_result {
	ADMIN_OK,
	ADMIN_FAILED,	  /* F has status and text */
	ADMIN_INTERRUPTED /* a signal is waiting on the interrupt descriptor */
};

/* Returns 0, or -1 with F set.  Asks nobody yet. */
int admin_open(struct admin *a, const struct session_settings *settings,
    struct failure *f);
void admin_close(struct admin *a);
/* Calls end when FD is readable; -1 for never. */
void admin_interrupt(struct admin *a, int fd);

/* Look at NAME, which must outlive IN; inspect_free(IN) if it was OK. */
enum admin_result admin_inspect(struct admin *a, const char *name, int waiters,
    struct inspect *in, struct failure *f);

/* The last runs of NAME; inspect_runs_free(RUNS) if it was OK. */
enum admin_result admin_history(struct admin *a, const char *name,
    struct inspect_runs *runs, struct failure *f);

/* One holder that is to go: this very attempt, or nobody. */
struct admin_removal {
	const char *name;
	const char *token; /* NULL: any of that id */
	const char *id;
	bool now; /* free at once, overlap and all */
	bool release; /* no reset if it is a script's: given back for it */
	/* the result: */
	int64_t count;	  /* 0: it was gone already */
	bool runs;	  /* its command may run; set before: if unknown */
	int64_t lease_ms; /* what is left of its lease; -1 unknown */
};

enum admin_result admin_reset(
    struct admin *a, struct admin_removal *removal, struct failure *f);

/* A lease that is to end later: this very attempt's, or nobody's. */
struct admin_extension {
	const char *name, *token, *id;
	int64_t fence;
	int64_t ttl_ms; /* at least as long from now on */
	/* the result: */
	bool ours; /* it is held still */
};

enum admin_result admin_extend(
    struct admin *a, struct admin_extension *extension, struct failure *f);

/*
 * Walk over everything under the prefix, in no order, each lock once: held,
 * waited for, cooling, broken, or free but remembered; and keys that belong
 * to no lock.  SCAN's promise holds: what is there from beginning to end is
 * found.  After a reconnect it starts over: repeats are left out, but for
 * some among very many locks (seen.h).
 */
struct admin_walk {
	/* filled by the caller */
	int waiters; /* how many to tell of, of each lock */
	bool exact;  /* no repeats at all, in memory that grows (seen.h) */
	bool (*found)(void *arg, const struct inspect *in); /* false: stop */
	void *arg;
	/* the walk's own */
	char cursor[24];
	struct seen *seen;
	bool done;
};

enum admin_result admin_list(
    struct admin *a, struct admin_walk *walk, struct failure *f);

#endif
