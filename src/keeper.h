/* SPDX-License-Identifier: MIT */
/*
 * The keeper: the process between front and command.  It owns the lock once
 * that is held, starts the command, keeps the deadline, and gives the lock
 * back when nothing runs under it any more.  Where the lock is a script's
 * (job->script) it starts nothing: that process is what runs under it, and
 * whoever waits at job->link is told when the lock is kept.
 *
 * Its main thread keeps the deadline and therefore never waits for anything
 * but poll(2): no server, no terminal, no log.  What it has to say goes to the
 * front through CHANNEL, and is dropped if that is full.
 *
 * Steps of use (front.c): keeper_page_new(); fork; keeper_main() in the child,
 * which never returns; in the parent, lock_abandon() and watch: a packet on
 * the channel is a message (struct keeper_message), its end is the keeper's.
 * Then page->phase says how far the keeper came (KEEPER_OVER and later:
 * outcome, wstatus and run are valid).
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "deadline.h"
#include "failure.h"
#include "lock.h"

struct job;

enum keeper_phase {
	KEEPER_STARTING,
	KEEPER_RUNNING, /* the command has been started, or is about to be */
	KEEPER_KILLING, /* KILL has been sent, and is sent again */
	KEEPER_OVER,	/* nothing runs under the lock: outcome is valid */
	KEEPER_DONE	/* the lock is given back */
};

enum keeper_outcome {
	KEEPER_ENDED,	    /* the command ended by itself: wstatus */
	KEEPER_NOT_STARTED, /* failure says why */
	KEEPER_TIMED_OUT,   /* --max-runtime; said, failure has it too */
	KEEPER_LOST	    /* the lock; said, failure says why */
};

/* Shared by front and keeper; outlives both. */
struct keeper_page {
	struct deadline_cell lease;
	_Atomic int phase; /* enum keeper_phase */
	_Atomic bool lost; /* the lock; said already */
	enum keeper_outcome outcome;
	int wstatus;
	int64_t started; /* the instant; 0: it never was */
	struct lock_run run; /* for the release */
	bool released; /* or to be: nothing of the command is left */
	struct failure failure;
};

/* Keeper to front. */
struct keeper_message {
	char kind; /* enum message_kind */
	char text[700];
};

/* NULL: no memory (errno). */
struct keeper_page *keeper_page_new(void);

/* CHANNEL: our end; the front's must be closed already. */
_Noreturn void keeper_main(struct job *job, struct keeper_page *page,
    int channel);

#endif
