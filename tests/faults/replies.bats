#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Replies that are lost or late: a proxy between netflock and the server takes them away.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251
load ../cli/common

# proxy RULE...: $PROXY is its URL, $ASKED its log of requests.
proxy() {
	ASKED=$BATS_TEST_TMPDIR/asked
	local socket=$SERVER_DIR/p$BATS_TEST_NUMBER
	PROXY=unix://$socket
	background "$TESTS/tools/proxy.py" "$socket" "$SERVER_DIR/s" "$ASKED" "$HERE/build/lua" "$@"
	PROXY_PID=$PID
	wait_until test -S "$socket"
}
teardown() {
	[ -z "${PROXY_PID:-}" ] || { kill -CONT "$PROXY_PID" && kill "$PROXY_PID"; } 2>/dev/null || :
	common_teardown
}
asked() { grep -cE "^$1( |$)" "$ASKED" || :; }
asked_at_least() { [ "$(asked "$1")" -ge "$2" ]; }

@test "the reply to the first request is lost with its connection: netflock asks again and has the lock" {
	proxy acquire:1:cut
	try -u "$PROXY" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	assert_equal "$stderr" ""
	# By its token it learned that the lock was its own: it confirmed that.
	assert_equal "$(asked acquire) $(asked renew) $(asked release)" "2 1 1"
	assert_free
}

@test "the reply to the first request never comes: 69 in time, and no lock is left behind" {
	local began
	proxy acquire:1:lose
	began=$(now)
	try -u "$PROXY" --connect-timeout 300ms "$lock" -- echo ran
	assert_status 69
	assert_output ""
	assert_between $(($(now) - began)) 300 $((300 + $(stretch 200))) ms
	assert_stderr_lines 1
	assert_stderr_matches "no reply from"
	wait_until lock_is_free
	try -n "$lock" -- true
	assert_status 0
}
lock_is_free() { ! $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }

@test "TERM while the reply to the first request is outstanding: nothing is left behind" {
	proxy acquire:1:lose
	background "$NETFLOCK" -u "$PROXY" "$lock" -- true
	wait_until lock_is_held
	kill "$PID"
	finish
	assert_status 143
	wait_until lock_is_free
}
lock_is_held() { $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }

@test "a reply that comes too late for the lease: the command is not started, and the lock is given back" {
	proxy acquire:1:delay=1500 acquire:2+:say=-LOADING
	try -u "$PROXY" -n -t 1600ms -k 100ms --io-timeout 100ms "$lock" -- echo ran
	assert_status 69
	assert_output ""
	assert_stderr_lines 1
	wait_until lock_is_free
}

@test "a lock whose grant came too late is given back long before it would run out" {
	local began
	# The reply is good for 6000 - 62 - 3600 - 60 ms.
	proxy acquire:1:delay=2400 acquire:2+:say=-LOADING
	background "$NETFLOCK" -u "$PROXY" -w 5s -t 6s -k 3600ms --io-timeout 100ms "$lock" -- echo ran
	wait_until asked_at_least acquire 2
	began=$(now)
	wait_until lock_is_free
	assert_between $(($(now) - began)) 0 "$(stretch 1500)" ms
	finish
	assert_status 69
	assert_equal "$(cat "$OUT")" ""
}

@test "a reply that comes too late for the lease, then one in time: the command runs under a lock of its own" {
	proxy acquire:1:delay=1500
	# shellcheck disable=SC2016
	try -u "$PROXY" -t 1600ms -k 100ms --io-timeout 100ms "$lock" -- sh -c 'echo $NETFLOCK_TOKEN; '"$R"' --raw hkeys netflock:{$NETFLOCK_NAME}'
	assert_status 0
	# It is the only holder: the first attempt's record has gone.
	assert_equal "$(grep -c '^h:' <<<"$output")" 1 holders
	assert_equal "$(sed -n 's/^h://p' <<<"$output")" "$(head -1 <<<"$output")" holder
	assert_free
}

@test "after a grant that came too late netflock asks under another token: a late release cannot hit it" {
	local first
	proxy acquire:1:delay=1500
	# shellcheck disable=SC2016
	background "$NETFLOCK" -u "$PROXY" -t 1600ms -k 100ms --io-timeout 100ms "$lock" -- sh -c 'echo "h:$NETFLOCK_TOKEN"'
	wait_until lock_is_held
	first=$($R HKEYS "netflock:{$lock}" | grep '^h:')
	finish
	assert_status 0
	assert_matches "$(cat "$OUT")" '^h:.{22,}$'
	[ "$(cat "$OUT")" != "$first" ]
}

@test "the confirmation of a grant comes too late: the command is not started under it, but under a later one" {
	hold "$lock"
	proxy renew:1:delay=1700
	background "$NETFLOCK" -u "$PROXY" -t 1800ms -k 0 --io-timeout 900ms "$lock" -- echo ran
	wait_for_waiters 1
	release_holder
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
	assert_equal "$(cat "$ERR")" ""
	[ "$(asked renew)" -ge 2 ]
	assert_free
}

@test "the queue request is lost with its connection: the waiter keeps its place" {
	hold "$lock"
	proxy queue:1:cut
	background "$NETFLOCK" -u "$PROXY" "$lock" -- echo first
	local first=$PID out=$OUT
	wait_until asked_at_least queue 2
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 2
	assert_equal "$($R ZCARD "netflock:{$lock}:queue")" 2 "places taken"
	release_holder
	finish "$first"
	assert_status 0
	assert_equal "$(cat "$out")" first
	finish
	assert_free
}

@test "the reply to the confirmation is lost: the waiter asks again and runs once" {
	hold "$lock"
	proxy renew:1:cut
	background "$NETFLOCK" -u "$PROXY" "$lock" -- echo ran
	wait_for_waiters 1
	release_holder
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
	assert_equal "$(cat "$ERR")" ""
	assert_free
}

@test "the reply to a renewal is lost: the command does not notice" {
	proxy renew:2:lose
	hold "$lock" -u "$PROXY" -t 1500ms -k 100ms --io-timeout 150ms
	wait_until asked_at_least renew 5
	release_holder
	assert_status 0
	assert_matches "$(holder_stderr)" "cannot renew the lock: .*the lock is renewed again"
	assert_free
}

@test "renewals are refused for a while: one warning, one all clear, the command unharmed" {
	proxy renew:2:say=-OOM renew:3:say=-LOADING renew:4:say=-MISCONF renew:5:refuse
	hold "$lock" -u "$PROXY" -t 3s -k 100ms
	wait_until asked_at_least renew 7
	release_holder "$HOLDER" 7
	assert_status 7
	assert_equal "$(holder_stderr | wc -l)" 2 "lines: $(holder_stderr)"
	assert_free
}

@test "every renewal fails: the command is dead before the lease ends, 76, and the lock is not taken back" {
	proxy renew:1+:lose
	background "$NETFLOCK" -u "$PROXY" -t 1500ms -k 200ms --io-timeout 100ms "$lock" -- "$TOOLS/beat" -t "$BATS_TEST_TMPDIR/beats"
	finish
	assert_status 76
	local first last
	first=$(head -1 "$BATS_TEST_TMPDIR/beats" | cut -d' ' -f3)
	last=$(tail -1 "$BATS_TEST_TMPDIR/beats" | cut -d' ' -f3)
	# The renewals did reach the server, but nobody knew: what counts is the first request.
	assert_between $(((last - first) / 1000000)) 1000 1433 "ms that the command ran"
	assert_equal "$(grep -c "lock lost" "$ERR")" 1
}

@test "the lease counts from the sending of a renewal, not from its reply" {
	# Each reply of a renewal is late by nearly the I/O timeout, the last one never comes.
	proxy renew:1:delay=350 renew:2+:lose
	background "$NETFLOCK" -u "$PROXY" -t 1500ms -k 100ms --io-timeout 400ms "$lock" -- "$TOOLS/beat" -t "$BATS_TEST_TMPDIR/beats"
	finish
	assert_status 76
	local first last
	first=$(head -1 "$BATS_TEST_TMPDIR/beats" | cut -d' ' -f3)
	last=$(tail -1 "$BATS_TEST_TMPDIR/beats" | cut -d' ' -f3)
	# The first renewal is sent 100 ms after the start (250 at most on a busy machine): D = 100 + 1500 - 17, KILL 50 before.
	assert_between $(((last - first) / 1000000)) 1200 $((1533 + $(stretch 150))) "ms that the command ran"
}

@test "the reply to the release is lost: the command's status, without a word" {
	proxy release:1:cut
	try -u "$PROXY" "$lock" -- sh -c 'exit 3'
	assert_status 3
	assert_silent
	assert_equal "$(asked release)" 2
	assert_free
}

@test "the reply to the release is lost and the lock is kept for --min-hold: no loss either" {
	proxy release:1:cut
	try -u "$PROXY" --min-hold 300ms "$lock" -- sh -c 'exit 3'
	assert_status 3
	assert_silent
}

@test "the reply to the release never comes: it is asked again" {
	proxy release:1:lose
	try -u "$PROXY" --io-timeout 200ms "$lock" -- true
	assert_status 0
	assert_silent
	assert_free
}

@test "somebody else has the lock by the time a lost release is repeated: still a success" {
	proxy "release:1:hold=$BATS_TEST_TMPDIR/go" release:2+:cut
	background "$NETFLOCK" -u "$PROXY" --io-timeout 300ms "$lock" -- true
	wait_until asked_at_least release 1
	hold "$lock"
	finish
	assert_status 0
	assert_equal "$(holder_stderr)" ""
	release_holder
	assert_status 0
}

@test "the release finds the lock deleted: 76, although the command succeeded" {
	hold "$lock" -t 20s
	$R HDEL "netflock:{$lock}" "$($R HKEYS "netflock:{$lock}" | grep '^h:')" >/dev/null
	release_holder
	assert_status 76
	assert_equal "$(holder_stderr | wc -l)" 1
	assert_matches "$(holder_stderr)" "lock lost: the server no longer has it"
}

@test "the message of the grant is lost: the waiter finds out by asking" {
	hold "$lock" -t 2s -k 100ms --io-timeout 100ms
	proxy
	background "$NETFLOCK" -u "$PROXY" "$lock" -- echo ran
	wait_for_waiters 1
	# Everything that it is told while its proxy is stopped is lost with the subscription.
	kill -STOP "$PROXY_PID"
	release_holder
	$R CLIENT KILL TYPE pubsub >/dev/null
	kill -CONT "$PROXY_PID"
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
	assert_free
}

@test "a waiter whose subscription breaks again and again keeps its place and gets its turn" {
	local i
	hold "$lock"
	background "$NETFLOCK" "$lock" -- echo first
	local first=$PID out=$OUT
	wait_for_waiters 1
	background "$NETFLOCK" "$lock" -- echo second
	wait_for_waiters 2
	for i in 1 2 3 4 5; do
		$R CLIENT KILL TYPE pubsub >/dev/null
		wait_until two_listen
	done
	assert_equal "$($R ZCARD "netflock:{$lock}:queue")" 2
	release_holder
	finish "$first"
	assert_status 0
	assert_equal "$(cat "$out")" first
	finish
	assert_free
}
# The holder's and two waiters' channels.
two_listen() { [ "$($R PUBSUB CHANNELS "netflock:*" | wc -l)" -ge 3 ]; }

@test "everything is cut off while a waiter waits: -w is exact even so, and it is not called busy" {
	local began
	hold "$lock"
	proxy
	background "$NETFLOCK" -u "$PROXY" -w 1200ms "$lock" -- true
	began=$(now)
	wait_for_waiters 1
	kill -STOP "$PROXY_PID"
	finish
	assert_between $(($(now) - began)) 1150 $((1200 + $(stretch 100))) ms
	# It asked once more before it gave up: nobody knows whether the lock is busy.
	assert_status 69
	assert_equal "$(grep -c 'no reply from' "$ERR")" 1
	kill -CONT "$PROXY_PID"
	release_holder
}

@test "who may not subscribe can hold a lock, and does not hammer at the server" {
	proxy subscribe:1+:say=-NOPERM
	hold "$lock" -u "$PROXY" -t 3s
	wait_until asked_at_least renew 3
	release_holder
	assert_status 0
	assert_between "$(asked subscribe)" 1 12 "subscriptions tried"
	assert_free
}

@test "subscriptions that nobody answers do not cost the lock: every renewal comes in time" {
	proxy subscribe:1+:lose
	try -u "$PROXY" -t 1500ms -k 100ms --io-timeout 500ms "$lock" -- sleep 4
	assert_status 0
	assert_silent
	assert_between "$(asked renew)" 7 100
	assert_free
}

@test "the keeper dies while it releases: the front does, with the run and --min-hold" {
	proxy release:{1,2,3,4,5}:say=-LOADING
	background "$NETFLOCK" -u "$PROXY" --min-hold 3s "$lock" -- sh -c 'exit 7'
	wait_until asked_at_least release 5
	kill -KILL "$(cut -d' ' -f1 "/proc/$PID/task/$PID/children")"
	finish
	assert_status 7
	assert_matches "$($R HVALS "netflock:{$lock}")" '"status":"7"'
	try -n "$lock" -- true
	assert_status 75
}
