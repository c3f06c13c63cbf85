#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Keys that a cluster has in different slots.
# shellcheck disable=SC2154
load common

setup_file() {
	common_setup_file --cluster-enabled yes
	$R CLUSTER ADDSLOTSRANGE 0 16383 >/dev/null
	wait_until slots_served
}
slots_served() { [ "$($R GET x)" = "" ]; }

@test "locks in different slots are refused with a way out, and nothing is held" {
	try --with "$lock.b" "$lock.a" true
	assert_status 78
	assert_stderr_matches "^netflock: $lock.a: .* says: CROSSSLOT .* \(on a cluster the names of --with must begin with a common \{tag\}: '\{app\}a' and '\{app\}b'\)$"
	assert_stderr_lines 1
	assert_free "$lock.a"
}

@test "names that begin with a common tag are in one slot" {
	try --with "{$lock}b" "{$lock}a" -- echo ok
	assert_status 0
	assert_output ok
}

@test "a name that begins with a brace that closes is refused, since its own keys are in different slots" {
	try "}$lock" true
	assert_status 78
	assert_stderr_matches "\(on a cluster the NAME cannot begin with '\}'\)$"
}
