/* SPDX-License-Identifier: MIT */
/* netflock history: the last runs under a lock. */
#ifndef CMD_HISTORY_H
#define CMD_HISTORY_H

struct options;

/* Returns the exit status. */
int cmd_history(const struct options *o);

#endif
