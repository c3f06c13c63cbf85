/* SPDX-License-Identifier: MIT */
#include "options_secret.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "secret.h"
#include "status.h"

#define WHAT "password file"

static int
refuse(struct failure *f, const char *path, const char *why)
{
	return failure_set(f, STATUS_CONFIG, WHAT " '%.200s' %s", path, why);
}

/* Turn LEN bytes into a string without the newline at the end. */
static int
check(char *text, size_t len, const char *path, struct failure *f)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0)
		return refuse(f, path, "is empty");
	if (memchr(text, '\0', len) != NULL)
		return refuse(f, path, "has a NUL byte in it");
	if (len > OPTIONS_SECRET_MAX)
		return refuse(f, path, "is longer than 512 bytes");
	text[len] = '\0';
	return 0;
}

int
options_secret_read(const char *path, char *dst, struct failure *f)
{
	char text[OPTIONS_SECRET_MAX + 2]; /* and a newline, and one more */
	ssize_t len = secret_read(WHAT, path, text, sizeof(text), f);
	int result = len == -1 ? -1 : check(text, (size_t)len, path, f);

	if (result == 0)
		memcpy(dst, text, strlen(text) + 1);
	explicit_bzero(text, sizeof(text));
	return result;
}

/* Where the password of the URL at TEXT is; *LEN is 0 if there is none. */
static size_t
find_password(const char *text, size_t *len)
{
	const char *from = strstr(text, "://"), *to;

	*len = 0;
	if (from == NULL)
		return 0;
	from += 3;
	to = from + strcspn(from, "@/?#");
	from += strcspn(from, ":@/?#");
	if (*to != '@' || from >= to)
		return 0;
	*len = (size_t)(to - from) - 1;
	return (size_t)(from - text) + 1;
}

void
options_secret_hide(char *text)
{
	size_t len, at = find_password(text, &len);

	memset(text + at, '*', len);
}

char *
options_secret_mask(char *dst, size_t size, const char *url)
{
	size_t len, at = find_password(url, &len);

	snprintf(dst, size, "%.*s%s%s", (int)at, url, len > 0 ? "***" : "",
	    url + at + len);
	return dst;
}

bool
options_secret_is_in(const char *url)
{
	size_t len;

	(void)find_password(url, &len);
	return len > 0;
}
