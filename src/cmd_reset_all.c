/* SPDX-License-Identifier: MIT */
/*
 * Two walks: the first one counts, so that the question and "N of M" can say
 * how many, and remembers who has what; the second one takes it from just
 * those.  Whoever gets a lock in between keeps it.  Each lock is reset as a
 * whole or not at all, so an interrupted run can be repeated.
 */
#include "cmd_reset_all.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd_admin.h"
#include "cmd_reset.h"
#include "deadline.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "seen.h"
#include "signals.h"
#include "status.h"

#define STATUS_DECLINED 1
#define PROGRESS_AFTER (1000 * DEADLINE_MS)
#define PROGRESS_EVERY (200 * DEADLINE_MS)

struct sweep {
	const struct options *o;
	struct signals signals;
	struct admin walker;  /* walks ... */
	struct admin remover; /* ... while this one works */
	struct cmd_reset_run run;
	struct seen *holders; /* those that the first walk found */
	size_t total, done, anew, gone;
	struct text key;
	int64_t progress_at;
	bool progress_shown;
	enum admin_result result;
	struct failure f;
	int status; /* -1, or why it ended early */
};

/* ------------------------------------------------------------------ */
/* Progress: a line on the terminal that is written over. */

static void
hide_progress(struct sweep *s)
{
	if (s->progress_shown)
		fputs("\r\x1b[K", stderr);
	s->progress_shown = false;
}

static void
show_progress(struct sweep *s, bool counting)
{
	int64_t now = deadline_now();

	if (now < s->progress_at || !message_plain())
		return;
	s->progress_at = now + PROGRESS_EVERY;
	if (counting)
		fprintf(stderr, "\r%zu locks found\x1b[K", s->total);
	else
		fprintf(stderr, "\r%zu of %zu locks reset\x1b[K", s->done,
		    s->total);
	s->progress_shown = true;
}

/* ------------------------------------------------------------------ */

/* Glob characters mean bytes: we have no locale. */
static bool
matches(const struct sweep *s, const struct inspect *in)
{
	return s->o->match == NULL ||
	       (strlen(in->name) == in->name_len &&
		   fnmatch(s->o->match, in->name, 0) == 0);
}

static bool
can_be_reset(const struct inspect *in)
{
	return !in->foreign && in->bad_key.len == 0 && in->holder_count > 0;
}

/* What tells one holder from all others, in s->key. */
static void
make_key(
    struct sweep *s, const struct inspect *in, const struct inspect_holder *h)
{
	text_empty(&s->key);
	text_add(&s->key, in->name, in->name_len + 1);
	text_add(&s->key, h->token.data, h->token.len);
	text_add(&s->key, "", 1);
	text_add(&s->key, h->id.data, h->id.len);
}

static bool
was_there(void *arg, const struct inspect *in, const struct inspect_holder *h)
{
	struct sweep *s = arg;

	make_key(s, in, h);
	return seen_has(s->holders, s->key.data, s->key.len);
}

/* The first walk. */
static bool
count(void *arg, const struct inspect *in)
{
	struct sweep *s = arg;

	if (!matches(s, in))
		return true;
	if (!can_be_reset(in)) {
		if (inspect_state(in) == INSPECT_BROKEN) {
			hide_progress(s);
			message_error(NULL,
			    "key '%.*s' is no lock of "
			    "netflock; left alone",
			    (int)in->bad_key.len, in->bad_key.data);
		}
		return true;
	}
	for (size_t i = 0; i < in->holder_count; i++) {
		make_key(s, in, &in->holders[i]);
		if (!s->key.failed)
			seen_add(s->holders, s->key.data, s->key.len);
	}
	s->total++;
	show_progress(s, true);
	if (!s->key.failed && !seen_failed(s->holders))
		return true;
	failure_set(&s->f, STATUS_OS, "out of memory");
	s->result = ADMIN_FAILED;
	return false;
}

/* The second one; a dry run prints instead. */
static bool
take(void *arg, const struct inspect *in)
{
	struct sweep *s = arg;

	bool along = seen_has(s->run.along, in->name, in->name_len);

	if (!matches(s, in) || (!can_be_reset(in) && !along))
		return true;
	s->result = cmd_reset_lock(&s->run, in, &s->f);
	/* Perhaps freed with another name of its holder. */
	if (s->run.taken > 0 || along)
		s->done++;
	else if (s->run.gone > 0)
		s->gone++;
	else if (s->result == ADMIN_OK)
		s->anew++;
	if (s->o->quiet && !s->o->dry_run)
		text_empty(&s->run.out);
	if (s->run.out.len > 0) {
		hide_progress(s);
		if (cmd_admin_print(&s->run.out, &s->status) == -1)
			return false;
	}
	if (!s->o->dry_run)
		show_progress(s, false);
	return s->result == ADMIN_OK;
}

static enum admin_result
walk(struct sweep *s, bool (*found)(void *, const struct inspect *))
{
	struct admin_walk w = { .found = found, .arg = s, .exact = true };
	enum admin_result result;

	s->result = ADMIN_OK;
	/* Without a terminal there is no progress to show. */
	s->progress_at = isatty(STDERR_FILENO) ? deadline_now() + PROGRESS_AFTER
					       : DEADLINE_NEVER;
	result = admin_list(&s->walker, &w, &s->f);
	hide_progress(s);
	return s->result != ADMIN_OK ? s->result : result;
}

/* ------------------------------------------------------------------ */

/* Default: no.  On the wrong server it would be all of somebody else's. */
static bool
confirmed(const struct sweep *s)
{
	char line[16], endpoint[300];
	struct text where = { .len = 0 };

	if (s->o->force || s->o->dry_run)
		return true;
	url_endpoint(endpoint, sizeof(endpoint), &s->o->url);
	text_escape(&where, endpoint, strlen(endpoint));
	fprintf(stderr, "reset %zu lock%s on '%s'%s? [y/N] ", s->total,
	    s->total == 1 ? "" : "s", text_string(&where),
	    s->o->now ? " at once, while their commands may still run" : "");
	text_free(&where);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL) {
		fputc('\n', stderr);
		return false;
	}
	return line[0] == 'y' || line[0] == 'Y';
}

static int
conclude(struct sweep *s, enum admin_result result)
{
	const char *plural = s->total == 1 ? "" : "s";
	struct signals_event event;

	if (s->status != -1)
		return s->status;
	if (result == ADMIN_INTERRUPTED) {
		message_error(NULL,
		    "interrupted: reset %zu of %zu lock%s; run it again for "
		    "the rest",
		    s->done, s->total, plural);
		if (signals_next(&s->signals, &event))
			signals_die(event.number);
		return STATUS_INTERNAL;
	}
	if (result != ADMIN_OK) {
		message_error(NULL,
		    "%s; reset %zu of %zu lock%s; run it again for the rest",
		    s->f.text, s->done, s->total, plural);
		return s->f.status;
	}
	if (s->o->quiet)
		return STATUS_OK;
	text_format(&s->run.out, "%s %zu of %zu lock%s",
	    s->o->dry_run ? "would reset" : "reset", s->done, s->total, plural);
	if (s->gone > 0)
		text_format(
		    &s->run.out, ", %zu were given back meanwhile", s->gone);
	if (s->anew > 0)
		text_format(&s->run.out, ", %zu with a new holder not touched",
		    s->anew);
	text_put(&s->run.out, "\n");
	s->status = STATUS_OK;
	cmd_admin_print(&s->run.out, &s->status);
	return s->status;
}

static int
sweep(struct sweep *s)
{
	enum admin_result result = walk(s, count);

	if (result != ADMIN_OK) {
		s->total = 0;
		return conclude(s, result);
	}
	if (s->total == 0) {
		if (!s->o->quiet)
			text_put(&s->run.out, "no locks to reset\n");
		s->status = STATUS_OK;
		cmd_admin_print(&s->run.out, &s->status);
		return s->status;
	}
	if (!confirmed(s)) {
		message_error(NULL, "nothing was reset");
		return STATUS_DECLINED;
	}
	/* From here on an interruption is told. */
	if (signals_take(&s->signals) == -1) {
		message_error(NULL, "cannot take signals: %m");
		return STATUS_OS;
	}
	admin_interrupt(&s->walker, s->signals.fd);
	admin_interrupt(&s->remover, s->signals.fd);
	return conclude(s, walk(s, take));
}

int
cmd_reset_all(const struct options *o)
{
	struct sweep s = { .o = o, .status = -1, .run = { .o = o } };
	int status = STATUS_USAGE;

	signal(SIGPIPE, SIG_IGN);
	s.run.admin = &s.remover;
	s.run.chosen = was_there;
	s.run.arg = &s;
	s.holders = seen_new_exact();
	s.run.along = seen_new_exact();
	s.run.began = deadline_now();
	if (!o->force && !o->dry_run &&
	    !(isatty(STDIN_FILENO) && isatty(STDERR_FILENO))) {
		message_always(NULL, "'reset-all' asks on a terminal, and "
				     "there is none: use --force, or "
				     "--dry-run to see what it would do");
	} else if (s.holders == NULL || s.run.along == NULL ||
		   cmd_admin_open(&s.walker, o, &s.f) == -1 ||
		   cmd_admin_open(&s.remover, o, &s.f) == -1) {
		message_error(
		    NULL, "%s", s.f.status == 0 ? "out of memory" : s.f.text);
		status = STATUS_OS;
	} else {
		status = sweep(&s);
	}
	admin_close(&s.walker);
	admin_close(&s.remover);
	seen_free(s.holders);
	seen_free(s.run.along);
	text_free(&s.run.out);
	text_free(&s.key);
	return status;
}
