/* SPDX-License-Identifier: MIT */
#include "cmd_history.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "cmd_admin.h"
#include "failure.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "status.h"
#include "table.h"
#include "text.h"

enum column { BEGAN, WHO, WAITED, RAN, STATUS, COMMAND, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[BEGAN] = { .title = "BEGAN (UTC)" },
	[WHO] = { .title = "WHO", .least = 10, .middle = true, .first = true },
	[WAITED] = { .title = "WAITED", .right = true, .drop = 2 },
	[RAN] = { .title = "RAN", .right = true, .drop = 1 },
	[STATUS] = { .title = "STATUS" },
	[COMMAND] = { .title = "COMMAND", .least = 7, .drop = 3 },
};

static void
put_time(struct text *out, int64_t ms)
{
	char text[64];
	char *t = strchr(json_time_text(text, sizeof(text), ms), 'T');

	/* "2026-11-21 09:41:38": seconds are exact enough for people. */
	if (t == NULL) {
		text_put(out, "?");
		return;
	}
	*t = ' ';
	text[strcspn(text, ".")] = '\0';
	text_put(out, text);
}

static void
put_who(struct text *out, const struct inspect_owner *who)
{
	cmd_admin_text(out, who->user);
	text_put(out, "@");
	cmd_admin_text(out, who->host);
	text_put(out, ":");
	cmd_admin_text(out, who->pid);
}

static void
put_row(struct table *t, const struct inspect_run *run, struct text *out)
{
	struct table_cell row[COLUMNS] = { 0 };
	struct text cells[COLUMNS] = { 0 };

	put_time(&cells[BEGAN], run->began);
	put_who(&cells[WHO], &run->owner);
	cmd_admin_duration(&cells[WAITED], run->waited_ms);
	cmd_admin_duration(&cells[RAN], run->ran_ms);
	if (run->status >= 0)
		text_format(&cells[STATUS], "%" PRId64, run->status);
	if (run->reset)
		text_put(&cells[STATUS], " reset");
	cmd_admin_text(&cells[COMMAND], run->owner.command);
	for (size_t i = 0; i < COLUMNS; i++)
		row[i].text = text_string(&cells[i]);
	if (run->status > 0 || run->reset)
		row[STATUS].colour = "31";
	if (table_row(t, row) == -1)
		out->failed = true;
	for (size_t i = 0; i < COLUMNS; i++)
		text_free(&cells[i]);
}

static void
show_table(const struct options *o, const struct inspect_runs *runs,
    struct text *out)
{
	struct table *t = table_new(columns, COLUMNS);
	struct table_style style = { .width = cmd_admin_width(o),
		.colour = cmd_admin_colour(o),
		.header = true,
		.most = runs->count };

	if (t == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < runs->count; i++)
		put_row(t, &runs->runs[i], out);
	if (runs->count > 0) {
		table_write(t, &style, out);
	} else {
		text_escape(out, o->names[0], strlen(o->names[0]));
		text_put(out, ": no run is remembered\n");
	}
	table_free(t);
}

static void
show_json(const struct inspect_runs *runs, struct text *out)
{
	struct json j = { .out = out };

	text_put(out, "[");
	for (size_t i = 0; i < runs->count; i++) {
		const struct inspect_run *run = &runs->runs[i];

		/* One object per line. */
		text_put(out, i == 0 ? "\n " : ",\n ");
		j.comma = false;
		json_open(&j, NULL, '{');
		cmd_admin_json_owner(&j, &run->owner);
		cmd_admin_json_text(&j, "reason", run->owner.reason);
		json_time(&j, "began", run->began);
		json_time(&j, "ended", run->ended);
		json_number(&j, "waited_ms", run->waited_ms);
		json_number(&j, "ran_ms", run->ran_ms);
		json_number(&j, "status", run->status);
		json_bool(&j, "reset", run->reset);
		json_number(&j, "fence", run->fence);
		json_close(&j, '{');
	}
	text_put(out, runs->count > 0 ? "\n]\n" : "]\n");
}

static int
show(const struct options *o, const struct inspect_runs *runs)
{
	struct text out = { 0 };
	int status = STATUS_OK;

	if (runs->bad_key.len > 0) {
		message_error(o->names[0],
		    "key '%.*s' is a %.*s, not a history of netflock",
		    (int)runs->bad_key.len, runs->bad_key.data,
		    (int)runs->bad_type.len, runs->bad_type.data);
		return STATUS_CONFIG;
	}
	if (o->json)
		show_json(runs, &out);
	else
		show_table(o, runs, &out);
	cmd_admin_print(&out, &status);
	text_free(&out);
	return status;
}

int
cmd_history(const struct options *o)
{
	struct failure f = { .status = STATUS_INTERNAL };
	struct inspect_runs runs;
	struct admin a = { 0 };
	int status;

	/* The reader of a pipe may leave: a failed write tells. */
	signal(SIGPIPE, SIG_IGN);
	if (cmd_admin_open(&a, o, &f) == -1 ||
	    admin_history(&a, o->names[0], &runs, &f) != ADMIN_OK) {
		message_error(o->names[0], "%s", f.text);
		status = f.status;
	} else {
		status = show(o, &runs);
		inspect_runs_free(&runs);
	}
	admin_close(&a);
	return status;
}
