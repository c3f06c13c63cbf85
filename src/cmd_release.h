/* SPDX-License-Identifier: MIT */
/* netflock release: a lock is given back.  Returns the exit status. */
#ifndef CMD_RELEASE_H
#define CMD_RELEASE_H

struct options;

int cmd_release(const struct options *o);

#endif
