/* SPDX-License-Identifier: MIT */
/*
 * The system's configuration file elsewhere, preloaded into netflock (build/tools/etcshim.so): who opens
 * /etc/netflock.conf gets the file $ETCSHIM.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_at(const char *path, int flags, unsigned mode)
{
	const char *other = getenv("ETCSHIM");

	if (other != NULL && strcmp(path, "/etc/netflock.conf") == 0)
		path = other;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN(name)                                                  \
	int                                                         \
	name(const char *path, int flags, ...)                      \
	{                                                           \
		unsigned mode;                                      \
		va_list args;                                       \
                                                                    \
		va_start(args, flags);                              \
		mode = (flags & O_CREAT) ? va_arg(args, unsigned) : 0; \
		va_end(args);                                       \
		return open_at(path, flags, mode);                  \
	}

OPEN(open)
OPEN(open64)
