/* SPDX-License-Identifier: MIT */
/* The words of the command line: options, the subcommand, operands. */
#include "options_inner.h"

#include <string.h>

#include "failure.h"
#include "status.h"

#define NAME_LONGEST 512 /* bytes */

const struct options_command *
options_find_command(const struct options_command *commands, const char *word)
{
	const struct options_command *c;

	for (c = commands; c->word != NULL; c++) {
		if (strcmp(c->word, word) == 0)
			return c;
	}
	return NULL;
}

/* Options, then perhaps a subcommand, then its options. */
static int
read_command(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	const struct options_command *c = NULL;

	o->command = o->commands;
	s->groups = ~0U;
	if (options_scan(s, &m->failure) == -1)
		return -1;
	if (s->at < s->argc && !s->dashes)
		c = options_find_command(o->commands, s->argv[s->at]);
	if (c == NULL)
		return 0;
	o->command = c;
	m->word = c->word;
	if (c->main == NULL)
		return failure_set(&m->failure, STATUS_USAGE,
		    "'%s' comes in a later release; for a lock of that name: "
		    "netflock run %s COMMAND",
		    c->word, c->word);
	s->at++;
	s->groups = c->groups;
	return options_scan(s, &m->failure);
}

/*
 * An option behind a name is wrong: perhaps it is that of a command, which
 * was meant to run under a lock whose name is a subcommand's word.
 */
static int
hint(const struct options *o, struct options_memory *m)
{
	static const char unknown[] = "unknown option";

	if (m->word == NULL ||
	    strncmp(m->failure.text, unknown, sizeof(unknown) - 1) != 0)
		return -1;
	return failure_set(&m->failure, STATUS_USAGE,
	    "%s; to run a command under the lock '%s': netflock run %s "
	    "COMMAND",
	    m->failure.text, o->command->word, o->command->word);
}

/* Operands of a subcommand that takes words, with options between them. */
static int
read_names(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	bool dashes = s->dashes;

	o->names = m->names;
	while (s->at < s->argc) {
		o->names[o->name_count++] = s->argv[s->at++];
		if (dashes)
			continue;
		if (options_scan(s, &m->failure) == -1)
			return hint(o, m);
		/* "--" that is not needed for a name: that of a command. */
		dashes = s->dashes;
		if (dashes && s->at < s->argc && s->argv[s->at][0] != '-')
			return failure_set(&m->failure, STATUS_USAGE,
			    "'%s' runs no command; to run one under the lock "
			    "'%s': netflock run %s -- COMMAND",
			    o->command->word, o->command->word,
			    o->command->word);
	}
	return 0;
}

/* Whether each option exists in the command that was chosen. */
static int
check_groups(const struct options *o, struct options_memory *m)
{
	char name[32];

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (m->scan.seen[id].count == 0 ||
		    (options_table[id].group & o->command->groups) != 0)
			continue;
		options_table_name(id, name, sizeof(name));
		return failure_set(&m->failure, STATUS_USAGE,
		    "'%s' takes no option '%s'", o->command->word, name);
	}
	return 0;
}

static int
check_name(const char *name, struct failure *f)
{
	size_t len = strlen(name);

	if (len == 0)
		return failure_set(f, STATUS_USAGE,
		    "the NAME of the lock is empty: there is no default");
	if (len > NAME_LONGEST)
		return failure_set(f, STATUS_USAGE,
		    "the NAME of the lock is too long: %zu bytes, at most %d",
		    len, NAME_LONGEST);
	return 0;
}

/* NAME TOKEN. */
static int
check_holder(const struct options *o, struct failure *f)
{
	const char *word = o->command->word;
	int64_t unused;

	if (o->name_count < 2)
		return failure_set(f, STATUS_USAGE,
		    "'%s' needs a NAME and a TOKEN, which acquire prints",
		    word);
	if (o->name_count > 2 ||
	    options_value_token.read(o->names[1], &unused) != OPTIONS_VALUE_OK)
		return failure_set(f, STATUS_USAGE,
		    "'%s' takes a NAME and a TOKEN, not '%.60s'; to run a "
		    "command under the lock '%s': netflock run %s COMMAND",
		    word, o->names[o->name_count > 2 ? 2 : 1], word, word);
	return check_name(o->names[0], f);
}

static int
check_names(const struct options *o, struct failure *f)
{
	const struct options_command *c = o->command;

	if (c->operands == OPTIONS_HOLDER)
		return check_holder(o, f);
	if (o->name_count < c->least)
		return failure_set(
		    f, STATUS_USAGE, "'%s' needs a NAME", c->word);
	if (o->name_count > c->most)
		return failure_set(f, STATUS_USAGE,
		    "'%s' does not take '%.60s'; to run a command under the "
		    "lock '%s': netflock run %s COMMAND",
		    c->word, o->names[c->most], c->word, c->word);
	for (size_t i = 0; i < o->name_count; i++) {
		if (check_name(o->names[i], f) == -1)
			return -1;
	}
	return 0;
}

/* NAME -c STRING: LEFT counts the words from "-c" on. */
static int
read_shell(struct options *o, struct options_memory *m, int left)
{
	static char shell[] = "/bin/sh", option[] = "-c";

	if (left < 2)
		return failure_set(
		    &m->failure, STATUS_USAGE, "option '-c' requires a value");
	if (left > 2)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-c' takes exactly one argument, but '%.60s' "
		    "follows: quote the whole shell command",
		    m->scan.argv[m->scan.at + 2]);
	m->shell_argv[0] = shell;
	m->shell_argv[1] = option;
	m->shell_argv[2] = m->scan.argv[m->scan.at + 1];
	o->argv = m->shell_argv;
	return 0;
}

/* How much of an option is quoted: its value may be a secret. */
static int
shown(const char *option)
{
	size_t len = option[1] == '-' ? strcspn(option, "=") : 2;

	return (int)(len < 60 ? len : 60);
}

/* NAME [--] COMMAND [ARG]... or NAME -c STRING. */
static int
read_run(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	char **next;

	if (s->at >= s->argc)
		return failure_set(&m->failure, STATUS_USAGE,
		    "the NAME of the lock is missing, see netflock --help");
	o->name = s->argv[s->at++];
	if (check_name(o->name, &m->failure) == -1)
		return -1;
	next = s->argv + s->at;
	if (s->at < s->argc && strcmp(*next, "-c") == 0)
		return read_shell(o, m, s->argc - s->at);
	if (s->at < s->argc && strcmp(*next, "--") == 0)
		next++;
	else if (s->at < s->argc && strncmp(*next, "-c", 2) == 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-c' and its value are two words: netflock NAME -c "
		    "'SHELL COMMAND'");
	/* No command begins so: an option on the wrong side of NAME. */
	else if (s->at < s->argc && (*next)[0] == '-' && (*next)[1] != '\0')
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '%.*s' stands after NAME, where COMMAND is "
		    "expected: options go before NAME",
		    shown(*next), *next);
	if (*next == NULL)
		return failure_set(&m->failure, STATUS_USAGE,
		    "no COMMAND to run under the lock '%.60s', see "
		    "netflock --help", o->name);
	o->argv = next;
	return 0;
}

int
options_words_read(struct options *o, struct options_memory *m)
{
	if (read_command(o, m) == -1)
		return -1;
	if (o->command->operands != OPTIONS_COMMAND && read_names(o, m) == -1)
		return -1;
	return check_groups(o, m);
}

int
options_words_operands(struct options *o, struct options_memory *m)
{
	if (o->command->operands == OPTIONS_COMMAND)
		return read_run(o, m);
	if (check_names(o, &m->failure) == -1)
		return -1;
	if (o->command->operands == OPTIONS_NAME ||
	    o->command->operands == OPTIONS_HOLDER)
		o->name = o->names[0];
	if (o->command->operands == OPTIONS_HOLDER)
		o->token = o->names[1];
	return 0;
}
