/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
a_failure_keeps_status_and_text(void **state)
{
	struct failure f;

	(void)state;
	assert_int_equal(failure_set(&f, 69, "no %s at %d", "server", 7), -1);
	assert_int_equal(f.status, 69);
	assert_string_equal(f.text, "no server at 7");
}

static void
nobody_needs_to_want_the_reason(void **state)
{
	(void)state;
	assert_int_equal(failure_set(NULL, 69, "no %s", "server"), -1);
}

static void
a_text_may_be_made_of_the_one_before(void **state)
{
	struct failure f;

	(void)state;
	failure_set(&f, 69, "connection refused");
	failure_set(&f, 78, "cannot connect: %s", f.text);
	assert_string_equal(f.text, "cannot connect: connection refused");
	assert_int_equal(f.status, 78);
}

static void
a_long_text_is_cut(void **state)
{
	char text[2000];
	struct failure f;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	failure_set(&f, 70, "%s", text);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_keeps_status_and_text),
		cmocka_unit_test(nobody_needs_to_want_the_reason),
		cmocka_unit_test(a_text_may_be_made_of_the_one_before),
		cmocka_unit_test(a_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
