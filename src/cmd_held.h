/* SPDX-License-Identifier: MIT */
/* netflock held: is it still ours?  Returns the exit status. */
#ifndef CMD_HELD_H
#define CMD_HELD_H

struct options;

int cmd_held(const struct options *o);

#endif
