/* SPDX-License-Identifier: MIT */
/* What status, reset and reset-all have in common. */
#ifndef CMD_ADMIN_H
#define CMD_ADMIN_H

#include "admin.h"
#include "inspect.h"

struct failure;
struct json;
struct options;
struct session_settings;
struct text;

/* Whom to talk to, and as whom; it points into O. */
struct session_settings cmd_admin_settings(const struct options *o);
/* An admin as the options want it.  Returns 0, or -1 with F set. */
int cmd_admin_open(struct admin *a, const struct options *o, struct failure *f);

/* "ops@db3 pid 4711", escaped. */
void cmd_admin_who(struct text *out, const struct inspect_owner *who);
/*
 * "b, c and 2 more", escaped: the names that are not IN's.  Returns whether
 * there are any.
 */
bool cmd_admin_others(struct text *out, const struct inspect *in,
    const struct inspect_names *names);
/* "key 'x' is a string, not a lock of netflock", escaped. */
void cmd_admin_problem(struct text *out, const struct inspect *in);
void cmd_admin_text(struct text *out, struct inspect_text what);
/* "user", "host", "pid" and "command"; a text that is empty is null. */
void cmd_admin_json_owner(struct json *j, const struct inspect_owner *who);
void cmd_admin_json_text(
    struct json *j, const char *key, struct inspect_text what);
/* How wide a line on the standard output may be, and whether in colour. */
size_t cmd_admin_width(const struct options *o);
bool cmd_admin_colour(const struct options *o);
/* "3m12s", or "?" if it is not known. */
void cmd_admin_duration(struct text *out, int64_t ms);

/*
 * Write and forget it.  Returns 0, or -1: *STATUS is what to exit with, and
 * that has been said, but for a reader who went away.
 */
int cmd_admin_print(struct text *out, int *status);

#endif
