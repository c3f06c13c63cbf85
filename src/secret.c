/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "status.h"

/* Why the open file is no place for a secret, or NULL. */
static const char *
objection(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory";
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return "is neither a regular file nor a pipe";
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "belongs to another user";
	if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "is open to others: chmod 600";
	if ((st->st_mode & S_IRWXG) != 0 && st->st_uid != 0)
		return "is open to its group: chmod 600";
	return NULL;
}

/* All of FD, SIZE bytes at most: how many, or -1. */
static ssize_t
read_all(int fd, char *dst, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < size && n != 0) {
		n = read(fd, dst + len, size - len);
		if (n > 0)
			len += (size_t)n;
		if (n == -1 && errno != EINTR)
			return -1;
	}
	return (ssize_t)len;
}

ssize_t
secret_read(const char *what, const char *path, char *dst, size_t size,
    struct failure *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why;
	struct stat st;
	ssize_t len = -1;

	if (fd == -1)
		return failure_set(f, STATUS_CONFIG,
		    "cannot open the %s '%.200s': %m", what, path);
	why = fstat(fd, &st) == 0 ? objection(&st) : "cannot be looked at";
	if (why != NULL)
		failure_set(
		    f, STATUS_CONFIG, "%s '%.200s' %s", what, path, why);
	else if ((len = read_all(fd, dst, size)) == -1)
		failure_set(f, STATUS_CONFIG, "cannot read the %s '%.200s': %m",
		    what, path);
	(void)close(fd);
	return len;
}
