#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --report FILE: one object of JSON on how it went, whatever happens.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2086
load common
load process

setup() {
	common_setup
	FILE=$BATS_TEST_TMPDIR/report.json
}

# report EXPRESSION: of the object r, as Python writes it.
report() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$FILE" "$1"; }
assert_report() { assert_equal "$(report "(r['outcome'], r['exit_status'], r['signal'])")" "$1" report; }
no_litter() { assert_equal "$(find "$BATS_TEST_TMPDIR" -name 'report.json.*')" "" "temporary files"; }
KEYS='acquired began command ended exit_status fence held_ms holder host locked message name name_hex outcome pid ran_ms reason renewals signal started token user waited_ms'

@test "a run that ends: every key, with what it was" {
	try --reason why --report "$FILE" "$lock" -- sh -c 'sleep 0.05; echo "$NETFLOCK_TOKEN $NETFLOCK_FENCE"; exit 3'
	assert_status 3
	assert_equal "$stderr" ""
	assert_report "('ended', 3, None)"
	assert_equal "$(report "' '.join(sorted(r))")" "$KEYS"
	assert_equal "$(report "r['token'] + ' ' + str(r['fence'])")" "$output"
	assert_equal "$(report "(r['name'], r['name_hex'], r['locked'], r['reason'], r['holder'], r['message'], r['renewals'])")" \
		"('$lock', None, True, 'why', None, None, 0)"
	assert_equal "$(report "50 <= r['ran_ms'] <= r['held_ms'] and r['waited_ms'] >= 0 and r['command'].startswith('sh -c sleep')")" True
	assert_equal "$(report "r['began'] <= r['acquired'] <= r['started'] < r['ended']")" True
	[[ $(report "r['ended']") =~ ^20..-..-..T..:..:..\....Z$ ]]
	no_litter
}

@test "the keys are those of the manual" {
	assert_equal "$(sed -n '/^\.Sh REPORTS/,/^\.Sh/p' "$HERE/man/netflock.1" | sed -n 's/^\.It Li //p' | tr -d ' ' | tr ',' '\n' | sort | xargs)" "$KEYS"
}

@test "a command that a signal ends, and netflock with it" {
	try --report "$FILE" "$lock" -- sh -c 'kill -KILL $$'
	assert_status 137
	assert_report "('ended', 137, 'KILL')"
	background "$NETFLOCK" --report "$FILE" "$lock" -- sh -c 'echo up; exec sleep 1000'
	wait_for_line "$OUT" up
	kill -TERM "$PID"
	finish
	assert_status 143
	assert_report "('ended', 143, 'TERM')"
}

@test "busy, skipped, and a signal while it waits: who holds it" {
	hold "$lock" --once-per 1h
	try -n --report "$FILE" "$lock" -- true
	assert_report "('busy', 75, None)"
	assert_equal "$(report "(r['holder']['pid'], r['locked'], r['token'], r['fence'], r['held_ms'], r['ran_ms'], r['started'])")" \
		"($HOLDER, False, None, None, None, None, None)"
	try -w 150ms -E 0 --report "$FILE" "$lock" -- true
	assert_report "('busy', 0, None)"
	assert_between "$(report "r['waited_ms']")" 150 "$(stretch 1500)"
	background "$NETFLOCK" --report "$FILE" "$lock" -- true
	wait_for_waiters 1
	kill -HUP "$PID"
	finish
	assert_status 129
	assert_report "('interrupted', 129, 'HUP')"
	release_holder
	try --once-per 1h --report "$FILE" "$lock" -- true
	assert_report "('skipped', 75, None)"
	assert_equal "$(report "r['holder']['pid']")" "$HOLDER"
	no_litter
}

@test "no server, a refusal, and the run without the lock" {
	try -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms --report "$FILE" "$lock" -- true
	assert_report "('unreachable', 69, None)"
	[[ $(report "r['message']") == "cannot connect to "* ]]
	try -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms --if-unreachable run --report "$FILE" "$lock" -- true
	assert_report "('ended', 0, None)"
	assert_equal "$(report "(r['locked'], r['token'], r['renewals'], r['ran_ms'] >= 0)")" "(False, None, None, True)"
	try -u "unix://x:y@$SERVER_DIR/s" --report "$FILE" "$lock" -- true
	assert_report "('refused', 77, None)"
	$R SET "netflock:{$lock}" x >/dev/null
	try --report "$FILE" "$lock" -- true
	assert_report "('failed', 78, None)"
}

@test "a command that is not there, or cannot be executed" {
	try --report "$FILE" "$lock" -- "$BATS_TEST_TMPDIR/nothing"
	assert_report "('not_started', 127, None)"
	try --report "$FILE" "$lock" -- "$BATS_TEST_TMPDIR"
	assert_report "('not_started', 126, None)"
	# Found only by exec.
	printf '#!/nonexistent\n' >"$BATS_TEST_TMPDIR/script"
	chmod +x "$BATS_TEST_TMPDIR/script"
	try --report "$FILE" "$lock" -- "$BATS_TEST_TMPDIR/script"
	assert_report "('not_started', $status, None)"
	assert_equal "$(report "(r['locked'], r['started'])")" "(True, None)"
}

@test "lost, and timed out" {
	hold "$lock" --report "$FILE" -t 1500ms
	wait_for_renewal
	netflock reset "$lock" >/dev/null
	finish "$HOLDER"
	assert_report "('lost', 76, None)"
	assert_equal "$(report "(r['renewals'] >= 1 and r['locked'], r['message'])")" "(True, 'lock lost: it was reset')"
	try --report "$FILE" -T 100ms "$lock" -- sleep 1000
	assert_report "('timed_out', 124, None)"
	assert_equal "$(report "(r['ran_ms'] >= 100, r['message'])")" "(True, 'the command ran longer than 100ms')"
	# Found out at the end only.
	try --report "$FILE" "$lock" -- $R DEL "netflock:{$lock}"
	assert_report "('lost', 76, None)"
	[[ $(report "r['message']") == "lock lost: "* ]]
}

@test "the keeper died" {
	background "$NETFLOCK" --report "$FILE" "$lock" -- sh -c 'echo up; exec sleep 1000'
	wait_for_line "$OUT" up
	kill -KILL "$(keeper_of)"
	finish
	assert_status 70
	assert_report "('failed', 70, None)"
	assert_equal "$(report "r['message']")" "the lock's keeper process was killed; the command was killed"
	assert_equal "$(report "r['locked'] and r['ran_ms'] >= 0")" True
	assert_equal "$(netflock history "$lock" | awk 'NR == 2 { print $6 }')" 70
}

@test "a reader sees the old report or the new one, never a part" {
	try --report "$FILE" "$lock" -- true
	exec 5<"$FILE"
	try --report "$FILE" "$lock" -- cp "$FILE" "$BATS_TEST_TMPDIR/during"
	cmp "$BATS_TEST_TMPDIR/during" /dev/fd/5
	if cmp -s "$FILE" "$BATS_TEST_TMPDIR/during"; then fail "the old report"; fi
	exec 5<&-
	no_litter
}

@test "its mode is what the umask leaves" {
	(umask 027 && netflock --report "$FILE" "$lock" -- true)
	assert_equal "$(stat -c %a "$FILE")" 640
}

@test "a file that cannot be written is refused before anything is locked" {
	try --report "$BATS_TEST_TMPDIR/no/report" "$lock" -- echo ran
	assert_status 78
	assert_stderr "netflock: $lock: --report '$BATS_TEST_TMPDIR/no/report': cannot be written: No such file or directory"
	local path
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	ln -s "$FILE" "$BATS_TEST_TMPDIR/link"
	for path in /dev/null "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/fifo" "$BATS_TEST_TMPDIR/link"; do
		try --report "$path" "$lock" -- echo ran
		assert_status 78
		assert_stderr "netflock: $lock: --report '$path': this is no regular file"
	done
	assert_equal "$output" ""
	[ -c /dev/null ]
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0
	try --report '' "$lock" -- true
	assert_status 64
}

@test "a file that cannot be written any more at the end costs a line, not the status" {
	mkdir "$BATS_TEST_TMPDIR/gone"
	try --report "$BATS_TEST_TMPDIR/gone/r" "$lock" -- sh -c 'rm -r "$0"; exit 4' "$BATS_TEST_TMPDIR/gone"
	assert_status 4
	assert_stderr "netflock: $lock: cannot write the report '$BATS_TEST_TMPDIR/gone/r': No such file or directory"
	assert_free
}

@test "what is no text in a name or a command is valid JSON nevertheless" {
	try --report "$FILE" "$lock"$'\xff"\n' -- sh -c ": '"$'\x1b\xfe'"'"
	assert_status 0
	assert_equal "$(report "r['name_hex']")" "$(printf '%s' "$lock"$'\xff"\n' | od -An -v -tx1 | tr -d ' \n')"
	assert_equal "$(LC_ALL=C tr -d '[:print:]\n' <"$FILE" | LC_ALL=C tr -d '\357\277\275' | wc -c)" 0 "raw bytes"
}
