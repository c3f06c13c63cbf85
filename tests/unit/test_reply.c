/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "status.h"

#define CAP ((size_t)1000)

static enum reply_extent
scan(const char *text, size_t len)
{
	struct reply_scan s = { 0 };

	return reply_scan(&s, text, len, CAP);
}

/* TEXT is one reply: whole at its last byte and not before, however cut. */
static void
one_reply(const char *text)
{
	size_t len = strlen(text);
	struct reply_scan slow = { 0 };
	char more[300];

	for (size_t n = 0; n < len; n++) {
		assert_int_equal(scan(text, n), REPLY_PARTIAL);
		assert_int_equal(
		    reply_scan(&slow, text, n, CAP), REPLY_PARTIAL);
	}
	assert_int_equal(reply_scan(&slow, text, len, CAP), REPLY_WHOLE);
	assert_int_equal(slow.at, len);
	/* What follows is not looked at. */
	memset(&slow, 0, sizeof(slow));
	snprintf(more, sizeof(more), "%s?!", text);
	assert_int_equal(
	    reply_scan(&slow, more, strlen(more), CAP), REPLY_WHOLE);
	assert_int_equal(slow.at, len);
}

static void
a_reply_ends_where_it_ends(void **state)
{
	(void)state;
	one_reply("+OK\r\n");
	one_reply("+\r\n");
	one_reply("+a\rb\r\n");
	one_reply("-ERR x\r\n");
	one_reply(":-12\r\n");
	one_reply("$5\r\nhe\r\no\r\n");
	one_reply("$0\r\n\r\n");
	one_reply("$-1\r\n");
	one_reply("*-1\r\n");
	one_reply("*0\r\n");
	one_reply("*2\r\n$1\r\na\r\n:1\r\n");
	one_reply("*3\r\n*2\r\n+a\r\n+b\r\n*0\r\n$-1\r\n");
}

static void
what_is_not_resp2_is_garbage_at_once(void **state)
{
	const char *texts[] = { "HTTP/1.1 400", "\x15\x03\x01", "\r\n", " ",
		"%1\r\n", "_\r\n", "#t\r\n", "$x\r\n", "$\r\n", "$-2\r\n",
		"$+1\r\n", "$ 1\r\n", "*1x\r\n", "*-2\r\n", "*-0\r\n",
		"$1\r\nabc", "$1\r\na\n\r", "*1\r\nx", "*2\r\n+a\r\n(1\r\n",
		"$00000000000000000001\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (scan(texts[i], strlen(texts[i])) != REPLY_GARBAGE)
			fail_msg("'%s' is taken", texts[i]);
	}
	assert_int_equal(scan("\0", 1), REPLY_GARBAGE);
}

static void
what_is_announced_too_long_is_not_waited_for(void **state)
{
	const char *texts[] = { "$1001\r\n", "$2147483647\r\n",
		"$999999999999\r\n", "*1000000000\r\n", "*334\r\n",
		"*2\r\n*1000000000\r\n", "*300\r\n*300\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (scan(texts[i], strlen(texts[i])) != REPLY_TOO_LONG)
			fail_msg("'%s' is taken", texts[i]);
	}
}

static void
endless_lines_end_at_the_cap(void **state)
{
	char text[1001];
	struct reply_scan s = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '+';
	for (size_t n = 0; n < CAP; n++)
		assert_int_equal(reply_scan(&s, text, n, CAP), REPLY_PARTIAL);
	assert_int_equal(reply_scan(&s, text, CAP, CAP), REPLY_TOO_LONG);
}

static void
means(const char *text, enum session_result result, int status, bool elsewhere)
{
	struct reply_verdict v = reply_judge(text);

	if (v.result != result || v.status != status ||
	    v.elsewhere != elsewhere)
		fail_msg(
		    "%s: %d %d %d", text, (int)v.result, v.status, v.elsewhere);
}

static void
errors_mean_what_their_code_says(void **state)
{
	const char *again[] = { "LOADING Redis is loading", "BUSY Redis is",
		"TRYAGAIN x", "CLUSTERDOWN x", "NOREPLICAS Not enough",
		"MISCONF Redis is configured", "OOM command not allowed",
		"ERR max number of clients reached" };
	const char *elsewhere[] = { "READONLY You can't write",
		"MASTERDOWN Link", "UNBLOCKED force", "MOVED 1 h:1",
		"ASK 1 h:1" };
	const char *refused[] = { "NOAUTH Authentication required.",
		"WRONGPASS invalid", "NOPERM this user", "DENIED Redis" };

	(void)state;
	for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++)
		means(again[i], SESSION_RETRY, STATUS_UNAVAILABLE, false);
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		means(elsewhere[i], SESSION_RETRY, STATUS_UNAVAILABLE, true);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		means(refused[i], SESSION_REFUSED, STATUS_REFUSED, false);
	means("WRONGTYPE Operation", SESSION_ERROR, STATUS_CONFIG, false);
	means("CROSSSLOT Keys", SESSION_ERROR, STATUS_CONFIG, false);
	means("NOPROTO x", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("ERR syntax", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("ERR", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	/* Codes are whole words at the start. */
	means("OOMPH x", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("OO", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("LOADING", SESSION_RETRY, STATUS_UNAVAILABLE, false);
}

/* As Redis 6.2 (wrapped) and 7 (the place behind it) word them. */
static void
errors_inside_scripts_are_found(void **state)
{
	(void)state;
	means("ERR Error running script (call to f_6b1b): @user_script:1: "
	      "@user_script: 1: -OOM command not allowed when used memory > "
	      "'maxmemory'.",
	    SESSION_RETRY, STATUS_UNAVAILABLE, false);
	means("ERR Error running script (call to f_6b1b): @user_script:1: "
	      "WRONGTYPE Operation against a key holding the wrong kind",
	    SESSION_ERROR, STATUS_CONFIG, false);
	means("ERR Error running script (call to f_6b1b): @user_script:1: "
	      "@user_script: 1: -READONLY You can't write against a read",
	    SESSION_RETRY, STATUS_UNAVAILABLE, true);
	means("ERR Error running script (call to f_6b1b): @user_script:1: "
	      "@user_script: 1: -NOPERM No permissions to access a key",
	    SESSION_REFUSED, STATUS_REFUSED, false);
	means("ERR Error running script (call to f_6b1b): @user_script:1: "
	      "@user_script: 1: The user executing the script can't run this "
	      "command or subcommand",
	    SESSION_REFUSED, STATUS_REFUSED, false);
	means("OOM command not allowed when used memory > 'maxmemory'. "
	      "script: 6b1b, on @user_script:1.",
	    SESSION_RETRY, STATUS_UNAVAILABLE, false);
	means("ERR ACL failure in script: User lock has no permissions to "
	      "run the 'get' command script: 6b1b, on @user_script:1.",
	    SESSION_REFUSED, STATUS_REFUSED, false);
	means("ERR Script attempted to access a non local key in a cluster "
	      "node script: 6b1b, on @user_script:1.",
	    SESSION_ERROR, STATUS_CONFIG, false);
	means("ERR user_script:1: Script attempted to access nonexistent "
	      "global variable 'x' script: 6b1b, on @user_script:1.",
	    SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("ERR x: ", SESSION_ERROR, STATUS_UNAVAILABLE, false);
	means("ERR x: -", SESSION_ERROR, STATUS_UNAVAILABLE, false);
}

static void
denied(const char *text, enum reply_right right, const char *command,
    unsigned line)
{
	struct reply_denial d = reply_denied(text);

	assert_int_equal(d.right, right);
	assert_string_equal(d.command, command);
	assert_int_equal(d.line, line);
	if (right != REPLY_RIGHT_UNKNOWN)
		means(text, SESSION_REFUSED, STATUS_REFUSED, false);
}

static void
a_missing_right_is_read_off_the_words_of_redis_6_2(void **state)
{
	(void)state;
	denied("NOPERM this user has no permissions to run the 'evalsha' "
	       "command or its subcommand",
	    REPLY_RIGHT_COMMAND, "evalsha", 0);
	denied("NOPERM this user has no permissions to access one of the keys "
	       "used as arguments",
	    REPLY_RIGHT_KEY, "", 0);
	denied("NOPERM this user has no permissions to access one of the "
	       "channels used as arguments",
	    REPLY_RIGHT_CHANNEL, "", 0);
	denied("ERR Error running script (call to f_6b1b): @user_script:34: "
	       "@user_script: 34: The user executing the script can't run "
	       "this command or subcommand ",
	    REPLY_RIGHT_COMMAND, "", 34);
	denied("@user_script: 7: The user executing the script can't run this "
	       "command or subcommand [HGETALL]",
	    REPLY_RIGHT_COMMAND, "hgetall", 7);
	denied("@user_script: 7: The user executing the script can't access "
	       "at least one of the keys mentioned in the command arguments "
	       "[ZRANGE]",
	    REPLY_RIGHT_KEY, "", 7);
}

static void
a_missing_right_is_read_off_the_words_of_redis_7_0(void **state)
{
	(void)state;
	denied("NOPERM this user has no permissions to run the "
	       "'client|setname' command",
	    REPLY_RIGHT_COMMAND, "client|setname", 0);
	denied("ERR The user executing the script can't run this command or "
	       "subcommand script: 6b1b, on @user_script:34.",
	    REPLY_RIGHT_COMMAND, "", 34);
	denied("ERR The user executing the script can't run this command or "
	       "subcommand [HLEN]",
	    REPLY_RIGHT_COMMAND, "hlen", 0);
	denied("ERR The user executing the script can't access at least one "
	       "of the keys mentioned in the command arguments script: 6b1b, "
	       "on @user_script:3.",
	    REPLY_RIGHT_KEY, "", 3);
	denied("ERR The user executing the script can't publish to the "
	       "channel mentioned in the command script: 6b, on "
	       "@user_script:3.",
	    REPLY_RIGHT_CHANNEL, "", 3);
}

static void
a_missing_right_is_read_off_the_words_of_redis_8(void **state)
{
	(void)state;
	denied("NOPERM User backup has no permissions to run the 'evalsha' "
	       "command",
	    REPLY_RIGHT_COMMAND, "evalsha", 0);
	denied("NOPERM No permissions to access a key", REPLY_RIGHT_KEY, "", 0);
	denied("NOPERM No permissions to access a channel",
	    REPLY_RIGHT_CHANNEL, "", 0);
	denied("ERR ACL failure in script: User b has no permissions to run "
	       "the 'hget' command script: 6b1b, on @user_script:34.",
	    REPLY_RIGHT_COMMAND, "hget", 34);
	denied("ERR ACL failure in script: User b has no permissions to run "
	       "the 'hgetall' command [HGETALL]",
	    REPLY_RIGHT_COMMAND, "hgetall", 0);
	denied("ERR ACL failure in script: No permissions to access a key "
	       "script: 6b1b, on @user_script:34.",
	    REPLY_RIGHT_KEY, "", 34);
}

static void
what_tells_of_no_right_gives_none(void **state)
{
	(void)state;
	denied("NOAUTH Authentication required.", REPLY_RIGHT_UNKNOWN, "", 0);
	denied("NOPERM in other words", REPLY_RIGHT_UNKNOWN, "", 0);
	denied("", REPLY_RIGHT_UNKNOWN, "", 0);
	/* Nothing odd gets into a hint. */
	denied("NOPERM x permissions to run the 'a b' command",
	    REPLY_RIGHT_COMMAND, "", 0);
	denied("NOPERM x permissions to run the '", REPLY_RIGHT_COMMAND, "", 0);
	denied("NOPERM x permissions to run the ''", REPLY_RIGHT_COMMAND, "",
	    0);
	denied("NOPERM x permissions to run the "
	       "'abcdefghijklmnopqrstuvwxyzabcdef'",
	    REPLY_RIGHT_COMMAND, "", 0);
	denied("NOPERM x permissions to run the 'a' [\x1b]",
	    REPLY_RIGHT_COMMAND, "a", 0);
}

static struct reply *
parsed(redisReader *reader, const char *text)
{
	struct reply *r = reply_parse(reader, text, strlen(text));

	assert_non_null(r);
	return r;
}

static void
pairs_are_found_by_name(void **state)
{
	redisReader *reader = redisReaderCreate();
	struct reply *r = parsed(reader,
	    "*10\r\n$4\r\nheld\r\n$1\r\na\r\n$3\r\nxyz\r\n"
	    "$1\r\nb\r\n$-1\r\n$1\r\nc\r\n:7\r\n$1\r\nd\r\n*0\r\n"
	    "$3\r\nodd\r\n");
	size_t len = 99;

	(void)state;
	assert_string_equal(reply_word(r), "held");
	assert_string_equal(reply_field(r, "a", &len), "xyz");
	assert_int_equal(len, 3);
	len = 99;
	assert_null(reply_field(r, "d", NULL));
	assert_null(reply_field(r, "b", &len));
	assert_null(reply_field(r, "c", &len));
	assert_null(reply_field(r, "odd", &len));
	assert_null(reply_field(r, "held", &len));
	assert_int_equal(len, 99);
	assert_null(reply_at(r, 10));
	assert_int_equal(reply_integer(reply_at(r, 6), -3), 7);
	assert_int_equal(reply_integer(reply_at(r, 5), -3), -3);
	assert_int_equal(reply_kind(reply_at(r, 4)), REPLY_NIL);
	reply_free(r);
	redisReaderFree(reader);
}

static void
number_is(const char *text, int64_t want)
{
	redisReader *reader = redisReaderCreate();
	char raw[100];
	struct reply *r;

	snprintf(raw, sizeof(raw), "*3\r\n+w\r\n+n\r\n$%zu\r\n%s\r\n",
	    strlen(text), text);
	r = parsed(reader, raw);
	if (reply_number(r, "n", -7) != want)
		fail_msg(
		    "'%s' is %lld", text, (long long)reply_number(r, "n", -7));
	reply_free(r);
	redisReaderFree(reader);
}

static void
numbers_are_plain_and_below_2_to_the_53(void **state)
{
	(void)state;
	number_is("0", 0);
	number_is("12", 12);
	number_is("-1", -1);
	number_is("9007199254740992", 9007199254740992);
	number_is("9007199254740993", -7);
	number_is("99999999999999999999", -7);
	number_is("", -7);
	number_is("-2", -7);
	number_is("+1", -7);
	number_is(" 1", -7);
	number_is("1.5", -7);
	number_is("1e3", -7);
	number_is("0x1", -7);
}

static void
accessors_give_nothing_for_what_is_not_there(void **state)
{
	redisReader *reader = redisReaderCreate();
	struct reply *r = parsed(reader, "$3\r\nabc\r\n");

	(void)state;
	assert_string_equal(reply_text(NULL), "");
	assert_int_equal(reply_length(NULL), 0);
	assert_int_equal(reply_count(NULL), 0);
	assert_string_equal(reply_word(NULL), "");
	assert_null(reply_field(NULL, "a", NULL));
	assert_int_equal(reply_number(NULL, "a", 5), 5);
	assert_int_equal(reply_integer(NULL, 5), 5);
	reply_free(NULL);
	assert_string_equal(reply_word(r), "");
	assert_null(reply_at(r, 0));
	assert_int_equal(reply_integer(r, 5), 5);
	assert_int_equal(reply_count(r), 0);
	reply_free(r);
	redisReaderFree(reader);
}

/* Whatever comes: no reply, or one that is as long as it was said to be. */
static void
no_bytes_do_harm(void **state)
{
	static const char *const pieces[] = { "*", "$", "+", "-", ":", "\r\n",
		"\r", "\n", "1", "2", "3", "-1", "0", "a", "", "x", "9999999",
		"*2\r\n", "$1\r\na\r\n", ":1\r\n", "*1\r\n" };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		redisReader *reader;
		struct reply_scan s = { 0 };
		char text[256];
		size_t len = 0;

		for (int i = 0; i < 20; i++) {
			const char *p;

			seed = seed * 1103515245U + 12345U;
			p = pieces[(seed >> 16) %
				   (sizeof(pieces) / sizeof(*pieces))];
			memcpy(text + len, p, strlen(p));
			len += strlen(p);
		}
		if (reply_scan(&s, text, len, CAP) != REPLY_WHOLE)
			continue;
		assert_true(s.at <= len);
		reader = redisReaderCreate();
		reply_free(reply_parse(reader, text, s.at));
		redisReaderFree(reader);
	}
}

static void
arrays_nest_seven_deep(void **state)
{
	redisReader *reader = redisReaderCreate();
	char text[100] = "";

	(void)state;
	for (int i = 0; i < 7; i++)
		strncat(text, "*1\r\n", sizeof(text) - strlen(text) - 1);
	strncat(text, ":1\r\n", sizeof(text) - strlen(text) - 1);
	assert_int_equal(scan(text, strlen(text)), REPLY_WHOLE);
	reply_free(parsed(reader, text));
	memmove(text + 4, text, strlen(text) + 1);
	memcpy(text, "*1\r\n", 4);
	assert_int_equal(scan(text, strlen(text)), REPLY_GARBAGE);
	/* Side by side they are no deeper. */
	one_reply("*3\r\n*1\r\n*1\r\n:1\r\n*1\r\n*1\r\n:1\r\n*2\r\n*0\r\n"
		  "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
	redisReaderFree(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_ends_where_it_ends),
		cmocka_unit_test(what_is_not_resp2_is_garbage_at_once),
		cmocka_unit_test(what_is_announced_too_long_is_not_waited_for),
		cmocka_unit_test(endless_lines_end_at_the_cap),
		cmocka_unit_test(errors_mean_what_their_code_says),
		cmocka_unit_test(errors_inside_scripts_are_found),
		cmocka_unit_test(
		    a_missing_right_is_read_off_the_words_of_redis_6_2),
		cmocka_unit_test(
		    a_missing_right_is_read_off_the_words_of_redis_7_0),
		cmocka_unit_test(
		    a_missing_right_is_read_off_the_words_of_redis_8),
		cmocka_unit_test(what_tells_of_no_right_gives_none),
		cmocka_unit_test(pairs_are_found_by_name),
		cmocka_unit_test(numbers_are_plain_and_below_2_to_the_53),
		cmocka_unit_test(accessors_give_nothing_for_what_is_not_there),
		cmocka_unit_test(no_bytes_do_harm),
		cmocka_unit_test(arrays_nest_seven_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
