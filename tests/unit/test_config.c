/* SPDX-License-Identifier: MIT */
#include "options_config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "failure.h"
#include "status.h"

static struct options_config config;
static struct failure why;
static char text[70 * 1024];

/* 0, or -1 and "why". */
static int
parse_bytes(const char *bytes, size_t len)
{
	config = (struct options_config){ .path = "FILE" };
	why = (struct failure){ 0 };
	memcpy(text, bytes, len);
	return options_config_parse(&config, text, len, &why);
}

static int
parse(const char *bytes)
{
	return parse_bytes(bytes, strlen(bytes));
}

static const struct options_value *
value(enum options_id id)
{
	return &config.values[id];
}

#define REFUSES(bytes, what)                                 \
	do {                                                 \
		assert_int_equal(parse(bytes), -1);          \
		assert_string_equal(why.text, what);         \
		assert_int_equal(why.status, STATUS_CONFIG); \
	} while (0)

static void
values_are_read_with_their_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("# the site's\n\nurl = redis://db1\n"
			       "  ttl=1m  \n\tnonblock\t=\tyes\r\n"
			       "wait-all = no\nsignal = INT"),
	    0);
	assert_string_equal(value(OPTION_URL)->text, "redis://db1");
	assert_int_equal(value(OPTION_URL)->line, 3);
	assert_string_equal(value(OPTION_URL)->file, "FILE");
	assert_int_equal(value(OPTION_TTL)->number, 60000);
	assert_int_equal(value(OPTION_TTL)->line, 4);
	assert_int_equal(value(OPTION_NONBLOCK)->count, 1);
	assert_int_equal(value(OPTION_WAIT_ALL)->count, 0);
	assert_int_equal(value(OPTION_WAIT_ALL)->line, 6);
	assert_int_equal(value(OPTION_SIGNAL)->number, 2);
	assert_int_equal(value(OPTION_SIGNAL)->line, 7);
	assert_int_equal(value(OPTION_KILL_AFTER)->line, 0);
}

static void
a_value_may_have_blanks_and_signs_in_it(void **state)
{
	(void)state;
	assert_int_equal(parse("reason = a = b # c\n"), 0);
	assert_string_equal(value(OPTION_REASON)->text, "a = b # c");
}

static void
nothing_is_a_file_too(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("\n\n   \n# only this"), 0);
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++)
		assert_int_equal(value(id)->line, 0);
}

static void
every_option_that_may_stand_there_is_a_key(void **state)
{
	static const char *const samples[] = { "30s", "/x", "3", "TERM", "kill",
		"x", "redis://db1", "json", "run" };
	char line[80], name[32];

	(void)state;
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		bool good = false;

		if (!options_table_in_file(id))
			continue;
		options_table_name(id, name, sizeof(name));
		for (size_t i = 0; i < sizeof(samples) / sizeof(*samples);
		     i++) {
			snprintf(line, sizeof(line), "%s = %s", name + 2,
			    options_table[id].value ? samples[i] : "yes");
			good = good || parse(line) == 0;
		}
		if (!good)
			fail_msg("%s: %s", name, why.text);
		assert_int_equal(value(id)->count, 1);
	}
}

static void
no_other_option_is_a_key(void **state)
{
	char line[80], name[32];
	int count = 0;

	(void)state;
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (options_table[id].words == NULL ||
		    options_table_in_file(id))
			continue;
		options_table_name(id, name, sizeof(name));
		snprintf(line, sizeof(line), "%s = yes", name + 2);
		assert_int_equal(parse(line), -1);
		assert_int_equal(strncmp(why.text, "FILE:1: ", 8), 0);
		count++;
	}
	assert_true(count >= 12);
}

static void
what_is_wrong_is_said_with_its_line(void **state)
{
	(void)state;
	REFUSES("ttl = 5x", "FILE:1: ttl: invalid duration '5x' (use e.g. "
			    "500ms, 30s, 5m, 1h30m)");
	REFUSES("\n\nttl = 400d\n",
	    "FILE:3: ttl: out-of-range duration '400d' (at most 365d)");
	REFUSES("ttl = 30s # short", "FILE:1: ttl: invalid duration '30s # "
				     "short' (use e.g. 500ms, 30s, 5m, "
				     "1h30m); a comment stands on a line of "
				     "its own");
	REFUSES("nonblock = true", "FILE:1: nonblock: write yes or no");
	REFUSES("ttl =", "FILE:1: ttl has no value");
	REFUSES("user = \"me\"", "FILE:1: user: a value has no quotes");
	REFUSES(
	    "cacert = ca.pem", "FILE:1: cacert: 'ca.pem' is no absolute path");
	REFUSES("ttl = 1m\nurl = /s\nttl = 2m\n",
	    "FILE:3: ttl was set in line 1 already");
}

static void
a_key_that_there_is_not_is_named_and_the_one_that_was_meant(void **state)
{
	(void)state;
	REFUSES("tll = 5s", "FILE:1: unknown key 'tll' (did you mean 'ttl'?)");
	REFUSES("kill_after = 5s",
	    "FILE:1: unknown key 'kill_after' (did you mean 'kill-after'?)");
	REFUSES(
	    "--ttl = 5s", "FILE:1: unknown key '--ttl' (did you mean 'ttl'?)");
	REFUSES("colour = yes", "FILE:1: unknown key 'colour'");
	REFUSES("versoin = yes", "FILE:1: unknown key 'versoin'");
	REFUSES("dump-options = yes",
	    "FILE:1: dump-options is for the command line only");
}

static void
what_one_call_is_to_do_does_not_stand_in_a_file(void **state)
{
	(void)state;
	REFUSES("config = /x", "FILE:1: config is for the command line only");
	REFUSES("help = yes", "FILE:1: help is for the command line only");
	REFUSES("force = yes", "FILE:1: force is for the command line only");
	REFUSES("no-fork = yes",
	    "FILE:1: no-fork is not possible: netflock has to stay, to renew "
	    "the lock while the command runs");
}

static void
what_may_be_a_password_is_not_shown(void **state)
{
	(void)state;
	REFUSES("redis://:secret@db1",
	    "FILE:1: a line is KEY = VALUE, or # comment");
	REFUSES("redis://:secret=@db1",
	    "FILE:1: what stands before '=' is no option's long name");
	REFUSES(
	    "= x", "FILE:1: what stands before '=' is no option's long name");
}

static void
a_nul_byte_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_bytes("\nttl = 1m\0\n", 11), -1);
	assert_string_equal(why.text, "FILE:2: there is a NUL byte in it");
}

/* ------------------------------------------------------------------ */

static char path[200];

static int
make_file(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/config.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/* Read the file with this in it. */
static int
read_file(const char *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_TRUNC), result;

	assert_int_equal(write(fd, bytes, len), len);
	fchmod(fd, mode);
	close(fd);
	config = (struct options_config){ 0 };
	result = options_config_read(&config, path, true, &why);
	options_config_free(&config);
	return result;
}

static int
read_text(const char *bytes, mode_t mode)
{
	return read_file(bytes, strlen(bytes), mode);
}

static void
a_password_makes_the_file_a_secret(void **state)
{
	static const char secret[] = "ttl = 1m\nurl = redis://u:word@db1\n";
	static const char open[] = "url = redis://u@db1\n";

	(void)state;
	assert_int_equal(read_text(secret, 0600), 0);
	assert_int_equal(read_text(secret, 0400), 0);
	assert_int_equal(read_text(secret, 0644), -1);
	assert_non_null(strstr(why.text, ":2: a password stands here, but the "
					 "file is open to others: chmod 600"));
	assert_null(strstr(why.text, "word@"));
	assert_int_equal(why.status, STATUS_CONFIG);
	assert_int_equal(read_text(secret, 0604), -1);
	assert_int_equal(read_text(open, 0644), 0);
	assert_int_equal(read_text("# redis://u:word@db1\n", 0644), 0);
}

static void
a_file_that_others_write_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_text("ttl = 1m\n", 0664), -1);
	assert_non_null(strstr(why.text, "can be written by others: chmod "
					 "go-w"));
	assert_int_equal(read_text("ttl = 1m\n", 0646), -1);
}

static void
a_long_file_is_refused(void **state)
{
	static char bytes[OPTIONS_CONFIG_MAX + 1];

	(void)state;
	memset(bytes, '\n', sizeof(bytes));
	assert_int_equal(read_file(bytes, OPTIONS_CONFIG_MAX, 0600), 0);
	assert_int_equal(read_file(bytes, sizeof(bytes), 0600), -1);
	assert_non_null(strstr(why.text, "is longer than 64 KiB"));
}

static void
a_missing_file_is_empty_if_it_need_not_be_there(void **state)
{
	(void)state;
	config = (struct options_config){ 0 };
	assert_int_equal(
	    options_config_read(&config, "/nowhere/x", false, &why), 0);
	assert_null(config.path);
	assert_int_equal(
	    options_config_read(&config, "/nowhere/x", true, &why), -1);
	assert_string_equal(why.text, "cannot open the configuration "
				      "'/nowhere/x': No such file or "
				      "directory");
	assert_int_equal(
	    options_config_read(&config, "/dev/null", true, &why), 0);
	assert_int_equal(options_config_read(&config, "/dev", true, &why), -1);
	assert_string_equal(why.text, "configuration '/dev' is a directory");
	options_config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest parsing[] = {
		cmocka_unit_test(values_are_read_with_their_lines),
		cmocka_unit_test(a_value_may_have_blanks_and_signs_in_it),
		cmocka_unit_test(nothing_is_a_file_too),
		cmocka_unit_test(every_option_that_may_stand_there_is_a_key),
		cmocka_unit_test(no_other_option_is_a_key),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(
		    a_key_that_there_is_not_is_named_and_the_one_that_was_meant),
		cmocka_unit_test(
		    what_one_call_is_to_do_does_not_stand_in_a_file),
		cmocka_unit_test(what_may_be_a_password_is_not_shown),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(
		    a_missing_file_is_empty_if_it_need_not_be_there),
	};
	const struct CMUnitTest reading[] = {
		cmocka_unit_test(a_password_makes_the_file_a_secret),
		cmocka_unit_test(a_file_that_others_write_is_refused),
		cmocka_unit_test(a_long_file_is_refused),
	};
	int failed = cmocka_run_group_tests(parsing, NULL, NULL);

	return failed + cmocka_run_group_tests(reading, make_file, remove_file);
}
