#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The manual's examples are run as they stand there, and what it says of systemctl stop is what happens.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2046,SC2086,SC1112
load common
load process
load examples

# The names of locks are the examples' own: each test begins with an empty server.
setup() { common_setup && examples_setup && $R FLUSHALL; }

EXAMPLES='crontab daily nightly.service nightly.timer migrate report deploy import rotate stop running'

@test "every display in EXAMPLES has a name, and a test here" {
	local section name
	section=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh WHAT/p' "$MANUAL")
	assert_equal "$(sed -n 's/^\.\\" example: //p' "$MANUAL" | xargs)" "$EXAMPLES"
	assert_equal "$(grep -c '^\.Bd' <<<"$section")" "$(wc -w <<<"$EXAMPLES")" displays
	assert_equal "$(grep -A 1 '^\.\\" example:' "$MANUAL" | grep -c '^\.Bd -literal')" "$(wc -w <<<"$EXAMPLES")" "named displays"
	for name in $EXAMPLES; do
		[ -n "$(manual_example "$name")" ] || fail "$name: empty"
		grep -v ^EXAMPLES "$BATS_TEST_FILENAME" | grep -qE "(unit_text|manual_example) $name\b" || fail "$name: no test"
	done
}

@test "the manual is well-formed" {
	run mandoc -T lint -W warning "$MANUAL"
	assert_status 0
	assert_output ""
	# A macro that quotes all that follows it has such behind "or".
	assert_equal "$(mandoc -T utf8 "$MANUAL" | sed 's/.\x08//g' | tr -s '\n ' ' ' | grep -o '‘[^’]*‘')" "" "quotes within quotes"
	if command -v groff >/dev/null; then assert_equal "$(groff -mdoc -Tutf8 -wall "$MANUAL" 2>&1 >/dev/null)" "" groff; fi
}

@test "cron: one host runs the job, the next one skips it silently" {
	local text
	stub backup
	stub date 'echo Sat'
	text=$(here "$(manual_example crontab)")
	as_cron "$text"
	assert_status 0
	assert_silent
	as_cron "$text"
	assert_status 0
	assert_silent
	assert_notes "$(printf '%s\n' 'date +%a' 'backup --day Sat' 'date +%a')"
}

@test "cron: without its PATH line nothing is found, and a bare % ends the command" {
	local text
	stub backup
	text=$(here "$(manual_example crontab)")
	as_cron "$(sed '/^PATH=/d' <<<"$text")"
	assert_status 127
	as_cron "${text/\\%/%}"
	refute_run
}
refute_run() {
	assert_notes ""
	[ "$status" != 0 ] || fail "status 0"
}

@test "cron: without -E 0 a skipped run is one line and 75" {
	local text
	stub backup
	text=$(here "$(manual_example crontab)")
	text=${text/-E 0 /}
	as_cron "$text"
	as_cron "$text"
	assert_status 75
	assert_equal "$output" ""
	assert_stderr_lines 1
}

@test "cron: once a day means once, and again after a failure" {
	local text
	stub report 'exit "$(wc -l <"'"$NOTES"'" | sed "s/1/3/; s/2/0/")"'
	text=$(here "$(manual_example daily)")
	text=${text/--jitter 5m/--jitter 5ms}
	as_cron "$text"
	assert_status 3
	as_cron "$text"
	assert_status 0
	as_cron "$text"
	assert_status 0
	assert_silent
	assert_notes "$(printf '%s\n' 'report --mail' 'report --mail')"
	run --separate-stderr netflock history daily
	assert_equal "$(awk 'NR > 1 { print $6 }' <<<"$output" | xargs)" "0 3"
}

# The unit as systemd would run it: its environment, its ExecStart, words at blanks.
unit_text() { here "$(manual_example "$1")" | sed ':a; /\\$/ { N; s/\\\n */ /; ba }'; }
unit_value() { unit_text nightly.service | sed -n "s/^$1=//p"; }
exec_start() {
	local words
	read -ra words <<<"$(unit_value ExecStart)"
	cron_environment "$(unit_value Environment)" "${words[@]}"
}

@test "systemd: the service runs the job once, and skips with a status that the unit accepts" {
	stub backup
	run --separate-stderr exec_start
	assert_status 0
	run --separate-stderr exec_start
	assert_status 75
	assert_equal "$(unit_value SuccessExitStatus)" TEMPFAIL
	assert_notes "backup --full"
}

@test "systemd: both units are what systemd-analyze accepts, where there is one" {
	local unit dir=$BATS_TEST_TMPDIR/units
	stub backup
	mkdir "$dir"
	here "$(manual_example nightly.service)" >"$dir/nightly.service"
	here "$(manual_example nightly.timer)" >"$dir/nightly.timer"
	for unit in "$dir"/*; do
		assert_equal "$(grep -cvE '^(\[[A-Z][a-z]+\]|[A-Z][A-Za-z]+=.+| +.+|)$' "$unit")" 0 "lines of $unit that are none"
	done
	if command -v systemd-analyze >/dev/null; then
		XDG_RUNTIME_DIR=$dir run --separate-stderr systemd-analyze verify "$dir/nightly.service" "$dir/nightly.timer"
		assert_status 0
		assert_equal "$(grep -F "$dir" <<<"$stderr")" "" "systemd-analyze"
	fi
}

# A job that takes SIGTERM, notes it, and ends when it is told to; its child does nothing of the kind.
start_job() {
	JOB=$BATS_TEST_TMPDIR/job
	mkfifo "$JOB.go"
	stub backup 'trap "echo TERM >>'"$JOB"'.heard" TERM
sleep 1000 & echo $! >'"$JOB"'.child
exec 9<>'"$JOB"'.go
: >'"$JOB"'.up
until read -r status <&9; do :; done
exit "$status"'
	background "$@"
	wait_for_file "$JOB.up"
}
in_front() { PATH=$STUBS:$PATH exec "$NETFLOCK" "$@"; }
heard() { grep -cs TERM "$JOB.heard" || :; }
heard_is() { [ "$(heard)" = "$1" ]; }

@test "systemctl stop, KillMode=mixed: the command hears it once, its children are killed before the lock is given back" {
	start_job in_front --kill-all -k 0 "$lock" -- backup
	kill -TERM "$PID"
	wait_until heard_is 1
	echo 3 >"$JOB.go"
	finish
	assert_status 3
	assert_equal "$(heard)" 1 "TERM was heard"
	process_gone "$(cat "$JOB.child")" || fail "its child lives"
	assert_free
}

@test "systemctl stop, KillMode=mixed: a command that it ends takes its children with it" {
	stub backup 'sleep 1000 & echo $! >'"$BATS_TEST_TMPDIR"'/child; wait'
	background in_front "$lock" -- backup
	wait_until test -s "$BATS_TEST_TMPDIR/child"
	kill -TERM "$PID"
	finish
	assert_status 143
	process_gone "$(cat "$BATS_TEST_TMPDIR/child")" || fail "its child lives"
	assert_free
}

@test "systemctl stop, KillMode=control-group: the command hears it twice, the lock is kept until it ends, and given back" {
	local tree
	start_job in_front "$lock" -- backup
	tree=$(process_tree "$PID")
	# The front last: else both signals can be pending at once, which is one.
	kill -TERM $(keeper_of) $(command_of) "$(cat "$JOB.child")"
	wait_until heard_is 1
	kill -TERM "$PID"
	wait_until heard_is 2
	held || fail "the lock is gone"
	echo 4 >"$JOB.go"
	finish
	assert_status 4
	wait_until processes_gone $tree
	assert_free
}

@test "systemctl stop, after TimeoutStopSec: all are dead, the lock stays until its lease ends" {
	local tree
	start_job in_front "$lock" -- backup
	kill -TERM "$PID"
	wait_until heard_is 1
	tree=$(process_tree "$PID")
	# At the same instant: whoever is stopped cannot act on the death of the other.
	kill -STOP "$PID"
	wait_until is_stopped "$PID"
	kill -STOP "$(keeper_of)"
	wait_until is_stopped "$(keeper_of)"
	kill -KILL $tree
	finish
	assert_status 137
	wait_until processes_gone $tree
	held || fail "the lock is free"
	$R DEL "netflock:{$lock}"
}

@test "scripts: containers migrate one after the other" {
	stub manage.py
	as_shell "$(manual_example migrate)"
	assert_status 0
	assert_notes "manage.py migrate"
}

@test "scripts: a report is made and mailed" {
	stub make-report 'echo "a report of $NETFLOCK_NAME"'
	stub mail "cat >>$NOTES"
	as_shell "$(manual_example report)"
	assert_status 0
	assert_equal "$(notes | sort)" "$(printf '%s\n' 'a report of report' 'mail -s report ops' 'make-report' | sort)"
}

@test "scripts: one that runs itself under a lock does so once, with its arguments" {
	as_script "$(manual_example deploy)" 'to the moon'
	assert_status 0
	assert_output "deploying to the moon"
	# "$0" is not on the PATH then, and need not be executable.
	manual_example deploy >"$STUBS/deploy.sh"
	run --separate-stderr in_place sh deploy.sh 'to the moon'
	assert_status 0
	assert_output "deploying to the moon"
	hold deploy
	as_script "$(manual_example deploy)" x
	assert_status 75
	assert_equal "$output" ""
	release_holder
}

@test "scripts: a lock for a part of one, in each shell" {
	local shell
	stub fetch-orders 'netflock status --names'
	stub import-orders 'netflock status --json import | grep -o "\"lease_ms\":29" || :'
	stub mail-report 'netflock status import'
	for shell in dash bash zsh; do
		: >"$NOTES"
		as_script "$(manual_example import | sed "1s|.*|#!/usr/bin/env $shell|")"
		assert_status 0
		assert_equal "$stderr" ""
		assert_equal "$(head -n 2 <<<"$output")" "$(printf '%s\n' import '"lease_ms":29')" "$shell"
		assert_matches "$output" 'import: free'
		assert_notes "$(printf '%s\n' fetch-orders import-orders mail-report)"
	done
	hold import
	as_script "$(manual_example import)"
	assert_status 75
	release_holder
}

@test "scripts: one whose lock is lost does not go on" {
	# What it has started goes on: its output is not to be waited for.
	stub fetch-orders 'exec >/dev/null 2>&1; netflock reset -q import; echo $$ >'"$BATS_TEST_TMPDIR/child; exec sleep 1000"
	stub import-orders
	as_script "$(manual_example import)"
	assert_status 143
	assert_notes fetch-orders
	wait_until test -s "$BATS_TEST_TMPDIR/child"
	kill "$(cat "$BATS_TEST_TMPDIR/child")"
}

@test "scripts: busy, lost and failed are told apart" {
	local text
	text=$(manual_example rotate)
	stub rotate-keys
	as_shell "$text"
	assert_status 0
	assert_silent
	stub rotate-keys 'exit 5'
	as_shell "$text"
	assert_status 1
	assert_stderr failed
	stub rotate-keys 'netflock reset rotate; sleep 1000'
	as_shell "$text"
	assert_status 1
	assert_stderr_matches 'the lock was lost: were the keys rotated twice\?$'
	hold rotate
	as_shell "$text"
	assert_status 0
	assert_output "another host does it"
	release_holder
}

@test "scripts: what runs is stopped, and something else runs under the lock" {
	stub restore-snapshot
	hold nightly
	as_shell "$(manual_example stop)"
	assert_status 0
	assert_output_matches '^nightly: taken from '
	assert_notes restore-snapshot
	finish "$HOLDER"
	assert_status 76
}

@test "scripts: whether it is running" {
	as_shell "$(manual_example running)"
	assert_status 0
	assert_silent
	hold nightly
	as_shell "$(manual_example running)"
	assert_output "wait until it is over"
	release_holder
}

@test "when things fail: no command is 127 or 126 before any server is asked" {
	try -u unix:///nonexistent/socket "$lock" -- no-such-command
	assert_status 127
	try -u unix:///nonexistent/socket "$lock" -- /etc/passwd
	assert_status 126
}

@test "when things fail: the words that the manual quotes are said" {
	hold "$lock" -t 3s
	server_kill
	finish "$HOLDER"
	assert_status 76
	grep -q 'cannot renew the lock' <<<"$(holder_stderr)" || fail "$(holder_stderr)"
	server_restart
	hold "$lock" -t 3s --io-timeout 100ms
	server_stop
	release_holder "$HOLDER" 5
	server_cont
	assert_status 5
	grep -q 'cannot release the lock' <<<"$(holder_stderr)" || fail "$(holder_stderr)"
}
