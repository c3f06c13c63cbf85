/* SPDX-License-Identifier: MIT */
#include "cmd_status.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd_admin.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "status.h"
#include "table.h"

/* Rows that are sorted and laid out together: memory stays constant. */
#define BLOCK 500
#define FLUSH ((size_t)32 * 1024)
#define QUEUE_MOST 500 /* the script tells of no more */

/* ------------------------------------------------------------------ */
/* One lock at a time. */

static void
print(struct cmd_status_view *v)
{
	if (!v->whole && v->status == -1)
		cmd_admin_print(&v->out, &v->status);
}

/* The rows that have come together. */
static void
write_block(struct cmd_status_view *v)
{
	struct table_style style = { .width = v->width,
		.colour = v->colour,
		.header = v->shown == 0,
		.most = table_rows(v->table) };

	if (style.most == 0)
		return;
	table_sort(v->table);
	if (v->whole && style.most > v->most) {
		v->left += style.most - v->most;
		style.most = v->most;
	}
	table_write(v->table, &style, &v->out);
	v->shown += style.most;
	table_empty(v->table);
}

static void
show_row(struct cmd_status_view *v, const struct inspect *in)
{
	if (v->whole && table_rows(v->table) >= BLOCK) {
		v->left++;
		return;
	}
	cmd_status_row(v, in);
	if (!v->whole && table_rows(v->table) >= BLOCK) {
		write_block(v);
		print(v);
	}
}

static void
show_text(struct cmd_status_view *v, const struct inspect *in)
{
	if (v->o->json) {
		/* One object per line; the array is closed at the end. */
		text_put(&v->out, v->shown == 0 ? "[\n " : ",\n ");
		v->json.comma = false;
		cmd_status_json(v, in);
	} else if (v->o->names_only) {
		/* Raw: for programs, which have no terminal to protect. */
		if (isatty(STDOUT_FILENO))
			text_escape(&v->out, in->name, in->name_len);
		else
			text_add(&v->out, in->name, in->name_len);
		text_put(&v->out, "\n");
	} else {
		if (v->shown > 0)
			text_put(&v->out, "\n");
		cmd_status_details(v, in);
	}
	v->shown++;
	if (v->out.len >= FLUSH)
		print(v);
}

/* For admin_list(). */
static bool
found(void *arg, const struct inspect *in)
{
	struct cmd_status_view *v = arg;

	if (inspect_state(in) == INSPECT_FREE ||
	    (v->o->names_only && in->foreign))
		return true;
	if (v->o->json || v->o->names_only)
		show_text(v, in);
	else
		show_row(v, in);
	return v->status == -1;
}

/* ------------------------------------------------------------------ */
/* One look. */

static enum admin_result
look_at_names(struct cmd_status_view *v, struct failure *f)
{
	enum admin_result result = ADMIN_OK;
	struct inspect in;

	for (size_t i = 0; i < v->o->name_count && result == ADMIN_OK; i++) {
		result =
		    admin_inspect(v->admin, v->o->names[i], QUEUE_MOST, &in, f);
		if (result != ADMIN_OK)
			break;
		show_text(v, &in);
		inspect_free(&in);
		if (v->status != -1)
			break;
	}
	return result;
}

int
cmd_status_look(struct cmd_status_view *v, struct failure *f)
{
	struct admin_walk walk = {
		.waiters = v->o->json ? QUEUE_MOST : 0, .found = found, .arg = v
	};
	enum admin_result result;

	text_empty(&v->out);
	if (v->table == NULL)
		v->table = cmd_status_table();
	if (v->table == NULL)
		v->out.failed = true;
	else
		table_empty(v->table);
	v->json = (struct json){ .out = &v->out };
	v->shown = 0;
	v->left = 0;
	v->status = -1;
	if (v->out.failed)
		result = ADMIN_OK; /* print() says so */
	else if (v->o->name_count > 0)
		result = look_at_names(v, f);
	else
		result = admin_list(v->admin, &walk, f);
	if (v->table != NULL)
		write_block(v);
	/* What a failure has cut short must not pass for the whole. */
	if (v->o->json && result == ADMIN_OK)
		text_put(&v->out, v->shown == 0 ? "[]\n" : "\n]\n");
	/* For people: programs count lines. */
	else if (v->tty && v->shown == 0 && !v->o->names_only &&
		 result == ADMIN_OK)
		text_put(&v->out, "no locks\n");
	print(v);
	return (int)result;
}

void
cmd_status_view_free(struct cmd_status_view *v)
{
	table_free(v->table);
	text_free(&v->out);
}

/* ------------------------------------------------------------------ */

/* With -q: by the status only. */
static int
all_held(struct admin *a, const struct options *o, struct failure *f)
{
	struct inspect in;
	bool held = true;

	for (size_t i = 0; i < o->name_count; i++) {
		if (admin_inspect(a, o->names[i], 0, &in, f) != ADMIN_OK)
			return f->status;
		held = held && inspect_is_held(&in);
		inspect_free(&in);
	}
	return held ? STATUS_OK : 1;
}

static int
look_once(struct admin *a, const struct options *o, struct failure *f)
{
	struct cmd_status_view v = { .o = o, .admin = a };
	int status = STATUS_OK;

	v.tty = isatty(STDOUT_FILENO) == 1;
	v.colour = cmd_admin_colour(o);
	v.width = cmd_admin_width(o);
	if (cmd_status_look(&v, f) != ADMIN_OK) {
		message_error(NULL, "%s", f->text);
		status = f->status;
	} else if (v.status != -1) {
		status = v.status;
	}
	cmd_status_view_free(&v);
	return status;
}

int
cmd_status(const struct options *o)
{
	struct failure f = { .status = STATUS_INTERNAL };
	struct admin a = { 0 };
	int status;

	if (o->watch)
		return cmd_status_watch(o);
	/* The reader of a pipe may leave: a failed write tells. */
	signal(SIGPIPE, SIG_IGN);
	if (cmd_admin_open(&a, o, &f) == -1) {
		message_error(NULL, "%s", f.text);
		status = f.status;
	} else if (o->quiet) {
		status = all_held(&a, o, &f);
	} else {
		status = look_once(&a, o, &f);
	}
	admin_close(&a);
	return status;
}
