/* SPDX-License-Identifier: MIT */
/* The command line and the environment, as anybody may give them. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "message.h"
#include "options.h"
#include "status.h"

#define WORDS_MOST 40

static char said[8192];

/* Instead of stderr. */
static void __attribute__((format(printf, 1, 0)))
keep(const char *format, va_list args)
{
	vsnprintf(said, sizeof(said), format, args);
}

void
message_level(enum message_level level)
{
	(void)level;
}

void
message_form(bool json, bool to_syslog)
{
	(void)json;
	(void)to_syslog;
}

void
message_say(enum message_kind kind, const char *name, const char *format, ...)
{
	(void)kind;
	(void)name;
	(void)format;
}

void
message_always(const char *name, const char *format, ...)
{
	va_list args;

	(void)name;
	va_start(args, format);
	keep(format, args);
	va_end(args);
}

/* A warning: of what is right but unwise. */
void
message_error(const char *name, const char *format, ...)
{
	(void)name;
	(void)format;
}

void
message_note(const char *name, const char *format, ...)
{
	(void)name;
	(void)format;
}

bool
message_verbose(void)
{
	return false;
}

size_t
message_escape(char *dst, size_t size, const char *src, size_t len)
{
	return (size_t)snprintf(dst, size, "%.*s", (int)len, src);
}

static int
nothing(const struct options *o)
{
	(void)o;
	return 0;
}

static const struct options_command commands[] = {
	{ .word = "run",
	    .main = nothing,
	    .groups = OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_RUNNING |
		      OPTIONS_STOPPING | OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_COMMAND },
	{ .word = "acquire",
	    .main = nothing,
	    .groups = OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_STOPPING |
		      OPTIONS_KEEPING | OPTIONS_FENCING | OPTIONS_CHOOSING |
		      OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAME,
	    .least = 1,
	    .most = 1 },
	{ .word = "renew",
	    .main = nothing,
	    .groups = OPTIONS_LEASE | OPTIONS_EXTENDING | OPTIONS_FENCING |
		      OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_HOLDER,
	    .least = 2,
	    .most = 2 },
	{ .word = "status",
	    .main = nothing,
	    .groups = OPTIONS_LOOKING | OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .most = SIZE_MAX },
	{ .word = "reset",
	    .main = nothing,
	    .groups = OPTIONS_TAKING | OPTIONS_CHOOSING | OPTIONS_SWEEPING |
		      OPTIONS_CONNECTION | OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .least = 1,
	    .most = SIZE_MAX },
	{ .word = "doctor" },
	{ .word = "help",
	    .main = nothing,
	    .groups = OPTIONS_MESSAGES,
	    .operands = OPTIONS_NAMES,
	    .most = 1 },
	{ .word = NULL },
};

static void
check_run(const struct options *o)
{
	REQUIRE(o->name != NULL && o->name[0] != '\0');
	REQUIRE(strlen(o->name) <= 512);
	REQUIRE(o->argv != NULL && o->argv[0] != NULL);
	REQUIRE(deadline_terms_fit(&o->terms));
	REQUIRE(o->terms.ttl == o->ttl_ms * DEADLINE_MS);
	REQUIRE(o->conflict_status >= 0 && o->conflict_status <= 255);
	REQUIRE(o->signal >= 1 && o->signal <= SIGRTMAX);
	REQUIRE(o->wait_ms >= -1 && o->max_runtime_ms >= 0);
	REQUIRE(o->min_hold_ms >= 0 && o->jitter_ms >= 0);
	REQUIRE(o->nonblock || o->wait_ms != 0);
	REQUIRE(!(o->wait_all && o->kill_all));
}

static void
check_script(const struct options *o)
{
	REQUIRE(o->name == o->names[0]);
	if (o->command->operands == OPTIONS_HOLDER) {
		REQUIRE(o->token == o->names[1] && o->token[0] != '\0');
		REQUIRE(strpbrk(o->token, " /,\n") == NULL);
		return;
	}
	REQUIRE(o->argv == NULL && deadline_terms_fit(&o->terms));
	REQUIRE(o->conflict_status != 0);
	REQUIRE(o->pid == 0 || o->pid > 1);
}

static void
check(const struct options *o)
{
	REQUIRE(o->command != NULL && o->command->main != NULL);
	if (o->command->operands == OPTIONS_COMMAND)
		check_run(o);
	else
		REQUIRE(o->name_count <= o->command->most);
	if (o->command->operands == OPTIONS_NAME ||
	    o->command->operands == OPTIONS_HOLDER)
		check_script(o);
	for (size_t i = 0; i < o->name_count; i++)
		REQUIRE(o->names[i][0] != '\0' || o->command->most == 1);
	if ((o->command->groups & OPTIONS_CONNECTION) == 0)
		return;
	REQUIRE(o->prefix != NULL && o->prefix[0] != '\0');
	REQUIRE(strpbrk(o->prefix, "{}*?[]\\") == NULL);
	REQUIRE(o->connect_ms > 0);
	REQUIRE((o->url.host[0] != '\0') != o->url.unix_socket);
}

static void
set(const char *name, const char *value)
{
	if (*value != '\0')
		setenv(name, value, 1);
	else
		unsetenv(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct options o = { .commands = commands };
	char program[] = "netflock", *words[WORDS_MOST + 2] = { program };
	char *copies[WORDS_MOST + 2] = { NULL };
	int argc = 1, status = -1;
	size_t len;
	char *url = fuzz_word(&in, '\n', &len);
	char *chain = fuzz_word(&in, '\n', &len);

	set("NETFLOCK_CONFIG", "/dev/null");
	set("NETFLOCK_URL", url);
	set("NETFLOCK_CHAIN", chain);
	for (; in.size > 0 && argc <= WORDS_MOST; argc++)
		words[argc] = copies[argc] = fuzz_word(&in, '\0', &len);
	said[0] = '\0';
	if (options_parse(&o, argc, words, &status) == OPTIONS_RUN) {
		check(&o);
		REQUIRE(said[0] == '\0');
	} else {
		REQUIRE(status == STATUS_USAGE || status == STATUS_CONFIG);
		REQUIRE(said[0] != '\0' && strlen(said) < 1000);
	}
	options_free(&o);
	for (int i = 1; i < argc; i++)
		free(copies[i]);
	free(url);
	free(chain);
	return 0;
}
