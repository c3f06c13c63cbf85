/* SPDX-License-Identifier: MIT */
#include "duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	int64_t ms;
};

static void
durations_are_read_as_people_write_them(void **state)
{
	static const struct row rows[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "0.0", 0 },
		{ "5", 5000 },
		{ "007", 7000 },
		{ "500ms", 500 },
		{ "30s", 30000 },
		{ "5m", 300000 },
		{ "1h30m", 5400000 },
		{ "2d", 172800000 },
		{ "1d2h3m4s5ms", 93784005 },
		{ "1m1ms", 60001 },
		{ "1.5", 1500 },
		{ "1.5h", 5400000 },
		{ "0.25d", 21600000 },
		{ "1.5h0.5m", 5430000 },
		{ "0.001s", 1 },
		{ "0.0019s", 1 },
		{ "1.0009s", 1000 },
		{ "90m", 5400000 },
		/* 1.1 is no sum of powers of two: no double anywhere. */
		{ "1.1s", 1100 },
		{ "0.3s", 300 },
		{ "4.35h", 15660000 },
		{ "104166d", INT64_C(8999942400000) },
		{ "9000000000", DURATION_MAX_MS },
		{ "9000000000000ms", DURATION_MAX_MS },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ms = -1;
		if (duration_parse(rows[i].text, &ms) != DURATION_OK ||
		    ms != rows[i].ms)
			fail_msg(
			    "'%s' became %lld", rows[i].text, (long long)ms);
	}
}

static void
more_than_nothing_never_becomes_nothing(void **state)
{
	static const char *const texts[] = { "0.1ms", "0.0001s", "0.000001s",
		"0.0000000001s", "0.00000000000000000000000001d", "0m0.0001s",
		"1ms" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ms = -1;
		assert_int_equal(duration_parse(texts[i], &ms), DURATION_OK);
		assert_int_equal(ms, 1);
	}
}

static void
what_is_no_duration_is_refused(void **state)
{
	static const char *const texts[] = { "", " ", "s", "ms", "5x", "5S",
		"5M", "5 s", " 5", "5 ", "+5", "-5", "-0", ".5", "5.", "5.s",
		"1.2.3", "1e3", "0x10", "nan", "inf", "1,5", "30m1h", "1s1s",
		"1s1m", "1ms1s", "1h30", "5h5", "1h30x", "1mm", "5min", "2w",
		"5\xc2\xb5s", "1s ", "1s\n", "1s-1ms", "100000d4167d0h" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ms = 4711;
		if (duration_parse(texts[i], &ms) != DURATION_SYNTAX ||
		    ms != 4711)
			fail_msg("'%s' became %lld", texts[i], (long long)ms);
	}
}

static void
too_long_a_duration_is_out_of_range_not_something_else(void **state)
{
	static const char *const texts[] = { "9000000000.001", "9000000001",
		"9000000000001ms", "104167d", "9223372036854775807",
		"9223372036854775808ms", "18446744073709551616",
		"99999999999999999999999999999999999999999d", "100000d100025h",
		"104166d17h" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ms = 4711;
		if (duration_parse(texts[i], &ms) != DURATION_RANGE ||
		    ms != 4711)
			fail_msg("'%s' became %lld", texts[i], (long long)ms);
	}
}

static void
durations_are_written_with_two_units_at_most(void **state)
{
	static const struct row rows[] = {
		{ "0s", -5 },
		{ "0s", 0 },
		{ "1ms", 1 },
		{ "450ms", 450 },
		{ "999ms", 999 },
		{ "1s", 1000 },
		{ "1.5s", 1500 },
		{ "1.001s", 1001 },
		{ "9.999s", 9999 },
		{ "10s", 10000 },
		{ "59s", 59999 },
		{ "1m", 60000 },
		{ "1m", 60999 },
		{ "3m12s", 192000 },
		{ "1h", 3600000 },
		{ "1h", 3659999 },
		{ "1h1m", 3660000 },
		{ "2d4h", 187200000 },
		{ "2d", 172800000 + 3599999 },
		{ "104166d16h", DURATION_MAX_MS },
		{ "106751991167d7h", INT64_MAX },
	};
	char text[24];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    duration_format(text, sizeof(text), rows[i].ms),
		    rows[i].text);
}

static void
what_is_written_can_be_read_again(void **state)
{
	char text[24], again[24];
	int64_t ms, parsed;

	(void)state;
	for (ms = 1; ms < DURATION_MAX_MS / 3; ms = ms * 3 + 7) {
		duration_format(text, sizeof(text), ms);
		assert_int_equal(duration_parse(text, &parsed), DURATION_OK);
		assert_true(parsed <= ms);
		duration_format(again, sizeof(again), parsed);
		assert_string_equal(text, again);
	}
}

static void
a_small_buffer_is_never_overrun(void **state)
{
	char text[8];

	(void)state;
	for (size_t size = 0; size <= 6; size++) {
		for (int64_t ms = 1; ms < 1000000000; ms = ms * 7 + 3) {
			memset(text, '#', sizeof(text));
			duration_format(text, size, ms);
			assert_int_equal(text[size], '#');
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_as_people_write_them),
		cmocka_unit_test(more_than_nothing_never_becomes_nothing),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(
		    too_long_a_duration_is_out_of_range_not_something_else),
		cmocka_unit_test(durations_are_written_with_two_units_at_most),
		cmocka_unit_test(what_is_written_can_be_read_again),
		cmocka_unit_test(a_small_buffer_is_never_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
