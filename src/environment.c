/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "lock.h"

static const char *const ours[] = { "NETFLOCK_NAME", "NETFLOCK_TOKEN",
	"NETFLOCK_FENCE", "NETFLOCK_TTL_MS", "NETFLOCK_WAITED_MS",
	"NETFLOCK_HELD", "NETFLOCK_CHAIN" };
#define OURS (sizeof(ours) / sizeof(*ours))

static const char *const secrets[] = { "NETFLOCK_URL", "REDIS_URL",
	"REDISCLI_AUTH" };

static bool
is_variable(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool
keeps(const char *entry, bool scrub)
{
	for (size_t i = 0; i < OURS; i++)
		if (is_variable(entry, ours[i]))
			return false;
	for (size_t i = 0; scrub && i < sizeof(secrets) / sizeof(*secrets); i++)
		if (is_variable(entry, secrets[i]))
			return false;
	return true;
}

static bool __attribute__((format(printf, 3, 4)))
append(char **env, size_t *count, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&env[*count], format, args);
	va_end(args);
	if (n == -1)
		return false;
	(*count)++;
	return true;
}

/* What only a holder has. */
static bool
append_held(char **env, size_t *count, const struct lock *lock)
{
	return append(env, count, "NETFLOCK_TOKEN=%s", lock->token) &&
	    append(env, count, "NETFLOCK_FENCE=%lld", (long long)lock->fence);
}

char **
environment_make(const struct job *job)
{
	const struct lock *lock = job->lock;
	const char *chain = job->chain;
	size_t count = 0, theirs = 0;
	char **env;

	while (environ != NULL && environ[theirs] != NULL)
		theirs++;
	env = calloc(theirs + OURS + 1, sizeof(*env));
	if (env == NULL)
		return NULL;
	for (size_t i = 0; i < theirs; i++)
		if (keeps(environ[i], job->scrub))
			env[count++] = environ[i];
	if (!append(env, &count, "NETFLOCK_NAME=%s", lock->want.name) ||
	    (!job->unlocked && !append_held(env, &count, lock)) ||
	    !append(env, &count, "NETFLOCK_TTL_MS=%lld",
		(long long)(lock->want.terms.ttl / DEADLINE_MS)) ||
	    !append(env, &count, "NETFLOCK_WAITED_MS=%lld",
		(long long)lock->waited_ms) ||
	    !append(env, &count, "NETFLOCK_HELD=%d", !job->unlocked) ||
	    !append(env, &count, "NETFLOCK_CHAIN=%s%s%s", chain,
		*chain != '\0' ? "," : "", lock->token))
		return NULL;
	return env;
}
