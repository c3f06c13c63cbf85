/* SPDX-License-Identifier: MIT */
/*
 * Files that hold a secret: a password, a private key.  Symbolic links are
 * followed (Kubernetes makes its secrets of them), and /dev/fd/N and named
 * pipes are read: what is judged is the opened file.  It must belong to us or
 * to root and be closed to others.  Its group may read what is root's, who
 * gave it to that group on purpose: systemd's credentials and Kubernetes'
 * fsGroup look like that.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>
#include <sys/types.h>

struct failure;

/*
 * Read the file PATH, at most SIZE bytes, into DST.  Returns how many, or -1
 * with F set (STATUS_CONFIG), where the file is called WHAT ("password file").
 */
ssize_t secret_read(const char *what, const char *path, char *dst, size_t size,
    struct failure *f);

/*
 * The same for a file that was opened already, and stays open.  If EXPOSED is
 * not NULL, it need not be a secret, and only who can write it matters;
 * *EXPOSED is why it is no place for one ("is open to others: chmod 600"), or
 * NULL.
 */
ssize_t secret_read_open(int fd, const char *what, const char *path, char *dst,
    size_t size, const char **exposed, struct failure *f);

#endif
