#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# reset-all: asks, or needs --force; takes locks from those that had them when it was asked.

# Words for inner shells; what bats and common.bash set.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2314
load common

setup() {
	common_setup
	$R FLUSHALL >/dev/null
}

on_terminal() { env TERM=xterm python3 "$TESTS/tools/pty.py" "$@"; }
# N locks of a host that is gone: put_locks N PREFIX
put_locks() {
	python3 - "$@" <<-'PY' | $R --pipe >/dev/null
	import json, sys, time
	def cmd(*a):
	    return b"*%d\r\n" % len(a) + b"".join(b"$%d\r\n%s\r\n" % (len(x.encode()), x.encode()) for x in a)
	now = int(time.time() * 1000)
	for i in range(int(sys.argv[1])):
	    name = "%s%05d" % (sys.argv[2], i)
	    key = "netflock:{%s}" % name
	    sys.stdout.buffer.write(cmd("HSET", key, "born", "1700000000000000", "h:t%d" % i, json.dumps(dict(
	        state="held", since=str(now - 5000), ends=str(now + 3600000), id="id%d" % i, limit="1", ttl="7200000",
	        user="ops", host="db3", pid="4711", command="pg_dump", names=[key], fence="5"))))
	PY
}
state_of() { netflock status --json "$1" | "$TESTS/tools/status_schema.py" 0.state; }

@test "without a terminal it needs --force" {
	put_locks 2 job
	try reset-all </dev/null
	assert_status 64
	assert_stderr_matches "use --force, or --dry-run"
	assert_equal "$(state_of job00000)" held
}

@test "--force resets all, says from whom, and how many" {
	hold "$lock"
	put_locks 2 job
	try reset-all --force
	assert_status 0
	assert_equal "$(sort <<<"$output" | sed -E 's/(59m5[0-9]s|1h)/BOUND/' | grep -v "$lock")" \
"job00000: taken from ops@db3 pid 4711 (pg_dump); free when its command has ended, at the latest in BOUND
job00001: taken from ops@db3 pid 4711 (pg_dump); free when its command has ended, at the latest in BOUND
reset 3 of 3 locks"
	finish "$HOLDER"
	assert_status 76
	assert_equal "$(state_of job00000)" revoked
}

@test "--dry-run changes nothing, and asks nothing" {
	put_locks 2 job
	try reset-all --dry-run
	assert_status 0
	assert_output_line "job00001: held by ops@db3 pid 4711 for 5.* \(pg_dump\)"
	assert_output_line "would reset 2 of 2 locks"
	assert_equal "$(state_of job00000)" held
}

@test "--dry-run says what --min-hold keeps, and what is no record" {
	try run --min-hold 60s "$lock" true
	$R HSET 'netflock:{odd}' h:x garbage >/dev/null
	try reset-all --dry-run
	assert_output_line "$lock: kept by --min-hold for (1m|59(\.[0-9]+)?s|60s) after .*@.* pid [0-9]+ \(true\)"
	assert_output_line "odd: a record that netflock did not write"
}

@test "--match takes the locks whose name matches" {
	put_locks 3 job
	put_locks 1 'other[1]'
	try reset-all --force --match 'job0000[12]'
	assert_output_line "reset 2 of 2 locks"
	assert_equal "$(state_of job00000) $(state_of job00001)" "held revoked"
	try reset-all --force --match 'other\[1\]*'
	assert_output_line "reset 1 of 1 lock"
	try reset-all --force --match 'nothing*'
	assert_status 0
	assert_output "no locks to reset"
}

@test "the prefix is taken literally, and other prefixes are left alone" {
	put_locks 1 job
	try reset-all --force --prefix netfloc
	assert_output "no locks to reset"
	try reset-all --force --prefix 'netfloc?'
	assert_status 64
	assert_equal "$(state_of job00000)" held
}

@test "the question: yes resets" {
	put_locks 2 job
	run on_terminal 'expect:reset 2 locks on .*/s.\? \[y/N\] ' 'send:y\n' -- "$NETFLOCK" reset-all
	assert_status 0
	assert_output_matches "reset 2 of 2 locks"
	assert_equal "$(state_of job00001)" revoked
}

@test "the question: no, Enter and Ctrl-D reset nothing" {
	local answer
	put_locks 2 job
	for answer in 'n\n' '\n' '\x04'; do
		run on_terminal 'expect:\[y/N\] ' "send:$answer" -- "$NETFLOCK" reset-all
		assert_status 1
		assert_output_matches "netflock: nothing was reset"
		assert_equal "$(state_of job00001)" held
	done
}

@test "who gets a lock while the question stands keeps it" {
	hold "$lock"
	local first=$HOLDER
	background netflock "$lock" sh -c ': >"$0"; sleep 1' "$BATS_TEST_TMPDIR/up"
	local second=$PID
	wait_for_waiters 1
	background on_terminal 'expect:reset 1 lock on .*\? \[y/N\] ' 'expect:go' 'send:y\n' -- \
		bash -c '(until [ -e "$1" ]; do sleep 0.02; done; echo go) & exec "$0" reset-all' "$NETFLOCK" \
		"$BATS_TEST_TMPDIR/up"
	local asking=$PID asked=$OUT
	wait_for_line "$asked" 'y/N'
	release_holder "$first"
	finish "$asking"
	assert_equal "$status" 0
	assert_matches "$(cat "$asked")" "reset 0 of 1 lock, 1 with a new holder not touched"
	finish "$second"
	assert_equal "$status" 0
}

@test "foreign and broken keys are named and left alone" {
	put_locks 1 job
	$R SET 'netflock:{string}' x >/dev/null
	$R SET 'netflock:{odd' x >/dev/null
	try reset-all --force
	assert_status 0
	assert_output_line "reset 1 of 1 lock"
	assert_stderr_line "netflock: key 'netflock:\{string\}' is no lock of netflock; left alone"
	assert_stderr_line "netflock: key 'netflock:\{odd' is no lock of netflock; left alone"
	assert_equal "$($R GET 'netflock:{string}')" x
}

@test "interrupted: says how far it got, dies of the signal, and can be run again" {
	put_locks 20000 job
	background "$NETFLOCK" reset-all --force
	wait_until test -s "$OUT"
	kill -TERM "$PID" # a background job ignores INT
	finish
	assert_equal "$status" 143
	assert_matches "$(cat "$ERR")" "^netflock: interrupted: reset [0-9]+ of 20000 locks; run it again for the rest$"
	local count
	count=$(sed -E 's/.*reset ([0-9]+) of.*/\1/' "$ERR")
	assert_between "$(grep -c 'taken from' "$OUT")" "$count" "$count"
	try reset-all --force -q
	assert_status 0
	assert_silent
	assert_equal "$($R EVAL "local n = 0 for _, k in ipairs(redis.call('KEYS', 'netflock:{*')) do
		for _, v in ipairs(redis.call('HVALS', k)) do if v:find('\"held\"') then n = n + 1 end end end return n" 0)" 0
}

@test "forty thousand locks: none is left out" {
	put_locks 40000 job
	# bats keeps so many lines too slowly.
	local out=$BATS_TEST_TMPDIR/all
	netflock reset-all --dry-run >"$out"
	assert_equal "$(tail -1 "$out")" "would reset 40000 of 40000 locks"
	assert_equal "$(wc -l <"$out")" 40001
}

@test "odd records do not stop it: they are swept" {
	put_locks 3 job
	local record
	record=$($R HGET 'netflock:{job00001}' h:t1)
	$R HSET 'netflock:{job00001}' 'h:a token' "$record" >/dev/null
	record=$($R HGET 'netflock:{job00002}' h:t2)
	$R HSET 'netflock:{job00002}' h:t2 "${record/id2/$(printf 'x%.0s' {1..200})}" >/dev/null
	try reset-all --force
	assert_status 0
	assert_output_line "job00001: removed a record that netflock did not write"
	assert_output_line "job00002: removed a record that netflock did not write"
	assert_output_line "reset 3 of 3 locks"
	assert_equal "$($R HEXISTS 'netflock:{job00001}' 'h:a token') $($R HLEN 'netflock:{job00002}')" "0 1"
}

@test "progress on a terminal when it takes more than a second" {
	put_locks 20000 job
	run on_terminal 'expect:[0-9]+ of 20000 locks reset' -- bash -c '"$0" reset-all --force >/dev/null' "$NETFLOCK"
	assert_status 0
}

@test "the server goes away in the middle: says how far it got" {
	put_locks 20000 job
	background "$NETFLOCK" reset-all --force --connect-timeout 300ms --io-timeout 300ms
	wait_until test -s "$OUT"
	server_stop
	finish
	server_cont
	assert_equal "$status" 69
	assert_matches "$(cat "$ERR")" "reset [0-9]+ of 20000 locks; run it again for the rest$"
}

@test "a NAME is refused, with a hint" {
	try reset-all "$lock"
	assert_status 64
	assert_stderr_matches "'reset-all' does not take '$lock'; to run a command under the lock 'reset-all': netflock run"
}
