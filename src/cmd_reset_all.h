/* SPDX-License-Identifier: MIT */
/* netflock reset-all: reset every lock, or those whose name matches. */
#ifndef CMD_RESET_ALL_H
#define CMD_RESET_ALL_H

struct options;

/* Returns the exit status, or dies of the signal that interrupted it. */
int cmd_reset_all(const struct options *o);

#endif
