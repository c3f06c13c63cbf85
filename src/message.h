/* SPDX-License-Identifier: MIT */
/*
 * The one voice of netflock: "netflock: NAME: text" on stderr, one line per
 * event; as an object of JSON after --log json; to the system log after
 * --syslog, and to stderr as well if that is a terminal, or if there is no
 * system log.  Everything is escaped here (control characters, invalid UTF-8,
 * bidi controls become \xNN), so callers pass raw text.
 *
 * A line never blocks for more than a second, nor do several that nobody
 * takes: if the reader of stderr (a full pipe, a terminal stopped by Ctrl-S)
 * does not, they are dropped.  So with the system log, whose lines go to stderr
 * then.
 *  Who must not wait at all polls stderr first.
 * SIGTTOU is assumed to be blocked (front) so that "stty tostop" cannot stop
 * us.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

enum message_level { MESSAGE_QUIET, MESSAGE_NORMAL, MESSAGE_VERBOSE };

enum message_kind {
	MESSAGE_WARNING, /* it goes on */
	MESSAGE_NOTE,	 /* said with -v only */
	MESSAGE_ERROR,	 /* it went wrong */
	MESSAGE_NOTICE	 /* it is as it should be: busy, waiting */
};

void message_level(enum message_level level);
void message_form(bool json, bool to_syslog);
bool message_verbose(void);
/* Whether lines for people, of text, go to stderr. */
bool message_plain(void);
/* Whether what is said must wait for stderr: it takes nothing now. */
bool message_blocked(void);

/* All but notes are printed unless quiet.  NAME is the lock's, or NULL. */
void message_say(enum message_kind kind, const char *name, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void message_error(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Printed even with -q: usage errors, and what an operator must know. */
void message_always(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Printed with -v only. */
void message_note(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A line on the terminal that is drawn in place of the last one: "netflock: "
 * and TEXT, cut to the width.  Whatever else is said erases it first.  NULL
 * erases it.  Returns false if there can be none: no terminal, or another form
 * was asked for.  In the background of a shell nothing is drawn.
 */
bool message_live(const char *text);

/*
 * Escape LEN bytes of SRC for a terminal into DST: printable ASCII and valid
 * UTF-8 stay, all else (and a backslash) becomes \xNN (\\).  Always ends DST
 * with NUL and never cuts inside a character or an escape.  Returns the length
 * written.
 */
size_t message_escape(char *dst, size_t size, const char *src, size_t len);

#endif
