/* SPDX-License-Identifier: MIT */
/*
 * netflock status: who holds what, since when, who waits.  cmd_status.c looks
 * and prints, cmd_status_show.c makes what is shown of one lock,
 * cmd_status_watch.c does it again and again on one screen.
 */
#ifndef CMD_STATUS_H
#define CMD_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "text.h"

struct admin;
struct failure;
struct inspect;
struct options;
struct table;

/* Returns the exit status. */
int cmd_status(const struct options *o);

/* One look on its way to the screen. */
struct cmd_status_view {
	const struct options *o;
	struct admin *admin;
	bool tty; /* say so if there is nothing to show */
	bool colour;
	size_t width; /* of a line */
	bool whole;   /* collect the text, print nothing (one screen) */
	size_t most;  /* table rows that are kept if whole */
	struct text out;
	struct json json;
	struct table *table;
	size_t shown; /* locks, or rows of the table that were written */
	size_t left;  /* rows that were not kept */
	int status;   /* -1, or why it ended early */
};

/* Look, and show.  Returns an admin_result; V->status if it ended early. */
int cmd_status_look(struct cmd_status_view *v, struct failure *f);
void cmd_status_view_free(struct cmd_status_view *v);

/* cmd_status_show.c: one lock, in V->out or V->table. */
struct table *cmd_status_table(void);
void cmd_status_row(struct cmd_status_view *v, const struct inspect *in);
void cmd_status_details(struct cmd_status_view *v, const struct inspect *in);
void cmd_status_json(struct cmd_status_view *v, const struct inspect *in);

/* cmd_status_watch.c */
int cmd_status_watch(const struct options *o);

#endif
