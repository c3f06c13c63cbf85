/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON into a text, on one line.  KEY is NULL inside of arrays.  What
 * came from outside is made valid: what is no UTF-8 becomes U+FFFD, and
 * characters that could fool a terminal are escaped.
 *
 * Steps of use: begin with { .out = TEXT }; values and json_open() ...
 * json_close() in any order that makes sense.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

struct json {
	struct text *out;
	bool comma; /* something stands before the next value */
};

/* BRACKET is '{' or '['. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *bytes, size_t len);
/* The exact bytes in hex if they are no valid UTF-8, else null. */
void json_hex(struct json *j, const char *key, const char *bytes, size_t len);
/* null if N is negative. */
void json_number(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool value);
/* MS since 1970 as "2026-11-21T09:41:38.250Z"; null if negative. */
void json_time(struct json *j, const char *key, int64_t ms);
void json_null(struct json *j, const char *key);

/* The same without quotes, for people; "" if negative.  32 bytes. */
char *json_time_text(char *dst, size_t size, int64_t ms);

#endif
