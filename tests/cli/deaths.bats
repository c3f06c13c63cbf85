# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2154,SC2030,SC2031,SC2086  # quotes for inner shells; bats' subshells are meant
load common
load process

setup() {
	common_setup
	UP=$BATS_TEST_TMPDIR/up
	export UP
	# A command with a child, a daemon in its own session, and a grandchild whose parent is gone.
	TREE='sleep 61 & setsid sleep 62 & (setsid sh -c "sleep 63 & sleep 64" & ) ; echo up >>$UP; wait; sleep 65'
}

# Start a tree under the lock and set FRONT, KEEPER, COMMAND and BELOW (the command and all below it).
start() {
	background "$NETFLOCK" "$@"
	FRONT=$PID
	wait_for_line "$UP" up
	wait_until tree_has 5
	KEEPER=$(keeper_of "$FRONT")
	COMMAND=$(keeper_of "$KEEPER")
	BELOW=$(process_tree "$KEEPER" | tail -n +2)
}
tree_has() { [ "$(process_tree "$FRONT" | wc -l)" -gt "$1" ]; }
# All of $BELOW is dead and the lock free within MS of $BEGIN.
below_gone_within() {
	wait_until processes_gone $BELOW
	wait_until assert_free 2>/dev/null
	assert_between $(($(now) - BEGIN)) 0 "$(stretch "$1")" "ms until the tree is dead and the lock free"
}

@test "front killed: the whole tree is dead and the next waiter runs at once" {
	start "$lock" sh -c "$TREE"
	background netflock "$lock" sh -c 'echo "$(($(date +%s%N) / 1000000))"'
	wait_for_waiters 1
	BEGIN=$(now)
	kill -KILL "$FRONT"
	finish "$PID"
	assert_status 0
	assert_between $(($(cat "$OUT") - BEGIN)) 0 "$(stretch 200)"
	below_gone_within 1000
	finish "$FRONT"
	assert_status 137
}

@test "front killed: dead within a tenth of a second" {
	start "$lock" sh -c "$TREE"
	BEGIN=$(now)
	kill -KILL "$FRONT"
	below_gone_within 250 # 0.1 s, and what this shell needs to see it
}

@test "keeper killed: the whole tree is dead, the lock free, and it says so with 70" {
	start "$lock" sh -c "$TREE"
	background netflock "$lock" sh -c 'echo "$(($(date +%s%N) / 1000000))"'
	wait_for_waiters 1
	BEGIN=$(now)
	kill -KILL "$KEEPER"
	finish "$PID"
	assert_between $(($(cat "$OUT") - BEGIN)) 0 "$(stretch 200)"
	finish "$FRONT"
	assert_status 70
	below_gone_within 1000
	assert_equal "$(cat "$BATS_TEST_TMPDIR/background.1.err")" \
		"netflock: $lock: the lock's keeper process was killed; the command was killed"
}

@test "a crash of the front is as good as a kill" {
	# A sanitizer would take the signal for a finding.
	ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0 start "$lock" sh -c "$TREE"
	BEGIN=$(now)
	kill -SEGV "$FRONT"
	below_gone_within 1000
	finish "$FRONT"
	assert_status 139
}

@test "front and keeper killed: the command itself is dead" {
	start "$lock" sh -c "$TREE"
	kill -KILL "$FRONT" "$KEEPER"
	wait_until process_gone "$COMMAND"
	kill -KILL $BELOW 2>/dev/null || :
}

@test "the keeper has another name than netflock, so that killing all of that name leaves it" {
	start "$lock" sh -c "$TREE"
	assert_equal "$(cat "/proc/$KEEPER/comm")" lock-keeper
	BEGIN=$(now)
	kill -KILL "$FRONT"
	below_gone_within 1000
}

@test "command killed: its status, and the lock is free" {
	start "$lock" sh -c "$TREE"
	kill -KILL "$COMMAND"
	finish "$FRONT"
	assert_status 137
	assert_free
	kill -KILL $BELOW 2>/dev/null || :
}

@test "front stopped: the lock is held and renewed, and the command's end is reported later" {
	start -t 1.2s "$lock" bash -c 'sleep 61 & sleep 62 & sleep 63 & sleep 64 & echo up >$UP; while [ ! -e $UP.go ]; do sleep 0.02; done; kill %1 %2 %3 %4; exit 9'
	kill -STOP "$FRONT"
	for _ in 1 2 3 4 5 6 7; do wait_for_renewal; done
	: >"$UP.go"
	wait_until assert_free
	is_stopped "$FRONT"
	kill -CONT "$FRONT"
	finish "$FRONT"
	assert_status 9
}

@test "front stopped and killed: the tree is dead and the lock free" {
	start "$lock" sh -c "$TREE"
	kill -STOP "$FRONT"
	wait_until is_stopped "$FRONT"
	BEGIN=$(now)
	kill -KILL "$FRONT"
	below_gone_within 1000
}

@test "keeper stopped once: it is continued at once and nothing is lost" {
	start -t 1.2s "$lock" sh -c "$TREE"
	kill -STOP "$KEEPER"
	for _ in 1 2 3 4; do wait_for_renewal; done
	is_running "$KEEPER"
	kill -TERM "$FRONT"
	finish "$FRONT"
	assert_status 143
	assert_free
}

@test "keeper stopped twice: the tree is dead before the lease ends, and the status is 76" {
	background "$NETFLOCK" -t 2s "$lock" "$TOOLS/beat" "$UP.beat"
	FRONT=$PID
	wait_until beats "$UP.beat"
	KEEPER=$(keeper_of "$FRONT")
	take_lease_end
	kill -STOP "$KEEPER"
	wait_until is_running "$KEEPER"
	kill -STOP "$KEEPER"
	finish "$FRONT"
	assert_status 76
	assert_between "$(last_beat "$UP.beat")" 0 "$LEASE_END"
	wait_until assert_free
}

@test "front and keeper stopped beyond the lease: on waking up the command is killed first, 76" {
	start -t 1.2s "$lock" sh -c "$TREE"
	kill -STOP "$FRONT" # first: it would continue the keeper
	wait_until is_stopped "$FRONT"
	kill -STOP "$KEEPER"
	wait_until is_stopped "$KEEPER"
	netflock "$lock" true # the lease has run out
	BEGIN=$(now)
	kill -CONT "$KEEPER"
	wait_until processes_gone $BELOW
	assert_between $(($(now) - BEGIN)) 0 "$(stretch 250)"
	kill -CONT "$FRONT"
	finish "$FRONT"
	assert_status 76
}

@test "a command that is stopped keeps its lock" {
	start -t 1.2s "$lock" sh -c "$TREE"
	kill -STOP "$COMMAND"
	for _ in 1 2 3 4 5 6 7; do wait_for_renewal; done
	kill -CONT "$COMMAND"
	kill -TERM "$FRONT"
	finish "$FRONT"
	assert_status 143
}

@test "server paused beyond the lease: the last beat lies before the lease's end, whatever the command does" {
	local how
	for how in "" -t; do
		: >"$UP.beat"
		# shellcheck disable=SC2086  # -t: ignores TERM
		background "$NETFLOCK" -t 1.5s "$lock" "$TOOLS/beat" $how "$UP.beat"
		wait_until beats "$UP.beat"
		take_lease_end
		server_stop
		finish
		server_cont
		assert_status 76
		assert_between "$(last_beat "$UP.beat")" $((LEASE_END - 1000)) "$LEASE_END"
		# Renewals that the server reads now cost a lease at most.
		netflock -w 10s "$lock" true
		assert_free
	done
}

@test "a stopped command is killed in time when the server is away" {
	start -t 1.2s "$lock" sh -c "$TREE"
	kill -STOP $BELOW
	server_stop
	finish "$FRONT"
	server_cont
	assert_status 76
	processes_gone $BELOW
	wait_until assert_free
}

@test "server paused for less than the lease: nothing happens" {
	start -t 3s "$lock" sh -c "$TREE"
	wait_for_renewal
	server_stop
	wait_for_line "$BATS_TEST_TMPDIR/background.1.err" 'cannot renew the lock'
	server_cont
	wait_for_line "$BATS_TEST_TMPDIR/background.1.err" 'renewed again'
	kill -TERM "$FRONT"
	finish "$FRONT"
	assert_status 143
	assert_free
}

@test "a command that goes on forking is dead before the lock is free" {
	local file=$BATS_TEST_TMPDIR/bomb
	# Each child forks the next one and ends; some stay.
	cat >"$file.c" <<-'EOF'
		#include <signal.h>
		#include <stdio.h>
		#include <time.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			int n = 0;
			time_t end = time(NULL) + 60; /* whoever fails to kill it */
			signal(SIGTERM, SIG_IGN);
			signal(SIGCHLD, SIG_IGN);
			fclose(fopen(argv[argc - 1], "w"));
			(void)!fork(); /* two lines of them: one walk does not find both */
			for (; time(NULL) < end; n++) {
				pid_t pid = fork();
				if (pid > 0)
					_exit(0);
				if (n % 64 == 0)
					setsid();
			}
			return 0;
		}
	EOF
	cc -o "$file" "$file.c"
	local n
	for n in 1 2 3; do
		rm -f "$UP"
		background "$NETFLOCK" --wait-all "$lock" "$file" "$UP"
		wait_for_file "$UP"
		BEGIN=$(now)
		kill -KILL "$PID"
		wait_until assert_free
		assert_between $(($(now) - BEGIN)) 0 "$(stretch 1500)"
		assert_equal "$(pgrep -f "^$file")" "" "left"
	done
}

@test "children that a shell had before it became netflock are never killed, nor theirs" {
	local old
	background sh -c 'sh -c "sleep 66 & echo \$! >$UP.2; exec sleep 67" & echo $! >$UP.1; exec "$NETFLOCK" "$0" sh -c "echo up >$UP; exec sleep 60"' "$lock"
	wait_for_line "$UP" up
	wait_for_file "$UP.2"
	kill -KILL "$(pgrep -P "$PID" lock-keeper)"
	finish
	assert_status 70
	assert_free
	for old in "$(cat "$UP.1")" "$(cat "$UP.2")"; do
		is_running "$old"
		kill "$old"
	done
}

@test "what such children leave is never killed either, and is reaped" {
	background sh -c 'sh -c "sleep 0.1 & echo \$! >$UP.0; until [ -e $UP.go ]; do sleep 0.02; done
		(sleep 66 & echo \$! >$UP.2); exec sleep 67" & echo $! >$UP.1
		exec "$NETFLOCK" "$0" sh -c "sleep 64 & echo \$! >$UP.3; echo up >$UP; exec sleep 60"' "$lock"
	wait_for_line "$UP" up
	: >"$UP.go"
	wait_for_line "$UP.2" '[0-9]'
	wait_until child_of_front "$(cat "$UP.2")"
	kill -KILL "$(pgrep -P "$PID" lock-keeper)"
	finish
	assert_status 70
	assert_free
	process_gone "$(cat "$UP.3")"
	kill "$(cat "$UP.1")"
	kill "$(cat "$UP.2")"
}

@test "beside such children: a large command, which takes its time to die, hides none of its own" {
	local code="import subprocess, time; fill = b'x' * (256 << 20); f = open('$UP', 'w')
print(subprocess.Popen(['sleep', '64']).pid, file=f, flush=True); time.sleep(60)"
	background sh -c 'sleep 67 & echo $! >"$2"; exec "$NETFLOCK" "$0" python3 -c "$1"' "$lock" "$code" "$UP.1"
	wait_for_line "$UP" '[0-9]'
	kill -KILL "$(pgrep -P "$PID" lock-keeper)"
	finish
	assert_status 70
	assert_free
	process_gone "$(cat "$UP")"
	kill "$(cat "$UP.1")"
}
child_of_front() { [ "$(sed 's/.*) . //; s/ .*//' "/proc/$1/stat")" = "$PID" ]; }

@test "an orphan that falls to netflock is reaped while the command runs" {
	background sh -c '(until [ -e $UP.go ]; do sleep 0.02; done) & echo $! >$UP.1
		exec "$NETFLOCK" "$0" sh -c "echo up >$UP; exec sleep 60"' "$lock"
	wait_for_line "$UP" up
	: >"$UP.go"
	wait_until test ! -e "/proc/$(cat "$UP.1")"
	kill "$PID"
	finish
	assert_status 143
}

@test "keeper killed while it stops the command of a lost lock: 76" {
	start -k 5s "$lock" sh -c "trap '' TERM; $TREE; while :; do sleep 1; done"
	wait_until holder_listens
	netflock reset "$lock" >/dev/null &
	wait_for_line "$BATS_TEST_TMPDIR/background.1.err" 'lock lost'
	kill -KILL "$KEEPER"
	finish "$FRONT"
	assert_status 76
	below_gone
	wait_until assert_free
}
holder_listens() { [ -n "$($R PUBSUB CHANNELS "netflock:{$lock}:*")" ]; }
below_gone() {
	wait_until processes_gone $BELOW
}

# A pipe that is full, as descriptor 8.
full_pipe() {
	mkfifo "$UP.fifo"
	exec 8<>"$UP.fifo"
	python3 -c 'import os; os.set_blocking(8, False)
try:
    while True: os.write(8, b"x" * 4096)
except BlockingIOError: os.set_blocking(8, True)' 8>&8
}

@test "keeper killed while nobody reads stderr: dead within a tenth of a second all the same" {
	full_pipe
	"$NETFLOCK" -v -T 300ms -k 4s "$lock" bash -c 'trap "echo term >$UP.term" TERM; exec 2>/dev/null; echo up >$UP; while :; do sleep 0.02; done' \
		2>&8 3>&- 4>&- 8>&- &
	PID=$!
	wait_for_line "$UP" up
	KEEPER=$(keeper_of)
	COMMAND=$(command_of)
	wait_for_line "$UP.term" term # and said so
	BEGIN=$(now)
	kill -KILL "$KEEPER"
	wait_until assert_free 2>/dev/null
	assert_between $(($(now) - BEGIN)) 0 "$(stretch 250)" # as above
	process_gone "$COMMAND"
	finish
	assert_status 70
	exec 8>&-
}

@test "a full stderr that nobody reads does not keep the command alive" {
	full_pipe
	"$NETFLOCK" -v -t 1.5s "$lock" "$TOOLS/beat" "$UP.beat" 2>&8 3>&- 4>&- 8>&- &
	PID=$!
	wait_until beats "$UP.beat"
	take_lease_end
	server_stop
	finish
	server_cont
	assert_status 76
	assert_between "$(last_beat "$UP.beat")" 0 "$LEASE_END"
	exec 8>&-
	wait_until assert_free
}

@test "stderr on a full disk, or closed, changes nothing" {
	local n
	for n in 1 2; do
		: >"$UP.beat"
		if [ $n = 1 ]; then
			"$NETFLOCK" -v -t 1.5s "$lock" "$TOOLS/beat" "$UP.beat" 2>/dev/full 3>&- 4>&- &
		else
			"$NETFLOCK" -v -t 1.5s "$lock" "$TOOLS/beat" "$UP.beat" 2>&- 3>&- 4>&- &
		fi
		PID=$!
		wait_until beats "$UP.beat"
		take_lease_end
		server_stop
		finish
		server_cont
		assert_status 76
		assert_between "$(last_beat "$UP.beat")" 0 "$LEASE_END"
		wait_until assert_free
	done
}
