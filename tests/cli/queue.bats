#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Waiting for a lock: in order, each once, whoever dies meanwhile.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2046,SC2314,SC2251,SC2034
load common

# A waiter that appends its number to $LOG, in the background: its pid is in WAITER[N].  It stands in the queue when this returns.
queue_up() {
	local n=$1
	shift
	"$NETFLOCK" "$@" "$lock" -- sh -c "echo begin $n >>'$LOG'; echo end $n >>'$LOG'" \
		>"$BATS_TEST_TMPDIR/w$n.out" 2>"$BATS_TEST_TMPDIR/w$n.err" 3>&- 4>&- &
	WAITER[n]=$!
}
queue_length() { $R ZCARD "netflock:{$lock}:queue"; }
# N waiters, one after the other.
line_up() {
	local n before
	for n in $(seq 1 "$1"); do
		before=$(queue_length)
		queue_up "$n"
		wait_for_waiters "$((before + 1))"
	done
}
expect_runs() {
	local n
	for n; do printf 'begin %s\nend %s\n' "$n" "$n"; done
}
scripts_run() { $R INFO commandstats | awk -F '[=,]' '/^cmdstat_eval/ { n += $2 } END { print n + 0 }'; }

# The server knows the scripts: every call of one is one request.
setup_file() {
	local script
	common_setup_file
	for script in "$HERE"/build/lua/*.lua; do $R -x SCRIPT LOAD <"$script" >/dev/null; done
}

setup() {
	common_setup
	LOG=$BATS_TEST_TMPDIR/log
	: >"$LOG"
	WAITER=()
}

@test "fifty waiters run in the order of their arrival, each once, never two at a time" {
	local n
	hold "$lock"
	line_up 50
	release_holder
	for n in $(seq 1 50); do
		finish "${WAITER[n]}"
		assert_status 0
		assert_equal "$(cat "$BATS_TEST_TMPDIR/w$n.err")" ""
	done
	assert_equal "$(cat "$LOG")" "$(expect_runs $(seq 1 50))"
	assert_free
}

@test "a newcomer does not overtake those who wait" {
	hold "$lock"
	line_up 3
	kill -STOP "${WAITER[1]}"
	release_holder
	# The lock is granted to the first one, which does not react: -n is refused even so.
	try -n "$lock" -- echo overtaken
	assert_status 75
	assert_output ""
	kill -CONT "${WAITER[1]}"
	for n in 1 2 3; do finish "${WAITER[n]}"; done
	assert_equal "$(cat "$LOG")" "$(expect_runs 1 2 3)"
}

@test "the first waiter is killed: the second one runs at once" {
	killed_in_line 1 2 3
}
@test "a waiter in the middle is killed: the others keep their order" {
	killed_in_line 2 1 3
}
@test "the last waiter is killed: the others do not notice" {
	killed_in_line 3 1 2
}
killed_in_line() {
	local began
	hold "$lock"
	line_up 3
	kill -KILL "${WAITER[$1]}"
	finish "${WAITER[$1]}"
	began=$(now)
	release_holder
	finish "${WAITER[$2]}"
	assert_status 0
	finish "${WAITER[$3]}"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 1000)" "ms until both had run"
	assert_equal "$(cat "$LOG")" "$(expect_runs "$2" "$3")"
	assert_free
}

@test "every waiter but the last is killed: it runs at once" {
	local n began
	hold "$lock"
	line_up 10
	for n in $(seq 1 9); do kill -KILL "${WAITER[n]}"; done
	for n in $(seq 1 9); do finish "${WAITER[n]}"; done
	began=$(now)
	release_holder
	finish "${WAITER[10]}"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 500)" ms
	assert_equal "$(cat "$LOG")" "$(expect_runs 10)"
	assert_free
}

@test "a waiter killed when it has just been granted the lock: the next one runs at once" {
	local began
	hold "$lock"
	line_up 2
	kill -STOP "${WAITER[1]}"
	release_holder
	wait_until record_is pending
	began=$(now)
	kill -KILL "${WAITER[1]}"
	finish "${WAITER[1]}"
	finish "${WAITER[2]}"
	assert_status 0
	# The dead grantee is passed over at the next request or when the grant runs out: 5 s.
	assert_between $(($(now) - began)) 0 "$(stretch 5500)" ms
	assert_equal "$(cat "$LOG")" "$(expect_runs 2)"
	assert_free
}
record_is() { $R HVALS "netflock:{$lock}" | grep -q "\"state\":\"$1\""; }

@test "a killed grantee is passed over by the next request, whoever asks" {
	local began
	hold "$lock"
	line_up 2
	kill -STOP "${WAITER[1]}"
	release_holder
	wait_until record_is pending
	kill -KILL "${WAITER[1]}"
	finish "${WAITER[1]}"
	began=$(now)
	try -n "$lock" -- true
	finish "${WAITER[2]}"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 1000)" ms
	assert_equal "$(cat "$LOG")" "$(expect_runs 2)"
}

@test "a waiter that is stopped when it is granted the lock costs the others five seconds, and runs later" {
	local began
	hold "$lock"
	line_up 2
	kill -STOP "${WAITER[1]}"
	began=$(now)
	release_holder
	finish "${WAITER[2]}"
	assert_status 0
	assert_between $(($(now) - began)) 4500 "$(stretch 6000)" ms
	kill -CONT "${WAITER[1]}"
	finish "${WAITER[1]}"
	assert_status 0
	assert_equal "$(cat "$LOG")" "$(expect_runs 2 1)"
	assert_free
}

@test "a grantee that dies between the message and its confirmation loses the lock to the next one" {
	hold "$lock"
	# It asks, subscribes, queues; killed by what it sends after that.
	strace -qq -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=4 \
		"$NETFLOCK" "$lock" -- sh -c "echo begin 1 >>'$LOG'" >/dev/null 2>&1 3>&- 4>&- &
	WAITER[1]=$!
	wait_for_waiters 1
	queue_up 2
	wait_for_waiters 2
	release_holder
	finish "${WAITER[2]}"
	assert_status 0
	finish "${WAITER[1]}"
	assert_equal "$(cat "$LOG")" "$(expect_runs 2)"
	assert_free
}

@test "-w gives up exactly then, says who has it, and leaves the queue" {
	local began took plain
	hold "$lock" --reason "the nightly dump"
	# What a run costs that does not wait.
	began=$(now)
	try -n "$lock" -- true
	plain=$(($(now) - began))
	for ms in 150 1000; do
		began=$(now)
		try -w "${ms}ms" "$lock" -- echo ran
		took=$(($(now) - began))
		assert_status 75
		assert_output ""
		assert_stderr_lines 1
		assert_stderr_matches "^netflock: $lock: gave up after [0-9ms]+: held by .* pid $HOLDER for [0-9.ms]+ \(the nightly dump\)$"
		assert_between "$took" "$ms" $((ms + plain + $(stretch 50))) "ms for -w ${ms}ms"
		assert_equal "$(queue_length)" 0
	done
	release_holder
	assert_free
}

@test "-w 0 is -n: one attempt, without queueing" {
	local before
	hold "$lock"
	for option in "-w 0" "-n" "--wait 0s" "--timeout 0"; do
		before=$(scripts_run)
		# shellcheck disable=SC2086
		try $option "$lock" -- echo ran
		assert_status 75
		assert_stderr_matches "^netflock: $lock: busy: held by .* pid $HOLDER "
		assert_between $(($(scripts_run) - before)) 1 2 "requests for $option"
		assert_equal "$($R EXISTS "netflock:{$lock}:queue")" 0
	done
	release_holder
}

@test "the line that gives up says how long the lock has been held by now, not when it was asked" {
	local ms
	hold "$lock"
	try -w 1500ms "$lock" -- true
	assert_status 75
	ms=$(sed -n 's/.* for \([0-9.]*\)s (.*/\1/p' <<<"$stderr")
	[ -n "$ms" ] || fail "not seconds: $stderr"
	assert_between "${ms%.*}" 1 "$(stretch 5)" "seconds held, in: $stderr"
	release_holder
}

@test "the line that gives up names who has it then, not who had it when the wait began" {
	local first
	hold "$lock"
	first=$HOLDER
	background "$NETFLOCK" "$lock" -- sh -c 'echo in; exec sleep 60'
	local second=$PID out=$OUT
	wait_for_waiters 1
	background "$NETFLOCK" -w 1500ms "$lock" -- true
	wait_for_waiters 2
	release_holder "$first"
	wait_for_line "$out" in
	finish
	assert_status 75
	assert_matches "$(cat "$ERR")" "held by .* pid $second for"
	kill "$second"
	finish "$second"
}

@test "a waiter that gets TERM leaves the queue, dies of it, and the next one is served" {
	hold "$lock"
	line_up 2
	kill -TERM "${WAITER[1]}"
	finish "${WAITER[1]}"
	assert_status 143
	assert_equal "$(queue_length)" 1
	release_holder
	finish "${WAITER[2]}"
	assert_equal "$(cat "$LOG")" "$(expect_runs 2)"
	assert_free
}

@test "a waiter that gets TERM when it has been granted the lock gives it back at once" {
	local began
	hold "$lock"
	line_up 2
	kill -STOP "${WAITER[1]}"
	release_holder
	wait_until record_is pending
	kill -TERM "${WAITER[1]}"
	began=$(now)
	kill -CONT "${WAITER[1]}"
	finish "${WAITER[2]}"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 500)" ms
	finish "${WAITER[1]}"
	assert_status 143
	assert_equal "$(cat "$LOG")" "$(expect_runs 2)"
	assert_free
}

@test "every signal that ends a process ends a waiter" {
	local signal
	hold "$lock"
	# A shell starts its background jobs with INT and QUIT ignored.
	for signal in HUP USR1 ALRM; do
		background "$NETFLOCK" "$lock" -- true
		wait_for_waiters 1
		kill -s "$signal" "$PID"
		finish
		assert_status $((128 + $(kill -l "$signal")))
		assert_equal "$(queue_length)" 0 "waiters after $signal"
	done
	release_holder
}

# How many scripts a hand-over and the end of the next holder take.
hand_over() {
	hold "$lock"
	queue_up 1
	wait_for_waiters 1
	$R CONFIG RESETSTAT >/dev/null
	echo 0 1<>"${HOLD_FILES[$HOLDER]}.fifo" >&1
	finish "${WAITER[1]}"
	finish "$HOLDER"
	scripts_run
}

@test "handing the lock over takes two requests" {
	local scripts=0 i
	# The release that grants, and the confirmation; then the waiter's own release.  A renewal that falls into that time
	# can only add to it: so one of a few must show it.
	for ((i = 0; i < 5 && scripts != 3; i++)); do
		: >"$LOG"
		hand_over >"$BATS_TEST_TMPDIR/scripts"
		scripts=$(cat "$BATS_TEST_TMPDIR/scripts")
		assert_between "$scripts" 3 5 "scripts run"
		assert_equal "$(cat "$LOG")" "$(expect_runs 1)"
	done
	assert_equal "$scripts" 3 "scripts run"
}

@test "a lock that nobody wants takes two requests" {
	try "$lock" -- true # the scripts are known from now on
	$R CONFIG RESETSTAT >/dev/null
	try "$lock" -- true
	assert_silent
	assert_equal "$(scripts_run)" 2 "scripts run"
}

@test "waiting costs the server next to nothing" {
	local began
	hold "$lock"
	line_up 5
	$R CONFIG RESETSTAT >/dev/null
	began=$(now)
	wait_until passed $((began + 3000))
	# The holder renews every 10 s; a waiter asks every 30 s.
	assert_between "$(scripts_run)" 0 2 "scripts run in 3 s with 5 waiters"
	for n in 1 2 3 4 5; do kill "${WAITER[n]}"; done
	for n in 1 2 3 4 5; do finish "${WAITER[n]}"; done
	release_holder
}
passed() { [ "$(now)" -ge "$1" ]; }

@test "what a lock leaves in the server lasts a week, and a queue as long as somebody waits" {
	hold "$lock"
	line_up 1
	assert_between "$($R PTTL "netflock:{$lock}:queue")" 590000 600000 "the queue's expiry"
	assert_between "$($R PTTL "netflock:{$lock}:waiters")" 590000 600000 "the waiters' expiry"
	assert_between "$($R PTTL "netflock:{$lock}")" 604700000 604800000 "the lock's expiry"
	release_holder
	finish "${WAITER[1]}"
	assert_free
	assert_between "$($R PTTL "netflock:{$lock}")" 604700000 604800000 "the lock's expiry"
	assert_equal "$($R HKEYS "netflock:{$lock}" | sort | paste -sd' ')" "born done fence granted last order" "fields left"
}

@test "a holder's host that vanishes frees the lock when the lease ends" {
	local began took tree
	hold "$lock" -t 2s -k 100ms --io-timeout 100ms
	queue_up 1
	wait_for_waiters 1
	# shellcheck disable=SC2046
	kill -STOP $(process_tree "$HOLDER")
	began=$(now)
	finish "${WAITER[1]}"
	took=$(($(now) - began))
	assert_status 0
	assert_between "$took" 1200 $((2000 + $(stretch 500))) "ms until the lease ended"
	# shellcheck disable=SC2046
	kill -KILL $(process_tree "$HOLDER")
	finish "$HOLDER"
}

@test "the waiter of a killed holder runs at once" {
	local began
	hold "$lock"
	queue_up 1
	wait_for_waiters 1
	began=$(now)
	kill -KILL "$HOLDER"
	finish "${WAITER[1]}"
	assert_status 0
	assert_between $(($(now) - began)) 0 "$(stretch 500)" ms
	finish "$HOLDER"
	assert_free
}

@test "ten jobs that all want the lock at the same moment run one after the other" {
	local pids=() pid
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$NETFLOCK" "$lock" -- "$TOOLS/beat" "$BATS_TEST_TMPDIR/beats" 20 3>&- 4>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		finish "$pid"
		assert_status 0
	done
	run python3 "$TESTS/tools/overlap.py" "$BATS_TEST_TMPDIR/beats"
	assert_status 0
	assert_equal "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/beats" | sort -u | wc -l)" 10 "different holders"
	assert_free
}
