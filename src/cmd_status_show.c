/* SPDX-License-Identifier: MIT */
/* What is shown of one lock: a row, all about it, or an object of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd_admin.h"
#include "cmd_status.h"
#include "table.h"

enum column {
	NAME,
	STATE,
	HOLDER,
	HELD_FOR,
	LEASE,
	WAITERS,
	FENCE,
	COMMAND,
	COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[NAME] = { .title = "NAME", .least = 8, .first = true },
	[STATE] = { .title = "STATE", .least = 12 },
	[HOLDER] = { .title = "HOLDER",
	    .least = 10,
	    .middle = true,
	    .first = true },
	[HELD_FOR] = { .title = "HELD FOR", .right = true, .drop = 2 },
	[LEASE] = { .title = "LEASE", .right = true, .drop = 3 },
	[WAITERS] = { .title = "WAITERS", .right = true, .drop = 1 },
	[FENCE] = { .title = "FENCE", .right = true, .drop = 5 },
	[COMMAND] = { .title = "COMMAND", .least = 7, .drop = 4 },
};

struct table *
cmd_status_table(void)
{
	return table_new(columns, COLUMNS);
}

static const char *
state_colour(const struct inspect *in)
{
	switch (inspect_state(in)) {
	case INSPECT_HELD:
		return "32";
	case INSPECT_GRANTED:
	case INSPECT_WAITING:
		return "33";
	case INSPECT_COOLING:
		return "36";
	case INSPECT_REVOKED:
	case INSPECT_BROKEN:
		return "31";
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------ */
/* A row. */

static void
put_number(struct text *out, int64_t n)
{
	if (n >= 0)
		text_format(out, "%" PRId64, n);
}

static void
fill_holder(struct text cells[COLUMNS], const struct inspect *in,
    const struct inspect_holder *h)
{
	const struct inspect_owner *who = &h->owner;

	cmd_admin_text(&cells[HOLDER], who->user);
	text_put(&cells[HOLDER], "@");
	cmd_admin_text(&cells[HOLDER], who->host);
	text_put(&cells[HOLDER], ":");
	cmd_admin_text(&cells[HOLDER], who->pid);
	if (inspect_held(in) > 1)
		text_format(&cells[HOLDER], " +%" PRId64, inspect_held(in) - 1);
	cmd_admin_duration(&cells[HELD_FOR], h->held_ms);
	cmd_admin_duration(&cells[LEASE], h->lease_ms);
	put_number(&cells[FENCE], h->fence);
	cmd_admin_text(&cells[COMMAND], who->command);
}

void
cmd_status_row(struct cmd_status_view *v, const struct inspect *in)
{
	const struct inspect_holder *h = inspect_first(in);
	struct table_cell row[COLUMNS] = { 0 };
	struct text cells[COLUMNS] = { 0 };
	char state[48];

	text_escape(&cells[NAME], in->name, in->name_len);
	text_put(&cells[STATE], inspect_state_text(state, sizeof(state), in));
	if (inspect_state(in) == INSPECT_BROKEN) {
		cmd_admin_text(&cells[COMMAND], in->bad_type);
	} else {
		text_format(&cells[WAITERS], "%" PRId64, in->waiting);
		if (h != NULL)
			fill_holder(cells, in, h);
	}
	for (size_t i = 0; i < COLUMNS; i++)
		row[i].text = text_string(&cells[i]);
	row[STATE].colour = state_colour(in);
	if (table_row(v->table, row) == -1)
		v->out.failed = true;
	for (size_t i = 0; i < COLUMNS; i++)
		text_free(&cells[i]);
}

/* ------------------------------------------------------------------ */
/* All about it. */

#define INDENT "           " /* behind "  last run  ", one less */

static void
put_line(struct text *out, const char *label, struct inspect_text what)
{
	if (what.len == 0)
		return;
	text_format(out, INDENT "%-8s ", label);
	cmd_admin_text(out, what);
	text_put(out, "\n");
}

static void
put_others(struct text *out, const struct inspect *in,
    const struct inspect_names *names)
{
	struct text others = { 0 };

	if (cmd_admin_others(&others, in, names))
		text_format(out, INDENT "%-8s %s\n", "with",
		    text_string(&others));
	out->failed = out->failed || others.failed;
	text_free(&others);
}

static void
put_holder(struct text *out, const struct inspect *in,
    const struct inspect_holder *h)
{
	text_put(out, "  holder   ");
	if (h->state == INSPECT_BROKEN) {
		text_put(out, "unknown: this record is none of netflock's\n");
		put_line(out, "token", h->token);
		return;
	}
	cmd_admin_who(out, &h->owner);
	text_format(out, "\n" INDENT "%s ",
	    h->state == INSPECT_COOLING ? "got it" : "held for");
	cmd_admin_duration(out, h->held_ms);
	text_put(out, h->state == INSPECT_COOLING
			  ? " ago, kept by --min-hold for "
		      : h->state == INSPECT_GRANTED ? ", to be confirmed in "
						    : ", lease ends in ");
	cmd_admin_duration(out, h->lease_ms);
	if (h->state == INSPECT_REVOKED)
		text_put(out, ", reset: its command is being stopped");
	if (h->state != INSPECT_COOLING)
		text_put(out, h->live ? ", connected" : ", not connected");
	text_put(out, "\n");
	put_line(out, "command", h->owner.command);
	put_line(out, "reason", h->owner.reason);
	put_others(out, in, &h->names);
	put_line(out, "token", h->token);
	if (h->fence >= 0)
		text_format(
		    out, INDENT "%-8s %" PRId64 "\n", "fence", h->fence);
}

static void
put_waiter(struct text *out, const struct inspect *in,
    const struct inspect_waiter *w, size_t position)
{
	text_format(
	    out, "%s%zu. ", position == 1 ? "  queue    " : INDENT, position);
	cmd_admin_who(out, &w->owner);
	text_put(out, ", waiting for ");
	cmd_admin_duration(out, w->waiting_ms);
	text_put(out, w->live ? ", connected" : ", not connected");
	if (w->owner.reason.len > 0 || w->owner.command.len > 0) {
		text_put(out, ": ");
		cmd_admin_text(out, w->owner.reason.len > 0 ? w->owner.reason
							    : w->owner.command);
	}
	text_put(out, "\n");
	put_others(out, in, &w->names);
}

static void
put_last(struct text *out, const struct inspect *in)
{
	const struct inspect_run *run = &in->last;
	char when[64];

	if (!run->known)
		return;
	text_put(out, "  last run ");
	cmd_admin_who(out, &run->owner);
	text_put(out, "\n" INDENT "ran ");
	cmd_admin_duration(out, run->ran_ms);
	text_put(out, ", ended ");
	cmd_admin_duration(out, run->ended >= 0 && in->now_ms >= run->ended
				    ? in->now_ms - run->ended
				    : -1);
	text_format(
	    out, " ago (%s)", json_time_text(when, sizeof(when), run->ended));
	if (run->status >= 0)
		text_format(out, ", status %" PRId64, run->status);
	text_put(out, "\n");
	put_line(out, "command", run->owner.command);
}

void
cmd_status_details(struct cmd_status_view *v, const struct inspect *in)
{
	const char *colour = v->colour ? state_colour(in) : NULL;
	struct text *out = &v->out;
	char state[48];

	text_escape(out, in->name, in->name_len);
	text_format(out, ": %s%s%s", colour ? "\x1b[" : "",
	    colour ? colour : "", colour ? "m" : "");
	text_put(out, inspect_state_text(state, sizeof(state), in));
	text_put(out, colour ? "\x1b[0m" : "");
	if (in->bad_key.len > 0) {
		text_put(out, ": ");
		cmd_admin_problem(out, in);
	}
	text_put(out, "\n");
	for (size_t i = 0; i < in->holder_count; i++)
		put_holder(out, in, &in->holders[i]);
	if (in->holder_total > (int64_t)in->holder_count)
		text_format(out, INDENT "and %" PRId64 " more\n",
		    in->holder_total - (int64_t)in->holder_count);
	for (size_t i = 0; i < in->waiter_count; i++)
		put_waiter(out, in, &in->waiters[i], i + 1);
	if (in->waiting > (int64_t)in->waiter_count)
		text_format(out, INDENT "and %" PRId64 " more\n",
		    in->waiting - (int64_t)in->waiter_count);
	if (in->hold_ms > 0) {
		text_put(out, INDENT "granted to nobody for ");
		cmd_admin_duration(out, in->hold_ms);
		text_put(out, ": the server forgot who held it\n");
	}
	put_last(out, in);
}

/* ------------------------------------------------------------------ */
/* JSON. */

/* All of them, in the order of the request; mostly the one. */
static void
json_names(struct json *j, const struct inspect *in,
    const struct inspect_names *names)
{
	struct inspect_text name;
	size_t at = 0;

	json_open(j, "names", '[');
	if (names->list.len == 0)
		json_text(j, NULL, in->name, in->name_len);
	while (inspect_name(names, &at, &name))
		json_text(j, NULL, name.data, name.len);
	json_close(j, '[');
}

static int64_t
before(const struct inspect *in, int64_t ms)
{
	return in->now_ms >= 0 && ms >= 0 ? in->now_ms - ms : -1;
}

static void
json_holder(
    struct json *j, const struct inspect *in, const struct inspect_holder *h)
{
	json_open(j, NULL, '{');
	cmd_admin_json_text(j, "token", h->token);
	json_text(j, "state", inspect_state_word(h->state),
	    strlen(inspect_state_word(h->state)));
	cmd_admin_json_owner(j, &h->owner);
	cmd_admin_json_text(j, "reason", h->owner.reason);
	json_time(j, "since", before(in, h->held_ms));
	json_number(j, "held_ms", h->held_ms);
	json_number(j, "lease_ms", h->lease_ms);
	json_number(j, "ttl_ms", h->ttl_ms);
	json_number(j, "limit", h->limit);
	json_names(j, in, &h->names);
	json_number(j, "fence", h->fence);
	json_bool(j, "connected", h->live);
	json_close(j, '{');
}

static void
json_waiter(struct json *j, const struct inspect *in,
    const struct inspect_waiter *w, size_t position)
{
	json_open(j, NULL, '{');
	json_number(j, "position", (int64_t)position);
	cmd_admin_json_text(j, "token", w->token);
	cmd_admin_json_owner(j, &w->owner);
	cmd_admin_json_text(j, "reason", w->owner.reason);
	json_time(j, "since", before(in, w->waiting_ms));
	json_number(j, "waiting_ms", w->waiting_ms);
	json_number(j, "limit", w->limit);
	json_names(j, in, &w->names);
	json_bool(j, "connected", w->live);
	json_close(j, '{');
}

static void
json_last(struct json *j, const struct inspect_run *run)
{
	if (!run->known) {
		json_null(j, "last_run");
		return;
	}
	json_open(j, "last_run", '{');
	cmd_admin_json_owner(j, &run->owner);
	json_time(j, "began", run->began);
	json_time(j, "ended", run->ended);
	json_number(j, "ran_ms", run->ran_ms);
	json_number(j, "status", run->status);
	json_close(j, '{');
}

static void
json_problem(struct json *j, const struct inspect *in)
{
	struct text text = { 0 };

	if (inspect_state(in) != INSPECT_BROKEN) {
		json_null(j, "problem");
		return;
	}
	cmd_admin_problem(&text, in);
	json_text(j, "problem", text_string(&text), text.len);
	text_free(&text);
}

void
cmd_status_json(struct cmd_status_view *v, const struct inspect *in)
{
	const char *state = inspect_word(in);
	struct json *j = &v->json;

	json_open(j, NULL, '{');
	json_text(j, "name", in->name, in->name_len);
	json_hex(j, "name_hex", in->name, in->name_len);
	json_text(j, "state", state, strlen(state));
	json_number(j, "limit", inspect_limit(in));
	json_number(
	    j, "holder_count", in->holder_total >= 0 ? in->holder_total : 0);
	json_open(j, "holders", '[');
	for (size_t i = 0; i < in->holder_count; i++)
		json_holder(j, in, &in->holders[i]);
	json_close(j, '[');
	json_number(j, "waiters", in->waiting);
	json_open(j, "queue", '[');
	for (size_t i = 0; i < in->waiter_count; i++)
		json_waiter(j, in, &in->waiters[i], i + 1);
	json_close(j, '[');
	json_number(j, "fence", in->fence);
	json_number(j, "hold_ms", in->hold_ms >= 0 ? in->hold_ms : 0);
	json_last(j, &in->last);
	json_problem(j, in);
	json_close(j, '{');
}
