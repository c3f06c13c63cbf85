/* SPDX-License-Identifier: MIT */
/*
 * What the server says, seen from inside the session: where a reply ends in
 * the bytes that came, what an error reply means, and the making of a struct
 * reply.  Everything here is a pure function of bytes.  What users of a
 * session do with a reply is declared in session.h.
 *
 * The parser (hiredis) is only given replies that reply_scan() found whole:
 * it allocates by the counts it reads, searches an unfinished line again and
 * again and (from 1.0 on) frees to any depth by recursion, all of which a
 * hostile server could use.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "session.h"

struct redisReader;

enum reply_extent {
	REPLY_PARTIAL, /* more bytes are needed */
	REPLY_WHOLE,   /* the reply is scan->at bytes long */
	REPLY_TOO_LONG,
	REPLY_GARBAGE /* not RESP2 */
};

/* How far a reply has been looked at; all zero at its first byte. */
#define REPLY_DEPTH 7 /* arrays in arrays; hiredis 0.14 has no more either */

struct reply_scan {
	size_t at;	/* values before it are whole */
	size_t seek;	/* where to look for the end of the line at AT */
	size_t missing; /* values still to come in all, if AT is not 0 */
	int depth;	/* arrays that are open ... */
	size_t open[REPLY_DEPTH]; /* ... and the values each still wants */
};

/*
 * Go on looking at the reply at BUF, of which LEN bytes have come.  BUF may
 * have moved since the last call.  A reply is too long if it has, or
 * announces, more than CAP bytes.
 */
enum reply_extent reply_scan(
    struct reply_scan *scan, const char *buf, size_t len, size_t cap);

/*
 * The reply that is in the LEN bytes at BUF.  NULL if hiredis refuses it or
 * out of memory: READER is of no use then.
 */
struct reply *reply_parse(
    struct redisReader *reader, const char *buf, size_t len);

/* What to do about an error reply. */
struct reply_verdict {
	enum session_result result; /* RETRY, REFUSED or ERROR */
	int status;		    /* exit status it leads to */
	bool elsewhere;		    /* another server is the right one */
};

/* Judge the error TEXT, which begins with its code ("OOM command ..."). */
struct reply_verdict reply_judge(const char *text);

/* Which right the user lacks, as far as the server says. */
enum reply_right {
	REPLY_RIGHT_UNKNOWN, /* TEXT is about something else, or in new words */
	REPLY_RIGHT_COMMAND,
	REPLY_RIGHT_KEY,
	REPLY_RIGHT_CHANNEL
};

struct reply_denial {
	enum reply_right right;
	char command[32]; /* "evalsha", "pubsub|numsub"; "" if not told */
	unsigned line;	  /* of the script that ran it; 0 if not told */
};

/* Read the error TEXT of a server that refused (a verdict of REFUSED). */
struct reply_denial reply_denied(const char *text);

#endif
