/* SPDX-License-Identifier: MIT */
#include "cmd_admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "deadline.h"
#include "duration.h"
#include "failure.h"
#include "json.h"
#include "message.h"
#include "options.h"
#include "protocol.h"
#include "session.h"
#include "status.h"
#include "text.h"

#define IO_MS 2000
#define WIDTH 80

struct session_settings
cmd_admin_settings(const struct options *o)
{
	return (struct session_settings){ .url = &o->url,
		.user = o->user,
		.password = o->password,
		.client_name = "netflock",
		.prefix = o->prefix,
		.connect_ns = o->connect_ms * DEADLINE_MS };
}

int
cmd_admin_open(struct admin *a, const struct options *o, struct failure *f)
{
	struct session_settings settings = cmd_admin_settings(o);

	*a = (struct admin){ .protocol = &protocol_netflock,
		.prefix = o->prefix,
		.connect_ns = o->connect_ms * DEADLINE_MS,
		.io_ns = (o->io_ms >= 0 ? o->io_ms : IO_MS) * DEADLINE_MS };
	return admin_open(a, &settings, f);
}

void
cmd_admin_text(struct text *out, struct inspect_text what)
{
	text_escape(out, what.data, what.len);
}

void
cmd_admin_who(struct text *out, const struct inspect_owner *who)
{
	if (who->host.len == 0 && who->pid.len == 0) {
		text_put(out, "somebody unknown");
		return;
	}
	cmd_admin_text(out, who->user);
	text_put(out, "@");
	cmd_admin_text(out, who->host);
	text_put(out, " pid ");
	cmd_admin_text(out, who->pid);
}

static bool
is_name_of(const struct inspect *in, struct inspect_text name)
{
	return name.len == in->name_len &&
	       memcmp(name.data, in->name, name.len) == 0;
}

bool
cmd_admin_others(struct text *out, const struct inspect *in,
    const struct inspect_names *names)
{
	struct inspect_text name;
	int64_t left = names->count - 1;
	const char *between = "";
	bool any = false;

	for (size_t at = 0; inspect_name(names, &at, &name);) {
		if (is_name_of(in, name))
			continue;
		text_put(out, between);
		cmd_admin_text(out, name);
		between = ", ";
		any = true;
		left--;
	}
	if (any && left > 0)
		text_format(out, " and %" PRId64 " more", left);
	return any;
}

void
cmd_admin_problem(struct text *out, const struct inspect *in)
{
	if (in->bad_key.len == 0) {
		text_put(out, "its record was not written by netflock");
		return;
	}
	text_put(out, "key '");
	cmd_admin_text(out, in->bad_key);
	text_put(out, "' is ");
	if (in->bad_type.len > 0) {
		text_put(out, "a ");
		cmd_admin_text(out, in->bad_type);
		text_put(out, ", ");
	}
	text_put(out, "not a lock of netflock");
}

void
cmd_admin_duration(struct text *out, int64_t ms)
{
	char duration[24];

	text_put(out,
	    ms < 0 ? "?" : duration_format(duration, sizeof(duration), ms));
}

void
cmd_admin_json_text(
    struct json *j, const char *key, struct inspect_text what)
{
	if (what.len == 0)
		json_null(j, key);
	else
		json_text(j, key, what.data, what.len);
}

static int64_t
digits(struct inspect_text text)
{
	int64_t n = 0;

	if (text.len == 0 || text.len > 15)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		n = n * 10 + (text.data[i] - '0');
	}
	return n;
}

void
cmd_admin_json_owner(struct json *j, const struct inspect_owner *who)
{
	cmd_admin_json_text(j, "user", who->user);
	cmd_admin_json_text(j, "host", who->host);
	json_number(j, "pid", digits(who->pid));
	cmd_admin_json_text(j, "command", who->command);
}

size_t
cmd_admin_width(const struct options *o)
{
	struct winsize size;

	if (o->columns > 0)
		return (size_t)o->columns;
	if (isatty(STDOUT_FILENO) &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH;
}

bool
cmd_admin_colour(const struct options *o)
{
	return o->colour && isatty(STDOUT_FILENO);
}

int
cmd_admin_print(struct text *out, int *status)
{
	bool failed = out->failed;

	if (!failed && out->len > 0)
		fwrite(out->data, 1, out->len, stdout);
	text_empty(out);
	if (failed) {
		message_always(NULL, "out of memory");
		*status = STATUS_OS;
		return -1;
	}
	if (fflush(stdout) != EOF && !ferror(stdout))
		return 0;
	/* "netflock status | head": who has seen enough may go. */
	*status = STATUS_OK;
	if (errno != EPIPE) {
		message_always(NULL, "cannot write to the standard output: %m");
		*status = STATUS_OS;
	}
	return -1;
}
