/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"
#include "utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"

static const struct table_column columns[] = {
	{ .title = "NAME", .least = 6 },
	{ .title = "WHO", .least = 7, .middle = true },
	{ .title = "N", .right = true, .drop = 1 },
	{ .title = "COMMAND", .least = 7, .drop = 2 },
};

static struct table *
made(const char *name, const char *who, const char *n, const char *command)
{
	struct table *t = table_new(columns, 4);
	const struct table_cell row[] = { { name, NULL }, { who, "32" },
		{ n, NULL }, { command, NULL } };

	assert_non_null(t);
	assert_int_equal(table_row(t, row), 0);
	return t;
}

static void
check(struct table *t, size_t width, bool colour, const char *want)
{
	struct table_style style = { .width = width, .colour = colour,
		.header = true, .most = 10 };
	struct text out = { 0 };

	table_write(t, &style, &out);
	assert_string_equal(text_string(&out), want);
	text_free(&out);
	table_free(t);
}

static void
columns_are_as_wide_as_what_is_in_them(void **state)
{
	(void)state;
	check(made("a", "ops@db3:1", "12", "sleep 1"), 80, false,
	    "NAME  WHO         N  COMMAND\n"
	    "a     ops@db3:1  12  sleep 1\n");
}

static void
what_is_too_long_is_cut_and_the_pid_stays(void **state)
{
	(void)state;
	check(made("abcdefghij", "operator@host:4711", "1", "pg_dump production"),
	    35, false,
	    "NAME       WHO         N COMMAND\n"
	    "abcdefghij opera" ELLIPSIS ":4711 1 pg_dump p" ELLIPSIS "\n");
}

static void
what_matters_least_is_left_out(void **state)
{
	(void)state;
	check(made("abcdefghij", "operator@host:4711", "1", "pg_dump production"),
	    16, false,
	    "NAME   WHO     N\n"
	    "abcde" ELLIPSIS " ope" ELLIPSIS "711 1\n");
	check(made("abcdefghij", "operator@host:4711", "1", "pg_dump production"),
	    14, false,
	    "NAME   WHO\n"
	    "abcde" ELLIPSIS " ope" ELLIPSIS "711\n");
}

static void
wide_characters_are_counted(void **state)
{
	(void)state;
	check(made("\xe6\x97\xa5\xe6\x9c\xac", "u\xcc\x88", "1", "c"), 80, false,
	    "NAME  WHO  N  COMMAND\n"
	    "\xe6\x97\xa5\xe6\x9c\xac  u\xcc\x88    1  c\n");
}

static void
no_line_is_longer_than_asked_for(void **state)
{
	const char *name = "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac";

	(void)state;
	for (size_t width = 14; width < 90; width++) {
		struct table *t = made(name, "operator@host.example.com:4711",
		    "12345", "/usr/bin/pg_dump --all --verbose");
		struct table_style style = { .width = width, .header = true,
			.most = 10 };
		struct text out = { 0 };
		char *line, *rest;

		table_write(t, &style, &out);
		for (line = strtok_r(out.data, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			assert_true(utf8_columns(line, strlen(line)) <= width);
		text_free(&out);
		table_free(t);
	}
}

static void
colour_takes_no_room(void **state)
{
	(void)state;
	check(made("a", "b", "1", "c"), 80, true,
	    "\x1b[1mNAME\x1b[0m  \x1b[1mWHO\x1b[0m  \x1b[1mN\x1b[0m  "
	    "\x1b[1mCOMMAND\x1b[0m\n"
	    "a     \x1b[32mb\x1b[0m    1  c\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(what_is_too_long_is_cut_and_the_pid_stays),
		cmocka_unit_test(what_matters_least_is_left_out),
		cmocka_unit_test(wide_characters_are_counted),
		cmocka_unit_test(no_line_is_longer_than_asked_for),
		cmocka_unit_test(colour_takes_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
