/* SPDX-License-Identifier: MIT */
#include "cmd_held.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd_admin.h"
#include "cmd_holder.h"
#include "options.h"
#include "status.h"
#include "text.h"

int
cmd_held(const struct options *o)
{
	struct cmd_holder h;
	struct text out = { 0 };
	int status = cmd_holder_find(&h, o);

	if (status == STATUS_OK && !cmd_holder_has(&h)) {
		status = cmd_holder_refuse(&h);
	} else if (status == STATUS_OK && o->fence) {
		text_format(&out, "%" PRId64 "\n", h.holder->fence);
		cmd_admin_print(&out, &status);
	}
	text_free(&out);
	cmd_holder_end(&h);
	return status;
}
