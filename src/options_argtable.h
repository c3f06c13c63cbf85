/* SPDX-License-Identifier: MIT */
/*
 * The table of options as argtable2 knows it: converts values, prints help.
 * Only options_argtable.c sees the library.
 *
 * argtable2 cannot stop at the first operand, takes abbreviations, and its
 * own messages are wrong or unsafe.  So options_scan.c goes first and hands
 * over nothing but well-formed options; the values are our own type of
 * argument, and what is wrong with one is said here.
 */
#ifndef OPTIONS_ARGTABLE_H
#define OPTIONS_ARGTABLE_H

#include <stdint.h>
#include <stdio.h>

#include "options_table.h"
#include "options_value.h"

struct failure;


/*
 * Fill VALUES from ARGV, a program's name and options only.  Returns 0, or
 * -1 with F set.  Not thread safe (getopt).
 */
int options_argtable_parse(int argc, char **argv,
    struct options_value values[static OPTIONS_ROWS], struct failure *f);
/* Print the options of GROUPS under their titles. */
void options_argtable_print(FILE *fp, unsigned groups);

#endif
