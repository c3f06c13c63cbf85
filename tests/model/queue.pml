/* SPDX-License-Identifier: MIT */
/*
 * The queue protocol (docs/protocol.md) for one exclusive lock: what the
 * scripts do, what the clients do, and what can go wrong between them.
 * README.md in this directory says what is left out; check.sh runs it.
 *
 * Time is a discrete clock. A timer is a byte: 0 is "not set", 1 is "due",
 * t + 1 is "due in t ticks". The clock ticks only when nobody has anything
 * left to do at once, so "at once" means "in the same tick"; what may take its
 * time is said by the switches below.
 *
 * Numbers that only grow (fences) are kept relative, so that the state space
 * is finite although time and retries are not bounded.
 */

/* Size. */
#ifndef N
#define N 3		/* clients, each with a token of its own */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 1	/* per client, one after the other, same token */
#endif

/* Durations in ticks. */
#define TTL 3		/* lease */
#define PENDFOR 2	/* a grant that nobody confirms */
#ifndef COOLFOR
#define COOLFOR 1	/* --min-hold after a release */
#endif
#define ASK 4		/* everybody asks again */
#define HOLDFOR 2	/* hold-back: renewal interval + I/O timeout */

/*
 * Switches: what can happen in this configuration.
 * DIE: n clients vanish, their subscriptions with them
 * STOP: a waiter stops (its subscription does not)
 * LEAVE: a waiter gives up or gives a grant back, and says so
 * LATE: a renewal is delayed in flight for any time
 * COOL: a release may leave a cooling record
 * LOSSY: messages are lost or late
 * SLOW: replies to acquire and to confirmations are late
 * SUBLOSS: a waiter's connections break n times, all in all
 * ELSEWHERE: the client of this number subscribed where no script can see it
 * RESET: an operator resets the lock once; RESETNOW: with --now
 * FORGET: the server loses some or all of its keys once; FORGETWAITERS: only
 *	the records of the waiters
 * BACK: the server's clock is stepped back once
 * NOGHOST: leave one check out, to see what else a broken variant does
 */
#ifdef SUBLOSS
#define BREAKS SUBLOSS
#else
#define BREAKS 0
#endif
#ifndef ELSEWHERE
#define ELSEWHERE 0
#endif

/* No lock that is waited for stays free longer than this. */
#ifndef IDLE
#ifdef FORGET
#define IDLE (ASK + HOLDFOR)
#else
#define IDLE ASK
#endif
#endif

/*
 * Coverage: how often a place was passed, on any path. Lives outside the state
 * and is printed at the end; check.sh wants none of the expected ones at 0.
 */
c_decl {
	\#include <stdio.h>
	\#include <stdlib.h>
	enum {
		SEEN_DIRECT, SEEN_BY_MESSAGE, SEEN_IN_REPLY, SEEN_BUSY,
		SEEN_CONFIRMED, SEEN_REFUSED, SEEN_DEAD_HEAD, SEEN_PASSED_OVER,
		SEEN_PENDING_EXPIRED, SEEN_LEASE_EXPIRED, SEEN_HEAD_TOLD,
		SEEN_NEXT_TOLD, SEEN_HEAD_FIRED, SEEN_ASKED_AGAIN,
		SEEN_LATE_KEPT, SEEN_LATE_REFUSED, SEEN_LATE_OLD_ID,
		SEEN_COOLING, SEEN_REVOKED, SEEN_LEFT_HEAD, SEEN_LEFT_GRANT,
		SEEN_STOPPED_AT_D, SEEN_TOO_LATE, SEEN_FORGOT, SEEN_RESTORED,
		SEEN_NOT_RESTORED, SEEN_HELD_BACK, SEEN_LIFTED,
		SEEN_NO_RECORD, SEEN_GAVE_WAY, SEEN_RELEASE_FORGOT,
		SEEN_OVERLAP, SEEN_BACK_GRANT, SEEN_SECOND_FENCE,
		SEEN_ALL
	};
	static const char *seen_name[SEEN_ALL] = {
		"direct", "by_message", "in_reply", "busy",
		"confirmed", "refused", "dead_head", "passed_over",
		"pending_expired", "lease_expired", "head_told",
		"next_told", "head_fired", "asked_again",
		"late_kept", "late_refused", "late_old_id",
		"cooling", "revoked", "left_head", "left_grant",
		"stopped_at_d", "too_late", "forgot", "restored",
		"not_restored", "held_back", "lifted",
		"no_record", "gave_way", "release_forgot",
		"overlap", "back_grant", "second_fence"
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

mtype = { ACQUIRE, QUEUE, RENEW, RELEASE, LEAVEQ, RESETALL };	/* requests */
mtype = { HELDNOW, GRANTED, BUSY, QUEUED, OK, LOST };		/* replies */
mtype = { PEND, HELD, COOLING, REVOKED };			/* records */
mtype = { IDLING, JOIN, LATESUB, WAIT, CONFIRM, GOT, RUN, DONE, DEAD,
    STOPPED };							/* clients */

/* ---- the server: three keys and the subscriptions ---- */
mtype rec[N + 1];	/* the lock: a holder's record, by token; 0 is none */
byte exp[N + 1];	/* its end of lease */
byte rid[N + 1];	/* its attempt id */
byte born;		/* the lock: its creation; 0 is "no such key" */
byte bornago;		/* ticks since then, up to HOLDFOR */
byte fence;		/* the last fence, relative to fmax */
byte lastorder;
bit granted;		/* something was granted since born */
bit heard;		/* a holder from before born was heard */
byte hold;		/* nothing is granted before this timer */
bit inq[N + 1];		/* the queue: token -> order */
byte ord[N + 1];
bit wrec[N + 1];	/* the waiters: token -> record */
bit sub[N + 1];		/* a subscriber on the token's channel */

/* ---- the network ---- */
chan call = [0] of { mtype, byte };	/* one script, run in one go */
chan done = [0] of { bit };		/* and its reply: */
mtype reply;
byte next;				/* for the head: the next change */
byte a_id, a_born, a_fence;		/* arguments of a renewal */
bit a_conf;
bit mgranted[N + 1];	/* the message `granted` is on its way */
byte mhead[N + 1];	/* the message `head MS` is on its way */
byte late_id[N + 1];	/* a renewal is on its way: its arguments */
bit late_conf[N + 1];
byte late_born[N + 1], late_fence[N + 1];
byte breaks = BREAKS;
#ifdef DIE
byte deaths = DIE;
#endif

/* ---- the clients ---- */
mtype ph[N + 1];
byte att[N + 1];	/* attempt id */
byte cord[N + 1];	/* its first order number */
byte tm[N + 1];		/* when to ask again */
bit refused[N + 1];	/* a confirmation was refused in this tick */
byte dl[N + 1];		/* D of DESIGN.md section 4: running is over when due */
bit conf[N + 1];	/* a renewal or a direct grant was confirmed */
bit knew[N + 1];	/* knew of a holder, at this birth: */
byte kborn[N + 1];
byte gborn[N + 1];	/* the birth its own grant belongs to */
byte myfence[N + 1];
byte rt[N + 1];		/* the next renewal (FORGET only: others renew at will) */

/* ---- what the properties need ---- */
byte running;		/* commands that run */
byte idle;		/* ticks that the lock was free and waited for */
#ifdef STOP
byte unused;		/* ticks that it was free or pending */
#endif
byte over;		/* ticks of overlap after the server forgot */
byte fmax;		/* largest fence ever granted */
byte omax;		/* largest order ever given */
byte births;
#ifdef BACK
byte behind[N + 1];	/* who was in the queue when it came (bits) */
#endif
byte gone[N + 1];	/* attempts that were released, left or reset (bits) */
bit wasreset, wasnow, forgot, blind, back, restored;

#define FCAP 3
#define LIVE(k) (sub[k] && (k) != ELSEWHERE)
#define FREE(k) (rec[k] == 0 || exp[k] == 1)
#if N == 2
#define ALL(f) (f(1) && f(2))
#define SOME(f) (f(1) || f(2))
#else
#define ALL(f) (f(1) && f(2) && f(3))
#define SOME(f) (f(1) || f(2) || f(3))
#endif
#define NOREC(k) (rec[k] == 0)
#define FREED (ALL(NOREC))
#define BIT(i) (1 << (i))
#if N == 2
#define IN_QUEUE (inq[1] << 1 | inq[2] << 2)
#else
#define IN_QUEUE (inq[1] << 1 | inq[2] << 2 | inq[3] << 3)
#endif

/* ================================ scripts ================================ */

inline find_head(h)
{
	h = 0;
	k = 1;
	do
	:: k > N -> break
	:: else ->
		if
		:: inq[k] && (h == 0 || ord[k] < ord[h]) -> h = k
		:: else
		fi;
		k++
	od
}

/* When can the next change come by itself? 0: not at all. */
inline find_next(e)
{
	e = 0;
	k = 1;
	do
	:: k > N -> break
	:: else ->
		if
		:: rec[k] != 0 && exp[k] != 0 && (e == 0 || exp[k] < e) ->
			e = exp[k]
		:: else
		fi;
		k++
	od;
	if
	:: hold > 1 && (e == 0 || hold < e) -> e = hold
	:: else
	fi
}

inline drop_record(t)
{
	rec[t] = 0;
	exp[t] = 0;
	rid[t] = 0
}

inline drop_waiter(t)
{
	inq[t] = 0;
	ord[t] = 0;
	wrec[t] = 0;
#ifdef BACK
	behind[t] = 0;
	behind[1] = behind[1] & ~BIT(t);
	behind[2] = behind[2] & ~BIT(t);
	behind[N] = behind[N] & ~BIT(t)
#endif
}

/* Rules 3 and 4: leases that ran out, grantees that have gone. */
inline drop_expired()
{
	j = 1;
	do
	:: j > N -> break
	:: else ->
		if
		:: rec[j] != 0 && exp[j] == 1 ->
			if
			:: rec[j] == PEND -> SEEN(PENDING_EXPIRED)
			:: else -> SEEN(LEASE_EXPIRED)
			fi;
			drop_record(j)
#ifdef BUG_ASKER
		:: rec[j] == PEND && exp[j] != 1 && !LIVE(j) ->
#else
		:: rec[j] == PEND && exp[j] != 1 && !LIVE(j) && j != who ->
#endif
			SEEN(PASSED_OVER);
			drop_record(j)
		:: else
		fi;
		j++
	od
}

inline be_born()
{
	if
	:: born == 0 ->
		births++;
		born = births;
		bornago = 0
	:: else
	fi
}

/* Rule 7. The server's time is above everything it ever gave out, or, once
   stepped back, below. */
inline next_fence()
{
	v = fence + 1;
#ifndef BUG_FENCE_COUNTER
	if
	:: !back && fmax + 1 > v -> v = fmax + 1
	:: else
	fi;
#endif
#ifdef BUG_FENCE_CLOCK
	v = (back -> 1 : fmax + 1);
#endif
	if
	:: back -> SEEN(BACK_GRANT)
	:: else
	fi;
	if
	:: fmax > 0 -> SEEN(SECOND_FENCE)
	:: else
	fi;
	/* Not promised: a server that forgot *and* whose clock went back, and
	   that the last holder did not come back to. */
	assert(v > fmax || (back && forgot && !restored));
	fence = v;
	if
	:: v > fmax -> fmax = v
	:: else
	fi;
	do
	:: fmax > FCAP ->
		fmax--;
		fence = (fence > 0 -> fence - 1 : 0);
		j = 1;
		do
		:: j > N -> break
		:: else ->
			myfence[j] = (myfence[j] > 0 -> myfence[j] - 1 : 0);
			late_fence[j] =
			    (late_fence[j] > 0 -> late_fence[j] - 1 : 0);
			j++
		od
	:: else -> break
	od
}

/* The only place where a lock changes hands. */
inline grant(t, state, ticks)
{
	j = 1;
	do
	:: j > N -> break
	:: else ->
		/* no double holder */
		assert(rec[j] == 0);
		/* FIFO: first come, first served, among the living */
		assert(j == t || !inq[j] || !LIVE(j) ||
		    (state == PEND && cord[j] >= cord[t]));
#ifdef BACK
		assert(!inq[j] || !LIVE(j) || !(behind[t] & BIT(j)));
		behind[j] = behind[j] & ~BIT(t);
#endif
		j++
	od;
	be_born();
	next_fence();
	drop_waiter(t);
	rec[t] = state;
	exp[t] = ticks + 1;
	rid[t] = att[t];
	myfence[t] = fence;
	granted = 1;
	if
	:: forgot && !(op == QUEUE && knew[who]) -> blind = 1
	:: else
	fi
}

#ifdef BUG_LIMIT
#define ADMIT 1
#else
#define ADMIT (FREED && hold <= 1)
#endif

inline promote()
{
	do
	:: 1 ->
		find_head(h);
#ifdef BUG_DEADHEAD
		break
#else
		if
		:: h != 0 && !LIVE(h) && h != who ->
			SEEN(DEAD_HEAD);
			drop_waiter(h)
		:: else -> break
		fi
#endif
	od;
	if
	:: h == 0
	:: h != 0 && !wrec[h] ->
		SEEN(NO_RECORD);
#ifndef BUG_NORECORD
		if
		:: h != who && sub[h] -> mhead[h] = 1
		:: else
		fi
#endif
#ifdef BUG_DEADHEAD
	:: h != 0 && wrec[h] && ADMIT && (LIVE(h) || h == who) ->
#else
	:: h != 0 && wrec[h] && ADMIT ->
#endif
#ifdef BUG_PENDING
		grant(h, PEND, 255);		/* no end at all */
#else
		grant(h, PEND, PENDFOR);
#endif
		if
		:: h == who -> SEEN(IN_REPLY)
		:: else ->
			SEEN(BY_MESSAGE);
			if
			:: sub[h] -> mgranted[h] = 1
			:: else
			fi
		fi
	:: else ->
		if
		:: hold > 1 && FREED -> SEEN(HELD_BACK)
		:: else
		fi
	fi
}

/* Rule 6: who is head, or how long it has to wait, has changed. */
inline tell_head()
{
	find_head(h);
	find_next(e);
	if
#ifdef BUG_NOHEAD
	:: h != 0 && h != who && sub[h] && h == head0 && e != next0 ->
#endif
#ifdef BUG_NONEXT
	:: h != 0 && h != who && sub[h] && h != head0 ->
#endif
#if !defined(BUG_NOHEAD) && !defined(BUG_NONEXT)
	:: h != 0 && h != who && sub[h] && (h != head0 || e != next0) ->
#endif
		if
		:: h != head0 -> SEEN(HEAD_TOLD)
		:: else -> SEEN(NEXT_TOLD)
		fi;
		if
		:: mhead[h] != 1 -> mhead[h] = (e == 0 -> ASK + 1 : e)
		:: else
		fi
	:: else
	fi
}

/* Rule 8: one holder from before this birth has been heard. */
inline lift(b)
{
	if
	:: born != 0 && b != born ->
		heard = 1;
		if
		:: hold > 1 -> SEEN(LIFTED)
		:: else
		fi;
		hold = 0
	:: else
	fi
}

inline acquire_first()
{
	if
	:: rec[who] != 0 && rid[who] == att[who] &&
	    (rec[who] == PEND || rec[who] == HELD) -> reply = GRANTED
	:: else -> reply = BUSY
	fi
}

inline acquire_then()
{
	find_head(h);
	if
#ifdef BUG_OVERTAKE
	:: reply == BUSY && ADMIT ->
#else
	:: reply == BUSY && ADMIT && h == 0 ->
#endif
		SEEN(DIRECT);
		grant(who, HELD, TTL);
		reply = HELDNOW
	:: reply == BUSY && !(ADMIT && h == 0) -> SEEN(BUSY)
	:: else
	fi
}

inline queue_first()
{
	if
	:: rec[who] != 0 && rid[who] == att[who] &&
	    (rec[who] == PEND || rec[who] == HELD) -> reply = GRANTED
	:: else ->
		reply = QUEUED;
#ifndef BUG_NOHOLD
		if
		:: knew[who] && kborn[who] != born && !heard ->
			be_born();
			if
			:: HOLDFOR - bornago + 1 > hold ->
				hold = HOLDFOR - bornago + 1
			:: else
			fi
		:: else
		fi;
#endif
		be_born();
		v = cord[who];
#ifdef BUG_NEWORDER
		if
		:: inq[who] -> v = ord[who]
		:: else -> v = 0
		fi;
#endif
		if
		:: v == 0 ->
			v = lastorder + 1;
#ifndef BUG_ORDER_QUEUE
			j = 1;
			do
			:: j > N -> break
			:: else ->
				if
				:: inq[j] && ord[j] >= v -> v = ord[j] + 1
				:: else
				fi;
				j++
			od;
#endif
#ifndef BUG_ORDER_COUNTER
			if
			:: !back && omax + 1 > v -> v = omax + 1
			:: else
			fi;
#endif
			lastorder = v;
			/* orders rise; not promised: as for the fence */
			assert(v > omax || (back && forgot))
		:: else
			if
			:: v > lastorder -> lastorder = v
			:: else
			fi
		fi;
		if
		:: v > omax -> omax = v
		:: else
		fi;
		if
		:: cord[who] == 0 ->
			cord[who] = v;
#ifdef BACK
			behind[who] = IN_QUEUE
#endif
		:: else
		fi;
		gone[who] = gone[who] & ~BIT(att[who]);	/* it asks anew */
		inq[who] = 1;
		ord[who] = v;
		wrec[who] = 1;
		v = 0
	fi
}

/* Rule 8: what the server forgot comes back iff ... Nothing was granted since,
   so what else has a record was restored too; with a lower fence it is over. */
#define FORGOTTEN (born != a_born)
#define CONFIRMED a_conf
#define UNGRANTED (!granted)
#define NEWEST (a_fence > fence)
#ifdef BUG_RECREATE
#undef FORGOTTEN
#define FORGOTTEN 1
#undef UNGRANTED
#define UNGRANTED FREED
#undef NEWEST
#define NEWEST 1
#endif
#ifdef BUG_RESTORE_GRANTED
#undef UNGRANTED
#define UNGRANTED FREED
#undef NEWEST
#define NEWEST 1
#endif
#ifdef BUG_RESTORE_UNCONFIRMED
#undef CONFIRMED
#define CONFIRMED 1
#endif
#ifdef BUG_RESTORE_OLD		/* the limits alone */
#undef NEWEST
#define NEWEST FREED
#endif
#ifdef BUG_RESTORE_LIMIT	/* nor those */
#undef NEWEST
#define NEWEST 1
#endif
#ifdef BUG_RESTORE_NEVER
#undef FORGOTTEN
#define FORGOTTEN 0
#endif
#define RESTORE \
	((rec[who] == 0 || rid[who] != a_id) && \
	FORGOTTEN && CONFIRMED && UNGRANTED && NEWEST)

inline renew_first()
{
	reply = LOST;
	if
#ifdef BUG_RENEW_ID
	:: (rec[who] == PEND || rec[who] == HELD) ->
#else
#ifdef BUG_RENEW_STATE
	:: rec[who] != 0 && rid[who] == a_id ->
#else
	:: (rec[who] == PEND || rec[who] == HELD) && rid[who] == a_id ->
#endif
#endif
		/* G3: only a lock with our id is ever extended */
		assert(rid[who] == a_id);
		rec[who] = HELD;
		exp[who] = TTL + 1;
		lift(a_born);
		reply = OK
	:: RESTORE ->
		SEEN(RESTORED);
		j = 1;
		do
		:: j > N -> break
		:: else ->
#ifdef BUG_RESTORE_LIMIT
			assert(rec[j] == 0);	/* no double holder */
#endif
			if
			:: rec[j] != 0 -> SEEN(GAVE_WAY)
			:: else
			fi;
			drop_record(j);
			j++
		od;
		be_born();
		lift(a_born);
		rec[who] = HELD;
		exp[who] = TTL + 1;
		rid[who] = a_id;
		drop_waiter(who);
		restored = 1;
#ifndef BUG_RESTORE_FENCE
		if
		:: a_fence > fence -> fence = a_fence
		:: else
		fi;
#endif
		reply = OK
	:: else ->
		if
		:: forgot && rec[who] == 0 && a_conf -> SEEN(NOT_RESTORED)
		:: else
		fi
	fi
}

/* a_conf of a release asks for cooling. */
inline release_first()
{
	reply = LOST;
	gone[who] = gone[who] | BIT(a_id);
	lift(a_born);
#ifndef BUG_RELEASE_UNHEARD
	/* so that no renewal of ours, still on its way, is restored */
	if
	:: born != a_born ->
		SEEN(RELEASE_FORGOT);
		if
		:: !granted && a_fence > fence ->
			/* as in a restore; but it may still run */
			j = 1;
			do
			:: j > N -> break
			:: else ->
				if
				:: rec[j] != 0 -> rec[j] = REVOKED
				:: else
				fi;
				j++
			od
		:: else
		fi;
		be_born();
		lift(a_born);
		fence = (a_fence > fence -> a_fence : fence)
	:: else
	fi;
#endif
	if
#ifdef BUG_RELEASE
	:: 1 ->
		j = 1;
		do
		:: j > N -> break
		:: else ->
			/* G3: only a lock with our id is ever deleted */
			assert(rec[j] == 0 || (j == who && rid[j] == a_id));
			drop_record(j);
			j++
		od;
		reply = OK
#else
	:: rec[who] != 0 && rid[who] == a_id ->
		reply = OK;
		if
		:: a_conf && rec[who] != REVOKED ->
			SEEN(COOLING);
			rec[who] = COOLING;
			exp[who] = COOLFOR + 1
		:: else -> drop_record(who)
		fi
	:: else
#endif
	fi
}

inline leave_first()
{
	reply = OK;
	gone[who] = gone[who] | BIT(att[who]);
	if
	:: inq[who] && who == head0 -> SEEN(LEFT_HEAD)
	:: else
	fi;
	drop_waiter(who);
	if
	:: rec[who] != 0 && rid[who] == att[who] ->
		SEEN(LEFT_GRANT);
		drop_record(who)
	:: else
	fi
}

/* Rule 9. */
inline reset_first()
{
	reply = OK;
	j = 1;
	do
	:: j > N -> break
	:: else ->
		if
#if defined(BUG_RESET_FREE) || defined(RESETNOW)
		:: rec[j] != 0 ->
#else
		:: rec[j] == PEND || rec[j] == COOLING ->
#endif
			if
			:: rec[j] != PEND -> gone[j] = gone[j] | BIT(rid[j])
			:: else
			fi;
			drop_record(j)
#if !defined(BUG_RESET_FREE) && !defined(RESETNOW)
		:: rec[j] == HELD ->
			SEEN(REVOKED);
			gone[j] = gone[j] | BIT(rid[j]);
			rec[j] = REVOKED
#endif
		:: else
		fi;
		j++
	od
}

/* No ghost: what was given back or taken away never lives again. */
inline no_ghost()
{
	j = 1;
	do
	:: j > N -> break
	:: else ->
		assert(!((rec[j] == PEND || rec[j] == HELD) &&
		    (gone[j] & BIT(rid[j]))));
		j++
	od
}

/* Every script promotes and tells, but in these variants. */
#ifdef BUG_OVERTAKE
#define SILENT ACQUIRE
#endif
#ifdef BUG_HANDOVER
#define SILENT RELEASE
#endif
#ifdef BUG_LEAVE
#define SILENT LEAVEQ
#endif
#ifndef SILENT
#define SILENT 0
#endif

active proctype Server()
{
	mtype op;
	byte who, j, k, h, e, v, head0, next0;

end:	do
	:: atomic {
		call?op, who;
		d_step {
			find_head(head0);
			find_next(next0);
			drop_expired();
			if
			:: op == ACQUIRE -> acquire_first()
			:: op == QUEUE -> queue_first()
			:: op == RENEW -> renew_first()
			:: op == RELEASE -> release_first()
			:: op == LEAVEQ -> leave_first()
			:: op == RESETALL -> reset_first()
			fi;
			if
			:: op != SILENT -> promote()
			:: else
			fi;
			if
			:: op == ACQUIRE -> acquire_then()
			:: op == QUEUE && rec[who] == PEND && reply == QUEUED ->
				reply = GRANTED
			:: else
			fi;
			if
			:: op != SILENT -> tell_head()
			:: else
			fi;
#ifndef NOGHOST
			no_ghost();
#endif
			find_head(h);
			find_next(e);
			if
			:: op == QUEUE && h == who -> next = e
			:: else
			fi;
			k = 0; j = 0; h = 0; v = 0; e = 0; head0 = 0;
			next0 = 0; who = 0; op = 0
		};
		done!0
	}
	od
}

/* ================================ clients ================================ */

#define SET_LEAST(timer, value) \
	timer = ((timer) == 0 || (value) < (timer) -> (value) : (timer))

inline start()
{
	ph[me] = RUN;
	conf[me] = 1;
	mgranted[me] = 0;
	mhead[me] = 0;
	tm[me] = 0;
#ifdef FORGET
	rt[me] = HOLDFOR;
#endif
	running++;
	idle = 0;
	if
	:: running > 1 -> SEEN(OVERLAP)
	:: else
	fi;
	/* Exclusion. A reset --now may overlap, and a server that forgot and
	   granted to somebody who could not know. */
	assert(running <= 1 || wasnow || (forgot && blind))
}

/* This attempt is over. */
inline finish()
{
	sub[me] = 0;
	mgranted[me] = 0;
	mhead[me] = 0;
	tm[me] = 0;
	dl[me] = 0;
	rt[me] = 0;
	conf[me] = 0;
	cord[me] = 0;
	knew[me] = 0;
	kborn[me] = 0;
	gborn[me] = 0;
	refused[me] = 0;
	myfence[me] = 0;
	ph[me] = (att[me] < ATTEMPTS -> IDLING : DONE)
}

/* What a reply says about who holds. */
inline learn()
{
	if
	:: !FREED ->
		knew[me] = 1;
		kborn[me] = born
	:: else
	fi
}

inline renew(cf)
{
	a_id = att[me];
	a_born = gborn[me];
	a_fence = myfence[me];
	a_conf = cf;
	call!RENEW, me;
	done?_;
	d_step { a_id = 0; a_born = 0; a_fence = 0; a_conf = 0 }
}

inline release(cool)
{
	running--;
	a_id = att[me];
	a_born = gborn[me];
	a_fence = myfence[me];
	a_conf = cool;
	call!RELEASE, me;
	done?_;
	d_step {
		a_id = 0; a_born = 0; a_fence = 0; a_conf = 0;
		reply = 0;
		finish()
	}
}

proctype Client(byte me)
{
end:	do
	/* the first attempt does not queue; the clients are alike, so that
	   they may be numbered as they come */
	:: atomic {
		ph[me] == IDLING &&
		    (me == 1 || att[me - 1] > 0 || ELSEWHERE != 0) ->
		att[me]++;
		call!ACQUIRE, me;
		done?_;
		d_step {
			if
			:: reply == HELDNOW ->
				ph[me] = GOT;
				dl[me] = TTL;
				gborn[me] = born
			:: reply == GRANTED -> ph[me] = CONFIRM
			:: reply == BUSY ->
				learn();
#ifndef BUG_QUEUEFIRST
				sub[me] = 1;
#endif
				ph[me] = JOIN
			fi;
			reply = 0
		}
	}
	/* rule 6: ask for a place, or again */
	:: atomic {
		ph[me] == JOIN || (ph[me] == WAIT && tm[me] == 1) ||
		    (ph[me] == WAIT && !sub[me]) ->
		d_step {
			if
			:: ph[me] == WAIT && sub[me] -> SEEN(ASKED_AGAIN)
			:: else
			fi;
#ifndef BUG_QUEUEFIRST
			sub[me] = 1;
#endif
			tm[me] = 0
		};
		call!QUEUE, me;
		done?_;
		d_step {
			learn();
			if
			:: reply == GRANTED -> ph[me] = CONFIRM
			:: reply == QUEUED ->
#ifdef BUG_QUEUEFIRST
				ph[me] = (sub[me] -> WAIT : LATESUB);
#else
				ph[me] = WAIT;
#endif
#ifndef BUG_NOREASK
				tm[me] = ASK + 1;
#endif
				if
				:: next != 0 -> SET_LEAST(tm[me], next)
				:: else
				fi
			fi;
			reply = 0;
			next = 0
		}
	}
#ifdef BUG_QUEUEFIRST
	:: d_step { ph[me] == LATESUB -> sub[me] = 1; ph[me] = WAIT }
#endif
	/* messages */
	:: d_step {
		(ph[me] == WAIT || ph[me] == JOIN) && mgranted[me] ->
		mgranted[me] = 0;
		tm[me] = 0;
#ifdef BUG_PROOF
		dl[me] = TTL;
		start()
#else
		ph[me] = CONFIRM
#endif
	}
	:: d_step {
		(ph[me] == WAIT || ph[me] == JOIN) && mhead[me] != 0 ->
		if
		:: ph[me] == WAIT ->
			SEEN(HEAD_FIRED);
			SET_LEAST(tm[me], mhead[me])
		:: else
		fi;
		mhead[me] = 0
	}
#ifdef LOSSY
	:: d_step { mgranted[me] -> mgranted[me] = 0 }
	:: d_step { mhead[me] != 0 -> mhead[me] = 0 }
#endif
	/* rule 5: only a renewal confirms */
	:: atomic {
		ph[me] == CONFIRM ->
		renew(0);
		d_step {
			if
			:: reply == OK ->
				SEEN(CONFIRMED);
				ph[me] = GOT;
				dl[me] = TTL;
				gborn[me] = born
			:: else ->
				SEEN(REFUSED);
				ph[me] = WAIT;
#ifndef BUG_REFUSED
				tm[me] = (refused[me] -> 2 : 1);
				refused[me] = 1
#endif
			fi;
			reply = 0
		}
	}
	/* the reply is here: soon enough? */
	:: d_step {
		ph[me] == GOT ->
#ifdef BUG_FROMREPLY
		dl[me] = TTL;
#endif
		if
		:: dl[me] > 1 -> start()
		:: else ->
			SEEN(TOO_LATE);
			dl[me] = 0;
			ph[me] = CONFIRM
		fi
	}
	/* renew */
	:: atomic {
		ph[me] == RUN && dl[me] > 1 && dl[me] < TTL ->
		renew(1);
		if
		:: reply == OK ->
			d_step {
				reply = 0;
				dl[me] = TTL;
				gborn[me] = born;
#ifdef FORGET
				rt[me] = HOLDFOR
#endif
			}
		:: else ->
			/* nobody loses a lock for nothing */
			assert(wasreset || blind);
			reply = 0;
			release(0)
		fi
	}
	/* the command ends, by itself or because it must */
	:: atomic {
		ph[me] == RUN ->
		if
		:: dl[me] == 1 -> SEEN(STOPPED_AT_D)
		:: else
		fi;
		release(0)
	}
#ifdef COOL
	:: atomic { ph[me] == RUN -> release(1) }
#endif
#ifdef LATE
	/* a renewal goes out and nobody knows when it will arrive */
	:: d_step {
		(ph[me] == RUN || ph[me] == CONFIRM) && late_id[me] == 0 ->
		late_id[me] = att[me];
		late_conf[me] = (ph[me] == RUN);
		late_born[me] = gborn[me];
		late_fence[me] = myfence[me]
	}
#endif
#ifdef LEAVE
	/* rule 13 */
	:: atomic {
		ph[me] == WAIT || ph[me] == CONFIRM || ph[me] == GOT ->
		call!LEAVEQ, me;
		done?_;
		d_step { reply = 0; finish() }
	}
#endif
#ifdef DIE
	:: d_step {
		deaths > 0 && (ph[me] == JOIN || ph[me] == WAIT ||
		    ph[me] == CONFIRM || ph[me] == GOT || ph[me] == RUN ||
		    ph[me] == STOPPED) ->
		deaths--;
		if
		:: ph[me] == RUN -> running--
		:: else
		fi;
		finish();
		ph[me] = DEAD
	}
#endif
#ifdef STOP
	:: d_step {
		ph[me] == WAIT || ph[me] == CONFIRM ->
		tm[me] = 0;
		ph[me] = STOPPED
	}
#endif
	/* both connections break; what was on its way may still arrive */
	:: d_step {
		breaks > 0 && sub[me] && (ph[me] == WAIT || ph[me] == CONFIRM) ->
		breaks--;
		sub[me] = 0
	}
	od
}

/* ====================== what happens to everybody ======================= */

#define QUEUED_(k) (inq[k])

inline lose_lock()
{
	SEEN(FORGOT);
	forgot = 1;
	born = 0;
	bornago = 0;
	fence = 0;
	lastorder = 0;
	granted = 0;
	heard = 0;
	hold = 0;
	/* a release that is forgotten cannot be held against a renewal */
	t = 1;
	do
	:: t > N -> break
	:: else ->
		rec[t] = 0;
		exp[t] = 0;
		rid[t] = 0;
		gone[t] = 0;
		t++
	od;
	t = 0
}

inline lose_queue()
{
	forgot = 1;
	t = 1;
	do
	:: t > N -> break
	:: else ->
		inq[t] = 0;
		ord[t] = 0;
#ifdef BACK
		behind[t] = 0;
#endif
		t++
	od;
	t = 0
}

inline lose_waiters()
{
	forgot = 1;
	t = 1;
	do
	:: t > N -> break
	:: else ->
		wrec[t] = 0;
		t++
	od;
	t = 0
}

proctype World()
{
	byte t;

end:	do
#ifdef LATE
	:: atomic {
		if
		:: late_id[1] != 0 -> t = 1
		:: late_id[2] != 0 -> t = 2
#if N > 2
		:: late_id[3] != 0 -> t = 3
#endif
		fi;
		if
		:: 1 ->
			d_step {
				if
				:: rec[t] != 0 && rid[t] != late_id[t] ->
					SEEN(LATE_OLD_ID)
				:: else
				fi;
				a_id = late_id[t];
				a_born = late_born[t];
				a_fence = late_fence[t];
				a_conf = late_conf[t]
			};
			call!RENEW, t;
			done?_;
			d_step {
				if
				:: reply == OK -> SEEN(LATE_KEPT)
				:: else -> SEEN(LATE_REFUSED)
				fi;
				a_id = 0; a_born = 0; a_fence = 0; a_conf = 0;
				reply = 0
			}
		:: 1		/* it never arrives */
		fi;
		d_step {
			late_id[t] = 0;
			late_born[t] = 0;
			late_fence[t] = 0;
			late_conf[t] = 0;
			t = 0
		}
	}
#endif
#if defined(RESET) || defined(RESETNOW)
	:: atomic {
		!wasreset && !FREED ->
		wasreset = 1;
#ifdef RESETNOW
		wasnow = 1;
#endif
		call!RESETALL, 0;
		done?_;
		reply = 0
	}
#endif
#ifdef FORGETWAITERS
	:: d_step { !forgot && born != 0 && SOME(QUEUED_) -> lose_waiters() }
#endif
#ifdef FORGET
	/* all of it, the lock, the queue, the waiters */
	:: d_step { !forgot && born != 0 -> lose_lock(); lose_queue();
	    lose_waiters() }
	:: d_step { !forgot && born != 0 -> lose_lock() }
	:: d_step { !forgot && born != 0 && SOME(QUEUED_) -> lose_queue() }
	:: d_step { !forgot && born != 0 && SOME(QUEUED_) -> lose_waiters() }
#endif
#ifdef BACK
	:: d_step { !back && born != 0 -> back = 1 }
#endif
#if !defined(LATE) && !defined(RESET) && !defined(RESETNOW) && \
    !defined(FORGET) && !defined(FORGETWAITERS) && !defined(BACK)
	:: 0
#endif
	od
}

/* ================================ the clock ============================== */

/* Somebody has something to do at once. */
#ifdef LOSSY
#define TODO_MESSAGE(k) 0
#else
#define TODO_MESSAGE(k) (mgranted[k] || mhead[k] != 0)
#endif
#ifdef SLOW
#define TODO_REPLY(k) 0
#else
#define TODO_REPLY(k) (ph[k] == GOT)
#endif
#define TODO(k) \
	(ph[k] == JOIN || ph[k] == LATESUB || ph[k] == CONFIRM || \
	(ph[k] == WAIT && (tm[k] == 1 || !sub[k] || TODO_MESSAGE(k))) || \
	(ph[k] == RUN && (dl[k] == 1 || rt[k] == 1)) || TODO_REPLY(k))

/* Something is set to go off. */
#define SET(k) (exp[k] > 1 || tm[k] > 1 || dl[k] > 1)

#define WAITING(k) (ph[k] == WAIT)
#define UNUSED(k) (FREE(k) || rec[k] == PEND)
#define OVER(k) \
	(ph[k] == DONE || ph[k] == DEAD || ph[k] == STOPPED || \
	ph[k] == IDLING)

#define TICK(timer) timer = ((timer) > 1 -> (timer) - 1 : (timer))

inline tick()
{
	if
	:: ALL(FREE) && SOME(WAITING) ->
		/* no lost wake-up: free, waited for, and not for long */
		assert(idle < IDLE);
		idle++
	:: else -> idle = 0
	fi;
#ifdef STOP
	/* nor for long in the hands of those who do not confirm */
	if
	:: ALL(UNUSED) && SOME(WAITING) ->
		assert(unused < IDLE + (N - 1) * PENDFOR);
		unused++
	:: else -> unused = 0
	fi;
#endif
	if
	:: running > 1 ->
		/* G2: an overlap is bounded */
		assert(wasnow || over < HOLDFOR);
		over++
	:: else -> over = 0
	fi;
	k = 1;
	do
	:: k > N -> break
	:: else ->
#ifdef BUG_PENDING
		if
		:: rec[k] == PEND -> exp[k] = 255
		:: else -> TICK(exp[k])
		fi;
#else
		TICK(exp[k]);
#endif
		TICK(tm[k]);
		TICK(dl[k]);
		TICK(rt[k]);
		refused[k] = 0;
		k++
	od;
	TICK(hold);
	bornago = (forgot && bornago < HOLDFOR -> bornago + 1 : bornago);
	k = 0
}

active proctype Clock()
{
	byte k;

	do
	:: d_step { !(SOME(TODO)) && (SOME(SET) || hold > 1) -> tick() }
	/* no lost wake-up: nothing will ever happen again, so nobody waits */
	:: timeout ->
		assert(ALL(OVER));
		break
	od
}

init
{
	atomic {
		c_code { atexit(seen_print); };
		ph[1] = IDLING;
		ph[2] = IDLING;
#if N > 2
		ph[3] = IDLING;
#endif
		run World();
		run Client(1);
		run Client(2);
#if N > 2
		run Client(3);
#endif
	}
}
