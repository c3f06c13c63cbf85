/* SPDX-License-Identifier: MIT */
/* What does not go together: each value for itself is right already. */
#include "options_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "failure.h"
#include "status.h"

static int
check_together(const struct options *o, struct options_memory *m)
{
	if (options_given(m, OPTION_NONBLOCK) && o->wait_ms > 0) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--nonblock and --wait %.60s exclude each other",
		    options_text(m, OPTION_WAIT, ""));
		return OPTIONS_BLAME(m, OPTION_NONBLOCK, OPTION_WAIT);
	}
	if (o->nonblock && o->if_unreachable == OPTIONS_WAIT) {
		failure_set(&m->failure, STATUS_USAGE,
		    "%s and --if-unreachable wait exclude each other",
		    options_given(m, OPTION_NONBLOCK) ? "--nonblock"
						      : "--wait 0");
		return OPTIONS_BLAME(m, OPTION_NONBLOCK, OPTION_WAIT,
		    OPTION_IF_UNREACHABLE);
	}
	if (o->wait_all && o->kill_all) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--wait-all and --kill-all exclude each other");
		return OPTIONS_BLAME(m, OPTION_WAIT_ALL, OPTION_KILL_ALL);
	}
	if (o->ttl_given && o->add_ms >= 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--ttl and --add exclude each other");
	if (o->json && o->names_only)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--json and --names exclude each other");
	if (options_given(m, OPTION_INTERVAL) && !o->watch)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--interval %.60s needs --watch",
		    options_text(m, OPTION_INTERVAL, ""));
	if (o->quiet && (o->command->groups & OPTIONS_LOOKING) != 0 &&
	    (o->name_count == 0 || o->watch))
		return failure_set(&m->failure, STATUS_USAGE,
		    o->watch ? "--quiet and --watch exclude each other"
			     : "--quiet tells by its status whether locks "
			       "are held: it needs a NAME");
	return 0;
}

/* As flock: the last of -s and -x counts.  Who says both, and how many? */
static int
read_limit(struct options *o, struct options_memory *m)
{
	bool exclusive = options_given(m, OPTION_EXCLUSIVE);
	/* Lines of a file have no order. */
	bool both = exclusive && m->values[OPTION_EXCLUSIVE].file != NULL;
	bool shared = options_given(m, OPTION_SHARED) &&
		      (!exclusive || both ||
			  m->scan.seen[OPTION_SHARED].turn >
			      m->scan.seen[OPTION_EXCLUSIVE].turn);

	o->limit = shared ? 0 : (int)options_number(m, OPTION_SLOTS, 1);
	if (options_given(m, OPTION_SLOTS) && (shared || exclusive))
		failure_set(&m->failure, STATUS_USAGE,
		    "--slots %.60s and %s exclude each other",
		    options_text(m, OPTION_SLOTS, ""),
		    shared ? "--shared" : "--exclusive");
	else if (shared && both)
		failure_set(&m->failure, STATUS_USAGE,
		    "--shared and --exclusive exclude each other");
	else
		return 0;
	return OPTIONS_BLAME(m, OPTION_SLOTS, OPTION_SHARED, OPTION_EXCLUSIVE);
}

/* A script that has no lock must not go on as if it had one. */
static int
check_script(struct options *o, struct options_memory *m)
{
	static const enum options_id needy[] = { OPTION_KILL_AFTER,
		OPTION_SIGNAL, OPTION_ON_LOST };
	char name[32];

	if ((o->command->groups & OPTIONS_KEEPING) == 0)
		return 0;
	/* In a file that is meant for those who run commands. */
	if (o->conflict_status == 0 && !options_given_here(m, OPTION_CONFLICT))
		o->conflict_status = STATUS_BUSY;
	if (o->conflict_status == 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--conflict-exit-code 0 would tell the script that it has "
		    "the lock when it has not");
	for (size_t i = 0; i < sizeof(needy) / sizeof(*needy); i++)
		if (options_given_here(m, needy[i]) && o->pid == 0)
			return failure_set(&m->failure, STATUS_USAGE,
			    "%s needs --pid: without it nobody sees that the "
			    "lock is lost",
			    options_table_name(needy[i], name, sizeof(name)));
	if (o->pid == getpid())
		return failure_set(&m->failure, STATUS_USAGE,
		    "--pid %d is netflock itself: give it that of the script",
		    (int)o->pid);
	return 0;
}

/* " --kill-after 5s" for an option that was given, "" if it was not. */
static const char *
cite(const struct options_memory *m, enum options_id id, char *dst, size_t size)
{
	char name[32];

	dst[0] = '\0';
	if (options_given(m, id))
		snprintf(dst, size, " %s %.60s",
		    options_table_name(id, name, sizeof(name)),
		    options_text(m, id, ""));
	return dst;
}

/* What to do when LEAST is the smallest ttl that would do. */
static void
advise(char *dst, size_t size, int64_t least)
{
	bool whole = least % 1000 == 0;

	if (least > OPTIONS_VALUE_LONGEST)
		snprintf(dst, size, "no --ttl is long enough for that");
	else
		snprintf(dst, size,
		    "the smallest --ttl that works is %" PRId64 "%s",
		    whole ? least / 1000 : least, whole ? "s" : "ms");
}

/* The lease must leave time to renew, and to stop the command. */
static int
check_terms(struct options *o, struct options_memory *m)
{
	int64_t kill_after = options_number(m, OPTION_KILL_AFTER, -1);
	char ttl[100], kill_text[100], io[100], advice[64];

	if (((o->command->groups | o->command->reads) & OPTIONS_LEASE) == 0)
		return 0;
	if (o->ttl_ms <= 1000) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--ttl %.60s is too short: a lease must be longer than 1s",
		    options_text(m, OPTION_TTL, ""));
		return OPTIONS_BLAME(m, OPTION_TTL);
	}
	/* To renew for somebody else is not to take one. */
	if (((o->command->groups | o->command->reads) & OPTIONS_GETTING) == 0)
		return 0;
	deadline_terms(&o->terms, o->ttl_ms, kill_after, o->io_ms);
	if (deadline_terms_fit(&o->terms))
		return 0;
	advise(advice, sizeof(advice),
	    deadline_smallest_ttl_ms(kill_after, o->io_ms));
	cite(m, OPTION_TTL, ttl, sizeof(ttl));
	failure_set(&m->failure, STATUS_USAGE,
	    "no room in%s for%s%s: %s",
	    ttl[0] != '\0' ? ttl : " a lease of 30s",
	    cite(m, OPTION_KILL_AFTER, kill_text, sizeof(kill_text)),
	    cite(m, OPTION_IO_TIMEOUT, io, sizeof(io)), advice);
	return OPTIONS_BLAME(
	    m, OPTION_TTL, OPTION_KILL_AFTER, OPTION_IO_TIMEOUT);
}

static int
check_url_option(struct options_memory *m)
{
	const char *url = options_text(m, OPTION_URL, NULL);

	if (url == NULL)
		return 0;
	if (m->values[OPTION_URL].count > 1)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--url was given more than once: several servers are not "
		    "supported");
	/* Somebody thinks of flock -u: no host's name, nor a path. */
	if (m->scan.seen[OPTION_URL].letter != '\0' &&
	    strpbrk(url, ".:/") == NULL && strcmp(url, "localhost") != 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-u' takes the server's URL; there is nothing to "
		    "unlock by hand: the lock goes when its command ends");
	return 0;
}

int
options_check(struct options *o, struct options_memory *m)
{
	if (check_together(o, m) == -1 || read_limit(o, m) == -1 ||
	    check_script(o, m) == -1 || check_terms(o, m) == -1)
		return -1;
	return check_url_option(m);
}

int
options_check_with(const struct options *o, struct options_memory *m)
{
	bool twice;

	if (o->with_count > OPTIONS_WITH_MAX)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--with was given %zu times: at most %d locks besides NAME",
		    o->with_count, OPTIONS_WITH_MAX);
	for (size_t i = 0; i < o->with_count; i++) {
		twice = o->name != NULL && strcmp(o->with[i], o->name) == 0;
		for (size_t j = 0; j < i; j++)
			twice = twice || strcmp(o->with[i], o->with[j]) == 0;
		if (twice)
			return failure_set(&m->failure, STATUS_USAGE,
			    "--with %.60s: this lock is named twice",
			    o->with[i]);
	}
	return 0;
}
