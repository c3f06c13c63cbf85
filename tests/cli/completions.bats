#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The completions, tried in bash, zsh and fish; that they know every option is in words.bats.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2086
load common
load shells

setup() { common_setup && shells_setup && $R FLUSHALL; }

UNITS='5ms 5s 5m 5h 5d'
TIMES='500ms 2s 10s 30s 5m 1h'

@test "the first word is a subcommand" {
	offers 'netflock ' run help status history reset reset-all acquire renew release held doctor
	offers 'netflock res' reset reset-all
	offers 'netflock re' reset reset-all renew release
	offers 'netflock help ' run help status history reset reset-all acquire renew release held doctor
	completes 'netflock stat' 'netflock status '
	in_every_shell
}

@test "values: durations, with any unit behind a number" {
	offers 'netflock -w ' $TIMES
	offers 'netflock --min-hold ' $TIMES
	offers 'netflock -w 5' $UNITS
	offers 'netflock status --interval ' $TIMES
	completes 'netflock --wait=30' 'netflock --wait=30'
	completes 'netflock --wait=500' 'netflock --wait=500'
	completes 'netflock --wait=1h' 'netflock --wait=1h '
	in_every_shell
}

@test "values: signals, what to do, statuses" {
	offers 'netflock --signal U' USR1 USR2
	offers 'netflock --signal SIGU' SIGUSR1 SIGUSR2
	offers 'netflock --on-lost ' kill warn
	offers 'netflock -E ' 0 75
	completes 'netflock --on-lost=w' 'netflock --on-lost=warn '
	completes 'netflock --signal=H' 'netflock --signal=HUP '
	in_every_shell
}

@test "values: URLs, and sockets as files" {
	: >"$BATS_TEST_TMPDIR/redis.sock"
	completes 'netflock -u rediss' 'netflock -u rediss://'
	completes 'netflock --url=uni' 'netflock --url=unix:///'
	completes "netflock -u $BATS_TEST_TMPDIR/red" "netflock -u $BATS_TEST_TMPDIR/redis.sock "
	completes "netflock --url $BATS_TEST_TMPDIR/red" "netflock --url $BATS_TEST_TMPDIR/redis.sock "
	completes "netflock --password-file $BATS_TEST_TMPDIR/red" "netflock --password-file $BATS_TEST_TMPDIR/redis.sock "
	completes "netflock --password-file=$BATS_TEST_TMPDIR/red" "netflock --password-file=$BATS_TEST_TMPDIR/redis.sock "
	in_every_shell
}

@test "clusters: the value of the last letter is completed, and what follows it" {
	offers 'netflock -nqw ' $TIMES
	offers 'netflock -nE 0 stat' status
	offers 'netflock -nE0 -qt5s stat' status
	offers 'netflock -n -E 0 --wait=5s stat' status
	in_every_shell
}

@test "options before the subcommand: its own options and names follow" {
	hold nightly
	offers 'netflock -q --prefix netflock reset --n' --now
	offers 'netflock -q status n' nightly
	offers 'netflock -- stat' ''
	offers 'netflock -- n' nightly
	in_every_shell
	release_holder
}

@test "names of locks: for status, reset, run and without a subcommand" {
	hold nightly
	hold other
	offers 'netflock status ' nightly other
	offers 'netflock status other n' nightly
	offers 'netflock reset --now n' nightly
	offers 'netflock run n' nightly
	offers 'netflock acquire n' nightly
	offers 'netflock release -q n' nightly
	offers 'netflock held nightly n' ''
	offers 'netflock -n n' nightly
	offers 'netflock --with n' nightly
	offers 'netflock -s --with=other --with n' nightly
	offers 'netflock reset-all n' ''
	in_every_shell
	release_holder
	release_holder "$(printf '%s\n' "${!HOLD_FILES[@]}" | grep -vx "$HOLDER")"
}

@test "names of locks: blanks, colons, equal signs and quotes come out right" {
	hold 'my lock'
	completes 'netflock status my' 'netflock status my\ lock '
	completes 'netflock status "my' 'netflock status "my lock" '
	completes 'netflock status my\\ l' 'netflock status my\ lock '
	in_every_shell
	complete_in fish 'netflock status my'
	assert_output 'my lock'
	release_holder
	hold 'report:daily'
	completes 'netflock reset rep' 'netflock reset report:daily '
	completes 'netflock reset report:d' 'netflock reset report:daily '
	in_every_shell
	release_holder
	hold 'a:b=c d'
	completes 'netflock reset a:b=' 'netflock reset a:b=c\ d '
	completes 'netflock reset a:' 'netflock reset a:b=c\ d '
	in_every_shell
	release_holder
}

@test "names of locks: from the server that the line names" {
	hold nightly
	local url=$NETFLOCK_URL
	NETFLOCK_URL=unix:///nonexistent
	offers 'netflock status n' ''
	offers "netflock status -u $url n" nightly
	offers "netflock -nqu $url status n" nightly
	offers "netflock --url=$url reset n" nightly
	offers "netflock --prefix other -u $url reset n" ''
	in_every_shell
	NETFLOCK_URL=$url
	release_holder
}

@test "names of locks: nothing is said without a server, and a hanging one costs 300 ms" {
	local began shell
	hurry
	hold nightly
	server_stop
	for shell in $SHELLS; do
		began=$(now)
		complete_in "$shell" 'netflock status n'
		assert_output ''
		# Besides, the shell's own start and end.
		assert_between $(($(now) - began)) 300 "$(stretch 4000)" "$shell: ms"
		grep -qi 'netflock:' "$DOT/terminal" && fail "$shell: $(cat -v "$DOT/terminal")"
	done
	server_cont
	release_holder
	server_kill
	for shell in $SHELLS; do
		complete_in "$shell" 'netflock status n'
		assert_output ''
		grep -qi 'netflock:' "$DOT/terminal" && fail "$shell: $(cat -v "$DOT/terminal")"
	done
	server_restart
}

@test "a server that hangs is asked for 300 ms at most" {
	local began
	server_stop
	began=$(now)
	run timeout 0.3 "$NETFLOCK" status --names --connect-timeout 300ms 3>&- 4>&-
	assert_between $(($(now) - began)) 250 "$(stretch 400)" ms
	server_cont
	for file in netflock.bash _netflock netflock.fish; do
		grep -q 'timeout 0\.3 .* status --names' "$HERE/completions/$file" || fail "$file"
	done
}

@test "behind the name: -c, --, or the command with its own completion" {
	local shell
	for shell in $SHELLS; do
		complete_in "$shell" 'netflock nightly -'
		grep -qx -e -c <<<"$output" || fail "$shell: no -c"
	done
	offers 'netflock nightly fro' frob
	offers 'netflock nightly frob ' alpha beta
	offers 'netflock nightly frob a' alpha
	offers 'netflock -n -w 5s nightly -- frob a' alpha
	offers 'netflock run nightly frob alpha b' beta
	offers 'netflock nightly frob --g' --gamma
	offers 'netflock -- status frob --g' --gamma
	offers 'netflock run status frob b' beta
	in_every_shell
}

@test "behind a name with colons, blanks and options with =: the command's own completion" {
	offers 'netflock --ttl=30s a:b=c frob a' alpha
	offers 'netflock --url=redis://h:1/2 a:b -- frob --g' --gamma
	offers 'netflock "a b" frob a' alpha
	offers 'netflock a\\ b frob a' alpha
	in_every_shell
}

@test "nothing of netflock's is offered behind the name, or for the string of -c" {
	offers 'netflock nightly frob --non' ''
	offers 'netflock nightly -c "--non' ''
	in_every_shell
}

@test "the files are what their shells take for well-formed" {
	bash -n "$HERE/completions/netflock.bash"
	zsh -n "$HERE/completions/_netflock"
	fish --no-config -n "$HERE/completions/netflock.fish"
}
