/* SPDX-License-Identifier: MIT */
/*
 * A system log of one's own, preloaded into netflock (build/tools/logshim.so): who connects to /dev/log is connected to
 * the socket $LOGSHIM instead.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = getenv("LOGSHIM");

	if (path != NULL && address->sa_family == AF_UNIX &&
	    strcmp(((const struct sockaddr_un *)address)->sun_path, "/dev/log") == 0) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
		address = (const struct sockaddr *)&un;
		len = sizeof(un);
	}
	return (int)syscall(SYS_connect, fd, address, len);
}
