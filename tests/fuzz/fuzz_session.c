/* SPDX-License-Identifier: MIT */
/*
 * Sessions that hear whatever the input says.  The transport is here instead
 * of sockets, so that pieces, ends and time-outs come where the input wants
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "failure.h"
#include "fuzz.h"
#include "script.h"
#include "session_inner.h"
#include "url.h"

/* No session has more of the server's bytes in memory than this. */
#define HELD_MOST (4 * SESSION_CAP)

static struct fuzz_input said; /* by the server */
static uint8_t piece;	       /* how much at a time */
static bool stalls, is_open;
static unsigned calls;

struct transport {
	int nothing;
};
static struct transport only;

struct transport *
transport_new(const struct url *url)
{
	(void)url;
	return &only;
}

void
transport_free(struct transport *t)
{
	(void)t;
	is_open = false;
}

void
transport_interrupt(struct transport *t, int fd)
{
	(void)t;
	(void)fd;
}

void
transport_share(struct transport *t, const struct transport *with)
{
	(void)t;
	(void)with;
}

bool
transport_refused(const struct transport *t, struct failure *f)
{
	(void)t;
	(void)f;
	return false;
}

void
transport_threaded(struct transport *t, bool threaded)
{
	(void)t;
	(void)threaded;
}

enum transport_result
transport_open(struct transport *t, int64_t deadline, struct failure *f)
{
	(void)t;
	(void)deadline;
	(void)f;
	is_open = true;
	return TRANSPORT_OK;
}

void
transport_forget(struct transport *t)
{
	(void)t;
}

void
transport_shut(struct transport *t)
{
	(void)t;
	is_open = false;
}

int
transport_fd(const struct transport *t)
{
	(void)t;
	return is_open ? 0 : -1;
}

enum transport_result
transport_send(
    struct transport *t, const void *buf, size_t len, int64_t deadline)
{
	(void)t;
	(void)deadline;
	REQUIRE(is_open && buf != NULL && len > 0);
	return TRANSPORT_OK;
}

enum transport_result
transport_recv(struct transport *t, void *buf, size_t size, size_t *len,
    int64_t deadline)
{
	size_t n = piece + (size_t)1;

	(void)t;
	(void)deadline;
	REQUIRE(is_open && size > 0);
	calls++;
	if (said.size == 0)
		return stalls ? TRANSPORT_TIMEOUT : TRANSPORT_CLOSED;
	n = n < size ? n : size;
	n = n < said.size ? n : said.size;
	memcpy(buf, said.data, n);
	said.data += n;
	said.size -= n;
	*len = n;
	return TRANSPORT_OK;
}

/* ------------------------------------------------------------------ */

static void
hear_batch(void *arg, size_t i, struct reply *reply)
{
	(void)arg;
	(void)i;
	REQUIRE(reply != NULL && reply_kind(reply) != REPLY_ERROR);
	reply_free(reply);
}

static void
settled(enum session_result r, const struct reply *reply, struct failure *f)
{
	REQUIRE((unsigned)r <= SESSION_INTERRUPTED);
	if (r == SESSION_OK)
		REQUIRE(reply != NULL && reply_kind(reply) != REPLY_ERROR);
	else if (r != SESSION_INTERRUPTED)
		REQUIRE(f->text[0] != '\0' && f->status > 0);
}

static void
one_call(struct session *s, uint8_t what)
{
	static const char *const words[] = { "k", "k:queue", "k:waiters", "v" };
	static const struct script script = { "x", "return 1", "0123" };
	struct session_batch batch = { .script = &script,
		.nkeys = 3,
		.argc = 1,
		.argv = words,
		.count = 4,
		.each = hear_batch };
	struct reply *reply = NULL;
	struct failure f = { .status = 0 };
	enum session_result r;
	char text[16];
	int n;

	switch (what % 5) {
	case 0:
		r = session_call(s, 2, words, NULL, 1, &reply, &f);
		settled(r, reply, &f);
		break;
	case 1:
		r = session_script(s, &script, 3, 4, words, 1, &reply, &f);
		settled(r, reply, &f);
		if (r != SESSION_OK && reply != NULL) {
			REQUIRE(s->state == SESSION_UNFIT);
			reply_free(reply);
			reply = NULL;
			(void)session_undo(
			    s, &script, 3, 4, words, 1, &reply, &f);
		}
		break;
	case 2:
		r = session_scripts(s, &batch, 1, &f);
		REQUIRE((unsigned)r <= SESSION_INTERRUPTED);
		break;
	case 3:
		session_goodbye(s, &script, 3, 4, words);
		REQUIRE(!is_open);
		break;
	default:
		r = session_subscribe(s, "c", 1, &f);
		while (r == SESSION_OK &&
		    (n = session_message(s, text, sizeof(text))) == 1)
			REQUIRE(memchr(text, '\0', sizeof(text)) != NULL);
	}
	reply_free(reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct url url = { .host = "h" };
	struct session_settings settings = { .url = &url };
	struct session *s;
	uint8_t how, count;

	said = (struct fuzz_input){ data, size };
	how = fuzz_byte(&said);
	piece = fuzz_byte(&said);
	count = fuzz_byte(&said) % 6;
	stalls = how & 1;
	calls = 0;
	if (how & 2)
		settings.client_name = "netflock";
	if (how & 4)
		settings.password = "password";
	url.db = how & 8 ? 3 : 0;
	s = session_new(&settings);
	if (s == NULL)
		return 0;
	if (how & 16)
		session_cap(s, 256);
	for (uint8_t i = 0; i <= count; i++) {
		one_call(s, fuzz_byte(&said));
		REQUIRE(s->in.size <= HELD_MOST && s->in.end <= s->in.size);
		REQUIRE(s->in.start <= s->in.end);
		REQUIRE(session_is_open(s) == (session_fd(s) != -1));
		REQUIRE(s->out.end == 0);
	}
	session_free(s);
	/* It neither spins nor reads on for ever. */
	REQUIRE(calls <= size + 20);
	return 0;
}
