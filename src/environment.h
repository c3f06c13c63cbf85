/* SPDX-License-Identifier: MIT */
/* The command's environment: the caller's, with ours replaced in it. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>

struct job;

/*
 * A copy of the environment with NETFLOCK_NAME, _TOKEN, _FENCE, _TTL_MS,
 * _WAITED_MS, _HELD and _CHAIN (all ancestors' tokens and ours) set for JOB,
 * without NETFLOCK_URL, REDIS_URL and REDISCLI_AUTH if it is to be scrubbed.
 * Without the lock there is no _FENCE and no _TOKEN, and _HELD is 0; the chain has the
 * token nevertheless, by which what the command starts is known as its own.
 * NULL: no memory.  It is never freed: the process that makes it execs or exits.
 */
char **environment_make(const struct job *job);

#endif
