#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# When the command must be stopped, or must not be started: suspended hosts, stopped commands, late starts.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251,SC2086
load ../cli/common
load ../cli/process

setup() {
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	UP=$BATS_TEST_TMPDIR/up
}

# The host sleeps for MS, as far as netflock's clock can tell.
suspend() {
	echo "$1" >"$BOOTSHIM.new"
	mv "$BOOTSHIM.new" "$BOOTSHIM"
}
suspendable() {
	case $(basename "$(dirname "$NETFLOCK")") in asan | tsan | tools) skip "the shim must be loaded before the sanitizer" ;; esac
	export BOOTSHIM=$BATS_TEST_TMPDIR/boot
	echo 0 >"$BOOTSHIM"
	background env LD_PRELOAD="$TOOLS/bootshim.so" "$NETFLOCK" "$@"
}

@test "a host that was suspended for less than the lease: nothing happens" {
	suspendable "$lock" -- env -u LD_PRELOAD "$TOOLS/beat" "$BEATS" 700
	wait_until beats "$BEATS"
	suspend 10000
	finish
	assert_status 0
	assert_equal "$(cat "$ERR")" ""
}

@test "a host that was suspended for longer than the lease: on waking up the command is killed first, 76" {
	suspendable "$lock" -- env -u LD_PRELOAD "$TOOLS/beat" -t "$BEATS"
	wait_until beats "$BEATS"
	wait_for_renewal
	began=$(now)
	suspend 31000
	finish
	assert_between $(($(now) - began)) 0 "$(stretch 1000)" "ms: no grace, whatever the command ignores"
	assert_status 76
	assert_matches "$(cat "$ERR")" "lock lost: it could not be renewed in time"
}

@test "a host that wakes up when a renewal is overdue renews at once, before the command would have to stop" {
	# TERM is due 2318 ms after waking up (9000 - 92 - 1500 - 90 after the renewal); one that slept on would come after 3000.
	suspendable -t 9s "$lock" -- env -u LD_PRELOAD "$TOOLS/beat" "$BEATS"
	wait_until beats "$BEATS"
	wait_for_renewal
	before=$(lease_end)
	began=$(now)
	suspend 5000
	wait_until lease_is_not "$before"
	assert_between $(($(now) - began)) 0 2200 "ms until it is renewed"
	kill -TERM "$PID"
	finish
	assert_status 143
	assert_equal "$(cat "$ERR")" ""
}

@test "a stopped command is continued, so that it can act on TERM" {
	local began
	began=$(now)
	try -T 300ms -k 5s "$lock" -- bash -c 'trap "echo heard; exit 3" TERM; kill -STOP $$; echo on; sleep 60'
	assert_status 124
	assert_matches "$output" heard
	assert_between $(($(now) - began)) 300 "$(stretch 4000)" "ms: it did not need KILL"
}

@test "front and keeper wake up after the lease: a command that ignores TERM is killed without a grace" {
	local keeper command
	background "$NETFLOCK" -t 3s -k 1500ms --io-timeout 100ms "$lock" -- "$TOOLS/beat" -t "$BEATS"
	wait_until beats "$BEATS"
	keeper=$(keeper_of "$PID")
	command=$(command_of "$PID")
	kill -STOP "$PID" # first: it would continue the keeper
	wait_until is_stopped "$PID"
	kill -STOP "$keeper"
	wait_until is_stopped "$keeper"
	netflock "$lock" -- true # the lease has run out
	began=$(now)
	kill -CONT "$keeper"
	wait_until process_gone "$command"
	assert_between $(($(now) - began)) 0 "$(stretch 700)" "ms until it is dead"
	kill -CONT "$PID"
	finish
	assert_status 76
}

@test "the host dawdles between the grant and the start: the command is not started, and the lock is given back" {
	# The fork of the keeper takes longer than the lease allows.
	run --separate-stderr strace -qq -o /dev/null -e trace=clone,clone3,fork -e inject=clone,clone3,fork:delay_enter=1500000:when=1 \
		"$NETFLOCK" -t 1600ms -k 100ms --io-timeout 100ms "$lock" -- echo ran 3>&- 4>&-
	assert_status 69
	assert_output ""
	assert_stderr_matches "acquired too late"
	wait_until assert_free
}

@test "the server is away until the lease ends: the command is told with TERM before it is killed" {
	background "$NETFLOCK" -t 3s -k 1200ms --io-timeout 100ms "$lock" -- bash -c \
		'trap "echo heard; exit 3" TERM; : >"$0"; while :; do sleep 0.02; done' "$UP"
	wait_for_file "$UP"
	server_stop
	finish
	server_cont
	assert_status 76
	assert_equal "$(cat "$OUT")" heard "said: $(cat "$ERR"); stdout"
	# Renewals that the server reads now cost a lease at most.
	netflock -w 20s "$lock" true
	assert_free
}

@test "a lock that is lost at the moment when the command ends: 76, and it is said" {
	local keeper tracer
	hold "$lock" -t 20s
	wait_until holder_listens
	keeper=$(keeper_of "$HOLDER")
	# The keeper hears of the reset, and before it looks the command has ended.
	strace -qq -o "$BATS_TEST_TMPDIR/trace" -p "$keeper" -e trace=wait4 -e inject=wait4:delay_enter=700000 3>&- 4>&- &
	tracer=$!
	wait_until is_traced "$keeper"
	netflock reset --now "$lock" >/dev/null
	release_holder
	wait "$tracer" || :
	assert_status 76
	assert_equal "$(holder_stderr | grep -c 'lock lost: ')" 1 "times said: $(holder_stderr)"
}
holder_listens() { $R PUBSUB CHANNELS "netflock:{$lock}:*" | grep -q .; }
is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"; }
