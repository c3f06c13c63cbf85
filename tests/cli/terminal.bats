# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034,SC2154  # quotes for inner shells
load common
load process

# How a python parent sees netflock end.
REPORT='import signal, subprocess, sys
for n in signal.SIGINT, signal.SIGQUIT: signal.signal(n, lambda *a: None)
p = subprocess.Popen(sys.argv[1:])
print("status", p.wait(), flush=True)'

# What bash starts in the background ignores Ctrl-C.
background_pty() { background env --default-signal=INT,QUIT python3 "$TESTS/tools/pty.py" "$@"; }

@test "Ctrl-C ends the command, and netflock dies of it as well" {
	pty expect:ready 'send:\x03' 'expect:status -2' -- python3 -c "$REPORT" "$NETFLOCK" "$lock" -- sh -c 'echo ready; exec sleep 60'
	assert_status 0
	assert_free
}

@test "Ctrl-\\ ends the command, and netflock dies of it as well, without a core" {
	pty expect:ready 'send:\x1c' 'expect:status -3' -- python3 -c "$REPORT" "$NETFLOCK" "$lock" -- sh -c 'ulimit -c 0; echo ready; exec sleep 60'
	assert_status 0
	assert_free
}

@test "Ctrl-C reaches the command once" {
	# A shell would take two that come close together for one.
	cat >"$BATS_TEST_TMPDIR/count.c" <<-'EOF'
		#include <signal.h>
		#include <unistd.h>
		static void caught(int n) { (void)n; if (write(1, "caught\n", 7) != 7) _exit(1); }
		int main(void)
		{
			char c;
			struct sigaction a = { .sa_handler = caught, .sa_flags = SA_RESTART };
			sigaction(SIGINT, &a, 0);
			sigaction(SIGQUIT, &a, 0);
			if (write(1, "ready\n", 6) != 6 || read(0, &c, 1) != 1)
				return 1;
			return write(1, "end\n", 4) != 4;
		}
	EOF
	cc -o "$BATS_TEST_TMPDIR/count" "$BATS_TEST_TMPDIR/count.c"
	pty expect:ready 'send:\x03' expect:caught 'send:\x1c' expect:caught 'send:done\n' expect:end \
		-- "$NETFLOCK" "$lock" -- "$BATS_TEST_TMPDIR/count"
	assert_status 0
	assert_equal "$(grep -c caught <<<"$output")" 2
	assert_free
}

@test "an interactive command reads the terminal" {
	pty 'expect:what\?' 'send:answer\n' 'expect:it was answer' -- "$NETFLOCK" "$lock" -- sh -c 'printf "what?"; read x; echo "it was $x"; exit 3'
	assert_status 3
	pty 'expect:[$#] ' 'send:tty; exit 5\n' 'expect:/dev/pts' -- "$NETFLOCK" "$lock" -- bash --norc --noediting -i
	assert_status 5
}

@test "Ctrl-Z stops the job while the lock stays held and renewed, and fg goes on" {
	PS1='> ' background_pty --timeout $((30 * FACTOR)) 'expect:[$#>] ' \
		"send:$NETFLOCK -t 1.2s $lock sh -c 'echo ready; read x; echo got \$x; exit 4'\n" \
		'expect:^ready' 'send:\x1a' 'expect:Stopped' "send:until [ -e $BATS_TEST_TMPDIR/go ]; do sleep 0.05; done; fg; echo status \$?\n" \
		'expect:sh -c' 'send:text\n' 'expect:^got text' 'expect:^status 4' 'send:exit 0\n' -- bash --norc --noediting -i
	wait_for_line "$OUT" Stopped
	local front
	front=$(pgrep -f "^$NETFLOCK -t 1.2s $lock" | head -n 1)
	wait_until is_stopped "$front"
	for _ in 1 2 3 4 5 6 7; do wait_for_renewal; done # two leases and more
	: >"$BATS_TEST_TMPDIR/go"
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_free
}

@test "Ctrl-Z is ignored where nobody could continue the job, as without netflock" {
	for prefix in "" "$NETFLOCK $lock"; do
		# shellcheck disable=SC2086  # words
		pty 'expect:ready' 'send:\x1a' 'expect:\^Z' 'send:text\n' 'expect:got text' -- $prefix sh -c 'echo ready; read x; echo "got $x"; exit 4'
		assert_status 4
	done
	assert_free
}

@test "a job in the background that reads the terminal is stopped, and fg lets it read" {
	pty 'expect:[$#] ' "send:$NETFLOCK $lock cat &\n" 'expect:[0-9]+' 'send:until jobs | grep -q Stopped; do sleep 0.05; done; echo s""een\n' \
		'expect:^seen' 'send:fg\n' foreground:other 'send:hello\n' 'expect:hello\nhello' 'send:\x04' 'expect:[$#] ' \
		'send:exit 0\n' -- bash --norc --noediting -i
	assert_status 0
	assert_free
}

@test "warnings on a terminal with tostop, or stopped by Ctrl-S, do not cost the lock" {
	# In the background of its shell, with tostop: a write would stop it.
	background_pty --timeout $((30 * FACTOR)) 'expect:[$#] ' 'send:stty tostop\n' 'expect:[$#] ' \
		"send:$NETFLOCK -t 3s $lock sh -c 'until [ -e $BATS_TEST_TMPDIR/go ]; do sleep 0.05; done; exit 0' & wait \$!; echo status \$?\n" \
		'expect:cannot renew' 'send:\x13' "expect:.{0}" -- bash --norc --noediting -i
	wait_until held
	wait_for_renewal
	server_stop
	wait_for_line "$OUT" 'cannot renew'
	server_cont
	for _ in 1 2 3; do wait_for_renewal; done
	: >"$BATS_TEST_TMPDIR/go"
	wait_until assert_free
	kill "$PID" 2>/dev/null || :
	finish
}

@test "Ctrl-S while it warns: the command is stopped in time, and the lock is kept if it may be" {
	background_pty --timeout $((30 * FACTOR)) expect:ready 'send:\x13' "expect:renewed again" \
		-- "$NETFLOCK" -v -t 2s "$lock" -- sh -c 'echo ready; until [ -e "$0" ]; do sleep 0.05; done' "$BATS_TEST_TMPDIR/go"
	wait_for_line "$OUT" ready
	wait_for_renewal
	server_stop
	sleep 0.8 # a failed renewal: ttl/3 and the I/O timeout; the lease is 2 s
	server_cont
	for _ in 1 2 3 4; do wait_for_renewal; done
	: >"$BATS_TEST_TMPDIR/go"
	wait_until assert_free
	kill "$PID" 2>/dev/null || :
	finish
}

@test "a new window size ends neither a wait nor a run, and reaches the command once" {
	hold "$lock"
	background_pty expect:waiting size:30x90 size:31x91 expect:ready size:32x92 expect:caught 'send:\x03' \
		expect:bye -- "$NETFLOCK" "$lock" -- \
		bash -c 'trap "echo caught" WINCH; trap "echo bye; exit 0" INT; echo ready; while :; do sleep 0.02; done'
	wait_for_line "$OUT" waiting
	wait_for_waiters 1
	release_holder
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_equal "$(grep -c caught "$OUT")" 1
}

@test "Ctrl-C while it waits leaves the queue at once, and it dies of it" {
	local begin interrupted played
	hold "$lock"
	background_pty expect:waiting 'send:\x03' 'expect:status -2' -- \
		python3 -c "$REPORT" "$NETFLOCK" "$lock" true
	interrupted=$OUT
	played=$PID
	wait_for_waiters 1
	background netflock "$lock" true
	wait_for_line "$interrupted" 'status -2'
	assert_equal "$($R ZCARD "netflock:{$lock}:queue")" 1 waiters
	begin=$(now)
	release_holder
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_between $(($(now) - begin)) 0 "$(stretch 300)"
	finish "$played"
	assert_free
}

@test "a hang-up of the terminal reaches the command of a netflock that leads the session" {
	local file=$BATS_TEST_TMPDIR/got
	pty expect:ready hangup -- "$NETFLOCK" "$lock" -- bash -c "trap 'echo HUP >$file; exit 6' HUP; echo ready; while :; do sleep 0.05; done"
	assert_equal "$(cat "$file")" HUP
	assert_status 6
	assert_free
}

@test "in a new pid namespace the command still reads its terminal" {
	pty 'expect:what\?' 'send:answer\n' 'expect:it was answer' -- unshare --pid --fork --mount-proc \
		"$NETFLOCK" "$lock" -- sh -c 'printf "what?"; read x; echo "it was $x"; exit 3'
	assert_status 3
}

# A keeper that says "ready" just before it starts the command, and waits until told to go on.
slow_start() {
	case $NETFLOCK in *asan* | *tsan*) skip "a sanitizer wants to be loaded first" ;; esac
	cat >"$BATS_TEST_TMPDIR/slow.c" <<-'EOF'
		#define _GNU_SOURCE
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <sys/timerfd.h>
		#include <unistd.h>
		int timerfd_create(int clock, int flags)
		{
			const char *go = getenv("SLOW_GO");
			if (write(2, "ready\n", 6) != 6)
				_exit(1);
			while (access(go, F_OK) != 0)
				usleep(1000);
			return (int)syscall(SYS_timerfd_create, clock, flags);
		}
	EOF
	cc -shared -fPIC -o "$BATS_TEST_TMPDIR/slow.so" "$BATS_TEST_TMPDIR/slow.c"
	export SLOW_GO=$BATS_TEST_TMPDIR/go
	SLOW=(env "LD_PRELOAD=$BATS_TEST_TMPDIR/slow.so")
}

@test "Ctrl-C between the grant and the command's start is not lost" {
	slow_start
	background_pty expect:ready 'send:\x03' 'expect:status -2' -- \
		python3 -c "$REPORT" "${SLOW[@]}" "$NETFLOCK" "$lock" -- sleep 60
	wait_for_line "$OUT" '\^C'
	: >"$SLOW_GO"
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_free
}

@test "Ctrl-C between the grant and the command's start is not lost when the front is slow to see it" {
	slow_start
	local front keeper
	background_pty expect:ready 'send:\x03' 'expect:status -2' -- \
		python3 -c "$REPORT" "${SLOW[@]}" "$NETFLOCK" "$lock" -- sleep 60
	wait_for_line "$OUT" ready
	front=$(pgrep -f "^$NETFLOCK $lock" | head -n 1)
	keeper=$(keeper_of "$front")
	kill -STOP "$front"
	wait_for_line "$OUT" '\^C'
	: >"$SLOW_GO"
	wait_until process_gone "$keeper"
	kill -CONT "$front"
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_free
}

@test "Ctrl-Z between the grant and the command's start, until the lease is over: fg does not start it" {
	slow_start
	background_pty 'expect:[$#] ' "send:${SLOW[*]} $NETFLOCK -t 1.2s $lock sh -c 'echo it runs'\n" \
		expect:^ready 'send:\x1a' expect:Stopped 'expect:[$#] ' \
		"send:: >$SLOW_GO; $NETFLOCK $lock sh -c 'echo other runs'; fg; echo status=\$?\n" \
		'expect:(^|\x1b\[K)other runs' 'expect:^status=(69|76)' 'send:exit 0\n' \
		-- bash --norc --noediting -i
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	run ! grep -q '^it runs' "$OUT"
	assert_free
}

@test "Ctrl-Z between the grant and the command's start stops the job, and fg goes on" {
	slow_start
	background_pty 'expect:[$#] ' "send:${SLOW[*]} $NETFLOCK $lock sh -c 'echo it runs'\n" \
		expect:^ready 'send:\x1a' expect:Stopped 'expect:[$#] ' 'send:fg\n' 'expect:^it runs' 'send:exit 0\n' \
		-- bash --norc --noediting -i
	wait_for_line "$OUT" Stopped
	: >"$SLOW_GO"
	finish
	[ "$status" = 0 ] || cat "$OUT" "$ERR" >&2
	assert_status 0
	assert_free
}
