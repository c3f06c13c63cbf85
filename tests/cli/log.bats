#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --log json and --syslog: where messages go, and in which form.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034
load common
load process

# Each line of stderr as Python reads it: "LEVEL NAME TEXT".
objects() {
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    o = json.loads(line)
    assert sorted(o) == ["level", "name", "pid", "text", "time"], o
    assert o["time"].endswith("Z") and o["pid"] > 1, o
    print(o["level"], o["name"], o["text"])' "$1"
}
said() { printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/said"; objects "$BATS_TEST_TMPDIR/said"; }

# A system log: each message is a line of $LOG.
logger_start() {
	export LOGSHIM=$BATS_TEST_TMPDIR/log.socket LOG=$BATS_TEST_TMPDIR/log
	background python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "wb", buffering=0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")' "$LOGSHIM" "$LOG"
	LOGGER=$PID
	wait_for_file "$LOG"
}
logger_end() {
	kill "$LOGGER"
	finish "$LOGGER"
}
logged() {
	ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" LD_PRELOAD=$TOOLS/logshim.so "$NETFLOCK" "$@" 3>&- 4>&-
}

@test "--log json: each message is one object on a line of stderr" {
	hold "$lock"
	try --log json -n "$lock" -- true
	assert_status 75
	assert_stderr_lines 1
	assert_matches "$(said)" "^notice $lock busy: held by "
	try --log json -v -w 1300ms "$lock" -- true
	assert_matches "$(said)" "^notice $lock waiting: held by "
	release_holder
	try --log json -v "$lock" -- true
	assert_matches "$(said)" "^info $lock locked after [0-9]+"
	try --log json "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_matches "$(said)" "^error $lock cannot run "
	try --log json -T 100ms "$lock" -- sleep 1000
	assert_equal "$(said)" "warning $lock the command ran longer than 100ms; stopping it"
	hold "$lock" --log json
	netflock reset "$lock" >/dev/null
	finish "$HOLDER"
	stderr=$(holder_stderr)
	assert_equal "$(said)" "error $lock lock lost: it was reset; stopping the command"
}

@test "--log json: every subcommand, and who is no lock" {
	try status --log json -u "unix://$BATS_TEST_TMPDIR/nobody" --connect-timeout 100ms
	assert_status 69
	assert_matches "$(said)" "^error None cannot connect to"
	try reset --log json "$lock"
	assert_equal "$(said)" "error $lock was not held"
}

@test "--log json: what is wrong with the other options is said in this form, too" {
	try --log json -n -w 5 "$lock" -- true
	assert_status 64
	assert_equal "$(said)" "error None --nonblock and --wait 5 exclude each other"
}

@test "--log json: names and texts of any bytes are valid, and no line is longer than a pipe takes at once" {
	local long
	long=$(printf '\x01%.0s' {1..500})
	try --log json "$long"$'\xff"\n' -- "$BATS_TEST_TMPDIR/$long" || :
	assert_stderr_lines 1
	assert_between "${#stderr}" 100 4095
	said >/dev/null
}

@test "--log text is the default; other forms are refused" {
	try --log text "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_stderr_matches "^netflock: $lock: cannot run"
	try --log xml "$lock" -- true
	assert_stderr "netflock: --log: invalid form 'xml' (use text or json)"
}

@test "--syslog: messages go to the system log with their priority, and not to stderr" {
	logger_start
	hold "$lock"
	run --separate-stderr logged --syslog -n "$lock" -- true
	assert_status 75
	assert_silent
	release_holder
	run --separate-stderr logged --syslog -v "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_silent
	run --separate-stderr logged --syslog -v -T 100ms "$lock" -- sleep 1000
	assert_silent
	wait_for_line "$LOG" 'ran longer'
	# Facility "user" is 8: notice 5, error 3, info 6, warning 4.
	assert_matches "$(cat "$LOG")" "^<13>[A-Z][a-z]{2} [ 0-9][0-9] ..:..:.. netflock\[[0-9]+\]: $lock: busy: held by"
	assert_equal "$(sed -E 's/^(<[0-9]+>).*: (busy|cannot run|locked after|the command ran).*/\1 \2/' "$LOG" | xargs)" \
		"<13> busy <11> cannot run <14> locked after <12> the command ran"
	logger_end
}

@test "--syslog: what the processes in the background of a script's lock have to say, too" {
	local token
	logger_start
	background sleep 1000
	token=$(logged acquire --syslog --pid "$PID" "$lock")
	netflock reset -q "$lock"
	finish
	assert_status 143
	wait_for_line "$LOG" "$lock: lock lost: it was reset; stopping the script"
	logger_end
}

@test "--syslog with --log json: the object is the text" {
	logger_start
	run --separate-stderr logged --syslog --log json "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_silent
	wait_for_line "$LOG" 'cannot run'
	sed 's/^[^{]*//' "$LOG" >"$BATS_TEST_TMPDIR/object"
	assert_matches "$(objects "$BATS_TEST_TMPDIR/object")" "^error $lock cannot run"
	logger_end
}

@test "--syslog where there is none: on stderr nevertheless" {
	LOGSHIM=$BATS_TEST_TMPDIR/nobody run --separate-stderr logged --syslog "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_stderr_matches "^netflock: $lock: cannot run"
}

@test "--syslog on a terminal: there as well" {
	logger_start
	ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" LD_PRELOAD=$TOOLS/logshim.so pty "expect:cannot run" -- "$NETFLOCK" --syslog "$lock" -- "$BATS_TEST_TMPDIR/nothing" || :
	assert_status 127
	wait_for_line "$LOG" 'cannot run'
	logger_end
}

@test "--syslog with a logger that takes nothing: the lock is kept and renewed, and nobody waits for it" {
	export LOGSHIM=$BATS_TEST_TMPDIR/full
	background python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
c.connect(sys.argv[1])
c.setblocking(False)
try:
    while True:
        c.send(b"x")
except BlockingIOError:
    print("full", flush=True)
time.sleep(1000)' "$LOGSHIM"
	local logger=$PID began
	wait_for_line "$OUT" full
	background logged --syslog -v -t 1500ms "$lock" -- sh -c 'until [ -e "$0" ]; do sleep 0.02; done' "$BATS_TEST_TMPDIR/go"
	wait_until held
	for _ in 1 2 3; do wait_for_renewal; done
	began=$(now)
	: >"$BATS_TEST_TMPDIR/go"
	finish
	assert_status 0
	# It was said on stderr instead.
	grep -q 'locked after' "$ERR"
	kill "$logger"
	finish "$logger"
	assert_free
}
