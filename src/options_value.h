/* SPDX-License-Identifier: MIT */
/* What values options take, and what is said about a wrong one. */
#ifndef OPTIONS_VALUE_H
#define OPTIONS_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct failure;

enum options_value_result {
	OPTIONS_VALUE_OK,
	OPTIONS_VALUE_INVALID,
	OPTIONS_VALUE_RANGE
};

/* What an option got, in one source or in all of them. */
struct options_value {
	int count;	  /* how often it was given; "no" in a file is 0 */
	const char *text; /* as it was given, or NULL */
	const char **all; /* room for the texts of all, or NULL */
	int64_t number;
	const char *file; /* where; NULL: in the command line, or nowhere */
	unsigned line;
};

struct options_kind {
	/* *NUMBER is only set for kinds that are numbers. */
	enum options_value_result (*read)(const char *text, int64_t *number);
	const char *noun;   /* "duration": --wait: invalid duration '5x' */
	const char *use;    /* if INVALID: (use e.g. 500ms, 30s, 5m, 1h30m) */
	const char *limits; /* if RANGE: (at most 365d) */
};

extern const struct options_kind options_value_duration,
    options_value_timeout, /* above 0, a year at most */
    options_value_grace,   /* 0 too, a year at most */
    options_value_status, options_value_keep, options_value_unreachable,
    options_value_log, options_value_file, options_value_signal, options_value_on_lost,
    options_value_prefix, options_value_reason, options_value_user,
    options_value_token, options_value_host, options_value_slots,
    options_value_name, options_value_text,
    options_value_pid;	   /* 2 or more */

/* What "a year at most" is, in ms. */
#define OPTIONS_VALUE_LONGEST (INT64_C(365) * 86400 * 1000)

/*
 * Say in F (STATUS_USAGE) that TEXT is none, RESULT being what KIND made of
 * it: "--wait: invalid duration '5x' (use ...)" if NAME is "--wait".
 * Returns -1.
 */
int options_value_complain(const struct options_kind *kind,
    enum options_value_result result, const char *name, const char *text,
    struct failure *f);

/* Whether TEXT is a list of tokens, separated by commas; "" is one. */
bool options_value_is_chain(const char *text);

#endif
