/* SPDX-License-Identifier: MIT */
#include "cmd_holder.h"

#include <signal.h>
#include <string.h>

#include "cmd_admin.h"
#include "deadline.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "status.h"
#include "text.h"

static int
look(struct cmd_holder *h)
{
	const struct options *o = h->o;
	struct failure f = { .status = 0 };

	if (cmd_admin_open(&h->admin, o, &f) == -1)
		goto failed;
	h->admin.token = o->token;
	h->asked = deadline_now();
	if (admin_inspect(&h->admin, o->name, 0, &h->in, &f) == ADMIN_OK)
		return STATUS_OK;
failed:
	message_error(o->name, "%s", f.text);
	return f.status;
}

/* Our tokens and ids are short; what does not fit is nobody's that we know. */
static bool
has_token(const struct inspect_holder *holder, const char *token)
{
	return holder->state != INSPECT_BROKEN &&
	       holder->token.len == strlen(token) &&
	       memcmp(holder->token.data, token, holder->token.len) == 0;
}

int
cmd_holder_find(struct cmd_holder *h, const struct options *o)
{
	struct text problem = { 0 };
	int status;

	*h = (struct cmd_holder){ .o = o };
	signal(SIGPIPE, SIG_IGN);
	status = look(h);
	if (status != STATUS_OK)
		return status;
	if (h->in.bad_key.len > 0) {
		cmd_admin_problem(&problem, &h->in);
		message_error(o->name, "%.*s", (int)problem.len, problem.data);
		text_free(&problem);
		return STATUS_CONFIG;
	}
	for (size_t i = 0; i < h->in.holder_count; i++) {
		const struct inspect_holder *holder = &h->in.holders[i];

		if (!has_token(holder, o->token) ||
		    holder->id.len >= sizeof(h->id))
			continue;
		h->holder = holder;
		memcpy(h->id, holder->id.data, holder->id.len);
	}
	return STATUS_OK;
}

bool
cmd_holder_has(const struct cmd_holder *h)
{
	struct deadline_terms left;

	if (h->holder == NULL || h->holder->state != INSPECT_HELD)
		return false;
	deadline_terms(&left, h->holder->lease_ms, -1, -1);
	return deadline_now() < deadline_lease(&left, h->asked);
}

int
cmd_holder_refuse(const struct cmd_holder *h)
{
	const char *why = "not held by this token (never, or not any more)";

	if (h->holder != NULL && h->holder->state == INSPECT_REVOKED)
		why = "not held by this token any more: it was reset";
	else if (h->holder != NULL && h->holder->state == INSPECT_COOLING)
		why = "not held by this token any more: it was given back";
	message_error(h->o->name, "%s", why);
	return CMD_HOLDER_NOT_OURS;
}

void
cmd_holder_end(struct cmd_holder *h)
{
	inspect_free(&h->in);
	admin_close(&h->admin);
}
