/* SPDX-License-Identifier: MIT */
/*
 * Who asks for a lock: what status shows and what messages name.  Text from
 * the server about somebody else has the same form.
 */
#ifndef OWNER_H
#define OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct owner {
	char user[64];
	char host[128];
	char pid[16];
	char command[256]; /* the words, joined by blanks, shortened */
	char reason[256];  /* "" if none */
};

/*
 * Fill O for this process; LOGIN is the login name or NULL, ARGV (the command)
 * and REASON may be NULL.
 */
void owner_self(struct owner *o, const char *login, char *const argv[],
    const char *reason);
/*
 * What O holds is of process PID: a script that asks through us.  Its command
 * is what /proc says, or "a script".
 */
void owner_process(struct owner *o, pid_t pid);
/* "ops@db3 pid 4711" into DST; returns DST.  256 bytes are enough. */
char *owner_format(char *dst, size_t size, const struct owner *o);

#endif
