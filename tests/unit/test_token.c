/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
a_token_is_32_hex_digits(void **state)
{
	char token[TOKEN_SIZE + 1];

	(void)state;
	memset(token, '#', sizeof(token));
	assert_int_equal(token_random(token), 0);
	assert_int_equal(strspn(token, "0123456789abcdef"), TOKEN_SIZE - 1);
	assert_int_equal(token[TOKEN_SIZE - 1], '\0');
	assert_int_equal(token[TOKEN_SIZE], '#');
}

static void
no_digit_of_a_token_is_constant(void **state)
{
	char first[TOKEN_SIZE], next[TOKEN_SIZE];
	int differs[TOKEN_SIZE - 1] = { 0 };

	(void)state;
	assert_int_equal(token_random(first), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(token_random(next), 0);
		assert_string_not_equal(first, next);
		for (int j = 0; j < TOKEN_SIZE - 1; j++)
			differs[j] |= first[j] != next[j];
	}
	/* Equal 200 times by chance: 32 in 16^200. */
	for (int j = 0; j < TOKEN_SIZE - 1; j++)
		assert_true(differs[j]);
}

/* As many random bits as digits say: none of them repeats another one. */
static void
no_digit_of_a_token_follows_from_another(void **state)
{
	char next[TOKEN_SIZE];
	int differs[TOKEN_SIZE - 1][TOKEN_SIZE - 1] = { 0 };

	(void)state;
	for (int n = 0; n < 200; n++) {
		assert_int_equal(token_random(next), 0);
		for (int i = 0; i < TOKEN_SIZE - 1; i++)
			for (int j = 0; j < i; j++)
				differs[i][j] |= next[i] != next[j];
	}
	for (int i = 0; i < TOKEN_SIZE - 1; i++)
		for (int j = 0; j < i; j++)
			assert_true(differs[i][j]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_32_hex_digits),
		cmocka_unit_test(no_digit_of_a_token_is_constant),
		cmocka_unit_test(no_digit_of_a_token_follows_from_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
