/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"

#define DAY_MS (24 * 60 * 60 * 1000)

/* What the helper writes: at most PIPE_BUF bytes, so it comes as a whole. */
struct answer {
	int error;  /* of getaddrinfo, 0 if none */
	int system; /* errno, if error is EAI_SYSTEM */
	struct resolve_list list;
};

_Static_assert(sizeof(struct answer) <= 4096, "answer exceeds PIPE_BUF");

enum transport_result
resolve_wait(int fd, short events, int interrupt, int64_t deadline)
{
	struct pollfd p[2] = { { .fd = fd, .events = events },
		{ .fd = interrupt, .events = POLLIN } };

	for (;;) {
		int ms = deadline_poll_ms(deadline, deadline_now());
		int n;

		/* poll(2) counts without suspend: look again once a day. */
		if (ms < 0 || ms > DAY_MS)
			ms = DAY_MS;
		n = poll(p, 2, ms);
		if (n == -1 && errno != EINTR)
			return TRANSPORT_CLOSED;
		if (n > 0)
			return p[0].revents != 0 ? TRANSPORT_OK
						 : TRANSPORT_INTERRUPTED;
		if (deadline_now() >= deadline)
			return TRANSPORT_TIMEOUT;
	}
}

static void
list_fill(struct resolve_list *list, const struct addrinfo *found)
{
	list->count = 0;
	for (; found != NULL && list->count < RESOLVE_MAX;
	     found = found->ai_next) {
		struct resolve_address *a = &list->at[list->count];

		if (found->ai_addrlen > sizeof(a->u))
			continue;
		memcpy(&a->u, found->ai_addr, found->ai_addrlen);
		a->len = found->ai_addrlen;
		list->count++;
	}
}

static int
look_up(const struct resolve_query *q, int flags, struct resolve_list *list)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int error = getaddrinfo(q->host, q->port, &hints, &found);

	if (error != 0)
		return error;
	list_fill(list, found);
	freeaddrinfo(found);
	return list->count > 0 ? 0 : EAI_NONAME;
}

/*
 * AI_ADDRCONFIG spares IPv4-only hosts a query, but it does not count the
 * loopback interface: without a network it would hide 'localhost'.
 */
static void
look_up_name(const struct resolve_query *q, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->error = EAI_NONAME;
	if (strcmp(q->host, "localhost") != 0)
		a->error = look_up(q, AI_ADDRCONFIG, &a->list);
	if (a->error == EAI_NONAME || a->error == EAI_ADDRFAMILY ||
	    a->error == EAI_NODATA)
		a->error = look_up(q, 0, &a->list);
	a->system = errno;
}

static _Noreturn void
helper(const struct resolve_query *q, int out, pid_t parent)
{
	struct answer a;
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	look_up_name(q, &a);
	if (write(out, &a, sizeof(a)) != (ssize_t)sizeof(a))
		_exit(1);
	_exit(0);
}

/*
 * fork(2) whose child ends without SIGCHLD: that signal would look like an
 * interrupt to whoever watches a signalfd.  All arguments are zero, so their
 * order, which differs between architectures, does not matter.
 */
static pid_t
silent_fork(void)
{
	return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

static enum transport_result
hear_helper(const struct resolve_query *q, int in, struct answer *a)
{
	enum transport_result r;
	ssize_t n;

	r = resolve_wait(in, POLLIN, q->interrupt, q->deadline);
	if (r != TRANSPORT_OK)
		return r;
	do
		n = read(in, a, sizeof(*a));
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(*a) ? TRANSPORT_OK : TRANSPORT_FAILED;
}

static enum transport_result
ask_helper(const struct resolve_query *q, struct answer *a)
{
	enum transport_result r;
	int ends[2];
	pid_t pid, self = getpid();

	*a = (struct answer){ .error = EAI_SYSTEM };
	if (pipe2(ends, O_CLOEXEC) == -1) {
		a->system = errno;
		return TRANSPORT_OK;
	}
	pid = silent_fork();
	if (pid == 0)
		helper(q, ends[1], self);
	a->system = errno;
	(void)close(ends[1]);
	r = pid == -1 ? TRANSPORT_OK : hear_helper(q, ends[0], a);
	(void)close(ends[0]);
	if (pid == -1)
		return r;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) == -1 && errno == EINTR)
		;
	return r;
}

enum transport_result
resolve_host(
    const struct resolve_query *q, struct resolve_list *list, const char **why)
{
	enum transport_result r = TRANSPORT_OK;
	struct answer a = { 0 };

	if (look_up(q, AI_NUMERICHOST, list) == 0)
		return TRANSPORT_OK;
	if (q->threaded)
		look_up_name(q, &a);
	else
		r = ask_helper(q, &a);
	if (r != TRANSPORT_OK) {
		*why = "the name could not be looked up";
		return r;
	}
	if (a.error == 0) {
		*list = a.list;
		return TRANSPORT_OK;
	}
	*why =
	    a.error == EAI_SYSTEM ? strerror(a.system) : gai_strerror(a.error);
	return TRANSPORT_FAILED;
}
