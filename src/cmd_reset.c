/* SPDX-License-Identifier: MIT */
#include "cmd_reset.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd_admin.h"
#include "deadline.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "seen.h"
#include "status.h"

#define STATUS_NOT_HELD 1

/* ------------------------------------------------------------------ */
/* What is said. */

/* Whoever loses one of several locks loses them all. */
static void
put_others(
    struct text *out, const struct inspect *in, const struct inspect_holder *h)
{
	struct text others = { 0 };

	if (cmd_admin_others(&others, in, &h->names)) {
		text_put(out, ", and with it ");
		text_put(out, text_string(&others));
	}
	out->failed = out->failed || others.failed;
	text_free(&others);
}

static void
put_who(
    struct text *out, const struct inspect *in, const struct inspect_holder *h)
{
	text_escape(out, in->name, in->name_len);
	text_put(out, ": ");
	switch (h->state) {
	case INSPECT_BROKEN:
		text_put(out, "removed a record that netflock did not write");
		return;
	case INSPECT_COOLING:
		text_put(out, "no longer kept by --min-hold after ");
		break;
	case INSPECT_REVOKED:
		text_put(out, "was reset before, taken from ");
		break;
	default:
		text_put(out, "taken from ");
	}
	cmd_admin_who(out, &h->owner);
	if (h->owner.command.len > 0) {
		text_put(out, " (");
		cmd_admin_text(out, h->owner.command);
		text_put(out, ")");
	}
	put_others(out, in, h);
}

/* When it is free: by what the server said when it was taken. */
static void
put_when(struct text *out, const struct inspect *in,
    const struct inspect_holder *h, const struct admin_removal *r)
{
	int64_t lease_ms = r->lease_ms >= 0 ? r->lease_ms : h->lease_ms;

	if (!r->runs) {
		text_put(out, "; free now");
	} else if (r->now) {
		text_put(out, "; free now, though its command may go on for "
			      "up to ");
		cmd_admin_duration(out, lease_ms);
	} else {
		text_put(out, "; free when its command has ended, at the "
			      "latest in ");
		cmd_admin_duration(out, lease_ms);
	}
	if (in->waiting > 0)
		text_format(out, "; %" PRId64 " waiting", in->waiting);
	text_put(out, "\n");
}

static void
put_gone(
    struct text *out, const struct inspect *in, const struct inspect_holder *h)
{
	text_escape(out, in->name, in->name_len);
	text_put(out, ": not touched: ");
	cmd_admin_who(out, &h->owner);
	text_put(out, " gave it back meanwhile\n");
}

static void
put_dry(
    struct text *out, const struct inspect *in, const struct inspect_holder *h)
{
	text_escape(out, in->name, in->name_len);
	if (h->state == INSPECT_BROKEN) {
		text_put(out, ": a record that netflock did not write\n");
		return;
	}
	if (h->state == INSPECT_COOLING) {
		text_put(out, ": kept by --min-hold for ");
		cmd_admin_duration(out, h->lease_ms);
		text_put(out, " after ");
		cmd_admin_who(out, &h->owner);
	} else {
		text_format(out, ": %s by ", inspect_state_word(h->state));
		cmd_admin_who(out, &h->owner);
		text_put(out, " for ");
		cmd_admin_duration(out, h->held_ms);
	}
	if (h->owner.command.len > 0) {
		text_put(out, " (");
		cmd_admin_text(out, h->owner.command);
		text_put(out, ")");
	}
	text_put(out, "\n");
}

/* ------------------------------------------------------------------ */
/* One lock. */

/* A copy with a NUL: what is longer was cut by the script, and is not ours. */
static bool
copy(char *dst, size_t size, struct inspect_text text)
{
	if (text.len == 0 || text.len >= size ||
	    memchr(text.data, '\0', text.len) != NULL)
		return false;
	memcpy(dst, text.data, text.len);
	dst[text.len] = '\0';
	return true;
}

static void
remember_others(struct cmd_reset_run *run, const struct inspect *in,
    const struct inspect_names *names)
{
	struct inspect_text name;

	for (size_t at = 0; inspect_name(names, &at, &name);)
		if (name.len != in->name_len ||
		    memcmp(name.data, in->name, name.len) != 0)
			seen_add(run->along, name.data, name.len);
}

/*
 * Got it since we freed it, with another name of who had it.  The server
 * counts whole milliseconds, and so up to one too many.
 */
static bool
came_since(const struct cmd_reset_run *run, const struct inspect *in,
    const struct inspect_holder *h)
{
	return seen_has(run->along, in->name, in->name_len) &&
	       h->held_ms >= 0 &&
	       (h->held_ms - 1) * DEADLINE_MS < deadline_now() - run->began;
}

static enum admin_result
take_from(struct cmd_reset_run *run, const struct inspect *in,
    const struct inspect_holder *h, struct failure *f)
{
	char token[129], id[129];
	/* An id that nobody has: any reset sweeps broken records out. */
	struct admin_removal removal = {
		.name = in->name,
		.id = "-",
		.now = run->o->now,
		.runs = h->state == INSPECT_HELD || h->state == INSPECT_REVOKED,
		.lease_ms = -1
	};
	bool broken = h->state == INSPECT_BROKEN;
	enum admin_result result;

	if (run->o->dry_run) {
		put_dry(&run->out, in, h);
		run->taken++;
		return ADMIN_OK;
	}
	if (!broken && copy(token, sizeof(token), h->token) &&
	    copy(id, sizeof(id), h->id)) {
		removal.token = token;
		removal.id = id;
	}
	result = admin_reset(run->admin, &removal, f);
	if (result != ADMIN_OK)
		return result;
	if (removal.count == 0 && !broken) {
		put_gone(&run->out, in, h);
		run->gone++;
		return ADMIN_OK;
	}
	remember_others(run, in, &h->names);
	put_who(&run->out, in, h);
	if (broken)
		text_put(&run->out, "\n");
	else
		put_when(&run->out, in, h, &removal);
	run->taken++;
	return ADMIN_OK;
}

enum admin_result
cmd_reset_lock(
    struct cmd_reset_run *run, const struct inspect *in, struct failure *f)
{
	enum admin_result result = ADMIN_OK;

	run->taken = 0;
	run->gone = 0;
	for (size_t i = 0; i < in->holder_count && result == ADMIN_OK; i++) {
		const struct inspect_holder *h = &in->holders[i];

		if (!came_since(run, in, h) &&
		    (run->chosen == NULL || run->chosen(run->arg, in, h)))
			result = take_from(run, in, h, f);
	}
	if (in->holder_total > (int64_t)in->holder_count) {
		text_escape(&run->out, in->name, in->name_len);
		text_format(&run->out,
		    ": %" PRId64 " more hold it: run this "
		    "again\n",
		    in->holder_total - (int64_t)in->holder_count);
	}
	return result;
}

/* ------------------------------------------------------------------ */
/* All that were named. */

static bool
has_token(void *arg, const struct inspect *in, const struct inspect_holder *h)
{
	const char *token = arg;

	(void)in;
	return h->token.len == strlen(token) &&
	       memcmp(h->token.data, token, h->token.len) == 0;
}

/* Returns the exit status for this name. */
static int
reset_name(struct cmd_reset_run *run, const char *name, struct failure *f)
{
	struct inspect in;
	int status = STATUS_OK;

	if (admin_inspect(run->admin, name, 0, &in, f) != ADMIN_OK)
		return f->status;
	if (in.bad_key.len > 0) {
		/* Escaped when it is printed. */
		message_error(name,
		    "key '%.*s' is a %.*s, not a lock of "
		    "netflock",
		    (int)in.bad_key.len, in.bad_key.data, (int)in.bad_type.len,
		    in.bad_type.data);
		status = STATUS_CONFIG;
	} else if (cmd_reset_lock(run, &in, f) != ADMIN_OK) {
		status = f->status;
	} else if (run->taken == 0 && run->gone == 0 &&
		   seen_has(run->along, in.name, in.name_len)) {
		text_escape(&run->out, in.name, in.name_len);
		text_put(&run->out,
		    ": taken with another lock of its holder\n");
	} else if (run->taken == 0) {
		status = STATUS_NOT_HELD;
		if (run->gone == 0 && run->o->token != NULL)
			message_error(
			    name, "was not held by token '%s'", run->o->token);
		else if (run->gone == 0)
			message_error(name, "was not held");
	}
	inspect_free(&in);
	return status;
}

static int
reset_names(struct cmd_reset_run *run, struct failure *f)
{
	int worst = STATUS_OK, status;

	for (size_t i = 0; i < run->o->name_count; i++) {
		status = reset_name(run, run->o->names[i], f);
		if (run->o->quiet)
			text_empty(&run->out);
		if (cmd_admin_print(&run->out, &worst) == -1)
			return worst;
		if (status > worst)
			worst = status;
		/* The server: the others would fare no better. */
		if (status != STATUS_OK && status == f->status) {
			message_error(run->o->names[i], "%s", f->text);
			break;
		}
	}
	return worst;
}

int
cmd_reset(const struct options *o)
{
	struct failure f = { .status = 0 };
	struct admin a = { 0 };
	struct cmd_reset_run run = { .o = o, .admin = &a };
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (o->token != NULL) {
		run.chosen = has_token;
		run.arg = (char *)(uintptr_t)o->token;
	}
	run.along = seen_new_exact();
	run.began = deadline_now();
	if (run.along == NULL) {
		message_error(NULL, "out of memory");
		status = STATUS_OS;
	} else if (cmd_admin_open(&a, o, &f) == -1) {
		message_error(NULL, "%s", f.text);
		status = f.status;
	} else {
		status = reset_names(&run, &f);
	}
	admin_close(&a);
	seen_free(run.along);
	text_free(&run.out);
	return status;
}
