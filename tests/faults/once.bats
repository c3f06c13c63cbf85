#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A daily crontab on ten hosts, --once-per 1d, for thirty days of the server's clock.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034
load ../cli/common
load ../cli/clock

setup_file() { clock_setup_file; }
setup() {
	common_setup
	step 0
}

HOUR=3600000
DAY=$((24 * HOUR))

# What each host has in its crontab; a file "fail" makes the first one of a day fail.
host() {
	"$NETFLOCK" -E 0 "$@" --once-per 1d --jitter 30ms "$lock" -- sh -c '
		echo "$1" >>"$0/ran"
		if mv "$0/fail" "$0/failed" 2>/dev/null; then exit 1; fi' "$BATS_TEST_TMPDIR" "$DAY_NUMBER" 3>&- 4>&-
}

# Ten of them at the same minute, by clocks that differ: half of them wait, half do not.
all_hosts() {
	local pids=() i pid
	for i in 0 1 2 3 4; do
		host -n &
		pids+=("$!")
		host -w 20s &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
}

@test "a daily job on ten hosts runs exactly once on each of thirty days, and again where it failed" {
	local jitter status=0
	for DAY_NUMBER in {1..30}; do
		# Cron itself comes up to half an hour early or late, against yesterday's.
		jitter=$(((DAY_NUMBER * 7919 % 60 - 30) * 60000))
		step $((DAY_NUMBER * DAY + jitter))
		if [ $((DAY_NUMBER % 10)) = 5 ]; then : >"$BATS_TEST_TMPDIR/fail"; fi
		all_hosts
	done
	[ "$status" -le 1 ] || fail "status $status"
	# The days on which the first one failed have two lines.
	assert_equal "$(sort -n "$BATS_TEST_TMPDIR/ran" | uniq -c | awk '{ print $2 ":" $1 }' | xargs)" \
		"$(for d in {1..30}; do echo "$d:$((d % 10 == 5 ? 2 : 1))"; done | xargs)"
}

@test "a job that runs once a month is remembered for a month, past the week that a lock is" {
	"$NETFLOCK" --once-per 30d "$lock" -- true
	for days in 6 13 20 29; do
		step $((days * DAY))
		try -n --once-per 30d "$lock" -- true
		assert_status 75
		# Other runs, which fail, change nothing of it.
		try -n "$lock" -- false
		assert_status 1
	done
	step $((30 * DAY))
	try -n --once-per 30d "$lock" -- true
	assert_status 0
}

@test "the server's clock is stepped back by less than the time, then by more: skipped, then run" {
	"$NETFLOCK" --once-per 1d "$lock" -- true
	step -60000
	try --once-per 1d "$lock" -- true
	assert_status 75
	step $((-2 * DAY))
	try --once-per 1d "$lock" -- true
	assert_status 0
	try --once-per 1d "$lock" -- true
	assert_status 75
}
