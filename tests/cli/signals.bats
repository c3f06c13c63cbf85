# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2154,SC2086  # quotes for inner shells, lists of pids
load common
load process

# A command that writes down each signal that it gets, into $GOT, until $GO is there.
setup() {
	common_setup
	GOT=$BATS_TEST_TMPDIR/got
	GO=$BATS_TEST_TMPDIR/go
	export GOT GO RECORD
	RECORD='for s in HUP INT QUIT USR1 USR2 ALRM TERM WINCH URG VTALRM IO RTMIN; do trap "echo $s >>$GOT" $s; done
		echo up >>$GOT; until [ -e $GO ]; do sleep 0.02; done'
}
got_lines() { [ "$(wc -l <"$GOT")" -ge "$1" ]; }
# In the background, but with INT and QUIT as a terminal would have them.
start() { background env --default-signal=INT,QUIT "$NETFLOCK" "$@"; }

@test "a signal sent to netflock reaches the command, each time, and nothing escalates" {
	local s n=1
	start "$lock" bash -c "$RECORD"
	wait_for_line "$GOT" up
	for s in HUP INT QUIT USR1 USR2 ALRM TERM WINCH URG VTALRM IO RTMIN TERM TERM TERM INT INT INT; do
		kill "-$s" "$PID"
		n=$((n + 1))
		wait_until got_lines "$n"
	done
	: >"$GO"
	finish
	assert_status 0
	assert_equal "$(tr '\n' ' ' <"$GOT")" \
		"up HUP INT QUIT USR1 USR2 ALRM TERM WINCH URG VTALRM IO RTMIN TERM TERM TERM INT INT INT "
	assert_equal "$(cat "$ERR")" ""
	assert_free
}

@test "a signal that ends the command ends netflock in the same way" {
	local s
	for s in TERM:143 HUP:129 USR1:138 INT:130 ALRM:142; do
		start "$lock" sleep 60
		wait_until held
		wait_until test -n "$(command_of)"
		kill "-${s%:*}" "$PID"
		finish
		assert_status "${s#*:}"
		assert_free
	done
}

@test "what the caller ignores (nohup) is not passed on and ends nothing" {
	background env --ignore-signal=HUP,TERM "$NETFLOCK" "$lock" bash -c "$RECORD"
	wait_for_line "$GOT" up
	kill -HUP "$PID"
	kill -TERM "$PID"
	kill -USR1 "$PID"
	wait_until got_lines 2
	: >"$GO"
	finish
	assert_status 0
	assert_equal "$(tr '\n' ' ' <"$GOT")" "up USR1 "
	hold "$lock"
	background env --ignore-signal=HUP "$NETFLOCK" "$lock" true
	wait_for_waiters 1
	kill -HUP "$PID"
	release_holder
	finish "$PID"
	assert_status 0
}

@test "an alarm that the caller has set reaches the command" {
	run python3 -c 'import os, signal, sys; signal.alarm(1); os.execv(sys.argv[1], sys.argv[1:])' \
		"$NETFLOCK" "$lock" sleep 60 3>&- 4>&-
	assert_status 142
	assert_free
}

@test "when a forwarded TERM ends the command, its children are stopped before the lock is free" {
	# The child ignores TERM: it dies of KILL, a grace later.
	start -t 3s -k 300ms "$lock" bash -c 'bash -c "trap \"echo child >>$GOT\" TERM; echo up >>$GOT; while :; do sleep 0.02; done" & wait'
	wait_for_line "$GOT" up
	local begin tree
	tree=$(process_tree "$PID")
	begin=$(now)
	kill -TERM "$PID"
	wait_for_line "$GOT" child
	netflock "$lock" true
	assert_between $(($(now) - begin)) 280 "$(stretch 900)"
	finish
	assert_status 143
	wait_until processes_gone $tree
}

@test "a command that turns a forwarded signal into 128+N has been ended by it, too" {
	start -k 100ms "$lock" bash -c 'trap "exit 143" TERM; sleep 60 & echo up >>$GOT; wait'
	wait_for_line "$GOT" up
	local tree
	tree=$(process_tree "$PID")
	kill -TERM "$PID"
	kill -WINCH "$PID" # a later one does not hide it
	finish
	assert_status 143
	assert_equal "$(for p in $tree; do process_gone "$p" || echo "$p"; done)" ""
}

@test "children that the command leaves run on without the lock" {
	run --separate-stderr netflock "$lock" -- sh -c 'sleep 60 >/dev/null 2>&1 & echo $!'
	assert_status 0
	assert_equal "$stderr" ""
	assert_free
	is_running "$output"
	kill "$output"
	run --separate-stderr netflock -v "$lock" -- sh -c 'sleep 60 >/dev/null 2>&1 & echo $!'
	assert_stderr_line "netflock: $lock: the command ended and left processes behind; they run without the lock"
	kill "$output"
}

@test "--wait-all holds the lock until the last child has ended, and passes signals on to them" {
	start --wait-all "$lock" -- sh -c 'setsid bash -c "$RECORD" & exit 7'
	wait_for_line "$GOT" up
	try -n "$lock" true
	assert_status 75
	kill -USR1 "$PID"
	wait_for_line "$GOT" USR1
	: >"$GO"
	finish
	assert_status 7
	assert_free
}

@test "--kill-all stops what the command leaves, politely first" {
	local begin
	begin=$(now)
	start --kill-all -k 200ms "$lock" -- bash -c 'setsid bash -c "$0" & until grep -s up $GOT; do sleep 0.01; done; exit 7' "$RECORD"
	finish
	assert_status 7
	grep -qx TERM "$GOT"
	assert_between $(($(now) - begin)) 200 "$(stretch 900)"
	assert_free
}

@test "TERM while it waits ends the wait, leaves the queue, and the next one is not delayed" {
	local begin s
	for s in TERM:143 HUP:129 INT:130 USR1:138; do
		hold "$lock"
		start "$lock" true
		wait_for_waiters 1
		kill "-${s%:*}" "$PID"
		finish
		assert_status "${s#*:}"
		assert_equal "$($R ZCARD "netflock:{$lock}:queue")" 0
		begin=$(now)
		release_holder
		netflock "$lock" true
		assert_between $(($(now) - begin)) 0 "$(stretch 300)"
	done
	assert_free
}

@test "TERM during --jitter ends it before anything is locked" {
	start --jitter 1000h "$lock" true
	wait_until has_signalfd "$PID"
	kill -TERM "$PID"
	finish
	assert_status 143
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0
}
has_signalfd() { readlink /proc/"$1"/fd/* | grep -q signalfd; }

@test "TERM that comes together with the grant starts nothing and leaves no lock" {
	hold "$lock"
	start "$lock" sh -c ': >$GOT; sleep 60'
	wait_for_waiters 1
	kill -STOP "$PID"
	wait_until is_stopped "$PID"
	kill -TERM "$PID"
	release_holder
	kill -CONT "$PID"
	finish "$PID"
	assert_status 143
	[ ! -e "$GOT" ]
	wait_until assert_free
}

@test "signals while the lock is taken are passed on or end the wait, never lost" {
	local n bad=''
	for ((n = 0; n < 40; n++)); do
		start "$lock" sleep 60
		sleep "0.0$((RANDOM % 30 + 100))" # at no event: anywhere between its start and the command's
		# Before it takes signals TERM ends it at once; after that it must end as well.
		kill -TERM "$PID"
		finish
		[ "$status" = 143 ] || bad+=" $status"
	done
	assert_equal "$bad" ""
	wait_until assert_free
}

@test "a storm of signals does no harm" {
	local n
	start "$lock" bash -c "$RECORD"
	wait_for_line "$GOT" up
	for ((n = 0; n < 2000; n++)); do
		kill -USR1 "$PID"
		kill -TERM "$PID"
	done
	: >"$GO"
	finish
	assert_status 0
	assert_free
}
