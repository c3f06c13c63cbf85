/* SPDX-License-Identifier: MIT */
/*
 * The one voice of netflock on stderr: "netflock: NAME: text", one line per
 * event.  Everything is escaped here (control characters, invalid UTF-8,
 * bidi controls become \xNN), so callers pass raw text.
 *
 * A line never blocks for more than a second, nor do several that nobody
 * takes: if the reader of stderr (a full pipe, a terminal stopped by Ctrl-S)
 * does not, they are dropped.  Who must not wait at all polls stderr first.
 * SIGTTOU is assumed to be blocked (front) so that "stty tostop" cannot stop
 * us.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

enum message_level { MESSAGE_QUIET, MESSAGE_NORMAL, MESSAGE_VERBOSE };

void message_level(enum message_level level);
bool message_verbose(void);

/* Errors and warnings: printed unless quiet.  NAME is the lock's, or NULL. */
void message_error(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Printed even with -q: usage errors, and what an operator must know. */
void message_always(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Printed with -v only. */
void message_note(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Escape LEN bytes of SRC for a terminal into DST: printable ASCII and valid
 * UTF-8 stay, all else (and a backslash) becomes \xNN (\\).  Always ends DST
 * with NUL and never cuts inside a character or an escape.  Returns the length
 * written.
 */
size_t message_escape(char *dst, size_t size, const char *src, size_t len);

#endif
