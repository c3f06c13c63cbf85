/* SPDX-License-Identifier: MIT */
/*
 * Text that grows.  Steps of use: begin with a zeroed struct, add to it, read
 * data (NUL-terminated once anything was added) and len; text_free().
 * Out of memory is remembered in "failed" and everything later is dropped, so
 * that it need be checked only once, at the end.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data;
	size_t len, size;
	bool failed;
};

void text_add(struct text *t, const char *bytes, size_t len);
void text_put(struct text *t, const char *string);
void text_format(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What came from outside, as message_escape() makes it. */
void text_escape(struct text *t, const char *bytes, size_t len);
void text_pad(struct text *t, size_t columns);
/* Without blanks at the end. */
void text_trim(struct text *t);
/* Forget the text, keep the memory. */
void text_empty(struct text *t);
/* The text, "" if there is none. */
const char *text_string(const struct text *t);
void text_free(struct text *t);

#endif
