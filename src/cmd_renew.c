/* SPDX-License-Identifier: MIT */
#include "cmd_renew.h"

#include "cmd_holder.h"
#include "failure.h"
#include "message.h"
#include "options.h"
#include "status.h"

/* How long it is to last from now on; by default as long as it was made for. */
static int64_t
wanted_ms(const struct options *o, const struct inspect_holder *holder)
{
	if (o->add_ms >= 0)
		return holder->lease_ms + o->add_ms;
	return o->ttl_given ? o->ttl_ms : holder->ttl_ms;
}

static int
extend(struct cmd_holder *h)
{
	const struct options *o = h->o;
	struct admin_extension extension = { .name = o->name,
		.token = o->token,
		.id = h->id,
		.fence = h->holder->fence,
		.ttl_ms = wanted_ms(o, h->holder) };
	struct failure f;

	if (admin_extend(&h->admin, &extension, &f) != ADMIN_OK) {
		message_error(o->name, "%s", f.text);
		return f.status;
	}
	return extension.ours ? STATUS_OK : cmd_holder_refuse(h);
}

int
cmd_renew(const struct options *o)
{
	struct cmd_holder h;
	int status = cmd_holder_find(&h, o);

	if (status == STATUS_OK)
		status = cmd_holder_has(&h) ? extend(&h)
					    : cmd_holder_refuse(&h);
	cmd_holder_end(&h);
	return status;
}
