/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void
escape(struct text *out, const char *bytes, size_t len)
{
	uint32_t c = 0;
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = utf8_decode(bytes, len, &c);
		if (n == 0) {
			n = 1;
			text_put(out, REPLACEMENT);
		} else if (c == '"' || c == '\\') {
			text_format(out, "\\%c", (char)c);
		} else if (c >= 0x10000 && utf8_hidden(c)) {
			c -= 0x10000;
			text_format(out, "\\u%04x\\u%04x",
			    (unsigned)(0xd800 | c >> 10),
			    (unsigned)(0xdc00 | (c & 0x3ff)));
		} else if (utf8_hidden(c)) {
			text_format(out, "\\u%04x", (unsigned)c);
		} else {
			text_add(out, bytes, n);
		}
	}
}

static void
lead(struct json *j, const char *key)
{
	if (j->comma)
		text_put(j->out, ",");
	j->comma = true;
	if (key != NULL)
		text_format(j->out, "\"%s\":", key);
}

void
json_open(struct json *j, const char *key, char bracket)
{
	lead(j, key);
	text_add(j->out, &bracket, 1);
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	text_put(j->out, bracket == '{' ? "}" : "]");
	j->comma = true;
}

void
json_text(struct json *j, const char *key, const char *bytes, size_t len)
{
	lead(j, key);
	text_put(j->out, "\"");
	escape(j->out, bytes, len);
	text_put(j->out, "\"");
}

static bool
is_valid(const char *bytes, size_t len)
{
	uint32_t c = 0;
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = utf8_decode(bytes, len, &c);
		if (n == 0)
			return false;
	}
	return true;
}

void
json_hex(struct json *j, const char *key, const char *bytes, size_t len)
{
	if (is_valid(bytes, len)) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	text_put(j->out, "\"");
	for (size_t i = 0; i < len; i++)
		text_format(j->out, "%02x", (unsigned char)bytes[i]);
	text_put(j->out, "\"");
}

void
json_number(struct json *j, const char *key, int64_t n)
{
	lead(j, key);
	if (n < 0)
		text_put(j->out, "null");
	else
		text_format(j->out, "%" PRId64, n);
}

void
json_bool(struct json *j, const char *key, bool value)
{
	lead(j, key);
	text_put(j->out, value ? "true" : "false");
}

void
json_null(struct json *j, const char *key)
{
	lead(j, key);
	text_put(j->out, "null");
}

char *
json_time_text(char *dst, size_t size, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char day[40];
	struct tm tm;

	dst[0] = '\0';
	if (ms < 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return dst;
	snprintf(dst, size, "%s.%03dZ", day, (int)(ms % 1000));
	return dst;
}

void
json_time(struct json *j, const char *key, int64_t ms)
{
	char text[64];

	json_time_text(text, sizeof(text), ms);
	if (text[0] == '\0')
		json_null(j, key);
	else
		json_text(j, key, text, strlen(text));
}
