/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where to cut TEXT so that at most MAX bytes and no half character stay. */
static size_t
cut_at(const char *text, size_t max)
{
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* Copy TEXT to DST; what does not fit becomes "...".  SIZE is above 4. */
static void
copy_short(char *dst, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len < size) {
		memcpy(dst, text, len + 1);
		return;
	}
	len = cut_at(text, size - sizeof("..."));
	memcpy(dst, text, len);
	memcpy(dst + len, "...", sizeof("..."));
}

static void
join_words(char *dst, size_t size, char *const *words)
{
	/* Room beyond SIZE, so that copy_short() sees what was too much. */
	char line[1024] = "";
	size_t len = 0, n;

	for (; words != NULL && *words != NULL && len < size; words++) {
		if (len > 0)
			line[len++] = ' ';
		n = strnlen(*words, sizeof(line) - 1 - len);
		memcpy(line + len, *words, n);
		len += n;
		line[len] = '\0';
	}
	copy_short(dst, size, line);
}

void
owner_self(
    struct owner *o, const char *login, char *const argv[], const char *reason)
{
	uid_t uid = getuid();

	/*
	 * Under sudo or su, LOGNAME may be anybody's: root is always "root".
	 * No getpwuid(3): it may ask a directory server, and take seconds.
	 */
	if (uid == 0)
		copy_short(o->user, sizeof(o->user), "root");
	else if (login != NULL && login[0] != '\0')
		copy_short(o->user, sizeof(o->user), login);
	else
		snprintf(
		    o->user, sizeof(o->user), "uid%lu", (unsigned long)uid);

	if (gethostname(o->host, sizeof(o->host)) == -1)
		snprintf(o->host, sizeof(o->host), "unknown");
	o->host[sizeof(o->host) - 1] = '\0';
	snprintf(o->pid, sizeof(o->pid), "%ld", (long)getpid());
	join_words(o->command, sizeof(o->command), argv);
	copy_short(o->reason, sizeof(o->reason), reason ? reason : "");
}

void
owner_process(struct owner *o, pid_t pid)
{
	char path[48], line[1024];
	ssize_t n = 0;
	int fd;

	snprintf(o->pid, sizeof(o->pid), "%ld", (long)pid);
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, line, sizeof(line) - 1);
		close(fd);
	}
	while (n > 0 && line[n - 1] == '\0')
		n--;
	if (n <= 0) {
		copy_short(o->command, sizeof(o->command), "a script");
		return;
	}
	line[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	copy_short(o->command, sizeof(o->command), line);
}

char *
owner_format(char *dst, size_t size, const struct owner *o)
{
	snprintf(dst, size, "%s@%s pid %s", o->user, o->host, o->pid);
	return dst;
}
