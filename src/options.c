/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "options_inner.h"
#include "status.h"

static void
set_level(const struct options_memory *m)
{
	if (options_given(m, OPTION_QUIET))
		message_level(MESSAGE_QUIET);
	else if (options_given(m, OPTION_VERBOSE))
		message_level(MESSAGE_VERBOSE);
	else
		message_level(MESSAGE_NORMAL);
	message_form(options_number(m, OPTION_LOG, 0) == 1,
	    options_given(m, OPTION_SYSLOG));
}

/* --help, --version: the command "help" does it, whatever else is given. */
static bool
asks_for_help(struct options *o, const struct options_memory *m)
{
	if (m->scan.seen[OPTION_HELP].count > 0)
		o->show = OPTIONS_SHOW_HELP;
	else if (m->scan.seen[OPTION_VERSION].count > 0)
		o->show = OPTIONS_SHOW_VERSION;
	else if (m->scan.seen[OPTION_DUMP].count > 0)
		o->show = OPTIONS_SHOW_DUMP;
	else
		return false;
	o->subject = m->word != NULL ? o->command : NULL;
	o->command = options_find_command(o->commands, "help");
	o->name_count = 0;
	return true;
}

static int
parse(struct options *o, struct options_memory *m)
{
	bool connects;

	if (options_words_read(o, m) == -1)
		return -1;
	/* Help is there for those whose configuration is broken, too. */
	if (asks_for_help(o, m))
		return 0;
	if (options_argtable_parse(m->scan.option_count, m->scan.options,
		m->values, &m->failure) == -1)
		return -1;
	connects = (o->command->groups & OPTIONS_CONNECTION) != 0;
	if (connects && options_files_read(o, m) == -1)
		return -1;
	set_level(m);
	options_take(o, m);
	if (options_check(o, m) == -1 || options_words_operands(o, m) == -1 ||
	    options_check_with(o, m) == -1)
		return -1;
	if (!connects)
		return 0;
	if (options_environment_read(o, m) == -1)
		return -1;
	return options_server_read(o, m);
}

enum options_result
options_parse(struct options *o, int argc, char **argv, int *status)
{
	struct options_memory *m;
	size_t words = argc > 0 ? (size_t)argc : 1;

	m = calloc(1, sizeof(*m) + 3 * (words + 1) * sizeof(m->words[0]));
	if (m == NULL) {
		message_always(NULL, "out of memory");
		*status = STATUS_OS;
		return OPTIONS_DONE;
	}
	o->tables = m;
	m->scan.argc = argc;
	m->scan.argv = argv;
	m->scan.at = 1;
	m->scan.options = m->words;
	m->scan.options[m->scan.option_count++] = argv[0];
	m->names = m->words + words + 1;
	m->values[OPTION_WITH].all = (const char **)(m->names + words + 1);
	if (parse(o, m) == 0)
		return OPTIONS_RUN;

	*status = m->failure.status;
	message_always(NULL, "%s", m->failure.text);
	return OPTIONS_DONE;
}

void
options_free(struct options *o)
{
	struct options_memory *m = o->tables;

	if (m != NULL) {
		explicit_bzero(m->secret, OPTIONS_SECRET_MAX);
		for (int i = 0; i < m->file_count; i++)
			options_config_free(&m->files[i]);
	}
	explicit_bzero(o->url.password, sizeof(o->url.password));
	free(o->tables);
	o->tables = NULL;
}
