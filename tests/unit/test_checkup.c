/* SPDX-License-Identifier: MIT */
#include "checkup_inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct checkup_facts k;
static struct checkup_finding f;

static int
set_up(void **state)
{
	(void)state;
	checkup_forget(&k);
	deadline_terms(&k.terms, 30000, -1, -1);
	snprintf(k.endpoint, sizeof(k.endpoint), "db1:6379");
	snprintf(k.peer, sizeof(k.peer), "192.0.2.7");
	memset(&f, 'x', sizeof(f));
	return 0;
}

#define SET(member, text) snprintf(k.member, sizeof(k.member), "%s", text)

static void
is(enum checkup_level level, const char *check, const char *text,
    const char *advice)
{
	assert_string_equal(f.check, check);
	assert_string_equal(f.text, text);
	assert_string_equal(f.advice, advice);
	assert_int_equal(f.level, level);
}

static void
addresses_that_do_not_answer_are_a_warning(void **state)
{
	(void)state;
	checkup_judge_reach(&k, &f);
	is(CHECKUP_OK, "reach", "'db1:6379' is reached at 192.0.2.7", "");
	k.failed = 1;
	SET(tried, "192.0.2.6 (Connection refused)");
	checkup_judge_reach(&k, &f);
	is(CHECKUP_WARNING, "reach",
	    "'db1:6379' is reached at 192.0.2.7, but not at every address: "
	    "192.0.2.6 (Connection refused)",
	    "each address that does not answer delays every start: see whether "
	    "the name should have it");
}

static void
a_password_in_plain_is_a_warning_on_a_network_only(void **state)
{
	(void)state;
	k.password = true;
	checkup_judge_tls(&k, &f);
	is(CHECKUP_WARNING, "tls",
	    "none: the password goes to 192.0.2.7 in plain",
	    "use rediss://, a tunnel, or a network that you trust");
	k.local = true;
	checkup_judge_tls(&k, &f);
	is(CHECKUP_OK, "tls", "none, and none needed on this machine", "");
	k.local = false;
	k.password = false;
	checkup_judge_tls(&k, &f);
	is(CHECKUP_OK, "tls",
	    "none: all that is said goes to 192.0.2.7 in plain", "");
}

static void
no_password_is_a_warning_on_an_open_network_only(void **state)
{
	(void)state;
	checkup_judge_login(&k, &f);
	is(CHECKUP_WARNING, "login",
	    "user 'default', without a password: who reaches the server can "
	    "take any lock",
	    "give the server users with passwords (SECURITY in the manual)");
	k.tls = true;
	SET(user, "jobs");
	checkup_judge_login(&k, &f);
	is(CHECKUP_OK, "login", "user 'jobs', without a password", "");
	k.password = true;
	checkup_judge_login(&k, &f);
	is(CHECKUP_OK, "login", "user 'jobs', with a password", "");
}

static void
a_certificate_is_warned_of_before_it_ends(void **state)
{
	(void)state;
	k.tls = k.verified = true;
	SET(tls_version, "TLSv1.3");
	SET(cipher, "C");
	k.expires_s = 1735689600; /* 2025-01-01 */
	k.now_s = k.expires_s - 14 * 86400;
	checkup_judge_tls(&k, &f);
	is(CHECKUP_OK, "tls",
	    "TLSv1.3 with C; the server's certificate ends on 2025-01-01 (in "
	    "14 days)",
	    "");
	k.now_s++;
	checkup_judge_tls(&k, &f);
	is(CHECKUP_WARNING, "tls",
	    "TLSv1.3 with C; the server's certificate ends on 2025-01-01 (in "
	    "13 days)",
	    "renew it: without a valid one nothing can be locked");
}

static void
versions_are_compared_as_numbers(void **state)
{
	static const struct {
		const char *version;
		enum checkup_level level;
	} cases[] = { { "6.1.9", CHECKUP_PROBLEM }, { "6.2", CHECKUP_OK },
		{ "6.10.0", CHECKUP_OK }, { "5.9.9", CHECKUP_PROBLEM },
		{ "10.0", CHECKUP_OK }, { "odd", CHECKUP_PROBLEM } };

	(void)state;
	SET(kind, "redis");
	SET(mode, "standalone");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		SET(version, cases[i].version);
		checkup_judge_server(&k, &f);
		assert_int_equal(f.level, cases[i].level);
	}
}

static void
latency_is_judged_by_what_a_request_may_take(void **state)
{
	(void)state;
	k.samples = 7;
	k.median_us = 199999;
	k.most_us = 900000;
	checkup_judge_latency(&k, &f);
	is(CHECKUP_OK, "latency",
	    "199.999ms, the median of 7 requests, 900.000ms at most", "");
	k.most_us = 1000001;
	checkup_judge_latency(&k, &f);
	is(CHECKUP_WARNING, "latency",
	    "199.999ms, the median of 7 requests, 1s at most",
	    "one request may take 2s (--io-timeout): a slow server makes locks "
	    "late, or lost");
	k.median_us = 2000001;
	checkup_judge_latency(&k, &f);
	assert_int_equal(f.level, CHECKUP_PROBLEM);
}

static void
a_clock_that_is_off_changes_no_lease(void **state)
{
	(void)state;
	checkup_judge_clock(&k, &f);
	is(CHECKUP_UNKNOWN, "clock", "it does not tell the time", "");
	k.clock = true;
	k.error_us = 100;
	k.ahead_us = -100;
	checkup_judge_clock(&k, &f);
	is(CHECKUP_OK, "clock", "the server's and ours agree within 0.100ms",
	    "");
	k.ahead_us = -101;
	checkup_judge_clock(&k, &f);
	is(CHECKUP_OK, "clock",
	    "the server's is 0.101ms behind ours (within 0.100ms), which "
	    "changes no lease",
	    "");
	k.ahead_us = 3600 * INT64_C(1000000);
	checkup_judge_clock(&k, &f);
	is(CHECKUP_OK, "clock",
	    "the server's is 1h ahead of ours (within 0.100ms), which changes "
	    "no lease",
	    "times that status shows are the server's: set both by NTP");
}

static void
memory_that_runs_out_is_a_warning(void **state)
{
	(void)state;
	k.memory_limit = 1000000;
	k.memory_used = 890000;
	checkup_judge_memory(&k, &f);
	is(CHECKUP_OK, "memory", "88% of maxmemory is used", "");
	k.memory_used = 950000;
	checkup_judge_memory(&k, &f);
	is(CHECKUP_WARNING, "memory", "94% of maxmemory is used",
	    "raise maxmemory, or delete what is not needed");
}

static void
what_is_logged_is_kept(void **state)
{
	(void)state;
	SET(append_only, "yes");
	checkup_judge_persistence(&k, &f);
	is(CHECKUP_OK, "persistence", "every change is logged (appendonly)",
	    "");
	/* INFO tells of it, but not of snapshots. */
	SET(append_only, "no");
	SET(user, "jobs");
	checkup_judge_persistence(&k, &f);
	is(CHECKUP_UNKNOWN, "persistence",
	    "user 'jobs' may not ask (CONFIG "
	    "GET)",
	    "without appendonly a restart forgets locks");
}

static void
loopback_addresses_are_of_this_machine(void **state)
{
	(void)state;
	assert_true(checkup_is_loopback("127.0.0.1"));
	assert_true(checkup_is_loopback("127.9.9.9"));
	assert_true(checkup_is_loopback("::1"));
	assert_true(checkup_is_loopback("::ffff:127.0.0.1"));
	assert_false(checkup_is_loopback("12.7.0.1"));
	assert_false(checkup_is_loopback("192.0.2.127"));
	assert_false(checkup_is_loopback("::11"));
	assert_false(checkup_is_loopback(""));
}

static void
fields_of_info_are_found_at_the_start_of_a_line_only(void **state)
{
	static const char info[] =
	    "# Memory\r\nxa:0\r\na:1 2\r\nab:3\r\n\r\nb:";
	char value[8] = "-";

	(void)state;
	assert_true(checkup_info(info, "a", value, sizeof(value)));
	assert_string_equal(value, "1 2");
	assert_true(checkup_info(info, "ab", value, sizeof(value)));
	assert_string_equal(value, "3");
	assert_true(checkup_info(info, "b", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(checkup_info(info, "c", value, sizeof(value)));
	assert_false(checkup_info("", "a", value, sizeof(value)));
	assert_true(checkup_info("a:0123456789", "a", value, sizeof(value)));
	assert_string_equal(value, "0123456");
}

/* Every trial is for a key below ours, and none runs a script or writes. */
static void
nothing_is_tried_that_could_change_anything(void **state)
{
	struct checkup_probe p;
	size_t n = 0, keys = 0;

	(void)state;
	for (;
	     checkup_rights_probe(&p, n, "jobs", n % 2 ? "x" : NULL, "RANDOM");
	     n++) {
		assert_string_equal(
		    p.key, n % 2 ? "jobs:{x}:RANDOM" : "jobs:{doctor}:RANDOM");
		for (size_t i = 0; p.words[i] != NULL; i++)
			keys += p.words[i] == p.key;
		/* What it pushes, it deletes. */
		assert_string_not_equal(p.words[0], "LPUSH");
		if (strncmp(p.words[0], "EVAL", 4) == 0 &&
		    strstr(p.words[1], "LPUSH") == NULL)
			assert_string_equal(p.words[2], "none");
		if (strcmp(p.words[0], "HSET") == 0)
			assert_non_null(p.words[4]);
		if (strcmp(p.words[0], "HSET") == 0)
			assert_null(p.words[5]);
		if (strcmp(p.words[0], "ZADD") == 0)
			assert_string_equal(p.words[2], "none");
	}
	assert_string_equal(p.words[0], "SUBSCRIBE");
	assert_true(n > 20 && keys > 15);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_that_do_not_answer_are_a_warning),
		TEST(a_password_in_plain_is_a_warning_on_a_network_only),
		TEST(no_password_is_a_warning_on_an_open_network_only),
		TEST(a_certificate_is_warned_of_before_it_ends),
		TEST(versions_are_compared_as_numbers),
		TEST(latency_is_judged_by_what_a_request_may_take),
		TEST(a_clock_that_is_off_changes_no_lease),
		TEST(memory_that_runs_out_is_a_warning),
		TEST(what_is_logged_is_kept),
		TEST(loopback_addresses_are_of_this_machine),
		TEST(fields_of_info_are_found_at_the_start_of_a_line_only),
		TEST(nothing_is_tried_that_could_change_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
