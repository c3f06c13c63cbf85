/* SPDX-License-Identifier: MIT */
#include "options_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "failure.h"
#include "options.h"
#include "signals.h"
#include "status.h"
#include "token.h"

#define DURATION_USE "use e.g. 500ms, 30s, 5m, 1h30m"

#define PREFIX_MAX 64
#define REASON_MAX 200
#define USER_MAX 255
#define HOST_MAX 253
#define NAME_MAX_BYTES 512
#define SLOTS_MAX 10000 /* each script reads all holders */
#define KEEP_MAX 1000 /* what the script keeps at most */
#define ECHO_MAX 60 /* of a wrong value in a message */

static enum options_value_result
read_duration(const char *text, int64_t *number)
{
	switch (duration_parse(text, number)) {
	case DURATION_OK:
		return OPTIONS_VALUE_OK;
	case DURATION_RANGE:
		return OPTIONS_VALUE_RANGE;
	case DURATION_SYNTAX:
		break;
	}
	return OPTIONS_VALUE_INVALID;
}

/* What is added up with others is bounded, so that no sum overflows. */
static enum options_value_result
read_grace(const char *text, int64_t *number)
{
	enum options_value_result result = read_duration(text, number);

	if (result == OPTIONS_VALUE_OK && *number > OPTIONS_VALUE_LONGEST)
		return OPTIONS_VALUE_RANGE;
	return result;
}

static enum options_value_result
read_timeout(const char *text, int64_t *number)
{
	enum options_value_result result = read_grace(text, number);

	if (result == OPTIONS_VALUE_OK && *number == 0)
		return OPTIONS_VALUE_RANGE;
	return result;
}

static enum options_value_result
read_status(const char *text, int64_t *number)
{
	int64_t status = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && status <= 255; p++)
		status = status * 10 + (*p - '0');
	if (p == text || *p != '\0' || status > 255)
		return OPTIONS_VALUE_INVALID;
	*number = status;
	return OPTIONS_VALUE_OK;
}

static enum options_value_result
read_signal(const char *text, int64_t *number)
{
	int signal = signals_number(text);

	if (signal <= 0)
		return OPTIONS_VALUE_INVALID;
	*number = signal;
	return OPTIONS_VALUE_OK;
}

static enum options_value_result
read_keep(const char *text, int64_t *number)
{
	int64_t keep = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && keep <= KEEP_MAX; p++)
		keep = keep * 10 + (*p - '0');
	if (keep > KEEP_MAX)
		return OPTIONS_VALUE_RANGE;
	if (p == text || *p != '\0')
		return OPTIONS_VALUE_INVALID;
	*number = keep;
	return OPTIONS_VALUE_OK;
}

/* *NUMBER is the place of TEXT among WORDS, which end with NULL. */
static enum options_value_result
read_word(const char *text, const char *const *words, int64_t *number)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			*number = i;
			return OPTIONS_VALUE_OK;
		}
	}
	return OPTIONS_VALUE_INVALID;
}

static enum options_value_result
read_on_lost(const char *text, int64_t *number)
{
	static const char *const words[] = { [OPTIONS_KILL] = "kill",
		[OPTIONS_WARN] = "warn", NULL };

	return read_word(text, words, number);
}

static enum options_value_result
read_unreachable(const char *text, int64_t *number)
{
	static const char *const words[] = { [OPTIONS_FAIL] = "fail",
		[OPTIONS_WAIT] = "wait", [OPTIONS_RUN_ANYWAY] = "run", NULL };

	return read_word(text, words, number);
}

static enum options_value_result
read_log(const char *text, int64_t *number)
{
	static const char *const words[] = { "text", "json", NULL };

	return read_word(text, words, number);
}

static enum options_value_result
read_file(const char *text, int64_t *number)
{
	(void)number;
	return *text != '\0' ? OPTIONS_VALUE_OK : OPTIONS_VALUE_INVALID;
}

/* Process 1 is shielded from signals, and takes us with it when it ends. */
static enum options_value_result
read_pid(const char *text, int64_t *number)
{
	int64_t pid = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && pid <= INT32_MAX; p++)
		pid = pid * 10 + (*p - '0');
	if (p == text || *p != '\0')
		return OPTIONS_VALUE_INVALID;
	if (pid <= 1 || pid > INT32_MAX)
		return OPTIONS_VALUE_RANGE;
	*number = pid;
	return OPTIONS_VALUE_OK;
}

/* Braces would move the keys to another slot, globs confuse SCAN. */
static enum options_value_result
read_prefix(const char *text, int64_t *number)
{
	const char *p;

	(void)number;
	for (p = text; *p != '\0'; p++) {
		if (*p == ' ' || iscntrl((unsigned char)*p) ||
		    strchr("{}*?[]\\", *p) != NULL)
			return OPTIONS_VALUE_INVALID;
	}
	if (p == text || p - text > PREFIX_MAX)
		return OPTIONS_VALUE_INVALID;
	return OPTIONS_VALUE_OK;
}

static enum options_value_result
read_reason(const char *text, int64_t *number)
{
	(void)number;
	if (strlen(text) > REASON_MAX)
		return OPTIONS_VALUE_RANGE;
	return OPTIONS_VALUE_OK;
}

static enum options_value_result
read_user(const char *text, int64_t *number)
{
	const char *p;

	(void)number;
	for (p = text; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p))
			return OPTIONS_VALUE_INVALID;
	}
	if (p == text || p - text > USER_MAX)
		return OPTIONS_VALUE_INVALID;
	return OPTIONS_VALUE_OK;
}

/* A name as it stands in certificates: those of addresses are no names. */
static enum options_value_result
read_host(const char *text, int64_t *number)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	size_t len = strspn(text, allowed);

	(void)number;
	if (text[len] != '\0' || len > HOST_MAX ||
	    strspn(text, "0123456789.") == len)
		return OPTIONS_VALUE_INVALID;
	return OPTIONS_VALUE_OK;
}

/* One token is a list of tokens without a comma. */
static enum options_value_result
read_token(const char *text, int64_t *number)
{
	(void)number;
	if (*text == '\0' || strchr(text, ',') != NULL ||
	    !options_value_is_chain(text))
		return OPTIONS_VALUE_INVALID;
	return OPTIONS_VALUE_OK;
}

static enum options_value_result
read_slots(const char *text, int64_t *number)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || text[len] != '\0')
		return OPTIONS_VALUE_INVALID;
	*number = len < 10 ? strtol(text, NULL, 10) : 0;
	if (*number < 1 || *number > SLOTS_MAX)
		return OPTIONS_VALUE_RANGE;
	return OPTIONS_VALUE_OK;
}

/* As NAME itself; an empty value is refused for every option. */
static enum options_value_result
read_name(const char *text, int64_t *number)
{
	(void)number;
	return strlen(text) <= NAME_MAX_BYTES ? OPTIONS_VALUE_OK
					      : OPTIONS_VALUE_RANGE;
}

static enum options_value_result
read_text(const char *text, int64_t *number)
{
	(void)text;
	(void)number;
	return OPTIONS_VALUE_OK;
}

const struct options_kind
    options_value_duration = { read_duration, "duration", DURATION_USE,
	    "at most 104166d" },
    options_value_timeout = { read_timeout, "duration", DURATION_USE,
	    "above 0, at most 365d" },
    options_value_grace = { read_grace, "duration", DURATION_USE,
	    "at most 365d" },
    options_value_status = { read_status, "exit status", "use 0 to 255", NULL },
    options_value_signal = { read_signal, "signal",
	    "use a name or a number, e.g. TERM, INT, 15", NULL },
    options_value_on_lost = { read_on_lost, "action", "use kill or warn",
	    NULL },
    options_value_keep = { read_keep, "number", "use 0 to 1000",
	    "at most 1000" },
    options_value_unreachable = { read_unreachable, "action",
	    "use fail, wait or run", NULL },
    options_value_log = { read_log, "form", "use text or json", NULL },
    options_value_file = { read_file, "path", "use the path of a file", NULL },
    options_value_prefix = { read_prefix, "prefix",
	    "use 1 to 64 bytes without braces, blanks and glob characters",
	    NULL },
    options_value_reason = { read_reason, "text", NULL, "at most 200 bytes" },
    options_value_user = { read_user, "user",
	    "use 1 to 255 bytes without control characters", NULL },
    options_value_token = { read_token, "token",
	    "use 1 to 128 of A-Z a-z 0-9 . _ : -", NULL },
    options_value_pid = { read_pid, "process",
	    "use its number, e.g. $$ of a shell",
	    "2 or more: process 1 cannot be stopped" },
    options_value_host = { read_host, "host name",
	    "use 1 to 253 of A-Z a-z 0-9 . - _, and no address", NULL },
    options_value_slots = { read_slots, "number", "use 1 to 10000",
	    "1 to 10000" },
    options_value_name = { read_name, "name of a lock", NULL,
	    "at most 512 bytes" },
    options_value_text = { read_text, "text", NULL, NULL };

int
options_value_complain(const struct options_kind *kind,
    enum options_value_result result, const char *name, const char *text,
    struct failure *f)
{
	bool range = result == OPTIONS_VALUE_RANGE;

	return failure_set(f, STATUS_USAGE, "%s: %s %s '%.*s%s' (%s)", name,
	    range ? "out-of-range" : "invalid", kind->noun, ECHO_MAX, text,
	    strlen(text) > ECHO_MAX ? "..." : "",
	    range ? kind->limits : kind->use);
}

bool
options_value_is_chain(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._:-";
	size_t len;

	if (*text == '\0')
		return true;
	for (;;) {
		len = strspn(text, allowed);
		if (len == 0 || len > TOKEN_MAX)
			return false;
		text += len;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
}
