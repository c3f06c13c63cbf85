/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "status.h"

#define NO_SCHEME "neither redis://, rediss:// nor unix://"

/* A piece of the text being parsed, not NUL-terminated. */
struct span {
	const char *at;
	size_t len;
};

/*
 * Nothing of the text is quoted unless it is certain to be no secret: in
 * "redis://me:secret" the secret stands where the port should.
 */
static int
url_bad(struct failure *f, const char *what)
{
	return failure_set(f, STATUS_CONFIG, "bad URL: %s", what);
}

/* Cut S at the first byte of STOPS; REST is what follows, that byte first. */
static struct span
span_until(struct span s, const char *stops, struct span *rest)
{
	size_t n = 0;

	while (n < s.len && strchr(stops, s.at[n]) == NULL)
		n++;
	*rest = (struct span){ s.at + n, s.len - n };
	return (struct span){ s.at, n };
}

static struct span
span_from(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.len - n };
}

static bool
span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

static bool
span_has(struct span s, char c)
{
	return s.len > 0 && memchr(s.at, c, s.len) != NULL;
}

/* Whether S consists of bytes of ALLOWED, letters and digits. */
static bool
span_only(struct span s, const char *allowed)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || strchr(allowed, c) != NULL))
			return false;
	}
	return true;
}

/* The decimal number S, or -1 if it is none or above MAX. */
static long long
span_number(struct span s, long long max)
{
	long long n = 0;

	if (s.len == 0 || s.len > 10)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -1;
		n = n * 10 + (s.at[i] - '0');
	}
	return n > max ? -1 : n;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decode S into DST.  WHAT names it in errors. */
static int
url_decode(
    char *dst, size_t size, struct span s, const char *what, struct failure *f)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int c = (unsigned char)s.at[i];

		if (c == '%') {
			int high = i + 1 < s.len ? hex_digit(s.at[i + 1]) : -1;
			int low = i + 2 < s.len ? hex_digit(s.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return failure_set(f, STATUS_CONFIG,
				    "bad URL: '%%' in the %s is not followed "
				    "by two hex digits (a literal one is %%25)",
				    what);
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return failure_set(f, STATUS_CONFIG,
			    "bad URL: control character in the %s", what);
		if (n + 1 >= size)
			return failure_set(f, STATUS_CONFIG,
			    "bad URL: the %s is longer than %zu bytes", what,
			    size - 1);
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return 0;
}

/* "user", "user:password" or ":password". */
static int
url_userinfo(struct url *url, struct span info, struct failure *f)
{
	struct span rest, user = span_until(info, ":", &rest);

	if (info.len == 0)
		return url_bad(f, "nothing stands before the '@'");
	if (url_decode(url->user, sizeof(url->user), user, "user", f) != 0)
		return -1;
	if (rest.len == 0)
		return 0;
	url->has_password = true;
	return url_decode(url->password, sizeof(url->password),
	    span_from(rest, 1), "password", f);
}

/* Take "userinfo@" off AUTHORITY, if it is there. */
static int
url_login(struct url *url, struct span *authority, struct failure *f)
{
	struct span rest, info = span_until(*authority, "@", &rest);

	if (rest.len == 0)
		return 0;
	*authority = span_from(rest, 1);
	if (span_has(*authority, '@'))
		return url_bad(f, "more than one '@' (in a user or password "
				  "it is written %40)");
	return url_userinfo(url, info, f);
}

/* "::1" or "fe80::1%25eth0", the brackets being off. */
static int
url_ipv6(struct url *url, struct span host, struct failure *f)
{
	struct in6_addr ignored;
	char address[sizeof(url->host)];

	if (url_decode(url->host, sizeof(url->host), host, "host", f) != 0)
		return -1;
	memcpy(address, url->host, sizeof(address));
	address[strcspn(address, "%")] = '\0';
	if (inet_pton(AF_INET6, address, &ignored) != 1)
		return url_bad(f, "what stands in [] is no IPv6 address");
	return 0;
}

/* Split "[v6]:port" or "name:port"; the port may be missing. */
static int
url_host(struct url *url, struct span authority, struct failure *f)
{
	struct span host, rest;
	long long port = 6379;

	if (authority.len > 0 && authority.at[0] == '[') {
		host = span_until(span_from(authority, 1), "]", &rest);
		if (rest.len == 0)
			return url_bad(f, "']' is missing");
		rest = span_from(rest, 1);
		if (url_ipv6(url, host, f) != 0)
			return -1;
	} else {
		host = span_until(authority, ":", &rest);
		if (rest.len > 0 && span_has(span_from(rest, 1), ':'))
			return url_bad(f, "an IPv6 address must stand in "
					  "[]");
		if (host.len == 0)
			return url_bad(f, "no host in it");
		if (!span_only(host, ".-_"))
			return url_bad(f, "a character that no host name "
					  "has");
		if (url_decode(url->host, sizeof(url->host), host, "host", f) !=
		    0)
			return -1;
	}
	if (rest.len > 0)
		port = rest.at[0] == ':'
			   ? span_number(span_from(rest, 1), 65535)
			   : -1;
	if (port < 1)
		return url_bad(f, "the port is no number from 1 to 65535");
	(void)snprintf(url->port, sizeof(url->port), "%d", (int)port);
	return 0;
}

static int
url_db(struct url *url, struct span text, struct failure *f)
{
	long long db = span_number(text, INT_MAX);

	if (db < 0)
		return url_bad(f, "the database is no number from 0 to "
				  "2147483647");
	url->db = (int)db;
	return 0;
}

/* redis:// and rediss://, from behind the slashes. */
static int
url_tcp(struct url *url, struct span s, struct failure *f)
{
	struct span path, authority = span_until(s, "/?#", &path);

	if (span_has(path, '@'))
		return url_bad(f,
		    "a '/', '?' or '#' before the '@' (in a "
		    "user or password they are written %2F, %3F, %23)");
	if (url_login(url, &authority, f) != 0 ||
	    url_host(url, authority, f) != 0)
		return -1;
	if (path.len == 0 || span_is(path, "/"))
		return 0;
	if (path.at[0] != '/' || span_has(path, '?') || span_has(path, '#'))
		return url_bad(f, "it may have a /DATABASE, but no query "
				  "and no fragment");
	return url_db(url, span_from(path, 1), f);
}

/* "?db=N" and nothing else. */
static int
url_query(struct url *url, struct span query, struct failure *f)
{
	struct span rest, name, value;

	if (query.len == 0)
		return 0;
	name = span_until(span_from(query, 1), "=", &value);
	if (!span_is(name, "db"))
		return url_bad(f, "the only query it may have is ?db=N");
	value = span_until(value, "&", &rest);
	if (rest.len > 0)
		return url_bad(f, "more than one query parameter");
	return url_db(url, value.len > 0 ? span_from(value, 1) : value, f);
}

static int
url_path(struct url *url, struct span path, bool literal, struct failure *f)
{
	url->unix_socket = true;
	if (path.len < 2)
		return url_bad(f, "the socket's path is empty");
	if (!literal)
		return url_decode(
		    url->path, sizeof(url->path), path, "socket's path", f);
	if (path.len >= sizeof(url->path))
		return failure_set(f, STATUS_CONFIG,
		    "bad URL: the socket's "
		    "path is longer than %zu bytes",
		    sizeof(url->path) - 1);
	memcpy(url->path, path.at, path.len);
	url->path[path.len] = '\0';
	return 0;
}

/* unix://, from behind the slashes. */
static int
url_unix(struct url *url, struct span s, struct failure *f)
{
	struct span path, query, authority = span_until(s, "/?#", &path);

	if (url_login(url, &authority, f) != 0)
		return -1;
	path = span_until(path, "?", &query);
	if (authority.len > 0 || path.len == 0 || path.at[0] != '/')
		return url_bad(f, "a socket's path must be absolute: "
				  "unix:///run/redis.sock");
	if (span_has(path, '#') || span_has(query, '#'))
		return url_bad(f, "no fragment, please (a literal '#' is "
				  "%23)");
	if (url_path(url, path, false, f) != 0)
		return -1;
	return url_query(url, query, f);
}


static int
url_scheme(struct url *url, struct span s, struct failure *f)
{
	struct span rest, scheme = span_until(s, ":", &rest);

	if (rest.len < 3 || memcmp(rest.at, "://", 3) != 0)
		return url_bad(f, NO_SCHEME ", nor an absolute path "
		    "(a server is written redis://HOST:PORT)");
	rest = span_from(rest, 3);
	if (span_is(scheme, "unix"))
		return url_unix(url, rest, f);
	url->tls = span_is(scheme, "rediss");
	if (url->tls || span_is(scheme, "redis"))
		return url_tcp(url, rest, f);
	if (scheme.len > 20 || !span_only(scheme, "+.-"))
		return url_bad(f, NO_SCHEME);
	return failure_set(f, STATUS_CONFIG,
	    "bad URL: scheme '%.*s' is " NO_SCHEME, (int)scheme.len, scheme.at);
}

int
url_parse(const char *text, struct url *url, struct failure *f)
{
	struct span s = { text, strlen(text) };

	memset(url, 0, sizeof(*url));
	if (s.len == 0)
		return url_bad(f, "it is empty");
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return url_bad(f, "a blank or control character in "
					  "it");
	}
	if (text[0] == '/')
		return url_path(url, s, true, f);
	return url_scheme(url, s, f);
}

char *
url_endpoint(char *dst, size_t size, const struct url *url)
{
	bool v6 = strchr(url->host, ':') != NULL;

	if (url->unix_socket)
		(void)snprintf(dst, size, "%s", url->path);
	else
		(void)snprintf(dst, size, "%s%s%s:%s", v6 ? "[" : "", url->host,
		    v6 ? "]" : "", url->port);
	return dst;
}
