/* SPDX-License-Identifier: MIT */
/*
 * What the files of options share, and nobody else sees, in the order in
 * which a command line goes through them:
 *
 *     options.c              options_parse(): the steps, one after another
 *     options_words.c        options, the subcommand, operands
 *     options_files.c        which configuration files, and what counts
 *     options_take.c         values to struct options, defaults
 *     options_check.c        what does not go together
 *     options_environment.c  what the environment says
 *     options_server.c       the server, the user, the password, TLS
 *     options_given.c        what they all ask: what is in force
 *     options_show.c         what doctor --show-config prints
 *
 * Each of the other files has a header of its own.
 */
#ifndef OPTIONS_INNER_H
#define OPTIONS_INNER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "options.h"
#include "options_argtable.h"
#include "options_config.h"
#include "options_scan.h"
#include "options_secret.h"
#include "options_table.h"

/* The user's and the system's. */
#define OPTIONS_FILES 2

/* What parsing needs besides; lives as long as the options. */
struct options_memory {
	struct options_scan scan;
	/* What is in force: of the command line, and then of files. */
	struct options_value values[OPTIONS_ROWS];
	const char *word;    /* of the subcommand, if one was given */
	char *shell_argv[4]; /* /bin/sh -c STRING */
	struct failure failure;
	char secret[OPTIONS_SECRET_MAX + 1]; /* of --password-file */
	struct options_config files[OPTIONS_FILES];
	int file_count;
	char user_file[PATH_MAX];
	const char *url;	  /* in force */
	const char *url_variable; /* where it comes from, or NULL */
	char **names;		  /* room for every word */
	char *words[]; /* room for scan.options, for names, for --with */
};

/* Each of these steps returns 0, or -1 with m->failure set. */

/* options_words.c ---------------------------------------------------- */

/* Which command it is, its options unread, and o->names if it takes words. */
int options_words_read(struct options *o, struct options_memory *m);
/* Its operands: o->name, o->argv, o->token, or whether o->names will do. */
int options_words_operands(struct options *o, struct options_memory *m);

/* options_files.c ---------------------------------------------------- */

int options_files_read(const struct options *o, struct options_memory *m);

/* options_take.c ----------------------------------------------------- */

void options_take(struct options *o, const struct options_memory *m);

/* options_check.c ---------------------------------------------------- */

/* Sets o->limit and o->terms, which follow from several options. */
int options_check(struct options *o, struct options_memory *m);
/* The names of --with: each once, and not NAME. */
int options_check_with(const struct options *o, struct options_memory *m);

/* options_environment.c ---------------------------------------------- */

int options_environment_read(struct options *o, struct options_memory *m);
/* An empty variable counts as unset: NULL. */
const char *options_variable(const char *name);

/* options_server.c --------------------------------------------------- */

int options_server_read(struct options *o, struct options_memory *m);
/* The server's URL in the environment, and the variable's NAME; or NULL. */
const char *options_url_variable(const char **name);

/* options_given.c ---------------------------------------------------- */

bool options_given(const struct options_memory *m, enum options_id id);
/* Not in a file. */
bool options_given_here(const struct options_memory *m, enum options_id id);
int64_t options_number(
    const struct options_memory *m, enum options_id id, int64_t otherwise);
const char *options_text(
    const struct options_memory *m, enum options_id id, const char *otherwise);
/*
 * The failure is about the values of these options: if one of them stands in
 * a file, say where.  It is the file's fault if the command line has none.
 * Returns -1.
 */
int options_blame(
    struct options_memory *m, size_t count, const enum options_id *ids);
#define OPTIONS_BLAME(m, ...)                                           \
	options_blame(m,                                                \
	    sizeof((enum options_id[]){ __VA_ARGS__ }) /                \
		sizeof(enum options_id),                                \
	    (enum options_id[]){ __VA_ARGS__ })

#endif
