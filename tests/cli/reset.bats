#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# reset: a remote stop.  No overlap unless --now; whoever got the lock since is left alone.

# Words for inner shells; what bats and common.bash set.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2314
load common

setup() {
	common_setup
	$R FLUSHALL >/dev/null
}

setup_file() {
	common_setup_file
	server_tcp
}

me() { echo "$(id -un)@$(hostname)"; }
# A command that says when it got TERM, in microseconds, and ends.
trapping='trap '\''echo "$EPOCHREALTIME" >"$0"; exit 0'\'' TERM; : >"$0.up"; sleep 30 & wait'
# hold_trapping NAME [OPTION]...: $HELD is the file with the time; $PID.
hold_trapping() {
	HELD=$BATS_TEST_TMPDIR/held
	rm -f "$HELD" "$HELD.up"
	background "$NETFLOCK" "${@:2}" "$1" bash -c "$trapping" "$HELD"
	wait_for_file "$HELD.up"
}
# Milliseconds from $1 (microseconds) to the command's TERM.
told_after() { echo $((($(tr -d . <"$HELD") - $1) / 1000)); }
micros() { echo "${EPOCHREALTIME/./}"; }
# DESIGN: the remote command is told at once.
TOLD_MS=100

@test "reset stops the command with 76, and says from whom it took the lock and when it is free" {
	hold "$lock"
	wait_until subscribed
	try reset "$lock"
	assert_status 0
	assert_equal "$stderr" ""
	assert_matches "$output" "^$lock: taken from $(me) pid $HOLDER \(sh -c .*\); free when its command has ended, at the \
latest in (29|30)s$"
	finish "$HOLDER"
	assert_status 76
	assert_matches "$(holder_stderr)" "netflock: $lock: lock lost: it was reset; stopping the command"
	assert_free
}
subscribed() { [ -n "$($R PUBSUB CHANNELS "netflock:{$lock}:*")" ]; }

@test "a free lock: 1, and a line" {
	try reset "$lock"
	assert_status 1
	assert_stderr "netflock: $lock: was not held"
	assert_equal "$output" ""
	try reset -q "$lock"
	assert_status 1
	assert_silent
}

@test "several names: the worst status, and each is tried" {
	hold "$lock.a"
	local a=$HOLDER
	hold "$lock.b"
	$R SET "netflock:{$lock.c}" x >/dev/null
	try reset "$lock.a" "$lock.free" "$lock.c" "$lock.b"
	assert_status 78
	assert_equal "$(cut -d: -f1 <<<"$output")" "$lock.a
$lock.b"
	assert_stderr_line "netflock: $lock.c: key '.*' is a string, not a lock of netflock"
	finish "$a"
	finish "$HOLDER"
	assert_equal "$($R GET "netflock:{$lock.c}")" x
}

@test "a reset never overlaps: the next one starts when the old command is dead" {
	local log=$BATS_TEST_TMPDIR/log
	background "$NETFLOCK" "$lock" bash -c 'trap "" TERM; : >"$0.up"; end=$((SECONDS + 30))
		while [ $SECONDS -lt $end ]; do echo "old $EPOCHREALTIME" >>"$0"; sleep 0.02; done' "$log"
	local old=$PID
	wait_for_file "$log.up"
	background netflock "$lock" bash -c 'echo "new $EPOCHREALTIME" >>"$0"' "$log"
	wait_for_waiters 1
	wait_until subscribed
	try reset "$lock"
	assert_output_matches "; 1 waiting$"
	finish
	assert_equal "$status" 0
	assert_matches "$(tail -n 1 "$log")" "^new"
	finish "$old"
	assert_equal "$status" 76
	assert_matches "$(tail -n 1 "$log")" "^new"
}

@test "--now frees at once, overlap and all" {
	background "$NETFLOCK" -t 60s "$lock" bash -c 'trap "" TERM; : >"$0"; sleep 30' "$BATS_TEST_TMPDIR/up"
	local old=$PID
	wait_for_file "$BATS_TEST_TMPDIR/up"
	try reset --now "$lock"
	assert_status 0
	assert_output_matches "; free now, though its command may go on for up to (59|60|1m)s?$"
	try run -n "$lock" true
	assert_status 0
	finish "$old"
	assert_equal "$status" 76
}

@test "a renewal under way never undoes a reset" {
	hold "$lock" -t 1500ms
	try reset "$lock"
	finish "$HOLDER"
	assert_status 76
	assert_free
}

@test "the holder's host is gone: free when its lease ends, and it says when" {
	hold "$lock" -t 3s
	kill -STOP "$HOLDER"
	# The keeper goes on: stop all of them, as if the host were cut off.
	local tree
	tree=$(process_tree "$HOLDER")
	# shellcheck disable=SC2086  # a list of words
	kill -STOP $tree
	try reset "$lock"
	assert_status 0
	assert_output_matches "at the latest in ([12]\.?[0-9]*s|[0-9]+ms)$"
	background netflock -w 10s "$lock" true
	finish
	assert_equal "$status" 0
	# shellcheck disable=SC2086
	kill -CONT $tree
	finish "$HOLDER"
}

@test "--token resets that holder only" {
	local token
	hold "$lock"
	token=$(netflock status --json "$lock" | "$TESTS/tools/status_schema.py" 0.holders.0.token)
	try reset --token 0123 "$lock"
	assert_status 1
	assert_stderr "netflock: $lock: was not held by token '0123'"
	try reset --token "$token" "$lock"
	assert_status 0
	finish "$HOLDER"
	assert_status 76
	try reset --token 'a b' "$lock"
	assert_status 64
	assert_stderr_matches "invalid token"
}

@test "a cooling lock is free at once" {
	try run --min-hold 60s "$lock" true
	try reset "$lock"
	assert_status 0
	assert_output_matches "^$lock: no longer kept by --min-hold after $(me) pid [0-9]+ \(true\); free now$"
	try run -n "$lock" true
	assert_status 0
}

@test "reset again while the command is being stopped: says so, and when it is free" {
	background "$NETFLOCK" "$lock" bash -c 'trap "" TERM; : >"$0"; while :; do sleep 0.1; done' "$BATS_TEST_TMPDIR/up"
	local old=$PID
	wait_for_file "$BATS_TEST_TMPDIR/up"
	try reset "$lock"
	assert_status 0
	try reset "$lock"
	assert_status 0
	assert_output_matches "^$lock: was reset before, taken from .*; free when its command has ended, at the latest in"
	try status "$lock"
	assert_output_line "$lock: revoked"
	finish "$old"
	assert_equal "$status" 76
}

@test "a lock that was got anew in between is not touched" {
	# Between reset's look and its reset the lock changes hands: a server that hears "inspect" first, then waits.
	hold "$lock"
	local first=$HOLDER
	background netflock "$lock" sh -c ': >"$0"; sleep 1' "$BATS_TEST_TMPDIR/up"
	local second=$PID
	wait_for_waiters 1
	# What reset would send: the first holder's token and id, after the second one got it.
	local look token id
	look=$($R HGETALL "netflock:{$lock}" | grep -A1 '^h:')
	token=$(sed -n 's/^h://p' <<<"$look")
	id=$(sed -nE 's/.*"id":"([0-9a-f]+)".*/\1/p' <<<"$look")
	release_holder "$first"
	wait_for_file "$BATS_TEST_TMPDIR/up"
	run $R --eval "$HERE/build/lua/reset.lua" "netflock:{$lock}" "netflock:{$lock}:queue" "netflock:{$lock}:waiters" , \
		token "$token" id "$id" now 0
	assert_output_matches "count"
	assert_matches "${lines[2]}" "0"
	try status -q "$lock"
	assert_status 0
	finish "$second"
	assert_equal "$status" 0
}

@test "who confirms between the look and the reset is stopped, and the text says so" {
	local go=$BATS_TEST_TMPDIR/go socket=$SERVER_DIR/p$BATS_TEST_NUMBER asked=$BATS_TEST_TMPDIR/asked
	hold "$lock"
	local record field
	field=$($R HKEYS "netflock:{$lock}" | grep ^h:)
	record=$($R HGET "netflock:{$lock}" "$field")
	# As if it were granted, and not confirmed yet; whoever is subscribed is alive.
	wait_until subscribed
	$R HSET "netflock:{$lock}" "$field" "${record/\"held\"/\"pending\"}" >/dev/null
	background "$TESTS/tools/proxy.py" "$socket" "$SERVER_DIR/s" "$asked" "$HERE/build/lua" inspect:1:hold="$go"
	local proxy=$PID
	wait_until test -S "$socket"
	background "$NETFLOCK" reset -u "unix://$socket" "$lock"
	local reset=$PID out=$OUT
	wait_until grep -q inspect "$asked"
	$R HSET "netflock:{$lock}" "$field" "$record" >/dev/null
	: >"$go"
	finish "$reset"
	assert_equal "$status" 0
	assert_matches "$(cat "$out")" "taken from .*; free when its command has ended, at the latest in"
	kill "$proxy"
	finish "$HOLDER"
	assert_status 76
}

@test "a record whose token or id nobody could have is removed" {
	hold "$lock"
	local record
	record=$($R HVALS "netflock:{$lock}" | grep '"id"')
	release_holder "$HOLDER"
	$R HSET "netflock:{$lock}" 'h:a token' "$record" >/dev/null
	try reset "$lock"
	assert_status 0
	assert_output "$lock: removed a record that netflock did not write"
	$R HSET "netflock:{$lock}" h:x "$(sed -E "s/\"id\":\"[^\"]*/&$(printf 'x%.0s' {1..170})/" <<<"$record")" >/dev/null
	try reset "$lock"
	assert_status 0
	assert_output "$lock: removed a record that netflock did not write"
	try status "$lock"
	assert_output_line "$lock: free"
}

@test "a record that netflock did not write is removed" {
	$R HSET "netflock:{$lock}" h:x garbage >/dev/null
	try reset "$lock"
	assert_status 0
	assert_output "$lock: removed a record that netflock did not write"
	try status "$lock"
	assert_output "$lock: free"
}

@test "no server: 69; no permission: 77; no name: 64" {
	try reset -u "unix://$SERVER_DIR/none" --connect-timeout 100ms x
	assert_status 69
	assert_stderr_lines 1
	$R ACL SETUSER looker on '>pw' '~*' '&*' '+@all' -publish -hset -hdel -pexpireat >/dev/null
	hold "$lock"
	REDISCLI_AUTH=pw try reset --user looker "$lock"
	assert_status 77
	assert_stderr_lines 1
	release_holder
	assert_status 0
	$R ACL DELUSER looker >/dev/null
	try reset
	assert_status 64
}

# --------------------------------------------------------------------------------------------------------- told at once

@test "told at once, over a unix socket and over TCP" {
	local url start
	for url in "$NETFLOCK_URL" "$SERVER_TCP"; do
		hold_trapping "$lock" -u "$url"
		wait_until subscribed
		start=$(micros)
		try reset -u "$url" "$lock"
		finish
		assert_equal "$status" 76
		assert_between "$(told_after "$start")" 0 "$(stretch $TOLD_MS)" "milliseconds over $url"
	done
}

@test "told at once right after the start, before the holder listens" {
	local start
	for _ in 1 2 3; do
		hold_trapping "$lock"
		start=$(micros)
		try reset "$lock"
		assert_status 0
		finish
		assert_equal "$status" 76
		assert_between "$(told_after "$start")" 0 "$(stretch $TOLD_MS)" milliseconds
	done
}

@test "told at once during a reconnect of the holder" {
	local start
	hold_trapping "$lock" -u "$SERVER_TCP"
	wait_until subscribed
	$R CLIENT KILL TYPE pubsub >/dev/null
	$R CLIENT KILL TYPE normal SKIPME yes >/dev/null
	start=$(micros)
	try reset "$lock"
	assert_status 0
	finish
	assert_equal "$status" 76
	assert_between "$(told_after "$start")" 0 "$(stretch $TOLD_MS)" milliseconds
}
