#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A real server refuses what a holder or a waiter asks: every kind of refusal, for a while and for good.  (What it answers to a
# newcomer is in tests/cli/errors.bats, what becomes of passwords in tests/cli/secrets.bats.)
# shellcheck disable=SC2153,SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251,SC2086
load ../cli/common
load ../cli/process

# The lease counts 1983 ms; TERM is due at 1733, KILL at 1933; renewals every 667.
SHORT="-t 2s -k 200ms --io-timeout 200ms"
# Renewals every 1.3 s, TERM at 3.7 s.
LONG="-t 4s -k 200ms --io-timeout 200ms"

setup_file() {
	# What is mounted for it goes with it.
	[ "$(id -u)" != 0 ] || SERVER_IN="unshare -m --"
	common_setup_file --busy-reply-threshold 50 --enable-protected-configs yes
	server_tcp
}
setup() {
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	FULL=$SERVER_DIR/full
	unset REDISCLI_AUTH
}
teardown() {
	local name
	for name in $REFUSING; do "allow_$name"; done
	common_teardown
}

REFUSING=
# refuse NAME: from now on the server does; allow NAME: it does no longer.  REPLY_NAME is what it says.
refuse() {
	REFUSING=$1
	"refuse_$1"
}
allow() {
	"allow_$1"
	REFUSING=
}

REPLY_noreplicas=NOREPLICAS
refuse_noreplicas() { $R CONFIG SET min-replicas-to-write 1 >/dev/null; }
allow_noreplicas() { $R CONFIG SET min-replicas-to-write 0 >/dev/null; }

REPLY_readonly=READONLY
refuse_readonly() { $R REPLICAOF 127.0.0.1 1 >/dev/null; }
allow_readonly() { $R REPLICAOF NO ONE >/dev/null; }

REPLY_masterdown=MASTERDOWN
refuse_masterdown() { $R CONFIG SET replica-serve-stale-data no >/dev/null && refuse_readonly; }
allow_masterdown() { allow_readonly && $R CONFIG SET replica-serve-stale-data yes >/dev/null; }

REPLY_busy=BUSY
refuse_busy() {
	(exec $R EVAL 'while true do end' 0 >/dev/null 2>&1 3>&- 4>&-) &
	SCRIPT=$!
	wait_until server_is_busy
}
server_is_busy() { [[ $($R PING 2>&1) == *BUSY* ]]; }
allow_busy() {
	$R SCRIPT KILL >/dev/null
	wait "$SCRIPT" || :
}

REPLY_misconf=MISCONF
refuse_misconf() {
	$R CONFIG SET save "1000000 1000000" >/dev/null
	mkdir -p "$SERVER_DIR/dump.rdb/full"
	$R BGSAVE >/dev/null
	wait_until server_cannot_save
}
server_cannot_save() { $R INFO persistence | grep -q 'rdb_last_bgsave_status:err'; }
allow_misconf() {
	rm -rf "$SERVER_DIR/dump.rdb"
	$R CONFIG SET save "" >/dev/null
}

# Its disk is full.
REPLY_full=MISCONF
refuse_full() {
	[ "$(id -u)" = 0 ] || skip "needs root: a small disk"
	mkdir -p "$FULL"
	in_server mount -t tmpfs -o size=64k tmpfs "$FULL"
	in_server dd if=/dev/zero of="$FULL/ballast" bs=4k >/dev/null 2>&1 || :
	$R CONFIG SET dir "$FULL" save "1000000 1000000" >/dev/null
	$R BGSAVE >/dev/null
	wait_until server_cannot_save
}
in_server() { nsenter -t "$(server_pid)" -m -- "$@"; }
allow_full() {
	in_server rm -f "$FULL/ballast"
	$R BGSAVE >/dev/null
	wait_until server_can_save
	$R CONFIG SET dir "$SERVER_DIR" save "" >/dev/null
	in_server umount "$FULL"
}
server_can_save() { $R INFO persistence | grep -q 'rdb_last_bgsave_status:ok'; }

# What needs a user: the holder is "ops".
ops() {
	$R ACL SETUSER ops reset on '>pw' '~netflock:*' '&netflock:*' +@all >/dev/null
	export REDISCLI_AUTH=pw
	R="env -u REDISCLI_AUTH $R" OPS="--user ops"
}
no_ops() {
	$R ACL DELUSER ops >/dev/null
}
REPLY_noperm="no permission"
refuse_noperm() { $R ACL SETUSER ops -evalsha -eval >/dev/null; }
allow_noperm() { $R ACL SETUSER ops +@all >/dev/null; }

cut_off() { $R CLIENT KILL TYPE normal SKIPME yes >/dev/null && $R CLIENT KILL TYPE pubsub >/dev/null; }

REPLY_deleted=WRONGPASS
refuse_deleted() { $R ACL DELUSER ops >/dev/null; }
allow_deleted() { ops; }

# Whoever is first takes the only place there is.
REPLY_crowd="max number of clients"
refuse_crowd() {
	mkfifo "$BATS_TEST_TMPDIR/crowd"
	# shellcheck disable=SC2094
	(exec $R <"$BATS_TEST_TMPDIR/crowd" >"$BATS_TEST_TMPDIR/crowd.out" 2>&1 3>&- 4>&-) &
	CROWD=$!
	exec {crowd}>"$BATS_TEST_TMPDIR/crowd"
	printf '%s\n' "CONFIG SET maxclients 1" "CLIENT KILL TYPE normal SKIPME yes" "CLIENT KILL TYPE pubsub" >&"$crowd"
}
allow_crowd() {
	echo "CONFIG SET maxclients 1000" >&"$crowd"
	exec {crowd}>&-
	wait "$CROWD"
}

holder_says() { holder_stderr | grep -qE "$1"; }
renewing() { $R PUBSUB CHANNELS "netflock:{$lock}:*" | grep -q .; }

# For a while: one warning with the server's reason, one all clear, the command unharmed.
goes_on_after() {
	local reply=REPLY_$1
	hold "$lock" $LONG ${OPS:-}
	wait_until renewing
	refuse "$1"
	wait_until holder_says "cannot renew the lock: .*${!reply}"
	allow "$1"
	wait_until holder_says "the lock is renewed again"
	release_holder "$HOLDER" 5
	assert_status 5
	assert_equal "$(holder_stderr | grep -c 'cannot renew')" 1 "warnings: $(holder_stderr)"
	refute_lost
	assert_free
}
refute_lost() { ! holder_says "lock lost"; }

# What was not released keeps others out until the lease ends, no longer.
runs_out() {
	env -u REDISCLI_AUTH "$NETFLOCK" -w "$(stretch 3)s" "$lock" -- true
	assert_free
}

# For good: the command is dead before the lease ends, TERM or not, and 76 says why.
is_dead_in_time_after() {
	local reply=REPLY_$1 refused
	background "$NETFLOCK" $SHORT ${OPS:-} "$lock" -- "$TOOLS/beat" -t "$BEATS"
	wait_until beats "$BEATS"
	wait_until renewing
	refuse "$1"
	refused=$(boottime_ms)
	finish
	allow "$1"
	assert_status 76
	assert_matches "$(cat "$ERR")" "cannot renew the lock: .*${!reply}.*lock lost: it could not be renewed in time; stopping the command"
	# The last renewal that was not refused was sent before that.
	assert_between $(($(last_beat "$BEATS") - refused)) 0 1980 "ms that it ran on"
	runs_out
}

@test "too few replicas for a while: the command goes on" { goes_on_after noreplicas; }
@test "too few replicas for good: the command is dead in time" { is_dead_in_time_after noreplicas; }
@test "the server becomes a replica for a while: the command goes on" { goes_on_after readonly; }
@test "the server becomes a replica without a master for a while: the command goes on" { goes_on_after masterdown; }
@test "the server is busy with a script for a while: the command goes on" { goes_on_after busy; }
@test "the server is busy with a script for good: the command is dead in time" { is_dead_in_time_after busy; }
@test "the server cannot save for a while: the command goes on" { goes_on_after misconf; }
@test "the disk is full for a while: the command goes on" { goes_on_after full; }
@test "the server has no room for our connection for a while: the command goes on" { goes_on_after crowd; }

@test "the rights are taken away for a while: the command goes on" {
	ops
	goes_on_after noperm
	no_ops
}
@test "the rights are taken away for good: the command is dead in time" {
	ops
	is_dead_in_time_after noperm
	no_ops
}
@test "the user is deleted: the command is dead in time" {
	ops
	is_dead_in_time_after deleted
	no_ops
}

@test "the server loads its data when the command has been running for a while: it goes on when that is done" {
	hold "$lock" -t 12s -k 200ms --io-timeout 200ms
	wait_until renewing
	$R DEBUG POPULATE 2000 x 100 >/dev/null
	$R SAVE >/dev/null
	server_kill
	echo "start --key-load-delay 500 --loading-process-events-interval-bytes 1024" >"$SERVER_DIR/control"
	wait_until holder_says "cannot renew"
	wait_until holder_says "renewed again"
	release_holder "$HOLDER" 5
	assert_status 5
	$R FLUSHALL >/dev/null
	rm -f "$SERVER_DIR/dump.rdb"
	$R CONFIG SET busy-reply-threshold 50 >/dev/null
}

@test "the scripts are flushed: neither holder nor waiter notices" {
	hold "$lock" $SHORT
	background "$NETFLOCK" "$lock" -- echo next
	wait_for_waiters 1
	$R SCRIPT FLUSH >/dev/null
	wait_for_renewal
	$R SCRIPT FLUSH >/dev/null
	release_holder
	assert_status 0
	assert_equal "$(holder_stderr)" ""
	$R SCRIPT FLUSH >/dev/null
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" next
	assert_equal "$(cat "$ERR")" ""
	assert_free
}

# The server throws out what has an expiry, as a full cache does.
evict() {
	$R CONFIG SET maxmemory-policy volatile-ttl >/dev/null
	$R CONFIG SET maxmemory 1 >/dev/null
	wait_until lock_was_evicted
	$R CONFIG SET maxmemory 0 >/dev/null
	$R CONFIG SET maxmemory-policy noeviction >/dev/null
}
lock_was_evicted() { $R SET x y >/dev/null 2>&1; [ "$($R EXISTS "netflock:{$lock}")" = 0 ]; }

@test "the lock is evicted from a full cache, and nobody comes: it is restored" {
	hold "$lock" $SHORT
	wait_until renewing
	evict
	wait_until holder_says "the server had forgotten the lock; it is held again"
	release_holder "$HOLDER" 5
	assert_status 5
	assert_free
}

@test "the lock is evicted from a full cache, and somebody takes it: the first one is dead within a renewal interval, 76" {
	local evicted
	background "$NETFLOCK" $SHORT "$lock" -- "$TOOLS/beat" -t "$BEATS"
	local first=$PID err=$ERR
	wait_until beats "$BEATS"
	wait_until renewing
	evict
	evicted=$(boottime_ms)
	"$NETFLOCK" -n "$lock" -- true
	finish "$first"
	assert_status 76
	assert_matches "$(cat "$err")" "lock lost: the server lost it and gave it to somebody else"
	# Renewal interval, I/O timeout, grace: G2.
	assert_between $(($(last_beat "$BEATS") - evicted)) 0 $((667 + 200 + $(stretch 200))) "ms that it ran on"
	assert_free
}

# The command ends while the server refuses: its own status, and one warning with the reason.
release_is_refused() {
	local reply=REPLY_$1
	hold "$lock" $SHORT ${OPS:-}
	wait_until renewing
	refuse "$1"
	release_holder "$HOLDER" 5
	allow "$1"
	assert_status 5
	assert_matches "$(holder_stderr)" "cannot release the lock: .*${!reply}.*; it runs out in "
	runs_out
}
@test "the command ends while there are too few replicas: its status, a warning, and the lock runs out" { release_is_refused noreplicas; }
@test "the command ends while the server is a replica: its status, a warning, and the lock runs out" { release_is_refused readonly; }
@test "the command ends while the server cannot save: its status, a warning, and the lock runs out" { release_is_refused misconf; }

@test "a newcomer while there are too few replicas: 69, and what the server says" {
	refuse noreplicas
	try --connect-timeout 300ms "$lock" -- echo ran
	allow noreplicas
	assert_status 69
	assert_output ""
	assert_stderr_matches "NOREPLICAS"
	assert_stderr_lines 1
	assert_free
}

@test "a waiter while the server refuses everything for a while: it keeps its place" {
	hold "$lock"
	background "$NETFLOCK" -v "$lock" -- echo first
	local first=$PID out=$OUT
	wait_for_waiters 1
	refuse readonly
	# Whoever asks now is refused; the waiter lost its connections and has to.
	cut_off
	wait_for_line "$ERR" READONLY
	allow readonly
	wait_until both_listen
	release_holder
	finish "$first"
	assert_status 0
	assert_equal "$(cat "$out")" first
	assert_free
}
both_listen() { [ "$($R PUBSUB CHANNELS "netflock:{$lock}:*" | wc -l)" = 2 ]; }
