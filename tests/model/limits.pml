/* SPDX-License-Identifier: MIT */
/*
 * Limits and several names: two locks, three requests, each for one of the
 * locks or both, exclusive, for two slots or shared.  What queue.pml has for
 * one exclusive lock (messages, connections, time, attempts) is left out here:
 * a script is one step, a grant is heard at once or never, and there is no
 * clock.  What ends by itself (a lease, a hold-back) may end at any moment
 * that the clients' promises allow.  README.md says what is proved.
 */

/*
 * Switches.
 * DIE: n clients vanish, their subscriptions with them
 * LEAVE: a waiter gives up, and says so
 * RESET: an operator resets one of the locks once
 * FORGET: the server loses the first lock, or both, once
 * LATE: one renewal of the first client is delayed in flight for any time
 * LOSEQ: the server loses the queue of the first lock once
 * RW: requests are exclusive or shared only
 * ONE: all of them are for the first lock only
 */
#ifndef DIE
#define DIE 0
#endif

#define N 3
#define R(l, t) ((l) * (N + 1) + (t))
#define CELLS (2 * (N + 1))
#define WANTS(t, l) ((names[t] >> (l)) & 1)
#define MIN(a, b) ((a) < (b) -> (a) : (b))

c_decl {
	\#include <stdio.h>
	\#include <stdlib.h>
	enum {
		SEEN_DIRECT, SEEN_GRANTED, SEEN_TOGETHER, SEEN_BOTH,
		SEEN_IDLE, SEEN_DEAD_HEAD, SEEN_PASSED_OVER,
		SEEN_EXPIRED, SEEN_ASKED_AGAIN, SEEN_LEFT, SEEN_REVOKED,
		SEEN_RESTORED, SEEN_RESTORED_BESIDE, SEEN_NOT_RESTORED,
		SEEN_GAVE_WAY, SEEN_HELD_BACK, SEEN_LIFTED, SEEN_OVERLAP,
		SEEN_ALL
	};
	static const char *seen_name[SEEN_ALL] = {
		"direct", "granted", "together", "both",
		"idle", "dead_head", "passed_over",
		"expired", "asked_again", "left", "revoked",
		"restored", "restored_beside", "not_restored",
		"gave_way", "held_back", "lifted", "overlap"
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

mtype = { ACQUIRE, QUEUE, CONFIRM, RENEW, RELEASE, LEAVEQ, RESETONE };
mtype = { HELDNOW, GRANTED, WAITS, OK, LOST };
mtype = { PEND, HELD, REVOKED };
mtype = { IDLING, JOIN, WAIT, RUN, DONE, DEAD };

/* ---- the server ---- */
mtype rec[CELLS];	/* holders */
bit inq[CELLS];		/* waiters */
byte ord[CELLS];
byte born[2], fence[2];
bit granted[2], heard[2], hold[2];
bit fresh[2];		/* this birth is not longer ago than a hold-back */
bit rknew[N + 1];	/* a waiter's record: knew of a holder, when born */
byte rborn[CELLS];
bit sub[N + 1];

/* ---- the clients ---- */
mtype ph[N + 1];
byte names[N + 1];	/* which locks: bits */
byte lim[N + 1];	/* 1, 2, or 3: no limit */
bit poke[N + 1];	/* a reason to ask again */
bit asked[N + 1];	/* asked after 30 s, and nothing has happened since */
bit knew[N + 1];
byte kborn[CELLS];
byte gborn[CELLS];	/* the births that its own grant belongs to */
byte myfence[N + 1];
bit late[N + 1], mailed;
byte late_born[CELLS];

/* ---- for the properties ---- */
bit lost[2];		/* forgotten once */
bit blind;		/* granted to one who could not know of a holder */
bit wasreset;
byte births, orders, fences;
byte deaths = DIE;
bit looked[2], todo[2], touched[2];
#ifdef LOSEQ
bit loseq;
#else
#define loseq 0
#endif

/* ---- one script ---- */
mtype op, reply;
byte who, what;		/* who asks; which lock a reset means */
byte h, h2, i, j, l, m, count, least, most;
bit ok, conf, is_late;

inline head(lock, found)
{
	found = 0;
	j = 1;
	do
	:: j > N -> break
	:: else ->
		if
		:: inq[R(lock, j)] && (found == 0 ||
		    ord[R(lock, j)] < ord[R(lock, found)]) -> found = j
		:: else
		fi;
		j++
	od
}

inline touch(lock)
{
	todo[lock] = 1;
	touched[lock] = 1
}

inline drop_waiter(t)
{
	if
	:: inq[R(0, t)] -> touch(0)
	:: else
	fi;
	if
	:: inq[R(1, t)] -> touch(1)
	:: else
	fi;
	inq[R(0, t)] = 0; ord[R(0, t)] = 0; rborn[R(0, t)] = 0;
	inq[R(1, t)] = 0; ord[R(1, t)] = 0; rborn[R(1, t)] = 0;
	rknew[t] = 0
}

inline drop_record(lock, t)
{
	if
	:: rec[R(lock, t)] != 0 -> touch(lock); rec[R(lock, t)] = 0
	:: else
	fi
}

/* Grantees that have gone, in all their names. */
inline look(lock)
{
	j = 1;
	do
	:: looked[lock] || j > N -> break
	:: else ->
		if
		:: rec[R(lock, j)] == PEND && !sub[j] && j != who ->
			SEEN(PASSED_OVER);
			drop_record(lock, j);
#ifndef BUG_LIMITS_PENDONE
			drop_record(1 - lock, j)
#endif
		:: else
		fi;
		j++
	od;
	looked[lock] = 1
}

inline live_head(lock, found)
{
	look(lock);
	do
	:: 1 ->
		head(lock, found);
		if
		:: found != 0 && !sub[found] && found != who ->
			SEEN(DEAD_HEAD);
			drop_waiter(found)
		:: else -> break
		fi
	od
}

/* Rule 1.  MINE is the fence of a restore, or 0. */
#define OUTLIVED(k, mine) \
	((mine) != 0 && lim[k] == 1 && myfence[k] < (mine))
#ifdef BUG_LIMITS_OUTLIVED
#undef OUTLIVED
#define OUTLIVED(k, mine) 0
#endif
#ifdef BUG_LIMITS_TURNOUT
#undef OUTLIVED
#define OUTLIVED(k, mine) ((mine) != 0 && lim[k] == 1)
#endif
#ifdef BUG_LIMITS_FIRST
#define ONLY_FIRST(t, lock) (lock == 1 && WANTS(t, 0))
#else
#define ONLY_FIRST(t, lock) 0
#endif
inline admits(lock, t, mine)
{
	count = 1;
	least = lim[t];
	j = 1;
	do
	:: j > N -> break
	:: else ->
		if
		:: j != t && rec[R(lock, j)] != 0 && !OUTLIVED(j, mine) ->
			count++;
#ifndef BUG_LIMITS_OWN
			least = MIN(least, lim[j])
#endif
		:: j == t && rec[R(lock, j)] == REVOKED -> least = 0
		:: else
		fi;
		j++
	od;
	ok = (count <= least || ONLY_FIRST(t, lock))
}

inline be_born(lock)
{
	if
	:: born[lock] == 0 -> births++; born[lock] = births
	:: else
	fi
}

/* Rule 8: T knew of a holder that this birth does not. */
inline doubt(lock, knows, birth)
{
#ifndef BUG_LIMITS_NOHOLD
	if
	:: knows && birth != born[lock] && !heard[lock] && fresh[lock] ->
		be_born(lock);
		hold[lock] = 1
	:: else
	fi
#else
	skip
#endif
}

inline grant_one(t, lock, state)
{
	/* first come, first served, among the living */
	j = 1;
	do
	:: j > N -> break
	:: else ->
		assert(j == t || !inq[R(lock, j)] || !sub[j] ||
		    (state == PEND && ord[R(lock, j)] > ord[R(lock, t)]));
		j++
	od;
	if
	:: lost[lock] && !(state == PEND && rknew[t] &&
	    rborn[R(lock, t)] != born[lock]) -> blind = 1
	:: else
	fi;
	be_born(lock);
	rec[R(lock, t)] = state;
	fence[lock] = fences;
	granted[lock] = 1;
	touch(lock)
}

inline grant(t, state)
{
	fences++;
	myfence[t] = fences;
	m = 0;
	do
	:: m > 1 -> break
	:: else ->
		if
		:: WANTS(t, m) -> grant_one(t, m, state)
		:: else
		fi;
		m++
	od;
	drop_waiter(t)
}

/* To what waits first in LOCK, if it may have all its names. */
inline grant_head(lock)
{
	live_head(lock, h);
	conf = (h != 0);	/* admissible */
	m = 0;
	do
	:: m > 1 || h == 0 -> break
	:: else ->
		if
		:: WANTS(h, m) ->
			live_head(m, h2);
#ifdef BUG_LIMITS_HEADANY
			h2 = h;
#endif
			doubt(m, rknew[h], rborn[R(m, h)]);
			admits(m, h, 0);
			if
			:: hold[m] -> SEEN(HELD_BACK)
			:: else
			fi;
			if
			:: h2 != h && ok -> SEEN(IDLE)
			:: else
			fi;
			conf = conf && h2 == h && ok && !hold[m]
		:: else
		fi;
		m++
	od;
	if
	:: conf ->
		SEEN(GRANTED);
		most++;
		if
		:: names[h] == 3 -> SEEN(BOTH)
		:: else
		fi;
		grant(h, PEND)
	:: else -> todo[lock] = 0
	fi
}

/* The request's own locks, and those that it has changed. */
#ifdef BUG_LIMITS_REACH
#define REACHED(l) (who == 0 || WANTS(who, l))
#else
#define REACHED(l) 1
#endif
inline promote()
{
	most = 0;
	do
	:: (todo[0] && REACHED(0)) || (todo[1] && REACHED(1)) ->
#ifdef BUG_LIMITS_ONE
		if
		:: most > 0 -> break
		:: else
		fi;
#endif
		l = (todo[0] && REACHED(0) -> 0 : 1);
		grant_head(l)
	:: else -> break
	od;
	if
	:: most > 1 -> SEEN(TOGETHER)
	:: else
	fi
}

/* What a request has: all of it is renewed, or asks "granted". */
#define RENEWABLE(l, t) (rec[R(l, t)] == PEND || rec[R(l, t)] == HELD)
#define HAS(t) \
	((!WANTS(t, 0) || RENEWABLE(0, t)) && (!WANTS(t, 1) || RENEWABLE(1, t)))

inline acquire_then()
{
	reply = HELDNOW;
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		if
		:: WANTS(who, l) ->
			live_head(l, h);
			admits(l, who, 0);
			if
#ifdef BUG_LIMITS_OVERTAKE
			:: !ok || hold[l] -> reply = WAITS
#else
			:: !ok || hold[l] || h != 0 -> reply = WAITS
#endif
			:: else
			fi
		:: else
		fi;
		l++
	od;
	if
	:: reply == HELDNOW -> SEEN(DIRECT); grant(who, HELD)
	:: else
	fi
}

inline place(lock)
{
	be_born(lock);
	inq[R(lock, who)] = 1;
	if
	:: ord[R(lock, who)] == 0 ->
#ifdef BUG_LIMITS_TWOSTEP
		orders++;
#endif
		ord[R(lock, who)] = orders
	:: else
	fi;
	touch(lock)
}

inline script_queue()
{
	if
	:: HAS(who)
	:: else ->
		l = 0;
		most = 0;	/* its number, if it has one */
		rknew[who] = knew[who];
		do
		:: l > 1 -> break
		:: else ->
			if
			:: WANTS(who, l) ->
				doubt(l, knew[who], kborn[R(l, who)]);
				rborn[R(l, who)] = kborn[R(l, who)];
				most = (ord[R(l, who)] > most ->
				    ord[R(l, who)] : most)
			:: else
			fi;
			l++
		od;
#ifndef BUG_LIMITS_TWOSTEP
		if
		:: most == 0 -> orders++; most = orders
		:: else
		fi;
		ord[R(0, who)] = (WANTS(who, 0) -> most : 0);
		ord[R(1, who)] = (WANTS(who, 1) -> most : 0);
		if
		:: WANTS(who, 0) -> place(0)
		:: else
		fi;
		if
		:: WANTS(who, 1) -> place(1)
		:: else
		fi;
#else
		/* in its first name, which may be either; in the other one
		   with the next request */
		if
		:: WANTS(who, who % 2) && !inq[R(who % 2, who)] ->
			place(who % 2);
			poke[who] = (names[who] == 3)
		:: WANTS(who, who % 2) && inq[R(who % 2, who)] &&
		    WANTS(who, 1 - who % 2) -> place(1 - who % 2)
		:: !WANTS(who, who % 2) -> place(1 - who % 2)
		:: else
		fi;
#endif
		/* what it will know */
		j = 1;
		do
		:: j > N -> break
		:: else ->
			if
			:: (WANTS(who, 0) && rec[R(0, j)] != 0) ||
			    (WANTS(who, 1) && rec[R(1, j)] != 0) ->
				rknew[who] = 1;
				rborn[R(0, who)] = (WANTS(who, 0) -> born[0] : 0);
				rborn[R(1, who)] = (WANTS(who, 1) -> born[1] : 0)
			:: else
			fi;
			j++
		od
	fi
}

inline script_confirm()
{
	reply = (HAS(who) -> OK : LOST);
	if
	:: reply == OK ->
		rec[R(0, who)] = (WANTS(who, 0) -> HELD : 0);
		rec[R(1, who)] = (WANTS(who, 1) -> HELD : 0)
	:: else
	fi
}

inline lift(lock)
{
	be_born(lock);
	heard[lock] = 1;
	if
	:: hold[lock] -> SEEN(LIFTED)
	:: else
	fi;
	hold[lock] = 0;
	fence[lock] = (fence[lock] < myfence[who] -> myfence[who] : fence[lock])
}

#define BIRTH(l) (is_late -> late_born[R(l, who)] : gborn[R(l, who)])

/* Rule 8: may it come back in LOCK? */
inline judge_restore(lock)
{
	if
	:: rec[R(lock, who)] != 0 -> ok = RENEWABLE(lock, who)
	:: else ->
		admits(lock, who, myfence[who]);
#ifdef BUG_LIMITS_RESTORE
		ok = 1;
#endif
		if
		:: lim[who] == 1 -> ok = (myfence[who] > fence[lock])
		:: else
		fi;
		ok = ok && BIRTH(lock) != born[lock] && !granted[lock]
	fi
}

inline restore(lock)
{
	SEEN(RESTORED);
	be_born(lock);
	j = 1;
	do
	:: j > N -> break
	:: else ->
		if
		:: j != who && rec[R(lock, j)] != 0 &&
		    (lim[who] == 1 || OUTLIVED(j, myfence[who])) ->
			SEEN(GAVE_WAY);
			/* who is over, and nobody else */
			assert(blind || ph[j] == DONE || ph[j] == DEAD);
			drop_record(0, j);
			drop_record(1, j)
		:: j != who && rec[R(lock, j)] != 0 && lim[who] != 1 &&
		    !OUTLIVED(j, myfence[who]) -> SEEN(RESTORED_BESIDE)
		:: else
		fi;
		j++
	od;
	rec[R(lock, who)] = HELD;
	touch(lock);
#ifdef BUG_LIMITS_LIFT
	lift(lock);
#endif
	if
	:: lim[who] == 1 -> lift(lock)
	:: else ->
		fence[lock] = (fence[lock] < myfence[who] ->
		    myfence[who] : fence[lock])
	fi
}

inline script_renew()
{
	reply = OK;
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		if
		:: WANTS(who, l) ->
			judge_restore(l);
			if
			:: !ok -> reply = LOST
			:: else
			fi
		:: else
		fi;
		l++
	od;
	l = 0;
	do
	:: l > 1 || reply == LOST -> break
	:: else ->
		if
		:: WANTS(who, l) && rec[R(l, who)] == 0 -> restore(l)
		:: else
		fi;
		l++
	od
}

inline script_release()
{
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		if
		:: WANTS(who, l) ->
			if
			:: lim[who] == 1 && gborn[R(l, who)] != born[l] -> lift(l)
			:: else
			fi;
			drop_record(l, who)
		:: else
		fi;
		l++
	od
}

inline script_leave()
{
	drop_waiter(who);
	drop_record(0, who);
	drop_record(1, who)
}

inline script_reset()
{
	i = 1;
	do
	:: i > N -> break
	:: else ->
		l = 0;
		conf = (rec[R(what, i)] != 0);
		do
		:: l > 1 || !conf -> break
		:: else ->
			if
#ifdef BUG_LIMITS_RESETONE
			:: l != what
#endif
			:: rec[R(l, i)] == HELD ->
				SEEN(REVOKED);
				rec[R(l, i)] = REVOKED;
				touch(l)
			:: rec[R(l, i)] == PEND -> drop_record(l, i)
			:: else
			fi;
			l++
		od;
		i++
	od
}

/* After every script. */
inline check_records()
{
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		/* never more than any of them allows */
		count = 0;
		least = N;
		i = 1;
		do
		:: i > N -> break
		:: else ->
			if
			:: rec[R(l, i)] != 0 ->
				count++;
				least = MIN(least, lim[i])
			:: else
			fi;
			/* all or none */
			assert(lost[0] || lost[1] || names[i] != 3 ||
			    rec[R(0, i)] == rec[R(1, i)]);
			/* and so in the queues */
			assert(names[i] != 3 || loseq ||
			    inq[R(0, i)] == inq[R(1, i)]);
			i++
		od;
		assert(count <= least);
		l++
	od
}

/* Nobody who could have all its names is left waiting in what was changed. */
inline check_waiters()
{
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		head(l, h);
		if
		:: h != 0 && touched[l] ->
			conf = (!hold[0] || !WANTS(h, 0)) &&
			    (!hold[1] || !WANTS(h, 1));
			m = 0;
			do
			:: m > 1 -> break
			:: else ->
				if
				:: WANTS(h, m) ->
					head(m, h2);
					admits(m, h, 0);
					conf = conf && ok && h2 == h
				:: else
				fi;
				m++
			od;
			assert(!conf)
		:: else
		fi;
		l++
	od
}

inline check_running()
{
	l = 0;
	do
	:: l > 1 -> break
	:: else ->
		count = 0;
		least = N;
		i = 1;
		do
		:: i > N -> break
		:: else ->
			if
			:: ph[i] == RUN && WANTS(i, l) ->
				count++;
				least = MIN(least, lim[i])
			:: else
			fi;
			i++
		od;
		if
		:: count > least -> SEEN(OVERLAP)
		:: else
		fi;
		assert(count <= least || (lost[l] && blind));
		l++
	od
}

inline begin_script()
{
	looked[0] = 0; looked[1] = 0;
	touched[0] = (who != 0 && WANTS(who, 0));
	touched[1] = (who != 0 && WANTS(who, 1));
	todo[0] = touched[0]; todo[1] = touched[1];
	if
	:: op != QUEUE ->
		asked[1] = 0; asked[2] = 0; asked[3] = 0
	:: else
	fi
}

inline run_script()
{
	begin_script();
	if
	:: op == ACQUIRE
	:: op == QUEUE -> script_queue()
	:: op == CONFIRM -> script_confirm()
	:: op == RENEW -> script_renew()
	:: op == RELEASE -> script_release()
	:: op == LEAVEQ -> script_leave()
	:: op == RESETONE -> script_reset()
	fi;
	promote();
	if
	:: op == ACQUIRE -> acquire_then()
	:: op == QUEUE -> reply = (HAS(who) -> GRANTED : WAITS)
	:: else
	fi;
#ifndef BUG_LIMITS_TWOSTEP
	check_records();
#endif
	check_waiters()
}

/* What a busy reply says. */
inline learn()
{
	i = 1;
	do
	:: i > N -> break
	:: else ->
		if
		:: (WANTS(who, 0) && rec[R(0, i)] != 0) ||
		    (WANTS(who, 1) && rec[R(1, i)] != 0) ->
			knew[who] = 1;
			kborn[R(0, who)] = (WANTS(who, 0) -> born[0] : 0);
			kborn[R(1, who)] = (WANTS(who, 1) -> born[1] : 0)
		:: else
		fi;
		i++
	od
}

inline run_now()
{
	ph[who] = RUN;
	gborn[R(0, who)] = (WANTS(who, 0) -> born[0] : 0);
	gborn[R(1, who)] = (WANTS(who, 1) -> born[1] : 0);
	knew[who] = 0; kborn[R(0, who)] = 0; kborn[R(1, who)] = 0;
	check_running()
}

inline finish()
{
	ph[who] = DONE;
	sub[who] = 0;
	poke[who] = 0;
	knew[who] = 0; kborn[R(0, who)] = 0; kborn[R(1, who)] = 0;
	if
	:: !late[who] ->
		gborn[R(0, who)] = 0; gborn[R(1, who)] = 0
	:: else
	fi
}

inline take_reply()
{
	if
	:: is_late
	:: op == ACQUIRE && reply == HELDNOW -> sub[who] = 1; run_now()
	:: op == ACQUIRE && reply == WAITS ->
		learn();
		sub[who] = 1;
		ph[who] = JOIN
	:: op == QUEUE ->
		learn();
		ph[who] = WAIT
	:: op == CONFIRM && reply == OK -> poke[who] = 0; run_now()
	:: op == CONFIRM && reply == LOST -> poke[who] = 1
	:: op == RENEW && reply == OK ->
		gborn[R(0, who)] = (WANTS(who, 0) -> born[0] : 0);
		gborn[R(1, who)] = (WANTS(who, 1) -> born[1] : 0)
	:: op == RENEW && reply == LOST ->
		SEEN(NOT_RESTORED);
		/* nobody loses a lock for nothing */
		assert(blind || wasreset)
	:: op == RELEASE -> finish()
	:: op == LEAVEQ -> SEEN(LEFT); finish()
	:: else
	fi;
	op = 0; reply = 0; who = 0; what = 0; is_late = 0; conf = 0; ok = 0;
	h = 0; h2 = 0; i = 0; j = 0; l = 0; m = 0; count = 0; least = 0;
	most = 0; todo[0] = 0; todo[1] = 0; touched[0] = 0; touched[1] = 0;
	looked[0] = 0; looked[1] = 0
}

#define FORGOTTEN(t, l) (WANTS(t, l) && lost[l] && gborn[R(l, t)] != born[l])
/* Somebody from before this birth has not renewed yet, and will. */
#define OWING(t, l) (ph[t] == RUN && FORGOTTEN(t, l))
#define HASREC(t) (rec[R(0, t)] != 0 || rec[R(1, t)] != 0)

/* Has something to do; a request of his is on its way; left a record. */
#ifdef LEAVE
#define MAYLEAVE 1
#else
#define MAYLEAVE 0
#endif
#define CAN(t) \
	(ph[t] == JOIN || ph[t] == RUN || late[t] || \
	(ph[t] == WAIT && (poke[t] || HASREC(t) || MAYLEAVE)))
/* A lease is longer than what a renewal takes: what was restored ends after
   those who live have renewed. */
#define OWED(l) (OWING(1, l) || OWING(2, l) || OWING(3, l))
#define LEFT(t) \
	((ph[t] == DEAD || ph[t] == DONE) && HASREC(t) && \
	!(WANTS(t, 0) && OWED(0)) && !(WANTS(t, 1) && OWED(1)))

inline watch(lock)
{
	head(lock, h);
	if
	:: h != 0 && ph[h] == WAIT -> poke[h] = 1
	:: else
	fi;
	h = 0; j = 0
}

active proctype World()
{
end:	do
	/* ---- clients ---- */
	:: atomic {
		ph[3] == IDLING ->	/* they are alike: numbered as they come */
		if
		:: ph[1] == IDLING -> who = 1
		:: ph[1] != IDLING && ph[2] == IDLING -> who = 2
		:: ph[2] != IDLING && ph[3] == IDLING -> who = 3
		fi;
		if
		:: names[who] = 1
#ifndef ONE
		:: names[who] = 2
		:: names[who] = 3
#endif
		fi;
		if
		:: lim[who] = 1
#ifndef RW
		:: lim[who] = 2
#endif
		:: lim[who] = 3
		fi;
		op = ACQUIRE;
		d_step { run_script(); take_reply() }
	}
	:: atomic {
		CAN(1) || CAN(2) || CAN(3) ->
		if
		:: CAN(1) -> who = 1
		:: CAN(2) -> who = 2
		:: CAN(3) -> who = 3
		fi;
		if
		:: ph[who] == JOIN -> op = QUEUE
		:: ph[who] == WAIT && poke[who] -> poke[who] = 0; op = QUEUE
		:: ph[who] == WAIT && HASREC(who) -> op = CONFIRM
		:: ph[who] == RUN && (FORGOTTEN(who, 0) || FORGOTTEN(who, 1)) ->
			op = RENEW
		:: ph[who] == RUN -> op = RELEASE
#ifdef LEAVE
		:: ph[who] == WAIT -> op = LEAVEQ
#endif
#ifdef LATE
		:: late[who] -> op = RENEW; is_late = 1; late[who] = 0
#endif
		fi;
		d_step { run_script(); take_reply() }
	}
#ifdef LATE
	:: d_step {
		ph[1] == RUN && !mailed -> mailed = 1;
		late[1] = 1;
		late_born[R(0, 1)] = gborn[R(0, 1)];
		late_born[R(1, 1)] = gborn[R(1, 1)]
	}
#endif
	/* ---- what happens to them ---- */
	:: atomic {
		deaths > 0 && (sub[1] || sub[2] || sub[3]) ->
		if
		:: sub[1] -> who = 1
		:: sub[2] -> who = 2
		:: sub[3] -> who = 3
		fi;
		d_step {
			deaths--;
			finish();
			ph[who] = DEAD;
			who = 0
		}
	}
	/* the lease of who is over ends; the heads watch */
	:: atomic {
		LEFT(1) || LEFT(2) || LEFT(3) ->
		if
		:: LEFT(1) -> who = 1
		:: LEFT(2) -> who = 2
		:: LEFT(3) -> who = 3
		fi;
		d_step {
			SEEN(EXPIRED);
			rec[R(0, who)] = 0;
			rec[R(1, who)] = 0;
			asked[1] = 0; asked[2] = 0; asked[3] = 0;
			if
			:: WANTS(who, 0) -> watch(0)
			:: else
			fi;
			if
			:: WANTS(who, 1) -> watch(1)
			:: else
			fi;
			who = 0
		}
	}
#ifdef RESET
	:: atomic {
		!wasreset ->
		if
		:: what = 0
		:: what = 1
		fi;
		wasreset = 1;
		op = RESETONE;
		d_step { run_script(); take_reply() }
	}
#endif
#ifdef LOSEQ
	:: d_step {
		!loseq ->
		loseq = 1;
		inq[R(0, 1)] = 0; inq[R(0, 2)] = 0; inq[R(0, 3)] = 0;
		ord[R(0, 1)] = 0; ord[R(0, 2)] = 0; ord[R(0, 3)] = 0
	}
#endif
#ifdef FORGET
	:: atomic {
		!lost[0] && born[0] != 0 ->
		if
		:: what = 1
		:: born[1] != 0 -> what = 2
		fi;
		d_step {
			l = 0;
			do
			:: l >= what -> break
			:: else ->
				lost[l] = 1;
				rec[R(l, 1)] = 0; rec[R(l, 2)] = 0;
				rec[R(l, 3)] = 0;
				born[l] = 0; fence[l] = 0;
				granted[l] = 0; heard[l] = 0; hold[l] = 0;
				fresh[l] = 1;
				l++
			od;
			l = 0; what = 0
		}
	}
	/* a hold-back is over when all who live have had time to renew */
	:: d_step {
		fresh[0] && born[0] != 0 && !OWED(0) ->
		fresh[0] = 0; hold[0] = 0; watch(0)
	}
	:: d_step {
		fresh[1] && born[1] != 0 && !OWED(1) ->
		fresh[1] = 0; hold[1] = 0; watch(1)
	}
#endif
	od
}

#define STUCK(t) (ph[t] == WAIT)

/* Nothing happens any more: after 30 s everybody asks again.  Once all have
   done so in vain nobody may be waiting: no deadlock, no lost wake-up. */
active proctype Clock()
{
	do
	:: timeout ->
#if DIE == 0 && !defined(LOSEQ) && !defined(FORGET) && \
    !defined(BUG_LIMITS_TWOSTEP)
		/* not that it were needed */
		assert(!STUCK(1) && !STUCK(2) && !STUCK(3));
#endif
		if
		:: STUCK(1) && !asked[1] -> SEEN(ASKED_AGAIN);
			asked[1] = 1; poke[1] = 1
		:: STUCK(2) && !asked[2] -> SEEN(ASKED_AGAIN);
			asked[2] = 1; poke[2] = 1
		:: STUCK(3) && !asked[3] -> SEEN(ASKED_AGAIN);
			asked[3] = 1; poke[3] = 1
		:: else ->
			assert(!STUCK(1) && !STUCK(2) && !STUCK(3));
			break
		fi
	od
}

init
{
	c_code { atexit(seen_print); };
	ph[1] = IDLING;
	ph[2] = IDLING;
	ph[3] = IDLING
}
