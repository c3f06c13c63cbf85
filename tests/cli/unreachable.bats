#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --if-unreachable: no server answers before the command starts.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034
load common
load process

nowhere() { try -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 200ms "$@"; }

@test "by default, and with fail, it is 69 and the command does not run" {
	nowhere "$lock" -- echo ran
	assert_status 69
	nowhere --if-unreachable fail "$lock" -- echo ran
	assert_status 69
	assert_equal "$output" ""
}

@test "with run the command runs without the lock, one line says so, and its status comes back" {
	nowhere --if-unreachable run "$lock" -- sh -c 'echo out; exit 5'
	assert_status 5
	assert_output out
	assert_stderr_lines 1
	assert_stderr_matches "^netflock: $lock: cannot connect to .*; running the command WITHOUT THE LOCK$"
	# It is no usage error, but whoever runs it must know.
	nowhere -q --if-unreachable run "$lock" -- true
	assert_status 0
	assert_stderr_lines 1
}

@test "what it runs without the lock knows that" {
	NETFLOCK_FENCE=7 NETFLOCK_TOKEN=x nowhere --if-unreachable run "$lock" -- sh -c 'echo "$NETFLOCK_HELD $NETFLOCK_NAME ${NETFLOCK_FENCE-none} ${NETFLOCK_TOKEN-none}"'
	assert_output "0 $lock none none"
}

@test "without the lock --max-runtime, --kill-after and --kill-all hold as ever" {
	local began
	began=$(now)
	nowhere --if-unreachable run -T 100ms -k 100ms "$lock" -- sh -c 'trap "" TERM; while :; do sleep 0.02; done'
	assert_status 124
	assert_between $(($(now) - began)) 400 $((400 + $(stretch 2000))) ms
	nowhere --if-unreachable run --kill-all "$lock" -- sh -c 'sleep 1000 & echo $!'
	assert_status 0
	wait_until process_gone "$output"
}

@test "without the lock a signal reaches the command, and netflock dies of what ends it" {
	background "$NETFLOCK" -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms --if-unreachable run "$lock" -- \
		sh -c 'echo up; exec sleep 1000'
	wait_for_line "$OUT" up
	kill -TERM "$PID"
	finish
	assert_status 143
}

@test "without the lock the death of one process of ours kills the command, too" {
	background "$NETFLOCK" -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms --if-unreachable run "$lock" -- \
		sh -c 'sleep 1000 & echo up; wait'
	wait_for_line "$OUT" up
	local tree
	tree=$(process_tree "$PID")
	# The second one is the keeper.
	kill -KILL "$(sed -n 2p <<<"$tree")"
	finish
	assert_status 70
	assert_equal "$(tail -n 1 "$ERR")" "netflock: $lock: the lock's keeper process was killed; the command was killed"
	# shellcheck disable=SC2086  # a list of words
	wait_until processes_gone $tree
	background "$NETFLOCK" -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms --if-unreachable run "$lock" -- \
		sh -c 'sleep 1000 & echo up; wait'
	wait_for_line "$OUT" up
	tree=$(process_tree "$PID")
	kill -KILL "$PID"
	finish
	# shellcheck disable=SC2086
	wait_until processes_gone $tree
}

@test "a server that comes after all is not asked any more" {
	background "$NETFLOCK" -u "unix://$SERVER_DIR/later" --connect-timeout 100ms --if-unreachable run "$lock" -- \
		sh -c 'echo up; until [ -e "$0" ]; do sleep 0.02; done' "$BATS_TEST_TMPDIR/go"
	wait_for_line "$OUT" up
	ln -s s "$SERVER_DIR/later"
	hold "$lock"
	: >"$BATS_TEST_TMPDIR/go"
	finish
	assert_status 0
	assert_equal "$($R HLEN "netflock:{$lock}" | tr -d '\n')" 4 "fields of the lock: a holder, born, fence, granted"
	release_holder
	rm "$SERVER_DIR/later"
}

@test "with wait it waits for the server, within -w" {
	local began
	began=$(now)
	nowhere --if-unreachable wait -w 700ms "$lock" -- true
	assert_status 69
	assert_between $(($(now) - began)) 700 $((700 + $(stretch 800))) ms
	assert_stderr_lines 1
	background "$NETFLOCK" -v -u "unix://$SERVER_DIR/soon" --connect-timeout 100ms --if-unreachable wait "$lock" -- echo ran
	wait_for_line "$ERR" 'trying on'
	ln -s s "$SERVER_DIR/soon"
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
	rm "$SERVER_DIR/soon"
}

@test "wait waits for a server that hangs as well, whose connections each have their time" {
	server_stop
	background "$NETFLOCK" -v --connect-timeout 200ms --if-unreachable wait "$lock" -- echo ran
	wait_for_line "$ERR" 'trying on'
	server_cont
	finish
	assert_status 0
	assert_free
}

@test "with run, an acquire that the hanging server still executes leaves no lock behind" {
	server_stop
	try --connect-timeout 200ms --if-unreachable run "$lock" -- true
	assert_status 0
	server_cont
	server_answers
	wait_until assert_free
}

@test "a busy lock, a refusal and a bad URL are no servers that cannot be reached" {
	hold "$lock"
	try --if-unreachable run -n "$lock" -- echo ran
	assert_status 75
	release_holder
	$R CONFIG SET requirepass secret >/dev/null
	try --if-unreachable run "$lock" -- echo ran
	assert_status 77
	redis-cli -s "$SERVER_DIR/s" -a secret --no-auth-warning CONFIG SET requirepass '' >/dev/null
	try --if-unreachable run -u redis://[ "$lock" -- echo ran
	assert_status 78
	$R SET "netflock:{$lock}" x >/dev/null
	try --if-unreachable run "$lock" -- echo ran
	assert_status 78
	assert_equal "$output" ""
}

@test "a server that goes away once it has answered is none that was never there" {
	hold "$lock"
	background "$NETFLOCK" --connect-timeout 200ms --if-unreachable run -w 1500ms "$lock" -- echo ran
	wait_for_waiters 1
	server_stop
	finish
	assert_status 69
	assert_equal "$(cat "$OUT")" ""
	server_cont
	release_holder
}

@test "what makes no sense is refused" {
	try -n --if-unreachable wait "$lock" -- true
	assert_status 64
	assert_stderr "netflock: --nonblock and --if-unreachable wait exclude each other"
	try -w 0 --if-unreachable wait "$lock" -- true
	assert_stderr "netflock: --wait 0 and --if-unreachable wait exclude each other"
	try --if-unreachable maybe "$lock" -- true
	assert_status 64
	assert_stderr "netflock: --if-unreachable: invalid action 'maybe' (use fail, wait or run)"
}
