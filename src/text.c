/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* Make room for LEN bytes and a NUL. */
static bool
reserve(struct text *t, size_t len)
{
	size_t size = t->size == 0 ? 256 : t->size;
	char *data;

	if (t->failed)
		return false;
	while (size - t->len <= len)
		size *= 2;
	if (size == t->size)
		return true;
	data = realloc(t->data, size);
	if (data == NULL) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->size = size;
	return true;
}

void
text_add(struct text *t, const char *bytes, size_t len)
{
	if (!reserve(t, len))
		return;
	if (len > 0)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void
text_put(struct text *t, const char *string)
{
	text_add(t, string, strlen(string));
}

void
text_format(struct text *t, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0 && reserve(t, (size_t)n)) {
		vsnprintf(t->data + t->len, (size_t)n + 1, format, again);
		t->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void
text_escape(struct text *t, const char *bytes, size_t len)
{
	/* A byte takes four at most: \xNN. */
	if (reserve(t, 4 * len + 1))
		t->len +=
		    message_escape(t->data + t->len, 4 * len + 1, bytes, len);
}

void
text_pad(struct text *t, size_t columns)
{
	if (!reserve(t, columns))
		return;
	memset(t->data + t->len, ' ', columns);
	t->len += columns;
	t->data[t->len] = '\0';
}

void
text_trim(struct text *t)
{
	while (t->len > 0 && t->data[t->len - 1] == ' ')
		t->len--;
	if (t->data != NULL)
		t->data[t->len] = '\0';
}

void
text_empty(struct text *t)
{
	t->len = 0;
	if (t->data != NULL)
		t->data[0] = '\0';
}

const char *
text_string(const struct text *t)
{
	return t->data != NULL ? t->data : "";
}

void
text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}
