/* SPDX-License-Identifier: MIT */
/*
 * What a look at one lock showed.  Everything in it came from outside:
 * texts are raw bytes, numbers are within 0..2^53-1, or -1 if they were not
 * told or were none.
 *
 * Steps of use: inspect_take() or inspect_foreign() fills it; read;
 * inspect_free().  The texts belong to the reply, which it owns.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply;

enum inspect_state {
	INSPECT_FREE,
	INSPECT_WAITING, /* nobody holds it, somebody waits */
	INSPECT_GRANTED, /* given to a waiter that has not confirmed it yet */
	INSPECT_HELD,
	INSPECT_COOLING, /* given back, kept for --min-hold */
	INSPECT_REVOKED, /* reset; its command is being stopped */
	INSPECT_BROKEN	 /* not written by netflock */
};

struct inspect_text {
	const char *data; /* never NULL */
	size_t len;
};

struct inspect_owner {
	struct inspect_text user, host, pid, command, reason;
};

/* All names of a request for several; none if it has but the one. */
struct inspect_names {
	struct inspect_text list; /* for inspect_name() */
	int64_t count;		  /* of all; the list may be cut */
};

struct inspect_holder {
	struct inspect_text token, id;
	enum inspect_state state; /* GRANTED, HELD, COOLING, REVOKED, BROKEN */
	struct inspect_owner owner;
	int64_t held_ms, lease_ms, ttl_ms, fence;
	int64_t limit; /* how many it lets hold at a time; 0: any number */
	struct inspect_names names;
	bool live;     /* somebody listens on its channel */
};

struct inspect_waiter {
	struct inspect_text token;
	struct inspect_owner owner;
	int64_t waiting_ms; /* -1: it left no record */
	int64_t limit;
	struct inspect_names names;
	bool live;
};

struct inspect_run {
	bool known;
	struct inspect_owner owner;
	int64_t status, ran_ms;
	int64_t began, ended; /* ms since 1970, the server's clock */
	/* in a history only: */
	int64_t waited_ms, fence;
	bool reset; /* it was told to stop */
};

struct inspect {
	const char *name; /* as it was asked for; or the key if it is foreign */
	size_t name_len;
	bool foreign; /* a key under the prefix that belongs to no lock */
	struct inspect_text bad_key, bad_type; /* of another type; "" if not */
	bool exists;			       /* there is more than a queue */
	int64_t now_ms;			       /* the server's clock */
	int64_t waiting, fence;
	int64_t hold_ms; /* grants are held back for so long, or -1 */
	struct inspect_holder *holders; /* those longest there first */
	size_t holder_count;		/* of those here ... */
	int64_t holder_total;		/* ... and of all */
	struct inspect_waiter *waiters; /* in order */
	size_t waiter_count;		/* of those here; all: waiting */
	struct inspect_run last;
	struct reply *reply;
};

/*
 * Fill IN from the reply of the script "inspect"; takes REPLY over in any
 * case.  Returns 0; -1 for a reply that is none, or if out of memory.
 */
int inspect_take(struct inspect *in, const char *name, struct reply *reply);
/* The last runs of one lock, newest first. */
struct inspect_runs {
	struct inspect_text bad_key, bad_type; /* of another type; "" if not */
	struct inspect_run *runs;
	size_t count;
	struct reply *reply;
};

/* As inspect_take(), for the script "history". */
int inspect_runs_take(struct inspect_runs *runs, struct reply *reply);
void inspect_runs_free(struct inspect_runs *runs);

/* A key that belongs to no lock. */
void inspect_foreign(struct inspect *in, const char *key, size_t len);
void inspect_free(struct inspect *in);

/* The next name: begin with *AT = 0.  Returns false behind the last. */
bool inspect_name(
    const struct inspect_names *names, size_t *at, struct inspect_text *name);

enum inspect_state inspect_state(const struct inspect *in);
/* Somebody has it, or had it just now: not free, waiting, broken. */
bool inspect_is_held(const struct inspect *in);
/* The first holder that is not broken, or NULL. */
const struct inspect_holder *inspect_first(const struct inspect *in);
/* How many may hold it at a time: 0 any number, -1 if nobody does. */
int64_t inspect_limit(const struct inspect *in);
/* How many do. */
int64_t inspect_held(const struct inspect *in);
/* "held", "shared", "slots", "foreign", ... */
const char *inspect_word(const struct inspect *in);
/* "held", "shared 3", "slots 2/4", ... into DST; returns it.  48 bytes. */
char *inspect_state_text(char *dst, size_t size, const struct inspect *in);
const char *inspect_state_word(enum inspect_state state);

#endif
