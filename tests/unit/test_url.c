/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failure.h"
#include "status.h"

static struct url
good(const char *text)
{
	struct url url;
	struct failure f = { 0 };

	if (url_parse(text, &url, &f) != 0)
		fail_msg("%s: %s", text, f.text);
	return url;
}

/* TEXT is refused with a sentence that contains WHY and no "hunter". */
static void
bad(const char *text, const char *why)
{
	struct url url;
	struct failure f = { 0 };

	if (url_parse(text, &url, &f) != -1)
		fail_msg("%s: accepted", text);
	assert_int_equal(f.status, STATUS_CONFIG);
	if (strstr(f.text, why) == NULL)
		fail_msg("%s: no '%s' in: %s", text, why, f.text);
	if (strstr(f.text, "hunter") != NULL)
		fail_msg("%s: the secret is in: %s", text, f.text);
}

static void
endpoint_is(const char *text, const char *want)
{
	struct url url = good(text);
	char got[300];

	assert_string_equal(url_endpoint(got, sizeof(got), &url), want);
}

static void
host_alone_is_enough(void **state)
{
	struct url u = good("redis://db1");

	(void)state;
	assert_string_equal(u.host, "db1");
	assert_string_equal(u.port, "6379");
	assert_int_equal(u.db, 0);
	assert_string_equal(u.user, "");
	assert_false(u.has_password);
	assert_false(u.tls);
	assert_false(u.unix_socket);
	assert_string_equal(u.path, "");
}

static void
every_part_is_found(void **state)
{
	struct url u = good("rediss://ops:hunter2@db1.example:7000/15");

	(void)state;
	assert_true(u.tls);
	assert_string_equal(u.user, "ops");
	assert_string_equal(u.password, "hunter2");
	assert_true(u.has_password);
	assert_string_equal(u.host, "db1.example");
	assert_string_equal(u.port, "7000");
	assert_int_equal(u.db, 15);
}

static void
user_and_password_may_stand_alone(void **state)
{
	struct url u = good("redis://:hunter2@h");

	(void)state;
	assert_string_equal(u.user, "");
	assert_string_equal(u.password, "hunter2");
	u = good("redis://ops@h");
	assert_string_equal(u.user, "ops");
	assert_false(u.has_password);
	u = good("redis://ops:@h");
	assert_true(u.has_password);
	assert_string_equal(u.password, "");
}

static void
decoding_comes_after_splitting(void **state)
{
	struct url u = good("redis://o%40p%3as:h%2Fu%3an%25t%20e%c3%a9r@h/1");

	(void)state;
	assert_string_equal(u.user, "o@p:s");
	assert_string_equal(u.password, "h/u:n%t e\xc3\xa9r");
	assert_string_equal(u.host, "h");
	/* A colon after the first is the password's own. */
	assert_string_equal(good("redis://a:b:c@h").password, "b:c");
	/* Nothing is decoded twice. */
	assert_string_equal(good("redis://a:%2541@h").password, "%41");
}

static void
ipv6_stands_in_brackets(void **state)
{
	struct url u = good("redis://[::1]:7000/2");

	(void)state;
	assert_string_equal(u.host, "::1");
	assert_string_equal(u.port, "7000");
	assert_string_equal(good("redis://[::1]").port, "6379");
	assert_string_equal(
	    good("redis://[fe80::1%25eth0]").host, "fe80::1%eth0");
	bad("redis://::1", "must stand in []");
	bad("redis://::1:6379", "must stand in []");
	bad("redis://fe80::1", "must stand in []");
	bad("redis://[::1", "']' is missing");
	bad("redis://[::1]x", "port");
	bad("redis://[::1]:", "port");
	bad("redis://[db1]", "no IPv6 address");
	bad("redis://[]", "no IPv6 address");
	bad("redis://[127.0.0.1]", "no IPv6 address");
}

static void
ports_are_1_to_65535(void **state)
{
	(void)state;
	assert_string_equal(good("redis://h:1").port, "1");
	assert_string_equal(good("redis://h:65535").port, "65535");
	assert_string_equal(good("redis://h:00080").port, "80");
	bad("redis://h:0", "port");
	bad("redis://h:65536", "port");
	bad("redis://h:99999999999999999999", "port");
	bad("redis://h:", "port");
	bad("redis://h:-1", "port");
	bad("redis://h:+1", "port");
	bad("redis://h:0x10", "port");
	bad("redis://h:redis", "port");
}

static void
databases_are_decimal(void **state)
{
	(void)state;
	assert_int_equal(good("redis://h/").db, 0);
	assert_int_equal(good("redis://h/0").db, 0);
	assert_int_equal(good("redis://h/2147483647").db, 2147483647);
	bad("redis://h/2147483648", "database");
	bad("redis://h/-1", "database");
	bad("redis://h/a", "database");
	bad("redis://h/1/", "database");
	bad("redis://h//1", "database");
	bad("redis://h/%31", "database");
}

static void
sockets_by_url_and_by_path(void **state)
{
	struct url u = good("/run/redis.sock");

	(void)state;
	assert_true(u.unix_socket);
	assert_string_equal(u.path, "/run/redis.sock");
	assert_string_equal(u.host, "");
	/* A bare path is a file name, as it is. */
	assert_string_equal(good("/run/a%20b?c@d").path, "/run/a%20b?c@d");
	u = good("unix://ops:hunter2@/run/a%20b@c.sock?db=3");
	assert_string_equal(u.user, "ops");
	assert_string_equal(u.password, "hunter2");
	assert_string_equal(u.path, "/run/a b@c.sock");
	assert_int_equal(u.db, 3);
	assert_int_equal(good("unix:///s").db, 0);
	bad("unix://run/redis.sock", "must be absolute");
	bad("unix://", "must be absolute");
	bad("unix:///", "empty");
	bad("unix:///s?db=3&db=4", "more than one");
	bad("unix:///s?db=", "database");
	bad("unix:///s?db", "database");
	bad("unix:///s?timeout=3", "?db=N");
	bad("unix:///s?", "?db=N");
	bad("unix:///s#x", "fragment");
}

static void
a_socket_path_has_107_bytes_at_most(void **state)
{
	char path[110], text[130];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	assert_string_equal(good(path).path, path);
	snprintf(text, sizeof(text), "unix://%s", path);
	assert_string_equal(good(text).path, path);
	path[107] = 'x';
	path[108] = '\0';
	bad(path, "longer than 107");
	snprintf(text, sizeof(text), "unix://%s", path);
	bad(text, "longer than 107");
}

static void
too_long_parts_are_refused_not_cut(void **state)
{
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "redis://%0255d", 1);
	assert_int_equal(strlen(good(text).host), 255);
	snprintf(text, sizeof(text), "redis://%0256d", 1);
	bad(text, "longer than 255");
	snprintf(text, sizeof(text), "redis://:%0512d@h", 1);
	bad(text, "password is longer than 511");
}

static void
odd_characters_are_refused(void **state)
{
	(void)state;
	bad("", "empty");
	bad("redis://h/1 ", "blank");
	bad(" redis://h", "blank");
	bad("redis://h\r\n", "blank or control");
	bad("redis://h\x7f", "blank or control");
	bad("/run/a b", "blank");
	bad("redis://a:b%00@h", "control character in the password");
	bad("redis://a%0a@h", "control character in the user");
	bad("unix:///s%00", "control character in the socket's path");
	bad("redis://a:%zz@h", "two hex digits");
	bad("redis://a:%4@h", "two hex digits");
	bad("redis://a:%@h", "two hex digits");
	bad("redis://h%41", "no host name");
	bad("redis://h,i", "no host name");
	bad("redis://h\xc3\xa9", "no host name");
	bad("redis://h?db=1", "no query");
	bad("redis://h/1?db=1", "no query");
	bad("redis://h/1#x", "no fragment");
}

static void
other_schemes_are_named(void **state)
{
	(void)state;
	bad("redis+sentinel://h/s", "scheme 'redis+sentinel' is neither");
	bad("http://h",
	    "bad URL: scheme 'http' is neither redis://, rediss:// nor unix://");
	bad("REDIS://h", "scheme 'REDIS'");
	bad("redis:h", "neither");
	bad("redis:/h", "neither");
	bad("db1:6379",
	    "bad URL: neither redis://, rediss:// nor unix://, nor an absolute "
	    "path (a server is written redis://HOST:PORT)");
	bad("db1", "neither");
	bad("run/redis.sock", "neither");
	bad("redis://", "no host");
	bad("redis:///1", "no host");
	bad("redis://:6379", "no host");
	bad("redis://u:p@", "no host");
	bad("redis://@h", "nothing stands before the '@'");
}

static void
a_password_that_breaks_the_url_is_not_shown(void **state)
{
	(void)state;
	bad("redis://ops:hunter2", "port");
	bad("redis://:hunter2", "no host");
	bad("redis://ops:hunter@2@h", "more than one '@'");
	bad("redis://ops:hunter/2@h", "%2F");
	bad("redis://ops:hunter?2@h", "%2F");
	bad("redis://ops:hunter#2@h", "%2F");
	bad("redis://ops:hunter%2@h:x", "two hex digits");
	bad("redis://ops:hunter%00@h", "control character");
	bad("redis://ops:hunter 2@h", "blank");
	bad("redis://ops:hunter2@h:x", "port");
	bad("redis://ops:hunter2@h/x", "database");
	bad("redis://ops:hunter2@[x", "']'");
	bad("unix://ops:hunter2@s", "absolute");
	bad("unix://ops:hunter/2@/s?db=1", "absolute");
	bad("unix://ops:hunter2@/s?password=hunter2", "?db=N");
	bad("hunter2", "neither");
	bad("ops:hunter2@h", "neither");
	bad("hunter2hunter2hunter2hunter2://h", "neither");
	bad("ops:hunter2://h", "neither");
}

static void
the_endpoint_has_no_secrets(void **state)
{
	(void)state;
	endpoint_is("redis://ops:hunter2@db1/3", "db1:6379");
	endpoint_is("redis://[::1]:7000", "[::1]:7000");
	endpoint_is("unix://ops:hunter2@/run/s?db=1", "/run/s");
	endpoint_is(URL_DEFAULT, "127.0.0.1:6379");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_alone_is_enough),
		cmocka_unit_test(every_part_is_found),
		cmocka_unit_test(user_and_password_may_stand_alone),
		cmocka_unit_test(decoding_comes_after_splitting),
		cmocka_unit_test(ipv6_stands_in_brackets),
		cmocka_unit_test(ports_are_1_to_65535),
		cmocka_unit_test(databases_are_decimal),
		cmocka_unit_test(sockets_by_url_and_by_path),
		cmocka_unit_test(a_socket_path_has_107_bytes_at_most),
		cmocka_unit_test(too_long_parts_are_refused_not_cut),
		cmocka_unit_test(odd_characters_are_refused),
		cmocka_unit_test(other_schemes_are_named),
		cmocka_unit_test(a_password_that_breaks_the_url_is_not_shown),
		cmocka_unit_test(the_endpoint_has_no_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
