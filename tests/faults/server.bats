#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The server stops, restarts, forgets or goes away while a job runs or waits.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251,SC2086
load ../cli/common
load ../cli/process

# With these the lease counts 1483 ms, TERM is due at 1233, KILL at 1433; renewals every 500.
SHORT="-t 1500ms -k 200ms --io-timeout 150ms"

setup_file() { common_setup_file; }
setup() {
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	server_answers || server_restart
}
teardown() {
	server_cont
	server_answers || server_restart
	common_teardown
}

# A job that beats until it is killed, TERM or not, in the background.
beat() {
	# shellcheck disable=SC2086
	background "$NETFLOCK" "$@" "$lock" -- "$TOOLS/beat" -t "$BEATS"
	wait_for_file "$BEATS"
}
last_beat() { tail -1 "$BEATS" | cut -d' ' -f3; }
ms_since() { echo $((($("$TOOLS/boottime") - $1) / 1000000)); }
renewing() { [ "$($R PUBSUB CHANNELS 'netflock:*' | wc -l)" -ge 1 ]; }
holder_field() { $R HKEYS "netflock:{$lock}" | grep '^h:'; }
held_in_server() { [ -n "$(holder_field)" ]; }
lines() { grep -c "$1" <<<"$2" || :; }

@test "the server stops for less than the lease: the command goes on, one warning and one all clear" {
	hold "$lock" -t 3s -k 100ms --io-timeout 200ms
	wait_until renewing
	server_stop
	wait_until holder_says "cannot renew"
	server_cont
	wait_until holder_says "renewed again"
	release_holder "$HOLDER" 9
	assert_status 9
	assert_equal "$(holder_stderr | wc -l)" 2 "lines: $(holder_stderr)"
	assert_free
}
holder_says() { holder_stderr | grep -q "$1"; }

@test "the server stops for longer than the lease: the command is dead before the lease ends, 76" {
	local stopped waiter job err
	# shellcheck disable=SC2086
	beat $SHORT
	job=$PID err=$ERR
	wait_until renewing
	background "$NETFLOCK" "$lock" -- "$TOOLS/beat" "$BEATS" 20
	waiter=$PID
	wait_for_waiters 1
	server_stop
	stopped=$("$TOOLS/boottime")
	finish "$job"
	assert_status 76
	# The last renewal was sent before the server stopped: KILL was due 1433 ms after that at the latest.
	assert_between $((($(last_beat) - stopped) / 1000000)) 500 1440 "ms from the server's stop to the last beat"
	assert_equal "$(lines 'lock lost' "$(cat "$err")")" 1 "times said: $(cat "$err")"
	server_cont
	finish "$waiter"
	assert_status 0
	run python3 "$TESTS/tools/overlap.py" "$BEATS"
	assert_status 0
	assert_free
}

@test "a lock that was lost is not taken back when the server continues" {
	# shellcheck disable=SC2086
	beat $SHORT
	wait_until renewing
	server_stop
	finish
	assert_status 76
	server_cont
	wait_until lock_is_free
	assert_free
}
lock_is_free() { ! $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }

@test "CLIENT PAUSE is a server that stops" {
	hold "$lock" -t 3s -k 100ms --io-timeout 200ms
	wait_until renewing
	$R CLIENT PAUSE 1500 >/dev/null
	wait_until holder_says "renewed again"
	release_holder
	assert_status 0
}

@test "the server restarts with its data: the command goes on" {
	hold "$lock" -t 5s
	wait_until renewing
	$R SAVE >/dev/null
	server_restart
	wait_until renewing
	wait_until settled_after_restart
	release_holder
	assert_status 0
	refute_holder_line "forgotten"
	assert_free
}
settled_after_restart() { held_in_server && [ "$($R INFO commandstats | grep -c evalsha)" -ge 1 ]; }
refute_holder_line() { ! holder_stderr | grep -q "$1"; }

@test "the server restarts without its data: the lock is restored, and that is said once" {
	hold "$lock" -t 5s
	wait_until renewing
	server_restart_empty
	wait_until held_in_server
	try -n "$lock" -- true
	assert_status 75
	release_holder "$HOLDER" 4
	assert_status 4
	assert_equal "$(lines 'had forgotten the lock; it is held again' "$(holder_stderr)")" 1 "times said: $(holder_stderr)"
	assert_free
}

@test "FLUSHALL under a running job: the lock is restored" {
	hold "$lock" -t 1500ms -k 100ms --io-timeout 100ms
	wait_until renewing
	$R FLUSHALL >/dev/null
	wait_until held_in_server
	release_holder
	assert_status 0
	assert_equal "$(lines 'held again' "$(holder_stderr)")" 1
}

@test "the lock is deleted and somebody else takes it: 76 within a renewal interval" {
	local taken job
	# shellcheck disable=SC2086
	beat $SHORT
	job=$PID
	wait_until renewing
	# Not by a waiter of ours: somebody who knows of no holder, at once.
	until steal 2>/dev/null; do :; done
	taken=$("$TOOLS/boottime")
	finish "$job"
	assert_status 76
	assert_between $((($(last_beat) - taken) / 1000000)) -5 $((500 + 150 + 200 + $(stretch 100))) "ms of overlap"
	assert_equal "$(lines "lock lost: .*now held by .* pid $HOLDER" "$(cat "$ERR")")" 1 "times said: $(cat "$ERR")"
	release_holder
	assert_status 0
	assert_equal "$(holder_stderr)" ""
}

# A renewal may come in between, and bring it back.
steal() { $R DEL "netflock:{$lock}" >/dev/null && hold "$lock" -n; }

# $FIRST holds; the server forgets; $SECOND takes it and is frozen; the server forgets again; $FIRST has it back.
forget_twice() {
	local keeper
	# Renewals every 2 s: long enough to come in between.
	hold "$lock" -t 6s -k 100ms
	FIRST=$HOLDER
	wait_until renewing
	wait_for_renewal
	$R FLUSHALL >/dev/null
	hold "$lock" -n -t 6s -k 100ms
	SECOND=$HOLDER
	keeper=$(keeper_of "$SECOND")
	kill -STOP "$SECOND"
	wait_until is_stopped "$SECOND"
	kill -STOP "$keeper"
	wait_until is_stopped "$keeper"
	$R FLUSHALL >/dev/null
	HOLDER=$FIRST
	wait_until holder_says "it is held again"
	FROZEN="$keeper $SECOND"
}

@test "the server forgets twice, and somebody came in between: whoever held before is told at once that the other one is back" {
	forget_twice
	kill -CONT $FROZEN
	# Its connection has gone: it asks.
	$R CLIENT KILL TYPE normal SKIPME yes >/dev/null
	finish "$FIRST"
	assert_status 76
	assert_matches "$(holder_stderr "$FIRST")" "lock lost: (the server lost it, and whoever got it since has it back|the server no longer has it.*); stopping the command"
	release_holder "$SECOND"
	assert_status 0
	assert_free
}

@test "the server forgets twice, and who came in between ends: whoever held before is told, and it is no success" {
	forget_twice
	echo 0 1<>"${HOLD_FILES[$SECOND]}.fifo" >&1
	kill -CONT $FROZEN
	finish "$SECOND"
	# It may have been restored before it ended, or not.
	[ "$status" = 0 ] || assert_status 76
	finish "$FIRST"
	assert_status 76
	assert_matches "$(holder_stderr "$FIRST")" "lock lost: the server lost it, and whoever got it since has it back; stopping the command"
	wait_until assert_free
}

@test "only the holder's field is deleted: the lock is lost, not restored" {
	# shellcheck disable=SC2086
	beat $SHORT
	wait_until renewing
	$R HDEL "netflock:{$lock}" "$(holder_field)" >/dev/null
	finish
	assert_status 76
	assert_equal "$(lines 'lock lost: the server no longer has it' "$(cat "$ERR")")" 1
	assert_free
}

@test "both connections of a holder are killed: nobody notices" {
	hold "$lock" -t 2s -k 100ms --io-timeout 150ms
	wait_until renewing
	for _ in 1 2 3; do
		$R CLIENT KILL TYPE pubsub >/dev/null
		$R CLIENT KILL TYPE normal >/dev/null
		wait_until renewing
	done
	release_holder
	assert_status 0
	assert_equal "$(holder_stderr)" ""
}

@test "a server that closes idle connections: nobody notices" {
	$R CONFIG SET timeout 1 >/dev/null
	hold "$lock" -t 9s
	background "$NETFLOCK" "$lock" -- echo ran
	wait_for_waiters 1
	# Idle subscribers are left alone; what is closed is opened again when it is needed.
	wait_until passed $(($(now) + 2500))
	release_holder
	assert_status 0
	assert_equal "$(holder_stderr)" ""
	finish
	assert_status 0
	assert_equal "$(cat "$OUT" "$ERR")" ran
	$R CONFIG SET timeout 0 >/dev/null
}
passed() { [ "$(now)" -ge "$1" ]; }

@test "the server is killed and stays away: 76 before the lease ends" {
	local killed
	# shellcheck disable=SC2086
	beat $SHORT
	wait_until renewing
	server_kill
	killed=$("$TOOLS/boottime")
	finish
	assert_status 76
	assert_between $((($(last_beat) - killed) / 1000000)) 500 1440 "ms from its death to the last beat"
	assert_equal "$(lines 'cannot renew' "$(cat "$ERR")")" 1
	server_restart
}

@test "the server is away when the command ends: its status, and one warning" {
	hold "$lock" -t 3s -k 100ms --io-timeout 100ms
	wait_until renewing
	server_kill
	wait_until holder_says "cannot renew"
	release_holder "$HOLDER" 5
	assert_status 5
	assert_equal "$(lines 'cannot release the lock' "$(holder_stderr)")" 1 "times said: $(holder_stderr)"
	server_restart
}

@test "the server restarts while somebody waits: he keeps his place" {
	local first out
	hold "$lock" -t 9s
	background "$NETFLOCK" "$lock" -- echo first
	first=$PID out=$OUT
	wait_for_waiters 1
	background "$NETFLOCK" "$lock" -- echo second
	wait_for_waiters 2
	$R SAVE >/dev/null
	server_restart
	wait_until three_channels
	wait_for_waiters 2
	release_holder
	assert_status 0
	finish "$first"
	assert_equal "$(cat "$out")" first
	assert_status 0
	finish
	assert_equal "$(cat "$OUT")" second
	assert_free
}
three_channels() { [ "$($R PUBSUB CHANNELS 'netflock:*' | wc -l)" = 3 ]; }

@test "the server restarts empty while some wait: the holder keeps the lock, they keep their order" {
	local first out
	hold "$lock" -t 9s
	background "$NETFLOCK" "$lock" -- sh -c "echo first >>$BEATS"
	first=$PID
	wait_for_waiters 1
	background "$NETFLOCK" "$lock" -- sh -c "echo second >>$BEATS"
	wait_for_waiters 2
	wait_until three_channels
	server_restart_empty
	wait_for_waiters 2
	wait_until held_in_server
	release_holder
	assert_status 0
	finish "$first"
	finish
	assert_equal "$(paste -sd' ' "$BEATS")" "first second"
	assert_free
}

@test "the server stops while somebody waits, and continues: he gets his turn" {
	hold "$lock" -t 9s
	background "$NETFLOCK" "$lock" -- echo ran
	wait_for_waiters 1
	server_stop
	kill -0 "$PID"
	server_cont
	release_holder
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
}

@test "who gave up on a stopped server leaves no lock behind when that wakes up" {
	netflock "$lock" -- true
	local how
	for how in "-n --connect-timeout 400ms" "-w 400ms" "--connect-timeout 400ms"; do
		server_stop
		# shellcheck disable=SC2086
		try $how "$lock" -- true
		assert_status 69
		server_cont
		wait_until server_answers
		if held_in_server; then fail "a ghost holds the lock after $how"; fi
	done
	try -n "$lock" -- true
	assert_status 0
}

@test "a server that hangs while a waiter waits is not called busy, not even silently with -E 0" {
	hold "$lock"
	background "$NETFLOCK" -w 1500ms -E 0 "$lock" -- true
	wait_for_waiters 1
	server_stop
	finish
	assert_status 69
	assert_equal "$(grep -c 'no reply from' "$ERR")" 1
	server_cont
	release_holder
}
