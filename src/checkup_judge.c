/* SPDX-License-Identifier: MIT */
#include "checkup_inner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "duration.h"

#define DAY_S INT64_C(86400)
#define EXPIRES_SOON (14 * DAY_S)
#define OLDEST_MAJOR 6 /* the oldest Redis that it is tested with: 6.2 */
#define OLDEST_MINOR 2
#define FULL_SOON 90 /* percent */

static void judge(struct checkup_finding *f, const char *check,
    enum checkup_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void advise(struct checkup_finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
judge(struct checkup_finding *f, const char *check, enum checkup_level level,
    const char *format, ...)
{
	va_list args;

	f->check = check;
	f->level = level;
	f->advice[0] = '\0';
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

static void
advise(struct checkup_finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(f->advice, sizeof(f->advice), format, args);
	va_end(args);
}

const char *
checkup_level_word(enum checkup_level level)
{
	static const char *const words[] = { "ok", "unknown", "warning",
		"problem" };

	return words[level];
}

void
checkup_forget(struct checkup_facts *k)
{
	*k = (struct checkup_facts){ .expires_s = -1,
		.median_us = -1,
		.most_us = -1,
		.memory_limit = -1,
		.memory_used = -1 };
}

/* ------------------------------------------------------------------ */
/* The connection. */

void
checkup_judge_reach(const struct checkup_facts *k, struct checkup_finding *f)
{
	if (k->failed > 0) {
		judge(f, "reach", CHECKUP_WARNING,
		    "'%s' is reached at %s, but not at every address: %s",
		    k->endpoint, k->peer, k->tried);
		advise(f, "each address that does not answer delays every "
			  "start: see whether the name should have it");
	} else if (strcmp(k->peer, k->endpoint) == 0) {
		judge(f, "reach", CHECKUP_OK, "'%s' is reached", k->endpoint);
	} else {
		judge(f, "reach", CHECKUP_OK, "'%s' is reached at %s",
		    k->endpoint, k->peer);
	}
}

static void
judge_certificate(const struct checkup_facts *k, struct checkup_finding *f)
{
	int64_t left = k->expires_s - k->now_s;
	time_t at = (time_t)k->expires_s;
	struct tm tm;
	char date[32] = "an unknown date";

	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	judge(f, "tls", left < EXPIRES_SOON ? CHECKUP_WARNING : CHECKUP_OK,
	    "%s with %s; the server's certificate ends on %s (%s%" PRId64
	    " days)",
	    k->tls_version, k->cipher, date, left < 0 ? "ago: " : "in ",
	    (left < 0 ? -left : left) / DAY_S);
	if (left < EXPIRES_SOON)
		advise(f, "renew it: without a valid one nothing can be "
			  "locked");
}

void
checkup_judge_tls(const struct checkup_facts *k, struct checkup_finding *f)
{
	if (k->tls && !k->verified) {
		judge(f, "tls", CHECKUP_WARNING,
		    "%s with %s; the server's certificate is not verified",
		    k->tls_version, k->cipher);
		advise(f, "give --cacert instead of --insecure");
	} else if (k->tls) {
		judge_certificate(k, f);
	} else if (k->local) {
		judge(f, "tls", CHECKUP_OK,
		    "none, and none needed on this machine");
	} else if (k->password) {
		judge(f, "tls", CHECKUP_WARNING,
		    "none: the password goes to %s in plain", k->peer);
		advise(f, "use rediss://, a tunnel, or a network that you "
			  "trust");
	} else {
		judge(f, "tls", CHECKUP_OK,
		    "none: all that is said goes to %s in plain", k->peer);
	}
}

void
checkup_judge_login(const struct checkup_facts *k, struct checkup_finding *f)
{
	const char *user = k->user[0] != '\0' ? k->user : "default";

	if (k->password) {
		judge(
		    f, "login", CHECKUP_OK, "user '%s', with a password", user);
	} else if (k->local || k->tls) {
		judge(f, "login", CHECKUP_OK, "user '%s', without a password",
		    user);
	} else {
		judge(f, "login", CHECKUP_WARNING,
		    "user '%s', without a password: who reaches the server "
		    "can take any lock",
		    user);
		advise(f, "give the server users with passwords (SECURITY in "
			  "the manual)");
	}
}

/* ------------------------------------------------------------------ */
/* The server. */

static bool
is_old(const struct checkup_facts *k)
{
	char *end;
	long major = strtol(k->version, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	return major < OLDEST_MAJOR ||
	       (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
}

void
checkup_judge_server(const struct checkup_facts *k, struct checkup_finding *f)
{
	bool known =
	    strcmp(k->kind, "redis") == 0 || strcmp(k->kind, "valkey") == 0;

	if (k->version[0] == '\0') {
		judge(
		    f, "server", CHECKUP_UNKNOWN, "it does not say what it is");
		advise(f, "netflock is tested with Redis from 6.2 on and with "
			  "Valkey");
		return;
	}
	judge(
	    f, "server", CHECKUP_OK, "%s %s, %s", k->kind, k->version, k->mode);
	if (strcmp(k->mode, "sentinel") == 0) {
		f->level = CHECKUP_PROBLEM;
		advise(f, "this one keeps no keys: name the server that it "
			  "watches");
	} else if (known && is_old(k)) {
		f->level = CHECKUP_PROBLEM;
		advise(f, "netflock needs Redis 6.2 or later, or Valkey");
	} else if (strcmp(k->mode, "cluster") == 0) {
		f->level = CHECKUP_WARNING;
		advise(f, "locks whose slot is on another node cannot be "
			  "taken: use a server that is no cluster");
	} else if (!known) {
		f->level = CHECKUP_WARNING;
		advise(f, "netflock is tested with Redis and Valkey only");
	}
}

void
checkup_judge_role(const struct checkup_facts *k, struct checkup_finding *f)
{
	if (k->role[0] == '\0') {
		judge(f, "role", CHECKUP_UNKNOWN, "it does not say");
	} else if (strcmp(k->role, "master") == 0) {
		judge(f, "role", CHECKUP_OK, "master");
	} else {
		judge(f, "role", CHECKUP_PROBLEM, "%s%s%s: it takes no locks",
		    k->role, k->master[0] != '\0' ? " of " : "", k->master);
		advise(f, "name the master");
	}
}

/* "0.215ms", "1m2s" */
static const char *
time_text(char *dst, size_t size, int64_t us)
{
	if (us < 1000000)
		(void)snprintf(dst, size, "%" PRId64 ".%03dms", us / 1000,
		    (int)(us % 1000));
	else
		duration_format(dst, size, (us + 500) / 1000);
	return dst;
}

void
checkup_judge_latency(const struct checkup_facts *k, struct checkup_finding *f)
{
	int64_t io_us = k->terms.io / 1000;
	char median[32], most[32], io[32];
	bool slow = k->median_us > io_us / 10 || k->most_us > io_us / 2;

	judge(f, "latency",
	    k->median_us > io_us ? CHECKUP_PROBLEM
	    : slow		 ? CHECKUP_WARNING
				 : CHECKUP_OK,
	    "%s, the median of %d requests, %s at most",
	    time_text(median, sizeof(median), k->median_us), k->samples,
	    time_text(most, sizeof(most), k->most_us));
	if (slow)
		advise(f,
		    "one request may take %s (--io-timeout): a slow "
		    "server makes locks late, or lost",
		    duration_format(io, sizeof(io), io_us / 1000));
}

void
checkup_judge_clock(const struct checkup_facts *k, struct checkup_finding *f)
{
	int64_t off = k->ahead_us < 0 ? -k->ahead_us : k->ahead_us;
	char by[32], error[32];

	if (!k->clock) {
		judge(f, "clock", CHECKUP_UNKNOWN, "it does not tell the time");
		return;
	}
	time_text(error, sizeof(error), k->error_us);
	if (off <= k->error_us)
		judge(f, "clock", CHECKUP_OK,
		    "the server's and ours agree within %s", error);
	else
		judge(f, "clock", CHECKUP_OK,
		    "the server's is %s %s ours (within %s), which changes no "
		    "lease",
		    time_text(by, sizeof(by), off),
		    k->ahead_us > 0 ? "ahead of" : "behind", error);
	if (off > 60 * INT64_C(1000000))
		advise(f, "times that status shows are the server's: set both "
			  "by NTP");
}

void
checkup_judge_memory(const struct checkup_facts *k, struct checkup_finding *f)
{
	int64_t percent = k->memory_limit > 0 && k->memory_used >= 0
			      ? k->memory_used / (k->memory_limit / 100 + 1)
			      : -1;

	if (k->full)
		judge(f, "memory", CHECKUP_PROBLEM,
		    "full: the server refuses to store more, so no lock can be "
		    "taken");
	else if (percent >= FULL_SOON)
		judge(f, "memory", CHECKUP_WARNING,
		    "%" PRId64 "%% of maxmemory is used", percent);
	else if (percent >= 0)
		judge(f, "memory", CHECKUP_OK,
		    "%" PRId64 "%% of maxmemory is used", percent);
	else if (k->memory_limit == 0)
		judge(f, "memory", CHECKUP_OK, "the server sets no limit");
	else
		judge(f, "memory", CHECKUP_UNKNOWN,
		    "user '%s' may not ask (CONFIG GET, INFO)",
		    k->user[0] != '\0' ? k->user : "default");
	if (f->level >= CHECKUP_WARNING)
		advise(f, "raise maxmemory, or delete what is not needed");
}

void
checkup_judge_eviction(const struct checkup_facts *k, struct checkup_finding *f)
{
	if (k->policy[0] == '\0') {
		judge(f, "eviction", CHECKUP_UNKNOWN,
		    "user '%s' may not ask (CONFIG GET, INFO)",
		    k->user[0] != '\0' ? k->user : "default");
		advise(f, "maxmemory-policy must be noeviction");
	} else if (strcmp(k->policy, "noeviction") == 0) {
		judge(f, "eviction", CHECKUP_OK, "noeviction");
	} else if (k->memory_limit == 0) {
		judge(f, "eviction", CHECKUP_WARNING,
		    "%s, though without a limit of memory yet", k->policy);
		advise(f, "CONFIG SET maxmemory-policy noeviction");
	} else {
		judge(f, "eviction", CHECKUP_PROBLEM,
		    "%s: the server may forget who holds a lock", k->policy);
		advise(f, "CONFIG SET maxmemory-policy noeviction, or a server "
			  "of its own for locks");
	}
}

void
checkup_judge_persistence(
    const struct checkup_facts *k, struct checkup_finding *f)
{
	int64_t overlap_ms =
	    (k->terms.renew + k->terms.io + k->terms.kill_after) / DEADLINE_MS;
	char overlap[24];

	if (strcmp(k->append_only, "yes") == 0) {
		judge(f, "persistence", CHECKUP_OK,
		    "every change is logged%s%s (appendonly)",
		    k->fsync[0] != '\0' ? ", fsync " : "", k->fsync);
		return;
	}
	if (k->append_only[0] == '\0' || !k->save_known) {
		judge(f, "persistence", CHECKUP_UNKNOWN,
		    "user '%s' may not ask (CONFIG GET)",
		    k->user[0] != '\0' ? k->user : "default");
		advise(f, "without appendonly a restart forgets locks");
		return;
	}
	judge(f, "persistence", CHECKUP_WARNING,
	    k->save[0] != '\0'
		? "snapshots only: a restart forgets the latest locks"
		: "none: a restart forgets who holds and who waits");
	advise(f,
	    "CONFIG SET appendonly yes; else two commands may overlap "
	    "for %s then",
	    duration_format(overlap, sizeof(overlap), overlap_ms));
}

/* ------------------------------------------------------------------ */

bool
checkup_is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 ||
	       strcmp(address, "::1") == 0 ||
	       strncmp(address, "::ffff:127.", 11) == 0;
}

bool
checkup_info(const char *info, const char *field, char *dst, size_t size)
{
	size_t len = strlen(field);
	const char *line;

	for (line = info; *line != '\0'; line += strspn(line, "\r\n")) {
		size_t n = strcspn(line, "\r\n");

		if (n > len && line[len] == ':' &&
		    memcmp(line, field, len) == 0) {
			snprintf(dst, size, "%.*s", (int)(n - len - 1),
			    line + len + 1);
			return true;
		}
		line += n;
	}
	return false;
}
