/* SPDX-License-Identifier: MIT */
/*
 * Text that came from outside, one character at a time: is it well-formed,
 * would it show, and how wide is it on a terminal.  Knows no locale: what we
 * print is UTF-8.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many bytes the character at S (LEN > 0 bytes left) takes; 0 if it is
 * not well-formed UTF-8.  *CHARACTER is its number.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *character);
/* Whether it could forge what a terminal or a reader sees: controls, bidi. */
bool utf8_hidden(uint32_t character);
/* Columns it takes: 0 if it combines, 2 if it is East Asian or an emoji. */
int utf8_width(uint32_t character);
/* Columns of TEXT; a byte that is no character counts as one. */
size_t utf8_columns(const char *text, size_t len);
/* How many bytes of TEXT fit into that many columns. */
size_t utf8_fit(const char *text, size_t len, size_t columns);

#endif
