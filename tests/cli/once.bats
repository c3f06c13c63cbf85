#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --once-per: a run that began in that time and succeeded makes the next one needless.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034
load common

ran() { grep -sc "" "$BATS_TEST_TMPDIR/ran"; }
job() { "$NETFLOCK" "$@" "$lock" -- sh -c 'echo >>"$0/ran"; exit "${STATUS:-0}"' "$BATS_TEST_TMPDIR" 3>&- 4>&-; }

@test "after a success the next one is skipped: one line says who ran it, and when" {
	job --once-per 1h
	try --once-per 1h "$lock" -- false
	assert_status 75
	assert_stderr_matches "^netflock: $lock: skipped: [^ ]+@[^ ]+ pid [0-9]+ began it [0-9a-z]+ ago, with success \(sh -c .*\)$"
	assert_stderr_lines 1
	assert_equal "$output" ""
	assert_free
}

@test "a skipped run is silent with -E 0, and with -q; -E gives the status" {
	job --once-per 1h
	try --once-per 1h -E 0 "$lock" -- false
	assert_status 0
	assert_silent
	try --once-per 1h -E 0 -v "$lock" -- false
	assert_status 0
	assert_stderr_matches "^netflock: $lock: skipped: "
	try --once-per 1h -q "$lock" -- false
	assert_status 75
	assert_silent
	try --once-per 1h -E 9 "$lock" -- false
	assert_status 9
}

@test "who does not ask for it runs, and what he runs counts for those who do" {
	job
	job
	try --once-per 1h "$lock" -- false
	assert_status 75
	assert_equal "$(ran)" 2
}

@test "a run that failed, was stopped by its time, was lost or died lets another try" {
	STATUS=1 run job --once-per 1h
	assert_status 1
	# It ends with 0, but was stopped.
	try --once-per 1h -T 200ms "$lock" -- sh -c 'trap "exit 0" TERM; while :; do sleep 0.02; done'
	assert_status 124
	try --once-per 1h "$lock" -- sh -c 'kill -TERM $$'
	hold "$lock" --once-per 1h
	netflock reset "$lock" >/dev/null
	finish "$HOLDER"
	assert_status 76
	try --once-per 1h nothing-of-this-name -- true
	job --once-per 1h
	assert_equal "$(ran)" 2
}

@test "those who wait for the same job leave when it has succeeded, all at once and nobody is skipped over" {
	hold "$lock" --once-per 1h
	local pids=() i
	for i in 1 2 3 4; do
		background "$NETFLOCK" -v --once-per 1h "$lock" -- touch "$BATS_TEST_TMPDIR/wrong"
		pids+=("$PID")
	done
	wait_for_waiters 4
	background "$NETFLOCK" "$lock" -- touch "$BATS_TEST_TMPDIR/right"
	wait_for_waiters 5
	release_holder
	for i in "${pids[@]}"; do
		finish "$i"
		assert_status 75
	done
	finish
	assert_status 0
	[ -e "$BATS_TEST_TMPDIR/right" ] && [ ! -e "$BATS_TEST_TMPDIR/wrong" ]
	assert_free
}

@test "those who wait go on when it has failed: the first of them runs" {
	hold "$lock" --once-per 1h
	local pids=() i
	for i in 1 2 3; do
		background job --once-per 1h -E 0
		pids+=("$PID")
	done
	wait_for_waiters 3
	release_holder "$HOLDER" 1
	assert_status 1
	for i in "${pids[@]}"; do
		finish "$i"
		assert_status 0
	done
	assert_equal "$(ran)" 1
}

@test "a tenth less than the time is enough, so that a run that comes a little early is not left out" {
	job --once-per 2s
	wait_until job --once-per 2s -q
	assert_equal "$(ran)" 2
	# 1.8 s after the first began.
	assert_between "$($R HGET "netflock:{$lock}" "done" | grep -o '"since":"[0-9]*"' | tr -dc 0-9)" \
		$(($($R LINDEX "netflock:{$lock}:history" 1 | grep -o '"since":"[0-9]*"' | tr -dc 0-9) + 1800)) 9999999999999
}

@test "a success stays known for as long as it counts, though locks are forgotten after a week" {
	job --once-per 30d
	# 30 days, less an hour.
	assert_between "$($R PTTL "netflock:{$lock}")" $((2588400000 - 60000)) 2588400000
}

@test "a reset forgets nothing" {
	job --once-per 1h
	hold "$lock"
	netflock reset --now "$lock" >/dev/null
	finish "$HOLDER"
	netflock reset-all --force >/dev/null
	try --once-per 1h "$lock" -- false
	assert_status 75
}

@test "with other locks beside it a success counts for the job's own name" {
	job --once-per 1h
	try --once-per 1h "other.$lock" -- true
	assert_status 0
}

@test "what is no duration is refused" {
	try --once-per 0 "$lock" -- true
	assert_status 64
	assert_stderr "netflock: --once-per: out-of-range duration '0' (above 0, at most 365d)"
	try --once-per daily "$lock" -- true
	assert_status 64
}
