#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a holder keeps, says and leaves: --min-hold, nested use, fences, --on-lost, messages.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2046,SC2314,SC2251,SC2034
load common

fence() { netflock "$lock" -- sh -c 'echo $NETFLOCK_FENCE'; }
last_run() { $R HGET "netflock:{$lock}" last; }

@test "--min-hold keeps the lock when the command ends sooner: the next one waits for the rest" {
	local began
	began=$(now)
	try --min-hold 700ms "$lock" -- true
	assert_status 0
	assert_silent
	assert_between $(($(now) - began)) 0 $((400 + $(stretch 250))) "ms: it does not wait for that itself"
	try -n "$lock" -- echo ran
	assert_status 75
	assert_stderr_matches "kept by --min-hold for [0-9]+ms more after .* \(true\)"
	try "$lock" -- true
	assert_status 0
	assert_between $(($(now) - began)) 690 $((700 + $(stretch 300))) "ms until the next one had run"
	assert_free
}

@test "--min-hold counts from the start: a longer command is not followed by a pause" {
	try --min-hold 50ms "$lock" -- sleep 0.1
	try -n "$lock" -- true
	assert_status 0
}

@test "no --min-hold after a command that could not run" {
	: >"$BATS_TEST_TMPDIR/not-executable"
	try --min-hold 1m "$lock" -- no-such-command
	assert_status 127
	try --min-hold 1m "$lock" -- "$BATS_TEST_TMPDIR/not-executable"
	assert_status 126
	try --min-hold 1m "$lock" -- sh -c 'exit 127'
	assert_status 127
	try -n "$lock" -- true
	assert_status 0
}

@test "no --min-hold after a loss" {
	hold "$lock" --min-hold 1m -t 1500ms -k 100ms --io-timeout 100ms
	$R HDEL "netflock:{$lock}" "$($R HKEYS "netflock:{$lock}" | grep '^h:')" >/dev/null
	finish "$HOLDER"
	assert_status 76
	try -n "$lock" -- true
	assert_status 0
}

@test "a netflock inside its own lock would wait for itself: 64" {
	try "$lock" -- "$NETFLOCK" "$lock" -- echo ran
	assert_status 64
	assert_output ""
	assert_stderr_lines 1
	assert_stderr_matches "^netflock: $lock: held by .*: it would wait for itself$"
	assert_free
}

@test "also through programs in between, and with -n" {
	try "$lock" -- sh -c "env sh -c '$NETFLOCK -n $lock echo ran; exit \$?'; exit \$?"
	assert_status 64
	assert_output ""
}

@test "another lock inside is no problem, nor the outer one again two levels down a refusal of the inner" {
	try "$lock" -- "$NETFLOCK" "$lock.inner" -- echo ran
	assert_status 0
	assert_output ran
	try "$lock" -- "$NETFLOCK" "$lock.inner" -- "$NETFLOCK" "$lock" -- echo ran
	assert_status 64
	assert_output ""
}

@test "a lock that the parent held before, but holds no more, is free for what it left behind" {
	try "$lock" -- sh -c "(sleep 0.3; exec $NETFLOCK -w 5s $lock -- sh -c 'echo ran >$BATS_TEST_TMPDIR/late') >/dev/null 2>&1 &"
	assert_status 0
	wait_for_file "$BATS_TEST_TMPDIR/late"
}

@test "the fence rises with every run" {
	local last=0 this i
	for i in $(seq 20); do
		this=$(fence)
		[ "$this" -gt "$last" ] || fail "fence $this after $last"
		last=$this
	done
	$R SAVE >/dev/null
	server_restart
	this=$(fence)
	[ "$this" -gt "$last" ] || fail "fence $this after $last and a restart"
	$R HSET "netflock:{$lock}" fence 8000000000000000 >/dev/null
	assert_equal "$(fence)" 8000000000000001
}

@test "the fence of a waiter is that of its own grant" {
	hold "$lock"
	background "$NETFLOCK" "$lock" -- sh -c 'echo $NETFLOCK_FENCE'
	wait_for_waiters 1
	release_holder
	finish
	assert_equal "$(cat "$OUT")" "$($R HGET "netflock:{$lock}" fence)"
}

@test "--on-lost warn lets the command end, and says 76 even so" {
	local ended=$BATS_TEST_TMPDIR/ended
	hold "$lock" --on-lost warn -t 1500ms -k 100ms --io-timeout 100ms
	$R HDEL "netflock:{$lock}" "$($R HKEYS "netflock:{$lock}" | grep '^h:')" >/dev/null
	wait_until warned
	kill -0 "$HOLDER"
	release_holder "$HOLDER" 0
	assert_status 76
	assert_equal "$(grep -c "goes on without it" <<<"$(holder_stderr)")" 1
	[ ! -e "$ended" ]
}
warned() { holder_stderr | grep -q "lock lost"; }

@test "success is silent, busy with -E 0 too but for -v, and -q is silent about busy" {
	hold "$lock"
	try -n -E 0 "$lock" -- echo ran
	assert_status 0
	assert_silent
	try -w 100ms -E 0 "$lock" -- echo ran
	assert_status 0
	assert_silent
	try -v -n -E 0 "$lock" -- echo ran
	assert_status 0
	assert_stderr_matches "^netflock: $lock: busy: held by "
	try -n -E 9 "$lock" -- echo ran
	assert_status 9
	assert_stderr_lines 1
	try -n -q "$lock" -- echo ran
	assert_status 75
	assert_silent
	release_holder
	try "$lock" -- true
	assert_silent
}

@test "-v says after a second who is waited for, once; without it nothing is said" {
	hold "$lock" --reason "the dump"
	try -v -w 1300ms "$lock" -- true
	assert_status 75
	assert_stderr_line "netflock: $lock: waiting: held by .* pid $HOLDER for [0-9.]+s \(the dump\)"
	assert_equal "$(grep -c "waiting: " <<<"$stderr")" 1
	try -w 1300ms "$lock" -- true
	assert_status 75
	assert_stderr_lines 1
	release_holder
}

@test "-v counts those ahead" {
	hold "$lock"
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	try -v -w 1200ms "$lock" -- true
	assert_stderr_matches "netflock: $lock: waiting: .*, 1 ahead"
	release_holder
	finish
}

@test "on a terminal the wait is announced without -v" {
	hold "$lock"
	run python3 "$TESTS/tools/pty.py" "expect:waiting for '$lock': held for [0-9]+s by" -- "$NETFLOCK" -w 1500ms "$lock" -- true
	assert_status 75
	release_holder
}

@test "--jitter delays the first attempt, by no more than that" {
	local began
	began=$(now)
	try --jitter 200ms "$lock" -- true
	assert_status 0
	assert_between $(($(now) - began)) 0 $((200 + $(stretch 500))) ms
	assert_silent
	try -v --jitter 20ms "$lock" -- true
	assert_stderr_matches "^netflock: $lock: sleeping for [0-9]+m?s before the first attempt"
}

@test "--max-runtime ends the command: 124, and the lock is free" {
	try -T 200ms "$lock" -- sleep 60
	assert_status 124
	assert_free
	try -T 200ms -k 100ms "$lock" -- sh -c 'trap "" TERM; while :; do sleep 0.05; done'
	assert_status 124
	assert_free
}

@test "the last run is recorded: who, how it ended, how long it took" {
	try "$lock" -- sh -c 'sleep 0.05; exit 3'
	assert_status 3
	assert_matches "$(last_run)" '"status":"3"'
	assert_matches "$(last_run)" '"command":"sh -c sleep 0.05; exit 3"'
	assert_matches "$(last_run)" '"ran":"[0-9]+"'
	try "$lock" -- sh -c 'kill -9 $$'
	assert_status 137
	assert_matches "$(last_run)" '"status":"137"'
}
