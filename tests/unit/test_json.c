/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void
objects_and_arrays_have_commas_where_they_belong(void **state)
{
	struct text out = { 0 };
	struct json j = { .out = &out };

	(void)state;
	json_open(&j, NULL, '[');
	json_open(&j, NULL, '{');
	json_text(&j, "a", "x", 1);
	json_open(&j, "b", '[');
	json_close(&j, '[');
	json_number(&j, "c", 9007199254740991);
	json_number(&j, "d", -1);
	json_bool(&j, "e", true);
	json_null(&j, "f");
	json_close(&j, '{');
	json_open(&j, NULL, '{');
	json_close(&j, '{');
	json_close(&j, '[');
	assert_string_equal(text_string(&out),
	    "[{\"a\":\"x\",\"b\":[],\"c\":9007199254740991,\"d\":null,"
	    "\"e\":true,\"f\":null},{}]");
	text_free(&out);
}

static void
check_text(const char *bytes, size_t len, const char *want)
{
	struct text out = { 0 };
	struct json j = { .out = &out };

	json_text(&j, NULL, bytes, len);
	assert_string_equal(text_string(&out), want);
	text_free(&out);
}

static void
text_from_outside_becomes_valid_and_harmless(void **state)
{
	(void)state;
	check_text("a\"\\\n", 4, "\"a\\\"\\\\\\u000a\"");
	check_text("\x1b\x7f", 2, "\"\\u001b\\u007f\"");
	check_text("\xc2\x9b", 2, "\"\\u009b\"");
	check_text("\xe2\x80\xae", 3, "\"\\u202e\"");
	check_text("\xf3\xa0\x81\x81", 4, "\"\\udb40\\udc41\"");
	check_text("a\0b", 3, "\"a\\u0000b\"");
	check_text("\xff\xc3\xbc", 3, "\"\xef\xbf\xbd\xc3\xbc\"");
	check_text("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void
what_is_no_utf8_is_there_in_hex(void **state)
{
	struct text out = { 0 };
	struct json j = { .out = &out };

	(void)state;
	json_hex(&j, NULL, "a\xff", 2);
	json_hex(&j, NULL, "abc", 3);
	assert_string_equal(text_string(&out), "\"61ff\",null");
	text_free(&out);
}

static void
times_are_rfc_3339_in_utc(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(json_time_text(text, sizeof(text), 0),
	    "1970-01-01T00:00:00.000Z");
	assert_string_equal(json_time_text(text, sizeof(text), 1795254095042),
	    "2026-11-21T09:41:35.042Z");
	assert_string_equal(json_time_text(text, sizeof(text), -1), "");
	/* The largest that a reply can hold: no year of four digits, no crash. */
	json_time_text(text, sizeof(text), (INT64_C(1) << 53) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    objects_and_arrays_have_commas_where_they_belong),
		cmocka_unit_test(text_from_outside_becomes_valid_and_harmless),
		cmocka_unit_test(what_is_no_utf8_is_there_in_hex),
		cmocka_unit_test(times_are_rfc_3339_in_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
