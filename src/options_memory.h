/* SPDX-License-Identifier: MIT */
/* What the files of options share, and nobody else sees. */
#ifndef OPTIONS_MEMORY_H
#define OPTIONS_MEMORY_H

#include <limits.h>

#include "failure.h"
#include "options_argtable.h"
#include "options_config.h"
#include "options_scan.h"
#include "options_secret.h"

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

#endif
