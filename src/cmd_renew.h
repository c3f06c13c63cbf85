/* SPDX-License-Identifier: MIT */
/* netflock renew: a later end of a lease.  Returns the exit status. */
#ifndef CMD_RENEW_H
#define CMD_RENEW_H

struct options;

int cmd_renew(const struct options *o);

#endif
