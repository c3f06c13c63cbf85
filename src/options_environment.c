/* SPDX-License-Identifier: MIT */
/* What the environment says, but about the server. */
#include "options_inner.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "status.h"

#define COLUMNS_MAX 10000

const char *
options_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* See no-color.org, and what ls(1) does about COLUMNS. */
static void
read_terminal(struct options *o)
{
	const char *columns = options_variable("COLUMNS");
	const char *term = options_variable("TERM");
	long n = columns != NULL ? strtol(columns, NULL, 10) : 0;

	o->columns = n > 0 && n <= COLUMNS_MAX ? (int)n : 0;
	o->dumb = term == NULL || strcmp(term, "dumb") == 0;
	o->colour = options_variable("NO_COLOR") == NULL && !o->dumb;
}

int
options_environment_read(struct options *o, struct options_memory *m)
{
	const char *chain = options_variable("NETFLOCK_CHAIN");

	o->chain = chain != NULL ? chain : "";
	if (!options_value_is_chain(o->chain))
		return failure_set(&m->failure, STATUS_USAGE,
		    "$NETFLOCK_CHAIN: invalid list of tokens '%.60s' (netflock "
		    "sets it for its command)",
		    chain);
	o->login = options_variable("LOGNAME");
	if (o->login == NULL)
		o->login = options_variable("USER");
	o->search = options_variable("PATH");
	read_terminal(o);
	return 0;
}
