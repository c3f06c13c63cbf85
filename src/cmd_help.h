/* SPDX-License-Identifier: MIT */
/* help [WORD], WORD --help, --version. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

struct options;

/* Print what o->show says on stdout.  Returns the exit status. */
int cmd_help(const struct options *o);

#endif
