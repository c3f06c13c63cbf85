/* SPDX-License-Identifier: MIT */
/*
 * Whether a server is fit to keep locks, and we to use it: one finding after
 * the other, each with what to do about it.  Nothing is locked, and nothing
 * on the server is changed but its list of known scripts.
 *
 * Steps of use: fill the first members of a zeroed struct checkup;
 * checkup_run(), which calls found() for each finding, in the same order.
 *
 *     checkup.c         asking, in the order that findings are told
 *     checkup_judge.c   what facts mean: pure functions
 *     checkup_rights.c  which rights a user needs, and has
 */
#ifndef CHECKUP_H
#define CHECKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"

struct session_settings;

enum checkup_level {
	CHECKUP_OK,
	CHECKUP_UNKNOWN, /* we may not ask, or the server does not know */
	CHECKUP_WARNING,
	CHECKUP_PROBLEM /* netflock will not work, or not be safe */
};

struct checkup_finding {
	const char *check; /* "latency": static */
	enum checkup_level level;
	char text[640];	  /* raw, as in a struct failure */
	char advice[640]; /* what to do; "" for nothing */
};

struct checkup {
	/* filled by the caller; pointers outlive the call */
	const struct session_settings *settings;
	const char *url_from; /* where the URL was said: "default" */
	const char *name;     /* a lock whose rights are tried, or NULL */
	int64_t connect_ns;   /* until the first reply */
	struct deadline_terms terms; /* of run */
	void (*found)(void *arg, const struct checkup_finding *finding);
	void *arg;
};

/* Returns the worst level that was found. */
enum checkup_level checkup_run(const struct checkup *c);

/* "ok", "unknown", "warning", "problem" */
const char *checkup_level_word(enum checkup_level level);

#endif
