/* SPDX-License-Identifier: MIT */
#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "duration.h"
#include "failure.h"
#include "resolve.h"
#include "status.h"
#include "transport_tls.h"
#include "url.h"

/* A half-open connection is noticed after 25 s idle, 15 s with data sent. */
#define KEEP_IDLE_S 10
#define KEEP_INTERVAL_S 5
#define KEEP_COUNT 3
#define USER_TIMEOUT_MS 15000

/* Between two tries when a unix socket's backlog is full. */
#define BACKLOG_NS (5 * DEADLINE_MS)

/*
 * How bytes travel on a connection.  Both
 * return a count, 0 for the peer's end, or -1 and errno; EAGAIN means: call
 * again when the descriptor has *WANT.
 */
struct layer {
	ssize_t (*send)(struct transport *, const void *, size_t, short *want);
	ssize_t (*recv)(struct transport *, void *, size_t, short *want);
};

struct transport {
	const struct url *url;
	const struct layer *layer;
	struct transport_tls *tls;   /* NULL until it is needed */
	const struct transport *kin; /* for the same URL, or NULL */
	int fd;			     /* -1 when closed */
	int interrupt;		     /* -1 for none; not owned */
	bool threaded;
	bool doubtful; /* addresses are from before: resolve again */
	struct resolve_list addresses;
	/* Of the last opening: */
	enum transport_stage stage;
	int tried; /* addresses, and what became of them */
	int errors[RESOLVE_MAX];
};

static ssize_t
plain_send(struct transport *t, const void *buf, size_t len, short *want)
{
	*want = POLLOUT;
	return send(t->fd, buf, len, MSG_NOSIGNAL);
}

static ssize_t
plain_recv(struct transport *t, void *buf, size_t size, short *want)
{
	*want = POLLIN;
	return recv(t->fd, buf, size, 0);
}

static const struct layer plain = { plain_send, plain_recv };

static ssize_t
tls_send(struct transport *t, const void *buf, size_t len, short *want)
{
	return transport_tls_send(t->tls, buf, len, want);
}

static ssize_t
tls_recv(struct transport *t, void *buf, size_t size, short *want)
{
	return transport_tls_recv(t->tls, buf, size, want);
}

static const struct layer encrypted = { tls_send, tls_recv };

struct transport *
transport_new(const struct url *url)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->url = url;
	t->layer = url->tls ? &encrypted : &plain;
	t->fd = -1;
	t->interrupt = -1;
	return t;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	transport_shut(t);
	transport_tls_free(t->tls);
	free(t);
}

void
transport_interrupt(struct transport *t, int fd)
{
	t->interrupt = fd;
}

void
transport_share(struct transport *t, const struct transport *with)
{
	t->kin = with;
}

void
transport_threaded(struct transport *t, bool threaded)
{
	t->threaded = threaded;
}

void
transport_forget(struct transport *t)
{
	t->doubtful = true;
}

/* No more than helpful: a connection without them is still good. */
static void
tcp_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

/* The connection under way has come to something: 0 or its errno. */
static int
connect_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

/*
 * Connect t->fd.  *ERROR is the errno of TRANSPORT_FAILED.  A unix socket
 * whose backlog is full says EAGAIN, and no event tells when it has room.
 */
static enum transport_result
connect_fd(struct transport *t, const struct sockaddr *sa, socklen_t len,
    int64_t deadline, int *error)
{
	enum transport_result r;

	while (connect(t->fd, sa, len) == -1) {
		int64_t soon = deadline_now() + BACKLOG_NS;

		*error = errno;
		if (errno == EINPROGRESS || errno == EINTR) {
			r = resolve_wait(
			    t->fd, POLLOUT, t->interrupt, deadline);
			if (r != TRANSPORT_OK)
				return r;
			*error = connect_error(t->fd);
			return *error == 0 ? TRANSPORT_OK : TRANSPORT_FAILED;
		}
		if (errno != EAGAIN || sa->sa_family != AF_UNIX)
			return TRANSPORT_FAILED;
		r = resolve_wait(
		    -1, 0, t->interrupt, deadline_min(soon, deadline));
		if (r != TRANSPORT_TIMEOUT || deadline_now() >= deadline)
			return r;
	}
	return TRANSPORT_OK;
}

static enum transport_result
open_address(struct transport *t, const struct sockaddr *sa, socklen_t len,
    int64_t deadline, int *error)
{
	enum transport_result r;

	t->fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*error = t->fd == -1 ? errno : 0;
	if (t->fd == -1)
		return TRANSPORT_FAILED;
	if (sa->sa_family != AF_UNIX)
		tcp_options(t->fd);
	r = connect_fd(t, sa, len, deadline, error);
	if (r != TRANSPORT_OK)
		transport_shut(t);
	return r;
}

/* Keep what became of the next address. */
static void
note_attempt(struct transport *t, enum transport_result r, int error)
{
	t->errors[t->tried++] = r == TRANSPORT_OK	   ? 0
				: r == TRANSPORT_TIMEOUT ? ETIMEDOUT
							   : error;
}

static enum transport_result
open_unix(struct transport *t, int64_t deadline, int *error)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	enum transport_result r;

	memcpy(un.sun_path, t->url->path, sizeof(un.sun_path));
	r = open_address(
	    t, (const struct sockaddr *)&un, sizeof(un), deadline, error);
	note_attempt(t, r, *error);
	return r;
}

static enum transport_result
open_tcp(struct transport *t, int64_t deadline, int *error)
{
	enum transport_result r = TRANSPORT_FAILED;
	const struct resolve_list *list = &t->addresses;

	for (int i = 0; i < list->count; i++) {
		int64_t now = deadline_now();
		int64_t share = (deadline - now) / (list->count - i);

		r = open_address(
		    t, &list->at[i].u.sa, list->at[i].len, now + share, error);
		note_attempt(t, r, *error);
		if (r == TRANSPORT_OK || r == TRANSPORT_INTERRUPTED)
			return r;
	}
	t->doubtful = true;
	return r;
}

/*
 * Have addresses to try.  Old ones that failed the last time are good
 * enough if the name cannot be resolved now; half of the time stays for them.
 */
static enum transport_result
find_addresses(struct transport *t, int64_t deadline, const char **why)
{
	struct resolve_query query = { t->url->host, t->url->port, t->threaded,
		t->interrupt, deadline };
	struct resolve_list fresh;
	enum transport_result r;
	bool have = t->addresses.count > 0;

	if (have && !t->doubtful)
		return TRANSPORT_OK;
	if (have)
		query.deadline -= (deadline - deadline_now()) / 2;
	r = resolve_host(&query, &fresh, why);
	if (r == TRANSPORT_OK) {
		t->addresses = fresh;
		t->doubtful = false;
	}
	return have && r != TRANSPORT_INTERRUPTED ? TRANSPORT_OK : r;
}

/* Not the network's fault: another attempt would fail as well. */
static bool
is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS;
}

static enum transport_result
open_failed(const struct transport *t, enum transport_result r, const char *why,
    int64_t budget, struct failure *f)
{
	char endpoint[300], after[32], reason[200];
	const char *what = "name not resolved, timed out after ";

	if (r == TRANSPORT_OK || r == TRANSPORT_INTERRUPTED)
		return r;
	if (t->addresses.count > 0 || t->url->unix_socket)
		what = "timed out after ";
	strncpy(
	    reason, why == NULL ? "unknown error" : why, sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	/* "Connection refused" in the middle of a sentence. */
	if (reason[0] >= 'A' && reason[0] <= 'Z' && reason[1] >= 'a')
		reason[0] = (char)(reason[0] - 'A' + 'a');
	url_endpoint(endpoint, sizeof(endpoint), t->url);
	duration_format(
	    after, sizeof(after), (budget + DEADLINE_MS / 2) / DEADLINE_MS);
	if (r == TRANSPORT_TIMEOUT)
		(void)failure_set(f, STATUS_UNAVAILABLE,
		    "cannot connect to '%s': %s%s", endpoint, what, after);
	else
		(void)failure_set(f, STATUS_UNAVAILABLE,
		    "cannot connect to '%s': %s", endpoint, reason);
	return r;
}

/* The TCP or unix connection. */
static enum transport_result
open_socket(struct transport *t, int64_t deadline, struct failure *f)
{
	int64_t now = deadline_now();
	int64_t budget = deadline > now ? deadline - now : 0;
	enum transport_result r;
	const char *why = NULL;
	int error = 0;

	if (t->url->unix_socket) {
		r = open_unix(t, deadline, &error);
	} else {
		r = find_addresses(t, deadline, &why);
		if (r == TRANSPORT_OK)
			r = open_tcp(t, deadline, &error);
	}
	if (error != 0)
		why = strerror(error);
	r = open_failed(t, r, why, budget, f);
	if (r == TRANSPORT_FAILED && f != NULL && is_ours(error))
		f->status = STATUS_OS;
	return r;
}

/* A bad file is found before anybody is asked. */
enum transport_result
transport_open(struct transport *t, int64_t deadline, struct failure *f)
{
	enum transport_result r;

	transport_shut(t);
	t->stage = TRANSPORT_NOWHERE;
	t->tried = 0;
	if (t->url->tls && t->tls == NULL)
		t->tls = transport_tls_new(
		    t->url, t->kin != NULL ? t->kin->tls : NULL, f);
	if (t->url->tls && t->tls == NULL)
		return TRANSPORT_REFUSED;
	r = open_socket(t, deadline, f);
	if (r == TRANSPORT_OK)
		t->stage = TRANSPORT_CONNECTED;
	if (r == TRANSPORT_OK && t->url->tls)
		r = transport_tls_open(
		    t->tls, t->fd, t->interrupt, deadline, f);
	if (r == TRANSPORT_OK)
		t->stage = TRANSPORT_READY;
	else
		transport_shut(t);
	return r;
}

void
transport_shut(struct transport *t)
{
	if (t->tls != NULL)
		transport_tls_shut(t->tls);
	if (t->fd != -1)
		(void)close(t->fd);
	t->fd = -1;
}

bool
transport_is_open(const struct transport *t)
{
	return t->fd != -1;
}

int
transport_fd(const struct transport *t)
{
	return t->fd;
}

bool
transport_pending(const struct transport *t)
{
	return t->tls != NULL && transport_tls_pending(t->tls);
}

bool
transport_refused(const struct transport *t, struct failure *f)
{
	return t->tls != NULL && transport_tls_refused(t->tls, f);
}

enum transport_stage
transport_stage(const struct transport *t)
{
	return t->stage;
}

bool
transport_tried(
    const struct transport *t, int n, char *dst, size_t size, int *error)
{
	const struct resolve_address *address;

	if (n < 0 || n >= t->tried)
		return false;
	*error = t->errors[n];
	if (t->url->unix_socket) {
		snprintf(dst, size, "%s", t->url->path);
		return true;
	}
	address = &t->addresses.at[n];
	if (address->u.sa.sa_family == AF_INET)
		return inet_ntop(AF_INET, &address->u.in.sin_addr, dst,
			   (socklen_t)size) != NULL;
	return inet_ntop(AF_INET6, &address->u.in6.sin6_addr, dst,
		   (socklen_t)size) != NULL;
}

bool
transport_security(
    const struct transport *t, struct transport_security *security)
{
	return t->tls != NULL && transport_tls_security(t->tls, security);
}

enum transport_result
transport_send(
    struct transport *t, const void *buf, size_t len, int64_t deadline)
{
	const char *at = buf;

	while (len > 0) {
		enum transport_result r;
		short want = 0;
		ssize_t n = t->layer->send(t, at, len, &want);

		if (n >= 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return TRANSPORT_CLOSED;
		r = resolve_wait(t->fd, want, t->interrupt, deadline);
		if (r != TRANSPORT_OK)
			return r;
	}
	return TRANSPORT_OK;
}

enum transport_result
transport_recv(
    struct transport *t, void *buf, size_t size, size_t *len, int64_t deadline)
{
	short want = POLLIN;
	/* A reply is hardly ever there yet: waiting first saves a call. */
	bool wait = deadline != 0 && !transport_pending(t);

	for (;;) {
		ssize_t n;

		if (wait) {
			enum transport_result r =
			    resolve_wait(t->fd, want, t->interrupt, deadline);

			if (r != TRANSPORT_OK)
				return r;
		}
		n = t->layer->recv(t, buf, size, &want);
		if (n > 0) {
			*len = (size_t)n;
			return TRANSPORT_OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return TRANSPORT_CLOSED;
		if (errno == EAGAIN && deadline == 0)
			return TRANSPORT_TIMEOUT;
		wait = deadline != 0;
	}
}
