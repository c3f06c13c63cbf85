/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
characters_are_as_wide_as_terminals_show_them(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns("abc", 3), 3);
	assert_int_equal(utf8_columns("\xc3\xbc", 2), 1);		  /* u-umlaut */
	assert_int_equal(utf8_columns("u\xcc\x88", 3), 1);		  /* u, diaeresis */
	assert_int_equal(utf8_columns("\xe6\x97\xa5\xe6\x9c\xac", 6), 4); /* two of CJK */
	assert_int_equal(utf8_columns("\xf0\x9f\x94\x92", 4), 2);	  /* a lock */
	assert_int_equal(utf8_columns("\xff\xfe", 2), 2);
	assert_int_equal(utf8_columns("", 0), 0);
}

static void
nothing_is_cut_inside_a_character(void **state)
{
	const char *text = "a\xe6\x97\xa5u\xcc\x88";

	(void)state;
	assert_int_equal(utf8_fit(text, 7, 0), 0);
	assert_int_equal(utf8_fit(text, 7, 1), 1);
	assert_int_equal(utf8_fit(text, 7, 2), 1);
	assert_int_equal(utf8_fit(text, 7, 3), 4);
	/* A mark stays with what it sits on. */
	assert_int_equal(utf8_fit(text, 7, 4), 7);
	assert_int_equal(utf8_fit(text, 7, 99), 7);
}

static void
what_is_not_well_formed_is_no_character(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf",
		"\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82" };
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
	assert_int_equal(utf8_decode("\xf4\x8f\xbf\xbf", 4, &c), 4);
	assert_int_equal(c, 0x10ffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_as_wide_as_terminals_show_them),
		cmocka_unit_test(nothing_is_cut_inside_a_character),
		cmocka_unit_test(what_is_not_well_formed_is_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
