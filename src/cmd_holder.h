/* SPDX-License-Identifier: MIT */
/*
 * What renew, release and held have in common: who has the lock by a token.
 * They act on that one attempt only: whoever gets the lock meanwhile, with the
 * same token even, is left alone.
 *
 * Steps of use: cmd_holder_find(); if it returns 0 read the members, act on
 * token and id; cmd_holder_end() in any case.
 */
#ifndef CMD_HOLDER_H
#define CMD_HOLDER_H

#include "admin.h"
#include "inspect.h"

struct options;

/* The exit status for a lock that the token has not, or not any more. */
#define CMD_HOLDER_NOT_OURS 1

struct cmd_holder {
	const struct options *o;
	struct admin admin;
	struct inspect in;
	const struct inspect_holder *holder; /* as the server saw it; or NULL */
	char id[129];	 /* of the attempt; "" if there is none */
	int64_t asked;	 /* the instant before the server was asked */
};

/*
 * Returns 0, holder may be NULL; else the exit status of an error that has
 * been said.
 */
int cmd_holder_find(struct cmd_holder *h, const struct options *o);
/* The lock is held now, even by a clock that runs otherwise than the server's. */
bool cmd_holder_has(const struct cmd_holder *h);
/* Say why it is not ours, and return the exit status for that. */
int cmd_holder_refuse(const struct cmd_holder *h);
void cmd_holder_end(struct cmd_holder *h);

#endif
