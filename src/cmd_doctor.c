/* SPDX-License-Identifier: MIT */
#include "cmd_doctor.h"

#include <signal.h>
#include <string.h>

#include "checkup.h"
#include "cmd_admin.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "session.h"
#include "status.h"
#include "text.h"
#include "utf8.h"

#define STATUS_PROBLEM 1
#define VALUE_WIDTH 30

/* What is being printed. */
struct view {
	const struct options *o;
	struct text out;
	struct json json;
	size_t shown;
	int status; /* that printing led to; -1: none yet */
};

/* One object per line; the array is closed at the end. */
static void
begin_object(struct view *v)
{
	text_put(&v->out, v->shown++ == 0 ? "[\n " : ",\n ");
	v->json.comma = false;
	json_open(&v->json, NULL, '{');
}

static void
put_string(struct json *j, const char *key, const char *string)
{
	json_text(j, key, string, strlen(string));
}

static void
print(struct view *v)
{
	if (v->status == -1)
		cmd_admin_print(&v->out, &v->status);
	else
		text_empty(&v->out);
}

/* What is left, and the status that follows; OTHERWISE if all is printed. */
static int
finish(struct view *v, int otherwise)
{
	if (v->o->json && !v->o->quiet)
		text_put(&v->out, v->shown == 0 ? "[]\n" : "\n]\n");
	print(v);
	text_free(&v->out);
	return v->status != -1 ? v->status : otherwise;
}

/* ------------------------------------------------------------------ */

static void
put_finding_json(struct view *v, const struct checkup_finding *f)
{
	begin_object(v);
	put_string(&v->json, "check", f->check);
	put_string(&v->json, "level", checkup_level_word(f->level));
	put_string(&v->json, "finding", f->text);
	if (f->advice[0] != '\0')
		put_string(&v->json, "advice", f->advice);
	else
		json_null(&v->json, "advice");
	json_close(&v->json, '{');
}

/* "warning  persistence: none: ...; CONFIG SET ..." */
static void
put_finding(struct view *v, const struct checkup_finding *f)
{
	text_format(
	    &v->out, "%-7s  %s: ", checkup_level_word(f->level), f->check);
	text_escape(&v->out, f->text, strlen(f->text));
	if (f->advice[0] != '\0') {
		text_put(&v->out, "; ");
		text_escape(&v->out, f->advice, strlen(f->advice));
	}
	text_put(&v->out, "\n");
}

/* For checkup_run(): each as soon as it is known. */
static void
found(void *arg, const struct checkup_finding *f)
{
	struct view *v = arg;

	if (v->o->quiet)
		return;
	if (v->o->json)
		put_finding_json(v, f);
	else
		put_finding(v, f);
	print(v);
}

static const char *
setting_from(
    const struct options *o, const char *key, struct options_setting *s)
{
	for (size_t i = 0; options_setting(o, i, s); i++) {
		if (strcmp(s->key, key) == 0)
			return s->from;
	}
	return "";
}

static int
examine(struct view *v)
{
	const struct options *o = v->o;
	struct session_settings settings = cmd_admin_settings(o);
	struct options_setting url;
	struct checkup c = { .settings = &settings,
		.url_from = setting_from(o, "url", &url),
		.name = o->name_count > 0 ? o->names[0] : NULL,
		.connect_ns = o->connect_ms * DEADLINE_MS,
		.terms = o->terms,
		.found = found,
		.arg = v };

	return checkup_run(&c) == CHECKUP_PROBLEM ? STATUS_PROBLEM : STATUS_OK;
}

/* ------------------------------------------------------------------ */

static void
show_setting(struct view *v, const struct options_setting *s, size_t width)
{
	size_t at, columns;

	if (v->o->json) {
		begin_object(v);
		put_string(&v->json, "key", s->key);
		put_string(&v->json, "value", s->value);
		put_string(&v->json, "from", s->from);
		json_close(&v->json, '{');
		return;
	}
	text_format(&v->out, "%-*s  ", (int)width, s->key);
	at = v->out.len;
	text_escape(&v->out, s->value, strlen(s->value));
	columns = utf8_columns(text_string(&v->out) + at, v->out.len - at);
	text_pad(&v->out, columns < VALUE_WIDTH ? VALUE_WIDTH - columns : 0);
	text_put(&v->out, "  ");
	text_escape(&v->out, s->from, strlen(s->from));
	text_put(&v->out, "\n");
}

static void
show_config(struct view *v)
{
	struct options_setting s;
	size_t width = 0;

	for (size_t i = 0; options_setting(v->o, i, &s); i++)
		width = strlen(s.key) > width ? strlen(s.key) : width;
	for (size_t i = 0; options_setting(v->o, i, &s); i++)
		show_setting(v, &s, width);
}

int
cmd_doctor(const struct options *o)
{
	struct view v = { .o = o, .status = -1 };
	int status = STATUS_OK;

	/* The reader of a pipe may leave: a failed write tells. */
	signal(SIGPIPE, SIG_IGN);
	v.json.out = &v.out;
	if (o->show_config)
		show_config(&v);
	else
		status = examine(&v);
	return finish(&v, status);
}
