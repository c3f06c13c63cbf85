/* SPDX-License-Identifier: MIT */
/* What this is and what it was built with, for --version. */
#ifndef VERSION_H
#define VERSION_H

/*
 * "netflock 0.1.0", one line per library, and whether there is TLS, each with
 * its newline.
 */
extern const char version_text[];

#endif
