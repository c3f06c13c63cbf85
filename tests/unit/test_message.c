/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "message_syslog.h"

/* ------------------------------------------------------------------ */
/* Escaping. */

struct row {
	const char *raw;
	const char *escaped;
};

static void
check_rows(const struct row *rows, size_t count)
{
	char text[256];
	size_t len;

	for (size_t i = 0; i < count; i++) {
		len = message_escape(
		    text, sizeof(text), rows[i].raw, strlen(rows[i].raw));
		assert_string_equal(text, rows[i].escaped);
		assert_int_equal(len, strlen(rows[i].escaped));
	}
}

static void
text_that_can_be_read_stays_as_it_is(void **state)
{
	static const char *const texts[] = {
		"", "report:daily", " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~",
		"gr\xc3\xbcn", "\xc2\xa0",	    /* U+00A0 */
		"\xdf\xbf",			    /* U+07FF */
		"\xe0\xa0\x80",			    /* U+0800 */
		"\xe2\x82\xac",			    /* U+20AC */
		"\xed\x9f\xbf",			    /* U+D7FF */
		"\xee\x80\x80",			    /* U+E000 */
		"\xef\xbf\xbd",			    /* U+FFFD */
		"\xf0\x90\x80\x80",		    /* U+10000 */
		"\xf4\x8f\xbf\xbf",		    /* U+10FFFF */
		"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", /* Hebrew */
	};
	struct row row;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		row.raw = row.escaped = texts[i];
		check_rows(&row, 1);
	}
}

static void
what_could_fool_a_terminal_is_escaped(void **state)
{
	static const struct row rows[] = {
		{ "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd" },
		{ "\x01\x1f\x7f", "\\x01\\x1f\\x7f" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "back\\slash", "back\\\\slash" },
		{ "\\x41", "\\\\x41" },
		/* C1: U+0080, U+009B is CSI to some terminals */
		{ "\xc2\x80", "\\xc2\\x80" },
		{ "\xc2\x9b"
		  "31m",
		    "\\xc2\\x9b31m" },
		{ "\xc2\x9f", "\\xc2\\x9f" },
		/* bidi */
		{ "\xd8\x9c", "\\xd8\\x9c" },
		{ "\xe2\x80\x8e", "\\xe2\\x80\\x8e" },
		{ "\xe2\x80\x8f", "\\xe2\\x80\\x8f" },
		{ "\xe2\x80\xaa", "\\xe2\\x80\\xaa" },
		{ "x\xe2\x80\xaegnp", "x\\xe2\\x80\\xaegnp" },
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
		{ "\xe2\x81\xa9", "\\xe2\\x81\\xa9" },
		/* line and paragraph separator, BOM, tags */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
		{ "\xe2\x80\xa9", "\\xe2\\x80\\xa9" },
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },
		{ "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
bytes_that_are_no_utf_8_are_escaped(void **state)
{
	static const struct row rows[] = {
		{ "\x80", "\\x80" },
		{ "\xbf"
		  "a",
		    "\\xbfa" },
		{ "\xff\xfe", "\\xff\\xfe" },
		/* overlong */
		{ "\xc0\x80", "\\xc0\\x80" },
		{ "\xc1\xbf", "\\xc1\\xbf" },
		{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },
		{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },
		/* surrogates, too large */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xed\xbf\xbf", "\\xed\\xbf\\xbf" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" },
		/* cut short: at the end, by a letter, by another character */
		{ "\xc3", "\\xc3" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xf0\x9f\x94", "\\xf0\\x9f\\x94" },
		{ "\xe2\x82z", "\\xe2\\x82z" },
		{ "\xe2\xc3\xbc", "\\xe2\xc3\xbc" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
a_nul_in_the_middle_is_one_more_control_character(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(message_escape(text, sizeof(text), "a\0b", 3), 6);
	assert_string_equal(text, "a\\x00b");
}

static void
nothing_is_cut_in_two_when_room_runs_out(void **state)
{
	static const char raw[] = "a\xe2\x82\xac\x1b\\b";
	/* what fits in 0, 1, ... bytes behind which NUL has its place */
	static const char *const want[] = { "", "a", "a", "a", "a\xe2\x82\xac",
		"a\xe2\x82\xac", "a\xe2\x82\xac", "a\xe2\x82\xac",
		"a\xe2\x82\xac\\x1b", "a\xe2\x82\xac\\x1b",
		"a\xe2\x82\xac\\x1b\\\\", "a\xe2\x82\xac\\x1b\\\\b",
		"a\xe2\x82\xac\\x1b\\\\b" };
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		memset(text, '#', sizeof(text));
		assert_int_equal(
		    message_escape(text, i + 1, raw, sizeof(raw) - 1),
		    strlen(want[i]));
		assert_string_equal(text, want[i]);
		assert_int_equal(text[i + 1], '#');
	}
	memset(text, '#', sizeof(text));
	assert_int_equal(message_escape(text, 0, raw, 3), 0);
	assert_int_equal(text[0], '#');
}

/* Whatever comes in: printable ASCII or long characters come out. */
static void
no_bytes_at_all_get_a_control_character_through(void **state)
{
	char raw[24], text[4 * sizeof(raw) + 1];
	size_t len, i;

	(void)state;
	srandom(1);
	for (int round = 0; round < 100000; round++) {
		for (i = 0; i < sizeof(raw); i++)
			raw[i] = (char)(random() >> 7);
		len = message_escape(text, sizeof(text), raw, sizeof(raw));
		assert_int_equal(len, strlen(text));
		assert_true(len >= sizeof(raw));
		for (i = 0; i < len; i++) {
			unsigned char c = (unsigned char)text[i];

			assert_true(c >= 0x20 && c != 0x7f);
			if (c == 0xc2) /* no C1 */
				assert_true((unsigned char)text[i + 1] > 0x9f);
		}
	}
}

/* ------------------------------------------------------------------ */
/* Lines on stderr, which is a pipe meanwhile. */

static int saved_stderr;
static int pipe_fd[2];

static int
take_stderr(void **state)
{
	(void)state;
	saved_stderr = dup(STDERR_FILENO);
	if (pipe(pipe_fd) == -1 || saved_stderr == -1)
		return -1;
	if (fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK) == -1)
		return -1;
	dup2(pipe_fd[1], STDERR_FILENO);
	close(pipe_fd[1]);
	message_level(MESSAGE_NORMAL);
	return 0;
}

static int
give_stderr_back(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	if (pipe_fd[0] != -1)
		close(pipe_fd[0]);
	return 0;
}

/* All that was printed since the last call. */
static const char *
printed(void)
{
	static char text[16384];
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
a_line_names_netflock_and_the_lock(void **state)
{
	(void)state;
	message_error("backup", "cannot connect to '%s'", "db1:6379");
	assert_string_equal(
	    printed(), "netflock: backup: cannot connect to 'db1:6379'\n");
	message_always(NULL, "unknown option '%s'", "-z");
	assert_string_equal(printed(), "netflock: unknown option '-z'\n");
}

static void
quiet_and_verbose_decide_what_is_said(void **state)
{
	(void)state;
	assert_false(message_verbose());
	message_note("x", "note");
	assert_string_equal(printed(), "");
	message_level(MESSAGE_VERBOSE);
	assert_true(message_verbose());
	message_note("x", "note");
	message_error("x", "error");
	assert_string_equal(
	    printed(), "netflock: x: note\nnetflock: x: error\n");
	message_level(MESSAGE_QUIET);
	assert_false(message_verbose());
	message_note("x", "note");
	message_error("x", "error");
	message_always("x", "always");
	assert_string_equal(printed(), "netflock: x: always\n");
}

static void
names_and_texts_are_escaped_into_one_line(void **state)
{
	(void)state;
	message_error("a\nb", "held by \x1b[2J%s", "\xe2\x80\xaexyz\\");
	assert_string_equal(printed(),
	    "netflock: a\\x0ab: held by \\x1b[2J\\xe2\\x80\\xaexyz\\\\\n");
}

static void
a_very_long_line_is_cut_but_ends_with_a_newline(void **state)
{
	char text[10000];
	const char *line;

	(void)state;
	memset(text, '\x1b', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	message_error(text, "%s", text);
	line = printed();
	assert_true(strlen(line) <= 4096);
	assert_true(strlen(line) > 4000);
	assert_string_equal(line + strlen(line) - 5, "\\x1b\n");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void
errno_survives_a_message(void **state)
{
	(void)state;
	errno = ENOTTY;
	message_error(NULL, "x");
	assert_int_equal(errno, ENOTTY);
	assert_string_equal(printed(), "netflock: x\n");
}

static void
a_full_pipe_costs_a_second_and_the_line(void **state)
{
	struct timespec before, after;
	char junk[4096] = { 0 };
	int64_t ms;

	(void)state;
	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
	while (write(STDERR_FILENO, junk, sizeof(junk)) > 0)
		;
	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	message_error("x", "nobody reads this");
	clock_gettime(CLOCK_MONOTONIC, &after);
	ms = (int64_t)(after.tv_sec - before.tv_sec) * 1000 +
	     (after.tv_nsec - before.tv_nsec) / 1000000;
	assert_true(ms >= 900);
	assert_true(ms < 30000);
	while (read(pipe_fd[0], junk, sizeof(junk)) > 0)
		;
	message_error("x", "but this");
	assert_string_equal(printed(), "netflock: x: but this\n");
}

static void
a_reader_that_went_away_raises_no_signal(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_DFL); /* or we die here */
	close(pipe_fd[0]);
	pipe_fd[0] = -1;
	message_error("x", "nobody reads this");
}

static void
a_closed_stderr_is_no_error(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	message_error("x", "nobody reads this");
	assert_string_equal(printed(), "");
}

/* ------------------------------------------------------------------ */
/* JSON, and the system log. */

static void
a_message_can_be_an_object_on_one_line(void **state)
{
	const char *text;

	(void)state;
	message_form(true, false);
	message_say(MESSAGE_WARNING, "a\"b", "one\ntwo %d", 3);
	message_error(NULL, "it");
	message_form(false, false);
	text = printed();
	assert_true(strncmp(text, "{\"time\":\"2", 10) == 0);
	assert_non_null(strstr(text, "\"level\":\"warning\",\"pid\":"));
	assert_non_null(strstr(text,
	    ",\"name\":\"a\\\"b\",\"text\":\"one\\u000atwo 3\"}\n{"));
	assert_non_null(strstr(text, "\"level\":\"error\""));
	assert_non_null(strstr(text, ",\"name\":null,\"text\":\"it\"}\n"));
}

static void
an_object_that_would_be_too_long_has_a_shorter_text(void **state)
{
	char name[513], what[3000];
	const char *text;

	(void)state;
	memset(name, 1, sizeof(name) - 1);
	memset(what, 2, sizeof(what) - 1);
	name[sizeof(name) - 1] = what[sizeof(what) - 1] = '\0';
	message_form(true, false);
	message_error(name, "%s", what);
	message_form(false, false);
	text = printed();
	assert_in_range(strlen(text), 3200, 4096);
	assert_string_equal(text + strlen(text) - 3, "\"}\n");
}

static void
notes_and_quiet_hold_for_every_kind(void **state)
{
	(void)state;
	message_say(MESSAGE_NOTE, "x", "not said");
	message_level(MESSAGE_QUIET);
	message_say(MESSAGE_NOTICE, "x", "not said");
	assert_false(message_plain());
	message_level(MESSAGE_NORMAL);
	assert_true(message_plain());
	assert_string_equal(printed(), "");
}

static void
nothing_is_drawn_where_there_is_no_terminal(void **state)
{
	(void)state;
	assert_false(message_live("waiting"));
	assert_false(message_live(NULL));
	assert_string_equal(printed(), "");
}

/* A terminal of which nobody reads, as full as can be.  Returns its end. */
static int
open_full_terminal(int *master)
{
	const char junk[64] = { 0 };
	struct pollfd room = { .events = POLLOUT };
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*master != -1 && grantpt(*master) == 0 &&
		    unlockpt(*master) == 0);
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	room.fd = fd;
	do	/* the kernel moves on what it has, and has room again */
		while (write(fd, junk, sizeof(junk)) > 0)
			;
	while (poll(&room, 1, 50) != 0);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	return fd;
}

/*
 * Call SPEAK in a process whose stderr is such a terminal, or one that takes
 * just a little more.
 */
static void
in_a_full_terminal(bool little, void (*speak)(void))
{
	int master, wstatus = -1, fd = open_full_terminal(&master);
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	char junk[64];
	pid_t pid;

	while (little && poll(&room, 1, 50) == 0)
		assert_true(read(master, junk, sizeof(junk)) > 0);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		setsid();
		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, STDERR_FILENO);
		speak();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	close(fd);
	close(master);
	assert_int_equal(wstatus, 0);
}

static void
say_a_long_line(void)
{
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	message_error(NULL, "%s", text);
}

static void
a_terminal_that_takes_half_a_line_is_not_waited_for(void **state)
{
	(void)state;
	in_a_full_terminal(true, say_a_long_line);
}

static void
draw_at_once(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (!message_live("waiting"))
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if ((end.tv_sec - begin.tv_sec) * 1000 +
		(end.tv_nsec - begin.tv_nsec) / 1000000 >= 500)
		_exit(2);
}

static void
to_draw_a_full_terminal_is_not_waited_for(void **state)
{
	(void)state;
	in_a_full_terminal(false, draw_at_once);
}

static int
logger(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
the_system_log_gets_priority_and_tag(void **state)
{
	char path[64], line[256] = "", want[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_message.%d", (int)getpid());
	assert_false(message_syslog(path, 3, "nobody"));
	fd = logger(path);
	assert_true(message_syslog(path, 4, "netflock: x: it"));
	assert_true(recv(fd, line, sizeof(line) - 1, 0) > 0);
	assert_true(strncmp(line, "<12>", 4) == 0);
	snprintf(want, sizeof(want), " netflock[%d]: x: it", (int)getpid());
	assert_string_equal(strstr(line, " netflock["), want);
	close(fd);
	unlink(path);
}

static void
a_logger_that_takes_nothing_costs_a_second_once(void **state)
{
	struct timespec begin, end;
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_message.%d", (int)getpid());
	fd = logger(path);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (message_syslog(path, 4, "it"))
		;
	for (int i = 0; i < 20; i++)
		assert_false(message_syslog(path, 4, "it"));
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 9);
	/* Read again: taken again. */
	while (recv(fd, path, 1, 0) > 0)
		;
	snprintf(path, sizeof(path), "/tmp/test_message.%d", (int)getpid());
	assert_true(message_syslog(path, 4, "it"));
	close(fd);
	unlink(path);
}

#define with_stderr(test) \
	cmocka_unit_test_setup_teardown(test, take_stderr, give_stderr_back)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_can_be_read_stays_as_it_is),
		cmocka_unit_test(what_could_fool_a_terminal_is_escaped),
		cmocka_unit_test(bytes_that_are_no_utf_8_are_escaped),
		cmocka_unit_test(
		    a_nul_in_the_middle_is_one_more_control_character),
		cmocka_unit_test(nothing_is_cut_in_two_when_room_runs_out),
		cmocka_unit_test(
		    no_bytes_at_all_get_a_control_character_through),
		with_stderr(a_line_names_netflock_and_the_lock),
		with_stderr(quiet_and_verbose_decide_what_is_said),
		with_stderr(names_and_texts_are_escaped_into_one_line),
		with_stderr(a_very_long_line_is_cut_but_ends_with_a_newline),
		with_stderr(errno_survives_a_message),
		with_stderr(a_full_pipe_costs_a_second_and_the_line),
		with_stderr(a_reader_that_went_away_raises_no_signal),
		with_stderr(a_closed_stderr_is_no_error),
		with_stderr(a_message_can_be_an_object_on_one_line),
		with_stderr(
		    an_object_that_would_be_too_long_has_a_shorter_text),
		with_stderr(notes_and_quiet_hold_for_every_kind),
		with_stderr(nothing_is_drawn_where_there_is_no_terminal),
		cmocka_unit_test(
		    a_terminal_that_takes_half_a_line_is_not_waited_for),
		cmocka_unit_test(to_draw_a_full_terminal_is_not_waited_for),
		cmocka_unit_test(the_system_log_gets_priority_and_tag),
		cmocka_unit_test(
		    a_logger_that_takes_nothing_costs_a_second_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
