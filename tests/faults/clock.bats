#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The server's wall clock is stepped while locks are held.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251
load ../cli/common
load ../cli/clock

# With these the lease counts 1483 ms; renewals every 500.
SHORT="-t 1500ms -k 200ms --io-timeout 150ms"

setup_file() { clock_setup_file; }
setup() {
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	step 0
}
renewing() { [ "$($R PUBSUB CHANNELS 'netflock:*' | wc -l)" -ge 1 ]; }
holder_says() { holder_stderr | grep -q "$1"; }
beat() {
	# shellcheck disable=SC2086
	background "$NETFLOCK" "$@" "$lock" -- "$TOOLS/beat" -t "$BEATS"
	wait_for_file "$BEATS"
}
lines() { grep -c "$1" <<<"$2" || :; }

@test "the server's clock jumps past the lease: the lock is lost, and nobody overlaps by more than a renewal" {
	# shellcheck disable=SC2086
	beat $SHORT
	wait_until renewing
	step 61000
	finish
	assert_status 76
	assert_equal "$(lines 'lock lost' "$(cat "$ERR")")" 1
	step 0
	try -w 5s "$lock" -- true
	assert_status 0
}

@test "the server's clock runs ahead within the lease: a warning, and the lock is kept" {
	hold "$lock" -t 6s -k 100ms
	wait_until renewing
	step 2500
	wait_until holder_says "clock ran ahead by at least [0-9]* ms"
	release_holder
	assert_status 0
	step 0
}

@test "the server's clock is stepped back: the lock is kept, and a vanished holder costs one lease" {
	local began tree
	hold "$lock" -t 2s -k 100ms --io-timeout 100ms
	wait_until renewing
	step -61000
	try -n "$lock" -- true
	assert_status 75
	tree=$(process_tree "$HOLDER")
	# shellcheck disable=SC2086
	kill -STOP $tree
	began=$(now)
	try -w 20s "$lock" -- true
	assert_status 0
	assert_between $(($(now) - began)) 0 $((2000 + $(stretch 700))) ms
	# shellcheck disable=SC2086
	kill -KILL $tree
	finish "$HOLDER"
	step 0
}
