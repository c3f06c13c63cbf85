/* SPDX-License-Identifier: MIT */
/*
 * The command line, the environment, the configuration files and their
 * errors.  The only module that knows argtable2 and getenv(3).
 *
 * Steps of use: fill the first members of a zeroed struct options;
 * options_parse() once in main, before any thread; read it (it must not
 * move); options_free().  Nothing is locked and nobody is asked before
 * everything has been checked here.
 *
 * options_table.c has one row per option: what getopt and argtable2 parse,
 * --help prints and the tests look at all come from there.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"
#include "url.h"

enum options_on_lost { OPTIONS_KILL, OPTIONS_WARN };
enum options_unreachable { OPTIONS_FAIL, OPTIONS_WAIT, OPTIONS_RUN_ANYWAY };

/* The groups of options, as --help shows them; a command takes some of them. */
enum options_group {
	OPTIONS_GETTING = 1,
	OPTIONS_RUNNING = 2,
	OPTIONS_CONNECTION = 4,
	OPTIONS_MESSAGES = 8,
	OPTIONS_LOOKING = 16,  /* status */
	OPTIONS_TAKING = 32,   /* reset, reset-all */
	OPTIONS_CHOOSING = 64, /* reset */
	OPTIONS_SWEEPING = 128, /* reset-all */
	OPTIONS_LEASE = 256,	/* run, acquire, renew */
	OPTIONS_STOPPING = 512, /* run, acquire */
	OPTIONS_KEEPING = 1024, /* acquire */
	OPTIONS_EXTENDING = 2048, /* renew */
	OPTIONS_FENCING = 4096, /* acquire, held */
	OPTIONS_OUTPUT = 8192,	/* status, history, doctor */
	OPTIONS_EXAMINING = 16384 /* doctor */
};

enum options_operands {
	OPTIONS_COMMAND, /* NAME [--] COMMAND...: options only before NAME */
	OPTIONS_NAMES,	 /* words, with options anywhere: o->names */
	OPTIONS_NAME,	 /* one of them: o->name */
	OPTIONS_HOLDER	 /* NAME and TOKEN: o->name, o->token */
};

struct options;

/* One row per subcommand; main has the table of them. */
struct options_command {
	const char *word; /* "run" */
	int (*main)(const struct options *); /* NULL: in a later release */
	const char *synopsis; /* what follows "netflock", one form per line */
	const char *brief;    /* what it does, in one line */
	unsigned groups;      /* of options: OPTIONS_GETTING | ... */
	unsigned reads; /* groups that it does not take, but heeds in files */
	enum options_operands operands;
	size_t least, most; /* how many o->names it takes */
};

/* What the command "help" is to print. */
enum options_show {
	OPTIONS_SHOW_HELP,
	OPTIONS_SHOW_VERSION,
	OPTIONS_SHOW_DUMP /* the tables, for tests */
};

#define OPTIONS_WITH_MAX 99

struct options {
	/* filled by the caller */
	const struct options_command *commands; /* ends with a NULL word; the
		first one is the default, "help" is among them */
	unsigned closed_fds; /* bit N: descriptor N (0-2) was closed */

	const struct options_command *command;

	/* run */
	const char *name;	  /* of the lock */
	char **argv;		  /* the command, NULL-terminated */
	bool nonblock;
	int64_t wait_ms;	  /* -1: for ever */
	int conflict_status;	  /* -E, 75 */
	int limit;		  /* how many may hold it: 1; -s is 0, any */
	const char **with;	  /* further names of --with */
	size_t with_count;
	int64_t ttl_ms;
	struct deadline_terms terms; /* from -t, -k, --io-timeout: they fit */
	int signal;		  /* --signal, SIGTERM */
	enum options_on_lost on_lost;
	int64_t max_runtime_ms;	  /* 0: none */
	bool wait_all, kill_all;
	int64_t min_hold_ms;
	int64_t once_ms;	  /* --once-per; 0: off */
	enum options_unreachable if_unreachable;
	int64_t jitter_ms;
	bool scrub_env;
	const char *reason;	  /* or NULL */
	const char *report;	  /* a path, or NULL */
	int keep_history;	  /* runs */

	/* connection */
	struct url url;
	bool url_default;	  /* nobody named a server */
	const char *user;	  /* --user, over the URL's; or NULL */
	const char *password;	  /* URL's, --password-file's or
				     REDISCLI_AUTH's; or NULL */
	const char *prefix;
	int64_t connect_ms;
	int64_t io_ms;		  /* -1: from the ttl */

	/* environment */
	const char *chain;	  /* NETFLOCK_CHAIN, checked; "" if none */
	const char *login;	  /* LOGNAME, USER or NULL */
	const char *search;	  /* PATH or NULL */

	/* operands of other subcommands */
	char **names;
	size_t name_count;

	/* status, reset, reset-all */
	bool quiet;		  /* -q; messages know it already */
	bool json, watch, names_only;
	int64_t interval_ms;	  /* of --watch */
	bool now;		  /* --now: free at once */
	const char *token;	  /* --token: this holder only; TOKEN; or NULL */
	const char *match;	  /* --match: these locks only; or NULL */
	bool dry_run, force;
	bool show_config;	  /* doctor --show-config */
	bool colour;		  /* the environment does not forbid it */
	bool dumb;		  /* the terminal: it can draw nothing anew */
	int columns;		  /* COLUMNS; 0 if unset or no number */

	/* acquire, renew, held */
	int64_t pid;		  /* --pid, 0: none */
	int64_t add_ms;		  /* --add; -1: none */
	bool ttl_given;
	bool fence;		  /* --fence: print it */

	/* help */
	enum options_show show;
	const struct options_command *subject; /* WORD --help; or NULL */

	void *tables;		  /* the family's own: options_inner.h */
};

enum options_result {
	OPTIONS_RUN,	/* call o->command->main(o): help and version, too */
	OPTIONS_DONE	/* an error was printed: exit with *STATUS */
};

enum options_result options_parse(struct options *o, int argc, char **argv,
    int *status);
void options_free(struct options *o);

/* A value that is in force, and where it was said; no secrets. */
struct options_setting {
	char key[32];
	char value[600];
	char from[300]; /* "default", "FILE:LINE", "environment NAME", ... */
};

/*
 * The Nth setting, from 0 on, of those that O's command heeds; false if there
 * are no more.
 */
bool options_setting(
    const struct options *o, size_t n, struct options_setting *s);

/* The row of WORD in COMMANDS, or NULL. */
const struct options_command *options_find_command(
    const struct options_command *commands, const char *word);

#endif
