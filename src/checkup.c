/* SPDX-License-Identifier: MIT */
#include "checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkup_inner.h"
#include "failure.h"
#include "reply.h"
#include "session.h"
#include "status.h"
#include "token.h"
#include "transport.h"
#include "url.h"

#define SAMPLES 7
#define INFO_MAX ((size_t)1024 * 1024)

/* One checkup. */
struct visit {
	const struct checkup *c;
	struct session *session;
	struct checkup_facts k;
	struct checkup_rights rights;
	enum checkup_level worst;
	int64_t deadline; /* of the next request */
	struct failure f; /* why it cannot go on */
};

typedef void judgement(
    const struct checkup_facts *k, struct checkup_finding *f);

static void
tell(struct visit *v, const struct checkup_finding *f)
{
	if (f->level > v->worst)
		v->worst = f->level;
	v->c->found(v->c->arg, f);
}

static void
tell_judged(struct visit *v, judgement *j)
{
	struct checkup_finding f;

	j(&v->k, &f);
	tell(v, &f);
}

/* What ends the checkup: V's failure, as a finding of CHECK. */
static void
tell_failure(struct visit *v, const char *check, const char *advice)
{
	struct checkup_finding f = { .check = check, .level = CHECKUP_PROBLEM };

	memcpy(f.text, v->f.text, sizeof(f.text));
	(void)snprintf(f.advice, sizeof(f.advice), "%s", advice);
	tell(v, &f);
}

/* Ask; -1 if the conversation is over.  An error reply is a reply. */
static int
ask(struct visit *v, const char *const *words, struct reply **reply)
{
	size_t count = 0;

	while (words[count] != NULL)
		count++;
	v->deadline = deadline_now() + v->c->terms.io;
	return session_ask(v->session, count, words, v->deadline, reply,
		   &v->f) == SESSION_OK
		   ? 0
		   : -1;
}

#define ASK(v, reply, ...) \
	ask(v, (const char *const[]){ __VA_ARGS__, NULL }, reply)

/* ------------------------------------------------------------------ */
/* The first request. */

/* "::1: connection refused, 127.0.0.1: ..." */
static void
note_addresses(struct visit *v)
{
	const struct transport *t = session_transport(v->session);
	char address[108];
	size_t used = 0;
	int error, n;

	for (n = 0; transport_tried(t, n, address, sizeof(address), &error);
	     n++) {
		if (error == 0) {
			snprintf(v->k.peer, sizeof(v->k.peer), "%s", address);
			continue;
		}
		v->k.failed++;
		if (used < sizeof(v->k.tried))
			used += (size_t)snprintf(v->k.tried + used,
			    sizeof(v->k.tried) - used, "%s%s (%s)",
			    used > 0 ? ", " : "", address, strerror(error));
	}
	v->k.local =
	    v->c->settings->url->unix_socket || checkup_is_loopback(v->k.peer);
}

static void
note_security(struct visit *v)
{
	struct transport_security s;

	v->k.tls = transport_security(session_transport(v->session), &s);
	if (!v->k.tls)
		return;
	v->k.verified = !v->c->settings->url->use.insecure;
	snprintf(v->k.tls_version, sizeof(v->k.tls_version), "%s", s.version);
	snprintf(v->k.cipher, sizeof(v->k.cipher), "%s", s.cipher);
	v->k.expires_s = s.expires;
}

/* FIELD of {field, value, ...}, as HELLO has it. */
static void
hello_field(const struct reply *r, const char *field, char *dst, size_t size)
{
	for (size_t i = 0; i + 1 < reply_count(r); i += 2) {
		if (strcmp(reply_text(reply_at(r, i)), field) == 0)
			snprintf(
			    dst, size, "%s", reply_text(reply_at(r, i + 1)));
	}
}

static void
tell_unreachable(struct visit *v)
{
	const struct url *url = v->c->settings->url;
	/* More than the one address that the URL names. */
	bool more = !url->unix_socket && v->k.failed > 0 &&
		    (v->k.failed > 1 ||
			strncmp(v->k.tried, url->host, strlen(url->host)) != 0);
	/* Not one address: the name has none, or nobody told it. */
	bool nameless = !url->unix_socket && v->k.failed == 0;
	char advice[640];

	snprintf(advice, sizeof(advice), "%s%s%s%s The URL is from: %s",
	    more ? "tried " : "", more ? v->k.tried : "", more ? "; " : "",
	    nameless ? "is the host's name right, and known here?"
		     : "does it run, and listen there?",
	    v->c->url_from);
	tell_failure(v, "reach", advice);
}

/* What was reached, and why no further: by how far the connection came. */
static void
tell_connection(struct visit *v, enum session_result r)
{
	enum transport_stage stage =
	    transport_stage(session_transport(v->session));

	if (stage == TRANSPORT_NOWHERE) {
		/* Files of TLS are read before anybody is asked. */
		if (r == SESSION_REFUSED)
			tell_failure(v, "tls", "");
		else
			tell_unreachable(v);
		return;
	}
	tell_judged(v, checkup_judge_reach);
	if (stage == TRANSPORT_CONNECTED) {
		tell_failure(v, "tls", "");
		return;
	}
	tell_judged(v, checkup_judge_tls);
	if (r == SESSION_REFUSED)
		tell_failure(v, "login", "");
	else if (r == SESSION_OK || r == SESSION_ERROR)
		tell_judged(v, checkup_judge_login);
	else
		tell_failure(v, "server", "");
}

/*
 * HELLO tells everybody what the server is, whatever rights he has.  An error
 * of it (SESSION_ERROR) is only a server that does not know it.
 */
static int
say_hello(struct visit *v)
{
	const char *const words[] = { "HELLO", "2" };
	struct reply *reply = NULL;
	enum session_result r;

	v->deadline = deadline_now() + v->c->connect_ns;
	r = session_call(
	    v->session, 2, words, NULL, v->deadline, &reply, &v->f);
	note_addresses(v);
	note_security(v);
	hello_field(reply, "server", v->k.kind, sizeof(v->k.kind));
	hello_field(reply, "version", v->k.version, sizeof(v->k.version));
	hello_field(reply, "mode", v->k.mode, sizeof(v->k.mode));
	hello_field(reply, "role", v->k.role, sizeof(v->k.role));
	reply_free(reply);
	tell_connection(v, r);
	return r == SESSION_OK || r == SESSION_ERROR ? 0 : -1;
}

/* ------------------------------------------------------------------ */
/* Time. */

static int64_t
realtime_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The reply to TIME came after US: keep the closest look at the clock. */
static void
note_clock(struct checkup_facts *k, const struct reply *reply, int64_t us)
{
	int64_t half = us / 2 + 1, seconds, rest;

	if (reply_count(reply) != 2 || (k->clock && half >= k->error_us))
		return;
	seconds = strtoll(reply_text(reply_at(reply, 0)), NULL, 10);
	rest = strtoll(reply_text(reply_at(reply, 1)), NULL, 10);
	if (seconds <= 0 || seconds > INT64_C(1) << 40)
		return;
	k->clock = true;
	k->error_us = half;
	k->ahead_us = seconds * 1000000 + rest - (realtime_us() - half);
}

/* What TIME costs, even if it is refused. */
static int
measure(struct visit *v)
{
	int64_t us[SAMPLES], sent;
	struct reply *reply;

	for (int i = 0; i < SAMPLES; i++) {
		sent = deadline_now();
		if (ASK(v, &reply, "TIME") == -1)
			return -1;
		us[i] = (deadline_now() - sent) / 1000;
		note_clock(&v->k, reply, us[i]);
		reply_free(reply);
	}
	qsort(us, SAMPLES, sizeof(us[0]), compare);
	v->k.samples = SAMPLES;
	v->k.median_us = us[SAMPLES / 2];
	v->k.most_us = us[SAMPLES - 1];
	return 0;
}

/* ------------------------------------------------------------------ */
/* How it is set up. */

/* The value of NAME into DST; *KNOWN says whether we may ask. */
static int
ask_config(
    struct visit *v, const char *name, char *dst, size_t size, bool *known)
{
	struct reply *reply;

	if (ASK(v, &reply, "CONFIG", "GET", name) == -1)
		return -1;
	*known = reply_count(reply) == 2;
	if (*known)
		snprintf(dst, size, "%s", reply_text(reply_at(reply, 1)));
	reply_free(reply);
	return 0;
}

static void
note_number(int64_t *dst, const char *text)
{
	if (text[0] >= '0' && text[0] <= '9')
		*dst = strtoll(text, NULL, 10);
}

static int
ask_settings(struct visit *v)
{
	struct checkup_facts *k = &v->k;
	char limit[32] = "";
	bool known;

	if (ask_config(v, "maxmemory-policy", k->policy, sizeof(k->policy),
		&known) == -1 ||
	    ask_config(v, "maxmemory", limit, sizeof(limit), &known) == -1 ||
	    ask_config(v, "appendonly", k->append_only, sizeof(k->append_only),
		&known) == -1 ||
	    ask_config(v, "appendfsync", k->fsync, sizeof(k->fsync), &known) ==
		-1 ||
	    ask_config(v, "save", k->save, sizeof(k->save), &k->save_known) ==
		-1)
		return -1;
	note_number(&k->memory_limit, limit);
	return 0;
}

/* What some may read who may not read the settings; and more. */
static void
note_info(struct checkup_facts *k, const char *info)
{
	char text[64], port[16];

	if (checkup_info(info, "maxmemory", text, sizeof(text)))
		note_number(&k->memory_limit, text);
	if (checkup_info(info, "used_memory", text, sizeof(text)))
		note_number(&k->memory_used, text);
	if (k->policy[0] == '\0')
		checkup_info(
		    info, "maxmemory_policy", k->policy, sizeof(k->policy));
	if (k->append_only[0] == '\0' &&
	    checkup_info(info, "aof_enabled", text, sizeof(text)))
		snprintf(k->append_only, sizeof(k->append_only), "%s",
		    text[0] == '1' ? "yes" : "no");
	if (k->version[0] == '\0' &&
	    checkup_info(info, "redis_version", k->version, sizeof(k->version)))
		snprintf(k->kind, sizeof(k->kind), "redis");
	/* For old clients' sake it calls itself by the other's name. */
	if (checkup_info(
		info, "valkey_version", k->version, sizeof(k->version)))
		snprintf(k->kind, sizeof(k->kind), "valkey");
	if (checkup_info(info, "master_host", text, sizeof(text)) &&
	    checkup_info(info, "master_port", port, sizeof(port)))
		snprintf(k->master, sizeof(k->master), "'%s:%s'", text, port);
}

static int
ask_info(struct visit *v)
{
	struct reply *reply;

	if (ASK(v, &reply, "INFO") == -1)
		return -1;
	if (reply_kind(reply) == REPLY_TEXT)
		note_info(&v->k, reply_text(reply));
	reply_free(reply);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Rights. */

/* A subscribed connection is of no more use: the last right ends it. */
static int
try_rights(struct visit *v)
{
	char random[TOKEN_SIZE];
	struct checkup_probe p;
	struct reply *reply;

	if (token_random(random) == -1)
		return failure_set(&v->f, STATUS_OS, "no randomness: %m");
	for (size_t n = 0; checkup_rights_probe(
		 &p, n, v->c->settings->prefix, v->c->name, random);
	     n++) {
		if (ask(v, p.words, &reply) == -1)
			return -1;
		checkup_rights_note(&v->rights, n, reply);
		reply_free(reply);
	}
	session_close(v->session);
	return 0;
}

static void
tell_rights(struct visit *v)
{
	const char *user = v->k.user[0] != '\0' ? v->k.user : "default";
	struct checkup_finding f;

	for (size_t n = 0; n < CHECKUP_COMMANDS; n++) {
		checkup_rights_judge(
		    &v->rights, n, user, v->c->settings->prefix, &f);
		tell(v, &f);
	}
}

/* ------------------------------------------------------------------ */

static void
note_ourselves(struct visit *v)
{
	const struct session_settings *s = v->c->settings;
	const char *user =
	    s->user != NULL && *s->user != '\0' ? s->user : s->url->user;

	url_endpoint(v->k.endpoint, sizeof(v->k.endpoint), s->url);
	snprintf(v->k.user, sizeof(v->k.user), "%s", user);
	v->k.password = s->password != NULL && *s->password != '\0';
	v->k.terms = v->c->terms;
	v->k.now_s = realtime_us() / 1000000;
}

/* All questions, then all answers; -1 if there was an end to them. */
static int
examine(struct visit *v)
{
	if (say_hello(v) == -1)
		return 0;
	if (measure(v) == -1 || ask_settings(v) == -1 || ask_info(v) == -1 ||
	    try_rights(v) == -1)
		return -1;
	v->k.full = v->rights.full;
	tell_judged(v, checkup_judge_server);
	tell_judged(v, checkup_judge_role);
	tell_judged(v, checkup_judge_latency);
	tell_judged(v, checkup_judge_clock);
	tell_judged(v, checkup_judge_memory);
	tell_judged(v, checkup_judge_eviction);
	tell_judged(v, checkup_judge_persistence);
	tell_rights(v);
	return 0;
}

enum checkup_level
checkup_run(const struct checkup *c)
{
	struct visit v = { .c = c, .worst = CHECKUP_OK };

	checkup_forget(&v.k);
	note_ourselves(&v);
	v.session = session_new(c->settings);
	if (v.session == NULL) {
		failure_set(&v.f, STATUS_OS, "out of memory");
		tell_failure(&v, "reach", "");
		return v.worst;
	}
	session_cap(v.session, INFO_MAX);
	if (examine(&v) == -1)
		tell_failure(&v, "server", "it stopped to answer");
	session_free(v.session);
	return v.worst;
}
