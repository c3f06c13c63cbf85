/* SPDX-License-Identifier: MIT */
#include "cmd_help.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "options.h"
#include "options_argtable.h"
#include "options_table.h"
#include "status.h"
#include "version.h"

static const char statuses[] =
    "\nDurations: 500ms, 30s, 5m, 1h30m, 2d; a bare number is seconds.\n"
    "\nExit status: that of COMMAND, but\n"
    "   64  wrong usage\n"
    "   69  no usable server before COMMAND was started\n"
    "   70  internal error, or a process of netflock was killed\n"
    "   71  the operating system refused (fork, memory, descriptors)\n"
    "   75  busy: the lock was not acquired (-E changes it)\n"
    "   76  lock lost, or not provably held all the time\n"
    "   77  the server refused: authentication, permission, TLS\n"
    "   78  configuration: bad URL or file, key of another type\n"
    "  124  --max-runtime is over\n"
    "  126  COMMAND cannot be executed\n"
    "  127  COMMAND was not found\n";

static const char examples[] =
    "\nExamples:\n"
    "  netflock -n -E 0 --min-hold 5m nightly -- /usr/local/bin/backup --full\n"
    "      from cron on many hosts: one of them runs it, the others skip\n"
    "  netflock migrate -- ./manage.py migrate\n"
    "      one after the other\n"
    "  netflock -w 10m -T 1h report -c 'make-report | mail -s report ops'\n"
    "      wait 10 minutes at most for the lock, run an hour at most\n"
    "\nThe server: --url, $NETFLOCK_URL, $REDIS_URL, url in netflock.conf,\n"
    "redis://127.0.0.1:6379.  Its password: in the URL, --password-file, or\n"
    "$REDISCLI_AUTH.  More: man netflock.\n";

/* "Usage: netflock ..." and "   or: netflock ..." for each form. */
static void
print_usage(const struct options_command *c, const char **lead)
{
	const char *p;
	size_t len;

	for (p = c->synopsis; *p != '\0'; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		printf("%s netflock %.*s\n", *lead, (int)len, p);
		*lead = "   or:";
	}
}

static void
print_one(const struct options_command *c)
{
	const char *lead = "Usage:";

	print_usage(c, &lead);
	printf("\n%s\n", c->brief);
	options_argtable_print(stdout, c->groups);
}

/* What "netflock --help" shows: the default command, and what else there is. */
static void
print_all(const struct options_command *commands)
{
	const struct options_command *c;
	const char *lead = "Usage:";

	for (c = commands; c->word != NULL; c++) {
		if (c->main != NULL)
			print_usage(c, &lead);
	}
	printf("       netflock --version\n\n%s\n", commands->brief);
	options_argtable_print(stdout, commands->groups);
	for (c = commands + 1, lead = "\nOther commands:\n"; c->word; c++) {
		if (c->main == NULL)
			continue;
		printf("%s  %-27s %s\n", lead, c->word, c->brief);
		lead = "";
	}
}

static int
print_help(const struct options *o)
{
	const struct options_command *c = o->subject;

	if (c == NULL && o->name_count > 0) {
		c = options_find_command(o->commands, o->names[0]);
		if (c == NULL || c->main == NULL) {
			message_always(NULL,
			    c ? "'%s' comes in a later release"
			      : "there is no command '%s'",
			    o->names[0]);
			return STATUS_USAGE;
		}
	}
	if (c == NULL)
		print_all(o->commands);
	else
		print_one(c);
	if (c == NULL || c == o->commands) {
		fputs(statuses, stdout);
		fputs(examples, stdout);
	}
	return STATUS_OK;
}

int
cmd_help(const struct options *o)
{
	int status = STATUS_OK;

	switch (o->show) {
	case OPTIONS_SHOW_HELP:
		status = print_help(o);
		break;
	case OPTIONS_SHOW_VERSION:
		fputs(version_text, stdout);
		break;
	case OPTIONS_SHOW_DUMP:
		options_table_dump(stdout, o->commands);
		break;
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		message_always(NULL, "cannot write to the standard output");
		return STATUS_OS;
	}
	return status;
}
