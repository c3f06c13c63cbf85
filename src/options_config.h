/* SPDX-License-Identifier: MIT */
/*
 * A configuration file: lines "key = value", the keys being the long options'
 * names; "#" begins a comment where a key would stand.  It is read as a
 * whole, whatever the subcommand, so that what is wrong with it is said by the
 * first netflock that meets it: "FILE:LINE: what", STATUS_CONFIG.
 *
 * Steps of use: begin with a zeroed struct; options_config_read(); read
 * values; options_config_free() once nobody looks at the values any more.
 */
#ifndef OPTIONS_CONFIG_H
#define OPTIONS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "options_table.h"
#include "options_value.h"

struct failure;

#define OPTIONS_CONFIG_MAX ((size_t)64 * 1024) /* bytes of a file */

struct options_config {
	const char *path; /* NULL: there is no such file */
	char *text;	  /* of the file, cut up; values point into it */
	size_t size;
	/* Of what stands in it, file is PATH and line its line. */
	struct options_value values[OPTIONS_ROWS];
};

/*
 * Read the file PATH, which outlives C.  Unless it MUST be there, a missing
 * one is an empty one, and so is one in a directory that is closed to us.
 * "/dev/null" is an empty one, too.  Who may own and read which files:
 * secret.h; a password makes it a secret.  Returns 0, or -1 with F set.
 */
int options_config_read(
    struct options_config *c, const char *path, bool must, struct failure *f);
void options_config_free(struct options_config *c);

/*
 * The same for the LEN bytes at TEXT, which are changed and stay with C's
 * user; there is room for one more.  C's path is what errors call it.
 */
int options_config_parse(
    struct options_config *c, char *text, size_t len, struct failure *f);

#endif
