/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "options_inner.h"
#include "options_table.h"

/* The password follows the option that reads one. */
#define PASSWORD_AFTER OPTION_PASSWORD_FILE

static void
say_place(struct options_setting *s, const struct options_value *v)
{
	if (v->file != NULL)
		snprintf(
		    s->from, sizeof(s->from), "%.250s:%u", v->file, v->line);
	else
		snprintf(s->from, sizeof(s->from), "%s",
		    v->count > 0 ? "command line" : "default");
}

static void
show_url_place(const struct options_memory *m, struct options_setting *s)
{
	if (m->url_variable != NULL)
		snprintf(s->from, sizeof(s->from), "environment %s",
		    m->url_variable);
	else
		say_place(s, &m->values[OPTION_URL]);
}

static void
show_password(const struct options *o, const struct options_memory *m,
    struct options_setting *s)
{
	snprintf(s->key, sizeof(s->key), "password");
	snprintf(s->value, sizeof(s->value), "%s",
	    o->password != NULL ? "***" : "none");
	if (o->url.has_password)
		show_url_place(m, s);
	else if (o->password == NULL)
		snprintf(s->from, sizeof(s->from), "default");
	else if (m->values[OPTION_PASSWORD_FILE].count > 0)
		snprintf(s->from, sizeof(s->from), "%.250s",
		    m->values[OPTION_PASSWORD_FILE].text);
	else
		snprintf(s->from, sizeof(s->from), "environment REDISCLI_AUTH");
}

/* Whether another option says what this one would. */
static bool
is_displaced(const struct options_memory *m, enum options_id id)
{
	enum options_family family = options_table[id].family;

	if (family == OPTIONS_NO_FAMILY)
		return false;
	for (enum options_id other = 0; other < OPTIONS_ROWS; other++) {
		if (options_table[other].family == family &&
		    m->values[other].count > 0)
			return true;
	}
	return false;
}

static void
show_row(const struct options_memory *m, enum options_id id,
    struct options_setting *s)
{
	const struct options_value *v = &m->values[id];
	char name[32];

	/* The long name without its dashes. */
	snprintf(s->key, sizeof(s->key), "%s",
	    options_table_name(id, name, sizeof(name)) + 2);
	say_place(s, v);
	if (id == OPTION_URL) {
		options_secret_mask(s->value, sizeof(s->value), m->url);
		show_url_place(m, s);
	} else if (v->count == 0 && is_displaced(m, id)) {
		snprintf(s->value, sizeof(s->value), "%s",
		    options_table[id].value != NULL ? "none" : "no");
	} else if (v->count == 0 && v->file == NULL) {
		options_table_default(id, s->value, sizeof(s->value));
	} else if (options_table[id].value != NULL) {
		snprintf(s->value, sizeof(s->value), "%s", v->text);
	} else {
		snprintf(s->value, sizeof(s->value), "%s",
		    v->count > 0 ? "yes" : "no");
	}
}

bool
options_setting(const struct options *o, size_t n, struct options_setting *s)
{
	const struct options_memory *m = o->tables;

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (!options_table_in_file(id))
			continue;
		if (n-- == 0) {
			show_row(m, id, s);
			return true;
		}
		if (id == PASSWORD_AFTER && n-- == 0) {
			show_password(o, m, s);
			return true;
		}
	}
	return false;
}
