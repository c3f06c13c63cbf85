# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2119,SC2120,SC2015  # bats sets status, output, stderr; files call with options
# What every bats file begins with:   load common   (tests/faults: load ../cli/common)
#
# It gives the file a private server ($NETFLOCK_URL; "$R GET x" is redis-cli on it) and every test a lock name of its own
# ($lock), and fails a test that leaves a process, a connection or a sanitizer's report behind.  A file that
# needs more defines setup_file, setup, teardown ... after the load and calls common_setup_file, common_setup, ... itself.
#
#   try ARG...                run netflock: $status, $output, $stderr
#   netflock ARG...           the same without "run" (for pipelines, background)
#   hold NAME [OPTION]...     a holder in the background: $HOLDER is its pid; release_holder [PID [STATUS]] ends its
#                             command with STATUS, waits for it and sets $status
#   background CMD...         any command: $PID, its output in $OUT and $ERR (files); finish [PID] waits, sets $status
#   wait_until CMD...         until CMD succeeds, at most $PATIENCE seconds; wait_for_line FILE REGEX; wait_for_waiters N [NAME]
#   server_stop _cont _kill _restart [OPTION]... ; server_start [OPTION]... (in setup_file); server_tcp
#   assert_status, assert_output, assert_stderr, ... : below
# A background process must not hold bats' descriptors 3 and 4: hold, background and netflock see to that.

bats_require_minimum_version 1.5.0

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LC_ALL=C.UTF-8 # for $EPOCHREALTIME's point
export NETFLOCK=${NETFLOCK:-$HERE/build/netflock}
export TOOLS=$HERE/build/tools
export TESTS=$HERE/tests
FACTOR=${NETFLOCK_TIME_FACTOR:-1} # sanitizers are slow: tests multiply their own upper bounds by it, too (stretch MS)
FACTOR=${FACTOR%.*}
PATIENCE=${PATIENCE:-$((30 * FACTOR))} # spent only when something fails

# ---------------------------------------------------------------------------------------------------- files and tests

setup_file() { common_setup_file; }
teardown_file() { common_teardown_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# Arguments: further server options.
common_setup_file() {
	local name
	for name in $(compgen -v NETFLOCK_); do
		case $name in NETFLOCK_BUILD | NETFLOCK_TIME_FACTOR | NETFLOCK_JOB) ;; *) unset "$name" ;; esac
	done
	unset REDIS_URL REDISCLI_AUTH NO_COLOR POSIXLY_CORRECT
	export NETFLOCK_CONFIG=/dev/null # whatever this machine's netflock.conf says
	export REPORTS=$BATS_FILE_TMPDIR/reports
	mkdir "$REPORTS"
	export ASAN_OPTIONS="log_path=$REPORTS/asan:abort_on_error=0:detect_leaks=1"
	export UBSAN_OPTIONS="log_path=$REPORTS/ubsan:print_stacktrace=1"
	export TSAN_OPTIONS="log_path=$REPORTS/tsan:die_after_fork=0:second_deadlock_stack=1"
	[ -x "$NETFLOCK" ] || fail "$NETFLOCK: not there: run make"
	server_start "$@"
}

common_teardown_file() {
	server_end
}

common_setup() {
	lock=t$BATS_TEST_NUMBER.$BASHPID
	export MARK=$BATS_TEST_NAME.$BASHPID
	declare -gA HOLD_FILES=()
	BACKGROUND=0
}

common_teardown() {
	local left bad=0
	server_cont 2>/dev/null
	if ! wait_until no_process_left; then
		left=$(processes_left)
		echo "processes left behind by this test:" >&2
		# shellcheck disable=SC2086  # a list of words
		ps -o pid,ppid,stat,args -p ${left//$'\n'/ } >&2
		# shellcheck disable=SC2086
		kill -KILL $left 2>/dev/null
		bad=1
	fi
	if server_answers && ! wait_until no_connection_left; then
		echo "connections left behind by this test:" >&2
		$R CLIENT LIST >&2
		$R CLIENT KILL TYPE normal >/dev/null
		$R CLIENT KILL TYPE pubsub >/dev/null
		bad=1
	fi
	no_report_left || bad=1
	return $bad
}

# Pids of what this test started and still lives (by the mark in its environment), but this very shell.
processes_left() {
	local mark="MARK=$MARK"
	MARK='' grep -lszxF "$mark" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
		process_gone "$pid" || echo "$pid"
	done
}
no_process_left() { [ -z "$(processes_left)" ]; }

# All clients but the one that asks: netflock with a scrubbed environment is found by its connection.
no_connection_left() { [ "$($R CLIENT LIST | wc -l)" -le 1 ]; }

# Sanitizers write to files, since the keeper's stderr is closed.
no_report_left() {
	local file bad=0
	for file in "$REPORTS"/*; do
		[ -e "$file" ] || continue
		if [ -s "$file" ]; then
			echo "${file##*/}:" >&2
			cat "$file" >&2
			bad=1
		fi
		rm -f "$file"
	done
	return $bad
}

# --------------------------------------------------------------------------------------------------------- the server

# Start this file's server on a unix socket; further arguments are the server's options (without blanks).
server_start() {
	SERVER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/s.XXXXXX")
	export SERVER_DIR NETFLOCK_URL="unix://$SERVER_DIR/s" R="redis-cli -s $SERVER_DIR/s"
	# shellcheck disable=SC2086  # words that run it elsewhere: tests/faults/network.bats
	setpriv --pdeathsig KILL -- ${SERVER_IN:-} "$TESTS/tools/server.sh" "$SERVER_DIR" "$@" 3>&- 4>&- &
	SUPERVISOR=$!
	server_wait
}

# Until it answers; fails with its log if it does not.
server_wait() {
	if ! wait_until server_answers; then
		cat "$SERVER_DIR/log" >&2
		fail "the server does not answer"
	fi
}
server_answers() { [ "$($R PING 2>/dev/null)" = PONG ]; }
server_pid() { cat "$SERVER_DIR/pid"; }
server_stop() { kill -STOP "$(server_pid)"; }
server_cont() { kill -CONT "$(server_pid)"; }

# SIGKILL, and wait until it is dead.
server_kill() {
	local pid
	pid=$(server_pid)
	kill -KILL "$pid" 2>/dev/null || :
	wait_until process_gone "$pid"
}

# Kill it if it runs, start it again with these options and what it has saved ("$R SAVE", --appendonly yes).
server_restart() {
	local old
	old=$(server_pid)
	server_kill
	server_tell "start $*"
	wait_until server_is_new "$old"
	server_wait
}
# Open for both, so that a supervisor that was killed does not keep us.
server_tell() { echo "$1" 1<>"$SERVER_DIR/control"; }
server_is_new() { [ "$(server_pid)" != "$1" ]; }
# As server_restart, but it has forgotten everything.
server_restart_empty() {
	server_kill
	rm -rf "$SERVER_DIR"/dump.rdb "$SERVER_DIR"/appendonlydir
	server_restart "$@"
}

# The server listens on TCP as well: $SERVER_PORT, $SERVER_TCP (a URL).
server_tcp() {
	local i
	for ((i = 0; i < 20; i++)); do
		SERVER_PORT=$(free_port)
		if $R CONFIG SET port "$SERVER_PORT" | grep -q OK; then
			export SERVER_PORT SERVER_TCP="redis://127.0.0.1:$SERVER_PORT"
			return 0
		fi
	done
	fail "no free port"
}
# A port that was free a moment ago, by the kernel's choice.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

server_end() {
	[ -n "${SERVER_DIR:-}" ] || return 0
	kill -CONT "$(server_pid)" 2>/dev/null || :
	server_tell quit
	wait "$SUPERVISOR" || :
	rm -rf "$SERVER_DIR"
}

# -------------------------------------------------------------------------------------------------- running processes

netflock() { "$NETFLOCK" "$@" 3>&- 4>&-; }

try() { run --separate-stderr netflock "$@"; }

background() {
	BACKGROUND=$((BACKGROUND + 1))
	OUT=$BATS_TEST_TMPDIR/background.$BACKGROUND.out
	ERR=$BATS_TEST_TMPDIR/background.$BACKGROUND.err
	"$@" >"$OUT" 2>"$ERR" 3>&- 4>&- &
	PID=$!
}

# Wait for a background process and set $status.  A wait without a pid would be for bats' own watch over the test, too.
finish() {
	status=0
	wait "${1:-$PID}" || status=$?
}

hold() {
	local name=$1 file
	shift
	file=$BATS_TEST_TMPDIR/hold.${#HOLD_FILES[@]}
	mkfifo "$file.fifo"
	# It has the fifo open before it is up: a status that is written at once is not lost.
	# shellcheck disable=SC2016  # for the inner shell
	"$NETFLOCK" run "$@" "$name" -- sh -c 'exec 9<>"$0.fifo"; : >"$0.up"; read -r status <&9; exit "$status"' "$file" \
		>"$file.out" 2>"$file.err" 3>&- 4>&- &
	HOLDER=$!
	HOLD_FILES[$HOLDER]=$file
	if ! wait_until hold_settled "$file" "$HOLDER" || [ ! -e "$file.up" ]; then
		fail "hold $name: not held:" "$(cat "$file.err")"
	fi
}
hold_settled() { [ -e "$1.up" ] || process_gone "$2"; }

# What a holder wrote to stderr.
holder_stderr() { cat "${HOLD_FILES[${1:-$HOLDER}]}.err"; }

release_holder() {
	local pid=${1:-$HOLDER}
	echo "${2:-0}" 1<>"${HOLD_FILES[$pid]}.fifo" >&1
	finish "$pid"
}

# Dead: no such process, or a zombie.
process_gone() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	case ${line##*) } in [ZX]*) return 0 ;; *) return 1 ;; esac
}
processes_gone() {
	local pid
	for pid; do process_gone "$pid" || return 1; done
}
# PID and all its descendants, one per line: take it while they live, wait for "processes_gone" of it later.
process_tree() {
	local pid children
	echo "$1"
	children=$(cat "/proc/$1/task/"*/children 2>/dev/null) || return 0
	for pid in $children; do process_tree "$pid"; done
}
# PID and all that descended from it while this waits.
proc_tree_gone() {
	local tree
	tree=$(process_tree "$1")
	# shellcheck disable=SC2086  # a list of words
	wait_until processes_gone $tree
}

# ------------------------------------------------------------------------------------------------------------ waiting

wait_until() {
	local until=$(($(now) + PATIENCE * 1000))
	until "$@"; do
		[ "$(now)" -lt "$until" ] || { echo "waited $PATIENCE s in vain for: $*" >&2; return 1; }
		sleep 0.01
	done
}
wait_for_line() { wait_until grep -sqE -e "$2" "$1"; }
wait_for_file() { wait_until test -e "$1"; }
wait_for_waiters() { wait_until waiters_are "$1" "${2:-$lock}"; }
waiters_are() { [ "$($R ZCARD "netflock:{$2}:queue")" = "$1" ]; }

# Milliseconds, for differences.
now() { echo "${EPOCHREALTIME%.*}${EPOCHREALTIME:(-6):3}"; }
# An upper bound of MS on a machine and a build as slow as this one.
stretch() { echo $(($1 * FACTOR)); }

# --------------------------------------------------------------------------------------------------------- assertions

fail() {
	printf '%s\n' "$@" >&2
	return 1
}
assert_equal() {
	[ "$1" = "$2" ] || fail "${3:-value}: '$1'" "expected: '$2'"
}
assert_matches() {
	[[ $1 =~ $2 ]] || fail "${3:-value}: '$1'" "does not match: '$2'"
}
assert_status() {
	[ "$status" = "$1" ] || fail "status: $status, expected: $1" "stdout: ${output-}" "stderr: ${stderr-}"
}
assert_output() { assert_equal "$output" "$1" stdout; }
assert_stderr() { assert_equal "$stderr" "$1" stderr; }
assert_output_matches() { assert_matches "$output" "$1" stdout; }
assert_stderr_matches() { assert_matches "$stderr" "$1" stderr; }
# One line of it matches the whole REGEX.
assert_output_line() { grep -qxE -e "$1" <<<"$output" || fail "stdout: '$output'" "has no line: '$1'"; }
assert_stderr_line() { grep -qxE -e "$1" <<<"$stderr" || fail "stderr: '$stderr'" "has no line: '$1'"; }
refute_stderr_line() { ! grep -qxE -e "$1" <<<"$stderr" || fail "stderr: '$stderr'" "has the line: '$1'"; }
assert_stderr_lines() { assert_equal "$(grep -c '' <<<"$stderr")" "$1" "lines of stderr: '$stderr'; how many"; }
# Nothing on stdout and stderr.
assert_silent() {
	assert_equal "$output" "" stdout
	assert_equal "$stderr" "" stderr
}
# MIN <= VALUE <= MAX
assert_between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || fail "${4:-value}: $1, expected: $2 to $3"
}
# The lock is free: nobody holds it, nobody waits.
assert_free() {
	local name=${1:-$lock} left
	left=$($R HKEYS "netflock:{$name}" | grep '^h:' || :)
	assert_equal "$left" "" "holders of '$name'" || return 1 # "wait_until assert_free", too
	assert_equal "$($R EXISTS "netflock:{$name}:queue" "netflock:{$name}:waiters")" 0 "queue keys of '$name'"
}
