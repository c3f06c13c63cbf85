/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "message.h"
#include "options_memory.h"
#include "status.h"

#define NAME_LONGEST 512 /* bytes */
#define DEFAULT_TTL_MS 30000
#define DEFAULT_CONNECT_MS 5000
#define DEFAULT_INTERVAL_MS 1000
#define DEFAULT_KEEP_HISTORY 20
#define COLUMNS_MAX 10000
#define DEFAULT_PREFIX "netflock"
#define FILE_NAME "netflock.conf"
#define SYSTEM_FILE "/etc/" FILE_NAME

static bool
given(const struct options_memory *m, enum options_id id)
{
	return m->values[id].count > 0;
}

/* Not in a file. */
static bool
given_here(const struct options_memory *m, enum options_id id)
{
	return given(m, id) && m->values[id].file == NULL;
}

static int64_t
number(const struct options_memory *m, enum options_id id, int64_t otherwise)
{
	return given(m, id) ? m->values[id].number : otherwise;
}

static const char *
text(const struct options_memory *m, enum options_id id, const char *otherwise)
{
	return given(m, id) ? m->values[id].text : otherwise;
}

/* An empty variable counts as unset. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ------------------------------------------------------------------ */
/* Words: options, the subcommand, operands. */

const struct options_command *
options_find_command(const struct options_command *commands, const char *word)
{
	const struct options_command *c;

	for (c = commands; c->word != NULL; c++) {
		if (strcmp(c->word, word) == 0)
			return c;
	}
	return NULL;
}

/* Options, then perhaps a subcommand, then its options. */
static int
read_command(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	const struct options_command *c = NULL;

	o->command = o->commands;
	s->groups = ~0U;
	if (options_scan(s, &m->failure) == -1)
		return -1;
	if (s->at < s->argc && !s->dashes)
		c = options_find_command(o->commands, s->argv[s->at]);
	if (c == NULL)
		return 0;
	o->command = c;
	m->word = c->word;
	if (c->main == NULL)
		return failure_set(&m->failure, STATUS_USAGE,
		    "'%s' comes in a later release; for a lock of that name: "
		    "netflock run %s COMMAND",
		    c->word, c->word);
	s->at++;
	s->groups = c->groups;
	return options_scan(s, &m->failure);
}

/*
 * An option behind a name is wrong: perhaps it is that of a command, which
 * was meant to run under a lock whose name is a subcommand's word.
 */
static int
hint(const struct options *o, struct options_memory *m)
{
	static const char unknown[] = "unknown option";

	if (m->word == NULL ||
	    strncmp(m->failure.text, unknown, sizeof(unknown) - 1) != 0)
		return -1;
	return failure_set(&m->failure, STATUS_USAGE,
	    "%s; to run a command under the lock '%s': netflock run %s "
	    "COMMAND",
	    m->failure.text, o->command->word, o->command->word);
}

/* Operands of a subcommand that takes words, with options between them. */
static int
read_names(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	bool dashes = s->dashes;

	o->names = m->names;
	while (s->at < s->argc) {
		o->names[o->name_count++] = s->argv[s->at++];
		if (dashes)
			continue;
		if (options_scan(s, &m->failure) == -1)
			return hint(o, m);
		/* "--" that is not needed for a name: that of a command. */
		dashes = s->dashes;
		if (dashes && s->at < s->argc && s->argv[s->at][0] != '-')
			return failure_set(&m->failure, STATUS_USAGE,
			    "'%s' runs no command; to run one under the lock "
			    "'%s': netflock run %s -- COMMAND",
			    o->command->word, o->command->word,
			    o->command->word);
	}
	return 0;
}

/* Whether each option exists in the command that was chosen. */
static int
check_groups(const struct options *o, struct options_memory *m)
{
	char name[32];

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (m->scan.seen[id].count == 0 ||
		    (options_table[id].group & o->command->groups) != 0)
			continue;
		options_table_name(id, name, sizeof(name));
		return failure_set(&m->failure, STATUS_USAGE,
		    "'%s' takes no option '%s'", o->command->word, name);
	}
	return 0;
}

static int
check_name(const char *name, struct failure *f)
{
	size_t len = strlen(name);

	if (len == 0)
		return failure_set(f, STATUS_USAGE,
		    "the NAME of the lock is empty: there is no default");
	if (len > NAME_LONGEST)
		return failure_set(f, STATUS_USAGE,
		    "the NAME of the lock is too long: %zu bytes, at most %d",
		    len, NAME_LONGEST);
	return 0;
}

/* NAME TOKEN. */
static int
check_holder(const struct options *o, struct failure *f)
{
	const char *word = o->command->word;
	int64_t unused;

	if (o->name_count < 2)
		return failure_set(f, STATUS_USAGE,
		    "'%s' needs a NAME and a TOKEN, which acquire prints", word);
	if (o->name_count > 2 ||
	    options_value_token.read(o->names[1], &unused) != OPTIONS_VALUE_OK)
		return failure_set(f, STATUS_USAGE,
		    "'%s' takes a NAME and a TOKEN, not '%.60s'; to run a "
		    "command under the lock '%s': netflock run %s COMMAND",
		    word, o->names[o->name_count > 2 ? 2 : 1], word, word);
	return check_name(o->names[0], f);
}

static int
check_names(const struct options *o, struct failure *f)
{
	const struct options_command *c = o->command;

	if (c->operands == OPTIONS_HOLDER)
		return check_holder(o, f);
	if (o->name_count < c->least)
		return failure_set(
		    f, STATUS_USAGE, "'%s' needs a NAME", c->word);
	if (o->name_count > c->most)
		return failure_set(f, STATUS_USAGE,
		    "'%s' does not take '%.60s'; to run a command under the "
		    "lock '%s': netflock run %s COMMAND",
		    c->word, o->names[c->most], c->word, c->word);
	for (size_t i = 0; i < o->name_count; i++) {
		if (check_name(o->names[i], f) == -1)
			return -1;
	}
	return 0;
}

/* NAME -c STRING: LEFT counts the words from "-c" on. */
static int
read_shell(struct options *o, struct options_memory *m, int left)
{
	static char shell[] = "/bin/sh", option[] = "-c";

	if (left < 2)
		return failure_set(
		    &m->failure, STATUS_USAGE, "option '-c' requires a value");
	if (left > 2)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-c' takes exactly one argument, but '%.60s' "
		    "follows: quote the whole shell command",
		    m->scan.argv[m->scan.at + 2]);
	m->shell_argv[0] = shell;
	m->shell_argv[1] = option;
	m->shell_argv[2] = m->scan.argv[m->scan.at + 1];
	o->argv = m->shell_argv;
	return 0;
}

/* How much of an option is quoted: its value may be a secret. */
static int
shown(const char *option)
{
	size_t len = option[1] == '-' ? strcspn(option, "=") : 2;

	return (int)(len < 60 ? len : 60);
}

/* NAME [--] COMMAND [ARG]... or NAME -c STRING. */
static int
read_run(struct options *o, struct options_memory *m)
{
	struct options_scan *s = &m->scan;
	char **next;

	if (s->at >= s->argc)
		return failure_set(&m->failure, STATUS_USAGE,
		    "the NAME of the lock is missing, see netflock --help");
	o->name = s->argv[s->at++];
	if (check_name(o->name, &m->failure) == -1)
		return -1;
	next = s->argv + s->at;
	if (s->at < s->argc && strcmp(*next, "-c") == 0)
		return read_shell(o, m, s->argc - s->at);
	if (s->at < s->argc && strcmp(*next, "--") == 0)
		next++;
	else if (s->at < s->argc && strncmp(*next, "-c", 2) == 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-c' and its value are two words: netflock NAME -c "
		    "'SHELL COMMAND'");
	/* No command begins so: an option on the wrong side of NAME. */
	else if (s->at < s->argc && (*next)[0] == '-' && (*next)[1] != '\0')
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '%.*s' stands after NAME, where COMMAND is "
		    "expected: options go before NAME",
		    shown(*next), *next);
	if (*next == NULL)
		return failure_set(&m->failure, STATUS_USAGE,
		    "no COMMAND to run under the lock '%.60s', see "
		    "netflock --help", o->name);
	o->argv = next;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Configuration files. */

/* Of the server itself: the first variable that names one, or NULL. */
static const char *
url_variable(const char **name)
{
	const char *url = variable(*name = "NETFLOCK_URL");

	return url != NULL ? url : variable(*name = "REDIS_URL");
}

/*
 * Take from a file what stronger sources leave open.  If they name another
 * server than the file, what goes with its URL goes, too.
 */
static void
apply_file(struct options_memory *m, const struct options_config *c,
    unsigned groups)
{
	const char *name;
	bool other = c->values[OPTION_URL].count > 0 &&
		     (given(m, OPTION_URL) || url_variable(&name) != NULL);
	unsigned settled = 0; /* families, as bits */

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (given(m, id))
			settled |= 1U << options_table[id].family;
	}
	settled &= ~(1U << OPTIONS_NO_FAMILY);
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (c->values[id].line == 0 || given(m, id) ||
		    m->values[id].file != NULL ||
		    (options_table[id].group & groups) == 0 ||
		    (settled >> options_table[id].family & 1) != 0 ||
		    (other && id >= OPTION_URL && id <= OPTION_INSECURE))
			continue;
		m->values[id] = c->values[id];
	}
}

/* PATH lives as long as the options. */
static int
read_file(
    const struct options *o, struct options_memory *m, const char *path, bool must)
{
	struct options_config *c = &m->files[m->file_count++];

	if (options_config_read(c, path, must, &m->failure) == -1)
		return -1;
	apply_file(m, c, o->command->groups | o->command->reads);
	return 0;
}

/* As the XDG Base Directory Specification has it; NULL: nowhere. */
static const char *
find_user_file(struct options_memory *m)
{
	const char *directory = variable("XDG_CONFIG_HOME"), *below = "";
	int len;

	if (directory == NULL || directory[0] != '/') {
		directory = variable("HOME");
		below = "/.config";
	}
	if (directory == NULL || directory[0] != '/')
		return NULL;
	len = snprintf(m->user_file, sizeof(m->user_file), "%s%s/" FILE_NAME,
	    directory, below);
	return (size_t)len < sizeof(m->user_file) ? m->user_file : NULL;
}

/* A file that is named is the only one; else the user's goes first. */
static int
read_files(const struct options *o, struct options_memory *m)
{
	const char *path = text(m, OPTION_CONFIG, NULL);

	if (path == NULL)
		path = variable("NETFLOCK_CONFIG");
	if (path != NULL)
		return read_file(o, m, path, true);
	path = find_user_file(m);
	if (path != NULL && read_file(o, m, path, false) == -1)
		return -1;
	return read_file(o, m, SYSTEM_FILE, false);
}

/*
 * The failure is about the values of these options: if one of them stands in
 * a file, say where.  It is the file's fault if the command line has none.
 */
static int
blame(struct options_memory *m, size_t count, const enum options_id *ids)
{
	const struct options_value *v, *from = NULL;
	int status = STATUS_CONFIG;

	for (size_t i = 0; i < count; i++) {
		v = &m->values[ids[i]];
		if (v->count > 0 && v->file == NULL)
			status = m->failure.status;
		else if (v->count > 0 && from == NULL)
			from = v;
	}
	if (from == NULL)
		return -1;
	return failure_set(&m->failure, status, "%.200s:%u: %s", from->file,
	    from->line, m->failure.text);
}

#define BLAME(m, ...)                                                   \
	blame(m,                                                        \
	    sizeof((enum options_id[]){ __VA_ARGS__ }) /                \
		sizeof(enum options_id),                                \
	    (enum options_id[]){ __VA_ARGS__ })

/* ------------------------------------------------------------------ */
/* Values: what they are, and what does not go together. */

static void
take_values(struct options *o, const struct options_memory *m)
{
	o->wait_ms = number(m, OPTION_WAIT, -1);
	/* As flock: waiting for no time at all is not waiting. */
	o->nonblock = given(m, OPTION_NONBLOCK) || o->wait_ms == 0;
	o->conflict_status = (int)number(m, OPTION_CONFLICT, STATUS_BUSY);
	o->with = m->values[OPTION_WITH].all;
	o->with_count = (size_t)m->values[OPTION_WITH].count;
	o->ttl_ms = number(m, OPTION_TTL, DEFAULT_TTL_MS);
	o->signal = (int)number(m, OPTION_SIGNAL, SIGTERM);
	o->on_lost =
	    (enum options_on_lost)number(m, OPTION_ON_LOST, OPTIONS_KILL);
	o->max_runtime_ms = number(m, OPTION_MAX_RUNTIME, 0);
	o->wait_all = given(m, OPTION_WAIT_ALL);
	o->kill_all = given(m, OPTION_KILL_ALL);
	o->min_hold_ms = number(m, OPTION_MIN_HOLD, 0);
	o->once_ms = number(m, OPTION_ONCE_PER, 0);
	o->if_unreachable = (enum options_unreachable)number(
	    m, OPTION_IF_UNREACHABLE, OPTIONS_FAIL);
	o->jitter_ms = number(m, OPTION_JITTER, 0);
	o->scrub_env = given(m, OPTION_SCRUB_ENV);
	o->reason = text(m, OPTION_REASON, NULL);
	o->report = text(m, OPTION_REPORT, NULL);
	o->keep_history =
	    (int)number(m, OPTION_KEEP_HISTORY, DEFAULT_KEEP_HISTORY);
	/* Who does not wait counts more than a file that would. */
	if (o->nonblock && o->if_unreachable == OPTIONS_WAIT &&
	    m->values[OPTION_IF_UNREACHABLE].file != NULL &&
	    (given_here(m, OPTION_NONBLOCK) || given_here(m, OPTION_WAIT)))
		o->if_unreachable = OPTIONS_FAIL;
	/* In a file it is about messages, not about what a command does. */
	o->quiet = given_here(m, OPTION_QUIET);
	o->json = given(m, OPTION_JSON);
	o->show_config = given(m, OPTION_SHOW_CONFIG);
	o->watch = given(m, OPTION_WATCH);
	o->names_only = given(m, OPTION_NAMES);
	o->interval_ms = number(m, OPTION_INTERVAL, DEFAULT_INTERVAL_MS);
	o->now = given(m, OPTION_NOW);
	o->token = text(m, OPTION_TOKEN, NULL);
	o->match = text(m, OPTION_MATCH, NULL);
	o->pid = number(m, OPTION_PID, 0);
	o->add_ms = number(m, OPTION_ADD, -1);
	o->ttl_given = given_here(m, OPTION_TTL);
	o->fence = given(m, OPTION_FENCE);
	o->dry_run = given(m, OPTION_DRY_RUN);
	o->force = given(m, OPTION_FORCE);
	o->user = text(m, OPTION_USER, NULL);
	o->prefix = text(m, OPTION_PREFIX, DEFAULT_PREFIX);
	o->connect_ms = number(m, OPTION_CONNECT_TIMEOUT, DEFAULT_CONNECT_MS);
	o->io_ms = number(m, OPTION_IO_TIMEOUT, -1);
}

/* " --kill-after 5s" for an option that was given, "" if it was not. */
static const char *
cite(const struct options_memory *m, enum options_id id, char *dst, size_t size)
{
	char name[32];

	dst[0] = '\0';
	if (given(m, id))
		snprintf(dst, size, " %s %.60s",
		    options_table_name(id, name, sizeof(name)),
		    text(m, id, ""));
	return dst;
}

/* What to do when LEAST is the smallest ttl that would do. */
static void
advise(char *dst, size_t size, int64_t least)
{
	bool whole = least % 1000 == 0;

	if (least > OPTIONS_VALUE_LONGEST)
		snprintf(dst, size, "no --ttl is long enough for that");
	else
		snprintf(dst, size,
		    "the smallest --ttl that works is %" PRId64 "%s",
		    whole ? least / 1000 : least, whole ? "s" : "ms");
}

/* The lease must leave time to renew, and to stop the command. */
static int
check_terms(struct options *o, struct options_memory *m)
{
	int64_t kill_after = number(m, OPTION_KILL_AFTER, -1);
	char ttl[100], kill_text[100], io[100], advice[64];

	if (((o->command->groups | o->command->reads) & OPTIONS_LEASE) == 0)
		return 0;
	if (o->ttl_ms <= 1000) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--ttl %.60s is too short: a lease must be longer than 1s",
		    text(m, OPTION_TTL, ""));
		return BLAME(m, OPTION_TTL);
	}
	/* To renew for somebody else is not to take one. */
	if (((o->command->groups | o->command->reads) & OPTIONS_GETTING) == 0)
		return 0;
	deadline_terms(&o->terms, o->ttl_ms, kill_after, o->io_ms);
	if (deadline_terms_fit(&o->terms))
		return 0;
	advise(advice, sizeof(advice),
	    deadline_smallest_ttl_ms(kill_after, o->io_ms));
	cite(m, OPTION_TTL, ttl, sizeof(ttl));
	failure_set(&m->failure, STATUS_USAGE,
	    "no room in%s for%s%s: %s",
	    ttl[0] != '\0' ? ttl : " a lease of 30s",
	    cite(m, OPTION_KILL_AFTER, kill_text, sizeof(kill_text)),
	    cite(m, OPTION_IO_TIMEOUT, io, sizeof(io)), advice);
	return BLAME(m, OPTION_TTL, OPTION_KILL_AFTER, OPTION_IO_TIMEOUT);
}

/* A script that has no lock must not go on as if it had one. */
static int
check_script(struct options *o, struct options_memory *m)
{
	static const enum options_id needy[] = { OPTION_KILL_AFTER,
		OPTION_SIGNAL, OPTION_ON_LOST };
	char name[32];

	if ((o->command->groups & OPTIONS_KEEPING) == 0)
		return 0;
	/* In a file that is meant for those who run commands. */
	if (o->conflict_status == 0 && !given_here(m, OPTION_CONFLICT))
		o->conflict_status = STATUS_BUSY;
	if (o->conflict_status == 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--conflict-exit-code 0 would tell the script that it has "
		    "the lock when it has not");
	for (size_t i = 0; i < sizeof(needy) / sizeof(*needy); i++)
		if (given_here(m, needy[i]) && o->pid == 0)
			return failure_set(&m->failure, STATUS_USAGE,
			    "%s needs --pid: without it nobody sees that the "
			    "lock is lost",
			    options_table_name(needy[i], name, sizeof(name)));
	if (o->pid == getpid())
		return failure_set(&m->failure, STATUS_USAGE,
		    "--pid %d is netflock itself: give it that of the script",
		    (int)o->pid);
	return 0;
}

static int
check_together(const struct options *o, struct options_memory *m)
{
	if (given(m, OPTION_NONBLOCK) && o->wait_ms > 0) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--nonblock and --wait %.60s exclude each other",
		    text(m, OPTION_WAIT, ""));
		return BLAME(m, OPTION_NONBLOCK, OPTION_WAIT);
	}
	if (o->nonblock && o->if_unreachable == OPTIONS_WAIT) {
		failure_set(&m->failure, STATUS_USAGE,
		    "%s and --if-unreachable wait exclude each other",
		    given(m, OPTION_NONBLOCK) ? "--nonblock" : "--wait 0");
		return BLAME(m, OPTION_NONBLOCK, OPTION_WAIT,
		    OPTION_IF_UNREACHABLE);
	}
	if (o->wait_all && o->kill_all) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--wait-all and --kill-all exclude each other");
		return BLAME(m, OPTION_WAIT_ALL, OPTION_KILL_ALL);
	}
	if (o->ttl_given && o->add_ms >= 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--ttl and --add exclude each other");
	if (o->json && o->names_only)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--json and --names exclude each other");
	if (given(m, OPTION_INTERVAL) && !o->watch)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--interval %.60s needs --watch",
		    text(m, OPTION_INTERVAL, ""));
	if (o->quiet && (o->command->groups & OPTIONS_LOOKING) != 0 &&
	    (o->name_count == 0 || o->watch))
		return failure_set(&m->failure, STATUS_USAGE,
		    o->watch ? "--quiet and --watch exclude each other"
			     : "--quiet tells by its status whether locks "
			       "are held: it needs a NAME");
	return 0;
}

/* As flock: the last of -s and -x counts.  Who says both, and how many? */
static int
read_limit(struct options *o, struct options_memory *m)
{
	bool exclusive = given(m, OPTION_EXCLUSIVE);
	/* Lines of a file have no order. */
	bool both = exclusive && m->values[OPTION_EXCLUSIVE].file != NULL;
	bool shared = given(m, OPTION_SHARED) &&
		      (!exclusive || both ||
			  m->scan.seen[OPTION_SHARED].turn >
			      m->scan.seen[OPTION_EXCLUSIVE].turn);

	o->limit = shared ? 0 : (int)number(m, OPTION_SLOTS, 1);
	if (given(m, OPTION_SLOTS) && (shared || exclusive))
		failure_set(&m->failure, STATUS_USAGE,
		    "--slots %.60s and %s exclude each other",
		    text(m, OPTION_SLOTS, ""),
		    shared ? "--shared" : "--exclusive");
	else if (shared && both)
		failure_set(&m->failure, STATUS_USAGE,
		    "--shared and --exclusive exclude each other");
	else
		return 0;
	return BLAME(m, OPTION_SLOTS, OPTION_SHARED, OPTION_EXCLUSIVE);
}

/* The names of --with: each once, and not NAME. */
static int
check_with(const struct options *o, struct options_memory *m)
{
	bool twice;

	if (o->with_count > OPTIONS_WITH_MAX)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--with was given %zu times: at most %d locks besides NAME",
		    o->with_count, OPTIONS_WITH_MAX);
	for (size_t i = 0; i < o->with_count; i++) {
		twice = o->name != NULL && strcmp(o->with[i], o->name) == 0;
		for (size_t j = 0; j < i; j++)
			twice = twice || strcmp(o->with[i], o->with[j]) == 0;
		if (twice)
			return failure_set(&m->failure, STATUS_USAGE,
			    "--with %.60s: this lock is named twice",
			    o->with[i]);
	}
	return 0;
}

/* ------------------------------------------------------------------ */
/* Environment. */

static int
check_url_option(struct options_memory *m)
{
	const char *url = text(m, OPTION_URL, NULL);

	if (url == NULL)
		return 0;
	if (m->values[OPTION_URL].count > 1)
		return failure_set(&m->failure, STATUS_USAGE,
		    "--url was given more than once: several servers are not "
		    "supported");
	/* Somebody thinks of flock -u: no host's name, nor a path. */
	if (m->scan.seen[OPTION_URL].letter != '\0' &&
	    strpbrk(url, ".:/") == NULL && strcmp(url, "localhost") != 0)
		return failure_set(&m->failure, STATUS_USAGE,
		    "option '-u' takes the server's URL; there is nothing to "
		    "unlock by hand: the lock goes when its command ends");
	return 0;
}

/* The password came with --url: say so, and do not let it stay there. */
static void
hide_password(const struct options *o, const struct options_memory *m)
{
	/* It is a word of argv, which is ours to write to. */
	options_secret_hide((char *)(uintptr_t)m->values[OPTION_URL].text);
	message_error(o->name,
	    "the password in --url can be read by every user of this machine "
	    "(ps): use --password-file or NETFLOCK_URL");
}

static int
read_password(struct options *o, struct options_memory *m)
{
	const char *path = text(m, OPTION_PASSWORD_FILE, NULL);

	if (o->url.has_password) {
		o->password = o->url.password;
	} else if (path != NULL) {
		if (options_secret_read(path, m->secret, &m->failure) == -1)
			return BLAME(m, OPTION_PASSWORD_FILE);
		o->password = m->secret;
	} else {
		o->password = variable("REDISCLI_AUTH");
	}
	if (o->user == NULL || o->password != NULL)
		return 0;
	failure_set(&m->failure, STATUS_USAGE,
	    "--user %.60s has no password: use --password-file or "
	    "REDISCLI_AUTH",
	    o->user);
	return BLAME(m, OPTION_USER);
}

/* Whoever asks for TLS must not be given a connection without it. */
static int
read_tls(struct options *o, struct options_memory *m)
{
	char name[32];

	for (enum options_id id = OPTION_CACERT; id <= OPTION_INSECURE; id++) {
		if (!given(m, id) || o->url.tls)
			continue;
		failure_set(&m->failure, STATUS_USAGE,
		    "%s needs a server with TLS: --url rediss://...",
		    options_table_name(id, name, sizeof(name)));
		return BLAME(m, id);
	}
	if (given(m, OPTION_CERT) != given(m, OPTION_KEY)) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--cert and --key need each other (it may be the same "
		    "file)");
		return BLAME(m, OPTION_CERT, OPTION_KEY);
	}
	o->url.use = (struct url_tls){ .cacert = text(m, OPTION_CACERT, NULL),
		.cert = text(m, OPTION_CERT, NULL),
		.key = text(m, OPTION_KEY, NULL),
		.sni = text(m, OPTION_SNI, NULL),
		.insecure = given(m, OPTION_INSECURE) };
	if (o->url.use.insecure)
		message_error(o->name,
		    "--insecure: anybody on the way to the server can read "
		    "and change what it is told");
	return 0;
}

/* Where the URL was said. */
static char *
name_url(const struct options_memory *m, char *dst, size_t size)
{
	const struct options_value *v = &m->values[OPTION_URL];

	if (m->url_variable != NULL)
		snprintf(dst, size, "$%s", m->url_variable);
	else if (v->file != NULL)
		snprintf(dst, size, "%.200s:%u: url", v->file, v->line);
	else
		snprintf(dst, size, "--url");
	return dst;
}

static void
find_url(struct options *o, struct options_memory *m)
{
	const char *name;

	/* What a file says has given way to the environment already. */
	m->url = text(m, OPTION_URL, NULL);
	if (m->url != NULL)
		return;
	m->url = url_variable(&name);
	if (m->url != NULL) {
		m->url_variable = name;
		return;
	}
	m->url = URL_DEFAULT;
	o->url_default = true;
}

static int
read_server(struct options *o, struct options_memory *m)
{
	struct failure why;
	char from[240];

	find_url(o, m);
	if (url_parse(m->url, &o->url, &why) == -1)
		return failure_set(&m->failure, why.status, "%s: %s",
		    name_url(m, from, sizeof(from)), why.text);
	if (given_here(m, OPTION_URL) && o->url.password[0] != '\0')
		hide_password(o, m);
	if (read_password(o, m) == -1)
		return -1;
	/* Not shown back: it may be the password. */
	if (o->url.user[0] != '\0' && o->user == NULL && o->password == NULL)
		return failure_set(&m->failure, STATUS_CONFIG,
		    "%s: a user without a password (a password alone is "
		    "written redis://:PASSWORD@HOST)",
		    name_url(m, from, sizeof(from)));
	return read_tls(o, m);
}

/* See no-color.org, and what ls(1) does about COLUMNS. */
static void
read_terminal(struct options *o)
{
	const char *columns = variable("COLUMNS"), *term = variable("TERM");
	long n = columns != NULL ? strtol(columns, NULL, 10) : 0;

	o->columns = n > 0 && n <= COLUMNS_MAX ? (int)n : 0;
	o->dumb = term == NULL || strcmp(term, "dumb") == 0;
	o->colour = variable("NO_COLOR") == NULL && !o->dumb;
}

static int
read_environment(struct options *o, struct options_memory *m)
{
	const char *chain = variable("NETFLOCK_CHAIN");

	o->chain = chain != NULL ? chain : "";
	if (!options_value_is_chain(o->chain))
		return failure_set(&m->failure, STATUS_USAGE,
		    "$NETFLOCK_CHAIN: invalid list of tokens '%.60s' (netflock "
		    "sets it for its command)",
		    chain);
	o->login = variable("LOGNAME");
	if (o->login == NULL)
		o->login = variable("USER");
	o->search = variable("PATH");
	read_terminal(o);
	return read_server(o, m);
}

/* ------------------------------------------------------------------ */

static void
set_level(const struct options_memory *m)
{
	if (given(m, OPTION_QUIET))
		message_level(MESSAGE_QUIET);
	else if (given(m, OPTION_VERBOSE))
		message_level(MESSAGE_VERBOSE);
	else
		message_level(MESSAGE_NORMAL);
	message_form(number(m, OPTION_LOG, 0) == 1, given(m, OPTION_SYSLOG));
}

/* --help, --version: the command "help" does it, whatever else is given. */
static bool
asks_for_help(struct options *o, const struct options_memory *m)
{
	if (m->scan.seen[OPTION_HELP].count > 0)
		o->show = OPTIONS_SHOW_HELP;
	else if (m->scan.seen[OPTION_VERSION].count > 0)
		o->show = OPTIONS_SHOW_VERSION;
	else if (m->scan.seen[OPTION_DUMP].count > 0)
		o->show = OPTIONS_SHOW_DUMP;
	else
		return false;
	o->subject = m->word != NULL ? o->command : NULL;
	o->command = options_find_command(o->commands, "help");
	o->name_count = 0;
	return true;
}

static int
parse(struct options *o, struct options_memory *m)
{
	if (read_command(o, m) == -1)
		return -1;
	if (o->command->operands != OPTIONS_COMMAND && read_names(o, m) == -1)
		return -1;
	if (check_groups(o, m) == -1)
		return -1;
	if (asks_for_help(o, m))
		return 0;
	if (options_argtable_parse(m->scan.option_count, m->scan.options,
		m->values, &m->failure) == -1)
		return -1;
	/* Help is there for those whose configuration is broken, too. */
	if ((o->command->groups & OPTIONS_CONNECTION) != 0 &&
	    read_files(o, m) == -1)
		return -1;
	set_level(m);
	take_values(o, m);
	if (check_together(o, m) == -1 || read_limit(o, m) == -1 ||
	    check_script(o, m) == -1 ||
	    check_terms(o, m) == -1 || check_url_option(m) == -1)
		return -1;
	if (o->command->operands == OPTIONS_COMMAND) {
		if (read_run(o, m) == -1)
			return -1;
	} else if (check_names(o, &m->failure) == -1)
		return -1;
	if (o->command->operands == OPTIONS_NAME ||
	    o->command->operands == OPTIONS_HOLDER)
		o->name = o->names[0];
	if (o->command->operands == OPTIONS_HOLDER)
		o->token = o->names[1];
	if (check_with(o, m) == -1)
		return -1;
	if ((o->command->groups & OPTIONS_CONNECTION) == 0)
		return 0;
	return read_environment(o, m);
}

enum options_result
options_parse(struct options *o, int argc, char **argv, int *status)
{
	struct options_memory *m;
	size_t words = argc > 0 ? (size_t)argc : 1;

	m = calloc(1, sizeof(*m) + 3 * (words + 1) * sizeof(m->words[0]));
	if (m == NULL) {
		message_always(NULL, "out of memory");
		*status = STATUS_OS;
		return OPTIONS_DONE;
	}
	o->tables = m;
	m->scan.argc = argc;
	m->scan.argv = argv;
	m->scan.at = 1;
	m->scan.options = m->words;
	m->scan.options[m->scan.option_count++] = argv[0];
	m->names = m->words + words + 1;
	m->values[OPTION_WITH].all = (const char **)(m->names + words + 1);
	if (parse(o, m) == 0)
		return OPTIONS_RUN;

	*status = m->failure.status;
	message_always(NULL, "%s", m->failure.text);
	return OPTIONS_DONE;
}

void
options_free(struct options *o)
{
	struct options_memory *m = o->tables;

	if (m != NULL) {
		explicit_bzero(m->secret, OPTIONS_SECRET_MAX);
		for (int i = 0; i < m->file_count; i++)
			options_config_free(&m->files[i]);
	}
	explicit_bzero(o->url.password, sizeof(o->url.password));
	free(o->tables);
	o->tables = NULL;
}
