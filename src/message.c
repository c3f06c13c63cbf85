/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "utf8.h"

#define MESSAGE_TEXT 3072 /* before escaping: a name has up to 512 bytes */
#define MESSAGE_LINE 4096 /* PIPE_BUF: lines of several writers never mix */
#define MESSAGE_PATIENCE_MS 1000

static enum message_level level = MESSAGE_NORMAL;
/* What is left of it; full again when somebody reads. */
static int64_t patience_ms = MESSAGE_PATIENCE_MS;

void
message_level(enum message_level new_level)
{
	level = new_level;
}

bool
message_verbose(void)
{
	return level == MESSAGE_VERBOSE;
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

/* Write what may be written now.  Returns how much, -1 to drop the rest. */
static ssize_t
put_some(const char *line, size_t len)
{
	ssize_t n = write(STDERR_FILENO, line, len);

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
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	int64_t begin = now_ms(), left;
	ssize_t n;

	while (len > 0) {
		left = patience_ms - (now_ms() - begin);
		n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n == -1 && errno == EINTR && left > 0)
			continue;
		if (n <= 0 || p.revents != POLLOUT)
			break;
		n = put_some(line, len);
		if (n == -1)
			break;
		line += n;
		len -= (size_t)n;
	}
	patience_ms -= now_ms() - begin;
	if (len == 0 || patience_ms < 0)
		patience_ms = len == 0 ? MESSAGE_PATIENCE_MS : 0;
}

static void __attribute__((format(printf, 2, 0)))
say(const char *name, const char *format, va_list args)
{
	char text[MESSAGE_TEXT], line[MESSAGE_LINE];
	size_t len;
	int saved = errno, n;

	n = snprintf(text, sizeof(text), "netflock: %.512s%s", name ? name : "",
	    name ? ": " : "");
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	len = message_escape(line, sizeof(line) - 1, text, strlen(text));
	line[len++] = '\n';
	put_line(line, len);
	errno = saved;
}

void
message_error(const char *name, const char *format, ...)
{
	va_list args;

	if (level == MESSAGE_QUIET)
		return;
	va_start(args, format);
	say(name, format, args);
	va_end(args);
}

void
message_always(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(name, format, args);
	va_end(args);
}

void
message_note(const char *name, const char *format, ...)
{
	va_list args;

	if (level != MESSAGE_VERBOSE)
		return;
	va_start(args, format);
	say(name, format, args);
	va_end(args);
}
