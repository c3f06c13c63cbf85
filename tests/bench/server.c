/* SPDX-License-Identifier: MIT */
/* A private server, and a link of 20 ms to it. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static pid_t server, link_pid;

static int
connected(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	if (fd != -1 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* An inline command's reply, which must be short. */
size_t
ask(const char *command, char *reply, size_t size)
{
	static int fd = -1;
	size_t len = 0;
	ssize_t n;

	if (fd == -1 && (fd = connected()) == -1)
		die("cannot connect to the server");
	dprintf(fd, "%s\r\n", command);
	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, len == 0 ? 5000 : 0) <= 0)
			break;
		n = read(fd, reply + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < size - 1);
	reply[len] = '\0';
	return len;
}

int
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		die("no free port: %s", strerror(errno));
	close(fd);
	return ntohs(a.sin_port);
}

void
start_server(void)
{
	const char *argv[] = { "setpriv", "--pdeathsig", "KILL", "--", "bash",
		"tests/tools/server.sh", dir, "--port", NULL, "--bind",
		"127.0.0.1", "--maxclients", "6000", NULL };
	char port[16];
	int fd, waited = 0;

	snprintf(port, sizeof(port), "%d", free_port());
	argv[8] = port;
	snprintf(unix_url, sizeof(unix_url), "unix://%s/s", dir);
	snprintf(tcp_url, sizeof(tcp_url), "redis://127.0.0.1:%s", port);
	server = start(environment("", "LC_ALL=C"), argv);
	while ((fd = connected()) == -1) {
		pause_ms(10);
		if ((waited += 10) > 10000)
			die("the server does not start (Debian: redis-tools)");
	}
	close(fd);
}

int
start_monitor(void)
{
	char text[64];
	int fd = connected();

	if (fd == -1)
		die("cannot connect to the server");
	dprintf(fd, "MONITOR\r\n");
	if (read(fd, text, sizeof(text)) < 5)
		die("MONITOR failed");
	return fd;
}


/* ------------------------------------------------------------------ a slow link */

/*
 * A process between client and server keeps every chunk for half an RTT in each
 * direction.  Connecting to it costs nothing: what is measured over it comes on
 * top of "connect".  A round trip is counted when a client writes for the first
 * time or after it was sent something.
 */
#define PAIRS ((size_t)64)
#define QUEUE 64

struct chunk {
	int64_t due;
	size_t len;
	char *data;
};

struct way { /* one direction */
	int from, to;
	struct chunk queue[QUEUE];
	size_t first, n;
};

static struct shared {
	int trips;
} *shared;

static struct way ways[2 * PAIRS]; /* even: from a client; odd: to it */
static bool asked[PAIRS];	   /* the client wrote last */

static void
hang_up(size_t pair)
{
	struct way *w = &ways[2 * pair];

	for (size_t k = 0; k < 2; k++)
		for (; w[k].n > 0; w[k].n--, w[k].first = (w[k].first + 1) % QUEUE)
			free(w[k].queue[w[k].first].data);
	close(w[0].from);
	close(w[0].to);
	w[0].from = w[0].to = w[1].from = w[1].to = -1;
}

static void
welcome(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
	int to = connected();

	for (size_t i = 0; i < PAIRS; i++) {
		if (ways[2 * i].from != -1)
			continue;
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		ways[2 * i] = (struct way){ .from = client, .to = to };
		ways[2 * i + 1] = (struct way){ .from = to, .to = client };
		asked[i] = false;
		return;
	}
	close(client);
	close(to);
}

/* What has come in is due later; an end of file is a chunk of no bytes. */
static void
take_in(size_t i, int64_t delay)
{
	static char data[1 << 16];
	struct way *w = &ways[i];
	ssize_t n = read(w->from, data, sizeof(data));
	struct chunk *c = &w->queue[(w->first + w->n++) % QUEUE];

	*c = (struct chunk){ now_ns() + delay, n > 0 ? (size_t)n : 0, NULL };
	if (c->len > 0 && (c->data = malloc(c->len)) != NULL)
		memcpy(c->data, data, c->len);
	if (i % 2 == 0 && c->len > 0 && !asked[i / 2]) {
		asked[i / 2] = true;
		shared->trips++;
	}
}

static void
pass_on(size_t i, int64_t now)
{
	struct way *w = &ways[i];

	while (w->from != -1 && w->n > 0 && w->queue[w->first].due <= now) {
		struct chunk *c = &w->queue[w->first];
		if (c->len == 0 || write(w->to, c->data, c->len) == -1) {
			hang_up(i / 2);
			return;
		}
		if (i % 2 == 1)
			asked[i / 2] = false;
		free(c->data);
		w->first = (w->first + 1) % QUEUE;
		w->n--;
	}
}

static void __attribute__((noreturn))
run_link(int listener, int64_t delay)
{
	struct pollfd p[2 * PAIRS + 1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < 2 * PAIRS; i++)
		ways[i].from = -1;
	for (;;) {
		int64_t now = now_ns(), next = now + 1000000000;
		struct timespec t;
		p[2 * PAIRS] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (size_t i = 0; i < 2 * PAIRS; i++)
			pass_on(i, now);
		for (size_t i = 0; i < 2 * PAIRS; i++) {
			struct way *w = &ways[i];
			bool ended = w->n > 0 && w->queue[(w->first + w->n - 1) % QUEUE].len == 0;
			p[i] = (struct pollfd){ .fd = w->n < QUEUE && !ended ? w->from : -1, .events = POLLIN };
			if (w->from != -1 && w->n > 0 && w->queue[w->first].due < next)
				next = w->queue[w->first].due;
		}
		next = next > now ? next - now : 0;
		t = (struct timespec){ next / 1000000000, next % 1000000000 };
		if (ppoll(p, 2 * PAIRS + 1, &t, NULL) <= 0)
			continue;
		for (size_t i = 0; i < 2 * PAIRS; i++)
			if (p[i].fd != -1 && p[i].revents != 0)
				take_in(i, delay);
		if (p[2 * PAIRS].revents != 0)
			welcome(listener);
	}
}

int
start_link(int rtt_ms)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || bind(fd, (struct sockaddr *)&a, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1 || listen(fd, 64) == -1)
		die("no link: %s", strerror(errno));
	if ((link_pid = fork()) == 0)
		run_link(fd, (int64_t)rtt_ms * 500000);
	close(fd);
	return ntohs(a.sin_port);
}

void
stop_link(void)
{
	kill(link_pid, SIGKILL);
	waitpid(link_pid, NULL, 0);
}

int
link_trips(void)
{
	int n = shared->trips;

	shared->trips = 0;
	return n;
}
