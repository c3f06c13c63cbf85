/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "status.h"

/* What speaks against a file; NULL if nothing does. */
struct verdict {
	const char *unfit;    /* nothing that matters is to be read from it */
	const char *writable; /* others may change it */
	const char *exposed;  /* others may read or change it */
};

static struct verdict
judge(int fd)
{
	struct verdict v = { NULL, NULL, NULL };
	struct stat st;

	if (fstat(fd, &st) == -1) {
		v.unfit = "cannot be looked at";
		return v;
	}
	if (S_ISDIR(st.st_mode))
		v.unfit = "is a directory";
	else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		v.unfit = "is neither a regular file nor a pipe";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		v.unfit = "belongs to another user";
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		v.writable = "can be written by others: chmod go-w";
	if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		v.exposed = "is open to others: chmod 600";
	else if ((st.st_mode & S_IRWXG) != 0 && st.st_uid != 0)
		v.exposed = "is open to its group: chmod 600";
	return v;
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

static ssize_t
refuse(const char *what, const char *path, const char *why, struct failure *f)
{
	return failure_set(f, STATUS_CONFIG, "%s '%.200s' %s", what, path, why);
}

ssize_t
secret_read_open(int fd, const char *what, const char *path, char *dst,
    size_t size, const char **exposed, struct failure *f)
{
	struct verdict v = judge(fd);
	const char *why;
	ssize_t len;

	if (v.unfit != NULL)
		return refuse(what, path, v.unfit, f);
	why = exposed == NULL ? v.exposed : v.writable;
	if (why != NULL)
		return refuse(what, path, why, f);
	if (exposed != NULL)
		*exposed = v.exposed;
	len = read_all(fd, dst, size);
	if (len == -1)
		failure_set(f, STATUS_CONFIG, "cannot read the %s '%.200s': %m",
		    what, path);
	return len;
}

ssize_t
secret_read(const char *what, const char *path, char *dst, size_t size,
    struct failure *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t len;

	if (fd == -1)
		return failure_set(f, STATUS_CONFIG,
		    "cannot open the %s '%.200s': %m", what, path);
	len = secret_read_open(fd, what, path, dst, size, NULL, f);
	(void)close(fd);
	return len;
}
