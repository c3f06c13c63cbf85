/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
command_of(struct owner *o, const char *a, const char *b)
{
	const char *words[] = { a, b, NULL };

	memset(o, '#', sizeof(*o));
	owner_self(o, "ops", (char *const *)words, NULL);
}

static void
root_is_root_whatever_logname_says(void **state)
{
	char word[] = "true", *argv[] = { word, NULL };
	struct owner o;
	char want[32];

	(void)state;
	owner_self(&o, "ops", argv, NULL);
	assert_string_equal(o.user, getuid() == 0 ? "root" : "ops");
	owner_self(&o, NULL, argv, NULL);
	snprintf(want, sizeof(want), "uid%lu", (unsigned long)getuid());
	assert_string_equal(o.user, getuid() == 0 ? "root" : want);
	owner_self(&o, "", argv, NULL);
	assert_string_equal(o.user, getuid() == 0 ? "root" : want);
}

static void
host_and_pid_are_ours(void **state)
{
	struct owner o;
	char host[256], pid[32];

	(void)state;
	command_of(&o, "true", NULL);
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_string_equal(o.host, host);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_string_equal(o.pid, pid);
}

static void
the_words_of_the_command_are_joined(void **state)
{
	struct owner o;

	(void)state;
	command_of(&o, "pg_dump", "-Fc app");
	assert_string_equal(o.command, "pg_dump -Fc app");
	command_of(&o, "true", NULL);
	assert_string_equal(o.command, "true");
	command_of(&o, "", "x");
	assert_string_equal(o.command, "x");
	owner_self(&o, "ops", NULL, NULL);
	assert_string_equal(o.command, "");
}

static void
a_long_command_is_cut_with_three_dots(void **state)
{
	char word[2000];
	struct owner o;

	(void)state;
	memset(word, 'x', sizeof(word));
	word[255] = '\0';
	command_of(&o, word, NULL);
	assert_string_equal(o.command, word);
	/* One more word, one more byte, very much more. */
	command_of(&o, word, "y");
	assert_int_equal(strlen(o.command), 255);
	assert_string_equal(o.command + 252, "...");
	word[255] = 'x';
	word[256] = '\0';
	command_of(&o, word, NULL);
	assert_string_equal(o.command + 252, "...");
	word[256] = 'x';
	word[1999] = '\0';
	command_of(&o, word, word);
	assert_int_equal(strlen(o.command), 255);
	assert_string_equal(o.command + 251, "x...");
}

static void
no_character_is_cut_in_two(void **state)
{
	char word[400];
	struct owner o;
	size_t i, lead;

	(void)state;
	for (lead = 0; lead < 4; lead++) {
		memset(word, 'x', lead);
		for (i = 0; i < 90; i++)
			memcpy(word + lead + 4 * i, "\xf0\x9f\x94\x92", 4);
		word[lead + 4 * i] = '\0';
		command_of(&o, word, NULL);
		assert_true(strlen(o.command) <= 255);
		assert_true(strlen(o.command) > 250);
		assert_int_equal((strlen(o.command) - lead - 3) % 4, 0);
		assert_string_equal(
		    o.command + strlen(o.command) - 4, "\x92...");
	}
}

static void
bytes_that_are_no_text_are_kept_or_cut_safely(void **state)
{
	char word[600];
	struct owner o;

	(void)state;
	memset(word, '\x80', sizeof(word));
	word[599] = '\0';
	command_of(&o, word, NULL);
	assert_true(strlen(o.command) <= 255);
}

static void
the_reason_may_be_missing(void **state)
{
	char word[] = "true", *argv[] = { word, NULL };
	struct owner o;

	(void)state;
	owner_self(&o, "ops", argv, NULL);
	assert_string_equal(o.reason, "");
	owner_self(&o, "ops", argv, "release 4.2");
	assert_string_equal(o.reason, "release 4.2");
}

static void
an_owner_reads_user_at_host_pid(void **state)
{
	struct owner o = { .user = "ops", .host = "db3", .pid = "4711" };
	char text[256];

	(void)state;
	assert_string_equal(
	    owner_format(text, sizeof(text), &o), "ops@db3 pid 4711");
	assert_string_equal(owner_format(text, 8, &o), "ops@db3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_root_whatever_logname_says),
		cmocka_unit_test(host_and_pid_are_ours),
		cmocka_unit_test(the_words_of_the_command_are_joined),
		cmocka_unit_test(a_long_command_is_cut_with_three_dots),
		cmocka_unit_test(no_character_is_cut_in_two),
		cmocka_unit_test(bytes_that_are_no_text_are_kept_or_cut_safely),
		cmocka_unit_test(the_reason_may_be_missing),
		cmocka_unit_test(an_owner_reads_user_at_host_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
