# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2154,SC2002  # quotes for inner shells; bats' subshells are meant
load common
load process

# Run CMD by itself and below netflock, both after the words in $BEFORE: the same on stdout.
same() {
	local direct wrapped
	# shellcheck disable=SC2086  # words
	direct=$(${BEFORE-} "$@" 3>&- 4>&-)
	# shellcheck disable=SC2086
	wrapped=$(${BEFORE-} "$NETFLOCK" "$lock" -- "$@" 3>&- 4>&-)
	[ -n "$direct" ] || fail "nothing to compare"
	assert_equal "$wrapped" "$direct" "below netflock"
	assert_free
}

@test "stdin and stdout pass through byte for byte, and nothing is added" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	netflock "$lock" cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	netflock "$lock" -- sh -c 'cat >&2' <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
}

@test "what the command leaves of stdin is there for the next one" {
	run sh -c '{ "$NETFLOCK" "$0" -- sh -c "read -r a; echo \$a"; read -r b; echo "$b"; }' "$lock" <<<$'one\ntwo' 3>&- 4>&-
	assert_output $'one\ntwo'
}

@test "descriptors that the caller opened reach the command, and none of ours" {
	# As numbers, and what the caller's own are: ls' own directory is another one each time.
	exec 7<"$TESTS/run" 9>>"$BATS_TEST_TMPDIR/nine"
	same sh -c 'for fd in /proc/self/fd/*; do echo "${fd##*/}"; done'
	same readlink /proc/self/fd/7
	netflock "$lock" -- sh -c 'echo hello >&9'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/nine")" hello
	hold "$lock"
	background netflock "$lock" -- sh -c 'for fd in /proc/self/fd/*; do echo "${fd##*/}"; done'
	wait_for_waiters 1 # it has more connections then
	release_holder
	finish
	assert_equal "$(tr '\n' ' ' <"$OUT")" "$(sh -c 'for fd in /proc/self/fd/*; do echo "${fd##*/}"; done' 3>&- 4>&- | tr '\n' ' ')"
}

@test "standard streams that the caller closed stay closed for the command" {
	local report='for n in 0 1 2; do [ ! -e /proc/$$/fd/$n ] || x=$x$n; done; echo "$x" >&7'
	local out=$BATS_TEST_TMPDIR/out
	exec 7>"$out"
	netflock "$lock" -- sh -c "$report" <&-
	netflock "$lock" -- sh -c "$report" >&-
	netflock "$lock" -- sh -c "$report" 2>&-
	netflock "$lock" -- sh -c "$report" <&- >&- 2>&-
	netflock "$lock" -- sh -c "$report"
	exec 7>&-
	assert_equal "$(cat "$out")" $'12\n02\n01\n\n012'
}

@test "signal mask and dispositions are as the caller left them" {
	local what='SigBlk|SigIgn|SigCgt|ShdPnd|SigPnd'
	same grep -E "$what" /proc/self/status
	BEFORE="nohup" same grep -E "$what" /proc/self/status
	BEFORE="env --ignore-signal=PIPE" same grep -E "$what" /proc/self/status
	BEFORE="env --default-signal=PIPE" same grep -E "$what" /proc/self/status
	BEFORE="env --ignore-signal=CHLD" same grep -E "$what" /proc/self/status
	BEFORE="env --ignore-signal=HUP,INT,QUIT,TERM,USR1,TSTP,TTOU" same grep -E "$what" /proc/self/status
	BEFORE="env --block-signal=TERM,USR1,CHLD,WINCH,PIPE,TSTP" same grep -E "$what" /proc/self/status
	BEFORE="env --block-signal" same grep -E "$what" /proc/self/status
}

@test "a caller that ignores SIGCHLD gets the exit status all the same" {
	run env --ignore-signal=CHLD "$NETFLOCK" "$lock" -- sh -c 'exit 7' 3>&- 4>&-
	assert_status 7
	run env --block-signal=CHLD "$NETFLOCK" "$lock" -- sh -c 'exit 8' 3>&- 4>&-
	assert_status 8
}

@test "umask, working directory, priority and limits are the caller's" {
	umask 027
	cd "$TESTS"
	ulimit -S -c 0
	ulimit -S -n 200
	ulimit -S -s 4000
	BEFORE="nice -n 7" same sh -c 'umask; pwd; nice; cat /proc/self/limits'
	same cat /proc/self/oom_score_adj /proc/self/loginuid /proc/self/cgroup
	BEFORE="chrt -b 0" same sh -c 'chrt -p $$ | sed "s/pid [0-9]*//"'
	BEFORE="taskset 1" same sh -c 'taskset -p $$ | sed "s/pid [0-9]*//"'
}

@test "the command may be traced, dumps core, and has no parent death to inherit" {
	same grep -E 'NoNewPrivs|Seccomp:|Groups|CapInh|CapAmb|CapBnd' /proc/self/status
	same stat -c %u:%g:%a /proc/self/fd
	run setpriv --reuid 65534 --clear-groups "$NETFLOCK" --url "unix:///nonexistent" "$lock" true 3>&- 4>&-
	assert_status 69
}

@test "the environment is the caller's and ours, replaced and not appended" {
	export NETFLOCK_NAME=old NETFLOCK_FENCE=old NETFLOCK_HELD=old NETFLOCK_TOKEN=old
	local vars='NETFLOCK_(NAME|TOKEN|FENCE|TTL_MS|WAITED_MS|HELD|CHAIN)='
	netflock "$lock" -- cat /proc/self/environ | tr '\0' '\n' >"$BATS_TEST_TMPDIR/env"
	assert_equal "$(grep -cE "^$vars" "$BATS_TEST_TMPDIR/env")" 7
	assert_equal "$(grep -vE "^($vars|_=)" "$BATS_TEST_TMPDIR/env")" \
		"$(cat /proc/self/environ 3>&- 4>&- | tr '\0' '\n' | grep -vE "^($vars|_=)")"
	grep -qx "NETFLOCK_NAME=$lock" "$BATS_TEST_TMPDIR/env"
	grep -qx 'NETFLOCK_HELD=1' "$BATS_TEST_TMPDIR/env"
	grep -qx 'NETFLOCK_TTL_MS=30000' "$BATS_TEST_TMPDIR/env"
	grep -qE '^NETFLOCK_WAITED_MS=[0-9]+$' "$BATS_TEST_TMPDIR/env"
	grep -qE '^NETFLOCK_FENCE=[1-9][0-9]{15}$' "$BATS_TEST_TMPDIR/env"
	grep -qE '^NETFLOCK_TOKEN=[0-9a-f]{32}$' "$BATS_TEST_TMPDIR/env"
	assert_equal "$(sed -n 's/NETFLOCK_CHAIN=//p' "$BATS_TEST_TMPDIR/env")" "$(sed -n 's/NETFLOCK_TOKEN=//p' "$BATS_TEST_TMPDIR/env")"
}

@test "a variable that is set twice, or has no '=', arrives like that" {
	run script "$lock" <<-'EOF'
		import ctypes, os, sys
		url = os.environ["NETFLOCK_URL"].encode()
		def start(*argv):
		    argv = (ctypes.c_char_p * (len(argv) + 1))(*[a.encode() for a in argv], None)
		    env = (ctypes.c_char_p * 6)(b"TWICE=1", b"TWICE=2", b"odd", b"EMPTY=", b"NETFLOCK_URL=" + url, None)
		    pid = os.fork()
		    if pid == 0:
		        ctypes.CDLL(None).execve(argv[0], argv, env)
		        os._exit(1)
		    os.waitpid(pid, 0)
		start(os.environ["NETFLOCK"], sys.argv[1], "/bin/cat", "/proc/self/environ")
	EOF
	assert_matches "$(tr '\0' '\n' <<<"$output")" "^TWICE=1TWICE=2oddEMPTY=NETFLOCK_URL=|^TWICE=1.TWICE=2.odd.EMPTY=.NETFLOCK_URL="
}

@test "the chain of tokens grows with every netflock inside another" {
	run netflock "$lock" -- sh -c '"$NETFLOCK" "$0.2" -- sh -c "echo \$NETFLOCK_CHAIN; echo \$NETFLOCK_TOKEN"; echo "$NETFLOCK_TOKEN"' "$lock"
	assert_status 0
	assert_equal "${lines[0]}" "${lines[2]},${lines[1]}"
}

@test "a netflock that its own ancestor keeps out is refused" {
	try "$lock" -- "$NETFLOCK" "$lock" true
	assert_status 64
	assert_stderr_lines 1
	assert_free
}

@test "--scrub-env hides where the server is, and nothing else" {
	export REDIS_URL=$NETFLOCK_URL REDISCLI_AUTH=secret
	$R CONFIG SET requirepass secret
	netflock "$lock" env >"$BATS_TEST_TMPDIR/full"
	netflock --scrub-env "$lock" env >"$BATS_TEST_TMPDIR/scrubbed"
	$R CONFIG SET requirepass ""
	assert_equal "$(grep -cE '^(NETFLOCK_URL|REDIS_URL|REDISCLI_AUTH)=' "$BATS_TEST_TMPDIR/full")" 3
	run grep -E '^(NETFLOCK_URL|REDIS_URL|REDISCLI_AUTH)=' "$BATS_TEST_TMPDIR/scrubbed"
	assert_status 1
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/scrubbed")" $(($(wc -l <"$BATS_TEST_TMPDIR/full") - 3))
}

@test "process group and session are the caller's" {
	# Without a terminal: pgrp, session and foreground group, of a shell and of what netflock starts in it.
	same_group='sed "s/.*) //" /proc/self/stat | cut -d" " -f3-6'
	run setsid --wait sh -c "$same_group; \"\$NETFLOCK\" \$0 -- sh -c '$same_group'" "$lock" 3>&- 4>&-
	assert_equal "${lines[1]}" "${lines[0]}"
	run setsid --wait "$NETFLOCK" "$lock" -- sh -c 'echo $(ps -o pid=,pgid=,sid= -p $$)' 3>&- 4>&-
	read -r pid group session <<<"$output"
	assert_equal "$group" "$session"
	[ "$pid" != "$group" ]
}

@test "arguments arrive as given, with blanks, empty ones and all bytes" {
	local odd=$'\x01\xff \n*"$'
	netflock "$lock" printf '[%s]' 'a b' '' '-n' '--' "$odd" '' >"$BATS_TEST_TMPDIR/out"
	printf '[%s]' 'a b' '' '-n' '--' "$odd" '' | cmp - "$BATS_TEST_TMPDIR/out"
	try "$lock" bash -c 'echo "$0"'
	assert_output bash
	try "$lock" -- -- # only the first one is ours
	assert_status 127
	POSIXLY_CORRECT=1 try "$lock" printf '%s.' -n --wait
	assert_output "-n.--wait."
	try "$lock" printf '%s.' -n --wait
	assert_output "-n.--wait."
	try "$lock" -c 'echo "$0 $#"'
	assert_output "/bin/sh 0"
}
