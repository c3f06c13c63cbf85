/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
failure_set(struct failure *f, int status, const char *format, ...)
{
	char text[sizeof(f->text)];
	va_list args;

	if (f == NULL)
		return -1;
	/* Not straight into F: the arguments may point there. */
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	memcpy(f->text, text, strlen(text) + 1);
	f->status = status;
	return -1;
}
