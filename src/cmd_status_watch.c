/* SPDX-License-Identifier: MIT */
/*
 * status --watch: one screen, drawn again and again.  On a terminal it uses
 * the alternate screen, so that what was there before comes back at the end;
 * elsewhere the looks follow each other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd_admin.h"
#include "cmd_status.h"
#include "deadline.h"
#include "duration.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "signals.h"
#include "status.h"
#include "url.h"
#include "utf8.h"

#define ENTER "\x1b[?1049h\x1b[?25l" /* alternate screen, no cursor */
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"
#define HOME "\x1b[H"
#define CLEAR_LINE "\x1b[K"
#define CLEAR_BELOW "\x1b[J"

struct watch {
	const struct options *o;
	struct signals signals;
	struct cmd_status_view view;
	bool tty;
	size_t rows, columns;
	struct text good; /* what the last successful look showed */
	int status;
};

static void
measure(struct watch *w)
{
	struct winsize size;

	w->rows = 24;
	w->columns = 80;
	if (w->tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0 && size.ws_row > 0) {
		w->rows = size.ws_row;
		w->columns = size.ws_col;
	} else if (w->o->columns > 0) {
		w->columns = (size_t)w->o->columns;
	}
	w->view.width = w->columns;
	/* The line on top, the header, and "and N more". */
	w->view.most = w->rows > 3 ? w->rows - 3 : 1;
}

/* A line of the screen: cut, since a wrapped one would move all others. */
static void
put_line(struct text *out, const char *line, size_t len, size_t columns)
{
	const char *escape;
	size_t n, m;

	while (len > 0) {
		escape = memchr(line, '\x1b', len);
		n = escape != NULL ? (size_t)(escape - line) : len;
		m = utf8_fit(line, n, columns);
		text_add(out, line, m);
		columns -= utf8_columns(line, m);
		line += n;
		len -= n;
		if (len == 0)
			break;
		/* ESC [ ... m takes no room, and must not be cut. */
		escape = memchr(line, 'm', len);
		n = escape != NULL ? (size_t)(escape - line) + 1 : len;
		text_add(out, line, n);
		line += n;
		len -= n;
	}
	text_put(out, CLEAR_LINE);
}

/* The line on top, and as much of BODY as there is room for. */
static void
draw(struct watch *w, const char *top, const struct text *body)
{
	struct text screen = { 0 };
	const char *line = text_string(body), *end;
	size_t row = 1;

	text_put(&screen, HOME);
	put_line(&screen, top, strlen(top), w->columns);
	for (; *line != '\0' && row < w->rows; row++) {
		end = strchr(line, '\n');
		if (end == NULL)
			end = line + strlen(line);
		text_put(&screen, "\r\n");
		put_line(&screen, line, (size_t)(end - line), w->columns);
		line = *end != '\0' ? end + 1 : end;
	}
	text_put(&screen, CLEAR_BELOW);
	cmd_admin_print(&screen, &w->status);
	text_free(&screen);
}

/* "every 1s, 'db1:6379', 09:41:38 UTC", or what is wrong. */
static void
write_top(const struct watch *w, struct text *top, const char *wrong)
{
	char endpoint[300], every[24], clock[16];
	time_t now = time(NULL);
	struct tm tm;

	clock[0] = '\0';
	if (gmtime_r(&now, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	url_endpoint(endpoint, sizeof(endpoint), &w->o->url);
	text_format(top, "%s UTC, every %s, ", clock,
	    duration_format(every, sizeof(every), w->o->interval_ms));
	if (wrong != NULL)
		text_escape(top, wrong, strlen(wrong));
	else
		text_escape(top, endpoint, strlen(endpoint));
}

static void
show(struct watch *w, enum admin_result result, const struct failure *f)
{
	struct cmd_status_view *v = &w->view;
	struct text top = { 0 };

	if (!w->tty) {
		if (result != ADMIN_OK)
			message_error(NULL, "%s; trying on", f->text);
		else if (v->status != -1)
			w->status = v->status;
		return;
	}
	if (result == ADMIN_OK) {
		if (v->left > 0)
			text_format(&v->out, "and %zu more\n", v->left);
		text_empty(&w->good);
		text_add(&w->good, text_string(&v->out), v->out.len);
	}
	write_top(w, &top, result == ADMIN_OK ? NULL : f->text);
	draw(w, text_string(&top), &w->good);
	text_free(&top);
}

/* Returns the signal that came, or 0 after the interval. */
static int
rest(struct watch *w)
{
	int64_t until = deadline_after_ms(w->o->interval_ms);
	struct pollfd fd = { w->signals.fd, POLLIN, 0 };
	struct signals_event event;

	do {
		if (poll(&fd, 1, deadline_poll_ms(until, deadline_now())) > 0 &&
		    signals_next(&w->signals, &event) &&
		    event.number != SIGWINCH && event.number != SIGCHLD &&
		    event.number != SIGURG)
			return event.number;
		/* Another size: draw anew. */
	} while (fd.revents == 0 && deadline_now() < until);
	return 0;
}

static int
watch(struct watch *w, struct admin *a)
{
	struct failure f = { .status = STATUS_INTERNAL };
	enum admin_result result;
	int number = 0;

	w->view.admin = a;
	while (number == 0 && w->status == -1) {
		measure(w);
		result = (enum admin_result)cmd_status_look(&w->view, &f);
		/* What cannot change is no outage. */
		if (result == ADMIN_FAILED && f.status != STATUS_UNAVAILABLE) {
			w->status = f.status;
			break;
		}
		if (result != ADMIN_INTERRUPTED)
			show(w, result, &f);
		if (w->status == -1)
			number = rest(w);
	}
	if (w->tty) {
		fputs(LEAVE, stdout);
		fflush(stdout);
	}
	if (w->status != -1 && w->status == f.status)
		message_error(NULL, "%s", f.text);
	return number;
}

int
cmd_status_watch(const struct options *o)
{
	struct watch w = { .o = o, .view = { .o = o }, .status = -1 };
	struct failure f = { .status = STATUS_INTERNAL };
	struct admin a = { 0 };
	int number = 0;

	w.tty = isatty(STDOUT_FILENO) == 1 && !o->json && !o->names_only;
	w.view.tty = w.tty;
	w.view.colour = w.tty && o->colour;
	w.view.whole = w.tty;
	if (signals_take(&w.signals) == -1 ||
	    signals_watch_children(&w.signals) == -1) {
		message_error(NULL, "cannot take signals: %m");
		return STATUS_OS;
	}
	if (cmd_admin_open(&a, o, &f) == -1) {
		message_error(NULL, "%s", f.text);
		return f.status;
	}
	admin_interrupt(&a, w.signals.fd);
	if (w.tty)
		fputs(ENTER, stdout);
	number = watch(&w, &a);
	admin_close(&a);
	cmd_status_view_free(&w.view);
	text_free(&w.good);
	if (number != 0)
		signals_die(number);
	return w.status;
}
