/* SPDX-License-Identifier: MIT */
/* netflock acquire: a lock for a script.  Returns the exit status, or dies. */
#ifndef CMD_ACQUIRE_H
#define CMD_ACQUIRE_H

struct options;

int cmd_acquire(const struct options *o);

#endif
