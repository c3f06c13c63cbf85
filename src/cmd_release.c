/* SPDX-License-Identifier: MIT */
#include "cmd_release.h"

#include "cmd_holder.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "status.h"

/*
 * A script's lock is free then, and its keeper told.  That of a command is
 * reset: nobody can give back what another process uses.
 */
static int
give_back(struct cmd_holder *h)
{
	const struct options *o = h->o;
	struct admin_removal removal = { .name = o->name,
		.token = o->token,
		.id = h->id,
		.release = true };
	struct failure f;

	if (admin_reset(&h->admin, &removal, &f) != ADMIN_OK) {
		message_error(o->name, "%s", f.text);
		return f.status;
	}
	/* One that was reset is freed, but was not ours any more. */
	return removal.count > 0 && h->holder->state != INSPECT_REVOKED
		   ? STATUS_OK
		   : cmd_holder_refuse(h);
}

int
cmd_release(const struct options *o)
{
	struct cmd_holder h;
	int status = cmd_holder_find(&h, o);

	if (status == STATUS_OK)
		status = h.holder != NULL &&
				 h.holder->state != INSPECT_COOLING
			     ? give_back(&h)
			     : cmd_holder_refuse(&h);
	cmd_holder_end(&h);
	return status;
}
