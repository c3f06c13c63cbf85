#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who waits on a terminal sees whom for, in one line that is kept up to date; and a signal ends the wait at once.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314
load common
load process

setup() {
	common_setup
	export TERM=xterm
}

# What is left on the screen of what was written ($output): lines that were drawn over are gone.
screen() {
	python3 -c 'import re, sys
for line in sys.stdin.buffer.read().decode().split("\n"):
    shown, at = "", 0
    for part in re.split(r"(\r|\x1b\[K)", line):
        if part == "\r":
            at = 0
        elif part == "\x1b[K":
            shown = shown[:at]
        else:
            shown = shown[:at] + part + shown[at + len(part):]
            at += len(part)
    print(shown)' <<<"$output"
}
# Each drawing of the line, without its escapes.
drawn() { tr '\r' '\n' <<<"$output" | sed -n 's/^\x1b\[K\(netflock: waiting for .*\)$/\1/p'; }

@test "on a terminal a line says who has it and how many are ahead; it is drawn in place, each second" {
	hold "$lock" --reason dump
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	pty --size 24x120 "expect:waiting for '$lock', 1 ahead: held for 1s by .* pid $HOLDER \(dump\)" "expect:held for [23]s by .* \(dump\)" \
		-- "$NETFLOCK" -w 3s "$lock" -- true
	assert_status 75
	# One line: all else was drawn over.
	assert_equal "$(screen | grep -c waiting)" 0 "lines that are left"
	assert_equal "$(screen | grep -c 'gave up after 3s')" 1
	assert_between "$(drawn | wc -l)" 2 4 drawings
	release_holder
	finish
}

@test "the line follows the queue: whoever is head has nobody ahead" {
	hold "$lock"
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	local first=$PID
	background python3 "$TESTS/tools/pty.py" "expect:'$lock', 1 ahead: held" "expect:'$lock': held" -- "$NETFLOCK" "$lock" -- true
	wait_for_line "$OUT" '1 ahead'
	local second=$PID
	kill -TERM "$first"
	finish "$first"
	wait_for_line "$OUT" "'$lock': held"
	release_holder
	finish "$second"
	assert_status 0
}

@test "the line is gone before the command says anything" {
	hold "$lock"
	background python3 "$TESTS/tools/pty.py" 'expect:waiting for' 'expect:ran' -- "$NETFLOCK" "$lock" -- echo ran
	wait_for_line "$OUT" 'waiting for'
	release_holder
	finish
	assert_status 0
	output=$(tr -d '\0' <"$OUT")
	assert_equal "$(screen | tr -d ' ' | sed '/^$/d')" ran "the screen"
}

@test "the line is cut to the terminal's width, and follows it" {
	hold "$lock" --reason "$(printf 'x%.0s' {1..150})"
	pty --size 24x40 'expect:waiting for' size:24x60 'expect:x{10}' -- "$NETFLOCK" -w 2500ms "$lock" -- true
	drawn >"$BATS_TEST_TMPDIR/drawn"
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/drawn" | wc -L)" 39
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/drawn" | wc -L)" 59
	release_holder
}

@test "what changes is seen on a narrow terminal, too: how long comes before who" {
	hold "$lock"
	pty --size 24x60 "expect:waiting for '$lock': held for 1s by " 'expect:held for [23]s by ' -- "$NETFLOCK" -w 3s "$lock" -- true
	assert_status 75
	assert_between "$(drawn | wc -l)" 2 4 drawings
	release_holder
}

@test "no line with -q, --log json, or where nothing can be drawn" {
	hold "$lock"
	pty -- "$NETFLOCK" -q -w 1200ms "$lock" -- true
	assert_status 75
	assert_equal "$output" ""
	pty -- "$NETFLOCK" --log json -w 1200ms "$lock" -- true
	assert_equal "$(grep -c '"name":"'"$lock"'","text":"waiting: held by' <<<"$output")" 1
	assert_equal "$(grep -c $'\x1b' <<<"$output")" 0
	for term in dumb ''; do
		TERM=$term pty -- "$NETFLOCK" -w 2100ms "$lock" -- true
		assert_equal "$(grep -c 'waiting: ' <<<"$output")" 1 "lines with TERM='$term'"
		assert_equal "$(grep -c $'\x1b' <<<"$output")" 0
	done
	# Elsewhere than on a terminal one line, with -v.
	try -v -w 2100ms "$lock" -- true
	assert_equal "$(grep -c 'waiting: ' <<<"$stderr")" 1
	assert_equal "$(grep -c $'\x1b' <<<"$stderr")" 0
	release_holder
}

@test "the line costs the server nothing" {
	local before after
	hold "$lock"
	requests() { $R INFO commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p'; }
	before=$(requests)
	try -w 2500ms "$lock" -- true
	after=$(requests)
	pty 'expect:waiting' 'expect:waiting' -- "$NETFLOCK" -w 2500ms "$lock" -- true
	# Renewals of the holder come once in ten seconds.
	assert_between $(($(requests) - after)) 3 $((after - before + 1)) requests
	release_holder
}

@test "in the background of its shell nothing is drawn, and it appears with fg" {
	hold "$lock"
	PS1='> ' background env python3 "$TESTS/tools/pty.py" 'expect:[$#>] ' "send:$NETFLOCK $lock true & sleep 1.5; echo no''thing\n" \
		'expect:\nnothing' 'send:fg\n' "expect:waiting for '$lock'" -- bash --norc --noediting -i
	wait_for_line "$OUT" 'waiting for'
	assert_equal "$(tr -d '\r' <"$OUT" | sed '/^nothing/q' | grep -c 'waiting for')" 0
	release_holder
	kill "$PID" 2>/dev/null || :
	finish
}

@test "INT, TERM and HUP end a wait at once: the queue has been left, and netflock dies of it" {
	local signal began
	hold "$lock"
	for signal in INT TERM HUP QUIT; do
		background env --default-signal "$NETFLOCK" "$lock" -- true
		wait_for_waiters 1
		began=$(now)
		kill -s "$signal" "$PID"
		finish
		assert_between $(($(now) - began)) 0 "$(stretch 500)" ms
		assert_status $((128 + $(kill -l "$signal")))
		assert_equal "$($R EXISTS "netflock:{$lock}:queue")" 0 "the queue"
	done
	release_holder
}

@test "a signal that is ignored, as after nohup, does not end the wait" {
	hold "$lock"
	background env --ignore-signal=HUP "$NETFLOCK" "$lock" -- echo ran
	wait_for_waiters 1
	kill -HUP "$PID"
	release_holder
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
}

@test "Ctrl-C while it waits: the line is erased, the terminal is as it was, the others move up" {
	hold "$lock"
	background env --default-signal=INT,QUIT python3 "$TESTS/tools/pty.py" 'expect:[$#>] ' "send:stty -g\n" "send:$NETFLOCK $lock true\n" \
		'expect:waiting for' 'send:\x03' 'expect:[$#>] ' 'send:echo st""atus $?; stty -g\n' 'expect:status 130' 'send:exit 0\n' \
		-- bash --norc --noediting -i
	finish
	assert_status 0
	output=$(tr -d '\0' <"$OUT")
	assert_equal "$(grep -aoE '^([0-9a-f]+:){20,}[0-9a-f]+' "$OUT" | sort -u | wc -l)" 1 "settings of the terminal"
	assert_equal "$(screen | grep -c 'waiting for')" 0
	assert_equal "$($R EXISTS "netflock:{$lock}:queue")" 0 "the queue"
	release_holder
}

@test "Ctrl-C during the jitter ends it at once" {
	background env --default-signal=INT "$NETFLOCK" --jitter 300s "$lock" -- true
	wait_until sleeping "$PID"
	kill -INT "$PID"
	finish
	assert_status 130
}
sleeping() { grep -q poll "/proc/$1/wchan" || [ "$(state_of "$1")" = S ]; }
