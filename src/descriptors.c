/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Where /proc does not say what is open: no shell uses higher numbers. */
#define BLIND_MAX 4096

void
descriptors_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (fd == -1)
			close(i);
		else
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static void
close_if_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (fd > 2 && flags != -1 && !(flags & FD_CLOEXEC))
		close(fd);
}

void
descriptors_close_inherited(void)
{
	DIR *all = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (all == NULL) {
		for (int fd = 3; fd < BLIND_MAX; fd++)
			close_if_inherited(fd);
		return;
	}
	while ((entry = readdir(all)) != NULL)
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			close_if_inherited(
			    (int)strtol(entry->d_name, NULL, 10));
	closedir(all);
}
