/* SPDX-License-Identifier: MIT */
#include "options_scan.h"

#include <getopt.h>
#include <string.h>

#include "failure.h"
#include "status.h"

#define WORDS_MAX ((size_t)2 * OPTIONS_ROWS)
#define WORD_SIZE 32

/* What getopt_long(3) wants, made of the table. */
struct tables {
	char letters[4 * OPTIONS_ROWS]; /* "+:nw:E:" */
	struct option words[WORDS_MAX];
	char spelled[WORDS_MAX][WORD_SIZE];
	size_t count;
};

/* What is refused comes without its value, so that we get to say why. */
static int
takes_value(const struct options_row *row)
{
	return row->value != NULL && row->refusal == NULL ? required_argument
							  : no_argument;
}

static void
add_words(struct tables *t, enum options_id id)
{
	const char *w = options_table[id].words;
	struct option *o;
	size_t n;

	while (w != NULL && *w != '\0' && t->count + 1 < WORDS_MAX) {
		n = strcspn(w, ",");
		if (n < WORD_SIZE)
			memcpy(t->spelled[t->count], w, n);
		t->spelled[t->count][n < WORD_SIZE ? n : 0] = '\0';
		o = &t->words[t->count];
		o->name = t->spelled[t->count++];
		o->has_arg = takes_value(&options_table[id]);
		o->flag = NULL;
		o->val = 256 + (int)id;
		w += n + (w[n] == ',');
	}
}

static void
make_tables(struct tables *t)
{
	const char *l;
	char *p = t->letters;

	t->count = 0;
	/* "+": stop at the first operand; ":": tell what is missing. */
	*p++ = '+';
	*p++ = ':';
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		for (l = options_table[id].letters; l && *l != '\0'; l++) {
			*p++ = *l;
			if (takes_value(&options_table[id]))
				*p++ = ':';
		}
		add_words(t, id);
	}
	*p = '\0';
	memset(&t->words[t->count], 0, sizeof(t->words[0]));
}

/* Which option getopt's VAL (or optopt) means. */
static enum options_id
which(int val)
{
	return val >= 256 ? (enum options_id)(val - 256)
			  : options_table_letter((char)val);
}

static int
unknown_word(const struct options_scan *s, const char *word, size_t len,
    struct failure *f)
{
	char near[WORD_SIZE];

	if (options_table_near(word, len, s->groups, near, sizeof(near)))
		return failure_set(f, STATUS_USAGE,
		    "unknown option '--%.*s' (did you mean '--%s'?)", (int)len,
		    word, near);
	return failure_set(
	    f, STATUS_USAGE, "unknown option '--%.*s'", (int)len, word);
}

/* getopt returned "?" at WORD. */
static int
unknown(const char *word, struct failure *f)
{
	if (optopt >= 256)
		return failure_set(f, STATUS_USAGE,
		    "option '%.*s' takes no value", (int)strcspn(word, "="),
		    word);
	if (optopt > ' ' && optopt < 127)
		return failure_set(
		    f, STATUS_USAGE, "unknown option '-%c'", optopt);
	return failure_set(f, STATUS_USAGE, "unknown option '%s'", word);
}

static int
missing(int val, const char *word, struct failure *f)
{
	if (val >= 256)
		return failure_set(f, STATUS_USAGE,
		    "option '%.*s' requires a value", (int)strcspn(word, "="),
		    word);
	return failure_set(
	    f, STATUS_USAGE, "option '-%c' requires a value", val);
}

static int
found(struct options_scan *s, int val, struct failure *f)
{
	enum options_id id = which(val);
	char name[WORD_SIZE];

	s->seen[id].count++;
	s->seen[id].letter = val < 256 ? (char)val : '\0';
	s->seen[id].turn = ++s->turns;
	if (options_table[id].refusal == NULL)
		return 0;
	options_table_name(id, name, sizeof(name));
	if (val < 256)
		snprintf(name, sizeof(name), "-%c", val);
	return failure_set(
	    f, STATUS_USAGE, "option '%s' %s", name, options_table[id].refusal);
}

/* Abbreviations end here: a later option must never change what they mean. */
static int
check_word(const struct options_scan *s, const char *word, struct failure *f)
{
	size_t len;

	if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
		return 0;
	word += 2;
	len = strcspn(word, "=");
	if (options_table_word(word, len) == OPTIONS_ROWS)
		return unknown_word(s, word, len, f);
	return 0;
}

int
options_scan(struct options_scan *s, struct failure *f)
{
	/* getopt starts at the word behind ARGV[0]. */
	int base = s->at - 1, argc = s->argc - base, val, at, i;
	char **argv = s->argv + base;
	struct tables t;

	make_tables(&t);
	s->dashes = false;
	opterr = 0;
	optind = 0; /* glibc: forget all about the last time */
	for (at = 1;; at = optind) {
		if (at < argc && check_word(s, argv[at], f) == -1)
			return -1;
		val = getopt_long(argc, argv, t.letters, t.words, NULL);
		if (val == -1)
			break;
		if (val == '?')
			return unknown(argv[at], f);
		if (val == ':')
			return missing(optopt, argv[at], f);
		/* argtable2 takes "" for no value, and no option needs it. */
		if (optarg != NULL && optarg[0] == '\0')
			return missing(val, argv[at], f);
		if (found(s, val, f) == -1)
			return -1;
	}
	s->dashes = optind > at;
	s->at = base + optind;
	for (i = 1; i < at; i++)
		s->options[s->option_count++] = argv[i];
	return 0;
}
