/* SPDX-License-Identifier: MIT */
/*
 * Where options end: the pass over argv that goes before argtable2.  Finds
 * what is an option and what an operand, and everything that is wrong with
 * how an option is written; values are not looked at.
 *
 * Steps of use: point ARGV and OPTIONS at arrays, AT at the first word;
 * options_scan() reads options up to the next operand, which is argv[at]
 * then; to go on behind it, increment AT and call again.
 */
#ifndef OPTIONS_SCAN_H
#define OPTIONS_SCAN_H

#include <stdbool.h>

#include "options_table.h"

struct failure;

struct options_scan {
	int argc;
	char **argv;
	int at;		 /* the next word */
	bool dashes;	 /* the last options_scan() ended at a "--" */
	unsigned groups; /* what "did you mean" may propose */

	char **options;	  /* the words that are options, and their values */
	int option_count; /* OPTIONS has room for ARGC + 1 */
	int turns;
	struct {
		int count;
		char letter; /* how it was written last; 0: as a word */
		int turn;    /* when that was: the later, the more */
	} seen[OPTIONS_ROWS];
};

/* Returns 0, or -1 with F set. */
int options_scan(struct options_scan *s, struct failure *f);

#endif
