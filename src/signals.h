/* SPDX-License-Identifier: MIT */
/*
 * Signals of the front, and what the command must find as the caller left it.
 *
 * signals_take() blocks what we handle, before the first fork, and makes one
 * descriptor of it (signalfd), so that every wait of ours is one poll(2) and
 * no handler exists: dispositions stay as they were, and what the caller
 * ignores (nohup) stays ignored by us and by the command.  The descriptor
 * first shows only what would end us; after signals_watch_children() it also
 * shows what ends no one (CHLD, WINCH, URG).
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct signals {
	int fd;			/* readable: signals_next() */
	sigset_t watched;	/* what it shows */
	sigset_t inherited;	/* the mask we were started with */
	struct sigaction sigpipe, sigchld; /* the dispositions ditto */
};

struct signals_event {
	int number;
	bool terminal; /* Ctrl-C: the kernel told the whole process group */
};

/* Returns 0, or -1 (errno). */
int signals_take(struct signals *s);
/* Show the harmless ones too.  Returns 0, or -1 (errno). */
int signals_watch_children(struct signals *s);
/* The next signal: true and *EVENT, or false if there is none. */
bool signals_next(struct signals *s, struct signals_event *event);
/* Add to *SET what the terminal has sent that is still pending for us. */
void signals_early(sigset_t *set);
/* In the command, between vfork and exec: async-signal-safe. */
void signals_give_back(const struct signals *s);
/* Die of SIGNAL as the caller would see it; 128+N as PID 1.  No core. */
_Noreturn void signals_die(int number);
/* Number of "TERM", "SIGTERM" or "15"; -1 if there is none. */
int signals_number(const char *text);
/* "TERM" for SIGTERM; a number as text for what has no name. */
const char *signals_name(int number);

#endif
