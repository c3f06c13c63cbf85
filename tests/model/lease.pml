/* SPDX-License-Identifier: MIT */
/*
 * One lease in time (DESIGN.md 3 and 4): the server, the keeper's two threads,
 * the front, the command and its child.  As soon as the server can pass the
 * lock on it does: somebody waits all the time, and runs at once.
 * README.md says what is left out; check.sh runs it.
 *
 * Time is a discrete clock that ticks only when nobody has to do anything at
 * once. Everything is kept relative to now, so runs have no end.
 */

/* Durations in ticks. A tick is less than a process takes to be killed in. */
#define TTL 9
#define DRIFT 1		/* what two clocks may differ by in a TTL */
#ifdef BUG_LEASE_K0
#define SLACK 0
#else
#define SLACK 2
#endif
#define GRACE 1		/* between TERM and KILL */
#define IO 1
#define RENEW 2
/* G2: the old command is dead by then. */
#define BOUND (RENEW + IO + GRACE)

#ifdef BUG_LEASE_DRIFT
#define LEASE TTL
#else
#define LEASE (TTL - DRIFT)
#endif
#define TERM_DUE (dleft <= GRACE + SLACK)
#define KILL_DUE (dleft <= SLACK)
/* The front: the keeper cannot be alive and well. */
#define OVERDUE (dleft <= SLACK / 2)

/*
 * Switches: what can happen in this configuration.
 * LOSS: replies, releases and messages are lost, requests are late by any time;
 *	without it each takes a tick at most
 * DEATH: the front or the keeper is killed; STOPK, STOPF: the keeper or the
 *	front is stopped, any number of times; never one while the other is dead or stopped
 * RESET: an operator resets the lock
 * RESETNOW: with --now, or, if the message is lost as well, the server forgets
 */

c_decl {
	\#include <stdio.h>
	enum {
		SEEN_RAN, SEEN_TOO_LATE, SEEN_RENEWED, SEEN_REFUSED,
		SEEN_LATE_REPLY, SEEN_STRAY, SEEN_TERM, SEEN_KILL, SEEN_KILL_CHILD,
		SEEN_ENDED, SEEN_FRONT_CLEANS, SEEN_KEEPER_CLEANS, SEEN_OVERDUE,
		SEEN_EXPIRED, SEEN_RELEASED, SEEN_REVOKED, SEEN_HEARD,
		SEEN_OVERLAP, SEEN_DRIFT, SEEN_ALL
	};
	static const char *seen_name[SEEN_ALL] = {
		"ran", "too_late", "renewed", "refused",
		"late_reply", "stray", "term", "kill", "kill_child",
		"ended", "front_cleans", "keeper_cleans", "overdue",
		"expired", "released", "revoked", "heard",
		"overlap", "drift"
	};
	static unsigned long seen[SEEN_ALL];
	static void
	seen_print(void)
	{
		int i;

		for (i = 0; i < SEEN_ALL; i++)
			printf("seen %s %lu\n", seen_name[i], seen[i]);
	}
};
#define SEEN(what) c_code { seen[SEEN_##what]++; }

mtype = { FREE, OURS, REVOKED, PASSED };		/* the server's record */
mtype = { NOTHING, ASKED, GRANTED, LOST, SILENT };	/* the request */
mtype = { ASKING, RUNNING, STOPPING, OVER };		/* the keeper */
mtype = { ALIVE, STOPPED, DEAD };			/* a process */

/* ---- the server ---- */
mtype rec = FREE;
byte exp;		/* its end of lease */
byte extra;		/* ticks that its clock may run ahead, until then */

/* ---- the network ---- */
mtype ask = NOTHING;	/* an acquire, then renewals: one at a time ... */
byte age;		/* ... sent so long ago */
bit stray;		/* one that was given up may still arrive */
bit letter;		/* the message "revoked" */
bit release;

/* ---- our processes ---- */
mtype keeper = ALIVE, front = ALIVE;
mtype phase = ASKING;
byte dleft;		/* to D */
byte kleft;		/* to KILL, once TERM was sent */
byte rleft;		/* to the next renewal */
bit command, child;	/* alive */

/* ---- what the properties need ---- */
bit due;		/* TERM was due, once */
bit forgot;		/* the server passed it on against its word: G2 */
byte over;		/* ticks of overlap */
bit faults;

#define TREE (command || child)
#ifdef LOSS
#define PROMPT 0
#else
#define PROMPT 1
#endif

/* G1: dead before the server can pass the lease on. */
#define pass() \
	rec = PASSED; \
	exp = 0; extra = 0; \
	assert(!TREE || forgot)

inline send()
{
	ask = ASKED;
	age = 0;
	rleft = RENEW
}

inline finished()
{
	phase = OVER;
	kleft = 0;
	release = 1
}

/* TERM: nothing that comes later revives the lease. */
inline stop()
{
	SEEN(TERM);
	phase = STOPPING;
	kleft = GRACE
}

inline start()
{
	ask = NOTHING;
	if
#ifdef BUG_LEASE_START
	:: 1 ->
#else
	:: LEASE - age > GRACE + SLACK ->
#endif
		SEEN(RAN);
		phase = RUNNING;
#ifdef BUG_LEASE_FROMREPLY
		dleft = LEASE;
#else
		dleft = (LEASE > age -> LEASE - age : 0);
#endif
		command = 1;
		child = 1;
		assert(rec != PASSED || forgot)
#ifndef BUG_LEASE_START
	:: else ->
		SEEN(TOO_LATE);
		finished()
#endif
	fi;
	age = 0
}

inline extend()
{
#ifdef BUG_LEASE_FROMREPLY
	v = LEASE;
#else
	v = (LEASE > age -> LEASE - age : 0);
#endif
	ask = NOTHING;
	age = 0;
	if
#if defined(BUG_LEASE_LATE)
	:: phase == RUNNING ->
#elif defined(BUG_LEASE_REVIVE)
	:: phase == RUNNING || phase == STOPPING ->
		phase = RUNNING;
		kleft = 0;
#else
	:: phase == RUNNING && !TERM_DUE ->
#endif
		SEEN(RENEWED);
		/* T5: after TERM was due nothing revives the lease */
		assert(!due);
		dleft = (v > dleft -> v : dleft)
	:: else -> SEEN(LATE_REPLY)
	fi;
	v = 0
}

/* What must be done before the clock ticks on. */
#define KEEPER_MUST (keeper == ALIVE && ( \
	(phase == RUNNING && TERM_DUE) || \
	(phase == STOPPING && (KILL_DUE || kleft == 0)) || \
	(PROMPT && phase == RUNNING && rleft == 0 && ask == NOTHING) || \
	(PROMPT && (ask == GRANTED || ask == LOST)) || \
	(front == DEAD && TREE && !IGNORES_FRONT)))
#define FRONT_MUST (front == ALIVE && ( \
	(keeper == DEAD && TREE && !IGNORES_KEEPER) || \
	(keeper == STOPPED && TREE && OVERDUE && !NO_OVERDUE)))
#define NETWORK_MUST (PROMPT && ((ask == ASKED && age >= IO) || release))
#ifdef BUG_LEASE_KEEPER
#define IGNORES_FRONT 1
#else
#define IGNORES_FRONT 0
#endif
#ifdef BUG_LEASE_FRONT
#define IGNORES_KEEPER 1
#else
#define IGNORES_KEEPER 0
#endif
#ifdef BUG_LEASE_OVERDUE
#define NO_OVERDUE 1
#else
#define NO_OVERDUE 0
#endif

#define LESS(timer) timer = (timer > 0 -> timer - 1 : 0)

inline tick()
{
	/* G6: no death of one of ours costs more than an instant */
	assert(!TREE || !(front == DEAD && keeper == ALIVE));
	assert(!TREE || !(keeper == DEAD && front == ALIVE));
	/* G2 */
	if
	:: rec == PASSED && TREE ->
		SEEN(OVERLAP);
		over++;
		assert(over <= BOUND)
	:: else
	fi;
	LESS(dleft);
	LESS(kleft);
	LESS(rleft);
	age = (ask != NOTHING && age < TTL -> age + 1 : age);
	due = due || (phase == RUNNING && TERM_DUE);
	if
	:: exp > 0 ->
		exp--;
		if
		:: extra > 0 && exp > 0 ->
			SEEN(DRIFT);
			exp--;
			extra--
		:: 1
		fi;
		if
		:: exp == 0 ->
			SEEN(EXPIRED);
			pass()
		:: else
		fi
	:: else
	fi
}

active proctype World()
{
	byte v;

	atomic {
		c_code { atexit(seen_print); };
		send()
	};
end:	do
	/* ---- time ---- */
	:: atomic {
		!KEEPER_MUST && !FRONT_MUST && !NETWORK_MUST &&
		    (phase != OVER || rec == OURS || rec == REVOKED || TREE) ->
		tick()
	}

	/* ---- the server ---- */
	:: d_step {
		ask == ASKED ->
		if
		:: phase == ASKING && rec == FREE ->
			rec = OURS;
			exp = TTL;
			extra = DRIFT;
			ask = GRANTED
		:: phase != ASKING && rec == OURS ->
			exp = TTL;
			extra = DRIFT;
			ask = GRANTED
		:: else ->
			SEEN(REFUSED);
			ask = LOST
		fi
	}
	:: d_step {
		stray ->
		stray = 0;
		if
		:: rec == OURS ->
			SEEN(STRAY);
			exp = TTL;
			extra = DRIFT
		:: else
		fi
	}
	:: d_step {
		release ->
		release = 0;
		if
		:: rec == OURS || rec == REVOKED ->
			SEEN(RELEASED);
			pass()
		:: else
		fi
	}
#ifdef RESET
	:: d_step {
		rec == OURS ->
		SEEN(REVOKED);
#ifdef BUG_LEASE_RESET_FREE
		pass();
#else
		rec = REVOKED;
#endif
		letter = 1
	}
#endif
#ifdef RESETNOW
	:: d_step {
		rec == OURS && phase == RUNNING ->
		forgot = 1;
		letter = 1;
		pass()
	}
#endif

	/* ---- the network ---- */
#ifdef LOSS
	:: d_step { ask == GRANTED || ask == LOST -> ask = SILENT }
	:: d_step { release -> release = 0 }
#endif
	:: d_step { letter -> letter = 0 }

	/* ---- the renewal thread ---- */
	:: d_step {
		keeper == ALIVE && phase == RUNNING && ask == NOTHING &&
		    !TERM_DUE && (rleft == 0 || !PROMPT) ->
		send()
	}
	:: d_step {
		keeper == ALIVE && phase != ASKING && age >= IO &&
		    (ask == ASKED || ask == SILENT) && !PROMPT ->
		stray = stray || (ask == ASKED);
		ask = NOTHING;
		age = 0
	}
	:: d_step { keeper == ALIVE && ask == GRANTED && phase == ASKING -> start() }
	:: d_step { keeper == ALIVE && ask == GRANTED && phase != ASKING -> extend() }
	:: d_step {
		keeper == ALIVE && ask == LOST ->
		ask = NOTHING;
		age = 0;
		if
		:: phase == ASKING -> phase = OVER
#ifndef BUG_LEASE_UNHEARD
		:: phase == RUNNING -> stop()
#endif
		:: else
		fi
	}
	:: d_step {
		keeper == ALIVE && letter && phase == RUNNING ->
		SEEN(HEARD);
		letter = 0;
		stop()
	}

	/* ---- the keeper's main thread ---- */
	:: d_step { keeper == ALIVE && phase == RUNNING && TERM_DUE -> stop() }
	:: d_step {
		keeper == ALIVE && phase == STOPPING && (KILL_DUE || kleft == 0) ->
		SEEN(KILL);
		if
		:: child && !command -> SEEN(KILL_CHILD)
		:: else
		fi;
		command = 0;
#ifndef BUG_LEASE_ONE
		child = 0;
#endif
		finished()
	}
	:: d_step {
#ifdef BUG_LEASE_EARLY
		keeper == ALIVE && phase == STOPPING && !command ->
#else
		keeper == ALIVE && phase == STOPPING && !TREE ->
#endif
		finished()
	}
	:: d_step {
		keeper == ALIVE && phase == RUNNING && !command ->
		SEEN(ENDED);
		finished()
	}
	:: d_step {
		keeper == ALIVE && front == DEAD && TREE && !IGNORES_FRONT ->
		SEEN(KEEPER_CLEANS);
		command = 0;
		child = 0;
		finished()
	}

	/* ---- the front ---- */
	:: d_step {
		front == ALIVE && keeper == DEAD && TREE && !IGNORES_KEEPER ->
		SEEN(FRONT_CLEANS);
		command = 0;
		child = 0;
		finished()
	}
	:: d_step {
		front == ALIVE && keeper == STOPPED && TREE && OVERDUE &&
		    !NO_OVERDUE ->
		SEEN(OVERDUE);
		keeper = DEAD;
		command = 0		/* PDEATHSIG */
	}

	/* ---- the command: what it leaves behind when it ends by itself has ended */
	:: d_step { command && phase == RUNNING -> command = 0; child = 0 }
	:: d_step { command && phase == STOPPING -> command = 0 }
	:: d_step { child && phase == STOPPING -> child = 0 }

	/* ---- faults ---- */
#ifdef DEATH
	:: d_step { !faults && phase != ASKING && keeper == ALIVE -> faults = 1; front = DEAD }
	:: d_step {
		!faults && phase != ASKING && front == ALIVE ->
		faults = 1;
		keeper = DEAD;
		command = 0		/* PDEATHSIG */
	}
#endif
#ifdef STOPK
	:: d_step { keeper == ALIVE && front == ALIVE && phase != ASKING -> keeper = STOPPED }
	:: d_step { keeper == STOPPED -> keeper = ALIVE }
#endif
#ifdef STOPF
	:: d_step { front == ALIVE && keeper == ALIVE && phase != ASKING -> front = STOPPED }
	:: d_step { front == STOPPED -> front = ALIVE }
#endif
	od
}
