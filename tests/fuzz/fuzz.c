/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fuzz_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	abort();
}

char *
fuzz_copy(const void *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

uint8_t
fuzz_byte(struct fuzz_input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static char *
take(struct fuzz_input *in, size_t n, size_t *len)
{
	char *word = malloc(n + 1);

	if (word == NULL)
		abort();
	if (n > 0)
		memcpy(word, in->data, n);
	word[n] = '\0';
	in->data += n;
	in->size -= n;
	*len = n;
	return word;
}

char *
fuzz_word(struct fuzz_input *in, char stop, size_t *len)
{
	const uint8_t *end = in->size > 0 ? memchr(in->data, stop, in->size)
					  : NULL;
	char *word;

	word = take(in, end != NULL ? (size_t)(end - in->data) : in->size, len);
	if (end != NULL)
		fuzz_byte(in);
	return word;
}

char *
fuzz_rest(struct fuzz_input *in, size_t *len)
{
	return take(in, in->size, len);
}

/* ------------------------------------------------------------------ */

/* By the table of well-formed byte sequences (Unicode 3.9, table 3-7). */
static size_t
character(const unsigned char *s, size_t len)
{
	static const struct {
		unsigned char first, last, low, high, more;
	} table[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 },
		{ 0xe1, 0xec, 0x80, 0xbf, 2 }, { 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 }, { 0xf0, 0xf0, 0x90, 0xbf, 3 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (s[0] < table[i].first || s[0] > table[i].last)
			continue;
		if (len <= table[i].more || s[1] < table[i].low ||
		    s[1] > table[i].high)
			return 0;
		for (size_t n = 2; n <= table[i].more; n++)
			if (s[n] < 0x80 || s[n] > 0xbf)
				return 0;
		return table[i].more + (size_t)1;
	}
	return 0;
}

bool
fuzz_is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t n; len > 0; s += n, len -= n) {
		n = character(s, len);
		if (n == 0)
			return false;
	}
	return true;
}

/* C0, DEL, C1, and what turns or hides text: bidi controls, BOM, tags. */
static bool
is_dangerous(const unsigned char *s, size_t n)
{
	if (n == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80)
		return s[2] == 0x8e || s[2] == 0x8f ||
		       (s[2] >= 0xa8 && s[2] <= 0xae);
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x81)
		return s[2] >= 0xa6 && s[2] <= 0xa9;
	return false;
}

bool
fuzz_is_printable(const char *text, size_t len, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t n; len > 0; s += n, len -= n) {
		n = character(s, len);
		if (n == 0)
			return false;
		if (is_dangerous(s, n) && !(lines && s[0] == '\n'))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ */
/* JSON: each eats what it is to find, or returns NULL. */

struct json_text {
	const char *at, *end;
};

static bool value(struct json_text *t, int depth);

static void
blanks(struct json_text *t)
{
	while (t->at < t->end && strchr(" \n\r\t", *t->at) != NULL &&
	    *t->at != '\0')
		t->at++;
}

static bool
literal(struct json_text *t, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(t->end - t->at) < len || memcmp(t->at, word, len) != 0)
		return false;
	t->at += len;
	return true;
}

static bool
string(struct json_text *t)
{
	if (!literal(t, "\""))
		return false;
	for (; t->at < t->end && *t->at != '"'; t->at++) {
		if ((unsigned char)*t->at < 0x20)
			return false;
		if (*t->at != '\\')
			continue;
		if (++t->at == t->end || strchr("\"\\/bfnrtu", *t->at) == NULL)
			return false;
		if (*t->at != 'u')
			continue;
		for (int i = 0; i < 4; i++)
			if (++t->at == t->end || *t->at == '\0' ||
			    strchr("0123456789abcdefABCDEF", *t->at) == NULL)
				return false;
	}
	return literal(t, "\"");
}

static bool
number(struct json_text *t)
{
	const char *from;

	(void)literal(t, "-");
	from = t->at;
	while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
		t->at++;
	return t->at > from && (*from != '0' || t->at == from + 1);
}

static bool
members(struct json_text *t, char close, int depth)
{
	char end[2] = { close, '\0' };

	t->at++;
	blanks(t);
	if (literal(t, end))
		return true;
	for (;;) {
		blanks(t);
		if (close == '}' && (!string(t) || !literal(t, ":")))
			return false;
		if (!value(t, depth - 1))
			return false;
		blanks(t);
		if (literal(t, end))
			return true;
		if (!literal(t, ","))
			return false;
	}
}

static bool
value(struct json_text *t, int depth)
{
	blanks(t);
	if (t->at == t->end || depth == 0)
		return false;
	switch (*t->at) {
	case '{':
		return members(t, '}', depth);
	case '[':
		return members(t, ']', depth);
	case '"':
		return string(t);
	case 't':
		return literal(t, "true");
	case 'f':
		return literal(t, "false");
	case 'n':
		return literal(t, "null");
	default:
		return number(t);
	}
}

bool
fuzz_is_json(const char *text, size_t len)
{
	struct json_text t = { text, text + len };

	if (!fuzz_is_utf8(text, len) || !value(&t, 20))
		return false;
	blanks(&t);
	return t.at == t.end;
}
