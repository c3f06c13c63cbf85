/* SPDX-License-Identifier: MIT */
/* netflock reset: take locks away from whoever has them. */
#ifndef CMD_RESET_H
#define CMD_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin.h"
#include "text.h"

struct failure;
struct inspect;
struct inspect_holder;
struct options;
struct seen;

/* Returns the exit status. */
int cmd_reset(const struct options *o);

/* One lock after the other: what reset and reset-all have in common. */
struct cmd_reset_run {
	const struct options *o;
	struct admin *admin;
	struct text out; /* a line for each holder; the caller prints it */
	/* Whether a holder is to go; NULL: yes. */
	bool (*chosen)(void *arg, const struct inspect *in,
	    const struct inspect_holder *h);
	void *arg;
	/* Names of other locks that holders lost with these; exact. */
	struct seen *along;
	int64_t began; /* deadline_now() */
	/* the last cmd_reset_lock(): */
	size_t taken; /* holders that it was taken from */
	size_t gone;  /* chosen ones that were gone when their turn came */
};

/*
 * Take the lock away from the chosen ones of the holders that IN shows:
 * from nobody who got it since.
 */
enum admin_result cmd_reset_lock(
    struct cmd_reset_run *run, const struct inspect *in, struct failure *f);

#endif
