/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "message.h"
#include "options_table.h"
#include "status.h"

/* A table like main's, with a subcommand of each sort. */

static int
nothing(const struct options *o)
{
	(void)o;
	return STATUS_OK;
}

static const struct options_command commands[] = {
	{ .word = "run",
	    .main = nothing,
	    .groups = OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_RUNNING |
		      OPTIONS_STOPPING | OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_COMMAND },
	{ .word = "look",
	    .main = nothing,
	    .groups = OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .least = 1,
	    .most = 3 },
	{ .word = "operate",
	    .main = nothing,
	    .groups = ~(unsigned)(OPTIONS_GETTING | OPTIONS_LEASE |
		      OPTIONS_RUNNING | OPTIONS_STOPPING),
	    .operands = OPTIONS_NAMES,
	    .most = 3 },
	{ .word = "doctor" },
	{ .word = "help",
	    .main = nothing,
	    .groups = OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .most = 1 },
	{ .word = NULL },
};

#define WORDS_MAX 110

/* Ends with NULL; the program's name is put in front. */
typedef const char *words[WORDS_MAX];

static struct options o;
static int saved_stderr, printed_fd;

static const char *const variables[] = { "NETFLOCK_URL", "REDIS_URL",
	"REDISCLI_AUTH", "NETFLOCK_CHAIN", "LOGNAME", "USER",
	"POSIXLY_CORRECT" };

/* Each test: an empty environment, stderr in a file. */
static int
set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	setenv("NETFLOCK_CONFIG", "/dev/null", 1);
	printed_fd = memfd_create("stderr", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	if (printed_fd == -1 || saved_stderr == -1)
		return -1;
	memset(&o, 0, sizeof(o));
	return dup2(printed_fd, STDERR_FILENO) == -1;
}

static int
tear_down(void **state)
{
	(void)state;
	options_free(&o);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(printed_fd);
	return 0;
}

static char **given; /* the words last parsed */

/* Parse; returns OPTIONS_RUN's 0 or the exit status, -1 if that is 0. */
static int
parse(const words argv)
{
	static char *copy[WORDS_MAX + 1];
	static char name[] = "netflock";
	int argc = 1, status = INT_MIN;

	options_free(&o);
	memset(&o, 0, sizeof(o));
	o.commands = commands;
	/* Words that may be written to, as those of a process. */
	for (int i = 1; i <= WORDS_MAX && copy[i] != NULL; i++)
		free(copy[i]);
	copy[0] = name;
	for (; argv[argc - 1] != NULL; argc++)
		copy[argc] = strdup(argv[argc - 1]);
	copy[argc] = NULL;
	given = copy;
	if (ftruncate(printed_fd, 0) == -1)
		fail();
	lseek(printed_fd, 0, SEEK_SET);
	if (options_parse(&o, argc, copy, &status) == OPTIONS_RUN) {
		assert_int_equal(status, INT_MIN);
		return 0;
	}
	return status != 0 ? status : -1;
}

#define PARSE(...) parse((words){ __VA_ARGS__ })

static const char *
printed(void)
{
	static char text[8192];
	ssize_t n = pread(printed_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The command's words, joined by "|". */
static const char *
command(void)
{
	static char text[1024];

	text[0] = '\0';
	for (char **p = o.argv; *p != NULL; p++) {
		if (p != o.argv)
			strcat(text, "|");
		strcat(text, *p);
	}
	return text;
}

/* ------------------------------------------------------------------ */
/* What is taken. */

static void
the_defaults_are_those_of_the_manual(void **state)
{
	(void)state;
	assert_int_equal(PARSE("backup", "true"), 0);
	assert_string_equal(printed(), "");
	assert_string_equal(o.command->word, "run");
	assert_string_equal(o.name, "backup");
	assert_string_equal(command(), "true");
	assert_false(o.nonblock);
	assert_int_equal(o.wait_ms, -1);
	assert_int_equal(o.conflict_status, 75);
	assert_int_equal(o.limit, 1);
	assert_int_equal(o.with_count, 0);
	assert_int_equal(o.ttl_ms, 30000);
	assert_int_equal(o.terms.kill_after, 5000 * DEADLINE_MS);
	assert_int_equal(o.terms.io, 2000 * DEADLINE_MS);
	assert_int_equal(o.signal, SIGTERM);
	assert_int_equal(o.on_lost, OPTIONS_KILL);
	assert_int_equal(o.max_runtime_ms, 0);
	assert_false(o.wait_all);
	assert_false(o.kill_all);
	assert_int_equal(o.min_hold_ms, 0);
	assert_int_equal(o.jitter_ms, 0);
	assert_false(o.scrub_env);
	assert_null(o.reason);
	assert_string_equal(o.url.host, "127.0.0.1");
	assert_string_equal(o.url.port, "6379");
	assert_null(o.user);
	assert_null(o.password);
	assert_string_equal(o.prefix, "netflock");
	assert_int_equal(o.connect_ms, 5000);
	assert_int_equal(o.io_ms, -1);
	assert_string_equal(o.chain, "");
	assert_null(o.login);
}

static void
every_option_reaches_its_place(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("-w", "1m", "-E", "0", "-t", "2m", "-k", "0", "--signal",
		"SIGINT", "--on-lost", "warn", "-T", "1h", "--wait-all",
		"--min-hold", "5m", "--jitter=10", "--reason", "release 4.2",
		"--scrub-env", "n", "c"),
	    0);
	assert_int_equal(o.wait_ms, 60000);
	assert_int_equal(o.conflict_status, 0);
	assert_int_equal(o.ttl_ms, 120000);
	assert_int_equal(o.terms.ttl, 120000 * DEADLINE_MS);
	assert_int_equal(o.terms.kill_after, 0);
	assert_int_equal(o.signal, SIGINT);
	assert_int_equal(o.on_lost, OPTIONS_WARN);
	assert_int_equal(o.max_runtime_ms, 3600000);
	assert_true(o.wait_all);
	assert_int_equal(o.min_hold_ms, 300000);
	assert_int_equal(o.jitter_ms, 10000);
	assert_string_equal(o.reason, "release 4.2");
	assert_true(o.scrub_env);

	setenv("REDISCLI_AUTH", "sesame", 1);
	assert_int_equal(PARSE("-nxeo", "--kill-all", "-u", "redis://h:1/2",
			     "--user=ops", "--connect-timeout=1",
			     "--io-timeout=100ms", "--prefix=jobs", "n", "c"),
	    0);
	assert_true(o.nonblock);
	assert_true(o.kill_all);
	assert_string_equal(o.url.host, "h");
	assert_int_equal(o.url.db, 2);
	assert_string_equal(o.user, "ops");
	assert_int_equal(o.connect_ms, 1000);
	assert_int_equal(o.io_ms, 100);
	assert_int_equal(o.terms.io, 100 * DEADLINE_MS);
	assert_string_equal(o.prefix, "jobs");
}

static void
waiting_for_no_time_is_not_waiting(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-w", "0", "n", "c"), 0);
	assert_true(o.nonblock);
	assert_int_equal(PARSE("--timeout=0s", "-n", "n", "c"), 0);
	assert_true(o.nonblock);
	assert_int_equal(PARSE("-T", "0", "n", "c"), 0);
	assert_int_equal(o.max_runtime_ms, 0);
}

static void
the_last_of_a_repeated_option_wins(void **state)
{
	char longest[400];

	(void)state;
	assert_int_equal(
	    PARSE("-w5", "--wait=6", "--timeout", "7", "n", "c"), 0);
	assert_int_equal(o.wait_ms, 7000);
	assert_int_equal(
	    PARSE("-n", "-n", "-nn", "-w", "5", "-w0", "n", "c"), 0);
	assert_true(o.nonblock);
	assert_int_equal(PARSE("-E", "1", "run", "-E", "2", "n", "c"), 0);
	assert_int_equal(o.conflict_status, 2);
	/* argtable2 overran a buffer here, once. */
	memset(longest, 'x', sizeof(longest));
	longest[199] = '\0';
	assert_int_equal(
	    PARSE("--reason", longest, "--reason", longest, "n", "c"), 0);
	longest[199] = 'x';
	longest[399] = '\0';
	assert_int_equal(
	    PARSE("--reason", longest, "--reason", longest, "n", "c"), 64);
}

static void
the_commands_own_options_are_left_alone(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-n", "n", "ls", "-l", "-w", "--", "--ttl"), 0);
	assert_string_equal(o.name, "n");
	assert_string_equal(command(), "ls|-l|-w|--|--ttl");
	assert_int_equal(o.wait_ms, -1);
	assert_int_equal(PARSE("n", "--", "ls", "--help"), 0);
	assert_string_equal(command(), "ls|--help");
	assert_int_equal(PARSE("n", "ls", "--version", "-h", "-V"), 0);
	assert_string_equal(command(), "ls|--version|-h|-V");
}

static void
one_double_dash_after_the_name_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(PARSE("n", "--", "c", "--", "d"), 0);
	assert_string_equal(command(), "c|--|d");
	assert_int_equal(PARSE("n", "--", "--", "c"), 0);
	assert_string_equal(command(), "--|c");
	assert_int_equal(PARSE("--", "n", "--", "c"), 0);
	assert_string_equal(command(), "c");
	assert_int_equal(PARSE("--", "n", "c"), 0);
	assert_string_equal(command(), "c");
	/* Behind it, a command may be called anything. */
	assert_int_equal(PARSE("n", "--", "-c", "x", "y"), 0);
	assert_string_equal(command(), "-c|x|y");
	assert_int_equal(PARSE("n", "--", "-n"), 0);
	assert_string_equal(command(), "-n");
}

static void
a_shell_command_stands_right_after_the_name(void **state)
{
	(void)state;
	assert_int_equal(PARSE("n", "-c", "echo $HOME; ls -l"), 0);
	assert_string_equal(command(), "/bin/sh|-c|echo $HOME; ls -l");
	assert_int_equal(PARSE("-n", "run", "-w0", "n", "-c", ""), 0);
	assert_string_equal(command(), "/bin/sh|-c|");
	assert_int_equal(PARSE("n", "-c", "--"), 0);
	assert_string_equal(command(), "/bin/sh|-c|--");
}

static void
a_lock_may_be_called_like_a_subcommand(void **state)
{
	(void)state;
	assert_int_equal(PARSE("run", "look", "c"), 0);
	assert_string_equal(o.command->word, "run");
	assert_string_equal(o.name, "look");
	assert_int_equal(PARSE("--", "doctor", "c"), 0);
	assert_string_equal(o.name, "doctor");
	assert_int_equal(PARSE("-n", "--", "look", "--", "c"), 0);
	assert_string_equal(o.name, "look");
	assert_int_equal(PARSE("run", "--", "help", "c"), 0);
	assert_string_equal(o.name, "help");
	assert_int_equal(PARSE("run", "run", "run"), 0);
	assert_string_equal(o.name, "run");
	assert_string_equal(command(), "run");
	/* Neither abbreviated nor in capitals, nor the second operand. */
	assert_int_equal(PARSE("hel", "c"), 0);
	assert_int_equal(PARSE("Help", "c"), 0);
	assert_int_equal(PARSE("n", "help"), 0);
	assert_string_equal(command(), "help");
}

static void
a_name_is_any_512_bytes(void **state)
{
	char name[514];

	(void)state;
	memset(name, '\xff', sizeof(name));
	name[512] = '\0';
	assert_int_equal(PARSE(name, "c"), 0);
	assert_string_equal(o.name, name);
	name[512] = '\n';
	name[513] = '\0';
	assert_int_equal(PARSE(name, "c"), 64);
	assert_int_equal(PARSE("-", "c"), 0);
	assert_string_equal(o.name, "-");
	assert_int_equal(PARSE("a b\n{*}", "c"), 0);
	assert_string_equal(o.name, "a b\n{*}");
	assert_int_equal(PARSE("--", "-n", "c"), 0);
	assert_string_equal(o.name, "-n");
}

static void
options_may_stand_before_and_after_the_subcommand(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-q", "look", "--prefix=p", "n"), 0);
	assert_string_equal(o.command->word, "look");
	assert_string_equal(o.prefix, "p");
	assert_int_equal(PARSE("--prefix", "p", "run", "-n", "n", "c"), 0);
	assert_string_equal(o.prefix, "p");
	assert_true(o.nonblock);
}

static void
other_subcommands_take_options_anywhere(void **state)
{
	(void)state;
	assert_int_equal(PARSE("look", "a", "--prefix=p", "b", "-q", "c"), 0);
	assert_string_equal(o.command->word, "look");
	assert_int_equal(o.name_count, 3);
	assert_string_equal(o.names[0], "a");
	assert_string_equal(o.names[1], "b");
	assert_string_equal(o.names[2], "c");
	assert_string_equal(o.prefix, "p");
	assert_int_equal(PARSE("look", "a", "--", "-q", "--"), 0);
	assert_int_equal(o.name_count, 3);
	assert_string_equal(o.names[1], "-q");
	assert_string_equal(o.names[2], "--");
}

static void
posixly_correct_changes_nothing(void **state)
{
	(void)state;
	setenv("POSIXLY_CORRECT", "1", 1);
	the_commands_own_options_are_left_alone(state);
	options_may_stand_before_and_after_the_subcommand(state);
	other_subcommands_take_options_anywhere(state);
	unsetenv("POSIXLY_CORRECT");
}

static void
help_and_version_come_before_everything_else(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help"), 0);
	assert_string_equal(o.command->word, "help");
	assert_int_equal(o.show, OPTIONS_SHOW_HELP);
	assert_null(o.subject);
	assert_int_equal(PARSE("-w", "5x", "-h", "n"), 0);
	assert_string_equal(o.command->word, "help");
	assert_int_equal(PARSE("look", "n", "--help"), 0);
	assert_string_equal(o.command->word, "help");
	assert_string_equal(o.subject->word, "look");
	assert_int_equal(o.name_count, 0);
	assert_int_equal(PARSE("--help", "look"), 0);
	assert_string_equal(o.subject->word, "look");
	assert_int_equal(PARSE("help", "look"), 0);
	assert_string_equal(o.command->word, "help");
	assert_string_equal(o.names[0], "look");
	assert_int_equal(PARSE("-V"), 0);
	assert_int_equal(o.show, OPTIONS_SHOW_VERSION);
	assert_int_equal(PARSE("run", "--version", "n", "c"), 0);
	assert_int_equal(o.show, OPTIONS_SHOW_VERSION);
	setenv("NETFLOCK_URL", "nonsense", 1);
	assert_int_equal(PARSE("help"), 0);
	assert_int_equal(PARSE("--version"), 0);
}

/* ------------------------------------------------------------------ */
/* What is refused. */

#define USE_DURATION " (use e.g. 500ms, 30s, 5m, 1h30m)"

static const struct refusal {
	words argv;
	const char *line; /* status 64, and a hint at --help */
} refusals[] = {
	{ { NULL }, "the NAME of the lock is missing, see netflock --help" },
	{ { "-n" }, "the NAME of the lock is missing, see netflock --help" },
	{ { "run" }, "the NAME of the lock is missing, see netflock --help" },
	{ { "--" }, "the NAME of the lock is missing, see netflock --help" },
	{ { "" }, "the NAME of the lock is empty: there is no default" },
	{ { "look", "" }, "the NAME of the lock is empty: there is no "
			  "default" },
	{ { "n" }, "no COMMAND to run under the lock 'n', see netflock --help" },
	{ { "n", "--" }, "no COMMAND to run under the lock 'n', see netflock --help" },

	{ { "--tttl", "5", "n", "c" },
	    "unknown option '--tttl' (did you mean '--ttl'?)" },
	{ { "--tttl=5", "n", "c" },
	    "unknown option '--tttl' (did you mean '--ttl'?)" },
	{ { "--singal=5", "n", "c" },
	    "unknown option '--singal' (did you mean '--signal'?)" },
	{ { "--Wait", "5" }, "unknown option '--Wait' (did you mean "
			     "'--wait'?)" },
	/* no abbreviations */
	{ { "--nonb", "n", "c" },
	    "unknown option '--nonb' (did you mean '--nonblock'?)" },
	{ { "--time=5", "n", "c" },
	    "unknown option '--time' (did you mean '--timeout'?)" },
	{ { "--wa=5", "n", "c" }, "unknown option '--wa'" },
	/* of later releases: nothing near */
	{ { "--protocol", "x", "n", "c" }, "unknown option '--protocol'" },
	{ { "--protocol", "x", "n", "c" }, "unknown option '--protocol'" },
	{ { "--tls", "n", "c" }, "unknown option '--tls'" },
	{ { "--cacert", "x", "n", "c" },
	    "--cacert needs a server with TLS: --url rediss://..." },
	{ { "-u", "redis://h", "--insecure", "n", "c" },
	    "--insecure needs a server with TLS: --url rediss://..." },
	{ { "-u", "rediss://h", "--cert", "x", "n", "c" },
	    "--cert and --key need each other (it may be the same file)" },
	{ { "-u", "rediss://h", "--key", "x", "n", "c" },
	    "--cert and --key need each other (it may be the same file)" },
	{ { "-u", "rediss://h", "--sni", "::1", "n", "c" },
	    "--sni: invalid host name '::1' (use 1 to 253 of A-Z a-z 0-9 . - "
	    "_, and no address)" },
	{ { "-u", "rediss://h", "--sni", "192.0.2.1", "n", "c" },
	    "--sni: invalid host name '192.0.2.1' (use 1 to 253 of A-Z a-z "
	    "0-9 . - _, and no address)" },
	/* what is hidden is not proposed */
	{ { "--dump-option" }, "unknown option '--dump-option'" },
	{ { "--no-for" }, "unknown option '--no-for'" },
	{ { "-z" }, "unknown option '-z'" },
	{ { "-nz" }, "unknown option '-z'" },
	{ { "-:" }, "unknown option '-:'" },
	{ { "-W", "foo" }, "unknown option '-W'" },
	{ { "-\xc3\xa9" }, "unknown option '-\xc3\xa9'" },
	{ { "-\x01" }, "unknown option '-\\x01'" },
	{ { "--\x1b[31m" }, "unknown option '--\\x1b[31m'" },
	{ { "---" }, "unknown option '---'" },
	{ { "--=5" }, "unknown option '--'" },

	{ { "--nonblock=1", "n", "c" }, "option '--nonblock' takes no value" },
	{ { "--help=" }, "option '--help' takes no value" },
	{ { "-w" }, "option '-w' requires a value" },
	{ { "-nw" }, "option '-w' requires a value" },
	{ { "--wait" }, "option '--wait' requires a value" },
	{ { "look", "n", "--url" }, "option '--url' requires a value" },
	{ { "--wait=", "n", "c" }, "option '--wait' requires a value" },
	{ { "-w", "", "n", "c" }, "option '-w' requires a value" },
	{ { "--reason", "", "n", "c" }, "option '--reason' requires a value" },

	{ { "-w", "5x", "n", "c" },
	    "--wait: invalid duration '5x'" USE_DURATION },
	{ { "--timeout=x", "n", "c" },
	    "--wait: invalid duration 'x'" USE_DURATION },
	{ { "-w", "-n", "n", "c" },
	    "--wait: invalid duration '-n'" USE_DURATION },
	{ { "-T", "5x", "-w", "6x", "n", "c" },
	    "--max-runtime: invalid duration '5x'" USE_DURATION },
	{ { "-w", "5x", "-w", "5", "n", "c" },
	    "--wait: invalid duration '5x'" USE_DURATION },
	{ { "-w", "1\n2", "n", "c" },
	    "--wait: invalid duration '1\\x0a2'" USE_DURATION },
	{ { "-w", "999999999999", "n", "c" },
	    "--wait: out-of-range duration '999999999999' (at most "
	    "104166d)" },
	{ { "-t", "366d", "n", "c" },
	    "--ttl: out-of-range duration '366d' (at most 365d)" },
	{ { "--min-hold", "366d", "n", "c" },
	    "--min-hold: out-of-range duration '366d' (at most 365d)" },
	{ { "--io-timeout=0", "n", "c" },
	    "--io-timeout: out-of-range duration '0' (above 0, at most "
	    "365d)" },
	{ { "--connect-timeout=0", "n", "c" },
	    "--connect-timeout: out-of-range duration '0' (above 0, at most "
	    "365d)" },
	{ { "-E", "256", "n", "c" },
	    "--conflict-exit-code: invalid exit status '256' (use 0 to "
	    "255)" },
	{ { "-E", "-1", "n", "c" },
	    "--conflict-exit-code: invalid exit status '-1' (use 0 to 255)" },
	{ { "-E", "1kb", "n", "c" },
	    "--conflict-exit-code: invalid exit status '1kb' (use 0 to "
	    "255)" },
	{ { "-E", "4294967296", "n", "c" },
	    "--conflict-exit-code: invalid exit status '4294967296' (use 0 "
	    "to 255)" },
	{ { "--signal=0", "n", "c" },
	    "--signal: invalid signal '0' (use a name or a number, e.g. "
	    "TERM, INT, 15)" },
	{ { "--signal=FOO", "n", "c" },
	    "--signal: invalid signal 'FOO' (use a name or a number, e.g. "
	    "TERM, INT, 15)" },
	{ { "--on-lost=ignore", "n", "c" },
	    "--on-lost: invalid action 'ignore' (use kill or warn)" },
	{ { "--prefix=a{b", "n", "c" },
	    "--prefix: invalid prefix 'a{b' (use 1 to 64 bytes without "
	    "braces, blanks and glob characters)" },
	{ { "--prefix=*", "n", "c" },
	    "--prefix: invalid prefix '*' (use 1 to 64 bytes without "
	    "braces, blanks and glob characters)" },
	{ { "--user=a\nb", "n", "c" },
	    "--user: invalid user 'a\\x0ab' (use 1 to 255 bytes without "
	    "control characters)" },

	{ { "--slots", "x", "n", "c" },
	    "--slots: invalid number 'x' (use 1 to 10000)" },
	{ { "--slots=-1", "n", "c" },
	    "--slots: invalid number '-1' (use 1 to 10000)" },
	{ { "--slots=0", "n", "c" },
	    "--slots: out-of-range number '0' (1 to 10000)" },
	{ { "--slots=10001", "n", "c" },
	    "--slots: out-of-range number '10001' (1 to 10000)" },
	{ { "--slots=99999999999999999999", "n", "c" },
	    "--slots: out-of-range number '99999999999999999999' (1 to "
	    "10000)" },
	{ { "-s", "--slots", "3", "n", "c" },
	    "--slots 3 and --shared exclude each other" },
	{ { "--slots", "3", "-x", "-s", "n", "c" },
	    "--slots 3 and --shared exclude each other" },
	{ { "--slots", "3", "-s", "-x", "n", "c" },
	    "--slots 3 and --exclusive exclude each other" },
	{ { "--with=", "n", "c" }, "option '--with' requires a value" },
	{ { "--with", "n", "n", "c" }, "--with n: this lock is named twice" },
	{ { "--with", "a", "--with", "b", "--with", "a", "n", "c" },
	    "--with a: this lock is named twice" },

	{ { "-nw5", "n", "c" }, "--nonblock and --wait 5 exclude each other" },
	{ { "--wait-all", "--kill-all", "n", "c" },
	    "--wait-all and --kill-all exclude each other" },
	{ { "-t", "1s", "n", "c" },
	    "--ttl 1s is too short: a lease must be longer than 1s" },
	{ { "-t", "0", "n", "c" },
	    "--ttl 0 is too short: a lease must be longer than 1s" },

	{ { "-c", "ls", "n" }, "option '-c' stands right after NAME: "
			       "netflock NAME -c 'SHELL COMMAND'" },
	{ { "-nc" }, "option '-c' stands right after NAME: netflock NAME -c "
		     "'SHELL COMMAND'" },
	{ { "n", "-c" }, "option '-c' requires a value" },
	{ { "n", "-c", "ls", "-l" },
	    "option '-c' takes exactly one argument, but '-l' follows: quote "
	    "the whole shell command" },
	{ { "n", "-cls" }, "option '-c' and its value are two words: netflock "
			   "NAME -c 'SHELL COMMAND'" },
	{ { "n", "-n", "c" }, "option '-n' stands after NAME, where COMMAND "
			      "is expected: options go before NAME" },
	{ { "n", "--help" },
	    "option '--help' stands after NAME, where COMMAND is expected: "
	    "options go before NAME" },

	{ { "-F", "n", "c" },
	    "option '-F' is not possible: netflock has to stay, to renew the "
	    "lock while the command runs" },
	{ { "--no-fork", "n", "c" },
	    "option '--no-fork' is not possible: netflock has to stay, to "
	    "renew the lock while the command runs" },
	{ { "-u", "9" },
	    "option '-u' takes the server's URL; there is nothing to unlock "
	    "by hand: the lock goes when its command ends" },
	{ { "-u", "redis://a", "--url=redis://b", "n", "c" },
	    "--url was given more than once: several servers are not "
	    "supported" },

	{ { "-n", "look", "a" }, "'look' takes no option '--nonblock'" },
	{ { "look", "a", "-t", "5" }, "'look' takes no option '--ttl'" },
	{ { "-w", "5x", "look", "a" }, "'look' takes no option '--wait'" },
	{ { "look" }, "'look' needs a NAME" },
	{ { "look", "a", "b", "c", "d" }, "'look' does not take 'd'; "
	    "to run a command under the lock 'look': netflock run look "
	    "COMMAND" },
	{ { "look", "a", "--", "ls" },
	    "'look' runs no command; to run one under the lock 'look': "
	    "netflock run look -- COMMAND" },
	{ { "look", "a", "--frob" },
	    "unknown option '--frob'; to run a command under the lock 'look': "
	    "netflock run look COMMAND" },
	{ { "operate", "-q" },
	    "--quiet tells by its status whether locks are held: it needs a "
	    "NAME" },
	{ { "--if-unreachable", "wait", "-n", "n", "c" },
	    "--nonblock and --if-unreachable wait exclude each other" },
	{ { "--if-unreachable", "wait", "-w", "0", "n", "c" },
	    "--wait 0 and --if-unreachable wait exclude each other" },
	{ { "--once-per", "0", "n", "c" },
	    "--once-per: out-of-range duration '0' (above 0, at most 365d)" },
	{ { "--keep-history", "1001", "n", "c" },
	    "--keep-history: out-of-range number '1001' (at most 1000)" },
	{ { "--keep-history", "-1", "n", "c" },
	    "--keep-history: invalid number '-1' (use 0 to 1000)" },
	{ { "--log", "xml", "n", "c" },
	    "--log: invalid form 'xml' (use text or json)" },
	{ { "operate", "--json", "--names" },
	    "--json and --names exclude each other" },
	{ { "operate", "--token", "a,b", "x" },
	    "--token: invalid token 'a,b' (use 1 to 128 of A-Z a-z 0-9 . _ : "
	    "-)" },

	{ { "help", "look", "run" }, "'help' does not take 'run'; to "
	    "run a command under the lock 'help': netflock run help COMMAND" },
};

static void
every_usage_error_is_one_line_that_names_the_culprit(void **state)
{
	char want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		snprintf(want, sizeof(want), "netflock: %s\n",
		    refusals[i].line);
		assert_int_equal(parse(refusals[i].argv), STATUS_USAGE);
		assert_string_equal(printed(), want);
	}
}

static void
the_last_of_shared_and_exclusive_says_how_many_may_hold_it(void **state)
{
	static const struct {
		words argv;
		int limit;
	} cases[] = {
		{ { "-s", "n", "c" }, 0 },
		{ { "--shared", "n", "c" }, 0 },
		{ { "-x", "-s", "n", "c" }, 0 },
		{ { "-sx", "n", "c" }, 1 },
		{ { "-e", "--shared", "run", "--exclusive", "n", "c" }, 1 },
		{ { "-x", "run", "-s", "n", "c" }, 0 },
		{ { "--slots", "4", "n", "c" }, 4 },
		{ { "--slots", "4", "--slots=10000", "n", "c" }, 10000 },
		{ { "--slots=1", "n", "c" }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].argv), 0);
		assert_int_equal(o.limit, cases[i].limit);
	}
}

static void
every_name_of_with_is_kept_in_its_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--with", "b", "run", "--with=a", "-n",
			     "--with", "--", "n", "--", "c"), 0);
	assert_string_equal(o.name, "n");
	assert_int_equal(o.with_count, 3);
	assert_string_equal(o.with[0], "b");
	assert_string_equal(o.with[1], "a");
	assert_string_equal(o.with[2], "--");
}

static void
with_takes_names_of_512_bytes_and_99_of_them(void **state)
{
	static char numbers[OPTIONS_WITH_MAX + 1][16], name[514];
	static words argv;
	int n;

	(void)state;
	memset(name, 'n', 512);
	assert_int_equal(PARSE("--with", name, "n", "c"), 0);
	memset(name, 'n', 513);
	assert_int_equal(PARSE("--with", name, "n", "c"), 64);
	assert_non_null(strstr(printed(), "(at most 512 bytes)"));
	for (n = 0; n <= OPTIONS_WITH_MAX; n++) {
		snprintf(numbers[n], sizeof(numbers[n]), "--with=%d", n);
		argv[n] = numbers[n];
	}
	argv[n] = "c";
	argv[n - 1] = "n";
	assert_int_equal(parse(argv), 0);
	assert_int_equal(o.with_count, OPTIONS_WITH_MAX);
	argv[n - 1] = numbers[n - 1];
	argv[n] = "n";
	argv[n + 1] = "c";
	assert_int_equal(parse(argv), 64);
	assert_string_equal(printed(), "netflock: --with was given 100 times: "
				       "at most 99 locks besides NAME\n");
}

static void
a_word_of_a_later_release_is_refused_with_a_way_out(void **state)
{
	static const char line[] =
	    "netflock: 'doctor' comes in a later release; for a lock of that "
	    "name: netflock run doctor COMMAND\n";

	(void)state;
	assert_int_equal(PARSE("doctor"), 64);
	assert_string_equal(printed(), line);
	assert_int_equal(PARSE("-n", "doctor", "c"), 64);
	assert_string_equal(printed(), line);
	assert_int_equal(PARSE("doctor", "--help"), 64);
	assert_string_equal(printed(), line);
}

static void
usage_errors_are_said_even_if_quiet(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-q", "-E", "300", "n", "c"), 64);
	assert_non_null(strstr(printed(), "invalid exit status '300'"));
}

static void
messages_are_as_loud_as_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-v", "n", "c"), 0);
	assert_true(message_verbose());
	assert_int_equal(PARSE("n", "c"), 0);
	assert_false(message_verbose());
	assert_int_equal(PARSE("-q", "n", "c"), 0);
	message_error(NULL, "x");
	assert_string_equal(printed(), "");
	assert_int_equal(PARSE("n", "c"), 0);
	message_error(NULL, "x");
	assert_string_equal(printed(), "netflock: x\n");
}

static void
a_lease_without_room_names_the_options_and_the_ttl_that_works(void **state)
{
	const char *number;
	char ttl[32];

	(void)state;
	assert_int_equal(PARSE("-t", "2s", "-k", "5s", "n", "c"), 64);
	assert_non_null(strstr(printed(),
	    "no room in --ttl 2s for --kill-after 5s: the smallest --ttl "
	    "that works is "));
	assert_int_equal(
	    PARSE("-k", "30s", "--io-timeout", "1s", "n", "c"), 64);
	assert_non_null(strstr(printed(),
	    "no room in a lease of 30s for --kill-after 30s --io-timeout 1s: "
	    "the smallest --ttl that works is "));
	/* What it names works, and a millisecond less does not. */
	number = strstr(printed(), "works is ") + strlen("works is ");
	snprintf(ttl, sizeof(ttl), "%.*s", (int)strcspn(number, "\n"), number);
	assert_int_equal(
	    PARSE("-t", ttl, "-k30s", "--io-timeout=1s", "n", "c"), 0);
	snprintf(ttl, sizeof(ttl), "%lldms", (long long)o.ttl_ms - 1);
	assert_int_equal(
	    PARSE("-t", ttl, "-k30s", "--io-timeout=1s", "n", "c"), 64);
	/* The defaults shrink with the ttl: it may be small. */
	assert_int_equal(PARSE("-t", "1001ms", "n", "c"), 0);
	/* The largest values there are overflow nothing, and nothing that would be refused is advised. */
	assert_int_equal(
	    PARSE("-t365d", "-k365d", "--io-timeout=365d", "n", "c"), 64);
	assert_non_null(strstr(printed(),
	    "no room in --ttl 365d for --kill-after 365d --io-timeout 365d: no "
	    "--ttl is long enough for that\n"));
	assert_int_equal(
	    PARSE("-t365d", "-w9000000000", "-T9000000000",
		"--min-hold=365d", "--jitter=9000000000", "n", "c"),
	    0);
}

/* ------------------------------------------------------------------ */
/* Environment. */

static void
the_servers_url_comes_from_option_or_environment(void **state)
{
	(void)state;
	setenv("REDIS_URL", "redis://redis-url", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.url.host, "redis-url");
	setenv("NETFLOCK_URL", "redis://netflock-url", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.url.host, "netflock-url");
	assert_int_equal(PARSE("-u", "/run/redis.sock", "n", "c"), 0);
	assert_true(o.url.unix_socket);
	assert_string_equal(o.url.path, "/run/redis.sock");
	/* Empty is unset. */
	setenv("NETFLOCK_URL", "", 1);
	setenv("REDIS_URL", "", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.url.host, "127.0.0.1");
}

static void
a_bad_url_is_a_matter_of_configuration(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--url", "nonsense", "n", "c"), 78);
	assert_int_equal(strncmp(printed(), "netflock: --url: ", 17), 0);
	assert_null(strstr(printed(), "Try"));
	setenv("REDIS_URL", "http://x", 1);
	assert_int_equal(PARSE("n", "c"), 78);
	assert_int_equal(strncmp(printed(), "netflock: $REDIS_URL: ", 22), 0);
	setenv("NETFLOCK_URL", "redis://u:sesame@h:port", 1);
	assert_int_equal(PARSE("n", "c"), 78);
	assert_int_equal(
	    strncmp(printed(), "netflock: $NETFLOCK_URL: ", 25), 0);
	assert_null(strstr(printed(), "sesame"));
	/* Not looked at when it is not needed. */
	assert_int_equal(PARSE("-u", "redis://h", "n", "c"), 0);
}

static void
the_password_of_the_url_wins(void **state)
{
	(void)state;
	setenv("REDISCLI_AUTH", "from-environment", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.password, "from-environment");
	assert_int_equal(PARSE("-u", "redis://:from-url@h", "n", "c"), 0);
	assert_string_equal(o.password, "from-url");
	setenv("REDISCLI_AUTH", "", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_null(o.password);
}

static void
a_password_in_the_command_line_is_warned_of_and_overwritten(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("-u", "redis://me:s%40same@h:7/1", "n", "c"), 0);
	assert_string_equal(o.password, "s@same");
	assert_string_equal(given[2], "redis://me:********@h:7/1");
	assert_string_equal(printed(),
	    "netflock: n: the password in --url can be read by every user of "
	    "this machine (ps): use --password-file or NETFLOCK_URL\n");
	assert_int_equal(PARSE("--url=unix://:sesame@/s", "-q", "n", "c"), 0);
	assert_string_equal(given[1], "--url=unix://:******@/s");
	assert_string_equal(printed(), "");
	/* A name alone may well be the password. */
	assert_int_equal(PARSE("-u", "redis://sesame@h", "n", "c"), 78);
	assert_string_equal(printed(),
	    "netflock: --url: a user without a password (a password alone is "
	    "written redis://:PASSWORD@HOST)\n");
	/* No password, no warning. */
	assert_int_equal(PARSE("-u", "redis://me:@h", "n", "c"), 0);
	assert_string_equal(given[2], "redis://me:@h");
	assert_string_equal(printed(), "");
	setenv("NETFLOCK_URL", "redis://:sesame@h", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(printed(), "");
}

static void
values_behind_misplaced_options_are_not_repeated(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("n", "--url=redis://:sesame@h", "c"), 64);
	assert_non_null(strstr(printed(), "option '--url' stands after"));
	assert_null(strstr(printed(), "sesame"));
	assert_int_equal(PARSE("n", "-uredis://:sesame@h", "c"), 64);
	assert_null(strstr(printed(), "sesame"));
	assert_int_equal(PARSE("--password=sesame", "n", "c"), 64);
	assert_non_null(strstr(printed(), "'--password-file'"));
	assert_null(strstr(printed(), "sesame"));
	assert_int_equal(PARSE("-asesame", "n", "c"), 64);
	assert_null(strstr(printed(), "sesame"));
	assert_int_equal(PARSE("-u", "redis://:sesame", "n", "c"), 78);
	assert_null(strstr(printed(), "sesame"));
}

static void
a_user_needs_a_password_from_somewhere(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--user", "ops", "n", "c"), 64);
	assert_string_equal(printed(),
	    "netflock: --user ops has no password: use --password-file or "
	    "REDISCLI_AUTH\n");
	assert_int_equal(
	    PARSE("--user", "ops", "-u", "redis://x:@h", "n", "c"), 0);
	setenv("REDISCLI_AUTH", "sesame", 1);
	assert_int_equal(PARSE("--user", "ops", "n", "c"), 0);
	assert_string_equal(o.password, "sesame");
	assert_int_equal(PARSE("--password-file", "/none", "n", "c"), 78);
	assert_string_equal(printed(),
	    "netflock: cannot open the password file '/none': No such file or "
	    "directory\n");
	/* Not looked at when it is not needed. */
	assert_int_equal(PARSE("--password-file", "/none", "-u",
			     "redis://x:y@h", "-q", "n", "c"),
	    0);
}

static void
a_chain_is_a_list_of_tokens(void **state)
{
	static const char *const good[] = { "a", "a,b", "0af:9.x_-,Z" },
				 *const bad[] = { ",", "a,", ",a", "a,,b",
					 "a b", "a;b", "\x1b", "a\n" };
	char token[200];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		setenv("NETFLOCK_CHAIN", good[i], 1);
		assert_int_equal(PARSE("n", "c"), 0);
		assert_string_equal(o.chain, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NETFLOCK_CHAIN", bad[i], 1);
		assert_int_equal(PARSE("n", "c"), 64);
		assert_non_null(strstr(printed(), "$NETFLOCK_CHAIN: "));
	}
	memset(token, 'x', sizeof(token));
	token[128] = '\0';
	setenv("NETFLOCK_CHAIN", token, 1);
	assert_int_equal(PARSE("n", "c"), 0);
	token[128] = 'x';
	token[129] = '\0';
	setenv("NETFLOCK_CHAIN", token, 1);
	assert_int_equal(PARSE("n", "c"), 64);
	setenv("NETFLOCK_CHAIN", "", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.chain, "");
}

static void
the_login_is_logname_or_user(void **state)
{
	(void)state;
	setenv("USER", "user", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.login, "user");
	setenv("LOGNAME", "logname", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.login, "logname");
	setenv("LOGNAME", "", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.login, "user");
	assert_string_equal(o.search, getenv("PATH"));
}

/* ------------------------------------------------------------------ */
/* The table. */

/* A value that an option of the table accepts. */
static const char *
sample(enum options_id id)
{
	static const struct {
		const char *value, *sample;
	} samples[] = { { "DUR", "5" }, { "N", "5" }, { "TEXT", "t" },
		{ "SIG", "HUP" }, { "kill|warn", "warn" },
		{ "URL", "redis://h" }, { "NAME", "u" }, { "WORD", "w" },
		{ "TOKEN", "t" }, { "GLOB", "*" },
		{ "FILE", "/dev/null" }, { "PID", "2" }, { "HOW", "run" },
		{ "text|json", "json" } };

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (strcmp(options_table[id].value, samples[i].value) == 0)
			return samples[i].sample;
	}
	fail_msg("no sample of %s", options_table[id].value);
	return NULL;
}

static void
each_way_to_write_an_option_is_taken(void **state)
{
	char glued[80], words_copy[80], *word;

	(void)state;
	/* Then --user has one, and no file is read. */
	setenv("NETFLOCK_URL", "rediss://:password@h", 1);
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		const struct options_row *row = &options_table[id];
		/* The subcommand that has it. */
		const char *sub =
		    (commands[0].groups & row->group) != 0 ? "run" : "operate";
		/* What an option needs; most need nothing. */
		const char *with = id == OPTION_CERT	   ? "--key=f"
				   : id == OPTION_KEY	   ? "--cert=f"
				   : id == OPTION_INTERVAL ? "--watch"
							   : "-v";
		const char *value;

		if (row->refusal != NULL)
			continue;
		value = row->value != NULL ? sample(id) : NULL;
		for (const char *l = row->letters; l && *l != '\0'; l++) {
			snprintf(glued, sizeof(glued), "-%c%s", *l,
			    value ? value : "");
			assert_int_equal(PARSE(sub, glued, "n", "c"), 0);
			if (value == NULL)
				continue;
			glued[2] = '\0';
			assert_int_equal(PARSE(sub, glued, value, "n", "c"), 0);
		}
		if (row->words == NULL)
			continue;
		snprintf(words_copy, sizeof(words_copy), "%s", row->words);
		word = strtok(words_copy, ",");
		for (; word != NULL; word = strtok(NULL, ",")) {
			snprintf(glued, sizeof(glued), "--%s%s%s", word,
			    value ? "=" : "", value ? value : "");
			assert_int_equal(PARSE(sub, with, glued, "n", "c"), 0);
			glued[2 + strlen(word)] = '\0';
			if (value != NULL)
				assert_int_equal(
				    PARSE(sub, with, glued, value, "n", "c"),
				    0);
		}
	}
}

static void
tls_goes_with_the_url(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-u", "rediss://h", "n", "c"), 0);
	assert_true(o.url.tls);
	assert_null(o.url.use.cacert);
	assert_null(o.url.use.cert);
	assert_null(o.url.use.key);
	assert_null(o.url.use.sni);
	assert_false(o.url.use.insecure);
	assert_int_equal(PARSE("-u", "rediss://h", "--cacert", "a", "--cert=b",
			     "--key", "c", "--sni=db-1.example", "n", "c"),
	    0);
	assert_string_equal(o.url.use.cacert, "a");
	assert_string_equal(o.url.use.cert, "b");
	assert_string_equal(o.url.use.key, "c");
	assert_string_equal(o.url.use.sni, "db-1.example");
	assert_int_equal(PARSE("-u", "rediss://h", "--insecure", "n", "c"), 0);
	assert_true(o.url.use.insecure);
	assert_non_null(strstr(printed(), "netflock: n: --insecure: "));
}

/* ------------------------------------------------------------------ */
/* Configuration files; what is in them: test_config.c. */

static char config_path[200];

/* A file with these lines is the configuration. */
static void
configure(const char *lines)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(config_path, sizeof(config_path), "%s/options.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	fd = mkstemp(config_path);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	setenv("NETFLOCK_CONFIG", config_path, 1);
}

/* The end of a test that configured. */
static int
tear_down_file(void **state)
{
	unlink(config_path);
	return tear_down(state);
}

/* What was printed, without "netflock: FILE". */
static const char *
printed_of_file(void)
{
	const char *text = strstr(printed(), config_path);

	return text != NULL ? text + strlen(config_path) : printed();
}

static void
a_file_says_what_the_command_line_does_not(void **state)
{
	(void)state;
	configure("ttl = 1m\nwait = 5m\nscrub-env = yes\nkill-all = no\n"
		  "url = redis://file:1\nquiet = yes\n");
	assert_int_equal(PARSE("n", "c"), 0);
	assert_int_equal(o.ttl_ms, 60000);
	assert_int_equal(o.wait_ms, 300000);
	assert_true(o.scrub_env);
	assert_false(o.kill_all);
	assert_string_equal(o.url.host, "file");
	assert_false(o.url_default);
	/* It is what status -q and reset -q look at. */
	assert_false(o.quiet);
	assert_int_equal(PARSE("-t", "50s", "--wait", "0", "-q", "n", "c"), 0);
	assert_int_equal(o.ttl_ms, 50000);
	assert_int_equal(o.wait_ms, 0);
	assert_true(o.quiet);
}

static void
what_excludes_it_takes_the_place_of_what_a_file_says(void **state)
{
	(void)state;
	configure("wait = 5m\nkill-all = yes\n");
	assert_int_equal(PARSE("-n", "--wait-all", "n", "c"), 0);
	assert_true(o.nonblock);
	assert_true(o.wait_all);
	assert_int_equal(o.wait_ms, -1);
	assert_false(o.kill_all);
}

static void
how_many_may_hold_it_may_stand_in_a_file(void **state)
{
	(void)state;
	configure("slots = 4\n");
	assert_int_equal(PARSE("n", "c"), 0);
	assert_int_equal(o.limit, 4);
	assert_int_equal(PARSE("-x", "n", "c"), 0);
	assert_int_equal(o.limit, 1);
	assert_int_equal(PARSE("-s", "n", "c"), 0);
	assert_int_equal(o.limit, 0);
	unlink(config_path);
	configure("shared = yes\n");
	assert_int_equal(PARSE("n", "c"), 0);
	assert_int_equal(o.limit, 0);
	assert_int_equal(PARSE("--slots", "3", "n", "c"), 0);
	assert_int_equal(o.limit, 3);
	unlink(config_path);
	configure("shared = yes\nexclusive = yes\n");
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":1: --shared and --exclusive exclude each other\n");
	assert_int_equal(PARSE("-x", "n", "c"), 0);
	unlink(config_path);
	configure("shared = yes\nslots = 3\n");
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":2: --slots 3 and --shared exclude each other\n");
}

static void
what_goes_with_another_server_stays_in_the_file(void **state)
{
	(void)state;
	configure("url = rediss://file\nuser = me\ncacert = /ca\n"
		  "password-file = /nowhere\nprefix = jobs\n");
	setenv("NETFLOCK_URL", "redis://environment", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.url.host, "environment");
	assert_null(o.user);
	assert_null(o.password);
	assert_string_equal(o.prefix, "jobs");
	unsetenv("NETFLOCK_URL");
	assert_int_equal(PARSE("-u", "redis://line", "n", "c"), 0);
	assert_string_equal(o.url.host, "line");
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":4: cannot open the password file '/nowhere': No such file or "
	    "directory\n");
}

static void
what_goes_with_any_server_is_taken_from_a_file_without_one(void **state)
{
	(void)state;
	configure("cacert = /ca\n");
	setenv("NETFLOCK_URL", "rediss://environment", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(o.url.use.cacert, "/ca");
	setenv("NETFLOCK_URL", "redis://environment", 1);
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":1: --cacert needs a server with TLS: --url rediss://...\n");
}

static void
a_file_may_say_what_a_subcommand_has_not(void **state)
{
	(void)state;
	configure("ttl = 1s\nnonblock = yes\nwait = 5m\nprefix = jobs\n");
	assert_int_equal(PARSE("look", "n"), 0);
	assert_string_equal(o.prefix, "jobs");
	assert_false(o.nonblock);
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":2: --nonblock and --wait 5m exclude each other\n");
}

static void
help_is_there_whatever_the_file_says(void **state)
{
	(void)state;
	configure("frob = 1\n");
	assert_int_equal(PARSE("--help"), 0);
	assert_int_equal(PARSE("help"), 0);
	assert_int_equal(PARSE("look", "n"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(), ":1: unknown key 'frob'\n");
	assert_int_equal(PARSE("look", "--config", "/dev/null", "n"), 0);
}

static void
a_lease_without_room_names_the_file_it_comes_from(void **state)
{
	(void)state;
	configure("# lease\nttl = 10s\nkill-after = 8s\n");
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_non_null(strstr(printed_of_file(),
	    ":2: no room in --ttl 10s for --kill-after 8s: the smallest --ttl "
	    "that works is "));
	/* The one in the command line is wrong, and the file is named. */
	assert_int_equal(PARSE("-t", "9s", "n", "c"), STATUS_USAGE);
	assert_non_null(strstr(printed_of_file(),
	    ":3: no room in --ttl 9s for --kill-after 8s: the smallest --ttl "
	    "that works is "));
	assert_int_equal(PARSE("-t", "1m", "n", "c"), 0);
}

static void
a_bad_url_in_a_file_is_told_without_its_password(void **state)
{
	(void)state;
	configure("url = redis://:secret@h:port\n");
	assert_int_equal(PARSE("n", "c"), STATUS_CONFIG);
	assert_string_equal(printed_of_file(),
	    ":1: url: bad URL: the port is no number from 1 to 65535\n");
}

/* The setting KEY as "VALUE FROM", the file being FILE. */
static const char *
setting(const char *key)
{
	static char text[1000];
	struct options_setting s;
	const char *from;

	for (size_t i = 0; options_setting(&o, i, &s); i++) {
		if (strcmp(s.key, key) != 0)
			continue;
		from = strstr(s.from, config_path);
		snprintf(text, sizeof(text), "%s %s%s", s.value,
		    from ? "FILE" : "",
		    from ? from + strlen(config_path) : s.from);
		return text;
	}
	return "no such setting";
}

static void
every_setting_says_where_it_comes_from(void **state)
{
	struct options_setting s;
	size_t i;

	(void)state;
	configure("ttl = 1m\nnonblock = no\nuser = me\n");
	setenv("NETFLOCK_URL", "redis://me:secret@h:1/2", 1);
	assert_int_equal(PARSE("--prefix", "jobs", "-v", "n", "c"), 0);
	assert_string_equal(setting("ttl"), "1m FILE:1");
	assert_string_equal(setting("nonblock"), "no FILE:2");
	assert_string_equal(setting("user"), "me FILE:3");
	assert_string_equal(setting("prefix"), "jobs command line");
	assert_string_equal(setting("verbose"), "yes command line");
	assert_string_equal(
	    setting("url"), "redis://me:***@h:1/2 environment NETFLOCK_URL");
	assert_string_equal(
	    setting("password"), "*** environment NETFLOCK_URL");
	assert_string_equal(setting("kill-after"), "ttl/6, 5s at most default");
	assert_string_equal(setting("reason"), "none default");
	assert_string_equal(setting("exclusive"), "yes default");
	assert_string_equal(setting("wait"), "for ever default");
	assert_string_equal(setting("wait-all"), "no default");
	assert_string_equal(setting("config"), "no such setting");
	for (i = 0; options_setting(&o, i, &s); i++)
		assert_null(strstr(s.value, "secret"));
	assert_true(i > 25);
	setenv("NETFLOCK_URL", "redis://h", 1);
	setenv("REDISCLI_AUTH", "secret", 1);
	assert_int_equal(PARSE("n", "c"), 0);
	assert_string_equal(
	    setting("password"), "*** environment REDISCLI_AUTH");
}

static void
no_option_is_written_like_another(void **state)
{
	char words_copy[80], *word;

	(void)state;
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		const struct options_row *row = &options_table[id];

		for (const char *l = row->letters; l && *l != '\0'; l++)
			assert_int_equal(options_table_letter(*l), id);
		snprintf(words_copy, sizeof(words_copy), "%s",
		    row->words ? row->words : "");
		word = strtok(words_copy, ",");
		for (; word != NULL; word = strtok(NULL, ","))
			assert_int_equal(
			    options_table_word(word, strlen(word)), id);
		/* --help has 80 columns. */
		if (row->help != NULL)
			assert_true(strlen(row->help) <= 50);
		assert_true(row->letters != NULL || row->words != NULL);
		assert_true(row->value == NULL || row->refusal != NULL ||
			    row->kind != NULL);
	}
}

/* Any words at all: a status or a command that is the tail of what came. */
static void
no_words_break_the_parser(void **state)
{
	static const char *const vocabulary[] = { "-n", "-w", "5", "-w5", "0",
		"--wait", "--wait=1m", "--ttl=", "-t", "2s", "-k", "5x", "-c",
		"--", "-", "", "run", "look", "help", "doctor", "n", "ls", "-q",
		"-v", "--help", "-V", "-u", "redis://h", "/s", "--reason", "-F",
		"--nonblock=1", "--no", "-nvq", "-nE", "-E0", "\xff",
		"--=", "-:", "--prefix", "--dump-options", "-nw", "-W",
		"-c x" };
	words argv;
	int status, count, ran = 0;

	(void)state;
	srandom(1);
	for (int round = 0; round < 50000; round++) {
		count = (int)(random() % 12);
		for (int i = 0; i < count; i++)
			argv[i] = vocabulary[(size_t)random() %
					     (sizeof(vocabulary) /
						 sizeof(vocabulary[0]))];
		argv[count] = NULL;
		status = parse(argv);
		if (status != 0) {
			assert_true(status == 64 || status == 78);
			continue;
		}
		if (strcmp(o.command->word, "run") != 0)
			continue;
		ran++;
		assert_non_null(o.argv[0]);
		if (strcmp(o.argv[0], "/bin/sh") == 0)
			continue;
		for (int i = count; o.argv[count - i] != NULL; i--)
			assert_true(i > 0);
		for (count--, status = 0; o.argv[status + 1] != NULL;)
			status++;
		for (; status >= 0; status--, count--)
			assert_ptr_equal(o.argv[status], given[count + 1]);
	}
	assert_true(ran > 100);
}

static void
no_arguments_at_all_are_a_usage_error(void **state)
{
	char *argv[] = { NULL };
	int status = 0;

	(void)state;
	o.commands = commands;
	assert_int_equal(options_parse(&o, 0, argv, &status), OPTIONS_DONE);
	assert_int_equal(status, 64);
}

#define options_test(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define file_test(f) \
	cmocka_unit_test_setup_teardown(f, set_up, tear_down_file)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		options_test(the_defaults_are_those_of_the_manual),
		options_test(every_option_reaches_its_place),
		options_test(waiting_for_no_time_is_not_waiting),
		options_test(the_last_of_a_repeated_option_wins),
		options_test(the_commands_own_options_are_left_alone),
		options_test(one_double_dash_after_the_name_is_dropped),
		options_test(a_shell_command_stands_right_after_the_name),
		options_test(a_lock_may_be_called_like_a_subcommand),
		options_test(a_name_is_any_512_bytes),
		options_test(options_may_stand_before_and_after_the_subcommand),
		options_test(other_subcommands_take_options_anywhere),
		options_test(posixly_correct_changes_nothing),
		options_test(help_and_version_come_before_everything_else),
		options_test(
		    every_usage_error_is_one_line_that_names_the_culprit),
		options_test(
		    the_last_of_shared_and_exclusive_says_how_many_may_hold_it),
		options_test(
		    every_name_of_with_is_kept_in_its_order),
		options_test(
		    with_takes_names_of_512_bytes_and_99_of_them),
		options_test(
		    a_word_of_a_later_release_is_refused_with_a_way_out),
		options_test(usage_errors_are_said_even_if_quiet),
		options_test(messages_are_as_loud_as_was_asked_for),
		options_test(
		    a_lease_without_room_names_the_options_and_the_ttl_that_works),
		options_test(the_servers_url_comes_from_option_or_environment),
		options_test(a_bad_url_is_a_matter_of_configuration),
		options_test(the_password_of_the_url_wins),
		options_test(
		    a_password_in_the_command_line_is_warned_of_and_overwritten),
		options_test(values_behind_misplaced_options_are_not_repeated),
		options_test(a_user_needs_a_password_from_somewhere),
		options_test(a_chain_is_a_list_of_tokens),
		options_test(the_login_is_logname_or_user),
		options_test(each_way_to_write_an_option_is_taken),
		options_test(tls_goes_with_the_url),
		options_test(no_option_is_written_like_another),
		file_test(a_file_says_what_the_command_line_does_not),
		file_test(what_excludes_it_takes_the_place_of_what_a_file_says),
		file_test(how_many_may_hold_it_may_stand_in_a_file),
		file_test(what_goes_with_another_server_stays_in_the_file),
		file_test(
		    what_goes_with_any_server_is_taken_from_a_file_without_one),
		file_test(a_file_may_say_what_a_subcommand_has_not),
		file_test(help_is_there_whatever_the_file_says),
		file_test(a_lease_without_room_names_the_file_it_comes_from),
		file_test(a_bad_url_in_a_file_is_told_without_its_password),
		file_test(every_setting_says_where_it_comes_from),
		options_test(no_words_break_the_parser),
		options_test(no_arguments_at_all_are_a_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
