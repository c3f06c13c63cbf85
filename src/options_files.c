/* SPDX-License-Identifier: MIT */
/*
 * Which configuration files are read, and what is taken from them: only what
 * stronger sources leave open.
 */
#include "options_inner.h"

#include <stdio.h>

#define FILE_NAME "netflock.conf"
#define SYSTEM_FILE "/etc/" FILE_NAME

/*
 * Take from a file what stronger sources leave open.  If they name another
 * server than the file, what goes with its URL goes, too.
 */
static void
apply_file(struct options_memory *m, const struct options_config *c,
    unsigned groups)
{
	const char *name;
	bool other = c->values[OPTION_URL].count > 0 &&
		     (options_given(m, OPTION_URL) ||
			 options_url_variable(&name) != NULL);
	unsigned settled = 0; /* families, as bits */

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (options_given(m, id))
			settled |= 1U << options_table[id].family;
	}
	settled &= ~(1U << OPTIONS_NO_FAMILY);
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (c->values[id].line == 0 || options_given(m, id) ||
		    m->values[id].file != NULL ||
		    (options_table[id].group & groups) == 0 ||
		    (settled >> options_table[id].family & 1) != 0 ||
		    (other && id >= OPTION_URL && id <= OPTION_INSECURE))
			continue;
		m->values[id] = c->values[id];
	}
}

/* PATH lives as long as the options. */
static int
read_file(const struct options *o, struct options_memory *m, const char *path,
    bool must)
{
	struct options_config *c = &m->files[m->file_count++];

	if (options_config_read(c, path, must, &m->failure) == -1)
		return -1;
	apply_file(m, c, o->command->groups | o->command->reads);
	return 0;
}

/* As the XDG Base Directory Specification has it; NULL: nowhere. */
static const char *
find_user_file(struct options_memory *m)
{
	const char *directory = options_variable("XDG_CONFIG_HOME");
	const char *below = "";
	int len;

	if (directory == NULL || directory[0] != '/') {
		directory = options_variable("HOME");
		below = "/.config";
	}
	if (directory == NULL || directory[0] != '/')
		return NULL;
	len = snprintf(m->user_file, sizeof(m->user_file), "%s%s/" FILE_NAME,
	    directory, below);
	return (size_t)len < sizeof(m->user_file) ? m->user_file : NULL;
}

/* A file that is named is the only one; else the user's goes first. */
int
options_files_read(const struct options *o, struct options_memory *m)
{
	const char *path = options_text(m, OPTION_CONFIG, NULL);

	if (path == NULL)
		path = options_variable("NETFLOCK_CONFIG");
	if (path != NULL)
		return read_file(o, m, path, true);
	path = find_user_file(m);
	if (path != NULL && read_file(o, m, path, false) == -1)
		return -1;
	return read_file(o, m, SYSTEM_FILE, false);
}
