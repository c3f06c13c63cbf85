/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <string.h>

#include "status.h"

/* The shortest value, "+" and CRLF: no reply has more values than this. */
#define VALUE_MIN 3

/* The largest number that every Lua and JSON implementation has exactly. */
#define NUMBER_MAX (INT64_C(1) << 53)

/* Where the line at FROM ends (its CR), or NULL if it has not come whole. */
static const char *
line_end(const char *from, const char *end)
{
	while (from < end) {
		const char *cr = memchr(from, '\r', (size_t)(end - from));

		if (cr == NULL || cr + 1 == end)
			return NULL;
		if (cr[1] == '\n')
			return cr;
		from = cr + 1;
	}
	return NULL;
}

/* The length from AT to END: -1 for "-1", -2 for what is no length. */
static int64_t
length(const char *at, const char *end)
{
	int64_t n = 0;

	if (end - at == 2 && at[0] == '-' && at[1] == '1')
		return -1;
	if (at == end || end - at > 12)
		return -2;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return -2;
		n = n * 10 + (*at - '0');
	}
	return n;
}

/*
 * One value, its line being whole: how long it is, or 0 if *EXTENT says why
 * not.  *MORE is how many values it announces.
 */
static size_t
value_scan(const char *at, const char *cr, const char *end, size_t cap,
    size_t *more, enum reply_extent *extent)
{
	size_t line = (size_t)(cr - at) + 2;
	int64_t n;

	*more = 0;
	if (*at != '$' && *at != '*')
		return line;
	n = length(at + 1, cr);
	*extent = n == -2 ? REPLY_GARBAGE : REPLY_TOO_LONG;
	if (n == -2 || n > (int64_t)(*at == '$' ? cap : cap / VALUE_MIN))
		return 0;
	if (n == -1)
		return line;
	if (*at == '*') {
		*more = (size_t)n;
		return line;
	}
	*extent = REPLY_PARTIAL;
	if ((size_t)(end - at) < line + (size_t)n + 2)
		return 0;
	*extent = REPLY_GARBAGE;
	line += (size_t)n + 2;
	return at[line - 2] == '\r' && at[line - 1] == '\n' ? line : 0;
}

/* A value has come, an array of MORE values.  Returns whether that is possible.
 */
static bool
value_count(struct reply_scan *scan, size_t more)
{
	scan->missing += more;
	scan->missing--;
	if (scan->depth > 0)
		scan->open[scan->depth - 1]--;
	if (more > 0 && scan->depth == REPLY_DEPTH)
		return false;
	if (more > 0)
		scan->open[scan->depth++] = more;
	while (scan->depth > 0 && scan->open[scan->depth - 1] == 0)
		scan->depth--;
	return true;
}

enum reply_extent
reply_scan(struct reply_scan *scan, const char *buf, size_t len, size_t cap)
{
	enum reply_extent extent = REPLY_PARTIAL;
	const char *end = buf + len;

	if (scan->at == 0)
		scan->missing = 1;
	while (scan->missing > 0 && scan->at < len) {
		const char *at = buf + scan->at;
		const char *cr;
		size_t size, more;

		if (memchr("+-:$*", *at, 5) == NULL)
			return REPLY_GARBAGE;
		if (scan->seek < scan->at)
			scan->seek = scan->at;
		cr = line_end(buf + scan->seek, end);
		if (cr == NULL) {
			scan->seek = len - 1;
			break;
		}
		size = value_scan(at, cr, end, cap, &more, &extent);
		if (size == 0 && extent != REPLY_PARTIAL)
			return extent;
		if (size == 0)
			break;
		scan->at += size;
		if (!value_count(scan, more))
			return REPLY_GARBAGE;
		if (scan->at + scan->missing * VALUE_MIN > cap)
			return REPLY_TOO_LONG;
	}
	if (scan->missing == 0)
		return REPLY_WHOLE;
	return len >= cap ? REPLY_TOO_LONG : REPLY_PARTIAL;
}

struct reply *
reply_parse(struct redisReader *reader, const char *buf, size_t len)
{
	void *made = NULL;

	if (redisReaderFeed(reader, buf, len) != REDIS_OK ||
	    redisReaderGetReply(reader, &made) != REDIS_OK)
		return NULL;
	return made;
}

/* How Redis up to 7.0 begins the refusal of a command inside a script. */
#define EXECUTING "The user executing the script "

struct meaning {
	const char *code;
	struct reply_verdict verdict;
};

/* By the word that an error begins with. */
static const struct meaning codes[] = {
	{ "LOADING", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "BUSY", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "TRYAGAIN", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "CLUSTERDOWN", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "NOREPLICAS", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "MISCONF", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "OOM", { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	{ "MASTERDOWN", { SESSION_RETRY, STATUS_UNAVAILABLE, true } },
	{ "READONLY", { SESSION_RETRY, STATUS_UNAVAILABLE, true } },
	{ "UNBLOCKED", { SESSION_RETRY, STATUS_UNAVAILABLE, true } },
	{ "MOVED", { SESSION_RETRY, STATUS_UNAVAILABLE, true } },
	{ "ASK", { SESSION_RETRY, STATUS_UNAVAILABLE, true } },
	{ "NOAUTH", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "WRONGPASS", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "NOPERM", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "DENIED", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "WRONGTYPE", { SESSION_ERROR, STATUS_CONFIG, false } },
	{ "CROSSSLOT", { SESSION_ERROR, STATUS_CONFIG, false } },
};

/* By what an error of the code ERR says. */
static const struct meaning phrases[] = {
	{ "max number of clients",
	    { SESSION_RETRY, STATUS_UNAVAILABLE, false } },
	/* Nobody may send this much before AUTH. */
	{ "unauthenticated ", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "ACL failure in script", { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ EXECUTING, { SESSION_REFUSED, STATUS_REFUSED, false } },
	{ "non local key", { SESSION_ERROR, STATUS_CONFIG, false } },
};

static const struct reply_verdict *
verdict_of_code(const char *text)
{
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (strlen(codes[i].code) == len &&
		    memcmp(codes[i].code, text, len) == 0)
			return &codes[i].verdict;
	}
	return NULL;
}

/*
 * Up to Redis 6.2 the error of a command inside a script comes wrapped:
 * "ERR Error running script (call to f_...): @user_script:1: @user_script: 1:
 * -OOM command not allowed ...".  Later ones begin with the code.
 */
static const struct reply_verdict *
verdict_inside(const char *text)
{
	const struct reply_verdict *v = NULL;

	for (; v == NULL && (text = strstr(text, ": ")) != NULL; text += 2)
		v = verdict_of_code(text + (text[2] == '-' ? 3 : 2));
	return v;
}

struct reply_verdict
reply_judge(const char *text)
{
	const struct reply_verdict *v = verdict_of_code(text);

	/* Up to 6.2 what a script caught and returned begins with its place. */
	if (v == NULL && (strncmp(text, "ERR ", 4) == 0 ||
			     strncmp(text, "@user_script", 12) == 0)) {
		for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
			if (strstr(text, phrases[i].code) != NULL)
				return phrases[i].verdict;
		v = verdict_inside(text);
	}
	if (v != NULL)
		return *v;
	return (
	    struct reply_verdict){ SESSION_ERROR, STATUS_UNAVAILABLE, false };
}

/* ------------------------------------------------------------------ */
/* Which right is missing. */

/*
 * As Redis 6.2 ("this user has no permissions to access one of the keys used
 * as arguments"), 7.0 and from 7.2 on ("No permissions to access a key") say
 * it; in a script up to 7.0 "... can't access at least one of the keys
 * mentioned in the command arguments", "... can't publish to the channel
 * mentioned in the command".
 */
static const struct {
	const char *phrase;
	enum reply_right right;
} rights[] = {
	{ "permissions to run the '", REPLY_RIGHT_COMMAND },
	{ EXECUTING "can't run this command", REPLY_RIGHT_COMMAND },
	{ "permissions to access one of the keys", REPLY_RIGHT_KEY },
	{ "permissions to access a key", REPLY_RIGHT_KEY },
	{ EXECUTING "can't access at least one of the keys", REPLY_RIGHT_KEY },
	{ "permissions to access one of the channels", REPLY_RIGHT_CHANNEL },
	{ "permissions to access a channel", REPLY_RIGHT_CHANNEL },
	{ EXECUTING "can't publish to the channel", REPLY_RIGHT_CHANNEL },
};

/* Copy the command's name at FROM, in lower case, if STOP ends it. */
static void
copy_command(struct reply_denial *d, const char *from, char stop)
{
	size_t n = 0;
	char c;

	for (; n < sizeof(d->command) && from[n] != stop; n++) {
		c = from[n];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || strchr("|_-", c) != NULL) ||
		    c == '\0')
			break;
		d->command[n] = c;
	}
	if (n == 0 || n == sizeof(d->command) || from[n] != stop)
		n = 0;
	d->command[n] = '\0';
}

/* "script: 6b1b..., on @user_script:34." */
static unsigned
script_line(const char *text)
{
	static const char place[] = "@user_script:";
	const char *at = strstr(text, place);
	unsigned line = 0;

	if (at == NULL)
		return 0;
	at += sizeof(place) - 1;
	at += *at == ' ';
	for (; *at >= '0' && *at <= '9' && line < 1000000; at++)
		line = line * 10 + (unsigned)(*at - '0');
	return line;
}

struct reply_denial
reply_denied(const char *text)
{
	struct reply_denial d = { REPLY_RIGHT_UNKNOWN, "", 0 };
	const char *at = NULL, *end;

	for (size_t i = 0; at == NULL && i < sizeof(rights) / sizeof(*rights);
	     i++) {
		at = strstr(text, rights[i].phrase);
		if (at == NULL)
			continue;
		d.right = rights[i].right;
		at += strlen(rights[i].phrase);
	}
	if (at == NULL)
		return d;
	d.line = script_line(text);
	if (d.right == REPLY_RIGHT_COMMAND && at[-1] == '\'')
		copy_command(&d, at, '\'');
	/* Our scripts say what they tried in the end: "... [HGETALL]". */
	end = strrchr(at, '[');
	if (d.right == REPLY_RIGHT_COMMAND && *d.command == '\0' && end)
		copy_command(&d, end + 1, ']');
	return d;
}

/* ------------------------------------------------------------------ */
/* A struct reply is hiredis's own object under another name. */

static const redisReply *
inner(const struct reply *r)
{
	return (const redisReply *)(const void *)r;
}

void
reply_free(struct reply *r)
{
	if (r != NULL)
		freeReplyObject(r);
}

enum reply_kind
reply_kind(const struct reply *r)
{
	if (r == NULL)
		return REPLY_NIL;
	switch (inner(r)->type) {
	case REDIS_REPLY_STATUS:
		return REPLY_STATUS;
	case REDIS_REPLY_STRING:
		return REPLY_TEXT;
	case REDIS_REPLY_INTEGER:
		return REPLY_INTEGER;
	case REDIS_REPLY_ARRAY:
		return REPLY_ARRAY;
	case REDIS_REPLY_ERROR:
		return REPLY_ERROR;
	default:
		return REPLY_NIL;
	}
}

size_t
reply_count(const struct reply *r)
{
	return reply_kind(r) == REPLY_ARRAY ? inner(r)->elements : 0;
}

const struct reply *
reply_at(const struct reply *r, size_t i)
{
	if (i >= reply_count(r))
		return NULL;
	return (const struct reply *)(const void *)inner(r)->element[i];
}

static bool
has_text(const struct reply *r)
{
	enum reply_kind kind = reply_kind(r);

	return (kind == REPLY_STATUS || kind == REPLY_TEXT ||
		   kind == REPLY_ERROR) &&
	       inner(r)->str != NULL;
}

const char *
reply_text(const struct reply *r)
{
	return has_text(r) ? inner(r)->str : "";
}

size_t
reply_length(const struct reply *r)
{
	return has_text(r) ? (size_t)inner(r)->len : 0;
}

int64_t
reply_integer(const struct reply *r, int64_t otherwise)
{
	return reply_kind(r) == REPLY_INTEGER ? inner(r)->integer : otherwise;
}

const char *
reply_word(const struct reply *r)
{
	return reply_text(reply_at(r, 0));
}

const char *
reply_field(const struct reply *r, const char *field, size_t *len)
{
	for (size_t i = 1; i + 1 < reply_count(r); i += 2) {
		const struct reply *name = reply_at(r, i);
		const struct reply *value = reply_at(r, i + 1);

		if (!has_text(name) || strcmp(reply_text(name), field) != 0)
			continue;
		if (!has_text(value))
			break;
		if (len != NULL)
			*len = reply_length(value);
		return reply_text(value);
	}
	return NULL;
}

int64_t
reply_number(const struct reply *r, const char *field, int64_t otherwise)
{
	size_t len;
	const char *text = reply_field(r, field, &len);
	int64_t n = 0;

	if (text == NULL || len == 0 || len > 16)
		return otherwise;
	if (strcmp(text, "-1") == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return otherwise;
		n = n * 10 + (text[i] - '0');
	}
	return n <= NUMBER_MAX ? n : otherwise;
}
