/* SPDX-License-Identifier: MIT */
/*
 * The password: from a file that nobody else can read or has written, and
 * out of the command line that everybody can read.
 */
#ifndef OPTIONS_SECRET_H
#define OPTIONS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define OPTIONS_SECRET_MAX 512 /* bytes of a password in a file */

/*
 * Read the password in the file PATH into DST, of OPTIONS_SECRET_MAX + 1
 * bytes, without one newline at its end.  Returns 0, or -1 with F set
 * (STATUS_CONFIG).  Which files are good enough: see secret.h.
 */
int options_secret_read(const char *path, char *dst, struct failure *f);

/*
 * Overwrite the password of the URL at TEXT, a word of the command line.
 * ps(1) can see it until then: this only makes that time short.
 */
void options_secret_hide(char *text);

/* The URL with *** for its password, for people.  Returns DST. */
char *options_secret_mask(char *dst, size_t size, const char *url);
bool options_secret_is_in(const char *url);

#endif
