/* SPDX-License-Identifier: MIT */
#include "session_inner.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "duration.h"
#include "failure.h"
#include "script.h"
#include "status.h"
#include "url.h"

/* How much of a server's error is quoted, and of what is no reply at all. */
#define QUOTE_MAX 200
#define GARBAGE_MAX 60
#define SAID_MAX 280 /* what is made of it: a user and a prefix of 64 */

/* Whoever gives up this many bytes of a secret gives it up. */
#define SECRET_PART 12

enum session_result
session_no_memory(struct session *s, struct failure *f)
{
	session_close(s);
	failure_set(f, STATUS_OS, "out of memory");
	return SESSION_ERROR;
}

/* How much of SECRET stands at TEXT, if it is enough to matter. */
static size_t
secret_at(const char *text, const char *secret)
{
	size_t n = 0;

	if (secret == NULL || *secret == '\0')
		return 0;
	while (secret[n] != '\0' && text[n] == secret[n])
		n++;
	return secret[n] == '\0' || n >= SECRET_PART ? n : 0;
}

/*
 * Copy TEXT for a message: cut, without our own secrets, and without the full
 * stop at its end, since more may follow.
 */
static void
quote(const struct session *s, char dst[static QUOTE_MAX + 4], const char *text)
{
	size_t n = 0;

	while (*text != '\0' && n < QUOTE_MAX) {
		size_t skip = secret_at(text, s->settings.password);

		if (skip == 0)
			skip = secret_at(text, s->settings.url->password);
		if (skip == 0) {
			dst[n++] = *text++;
			continue;
		}
		memcpy(dst + n, "***", 3);
		n += 3;
		text += skip;
	}
	if (n > 0 && dst[n - 1] == '.')
		n--;
	dst[n] = '\0';
}

/* The server's words, cut at the end of the line. */
enum session_result
session_garbage(struct session *s, struct failure *f)
{
	char line[GARBAGE_MAX + 1], said[QUOTE_MAX + 4];
	const char *at = s->in.data + s->in.start;
	size_t n = s->in.end - s->in.start;

	n = n < GARBAGE_MAX ? n : GARBAGE_MAX;
	memcpy(line, at, n);
	line[n] = '\0';
	if (line[0] != '\r' && line[0] != '\n')
		line[strcspn(line, "\r\n")] = '\0';
	quote(s, said, line);
	session_close(s);
	if (s->spoke)
		failure_set(f, STATUS_UNAVAILABLE,
		    "'%s' sent what is no reply: '%s'", s->endpoint, said);
	else
		failure_set(f, STATUS_UNAVAILABLE,
		    "'%s' is not a Redis server: it said '%s'%s", s->endpoint,
		    said, line[0] == 0x15 ? " (is it a TLS port?)" : "");
	return SESSION_BROKEN;
}

enum session_result
session_broken(struct session *s, struct failure *f, const char *how)
{
	session_close(s);
	failure_set(f, STATUS_UNAVAILABLE, "'%s' %s", s->endpoint, how);
	return SESSION_BROKEN;
}

enum session_result
session_lost(struct session *s, struct failure *f)
{
	const struct url *url = s->settings.url;
	/* What Redis does at a TLS port, and what others do. */
	bool silent = !s->spoke && !url->tls && !url->unix_socket;

	if (!transport_refused(s->transport, f))
		return session_broken(s, f,
		    silent ? "closed the connection (is it a TLS port?)"
			   : "closed the connection");
	session_close(s);
	return SESSION_REFUSED;
}

enum session_result
session_too_long(struct session *s, struct failure *f)
{
	session_close(s);
	failure_set(f, STATUS_UNAVAILABLE, "'%s': reply exceeds %zu KiB",
	    s->endpoint, s->cap / 1024);
	return SESSION_BROKEN;
}

enum session_result
session_timed_out(const struct session *s, int64_t deadline, struct failure *f)
{
	char within[32];
	int64_t budget = deadline > s->began ? deadline - s->began : 0;

	duration_format(
	    within, sizeof(within), (budget + DEADLINE_MS / 2) / DEADLINE_MS);
	failure_set(f, STATUS_UNAVAILABLE, "no reply from '%s' within %s",
	    s->endpoint, within);
	return SESSION_TIMEOUT;
}

/* The command that LINE of SCRIPT calls: its name in lower case, or "". */
static void
command_at(char *dst, size_t size, const struct script *script, unsigned line)
{
	const char *at = script != NULL ? script->source : "", *end;
	size_t n = 0;

	while (line > 1 && (at = strchr(at, '\n')) != NULL) {
		at++;
		line--;
	}
	dst[0] = '\0';
	if (line != 1 || at == NULL)
		return;
	end = at + strcspn(at, "\n");
	at = strstr(at, "call('");
	if (at == NULL || at > end)
		return;
	for (at += 6; n + 1 < size && isupper((unsigned char)at[n]); n++)
		dst[n] = (char)tolower((unsigned char)at[n]);
	dst[n] = '\0';
}

/* What to grant: one line, the rule in the words of ACL SETUSER. */
static bool
explain(const struct session *s, const char *text, char *dst, size_t size)
{
	struct reply_denial d = reply_denied(text);
	const char *user = session_user(s), *prefix = s->settings.prefix;
	char said[sizeof(d.command)];
	size_t i;

	if (*user == '\0')
		user = "default";
	if (prefix == NULL)
		prefix = "netflock";
	if (d.right == REPLY_RIGHT_COMMAND && *d.command == '\0')
		command_at(d.command, sizeof(d.command), s->script, d.line);
	for (i = 0; d.command[i] != '\0'; i++)
		said[i] = d.command[i] == '|'
			      ? ' '
			      : (char)toupper((unsigned char)d.command[i]);
	said[i] = '\0';
	if (d.right == REPLY_RIGHT_COMMAND && i > 0)
		snprintf(dst, size,
		    "no permission for %s (ACL SETUSER %.100s +%s)", said, user,
		    d.command);
	else if (d.right == REPLY_RIGHT_KEY)
		snprintf(dst, size,
		    "no permission for the keys of this lock (ACL SETUSER "
		    "%.100s ~%s:*)",
		    user, prefix);
	else if (d.right == REPLY_RIGHT_CHANNEL)
		snprintf(dst, size,
		    "no permission for the channels of this lock (ACL SETUSER "
		    "%.100s &%s:*)",
		    user, prefix);
	else
		return false;
	return true;
}

/* What to do about a refusal, where that is clear. */
static const char *
advice(const char *text)
{
	if (strncmp(text, "NOAUTH", 6) == 0 ||
	    strncmp(text, "WRONGPASS", 9) == 0)
		return " (the password: --password-file, REDISCLI_AUTH or the "
		       "URL)";
	return "";
}

struct reply_verdict
session_judge(const struct session *s, const char *text,
    enum session_topic topic, struct failure *f)
{
	struct reply_verdict v = reply_judge(text);
	const char *user = session_user(s);
	char said[SAID_MAX];
	bool no_db = v.result == SESSION_ERROR && topic == TOPIC_SELECT;

	if (v.result == SESSION_ERROR && topic == TOPIC_AUTH)
		v = (struct reply_verdict){ SESSION_REFUSED, STATUS_REFUSED,
			false };
	if (v.result != SESSION_REFUSED ||
	    !explain(s, text, said, sizeof(said)))
		quote(s, said, text);
	if (v.result == SESSION_REFUSED && *user != '\0')
		failure_set(f, v.status, "'%s' refused user '%s': %s%s",
		    s->endpoint, user, said, advice(text));
	else if (v.result == SESSION_REFUSED)
		failure_set(f, v.status, "'%s' refused: %s%s", s->endpoint,
		    said, advice(text));
	else if (no_db)
		failure_set(f, STATUS_CONFIG, "'%s' has no database %d: %s",
		    s->endpoint, s->settings.url->db, said);
	else
		failure_set(f, v.status, "'%s' says: %s", s->endpoint, said);
	return v;
}
