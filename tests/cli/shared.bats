#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Locks that several hold at a time (-s, --slots), and several locks at a time (--with).
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2046,SC2086,SC2153
load common

# As server.bats: renewals every 500 ms, so that a lock that the server forgot comes back soon.
SHORT="-t 1500ms -k 200ms --io-timeout 150ms"

setup() {
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	LOG=$BATS_TEST_TMPDIR/log
	mkdir "$BEATS"
	: >"$LOG"
}

status_of() { "$NETFLOCK" status "$1" 3>&- 4>&- | sed -n '1s/^[^:]*: //p'; }
state_is() { [ "$(status_of "$1")" = "$2" ]; }
# One value of status --json.
json() { "$NETFLOCK" status --json "$1" 3>&- 4>&- | "$TESTS/tools/status_schema.py" "$2"; }

# A job in the background that beats for MS: job MS LIMIT NAME [OTHER]...  Its pid is $PID.
job() {
	local ms=$1 limit=$2 name=$3 names other options=()
	shift 3
	case $limit in 0) options=(-s) ;; 1) ;; *) options=(--slots "$limit") ;; esac
	names=$(IFS=+ && echo "$name${*:++$*}")
	for other; do options+=(--with "$other"); done
	background "$NETFLOCK" $OPTIONS "${options[@]}" "$name" -- "$TOOLS/beat" "$BEATS/$limit:$names" "$ms"
}
assert_limits_kept() {
	run python3 "$TESTS/tools/limits.py" "$@" "$BEATS"
	assert_status 0
}

# A waiter that writes down when it has the lock, and stays until "$LOG.end" is there: enter N OPTION...
enter() {
	local n=$1 before
	shift
	before=$($R ZCARD "netflock:{$lock}:queue")
	background "$NETFLOCK" "$@" "$lock" -- sh -c "echo $n >>'$LOG'; until [ -e '$LOG.end$n' ]; do sleep 0.01; done"
	WAITER[n]=$PID
	wait_for_waiters $((before + 1))
}
leave() {
	: >"$LOG.end$1"
	finish "${WAITER[$1]}"
	assert_status 0
}
entered() { [ "$(sort -n "$LOG" | xargs)" = "$1" ]; }

# ------------------------------------------------------------------------------------------------- several at a time

@test "readers hold the lock together, a writer is told of one and how many more" {
	hold "$lock" -s
	hold "$lock" --shared
	hold "$lock" -x -s
	try -n "$lock" true
	assert_status 75
	assert_stderr_matches "^netflock: $lock: busy: held by [^ ]+ pid [0-9]+ for .*\) and 2 more$"
	try -n -s "$lock" true
	assert_status 0
	assert_silent
	assert_equal "$(status_of "$lock")" "shared 3"
	assert_equal "$(json "$lock" 0.state)" shared
	assert_equal "$(json "$lock" 0.limit) $(json "$lock" 0.holder_count)" "0 3"
	assert_equal "$(netflock status | awk -v name="$lock" '$1 == name { print $2, $3, $5 }')" "shared 3 +2"
	assert_equal "$(netflock status "$lock" | grep -c '^  holder')" 3
	for pid in "${!HOLD_FILES[@]}"; do release_holder "$pid"; done
	assert_free
}

@test "at most N hold a lock with N slots, and the least number counts" {
	local first
	hold "$lock" --slots 3
	first=$HOLDER
	hold "$lock" --slots 4
	assert_equal "$(status_of "$lock")" "slots 2/3"
	try -n --slots 2 "$lock" true
	assert_status 75
	try -n "$lock" true
	assert_status 75
	hold "$lock" -s
	assert_equal "$(status_of "$lock")" "slots 3/3"
	assert_equal "$(json "$lock" 0.state) $(json "$lock" 0.limit)" "slots 3"
	try -n -s "$lock" true
	assert_status 75
	assert_stderr_matches " and 2 more$"
	release_holder "$first"
	assert_equal "$(status_of "$lock")" "slots 2/4"
	try -n -s "$lock" true
	assert_status 0
	for pid in "${!HOLD_FILES[@]}"; do [ "$pid" = "$first" ] || release_holder "$pid"; done
	assert_free
}

@test "neighbours that are compatible enter together, neither readers nor writers are overtaken" {
	local n
	hold "$lock"
	enter 1 -s
	enter 2 --slots 3
	enter 3 -s
	enter 4 -s
	enter 5
	enter 6 -s
	try -n -s "$lock" true
	assert_status 75
	release_holder
	# Three at a time, as 2 says; 4 is next, and not overtaken by a newcomer that 2 would let in.
	wait_until entered "1 2 3"
	wait_until state_is "$lock" "slots 3/3"
	try -n -s "$lock" true
	assert_status 75
	assert_stderr_matches ", 3 ahead$"
	leave 2
	wait_until entered "1 2 3 4"
	assert_equal "$(status_of "$lock")" "shared 3"
	leave 1
	leave 3
	assert_equal "$(sort -n "$LOG" | xargs)" "1 2 3 4"
	leave 4
	wait_until entered "1 2 3 4 5"
	leave 5
	wait_until entered "1 2 3 4 5 6"
	leave 6
	assert_free
}

@test "fifty readers, writers and slots, some of them killed: never more than any of them allows, and all get their turn" {
	local n limits=(0 0 3 0 1 2 0 5 0 3) pids=() killed
	OPTIONS=
	for n in {0..49}; do
		job 30 "${limits[n % 10]}" "$lock"
		pids+=("$PID")
		# Wherever it is just now: connecting, waiting, holding.
		if ((n % 5 == 4)); then kill -KILL "${pids[n - n % 7 % 5]}" 2>/dev/null || :; fi
	done
	for n in {0..49}; do
		finish "${pids[n]}"
		[ "$status" = 137 ] || assert_status 0
	done
	wait_until assert_free
	assert_limits_kept --together 2
}

@test "three readers whose server forgot everything go on together; a writer waits for the last of them" {
	local n pids=()
	OPTIONS=$SHORT
	for n in 1 2 3; do
		job 2500 0 "$lock"
		pids+=("$PID")
	done
	wait_until state_is "$lock" "shared 3"
	job 20 1 "$lock"
	wait_for_waiters 1
	server_restart_empty
	wait_until state_is "$lock" "shared 3"
	for n in 0 1 2; do
		finish "${pids[n]}"
		assert_status 0
	done
	finish
	assert_status 0
	assert_free
	assert_limits_kept --together 3
}

@test "a reset takes a shared lock from all who hold it, with --token from one" {
	local first token
	hold "$lock" -s
	first=$HOLDER
	hold "$lock" -s
	token=$(json "$lock" 0.holders.0.token)
	try reset --token "$token" "$lock"
	assert_status 0
	assert_equal "$(wc -l <<<"$output")" 1
	finish "$first"
	assert_status 76
	hold "$lock" -s
	try reset "$lock"
	assert_status 0
	assert_equal "$(wc -l <<<"$output")" 2
	for pid in "${!HOLD_FILES[@]}"; do
		[ "$pid" = "$first" ] && continue
		finish "$pid"
		assert_status 76
	done
	wait_until assert_free
}

# -------------------------------------------------------------------------------------------- several locks at a time

@test "all locks or none: the one that keeps us out is named, the others stay free" {
	hold "$lock.b"
	try -n --with "$lock.b" --with "$lock.c" "$lock.a" true
	assert_status 75
	assert_stderr_matches "^netflock: $lock.a: busy: '$lock.b' is held by [^ ]+ pid [0-9]+ for "
	assert_stderr_lines 1
	try -w 10ms --with "$lock.a" "$lock.b" true
	assert_status 75
	assert_stderr_matches "^netflock: $lock.b: gave up after 10ms: held by "
	assert_free "$lock.a"
	assert_free "$lock.c"
	release_holder
	try --with "$lock.b" --with "$lock.c" "$lock.a" -- sh -c 'echo "$NETFLOCK_NAME"; "$0" status --names' "$NETFLOCK"
	assert_status 0
	assert_output_line "$lock.a"
	for name in a b c; do
		assert_equal "$(grep -cx "$lock.$name" <<<"$output")" $([ $name = a ] && echo 2 || echo 1) "how often $name"
		assert_free "$lock.$name"
	done
}

@test "who waits for several locks is told which one keeps it out, and keeps its place in all of them" {
	hold "$lock.b"
	background "$NETFLOCK" -v --with "$lock.b" "$lock.a" -- true
	wait_for_waiters 1 "$lock.a"
	wait_for_waiters 1 "$lock.b"
	try -n "$lock.a" true
	assert_status 75
	assert_stderr_matches "^netflock: $lock.a: busy: no holder, 1 ahead$"
	try -n --with "$lock.a" "$lock.c" true
	assert_stderr_matches "^netflock: $lock.c: busy: '$lock.a' has no holder, 1 ahead$"
	wait_for_line "$ERR" "^netflock: $lock.a: waiting: '$lock.b' is held by "
	assert_equal "$(json "$lock.b" 0.queue.0.names)" "[\"$lock.a\", \"$lock.b\"]"
	netflock status "$lock.b" | grep -qxE " +with +$lock.a" || fail "$(netflock status "$lock.b")"
	release_holder
	finish
	assert_status 0
	assert_free "$lock.a"
	assert_free "$lock.b"
}

@test "fifty processes that name locks in any order and any mode, some of them killed: no deadlock, no overlap" {
	local n name limits=(1 1 0 2 1 0 1 3) pids=()
	local sets=('a b' 'b a' 'c a' 'b c d' 'd' 'd b a' 'c d' 'a' 'd c b a' 'b d')
	OPTIONS=
	for n in {0..49}; do
		job 20 "${limits[n % 8]}" ${sets[n % 10]}
		pids+=("$PID")
		if ((n % 5 == 4)); then kill -KILL "${pids[n - n % 7 % 5]}" 2>/dev/null || :; fi
	done
	for n in {0..49}; do
		finish "${pids[n]}"
		[ "$status" = 137 ] || assert_status 0
	done
	for name in a b c d; do wait_until assert_free $name; done
	assert_limits_kept --together 1
}

@test "a first waiter for several locks is killed: those behind it in any of them go on at once" {
	local began killed waiter
	hold "$lock.a"
	background "$NETFLOCK" --with "$lock.b" "$lock.a" -- true
	killed=$PID
	wait_for_waiters 1 "$lock.b"
	background "$NETFLOCK" "$lock.b" -- true
	waiter=$PID
	wait_for_waiters 2 "$lock.b"
	kill -KILL "$killed"
	finish "$killed"
	began=$(now)
	release_holder
	finish "$waiter"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 1000)" "ms until it had run"
	assert_free "$lock.a"
	assert_free "$lock.b"
}

@test "the holder of several locks is killed: all of them are free at once" {
	hold "$lock.a" --with "$lock.b"
	kill -KILL "$HOLDER"
	finish "$HOLDER"
	assert_status 137
	wait_until assert_free "$lock.a"
	assert_free "$lock.b"
}

@test "status shows the other locks of a holder, in words and in JSON" {
	hold "$lock.a" --with "$lock.b" --with "$lock.c"
	netflock status "$lock.b" | grep -qxE " +with +$lock.a, $lock.c" || fail "$(netflock status "$lock.b")"
	assert_equal "$(json "$lock.c" 0.holders.0.names)" "[\"$lock.a\", \"$lock.b\", \"$lock.c\"]"
	release_holder
	hold "$lock.a"
	assert_equal "$(json "$lock.a" 0.holders.0.names)" "[\"$lock.a\"]"
	! netflock status "$lock.a" | grep -q ' with ' || fail "$(netflock status "$lock.a")"
	release_holder
}

@test "a reset of one name is a reset of all names of its holder, and says so" {
	hold "$lock.a" --with "$lock.b"
	try reset "$lock.b"
	assert_status 0
	assert_output_matches "^$lock.b: taken from [^ ]+ pid [0-9]+ .*, and with it $lock.a; free when its command has ended"
	finish "$HOLDER"
	assert_status 76
	wait_until assert_free "$lock.a"
	hold "$lock.a" --with "$lock.b"
	# The second one is free already when its turn comes: it was taken all the same.
	try reset --now "$lock.a" "$lock.b"
	assert_status 0
	assert_output_line "$lock.b: taken with another lock of its holder"
	finish "$HOLDER"
	assert_status 76
	hold "$lock.a" --with "$lock.b"
	try reset-all --force --now --match "$lock.*"
	assert_status 0
	assert_output_line "reset 2 of 2 locks"
	finish "$HOLDER"
	assert_status 76
}

@test "a reset of several names leaves alone who got one of them because its holder lost it" {
	local holder waiter
	hold "$lock.a" --with "$lock.b"
	holder=$HOLDER
	background "$NETFLOCK" "$lock.b" -- sh -c "until [ -e '$LOG.end' ]; do sleep 0.01; done"
	waiter=$PID
	wait_for_waiters 1 "$lock.b"
	try reset --now "$lock.a" "$lock.b"
	assert_status 0
	assert_output_line "$lock.b: taken with another lock of its holder"
	finish "$holder"
	assert_status 76
	: >"$LOG.end"
	finish "$waiter"
	assert_status 0
}

@test "a lock lost in one of its names is lost, and the name is said" {
	background "$NETFLOCK" $SHORT --with "$lock.b" "$lock.a" -- "$TOOLS/beat" "$BEATS/1:$lock.a+$lock.b"
	wait_for_file "$BEATS/1:$lock.a+$lock.b"
	# Between two renewals the server forgets it, and somebody has it.
	$R EVAL "redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'born', '1', 'granted', '1')" 1 "netflock:{$lock.b}" >/dev/null
	finish
	assert_status 76
	assert_matches "$(cat "$ERR")" "^netflock: $lock.a: lock lost: '$lock.b': the server lost it and gave it to somebody else"
	wait_until assert_free "$lock.a"
}

@test "--min-hold keeps all of several locks" {
	try --min-hold 1m --with "$lock.b" "$lock.a" true
	assert_status 0
	for name in a b; do
		assert_equal "$(status_of "$lock.$name")" cooling
		try -n "$lock.$name" true
		assert_status 75
	done
}

@test "a command that asks for one of several locks of its own netflock is refused, the lock is named" {
	try --with "$lock.b" "$lock.a" -- "$NETFLOCK" --with "$lock.b" "$lock.c" -- true
	assert_status 64
	assert_stderr_matches "^netflock: $lock.c: '$lock.b' is held by .*, which runs this command: it would wait for itself$"
	try -s "$lock.a" -- "$NETFLOCK" -s "$lock.a" -- true
	assert_status 0
}

@test "names with blanks, newlines and other bytes are locks like others, and escaped" {
	local odd=$'x y\n\xff'
	try --with "$odd" "$lock" -- "$NETFLOCK" status "$lock"
	assert_status 0
	assert_output_matches '  with     x y\\x0a\\xff'
	hold "$odd"
	try -n --with "$odd" "$lock" true
	assert_status 75
	assert_stderr_matches "^netflock: $lock: busy: 'x y\\\\x0a\\\\xff' is held by "
	release_holder
}

@test "a hundred locks are taken, renewed and given back like one" {
	try $SHORT $(seq -f "--with $lock.%g" 99) "$lock" -- "$TOOLS/beat" "$BEATS/1:$lock" 1600
	assert_status 0
	assert_silent
	assert_free "$lock.99"
}
