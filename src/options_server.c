/* SPDX-License-Identifier: MIT */
/*
 * Which server, as whom, how: what --url, a file and the environment say,
 * the user, the password and the settings of TLS; which of them wins.
 */
#include "options_inner.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "message.h"
#include "status.h"
#include "url.h"

const char *
options_url_variable(const char **name)
{
	const char *url = options_variable(*name = "NETFLOCK_URL");

	return url != NULL ? url : options_variable(*name = "REDIS_URL");
}

static void
find_url(struct options *o, struct options_memory *m)
{
	const char *name;

	/* What a file says has given way to the environment already. */
	m->url = options_text(m, OPTION_URL, NULL);
	if (m->url != NULL)
		return;
	m->url = options_url_variable(&name);
	if (m->url != NULL) {
		m->url_variable = name;
		return;
	}
	m->url = URL_DEFAULT;
	o->url_default = true;
}

/* Where the URL was said. */
static char *
name_url(const struct options_memory *m, char *dst, size_t size)
{
	const struct options_value *v = &m->values[OPTION_URL];

	if (m->url_variable != NULL)
		snprintf(dst, size, "$%s", m->url_variable);
	else if (v->file != NULL)
		snprintf(dst, size, "%.200s:%u: url", v->file, v->line);
	else
		snprintf(dst, size, "--url");
	return dst;
}

/* The password came with --url: say so, and do not let it stay there. */
static void
hide_password(const struct options *o, const struct options_memory *m)
{
	/* It is a word of argv, which is ours to write to. */
	options_secret_hide((char *)(uintptr_t)m->values[OPTION_URL].text);
	message_error(o->name,
	    "the password in --url can be read by every user of this machine "
	    "(ps): use --password-file or NETFLOCK_URL");
}

static int
read_password(struct options *o, struct options_memory *m)
{
	const char *path = options_text(m, OPTION_PASSWORD_FILE, NULL);

	if (o->url.has_password) {
		o->password = o->url.password;
	} else if (path != NULL) {
		if (options_secret_read(path, m->secret, &m->failure) == -1)
			return OPTIONS_BLAME(m, OPTION_PASSWORD_FILE);
		o->password = m->secret;
	} else {
		o->password = options_variable("REDISCLI_AUTH");
	}
	if (o->user == NULL || o->password != NULL)
		return 0;
	failure_set(&m->failure, STATUS_USAGE,
	    "--user %.60s has no password: use --password-file or "
	    "REDISCLI_AUTH",
	    o->user);
	return OPTIONS_BLAME(m, OPTION_USER);
}

/* Whoever asks for TLS must not be given a connection without it. */
static int
read_tls(struct options *o, struct options_memory *m)
{
	char name[32];

	for (enum options_id id = OPTION_CACERT; id <= OPTION_INSECURE; id++) {
		if (!options_given(m, id) || o->url.tls)
			continue;
		failure_set(&m->failure, STATUS_USAGE,
		    "%s needs a server with TLS: --url rediss://...",
		    options_table_name(id, name, sizeof(name)));
		return OPTIONS_BLAME(m, id);
	}
	if (options_given(m, OPTION_CERT) != options_given(m, OPTION_KEY)) {
		failure_set(&m->failure, STATUS_USAGE,
		    "--cert and --key need each other (it may be the same "
		    "file)");
		return OPTIONS_BLAME(m, OPTION_CERT, OPTION_KEY);
	}
	o->url.use = (struct url_tls){
		.cacert = options_text(m, OPTION_CACERT, NULL),
		.cert = options_text(m, OPTION_CERT, NULL),
		.key = options_text(m, OPTION_KEY, NULL),
		.sni = options_text(m, OPTION_SNI, NULL),
		.insecure = options_given(m, OPTION_INSECURE)
	};
	if (o->url.use.insecure)
		message_error(o->name,
		    "--insecure: anybody on the way to the server can read "
		    "and change what it is told");
	return 0;
}

int
options_server_read(struct options *o, struct options_memory *m)
{
	struct failure why;
	char from[240];

	find_url(o, m);
	if (url_parse(m->url, &o->url, &why) == -1)
		return failure_set(&m->failure, why.status, "%s: %s",
		    name_url(m, from, sizeof(from)), why.text);
	if (options_given_here(m, OPTION_URL) && o->url.password[0] != '\0')
		hide_password(o, m);
	if (read_password(o, m) == -1)
		return -1;
	/* Not shown back: it may be the password. */
	if (o->url.user[0] != '\0' && o->user == NULL && o->password == NULL)
		return failure_set(&m->failure, STATUS_CONFIG,
		    "%s: a user without a password (a password alone is "
		    "written redis://:PASSWORD@HOST)",
		    name_url(m, from, sizeof(from)));
	return read_tls(o, m);
}
