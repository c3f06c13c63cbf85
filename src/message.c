/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "message_syslog.h"
#include "text.h"
#include "utf8.h"

#define MESSAGE_TEXT 3072 /* before escaping: a name has up to 512 bytes */
#define MESSAGE_LINE 4096 /* PIPE_BUF: lines of several writers never mix */
#define MESSAGE_PATIENCE_MS 1000

/* By enum message_kind. */
static const struct {
	const char *word;
	int severity; /* of syslog(3) */
} kinds[] = {
	[MESSAGE_WARNING] = { "warning", 4 },
	[MESSAGE_NOTE] = { "info", 6 },
	[MESSAGE_ERROR] = { "error", 3 },
	[MESSAGE_NOTICE] = { "notice", 5 },
};

static enum message_level level = MESSAGE_NORMAL;
static bool json, to_syslog;
static bool live; /* the cursor stands behind the line of message_live() */
/* What is left of it; full again when somebody reads. */
static int64_t patience_ms = MESSAGE_PATIENCE_MS;

void
message_level(enum message_level new_level)
{
	level = new_level;
}

void
message_form(bool as_json, bool in_syslog)
{
	json = as_json;
	to_syslog = in_syslog;
}

bool
message_verbose(void)
{
	return level == MESSAGE_VERBOSE;
}

bool
message_plain(void)
{
	return level != MESSAGE_QUIET && !json;
}

/* ------------------------------------------------------------------ */

/* Returns how many bytes of DST one escaped byte took; 0 if it has no room. */
static size_t
escape_byte(char *dst, size_t room, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	if (byte == '\\') {
		if (room < 2)
			return 0;
		memcpy(dst, "\\\\", 2);
		return 2;
	}
	if (room < 4)
		return 0;
	dst[0] = '\\';
	dst[1] = 'x';
	dst[2] = digits[byte >> 4];
	dst[3] = digits[byte & 15];
	return 4;
}

size_t
message_escape(char *dst, size_t size, const char *src, size_t len)
{
	size_t used = 0, n, out;
	uint32_t c = 0;

	if (size == 0)
		return 0;
	while (len > 0) {
		n = utf8_decode(src, len, &c);
		if (n == 0 || c == '\\' || utf8_hidden(c)) {
			n = 1; /* the rest of it is then no character either */
			out = escape_byte(dst + used, size - 1 - used,
			    (unsigned char)src[0]);
			if (out == 0)
				break;
		} else {
			out = n;
			if (out > size - 1 - used)
				break;
			memcpy(dst + used, src, n);
		}
		used += out;
		src += n;
		len -= n;
	}
	dst[used] = '\0';
	return used;
}

/* ------------------------------------------------------------------ */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * A terminal that poll(2) calls ready may still take only a part of the line,
 * and make us wait for the rest: so it is opened anew, as what never waits.
 * The flags of the open file that we were given are not ours to change.
 */
static int
open_terminal(void)
{
	if (!isatty(STDERR_FILENO))
		return -1;
	return open("/proc/self/fd/2",
	    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Write what may be written now.  Returns how much, -1 to drop the rest. */
static ssize_t
put_some(int fd, const char *line, size_t len)
{
	ssize_t n = write(fd, line, len);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	return n;
}

/*
 * Write the line, or drop what nobody takes while our patience lasts.  A pipe
 * without a reader is seen by poll(2), so that no SIGPIPE comes before it is
 * ignored.
 */
static void
put_line(const char *line, size_t len)
{
	int terminal = open_terminal();
	struct pollfd p = { .fd = terminal != -1 ? terminal : STDERR_FILENO,
		.events = POLLOUT };
	int64_t begin = now_ms(), left;
	ssize_t n;

	while (len > 0) {
		left = patience_ms - (now_ms() - begin);
		n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n == -1 && errno == EINTR && left > 0)
			continue;
		if (n <= 0 || p.revents != POLLOUT)
			break;
		n = put_some(p.fd, line, len);
		if (n == -1)
			break;
		line += n;
		len -= (size_t)n;
	}
	if (terminal != -1)
		close(terminal);
	patience_ms -= now_ms() - begin;
	if (len == 0 || patience_ms < 0)
		patience_ms = len == 0 ? MESSAGE_PATIENCE_MS : 0;
}

bool
message_blocked(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return (!to_syslog || isatty(STDERR_FILENO)) && poll(&out, 1, 0) == 0;
}

bool
message_live(const char *text)
{
	static const char erase[] = "\r\x1b[K";
	char line[MESSAGE_LINE];
	struct winsize size = { .ws_col = 80 };
	size_t begin = sizeof(erase) - 1, len;

	if (text == NULL) {
		if (live)
			put_line(erase, begin);
		live = false;
		return false;
	}
	if (!message_plain() || !isatty(STDERR_FILENO))
		return false;
	/* Another job's screen; after "fg" it is drawn again. */
	if (tcgetpgrp(STDERR_FILENO) != getpgrp())
		return true;
	/* The lock may be granted any moment: it is drawn the next time. */
	if (message_blocked())
		return true;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col < 2)
		size.ws_col = 80;
	len = (size_t)snprintf(line, sizeof(line), "%snetflock: ", erase);
	message_escape(line + len, sizeof(line) - len, text, strlen(text));
	/* In the last column a line may wrap. */
	len = utf8_fit(line + begin, strlen(line + begin), size.ws_col - 1U);
	put_line(line, begin + len);
	live = true;
	return true;
}

/* An object on one line of SIZE bytes at most; 0: no memory. */
static size_t
make_json(char *line, size_t size, enum message_kind kind, const char *name,
    const char *what)
{
	struct text text = { 0 };
	struct timespec now;
	size_t len = strlen(what), used;

	clock_gettime(CLOCK_REALTIME, &now);
	/* Escaped, both may be six times as long. */
	do {
		struct json j = { .out = &text };

		text_empty(&text);
		json_open(&j, NULL, '{');
		json_time(&j, "time",
		    (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
		json_text(&j, "level", kinds[kind].word,
		    strlen(kinds[kind].word));
		json_number(&j, "pid", getpid());
		if (name != NULL)
			json_text(&j, "name", name, strnlen(name, 512));
		else
			json_null(&j, "name");
		json_text(&j, "text", what, len);
		json_close(&j, '{');
		len /= 2;
	} while (text.len >= size && len > 0);
	used = !text.failed && text.len < size ? text.len : 0;
	memcpy(line, text_string(&text), used);
	text_free(&text);
	return used;
}

static void
put(enum message_kind kind, char *line, size_t len)
{
	line[len] = '\0';
	if (to_syslog &&
	    message_syslog(MESSAGE_SYSLOG, kinds[kind].severity, line) &&
	    !isatty(STDERR_FILENO))
		return;
	message_live(NULL);
	line[len++] = '\n';
	put_line(line, len);
}

static void __attribute__((format(printf, 3, 0)))
say(enum message_kind kind, const char *name, const char *format, va_list args)
{
	char text[MESSAGE_TEXT], line[MESSAGE_LINE];
	size_t len = 0;
	int saved = errno, n;

	n = snprintf(text, sizeof(text), "netflock: %.512s%s", name ? name : "",
	    name ? ": " : "");
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	if (json)
		len = make_json(line, sizeof(line) - 1, kind, name, text + n);
	if (len == 0)
		len = message_escape(
		    line, sizeof(line) - 1, text, strlen(text));
	put(kind, line, len);
	errno = saved;
}

void
message_say(enum message_kind kind, const char *name, const char *format, ...)
{
	va_list args;

	if (level == MESSAGE_QUIET ||
	    (kind == MESSAGE_NOTE && level != MESSAGE_VERBOSE))
		return;
	va_start(args, format);
	say(kind, name, format, args);
	va_end(args);
}

void
message_error(const char *name, const char *format, ...)
{
	va_list args;

	if (level == MESSAGE_QUIET)
		return;
	va_start(args, format);
	say(MESSAGE_ERROR, name, format, args);
	va_end(args);
}

void
message_always(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(MESSAGE_ERROR, name, format, args);
	va_end(args);
}

void
message_note(const char *name, const char *format, ...)
{
	va_list args;

	if (level != MESSAGE_VERBOSE)
		return;
	va_start(args, format);
	say(MESSAGE_NOTE, name, format, args);
	va_end(args);
}
