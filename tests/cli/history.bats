#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# netflock history: the last runs under a lock.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034
load common
load process

# A column of the table, all rows, on one line.
column() { awk -v n="$1" 'NR > 1 { print $n }' <<<"$output" | xargs; }
object() { python3 -c 'import json, sys; r = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"; }

@test "the last runs, newest first: when, who, how long it waited and ran, how it ended, what it was" {
	local i
	for i in 0 1 2; do netflock "$lock" -- sh -c "exit $i" || :; done
	try history "$lock"
	assert_status 0
	assert_equal "$stderr" ""
	assert_output_line 'BEGAN \(UTC\) +WHO +WAITED +RAN +STATUS +COMMAND'
	assert_equal "$(column 6)" "2 1 0"
	assert_output_line "$(date -u +%Y)-[0-9]{2}-[0-9]{2} [0-9:]{8}  [^ ]+@[^ ]+:[0-9]+ +[0-9a-z]+ +[0-9a-z]+  2 +sh -c exit 2"
	assert_equal "$(sed 1d <<<"$output" | sort -r)" "$(sed 1d <<<"$output")"
}

@test "it fits 80 columns, 60, and a terminal" {
	netflock --reason "$(printf 'x%.0s' {1..200})" "$lock" -- sh -c "true $(printf 'y%.0s' {1..200})"
	local width
	for width in 80 60 40; do
		COLUMNS=$width try history "$lock"
		assert_between "$(wc -L <<<"$output")" 30 "$width" columns
		assert_equal "$(column 1)" "$(date -u +%F)"
	done
	pty --size 24x70 'expect:BEGAN' -- "$NETFLOCK" history "$lock"
	assert_status 0
	assert_between "$(tr -d '\r' <<<"$output" | sed 's/\x1b\[[0-9]*m//g' | wc -L)" 30 70
}

@test "a run that waited, one that was reset, one whose time was over" {
	hold "$lock"
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	release_holder
	finish
	hold "$lock"
	netflock reset "$lock" >/dev/null
	finish "$HOLDER"
	try -T 100ms "$lock" -- sleep 1000
	try history --json "$lock"
	assert_equal "$(object "[(run['status'], run['reset']) for run in r]")" "[(124, False), (76, True), (0, False), (0, False)]"
	assert_equal "$(object "r[2]['waited_ms'] > 0")" True
	try history "$lock"
	assert_output_line '.* 76 reset +sh -c .*'
}

@test "--json: an array, an object for each run, always with the same keys" {
	netflock --reason why "$lock" -- sh -c 'echo "$NETFLOCK_FENCE"' >"$BATS_TEST_TMPDIR/fence"
	netflock "$lock" -- true
	try history --json "$lock"
	assert_status 0
	assert_equal "$(object "len(r)")" 2
	assert_equal "$(object "' '.join(sorted(r[0]))")" "began command ended fence host pid ran_ms reason reset status user waited_ms"
	assert_equal "$(object "sorted(r[0]) == sorted(r[1]) and (r[0]['reason'], r[1]['reason'], r[1]['fence'])")" "(None, 'why', $(cat "$BATS_TEST_TMPDIR/fence"))"
	assert_equal "$(object "r[0]['began'] > r[1]['ended'] and r[0]['began'].endswith('Z')")" True
	assert_equal "$(grep -c '^ {' <<<"$output")" 2 "lines with an object"
}

@test "the JSON keys are those of the manual" {
	netflock "$lock" -- true
	try history --json "$lock"
	assert_equal "$(sed -n '/^\.Sh LAST RUNS/,/^\.Sh/p' "$HERE/man/netflock.1" | sed -n 's/^\.Li //p' | tr -d ' .' | tr ',' '\n' | sed '/^$/d' | sort | xargs)" \
		"$(object "' '.join(sorted(r[0]))")"
}

@test "--keep-history: how many are kept, 20 unless it is said" {
	local i
	for i in {1..22}; do netflock "$lock" -- true; done
	try history "$lock"
	assert_equal "$(column 6 | wc -w)" 20
	netflock --keep-history 3 "$lock" -- true
	try history "$lock"
	assert_equal "$(column 6 | wc -w)" 3
	netflock --keep-history 0 "$lock" -- true
	try history "$lock"
	assert_output "$lock: no run is remembered"
	for i in 1001 -1 x ''; do
		try --keep-history "$i" "$lock" -- true
		assert_status 64
	done
}

@test "a lock that was never held is one line, an empty array, and no error" {
	try history "$lock"
	assert_status 0
	assert_output "$lock: no run is remembered"
	try history --json "$lock"
	assert_status 0
	assert_output "[]"
}

@test "a run that never began is none" {
	try "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	printf '#!/nonexistent\n' >"$BATS_TEST_TMPDIR/script"
	chmod +x "$BATS_TEST_TMPDIR/script"
	try "$lock" -- "$BATS_TEST_TMPDIR/script"
	try history "$lock"
	assert_output "$lock: no run is remembered"
}

@test "a run that reset --now took the lock from, and what a script did under acquire, are none" {
	local token
	hold "$lock"
	netflock reset --now "$lock" >/dev/null
	finish "$HOLDER"
	assert_status 76
	token=$(netflock acquire "$lock")
	netflock release "$lock" "$token"
	try history "$lock"
	assert_output "$lock: no run is remembered"
}

@test "what others wrote is escaped" {
	$R LPUSH "netflock:{$lock}:history" '{"user":"\u001b[31m","host":"h\n","pid":"1","command":"\u202e","since":"junk","status":"x"}' junk >/dev/null
	try history "$lock"
	assert_status 0
	assert_output_line '\? +\\x1b\[31m@h\\x0a:1 +\? +\? +\\xe2\\x80\\xae'
	try history --json "$lock"
	assert_equal "$(object "(len(r), r[0]['user'], r[0]['began'], r[0]['status'])")" "(1, '\\x1b[31m', None, None)"
	try history $'never\e[1m'
	assert_output 'never\x1b[1m: no run is remembered'
}

@test "a key of another type is named, status 78" {
	$R SET "netflock:{$lock}:history" x >/dev/null
	netflock "$lock" -- true
	try history "$lock"
	assert_status 78
	assert_stderr "netflock: $lock: key 'netflock:{$lock}:history' is a string, not a history of netflock"
}

@test "it is no lock: neither status nor reset-all see it" {
	netflock "$lock" -- true
	$R DEL "netflock:{$lock}" >/dev/null
	try status
	refute_stderr_line .
	[[ $output != *"$lock"* ]]
	try reset-all --force
	assert_status 0
	assert_equal "$stderr" ""
	try history "$lock"
	assert_equal "$(column 6)" 0
}

@test "it lives as long as the lock is remembered" {
	netflock --once-per 30d "$lock" -- true
	assert_between "$($R PTTL "netflock:{$lock}:history")" $(((30 * 24 - 1) * 3600000 - 60000)) $((30 * 24 * 3600000))
}

@test "it needs a NAME, one, and a server" {
	try history
	assert_status 64
	assert_stderr "netflock: 'history' needs a NAME"
	try history a b
	assert_status 64
	try history -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms "$lock"
	assert_status 69
	assert_stderr_matches "^netflock: $lock: cannot connect"
}
