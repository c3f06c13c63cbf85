/* SPDX-License-Identifier: MIT */
#include "seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MANY 300000

static bool
add(struct seen *s, int n)
{
	return seen_add(s, (const char *)&n, sizeof(n));
}

static void
an_exact_one_forgets_nothing(void **state)
{
	struct seen *s = seen_new_exact();

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < MANY; i++)
		assert_true(add(s, i));
	for (int i = 0; i < MANY; i++) {
		assert_false(add(s, i));
		assert_true(seen_has(s, (const char *)&i, sizeof(i)));
	}
	for (int i = MANY; i < 2 * MANY; i++)
		assert_false(seen_has(s, (const char *)&i, sizeof(i)));
	assert_false(seen_failed(s));
	seen_free(s);
}

static void
the_other_one_leaves_nothing_out(void **state)
{
	struct seen *s = seen_new();

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 20000; i++)
		assert_true(add(s, i));
	for (int i = 0; i < 20000; i++)
		assert_false(add(s, i));
	for (int i = 20000; i < MANY; i++)
		assert_true(add(s, i));
	seen_free(s);
	seen_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exact_one_forgets_nothing),
		cmocka_unit_test(the_other_one_leaves_nothing_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
