#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# acquire, renew, release, held: a lock for a script that runs already, with and without a keeper in the background.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2086
load common
load process

setup() {
	common_setup
	S=$BATS_TEST_TMPDIR/script
	export S lock
	NETFLOCK_RELEASED_MS=250 # 0.1 s, and what this shell needs to see it
}

# A script in the background, in $SHELL_ (sh): takes $lock as $ACQUIRE says, notes its token in $S.token, then does the body.
script() {
	printf '%s\n' 'token=$("$NETFLOCK" acquire '"$1"' --pid $$ "$lock") || exit' 'echo "$token" >"$S.new"; mv "$S.new" "$S.token"' "$2" >"$S.sh"
	background "${SHELL_:-sh}" "$S.sh"
	wait_until script_settled
	TOKEN=$(cat "$S.token") || fail "no token: $(cat "$ERR")"
}
script_settled() { [ -e "$S.token" ] || process_gone "$PID"; }
# Both processes of netflock in the background, and each of them: of this test.
ours() {
	local pid
	for pid in $(processes_left); do
		case $(cat /proc/$pid/comm 2>/dev/null) in netflock | lock-keeper) echo "$pid" ;; esac
	done
}
named() { for pid in $(ours); do if grep -qsx "$1" "/proc/$pid/comm"; then echo "$pid"; fi; done; }
the_keeper() { named lock-keeper; }
the_front() { named netflock; }
none_of_ours() { [ -z "$(ours)" ]; }
is_held() { "$NETFLOCK" held -q "$lock" "$TOKEN" 3>&- 4>&-; }
subscribed() { [ -n "$($R PUBSUB CHANNELS "netflock:{$lock}:*")" ]; }
# Do "$@" with a netflock that has $S.c in front of the C library.
shimmed() {
	cc -shared -fPIC -o "$S.so" "$S.c" -ldl
	export PLAIN="$NETFLOCK"
	printf '#!/bin/sh\nLD_PRELOAD=%s ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 exec "$PLAIN" "$@"\n' "$S.so" >"$S.netflock"
	chmod +x "$S.netflock"
	NETFLOCK=$S.netflock "$@"
}
# The script's body: stay until it is told to go.
STAY='until [ -e "$S.go" ]; do sleep 0.02; done'
let_go() { : >"$S.go"; }

# -------------------------------------------------------------------------------------------------------- with a keeper

@test "--pid: the lock is held while the script runs and free when it ends, in each shell" {
	local shell
	for shell in dash bash zsh; do
		rm -f "$S".*
		SHELL_=$shell script '-t 1.2s' "$STAY; exit 3"
		wait_for_renewal
		is_held || fail "$shell: not held"
		try -n "$lock" -- true
		assert_status 75
		assert_stderr_matches "held by .* pid $PID for .* \($shell $S.sh\)$"
		let_go
		finish
		assert_status 3
		wait_until assert_free
		assert_equal "$(cat "$OUT" "$ERR")" "" "$shell"
		wait_until none_of_ours
	done
}

@test "the shell killed with -9: free within a tenth of a second, and the next one runs" {
	local began victim
	script '' "$STAY"
	victim=$PID
	background netflock "$lock" -- sh -c 'echo "$(($(date +%s%N) / 1000000))"'
	wait_for_waiters 1
	began=$(now)
	kill -KILL "$victim"
	finish
	assert_status 0
	assert_between $(($(cat "$OUT") - began)) 0 "$(stretch $NETFLOCK_RELEASED_MS)" ms
	wait_until none_of_ours
}

@test "the keeper: none of the script's descriptors, a session of its own, no terminal, the root directory, no child of the script" {
	local pid
	mkfifo "$S.pipe"
	# Whoever has the pipe's other end open keeps the reader waiting.
	background sh -c 'cat <"$S.pipe"; : >"$S.eof"'
	local reader=$PID
	printf '%s\n' 'exec 7>"$S.pipe" 12>"$S.pipe"' 'token=$("$NETFLOCK" acquire --pid $$ "$lock" 2>"$S.pipe") || exit' 'exec 7>&- 12>&-' \
		'cat /proc/$$/task/$$/children >"$S.children"' 'echo "$token" >"$S.token"' "$STAY" >"$S.sh"
	background bash "$S.sh"
	local script=$PID
	wait_for_file "$S.token"
	TOKEN=$(cat "$S.token")
	wait_for_file "$S.eof"
	finish "$reader"
	is_held || fail "not held"
	assert_equal "$(tr -d ' ' <"$S.children" | wc -w)" 1 "children of the script: cat alone"
	[ "$(ours | wc -l)" = 2 ] || fail "$(ours)"
	for pid in $(ours); do
		# Of a process that must not be dumped only root sees that.
		if [ -r "/proc/$pid/fd" ] && ls "/proc/$pid/fd" >/dev/null 2>&1; then
			assert_equal "$(readlink /proc/$pid/fd/* | grep -vxE '/dev/null|(socket|pipe):.*|anon_inode:.*')" "" "descriptors of $pid"
			assert_equal "$(readlink /proc/$pid/fd/[012] | sort -u)" /dev/null "standard streams of $pid"
			assert_equal "$(readlink /proc/$pid/cwd)" / "directory of $pid"
		fi
		assert_equal "$(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f4,5)" "$pid 0" "session and terminal of $pid"
	done
	let_go
	finish "$script"
	wait_until none_of_ours
}

@test "the terminal hangs up: a script that goes on keeps its lock" {
	printf '%s\n' 'trap "" HUP' 'token=$("$NETFLOCK" acquire -t 1.2s --pid $$ "$lock") || exit' 'echo "$token" >"$S.token"; echo ready' "$STAY" \
		'"$NETFLOCK" held "$lock" "$token" 2>/dev/null; echo $? >"$S.status"' >"$S.sh"
	background python3 "$TESTS/tools/pty.py" expect:ready hangup -- sh "$S.sh"
	wait_for_file "$S.token"
	TOKEN=$(cat "$S.token")
	for _ in 1 2 3 4; do wait_for_renewal; done # a lease and more
	let_go
	finish
	wait_for_file "$S.status"
	assert_equal "$(cat "$S.status")" 0 held
	wait_until assert_free
}

@test "deleted on the server and taken by another: the script gets TERM" {
	script '-t 1.5s' "$STAY"
	# Stopped, or they would restore it before anybody can take it.
	local front keeper
	front=$(the_front)
	keeper=$(the_keeper)
	kill -STOP "$front" "$keeper"
	wait_until is_stopped "$keeper"
	$R DEL "netflock:{$lock}"
	try acquire -n "$lock"
	assert_status 0
	kill -CONT "$keeper" "$front"
	finish
	assert_status 143
	wait_until none_of_ours
}

@test "deleted on the server: the keeper restores it, as for a command" {
	script '-t 1.2s' "$STAY"
	wait_until subscribed
	wait_for_renewal
	$R DEL "netflock:{$lock}"
	wait_until held
	wait_for_renewal
	is_held || fail "not held"
	let_go
	finish
	assert_status 0
}

@test "a reset: the script is told at once, by the signal that it wants, and the lock is free when it is dead" {
	script '--signal USR1' 'trap "echo told; sleep 0.3; exit 5" USR1; '"$STAY"
	wait_until subscribed
	background netflock "$lock" -- sh -c '[ ! -d "/proc/$1" ] && echo alone' sh "$PID"
	wait_for_waiters 1
	local next=$PID out=$OUT
	try reset "$lock"
	assert_status 0
	finish "$next"
	assert_status 0
	assert_equal "$(cat "$out")" alone
	wait_until none_of_ours
}

@test "a script that ignores TERM is killed after the grace" {
	local began
	script '-k 300ms' 'trap "" TERM; '"$STAY"
	wait_until subscribed
	began=$(now)
	netflock reset -q "$lock"
	finish
	assert_status 137
	assert_between $(($(now) - began)) 300 "$(stretch 1200)" ms
	wait_until assert_free
}

@test "the server is gone: TERM, then KILL before the lease ends" {
	local command
	script '-t 2s -k 500ms --io-timeout 100ms' 'trap ": >\"\$S.term\"" TERM; while :; do "$TOOLS/boottime" >"$S.beat.new"; mv "$S.beat.new" "$S.beat"; sleep 0.01; done'
	take_lease_end
	server_stop
	finish
	assert_status 137
	server_cont
	[ -e "$S.term" ] || fail "no TERM"
	# KILL is due 50 ms before, and the script beats every 10 ms.
	assert_between $(($(cat "$S.beat") / 1000000)) $((LEASE_END - 20 - 50 - 500)) $((LEASE_END - 20)) "last beat"
	wait_until none_of_ours
	$R DEL "netflock:{$lock}"
}

@test "--on-lost warn: the script is left alone, held says so, and the keeper ends without giving the lock back" {
	script '--on-lost warn' "$STAY"
	wait_until subscribed
	netflock reset -q "$lock"
	wait_until none_of_ours
	try held "$lock" "$TOKEN"
	assert_status 1
	assert_stderr "netflock: $lock: not held by this token any more: it was reset"
	held || fail "freed while the script runs"
	process_gone "$PID" && fail "the script was ended"
	let_go
	finish
	assert_status 0
	# It is too late to be ours, but nobody runs under it any more.
	try release "$lock" "$TOKEN"
	assert_status 1
	assert_free
}

@test "release by the script: free at once, the keeper ends, the script goes on" {
	script '' '"$NETFLOCK" release "$lock" "$token"; echo $? >"$S.status"; '"$STAY"
	wait_for_file "$S.status"
	wait_until none_of_ours
	assert_equal "$(cat "$S.status")" 0
	assert_free
	let_go
	finish
	assert_status 0
}

@test "release, and the keeper does not hear of it: it learns by its next renewal, and the script goes on" {
	$R ACL SETUSER mute on nopass '~*' '&*' +@all -publish >/dev/null
	script '-t 1.2s' "$STAY"
	try release --user mute --password-file <(echo x) "$lock" "$TOKEN"
	assert_status 0
	assert_free
	# Another one has it by then, under the same name even.
	TOKEN2=$(netflock acquire --token "$TOKEN" "$lock")
	wait_until none_of_ours
	process_gone "$PID" && fail "the script was ended"
	try held "$lock" "$TOKEN2"
	assert_status 0
	let_go
	finish
	assert_status 0
	try release "$lock" "$TOKEN"
	assert_status 0
	$R ACL DELUSER mute >/dev/null
}

@test "a keeper killed with -9: another one goes on, the script does not notice; the same for the process that watches it" {
	local keeper
	script '-t 1.2s' "$STAY"
	for _ in 1 2; do
		keeper=$(the_keeper)
		kill -KILL "$keeper"
		wait_until another_keeper "$keeper"
		wait_for_renewal
	done
	kill -KILL "$(the_front)"
	for _ in 1 2 3 4; do wait_for_renewal; done # a lease
	is_held || fail "not held"
	let_go
	finish
	assert_status 0
	wait_until assert_free
}
another_keeper() { [ -n "$(the_keeper)" ] && [ "$(the_keeper)" != "$1" ]; }

@test "a keeper killed as it hears that the script has its token: another one goes on" {
	# Its first read of one byte is its last.
	cat >"$S.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <fcntl.h>
		#include <signal.h>
		#include <stdlib.h>
		#include <sys/socket.h>

		ssize_t
		recv(int fd, void *buf, size_t len, int flags)
		{
			ssize_t (*next)(int, void *, size_t, int) = (ssize_t (*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
			ssize_t n = next(fd, buf, len, flags);

			if (len == 1 && n == 1 && open(getenv("KILLED"), O_CREAT | O_EXCL, 0600) != -1)
				raise(SIGKILL);
			return n;
		}
	END
	export KILLED="$S.killed"
	shimmed script '-t 1.2s' "$STAY"
	wait_for_file "$KILLED"
	for _ in 1 2 3 4; do wait_for_renewal; done # a lease
	is_held || fail "not held"
	let_go
	finish
	assert_status 0
	wait_until assert_free
}

@test "a keeper killed when there is no room for another one: there is time until the lease ends" {
	local victim
	cat >"$S.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <fcntl.h>
		#include <stdlib.h>
		#include <unistd.h>

		pid_t
		fork(void)
		{
			if (access(getenv("CROWDED"), F_OK) != 0)
				return ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();
			close(open(getenv("REFUSED"), O_CREAT | O_WRONLY, 0600));
			errno = EAGAIN;
			return -1;
		}
	END
	export CROWDED="$S.crowded" REFUSED="$S.refused"
	shimmed script '-t 5s' "$STAY"
	victim=$(the_keeper)
	: >"$CROWDED"
	kill -KILL "$victim"
	wait_for_file "$REFUSED"
	rm "$CROWDED"
	wait_until another_keeper "$victim"
	wait_for_renewal
	let_go
	finish
	assert_status 0
	wait_until assert_free
}

@test "a keeper that is stopped is continued, or replaced: the lease does not run out" {
	script '-t 1.2s' "$STAY"
	for _ in 1 2; do
		kill -STOP "$(the_keeper)"
		wait_for_renewal
	done
	let_go
	finish
	assert_status 0
	wait_until assert_free
}

@test "a keeper killed while it stops the script: another one goes on stopping it" {
	script '-k 600ms' 'trap ": >\"\$S.term\"" TERM; '"$STAY"
	wait_until subscribed
	netflock reset -q "$lock"
	wait_for_file "$S.term"
	kill -KILL "$(the_keeper)"
	finish
	assert_status 137
	wait_until assert_free
	wait_until none_of_ours
}

@test "all of netflock killed at once: nobody signals the script, held says that the lease is over" {
	script '-t 1.2s' "$STAY"
	local both
	both=$(ours)
	kill -STOP $both
	kill -KILL $both
	wait_until is_not_held
	process_gone "$PID" && fail "the script was ended"
	try -n "$lock" -- true
	assert_status 0
	let_go
	finish
	assert_status 0
}
is_not_held() { ! is_held; }

@test "--min-hold: kept after the script's end, and after its release" {
	script '--min-hold 1h' "$STAY"
	let_go
	finish
	wait_until none_of_ours
	try -n "$lock" -- true
	assert_status 75
	assert_stderr_matches 'kept by --min-hold for 59m.* more after'
	netflock reset -q "$lock"
	TOKEN=$(netflock acquire --min-hold 1h "$lock")
	try release "$lock" "$TOKEN"
	assert_status 0
	try -n "$lock" -- true
	assert_status 75
	try held "$lock" "$TOKEN"
	assert_status 1
	assert_stderr "netflock: $lock: not held by this token any more: it was given back"
	try release "$lock" "$TOKEN"
	assert_status 1
	try -n "$lock" -- true
	assert_status 75 # it did not end that
}

@test "the script is gone before it has the lock: it is given back" {
	hold "$lock"
	printf '%s\n' '"$NETFLOCK" acquire --pid $$ "$lock" >/dev/null &' "$STAY" >"$S.sh"
	background sh "$S.sh"
	wait_for_waiters 1
	let_go
	finish
	release_holder
	wait_until none_of_ours
	wait_until assert_free
}

@test "a token that cannot be written is worth nothing: 71, and the lock is given back" {
	local pid
	for pid in '' "--pid $$"; do
		run --separate-stderr sh -c '"$NETFLOCK" acquire '"$pid"' "$lock" >/dev/full' 3>&- 4>&-
		assert_status 71
		assert_stderr "netflock: $lock: cannot write the token to the standard output: No space left on device; the lock is given back"
		wait_until assert_free
		run --separate-stderr sh -c '"$NETFLOCK" acquire '"$pid"' "$lock" >&-' 3>&- 4>&-
		assert_status 71
		wait_until assert_free
	done
	wait_until none_of_ours
}

@test "few descriptors: the keeper is started and the token printed, or it is 71 and the lock is given back" {
	local most refused=0 kept=0
	[ -z "${VARIANT:-}" ] || skip "a sanitizer needs more than that"
	for most in 6 8 11 13 16 18; do
		run --separate-stderr prlimit --nofile="$most:$most" "$NETFLOCK" acquire -t 1.2s --pid $$ "$lock" 3>&- 4>&-
		if [ "$status" = 0 ]; then
			kept=$((kept + 1))
			netflock release "$lock" "$output"
		else
			refused=$((refused + 1))
			assert_status 71
			assert_output ""
			assert_stderr_lines 1
		fi
		assert_free
		wait_until none_of_ours
	done
	[ "$kept" -gt 0 ] && [ "$refused" -gt 0 ] || fail "$kept $refused"
}

# -------------------------------------------------------------------------------------------------------- without a keeper

@test "acquire prints the token and nothing else, and the lease is all there is" {
	try acquire -t 1.1s "$lock"
	assert_status 0
	assert_matches "$output" '^[0-9a-f]{32}$'
	assert_equal "$stderr" ""
	TOKEN=$output
	none_of_ours || fail "$(ours)"
	is_held || fail "not held"
	wait_until is_not_held
	try release "$lock" "$TOKEN"
	assert_status 1
	assert_stderr "netflock: $lock: not held by this token (never, or not any more)"
	try renew "$lock" "$TOKEN"
	assert_status 1
}

@test "busy: 75 and nothing on stdout; -w waits, in the queue" {
	hold "$lock"
	try acquire -n "$lock"
	assert_status 75
	assert_output ""
	assert_stderr_matches "^netflock: $lock: busy: held by "
	try acquire -n -E 9 -q "$lock"
	assert_status 9
	assert_silent
	background netflock acquire -w 20s --pid $$ "$lock"
	wait_for_waiters 1
	release_holder
	finish
	assert_status 0
	try release "$lock" "$(cat "$OUT")"
	assert_status 0
	wait_until none_of_ours
}

@test "--fence: a number that grows, behind the token or from held" {
	local first second
	try acquire --fence "$lock"
	assert_matches "$output" '^[0-9a-f]{32} [0-9]+$'
	TOKEN=${output% *} first=${output#* }
	try held --fence "$lock" "$TOKEN"
	assert_status 0
	assert_output "$first"
	netflock release "$lock" "$TOKEN"
	try acquire --fence "$lock"
	second=${output#* }
	[ "$second" -gt "$first" ] || fail "$first $second"
	try held --fence "$lock" "$TOKEN"
	assert_status 1
	assert_output ""
	try release "$lock" "${BATS_TEST_NAME:+$("$NETFLOCK" status --json "$lock" | grep -oE '"token":"[0-9a-f]+' | cut -d'"' -f4)}"
	assert_status 0
}

@test "--token: two processes with one token exclude each other" {
	try acquire -t 1.5s --token job.1 "$lock"
	assert_output job.1
	try acquire -n --token job.1 "$lock"
	assert_status 75
	background netflock acquire --token job.1 "$lock"
	wait_for_waiters 1
	finish # after the lease of the first
	assert_status 0
	assert_equal "$(cat "$OUT")" job.1
	try release "$lock" job.1
	assert_status 0
	assert_free
}

@test "--token: what is said of another attempt with the same token does not concern us" {
	local word
	script '-t 1.2s --token job.1' "$STAY"
	wait_until subscribed
	for word in released revoked displaced; do
		$R PUBLISH "netflock:{$lock}:job.1" "$word" >/dev/null
		$R PUBLISH "netflock:{$lock}:job.1" "$word another" >/dev/null
	done
	wait_for_renewal
	wait_for_renewal
	is_held || fail "not held"
	assert_equal "$(ours | wc -l)" 2 processes
	let_go
	finish
	assert_status 0
	wait_until none_of_ours
}

@test "renew: longer, never shorter; --add adds" {
	left() { echo $(($(lease_end) - $(date +%s%3N))); }
	TOKEN=$(netflock acquire -t 10s "$lock")
	try renew "$lock" "$TOKEN" --ttl 1h
	assert_status 0
	assert_silent
	assert_between "$(left)" 3590000 3600100 "ms left"
	try renew --ttl 2s "$lock" "$TOKEN"
	assert_status 0
	assert_between "$(left)" 3590000 3600100 "ms left"
	try renew "$lock" "$TOKEN" --add 30m
	assert_status 0
	assert_between "$(left)" 5390000 5400200 "ms left"
	netflock release "$lock" "$TOKEN"
	TOKEN=$(netflock acquire -t 20s "$lock")
	local end
	end=$(lease_end)
	try renew "$lock" "$TOKEN"
	assert_status 0
	[ "$(lease_end)" -ge "$end" ] || fail "shortened"
	assert_between "$(left)" 19000 20100 "ms left: as long as it was made for"
	netflock release "$lock" "$TOKEN"
}

@test "renew of a lock that a keeper has: it renews on, and does not make it shorter" {
	script '-t 1.2s' "$STAY"
	try renew "$lock" "$TOKEN" --ttl 1h
	assert_status 0
	local end
	end=$(lease_end)
	wait_until subscribed
	sleep 0.5 # a renewal, which changes nothing that could be waited for
	assert_equal "$(lease_end)" "$end" "end of the lease"
	let_go
	finish
	wait_until assert_free
}

@test "--shared, --slots, --with: each holder by its token; of several names one is enough" {
	local a b
	a=$(netflock acquire -s "$lock")
	b=$(netflock acquire -n -s --with "$lock.2" "$lock")
	try acquire -n "$lock"
	assert_status 75
	try renew --ttl 1h "$lock.2" "$b"
	assert_status 0
	try acquire -n "$lock.2"
	assert_status 75
	try release "$lock" "$a"
	assert_status 0
	try held "$lock" "$a"
	assert_status 1
	try held "$lock" "$b"
	assert_status 0
	try release "$lock.2" "$b"
	assert_status 0
	assert_free
	assert_free "$lock.2"
	a=$(netflock acquire --slots 2 "$lock")
	b=$(netflock acquire --slots 2 "$lock")
	try acquire -n --slots 2 "$lock"
	assert_status 75
	netflock release "$lock" "$a"
	netflock release "$lock" "$b"
}

@test "--with: lost in one name, the script is stopped, and all names are free" {
	script "--with $lock.2" "$STAY"
	wait_until subscribed
	netflock reset -q "$lock.2"
	finish
	assert_status 143
	wait_until assert_free
	assert_free "$lock.2"
}

@test "held, renew, release: 1 for who never had it, for another's, and after a reset" {
	local word
	for word in held renew release; do
		try $word "$lock" nobody
		assert_status 1
		assert_stderr "netflock: $lock: not held by this token (never, or not any more)"
		try $word -q "$lock" nobody
		assert_status 1
		assert_silent
	done
	hold "$lock"
	for word in held renew release; do
		try $word "$lock" nobody
		assert_status 1
	done
	"$NETFLOCK" status -q "$lock"
	release_holder
	TOKEN=$(netflock acquire "$lock")
	netflock reset -q "$lock"
	for word in held renew; do
		try $word "$lock" "$TOKEN"
		assert_status 1
		assert_stderr "netflock: $lock: not held by this token any more: it was reset"
	done
	try release "$lock" "$TOKEN"
	assert_status 1
	assert_free
}

@test "held, renew, release: a server that is not there is no 1, a key of another type is 78" {
	local word
	$R SET "netflock:{$lock}" x
	for word in held renew release; do
		try $word -u unix:///nonexistent/s --connect-timeout 100ms "$lock" x
		assert_status 69
		try $word "$lock" x
		assert_status 78
		assert_stderr "netflock: $lock: key 'netflock:{$lock}' is a string, not a lock of netflock"
	done
	$R DEL "netflock:{$lock}"
}

@test "a command's lock: held and renew work inside, a release from outside is a reset" {
	try "$lock" -- sh -c '"$NETFLOCK" held "$NETFLOCK_NAME" "$NETFLOCK_TOKEN" && "$NETFLOCK" renew "$NETFLOCK_NAME" "$NETFLOCK_TOKEN" &&
		[ "$("$NETFLOCK" held --fence "$NETFLOCK_NAME" "$NETFLOCK_TOKEN")" = "$NETFLOCK_FENCE" ]'
	assert_status 0
	hold "$lock"
	TOKEN=$("$NETFLOCK" status --json "$lock" | grep -oE '"token":"[0-9a-f]+' | cut -d'"' -f4)
	wait_until subscribed
	try release "$lock" "$TOKEN"
	assert_status 0
	finish "$HOLDER"
	assert_status 76
	assert_matches "$(holder_stderr)" "lock lost: it was reset; stopping the command"
}

@test "nested: a script under its own lock would wait for itself; with its token in NETFLOCK_CHAIN so would what it starts" {
	try "$lock" -- "$NETFLOCK" acquire "$lock"
	assert_status 64
	assert_stderr_matches 'it would wait for itself'
	TOKEN=$(netflock acquire "$lock")
	NETFLOCK_CHAIN=$TOKEN try "$lock" -- true
	assert_status 64
	try -n "$lock" -- true
	assert_status 75
	netflock release "$lock" "$TOKEN"
}

@test "what is wrong is said in one line, with 64, before anybody is asked" {
	export NETFLOCK_URL=unix:///nonexistent/s
	wrong() {
		local line=$1
		shift
		try "$@"
		assert_status 64
		assert_output ""
		assert_stderr "netflock: $line"
	}
	wrong "'acquire' needs a NAME" acquire
	wrong "'acquire' does not take 'backup'; to run a command under the lock 'acquire': netflock run acquire COMMAND" acquire x backup
	wrong "unknown option '--full'; to run a command under the lock 'acquire': netflock run acquire COMMAND" acquire x backup --full
	wrong "'release' needs a NAME and a TOKEN, which acquire prints" release file
	wrong "'release' takes a NAME and a TOKEN, not 'c'; to run a command under the lock 'release': netflock run release COMMAND" release a b c
	wrong "'release' takes a NAME and a TOKEN, not './a'; to run a command under the lock 'release': netflock run release COMMAND" release a ./a
	wrong "the NAME of the lock is empty: there is no default" held '' x
	wrong "--pid: out-of-range process '0' (2 or more: process 1 cannot be stopped)" acquire --pid 0 x
	wrong "--pid: out-of-range process '1' (2 or more: process 1 cannot be stopped)" acquire --pid 1 x
	wrong "--pid: invalid process '-7' (use its number, e.g. \$\$ of a shell)" acquire --pid -7 x
	wrong "option '--pid' requires a value" acquire --pid= x
	wrong "--pid: invalid process '12x' (use its number, e.g. \$\$ of a shell)" acquire --pid 12x x
	wrong "--kill-after needs --pid: without it nobody sees that the lock is lost" acquire -k 1s x
	wrong "--on-lost needs --pid: without it nobody sees that the lock is lost" acquire --on-lost warn x
	wrong "--conflict-exit-code 0 would tell the script that it has the lock when it has not" acquire -n -E 0 x
	wrong "--ttl and --add exclude each other" renew --ttl 3s --add 3s x y
	wrong "--ttl 1s is too short: a lease must be longer than 1s" renew --ttl 1s x y
	wrong "--add: out-of-range duration '0' (above 0, at most 365d)" renew --add 0 x y
	wrong "'held' takes no option '--pid'" held --pid 5 x y
	wrong "'acquire' takes no option '--max-runtime'" acquire -T 5 x
	wrong "--token: invalid token 'a b' (use 1 to 128 of A-Z a-z 0-9 . _ : -)" acquire --token 'a b' x
	wrong "x: --pid 4194305: no such process" acquire --pid 4194305 x
	sleep 0 &
	local gone=$!
	wait "$gone"
	wrong "x: --pid $gone: no such process" acquire --pid "$gone" x
	run --separate-stderr sh -c 'exec "$NETFLOCK" acquire --pid $$ x' 3>&- 4>&-
	assert_status 64
	assert_stderr_matches '^netflock: --pid [0-9]+ is netflock itself: give it that of the script$'
}

@test "--pid of another user's process is refused" {
	[ "$(id -u)" = 0 ] || return 0 # then there is nobody to be
	run --separate-stderr setpriv --reuid 65534 --clear-groups env NETFLOCK_URL=unix:///nonexistent/s "$NETFLOCK" acquire --pid $$ x 3>&- 4>&-
	assert_status 64
	assert_stderr "netflock: x: --pid $$: another user's process"
}
