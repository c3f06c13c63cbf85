/* SPDX-License-Identifier: MIT */
#include "message_syslog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FACILITY 1 /* user */
#define PATIENCE_MS 1000
#define LINE 4400 /* a message, and what is put before it */

/* Full for so long that we do not wait for it any more. */
static bool stuck;

static int
open_log(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd != -1 && connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* As syslog(3) writes it, whatever the locale. */
static int
format(char *line, size_t size, int severity, const char *text)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm tm = { 0 };
	int n;

	localtime_r(&now, &tm);
	n = snprintf(line, size, "<%d>%s %2d %02d:%02d:%02d netflock[%d]: %s",
	    FACILITY * 8 + severity, months[tm.tm_mon % 12], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid(), text);
	return n < (int)size ? n : (int)size - 1;
}

bool
message_syslog(const char *path, int severity, const char *text)
{
	static const char own[] = "netflock: ";
	char line[LINE];
	struct pollfd p = { .fd = open_log(path), .events = POLLOUT };
	ssize_t n;
	int len;

	if (p.fd == -1)
		return false;
	/* The tag says that already. */
	if (strncmp(text, own, sizeof(own) - 1) == 0)
		text += sizeof(own) - 1;
	len = format(line, sizeof(line), severity, text);
	n = send(p.fd, line, (size_t)len, MSG_NOSIGNAL);
	if (n == -1 && errno == EAGAIN &&
	    poll(&p, 1, stuck ? 0 : PATIENCE_MS) > 0)
		n = send(p.fd, line, (size_t)len, MSG_NOSIGNAL);
	stuck = n == -1 && errno == EAGAIN;
	close(p.fd);
	return n == len;
}
