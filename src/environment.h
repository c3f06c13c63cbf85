/* SPDX-License-Identifier: MIT */
/* The command's environment: the caller's, with ours replaced in it. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>

struct lock;

/*
 * A copy of the environment with NETFLOCK_NAME, _TOKEN, _FENCE, _TTL_MS,
 * _WAITED_MS, _HELD and _CHAIN (CHAIN and our token) set for LOCK, without
 * NETFLOCK_URL, REDIS_URL and REDISCLI_AUTH if SCRUB.  NULL: no memory.  It
 * is never freed: the process that makes it execs or exits.
 */
char **environment_make(const struct lock *lock, const char *chain,
    bool scrub);

#endif
