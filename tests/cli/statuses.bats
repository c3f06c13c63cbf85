# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2154,SC2028  # quotes for inner shells; bats' subshells are meant
load common
load process

no_key() { assert_equal "$($R EXISTS "netflock:{$lock}")" 0 "keys of the lock"; }

@test "every exit status of the command comes back, 0 to 255" {
	local n bad=''
	for ((n = 0; n < 256; n++)); do
		status=0
		netflock "$lock" -- sh -c "exit $n" || status=$?
		[ "$status" = "$n" ] || bad+=" $n:$status"
	done
	assert_equal "$bad" ""
	assert_free
}

@test "a command that dies of a signal makes netflock die of the same, without a core" {
	mkdir "$BATS_TEST_TMPDIR/cwd"
	cd "$BATS_TEST_TMPDIR/cwd"
	# All that end a process by default, real-time ones included; the command's own core is not wanted either.
	run script "$lock" <<-'EOF'
		import os, resource, signal, subprocess, sys
		harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH,
		            signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
		            32, 33}  # libc's own
		hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
		resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
		for n in range(1, 65):
		    if n in harmless:
		        continue
		    p = subprocess.Popen([os.environ["NETFLOCK"], sys.argv[1], "--", "sh", "-c",
		                          "ulimit -c 0; kill -$0 $$; exit 9", str(n)],
		                         restore_signals=True)
		    status = os.waitpid(p.pid, 0)[1]
		    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != n or os.WCOREDUMP(status):
		        print(f"signal {n}: status {status:#x}")
	EOF
	assert_status 0
	assert_output ""
	assert_equal "$(ls)" "" "files left"
	assert_free
}

@test "as PID 1 of a container it exits with 128+N instead" {
	local n
	for n in TERM:143 KILL:137 INT:130 SEGV:139; do
		run unshare --pid --fork --mount-proc "$NETFLOCK" "$lock" -- sh -c "kill -${n%:*} \$\$" 3>&- 4>&-
		assert_status "${n#*:}"
	done
	run unshare --pid --fork --mount-proc "$NETFLOCK" "$lock" -- sh -c 'exit 7' 3>&- 4>&-
	assert_status 7
	assert_free
}

@test "a command that is not there gives 127 before anything is locked" {
	try "$lock" no-such-command
	assert_status 127
	assert_stderr "netflock: $lock: cannot run 'no-such-command': No such file or directory"
	try "$lock" ./no-such-command
	assert_status 127
	try "$lock" ''
	assert_status 127
	no_key
}

@test "a subcommand's word with a slip in it is a lock's name; when its command is not there, the word is suggested" {
	local word
	for word in histroy histor historyy hiStory; do
		try "$word" no-such-command
		assert_status 127
		assert_stderr "netflock: $word: cannot run 'no-such-command': No such file or directory (did you mean 'netflock history'?)"
	done
	for word in histrio status; do
		try run "$word" no-such-command
		assert_status 127
		assert_stderr "netflock: $word: cannot run 'no-such-command': No such file or directory"
	done
	try statsu echo ran
	assert_status 0
	assert_output ran
	assert_equal "$stderr" ""
}

@test "a command that cannot be executed gives 126 before anything is locked" {
	local file=$BATS_TEST_TMPDIR/plain
	echo 'exit 0' >"$file"
	try "$lock" "$file"
	assert_status 126
	assert_stderr "netflock: $lock: cannot run '$file': Permission denied"
	try "$lock" "$BATS_TEST_TMPDIR"
	assert_status 126
	PATH=$BATS_TEST_TMPDIR:$PATH try "$lock" plain
	assert_status 126
	no_key
}

@test "the command is looked for in PATH as a shell would" {
	mkdir "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	echo 'exit 1' >"$BATS_TEST_TMPDIR/a/tool" # not executable: the next one counts
	printf '#!/bin/sh\nexit 42\n' >"$BATS_TEST_TMPDIR/b/tool"
	chmod +x "$BATS_TEST_TMPDIR/b/tool"
	PATH=$BATS_TEST_TMPDIR/a:$BATS_TEST_TMPDIR/b:$PATH try "$lock" tool
	assert_status 42
	cd "$BATS_TEST_TMPDIR/b"
	PATH=:$PATH try "$lock" tool # an empty entry is the working directory
	assert_status 42
	run env -u PATH "$NETFLOCK" "$lock" true 3>&- 4>&-
	assert_status 0
}

@test "a script without #! is run by /bin/sh, with its arguments" {
	local file=$BATS_TEST_TMPDIR/script
	echo 'echo "$0" "$#" "$1" "$2"; tr "\0" " " </proc/$$/cmdline; exit 5' >"$file"
	chmod +x "$file"
	try "$lock" "$file" 'a b' ''
	assert_status 5
	assert_output "$file 2 a b "$'\n'"/bin/sh $file a b  "
}

@test "exec that fails after the lock was taken leaves no lock" {
	local file=$BATS_TEST_TMPDIR/script
	printf '#!/no/such/interpreter\n' >"$file"
	chmod +x "$file"
	try "$lock" "$file"
	assert_status 127
	assert_stderr "netflock: $lock: cannot run '$file': No such file or directory"
	assert_free
	try --min-hold 1h "$lock" "$file"
	assert_status 127
	assert_free
	printf '\x7fELF garbage' >"$file"
	try "$lock" "$file" # as execvp(3): the shell then cannot make sense of it
	assert_matches "$status" '^(2|126|127)$'
	assert_free
}

@test "a command that vanishes while netflock waits gives 127 and leaves no lock" {
	local file=$BATS_TEST_TMPDIR/script
	printf '#!/bin/sh\nexit 0\n' >"$file"
	chmod +x "$file"
	hold "$lock"
	background netflock "$lock" "$file"
	wait_for_waiters 1
	rm "$file"
	release_holder
	finish
	assert_status 127
	assert_free
}

@test "an environment that only our variables make too long gives 126 and leaves no lock" {
	run script "$lock" <<-'EOF'
		import os, resource, subprocess, sys
		# With this stack the kernel grants 256 KiB to arguments and environment, 128 KiB to each.
		resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, resource.RLIM_INFINITY))
		def attempt(size, *argv):
		    env = dict(os.environ, FILL1="x" * min(size, 120000), FILL2="x" * min(max(size - 120000, 0), 120000),
		               FILL3="x" * max(size - 240000, 0))
		    try:
		        return subprocess.run(argv, env=env, stderr=subprocess.DEVNULL).returncode
		    except OSError:
		        return 1
		low, high = 100000, 300000
		while low + 1 < high:
		    middle = (low + high) // 2
		    low, high = (middle, high) if attempt(middle, "/bin/true") == 0 else (low, middle)
		netflock = os.environ["NETFLOCK"], sys.argv[1], "/bin/true"
		print(*sorted({attempt(low - less, *netflock) for less in range(0, 1000, 50)}))
	EOF
	assert_output "0 1 126"
	assert_free
}

@test "-E gives the status of a skipped run, and 0 says nothing" {
	hold "$lock"
	try -n "$lock" true
	assert_status 75
	try -n -E 3 "$lock" true
	assert_status 3
	assert_stderr_lines 1
	try -n -E 0 "$lock" true
	assert_status 0
	assert_silent
	try -w 50ms -E 0 "$lock" true
	assert_status 0
	assert_silent
	release_holder
	assert_status 0
	try -E 3 "$lock" sh -c 'exit 75'
	assert_status 75
}

@test "--max-runtime stops the command and gives 124" {
	local begin
	begin=$(now)
	try -T 200ms "$lock" sleep 60
	assert_status 124
	assert_output ""
	assert_stderr "netflock: $lock: the command ran longer than 200ms; stopping it"
	assert_between $(($(now) - begin)) 200 "$(stretch 600)"
	assert_free
	try -T 5m "$lock" sh -c 'exit 4'
	assert_status 4
	try -T 0 "$lock" sh -c 'exit 4'
	assert_status 4
}

@test "--max-runtime gives 124 also when KILL is needed, and when the command ends well on TERM" {
	local begin
	begin=$(now)
	try -T 100ms -k 200ms "$lock" sh -c 'trap "" TERM; while :; do sleep 60; done'
	assert_status 124
	assert_between $(($(now) - begin)) 300 "$(stretch 700)"
	assert_free
	try -T 100ms "$lock" bash -c 'trap "exit 0" TERM; sleep 60 & wait'
	assert_status 124
	assert_free
}

@test "--signal is the first signal, -k 0 is KILL at once" {
	local file=$BATS_TEST_TMPDIR/got
	try -T 100ms --signal USR1 "$lock" bash -c "trap 'echo USR1 >$file; exit 0' USR1; sleep 60 & wait"
	assert_status 124
	assert_equal "$(cat "$file")" USR1
	try -T 100ms -k 0 "$lock" bash -c "trap 'echo TERM >>$file; exit 0' TERM; sleep 60 & wait"
	assert_status 124
	assert_equal "$(cat "$file")" USR1
}

@test "a lock that the server has lost gives 76 although the command ended well" {
	try "$lock" sh -c "$R DEL 'netflock:{$lock}' >/dev/null"
	assert_status 76
	assert_stderr_lines 1
}
