/* SPDX-License-Identifier: MIT */
#include "options_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "failure.h"
#include "options_secret.h"
#include "secret.h"
#include "status.h"
#include "url.h"

#define WHAT "configuration"
#define BLANKS " \t\r"
#define KEY_MAX 60 /* of what is no key, in a message */

static int bad(const struct options_config *c, unsigned line, struct failure *f,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "FILE:LINE: what". */
static int
bad(const struct options_config *c, unsigned line, struct failure *f,
    const char *format, ...)
{
	struct failure what;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what.text, sizeof(what.text), format, args);
	va_end(args);
	return failure_set(
	    f, STATUS_CONFIG, "%.200s:%u: %s", c->path, line, what.text);
}

/* ------------------------------------------------------------------ */
/* One line. */

/* Without the blanks at both ends. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	return text;
}

static bool
is_key(const char *word)
{
	enum options_id id = options_table_word(word, strlen(word));

	return id != OPTIONS_ROWS && options_table_in_file(id);
}

/* There is no such key.  What it looks like may be a password. */
static int
unknown(const struct options_config *c, const char *key, unsigned line,
    struct failure *f)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	size_t len = strlen(key);
	const char *word = key + strspn(key, "-");
	char near[32];

	if (len == 0 || len > KEY_MAX || strspn(key, allowed) != len)
		return bad(c, line, f,
		    "what stands before '=' is no option's long name");
	/* "--ttl" is meant well. */
	if (!is_key(word)) {
		word = options_table_near(
		    word, strlen(word), ~0U, near, sizeof(near));
		if (word == NULL || !is_key(word))
			return bad(c, line, f, "unknown key '%s'", key);
	}
	return bad(
	    c, line, f, "unknown key '%s' (did you mean '%s'?)", key, word);
}

/* A text in quotes would have them in it. */
static bool
is_quoted(const char *value)
{
	size_t len = strlen(value);

	return len > 1 && (value[0] == '"' || value[0] == '\'') &&
	       value[len - 1] == value[0];
}

/* An option that takes no value. */
static int
read_flag(const struct options_config *c, const char *key, const char *value,
    struct options_value *v, struct failure *f)
{
	v->count = strcmp(value, "yes") == 0;
	if (v->count == 0 && strcmp(value, "no") != 0)
		return bad(c, v->line, f, "%s: write yes or no", key);
	return 0;
}

/* The reader of URLs takes more than a number, and it may be a secret. */
static int
check_url(const struct options_config *c, const struct options_value *v,
    struct failure *f)
{
	struct failure why;
	struct url url;
	int result = url_parse(v->text, &url, &why);

	explicit_bzero(&url, sizeof(url));
	return result == 0 ? 0 : bad(c, v->line, f, "url: %s", why.text);
}

static int
read_value(const struct options_config *c, enum options_id id, const char *key,
    struct options_value *v, struct failure *f)
{
	const struct options_row *row = &options_table[id];
	enum options_value_result result;
	struct failure why;

	if (row->value == NULL)
		return read_flag(c, key, v->text, v, f);
	v->count = 1;
	if (is_quoted(v->text))
		return bad(c, v->line, f, "%s: a value has no quotes", key);
	/* Who reads it may be started anywhere. */
	if (strcmp(row->value, "FILE") == 0 && v->text[0] != '/')
		return bad(c, v->line, f, "%s: '%.60s' is no absolute path",
		    key, v->text);
	if (id == OPTION_URL)
		return check_url(c, v, f);
	if (row->kind == NULL)
		return 0;
	result = row->kind->read(v->text, &v->number);
	if (result == OPTIONS_VALUE_OK)
		return 0;
	options_value_complain(row->kind, result, key, v->text, &why);
	return bad(c, v->line, f, "%s%s", why.text,
	    strchr(v->text, '#') != NULL
		? "; a comment stands on a line of its own"
		: "");
}

/* The option KEY, which may stand here. */
static int
find_key(const struct options_config *c, const char *key, unsigned line,
    enum options_id *id, struct failure *f)
{
	const struct options_row *row;

	*id = options_table_word(key, strlen(key));
	if (*id == OPTIONS_ROWS)
		return unknown(c, key, line, f);
	row = &options_table[*id];
	if (row->refusal != NULL)
		return bad(c, line, f, "%s %s", key, row->refusal);
	if (!options_table_in_file(*id))
		return bad(c, line, f, "%s is for the command line only", key);
	if (c->values[*id].line != 0)
		return bad(c, line, f, "%s was set in line %u already", key,
		    c->values[*id].line);
	return 0;
}

static int
read_line(
    struct options_config *c, char *text, unsigned line, struct failure *f)
{
	struct options_value *v;
	enum options_id id;
	char *key, *value;

	text = trim(text);
	if (*text == '\0' || *text == '#')
		return 0;
	value = strchr(text, '=');
	/* Not shown: it may be a URL with its password. */
	if (value == NULL)
		return bad(c, line, f, "a line is KEY = VALUE, or # comment");
	*value++ = '\0';
	key = trim(text);
	value = trim(value);
	if (find_key(c, key, line, &id, f) == -1)
		return -1;
	if (*value == '\0')
		return bad(c, line, f, "%s has no value", key);
	v = &c->values[id];
	*v = (struct options_value){
		.text = value, .file = c->path, .line = line
	};
	return read_value(c, id, key, v, f);
}

/* ------------------------------------------------------------------ */

int
options_config_parse(
    struct options_config *c, char *text, size_t len, struct failure *f)
{
	char *end = text + len, *next;
	unsigned line = 1;

	for (; text < end; text = next + 1, line++) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (next == NULL)
			next = end;
		*next = '\0';
		if (strlen(text) != (size_t)(next - text))
			return bad(c, line, f, "there is a NUL byte in it");
		if (read_line(c, text, line, f) == -1)
			return -1;
	}
	return 0;
}

/* What is open to others must not hold a password: EXPOSED, or NULL. */
static int
check_secret(
    const struct options_config *c, const char *exposed, struct failure *f)
{
	const struct options_value *url = &c->values[OPTION_URL];

	if (exposed == NULL || url->count == 0 ||
	    !options_secret_is_in(url->text))
		return 0;
	return bad(c, url->line, f, "a password stands here, but the file %s",
	    exposed);
}

static bool
is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

static int
read_open(struct options_config *c, int fd, struct failure *f)
{
	const char *exposed;
	ssize_t len;

	if (is_null_device(fd))
		return 0;
	c->size = OPTIONS_CONFIG_MAX + 1;
	c->text = malloc(c->size);
	if (c->text == NULL)
		return failure_set(f, STATUS_OS, "out of memory");
	len =
	    secret_read_open(fd, WHAT, c->path, c->text, c->size, &exposed, f);
	if (len == -1)
		return -1;
	if ((size_t)len > OPTIONS_CONFIG_MAX)
		return failure_set(f, STATUS_CONFIG,
		    WHAT " '%.200s' is longer than 64 KiB", c->path);
	if (options_config_parse(c, c->text, (size_t)len, f) == -1)
		return -1;
	return check_secret(c, exposed, f);
}

/* A file that cannot be opened may be one that is not there. */
static bool
is_missing(const char *path, int error)
{
	struct stat st;

	if (error == ENOENT || error == ENOTDIR)
		return true;
	/* In somebody else's home: it is not ours, if it is there at all. */
	return error == EACCES && stat(path, &st) == -1 && errno == EACCES;
}

int
options_config_read(
    struct options_config *c, const char *path, bool must, struct failure *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), result;
	int error = errno;

	if (fd == -1 && !must && is_missing(path, error))
		return 0;
	errno = error;
	if (fd == -1)
		return failure_set(f, STATUS_CONFIG,
		    "cannot open the " WHAT " '%.200s': %m", path);
	c->path = path;
	result = read_open(c, fd, f);
	(void)close(fd);
	return result;
}

void
options_config_free(struct options_config *c)
{
	if (c->text != NULL)
		explicit_bzero(c->text, c->size);
	free(c->text);
	*c = (struct options_config){ 0 };
}
