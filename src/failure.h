/* SPDX-License-Identifier: MIT */
/*
 * Why something failed: kept by the layer that knows, printed once by the
 * one that decides (cmd_*).  The caller owns the struct, usually on its stack.
 *
 * The text is raw: it may hold bytes that a server sent.  message_* escapes
 * every line it prints, so nobody else has to.
 */
#ifndef FAILURE_H
#define FAILURE_H

struct failure {
	int status;	/* exit status this failure leads to, see status.h */
	char text[640];	/* no name in front, no capital, no full stop */
};

/*
 * Set F's status and text.  F may be NULL.  A text too long is cut.
 * Always returns -1, so that callers can "return failure_set(...)".
 * May format strings that are in F already.
 */
int failure_set(struct failure *f, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
