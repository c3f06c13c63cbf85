#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# No descriptor, no thread, no /proc: what is promised holds, or nothing is started.
# shellcheck disable=SC2016,SC2154  # quotes for inner shells
load common
load process

setup() {
	common_setup
	UP=$BATS_TEST_TMPDIR/up
	export UP
}

@test "without a free descriptor the whole tree is killed all the same, or nothing is started" {
	local n started=0 refused=0
	for n in 8 9 10 11 12 13 14 15 16 17 18 20; do
		rm -f "$UP" "$UP.pid"
		# Its child ignores TERM.
		background bash -c "ulimit -n $n && exec \"\$NETFLOCK\" -t 3s '$lock' -- \"\$@\"" - \
			bash -c '(trap "" TERM; echo $BASHPID >$UP.pid; echo up >$UP; while :; do sleep 1; done) & wait'
		wait_until settled
		if [ ! -e "$UP" ]; then
			finish
			assert_status 71
			refused=$((refused + 1))
		else
			started=$((started + 1))
			# Its record only: a lock that is deleted whole may be restored before we ask for it.
			$R HDEL "netflock:{$lock}" "$($R HKEYS "netflock:{$lock}" | grep '^h:')" >/dev/null
			netflock "$lock" true
			finish
			assert_status 76
			process_gone "$(cat "$UP.pid")"
		fi
		assert_free
	done
	assert_between $refused 1 11
	assert_between $started 1 11
}
settled() { [ -s "$UP" ] || process_gone "$PID"; }

@test "without a thread for the renewal the command goes on, and it is said once" {
	[ -z "${VARIANT:-}" ] || skip "a sanitizer needs more room than that"
	# A thread's stack is as large as ours may be.
	background bash -c "ulimit -s 4000000 && ulimit -v 2000000 && exec \"\$NETFLOCK\" -t 1500ms '$lock' -- sleep 4"
	finish
	assert_status 0
	assert_matches "$(cat "$ERR")" "^netflock: $lock: cannot start the renewal: [^;]+; trying on\$"
	assert_free
}

@test "without /proc it warns once, and the command runs" {
	unshare --pid --fork true 2>/dev/null || skip "no pid namespaces here"
	run --separate-stderr unshare --pid --fork -- "$NETFLOCK" "$lock" sh -c 'exit 3' 3>&- 4>&-
	assert_status 3
	assert_stderr "netflock: $lock: cannot look into /proc: if the command must be stopped, what it has started may run on"
	assert_free
}
