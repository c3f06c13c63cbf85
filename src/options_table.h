/* SPDX-License-Identifier: MIT */
/*
 * The table of options, and looking things up in it.  A new option is one
 * identifier here and one row in options_table.c; which value it got is read
 * in options.c.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "options.h"

struct options_kind;

enum options_id {
	OPTION_NONBLOCK,
	OPTION_WAIT,
	OPTION_CONFLICT,
	OPTION_EXCLUSIVE,
	OPTION_SHARED,
	OPTION_SLOTS,
	OPTION_WITH,
	OPTION_MIN_HOLD,
	OPTION_JITTER,
	OPTION_REASON,
	OPTION_TTL,
	OPTION_SHELL,
	OPTION_ONCE_PER,
	OPTION_IF_UNREACHABLE,
	OPTION_MAX_RUNTIME,
	OPTION_WAIT_ALL,
	OPTION_KILL_ALL,
	OPTION_SCRUB_ENV,
	OPTION_REPORT,
	OPTION_KEEP_HISTORY,
	OPTION_CLOSE,
	OPTION_NO_FORK,
	OPTION_KILL_AFTER,
	OPTION_SIGNAL,
	OPTION_ON_LOST,
	OPTION_PID,
	OPTION_ADD,
	OPTION_FENCE,
	OPTION_JSON,
	OPTION_WATCH,
	OPTION_INTERVAL,
	OPTION_NAMES,
	OPTION_SHOW_CONFIG,
	OPTION_NOW,
	OPTION_TOKEN,
	OPTION_MATCH,
	OPTION_DRY_RUN,
	OPTION_FORCE,
	OPTION_CONFIG,
	OPTION_URL,
	OPTION_USER, /* to INSECURE: they go with the URL */
	OPTION_PASSWORD_FILE,
	OPTION_CACERT, /* to INSECURE: of TLS */
	OPTION_CERT,
	OPTION_KEY,
	OPTION_SNI,
	OPTION_INSECURE,
	OPTION_CONNECT_TIMEOUT,
	OPTION_IO_TIMEOUT,
	OPTION_PREFIX,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_LOG,
	OPTION_SYSLOG,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_DUMP,
	OPTIONS_ROWS
};

/*
 * Those of a family take each other's place: what a stronger source says of
 * one is the end of what a weaker one says of another.
 */
enum options_family {
	OPTIONS_NO_FAMILY,
	OPTIONS_WAITING,
	OPTIONS_LIMIT,
	OPTIONS_LEFT_BEHIND,
	OPTIONS_LOUDNESS
};

struct options_row {
	enum options_group group;
	const char *letters; /* "xe": each is one, or NULL */
	const char *words;   /* "wait,timeout", or NULL */
	const char *value;   /* what it takes: "DUR"; NULL if nothing */
	const char *help;    /* one line; NULL: the option is not shown */
	const struct options_kind *kind; /* how its value is read, or NULL */
	const char *refusal;		 /* why it is refused, or NULL */
	enum options_family family;
	bool command_line_only; /* whatever its group (options_table_in_file) */
};

extern const struct options_row options_table[OPTIONS_ROWS];

/* The groups in the order of --help; ends with a NULL title. */
struct options_title {
	enum options_group group;
	const char *title;
};
extern const struct options_title options_titles[];

/* Rows by how an option is written; OPTIONS_ROWS if there is none. */
enum options_id options_table_letter(char letter);
enum options_id options_table_word(const char *word, size_t len);
/* The word closest to a mistyped one, among GROUPS; NULL if none is near. */
const char *options_table_near(
    const char *word, size_t len, unsigned groups, char *dst, size_t size);
/* The subcommand whose word is one slip away from WORD; NULL if none is. */
const char *options_table_near_command(
    const struct options_command *commands, const char *word);
/* "--wait" or "-c" into DST: how messages call the option.  Returns DST. */
char *options_table_name(enum options_id id, char *dst, size_t size);

/*
 * Whether it may stand in a configuration file: what says how to get locks,
 * run commands and talk to servers may, what one call is to do may not.
 */
bool options_table_in_file(enum options_id id);
/*
 * What its help says is its default, "yes" or "no" if it takes no value,
 * "none" if there is none, into DST.  Returns DST.
 */
char *options_table_default(enum options_id id, char *dst, size_t size);

/* Both tables for programs: one line per row, fields separated by tabs. */
void options_table_dump(FILE *fp, const struct options_command *commands);

#endif
