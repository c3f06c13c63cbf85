#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks the models of the queue protocol, queue.pml, of limits and several
# names in it, limits.pml, and of one lease in time, lease.pml: the correct ones
# must hold in every configuration, and must have been everywhere; every variant
# that lacks a rule must be refuted. Prints TAP.  What is called lease-... or
# LEASE_... is lease.pml's, and limits-... or LIMITS_... is limits.pml's.

set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd) || exit 1

# name | switches | places that must have been reached | what it says
proofs() {
	cat <<'END'
hand-over | -DATTEMPTS=2 -DDIE=1 -DLEAVE -DIDLE=0 | direct by_message in_reply busy confirmed dead_head passed_over pending_expired lease_expired head_told next_told left_head left_grant stopped_at_d | three clients, two attempts each, one vanishes, waiters leave: exclusion, FIFO, no free lock is waited for at all
stopped | -DDIE=2 -DLEAVE -DSTOP -DCOOL -DLATE | by_message dead_head pending_expired lease_expired cooling left_grant | two clients vanish, others stop and never confirm, min-hold: no lost wake-up
lossy | -DLOSSY -DDIE=2 -DLEAVE -DSUBLOSS=1 | refused dead_head passed_over pending_expired asked_again | messages lost and late, connections broken: no lost wake-up
slow | -DSLOW -DLOSSY -DN=2 -DSUBLOSS=1 | refused too_late in_reply passed_over | late replies: exclusion, no lost wake-up
elsewhere | -DSUBLOSS=2 -DLOSSY -DELSEWHERE=3 -DDIE=1 | refused passed_over in_reply | a subscriber whom no script can see: no lost wake-up
late | -DIDLE=0 -DDIE=1 -DLEAVE -DLATE | late_kept late_refused | renewals delayed for any time: no ghost after release
reset | -DRESET -DLATE -DDIE=1 -DCOOL -DLEAVE | revoked late_refused cooling | a reset, with late renewals and min-hold: exclusion, no ghost
reset-now | -DRESETNOW -DLATE -DDIE=1 | late_refused overlap | a reset --now: no ghost
token | -DN=2 -DATTEMPTS=2 -DLATE -DRESET -DCOOL -DDIE=1 | late_old_id late_refused revoked cooling | attempts that share a token: no double holder, no ghost
forget | -DFORGET | forgot restored not_restored held_back lifted no_record overlap release_forgot | the server forgets: overlap only after a grant to one who could not know, and bounded
forget-waiters | -DFORGETWAITERS -DIDLE=0 -DLEAVE | no_record | the waiters' records are lost: no free lock is waited for at all
forget-late | -DFORGET -DLATE | restored not_restored gave_way release_forgot late_refused | and renewals are late: nobody loses a lock for nothing
forget-token | -DN=2 -DATTEMPTS=2 -DFORGET -DLATE | restored gave_way late_old_id | and attempts share a token: no double holder
clock | -DATTEMPTS=2 -DBACK -DDIE=1 | back_grant second_fence | the server's clock goes back: fences and orders rise
forget-clock | -DFORGET -DBACK | back_grant restored forgot | both: fences rise from what was restored, FIFO
limits-names | -DLEAVE | direct granted together both idle left | two locks, three requests for one or both, exclusive, for slots or shared: no more than any allows, all or none, FIFO, no deadlock, nobody who could enter is left
limits-deaths | -DDIE=2 -DLEAVE | dead_head passed_over expired together both | two of them vanish at any moment: the same
limits-reset | -DRESET -DDIE=1 | revoked expired both | one of the locks is reset: its holder loses both, or none
limits-queue | -DLOSEQ | asked_again together both | the queue of one lock is lost: the same, and no deadlock
limits-forget | -DFORGET | restored restored_beside not_restored held_back lifted overlap | one lock or both are forgotten: who shares them gets them back, overlap only after a grant to one who could not know
limits-forget-deaths | -DFORGET -DDIE=1 -DRW | restored_beside held_back dead_head passed_over expired | and one vanishes: the same
limits-late | -DFORGET -DLATE -DRW -DONE | gave_way restored_beside | and a renewal comes late: no reader, no writer loses a lock for nothing
lease-prompt | -DDEATH -DRESET | ran renewed refused heard front_cleans keeper_cleans ended released revoked | one lease, a quick network, a death, a reset: the command is dead before the lock passes on, nothing revives it
lease-loss | -DLOSS -DDEATH -DRESET | too_late renewed late_reply stray term kill kill_child front_cleans keeper_cleans ended expired released revoked drift | requests and replies late and lost, a death, a reset: the same
lease-keeper-stops | -DLOSS -DSTOPK -DRESET | late_reply kill overdue front_cleans expired revoked | the keeper is stopped, again and again: the same
lease-front-stops | -DLOSS -DSTOPF -DRESET | late_reply kill kill_child expired revoked | the front is stopped, again and again: the same
lease-now | -DRESETNOW -DDEATH | overlap heard refused front_cleans keeper_cleans | a reset --now, or the server forgets: overlap, but bounded
END
}

# flag | switches | what is refuted without it
variants() {
	cat <<'END'
OVERTAKE | -DDIE=1 | rule 1: a newcomer does not overtake the queue
LIMIT | | rule 1: holders count against the limit
DEADHEAD | -DDIE=1 | rule 3: dead heads are dropped
ASKER | -DSUBLOSS=2 -DELSEWHERE=3 | rule 3: who asks is alive, a confirmation included
NORECORD | -DFORGETWAITERS -DIDLE=0 | rule 3: a head without a record is told to ask again
PENDING | -DSTOP | rule 4: a pending grant ends
RENEW_ID | -DN=2 -DATTEMPTS=2 -DLATE | rule 4: a renewal counts for its own attempt id only
RENEW_STATE | -DN=2 -DATTEMPTS=2 -DLATE -DCOOL | rule 4: cooling and revoked records are not renewed
PROOF | -DLOSSY | rule 5: a grant message is a hint, never proof
REFUSED | -DLOSSY | rule 5: a refused confirmation means ask again
QUEUEFIRST | -DIDLE=0 | rule 6: subscribe first, then queue
NOHEAD | -DIDLE=0 -DLEAVE -DDIE=1 | rule 6: a new head is told
NONEXT | -DIDLE=0 -DCOOL | rule 6: the head is told when the next change moves
NOREASK | -DLOSSY | rule 6: everybody asks again
NEWORDER | -DSUBLOSS=1 | rule 6: one asks again with one's first order number
FENCE_COUNTER | -DFORGET | rule 7: the fence is not only a counter kept with the key
FENCE_CLOCK | -DBACK | rule 7: the fence is not only the clock
ORDER_COUNTER | -DFORGET | rule 7: the order is not only a counter kept with the key
ORDER_QUEUE | -DFORGET -DBACK | rule 7 (mended): a new order is above the whole queue
RECREATE | -DLATE | rule 8: a renewal does not re-create a released record
RESTORE_NEVER | -DFORGET | rule 8: what the server forgot is restored
RESTORE_GRANTED | -DFORGET -DLATE | rule 8: nothing is restored after a grant
RESTORE_UNCONFIRMED | -DFORGET -DSUBLOSS=1 | rule 8: what was never confirmed is not restored
RESTORE_LIMIT | -DFORGET -DLATE -DNOGHOST | rule 8: a restore obeys the limits
RESTORE_OLD | -DFORGET -DLATE -DNOGHOST | rule 8 (mended): among the restored the higher fence wins
RELEASE_UNHEARD | -DFORGET -DLATE | rule 8 (mended): a release that finds itself forgotten leaves its fence
RESTORE_FENCE | -DFORGET -DBACK | rule 8: a restore raises the fence
NOHOLD | -DFORGET | rule 8: grants are held back after forgetting
RESET_FREE | -DRESET | rule 9: a reset does not free a held lock
RELEASE | -DRESETNOW | rule 10: a release deletes its own record only
HANDOVER | -DIDLE=0 | rule 10: a release hands over
LEAVE | -DIDLE=0 -DLEAVE | rule 13: leaving promotes
FROMREPLY | -DSLOW -DN=2 | section 4: the lease counts from before the request
LIMITS_OWN | | rule 1: the limits of all holders count
LIMITS_FIRST | | rule 12: the limits count in every name
LIMITS_OVERTAKE | | rule 1: not even who would fit beside the holders overtakes the queue
LIMITS_ONE | | rule 2: all who may enter do so at once
LIMITS_REACH | -DLEAVE | rule 2: promotion reaches the other names of those who go
LIMITS_HEADANY | | rule 12: first in all its names
LIMITS_TWOSTEP | | rule 12: in all queues by one script, with one number
LIMITS_PENDONE | -DDIE=1 | rule 12: a grant to one who has gone is taken back in all its names
LIMITS_RESETONE | -DRESET | rule 9: a reset revokes all names of its holder
LIMITS_NOHOLD | -DFORGET | rule 8: grants are held back for those who share, too
LIMITS_LIFT | -DFORGET | rule 8: a restore that is not exclusive does not lift the hold-back
LIMITS_RESTORE | -DFORGET -DLATE -DRW -DONE | rule 8: a restore obeys the limits
LIMITS_OUTLIVED | -DFORGET -DLATE -DRW -DONE | rule 8 (mended): who held alone before a reader is over
LIMITS_TURNOUT | -DFORGET -DLATE -DRW -DONE | rule 8 (mended): who held alone after it is not
LEASE_FROMREPLY | -DLOSS | section 4: so does that of a renewal
LEASE_DRIFT | -DLOSS -DSTOPK | section 4: clocks differ by a hundredth
LEASE_START | -DLOSS | section 4: no command is started under a lease that is as good as over
LEASE_LATE | -DLOSS -DSTOPK | section 4: a renewal that is heard once TERM was due is too late
LEASE_REVIVE | -DLOSS | section 4: nothing revives a lease once TERM was sent
LEASE_K0 | -DLOSS | section 4: KILL comes a slack before the end
LEASE_ONE | -DLOSS | section 3: KILL goes to the whole tree
LEASE_EARLY | -DLOSS | section 3: the release waits for the whole tree
LEASE_FRONT | -DDEATH | section 3: the front cleans up after the keeper
LEASE_KEEPER | -DDEATH | section 3: the keeper cleans up after the front
LEASE_OVERDUE | -DLOSS -DSTOPK | section 3: the front kills a keeper that is stopped at the deadline
LEASE_RESET_FREE | -DRESET | rule 9: a reset does not free a held lock
LEASE_UNHEARD | -DRESETNOW | G2: a refused renewal stops the command
END
}

# build DIR SWITCHES...: the verifier DIR/pan. Optimising takes longer than it
# saves.
build() {
	dir=$1
	shift
	case ${dir##*/} in
	*.lease-* | *.LEASE_*) model=$here/lease.pml ;;
	*.limits-* | *.LIMITS_*) model=$here/limits.pml ;;
	*) model=$here/queue.pml ;;
	esac
	mkdir -p "$dir" && cd "$dir" &&
	spin "$@" -a "$model" >spin.out 2>&1 &&
	"${CC:-gcc}" -O0 -w -DSAFETY -DNOFAIR -o pan pan.c >cc.out 2>&1
}

# prove DIR SWITCHES...: all states, no approximation
prove() {
	dir=$1
	shift
	build "$dir" "$@" && ./pan -m1000000 -w20 >pan.out 2>&1
}

# refute DIR SWITCHES...: stops at the first error
refute() {
	dir=$1
	shift
	build "$dir" "$@" && ./pan -m100000 -w18 >pan.out 2>&1
}

trim() {
	printf '%s\n' "$1" | sed 's/^ *//; s/ *$//'
}

# Complete, without error, and has been where it should have been?
proved() {
	out=$1/pan.out
	grep -q 'errors: 0$' "$out" 2>/dev/null || return 1
	! grep -q -e 'max search depth too small' -e 'out of memory' \
	    -e 'Search not completed' "$out" || return 1
	for place in $2; do
		grep -q "^seen $place [1-9]" "$out" || {
			echo "# never reached: $place"
			return 1
		}
	done
	[ "$(states "$1")" -gt 1000 ]
}

states() {
	awk '/states, stored/ { print $1; exit }' "$1/pan.out"
}

# An assertion failed: neither a crash nor an exhausted search is a refutation.
refuted() {
	grep -q 'errors: [1-9]' "$1/pan.out" 2>/dev/null &&
	grep -q '^pan:1: assertion violated' "$1/pan.out"
}

# One line per row, so that two can run at a time: KIND NAME SWITCHES...
run_row() {
	kind=$1 row=$2
	shift 2
	case $kind in
	prove) prove "$MODEL_DIR/prove.$row" "$@" ;;
	refute) refute "$MODEL_DIR/refute.$row" "-DBUG_$row" "$@" ;;
	esac
}

rows() {
	proofs | while IFS='|' read -r name switches _; do
		trim "prove $(trim "$name") $switches"
	done
	variants | while IFS='|' read -r name switches _; do
		trim "refute $(trim "$name") $switches"
	done
}

report() {
	failed=0 n=0
	echo "1..$(rows | wc -l | tr -d ' ')"
	while IFS='|' read -r name switches places text; do
		n=$((n + 1)) name=$(trim "$name")
		dir=$MODEL_DIR/prove.$name
		if proved "$dir" "$places"; then
			echo "ok $n - the correct model holds:" \
			    "$(trim "$text") ($(states "$dir") states)"
		else
			failed=1
			echo "not ok $n - the correct model holds:" \
			    "$(trim "$text")"
			explain "$dir" "$switches"
		fi
	done <<END
$(proofs)
END
	while IFS='|' read -r name switches text; do
		n=$((n + 1)) name=$(trim "$name")
		dir=$MODEL_DIR/refute.$name
		if refuted "$dir"; then
			echo "ok $n - refuted without it: $(trim "$text")"
		else
			failed=1
			echo "not ok $n - refuted without it: $(trim "$text")"
			explain "$dir" "-DBUG_$name $switches"
		fi
	done <<END
$(variants)
END
	return $failed
}

explain() {
	echo "# switches: $2"
	cat "$1/spin.out" "$1/cc.out" "$1/pan.out" 2>/dev/null |
	    grep -e rror -e violated -e 'states, stored' | head -5 |
	    sed 's/^/# /'
}

if [ "${1-}" = --row ]; then
	shift
	run_row "$@"
	exit 0
fi

for tool in spin "${CC:-gcc}"; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP $tool is not installed"
		exit 0
	}
done

MODEL_DIR=$(mktemp -d) || exit 1
export MODEL_DIR
trap 'rm -rf "$MODEL_DIR"' EXIT
trap 'exit 1' HUP INT TERM

rows | xargs -P 2 -L 1 sh "$here/check.sh" --row
report
