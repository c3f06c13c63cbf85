/* SPDX-License-Identifier: MIT */
#include "options_table.h"

#include <stdio.h>
#include <string.h>

#include "options_value.h"

#define OPTIONS_IN_FILE                                       \
	(OPTIONS_GETTING | OPTIONS_LEASE | OPTIONS_RUNNING |  \
	    OPTIONS_STOPPING | OPTIONS_CONNECTION |           \
	    OPTIONS_MESSAGES)

const struct options_row options_table[OPTIONS_ROWS] = {
	[OPTION_NONBLOCK] = { OPTIONS_GETTING, "n", "nonblock", NULL,
	    .help = "one attempt, then \"busy\"", .family = OPTIONS_WAITING },
	[OPTION_WAIT] = { OPTIONS_GETTING, "w", "wait,timeout", "DUR",
	    .help = "wait at most that long (default: for ever)",
	    .kind = &options_value_duration, .family = OPTIONS_WAITING },
	[OPTION_CONFLICT] = { OPTIONS_GETTING, "E", "conflict-exit-code", "N",
	    .help = "status for \"busy\", 0 to 255 (default: 75)",
	    .kind = &options_value_status },
	[OPTION_EXCLUSIVE] = { OPTIONS_GETTING, "xe", "exclusive", NULL,
	    .help = "hold the lock alone (the default)",
	    .family = OPTIONS_LIMIT },
	[OPTION_SHARED] = { OPTIONS_GETTING, "s", "shared", NULL,
	    .help = "hold it together with all who do so",
	    .family = OPTIONS_LIMIT },
	[OPTION_SLOTS] = { OPTIONS_GETTING, NULL, "slots", "N",
	    .help = "at most N hold it at a time",
	    .kind = &options_value_slots, .family = OPTIONS_LIMIT },
	[OPTION_WITH] = { OPTIONS_GETTING, NULL, "with", "NAME",
	    .help = "take this lock, too, or none (repeatable)",
	    .kind = &options_value_name, .command_line_only = true },
	[OPTION_MIN_HOLD] = { OPTIONS_GETTING, NULL, "min-hold", "DUR",
	    .help = "keep the lock at least that long",
	    .kind = &options_value_grace },
	[OPTION_JITTER] = { OPTIONS_GETTING, NULL, "jitter", "DUR",
	    .help = "random delay before the first attempt",
	    .kind = &options_value_duration },
	[OPTION_REASON] = { OPTIONS_GETTING, NULL, "reason", "TEXT",
	    .help = "why, for those who wait", .kind = &options_value_reason },

	[OPTION_TTL] = { OPTIONS_LEASE, "t", "ttl", "DUR",
	    .help = "lease, renewed in time (default: 30s)",
	    .kind = &options_value_grace },

	[OPTION_SHELL] = { OPTIONS_RUNNING, "c", NULL, "STRING",
	    .help = "run /bin/sh -c STRING; stands right after NAME",
	    .refusal =
		"stands right after NAME: netflock NAME -c 'SHELL COMMAND'" },
	[OPTION_ONCE_PER] = { OPTIONS_RUNNING, NULL, "once-per", "DUR",
	    .help = "skip if a run succeeded that began in that time",
	    .kind = &options_value_timeout },
	[OPTION_IF_UNREACHABLE] = { OPTIONS_RUNNING, NULL, "if-unreachable",
	    "HOW",
	    .help = "no server: fail, wait or run (default: fail)",
	    .kind = &options_value_unreachable },
	[OPTION_MAX_RUNTIME] = { OPTIONS_RUNNING, "T", "max-runtime", "DUR",
	    .help = "stop COMMAND after that long, status 124",
	    .kind = &options_value_duration },
	[OPTION_WAIT_ALL] = { OPTIONS_RUNNING, NULL, "wait-all", NULL,
	    .help = "hold the lock until COMMAND's children end, too",
	    .family = OPTIONS_LEFT_BEHIND },
	[OPTION_KILL_ALL] = { OPTIONS_RUNNING, NULL, "kill-all", NULL,
	    .help = "kill the children that COMMAND leaves behind",
	    .family = OPTIONS_LEFT_BEHIND },
	[OPTION_SCRUB_ENV] = { OPTIONS_RUNNING, NULL, "scrub-env", NULL,
	    .help = "hide NETFLOCK_URL, REDIS_URL and REDISCLI_AUTH" },
	[OPTION_REPORT] = { OPTIONS_RUNNING, NULL, "report", "FILE",
	    .help = "write how it went there, as JSON",
	    .kind = &options_value_file, .command_line_only = true },
	[OPTION_KEEP_HISTORY] = { OPTIONS_RUNNING, NULL, "keep-history", "N",
	    .help = "runs that \"history\" can show (default: 20)",
	    .kind = &options_value_keep },
	[OPTION_CLOSE] = { OPTIONS_RUNNING, "o", "close", NULL,
	    .help = "nothing: COMMAND never inherits the lock" },
	[OPTION_NO_FORK] = { OPTIONS_RUNNING, "F", "no-fork", NULL,
	    .refusal =
		"is not possible: netflock has to stay, to renew the lock "
		"while the command runs" },

	[OPTION_KILL_AFTER] = { OPTIONS_STOPPING, "k", "kill-after", "DUR",
	    .help = "between TERM and KILL (default: ttl/6, 5s at most)",
	    .kind = &options_value_grace },
	[OPTION_SIGNAL] = { OPTIONS_STOPPING, NULL, "signal", "SIG",
	    .help = "first signal to stop it with (default: TERM)",
	    .kind = &options_value_signal },
	[OPTION_ON_LOST] = { OPTIONS_STOPPING, NULL, "on-lost", "kill|warn",
	    .help = "when the lock is lost (default: kill)",
	    .kind = &options_value_on_lost },

	[OPTION_PID] = { OPTIONS_KEEPING, NULL, "pid", "PID",
	    .help = "renew the lock as long as this process lives",
	    .kind = &options_value_pid },
	[OPTION_ADD] = { OPTIONS_EXTENDING, NULL, "add", "DUR",
	    .help = "as much more than is left of the lease",
	    .kind = &options_value_timeout },
	[OPTION_FENCE] = { OPTIONS_FENCING, NULL, "fence", NULL,
	    .help = "print the fence number" },

	[OPTION_JSON] = { OPTIONS_OUTPUT, NULL, "json", NULL,
	    .help = "print JSON, for programs" },
	[OPTION_WATCH] = { OPTIONS_LOOKING, NULL, "watch", NULL,
	    .help = "look again and again, until Ctrl-C" },
	[OPTION_INTERVAL] = { OPTIONS_LOOKING, NULL, "interval", "DUR",
	    .help = "between two looks of --watch (default: 1s)",
	    .kind = &options_value_timeout },
	[OPTION_NAMES] = { OPTIONS_LOOKING, NULL, "names", NULL,
	    .help = "print the names only, one per line" },
	[OPTION_SHOW_CONFIG] = { OPTIONS_EXAMINING, NULL, "show-config", NULL,
	    .help = "print the settings, and where each comes from" },
	[OPTION_NOW] = { OPTIONS_TAKING, NULL, "now", NULL,
	    .help = "free at once, while the command may still run" },
	[OPTION_TOKEN] = { OPTIONS_CHOOSING, NULL, "token", "TOKEN",
	    .help = "this holder only; or, for acquire, its name",
	    .kind = &options_value_token },
	[OPTION_MATCH] = { OPTIONS_SWEEPING, NULL, "match", "GLOB",
	    .help = "only locks whose name matches: * ? [a-z]",
	    .kind = &options_value_text },
	[OPTION_DRY_RUN] = { OPTIONS_SWEEPING, NULL, "dry-run", NULL,
	    .help = "say what would be done, do nothing" },
	[OPTION_FORCE] = { OPTIONS_SWEEPING, NULL, "force", NULL,
	    .help = "do not ask" },

	[OPTION_CONFIG] = { OPTIONS_CONNECTION, NULL, "config", "FILE",
	    .help = "settings, instead of those in the usual places",
	    .kind = &options_value_text, .command_line_only = true },
	[OPTION_URL] = { OPTIONS_CONNECTION, "u", "url", "URL",
	    .help = "redis[s]://[user[:password]@]host[:port][/db], ...",
	    .kind = &options_value_text },
	[OPTION_USER] = { OPTIONS_CONNECTION, NULL, "user", "NAME",
	    .help = "ACL user, instead of the URL's",
	    .kind = &options_value_user },
	[OPTION_PASSWORD_FILE] = { OPTIONS_CONNECTION, NULL, "password-file",
	    "FILE", .help = "the password, if the URL has none",
	    .kind = &options_value_text },
	[OPTION_CACERT] = { OPTIONS_CONNECTION, NULL, "cacert", "FILE",
	    .help = "CAs that vouch for the server, not the system's",
	    .kind = &options_value_text },
	[OPTION_CERT] = { OPTIONS_CONNECTION, NULL, "cert", "FILE",
	    .help = "our certificate, for a server that wants one",
	    .kind = &options_value_text },
	[OPTION_KEY] = { OPTIONS_CONNECTION, NULL, "key", "FILE",
	    .help = "its private key", .kind = &options_value_text },
	[OPTION_SNI] = { OPTIONS_CONNECTION, NULL, "sni", "NAME",
	    .help = "the server's name, if not the URL's host",
	    .kind = &options_value_host },
	[OPTION_INSECURE] = { OPTIONS_CONNECTION, NULL, "insecure", NULL,
	    .help = "do not verify the server's certificate" },
	[OPTION_CONNECT_TIMEOUT] = { OPTIONS_CONNECTION, NULL,
	    "connect-timeout", "DUR",
	    .help = "until the server first answers (default: 5s)",
	    .kind = &options_value_timeout },
	[OPTION_IO_TIMEOUT] = { OPTIONS_CONNECTION, NULL, "io-timeout", "DUR",
	    .help = "for one request (default: 2s, at most ttl/10)",
	    .kind = &options_value_timeout },
	[OPTION_PREFIX] = { OPTIONS_CONNECTION, NULL, "prefix", "WORD",
	    .help = "first part of the keys (default: netflock)",
	    .kind = &options_value_prefix },

	[OPTION_QUIET] = { OPTIONS_MESSAGES, "q", "quiet", NULL,
	    .help = "say nothing but usage errors",
	    .family = OPTIONS_LOUDNESS },
	[OPTION_VERBOSE] = { OPTIONS_MESSAGES, "v", "verbose", NULL,
	    .help = "say what happens, and who is waited for",
	    .family = OPTIONS_LOUDNESS },
	[OPTION_LOG] = { OPTIONS_MESSAGES, NULL, "log", "text|json",
	    .help = "form of messages (default: text)",
	    .kind = &options_value_log },
	[OPTION_SYSLOG] = { OPTIONS_MESSAGES, NULL, "syslog", NULL,
	    .help = "messages go to the system log" },
	[OPTION_HELP] = { OPTIONS_MESSAGES, "h", "help", NULL,
	    .help = "print this help", .command_line_only = true },
	[OPTION_VERSION] = { OPTIONS_MESSAGES, "V", "version", NULL,
	    .help = "print the version", .command_line_only = true },
	[OPTION_DUMP] = { OPTIONS_MESSAGES, .words = "dump-options" },
};

const struct options_title options_titles[] = {
	{ OPTIONS_GETTING, "Getting the lock" },
	{ OPTIONS_LEASE, "The lease" },
	{ OPTIONS_RUNNING, "Running the command" },
	{ OPTIONS_STOPPING, "When it must stop" },
	{ OPTIONS_KEEPING, "Keeping the lock for a script" },
	{ OPTIONS_EXTENDING, "Extending the lease" },
	{ OPTIONS_FENCING, "Telling the fence" },
	{ OPTIONS_OUTPUT, "Output" },
	{ OPTIONS_LOOKING, "Looking at locks" },
	{ OPTIONS_EXAMINING, "Examining" },
	{ OPTIONS_TAKING, "Taking locks away" },
	{ OPTIONS_CHOOSING, "Which holder" },
	{ OPTIONS_SWEEPING, "Which locks" },
	{ OPTIONS_CONNECTION, "Connection" },
	{ OPTIONS_MESSAGES, "Messages" },
	{ 0, NULL },
};

enum options_id
options_table_letter(char letter)
{
	enum options_id id;

	for (id = 0; id < OPTIONS_ROWS; id++) {
		if (options_table[id].letters != NULL && letter != '\0' &&
		    strchr(options_table[id].letters, letter) != NULL)
			break;
	}
	return id;
}

/*
 * The next word of a row's list: its start, and *LEN; NULL at the end.
 * Begin with the list and *LEN = 0.
 */
static const char *
next_word(const char *list, size_t *len)
{
	if (list == NULL)
		return NULL;
	list += *len;
	if (*len > 0 && *list == ',')
		list++;
	*len = strcspn(list, ",");
	return *len > 0 ? list : NULL;
}

enum options_id
options_table_word(const char *word, size_t len)
{
	enum options_id id;
	const char *w;
	size_t n;

	for (id = 0; id < OPTIONS_ROWS; id++) {
		n = 0;
		w = options_table[id].words;
		while ((w = next_word(w, &n)) != NULL) {
			if (n == len && memcmp(w, word, len) == 0)
				return id;
		}
	}
	return id;
}

#define NEAR_LONGEST 32

static int
least(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * How many slips of a finger lie between A and B: letters left out, added,
 * changed, or two of them swapped ("optimal string alignment").
 */
static int
slips(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int d[NEAR_LONGEST + 1][NEAR_LONGEST + 1];
	size_t i, j;

	if (a_len > NEAR_LONGEST || b_len > NEAR_LONGEST)
		return NEAR_LONGEST;
	for (i = 0; i <= a_len; i++)
		d[i][0] = (int)i;
	for (j = 0; j <= b_len; j++)
		d[0][j] = (int)j;
	for (i = 1; i <= a_len; i++) {
		for (j = 1; j <= b_len; j++) {
			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1,
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i][j] > d[i - 2][j - 2])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

const char *
options_table_near(
    const char *word, size_t len, unsigned groups, char *dst, size_t size)
{
	const char *w, *near = NULL, *begins = NULL;
	size_t n, near_len = 0, begins_len = 0, begin_count = 0;
	int distance, best = len < 5 ? 2 : 3;

	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		if (options_table[id].help == NULL ||
		    (options_table[id].group & groups) == 0)
			continue;
		n = 0;
		w = options_table[id].words;
		while ((w = next_word(w, &n)) != NULL) {
			distance = slips(word, len, w, n);
			if (distance < best) {
				best = distance;
				near = w;
				near_len = n;
			}
			if (len > 1 && len < n && memcmp(w, word, len) == 0) {
				begin_count++;
				begins = w;
				begins_len = n;
			}
		}
	}
	/* An abbreviation, which we do not take, but understand. */
	if (near == NULL && begin_count == 1) {
		near = begins;
		near_len = begins_len;
	}
	if (near == NULL)
		return NULL;
	snprintf(dst, size, "%.*s", (int)near_len, near);
	return dst;
}

const char *
options_table_near_command(
    const struct options_command *commands, const char *word)
{
	const struct options_command *c;

	for (c = commands; c->word != NULL; c++) {
		if (slips(word, strlen(word), c->word, strlen(c->word)) == 1)
			return c->word;
	}
	return NULL;
}

char *
options_table_name(enum options_id id, char *dst, size_t size)
{
	const struct options_row *row = &options_table[id];

	if (row->words != NULL)
		snprintf(dst, size, "--%.*s", (int)strcspn(row->words, ","),
		    row->words);
	else
		snprintf(dst, size, "-%c", row->letters[0]);
	return dst;
}

bool
options_table_in_file(enum options_id id)
{
	const struct options_row *row = &options_table[id];

	return row->words != NULL && row->help != NULL &&
	       row->refusal == NULL && !row->command_line_only &&
	       (row->group & OPTIONS_IN_FILE) != 0;
}

char *
options_table_default(enum options_id id, char *dst, size_t size)
{
	static const char begin[] = "(default: ";
	const char *help = options_table[id].help;
	const char *said = strstr(help, begin);

	if (said != NULL) {
		said += sizeof(begin) - 1;
		snprintf(dst, size, "%.*s", (int)strcspn(said, ")"), said);
	} else if (options_table[id].value != NULL) {
		snprintf(dst, size, "none");
	} else {
		snprintf(dst, size, "%s",
		    strstr(help, "(the default)") != NULL ? "yes" : "no");
	}
	return dst;
}

/* The same for programs: each way to write it, separated by commas. */
static void
dump_row(FILE *fp, const struct options_row *row)
{
	const char *w = row->words, *comma = "", *p;
	size_t n = 0;

	fputs("option\t", fp);
	for (p = row->letters; p != NULL && *p != '\0'; p++) {
		fprintf(fp, "%s-%c", comma, *p);
		comma = ",";
	}
	while ((w = next_word(w, &n)) != NULL) {
		fprintf(fp, "%s--%.*s", comma, (int)n, w);
		comma = ",";
	}
	fprintf(fp, "\t%s", row->value ? row->value : "");
	for (size_t i = 0; options_titles[i].title != NULL; i++) {
		if (options_titles[i].group == row->group)
			fprintf(fp, "\t%s\n", options_titles[i].title);
	}
}

void
options_table_dump(FILE *fp, const struct options_command *commands)
{
	const struct options_command *c;
	size_t i;

	for (i = 0; i < OPTIONS_ROWS; i++) {
		if (options_table[i].help != NULL)
			dump_row(fp, &options_table[i]);
	}
	for (c = commands; c->word != NULL; c++) {
		fprintf(fp, "command\t%s\t", c->word);
		if (c->main == NULL)
			fputs("later", fp);
		for (i = 0; c->main && options_titles[i].title != NULL; i++) {
			if (c->groups & options_titles[i].group)
				fprintf(fp, "%s;", options_titles[i].title);
		}
		putc('\n', fp);
	}
}
