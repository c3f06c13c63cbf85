/* SPDX-License-Identifier: MIT */
/* netflock [run]: a command under a lock.  Returns the exit status, or dies. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

struct options;

int cmd_run(const struct options *o);

#endif
