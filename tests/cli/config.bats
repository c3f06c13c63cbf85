#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Configuration files: which are read, what counts more, what is refused.
# shellcheck disable=SC2154,SC2034,SC2314,SC2016,SC2030,SC2031,SC2086
load common
load examples

setup_file() {
	common_setup_file
	unset NETFLOCK_CONFIG
}
setup() {
	common_setup
	export HOME=$BATS_TEST_TMPDIR/home XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/xdg
	mkdir -p "$HOME/.config" "$XDG_CONFIG_HOME"
	file=$XDG_CONFIG_HOME/netflock.conf
	system=$BATS_TEST_TMPDIR/system.conf
}

# write FILE LINE...: with mode 600.
write() {
	local to=$1
	shift
	(umask 077 && printf '%s\n' "$@" >"$to")
}
# The lease that the command is told; ARG... are options.
lease() { try "$@" "$lock" -- printenv NETFLOCK_TTL_MS; }
assert_lease() {
	assert_equal "$stderr" "" stderr
	assert_output "$1"
}
# With /etc/netflock.conf being $system.
on_system() { LD_PRELOAD=$TOOLS/etcshim.so ETCSHIM=$system ASAN_OPTIONS+=:verify_asan_link_order=0 "$@"; }

# refused TEXT [ARG...]: with 78 and this one line, before anything is locked or run.
refused() {
	local line=$1
	shift
	$R DEL "netflock:{$lock}" >/dev/null
	try "$@" "$lock" -- echo ran
	assert_status 78
	assert_output ""
	assert_stderr "netflock: $line"
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0 "the lock"
}

@test "the user's file is netflock.conf in XDG_CONFIG_HOME, else in ~/.config" {
	write "$file" 'ttl = 21s'
	write "$HOME/.config/netflock.conf" 'ttl = 22s'
	lease
	assert_lease 21000
	unset XDG_CONFIG_HOME
	lease
	assert_lease 22000
	export XDG_CONFIG_HOME=relative
	lease
	assert_lease 22000
	unset HOME XDG_CONFIG_HOME
	lease
	assert_lease 30000
}

@test "the system's file is /etc/netflock.conf, and the user's counts more, line by line" {
	write "$system" 'ttl = 23s' 'reason = of the system'
	on_system lease
	assert_lease 23000
	write "$file" 'ttl = 24s'
	on_system lease
	assert_lease 24000
	on_system hold "$lock"
	try status "$lock"
	assert_output_matches 'of the system'
	release_holder
}

@test "the command line counts more than the environment, that more than a file, that more than the default" {
	local url=$NETFLOCK_URL
	write "$file" "url = unix:///nowhere/file" 'ttl = 25s'
	lease
	assert_lease 25000
	lease --ttl 26s
	assert_lease 26000
	export NETFLOCK_URL=unix:///nowhere/environment
	lease -u "$url"
	assert_lease 25000
	try --connect-timeout 100ms "$lock" -- true
	assert_status 69
	assert_stderr_matches "/nowhere/environment"
	unset NETFLOCK_URL
	try --connect-timeout 100ms "$lock" -- true
	assert_status 69
	assert_stderr_matches "/nowhere/file"
	write "$file" "url = $url"
	lease
	assert_lease 30000
}

@test "a file that is named is the only one: --config, else NETFLOCK_CONFIG" {
	local named=$BATS_TEST_TMPDIR/named other=$BATS_TEST_TMPDIR/other
	write "$file" 'frob = yes'
	write "$system" 'frob = yes'
	write "$named" 'ttl = 27s'
	write "$other" 'ttl = 28s'
	on_system lease --config "$named"
	assert_lease 27000
	export NETFLOCK_CONFIG=$other
	on_system lease
	assert_lease 28000
	on_system lease --config "$named"
	assert_lease 27000
	on_system lease --config /dev/null
	assert_lease 30000
	export NETFLOCK_CONFIG=
	write "$file" 'ttl = 29s'
	lease
	assert_lease 29000
	lease --config <(echo 'ttl = 31s')
	assert_lease 31000
}

@test "options of a file exist in no other way than those of the command line" {
	write "$file" 'nonblock = yes' 'conflict-exit-code = 3' 'verbose = no'
	hold "$lock"
	try "$lock" -- true
	assert_status 3
	try -w 1s -E 4 "$lock" -- true
	assert_status 4
	release_holder
}

@test "one file serves all subcommands" {
	write "$file" 'ttl = 1s' 'nonblock = yes' 'prefix = jobs' 'quiet = yes'
	$R HSET 'jobs:{x}' born 1 >/dev/null
	try status x
	assert_status 0
	assert_output_matches '^x: '
	try status
	assert_status 0
	try reset x
	assert_status 1
	try reset-all --force
	assert_status 0
	$R DEL 'jobs:{x}' >/dev/null
}

@test "what is wrong is said as FILE:LINE: what, by every subcommand" {

	write "$file" '# first' '' 'tll = 5s'
	refused "$file:3: unknown key 'tll' (did you mean 'ttl'?)"
	for words in status "status x" "reset x" reset-all doctor "doctor --show-config"; do
		try $words
		assert_status 78
		assert_stderr "netflock: $file:3: unknown key 'tll' (did you mean 'ttl'?)"
	done
	try --help
	assert_status 0
	try --version
	assert_status 0
	write "$file" 'ttl = 5x'
	refused "$file:1: ttl: invalid duration '5x' (use e.g. 500ms, 30s, 5m, 1h30m)"
	write "$file" 'url = redis://:pass word@db1'
	refused "$file:1: url: bad URL: a blank or control character in it"
	write "$file" 'on-lost = ignore'
	refused "$file:1: on-lost: invalid action 'ignore' (use kill or warn)"
	write "$file" $'reason = \e[31m'
	lease
	assert_lease 30000
	write "$file" $'on-lost = \e[31m'
	refused "$file:1: on-lost: invalid action '\\x1b[31m' (use kill or warn)"
}

@test "what does not go together names the file" {
	write "$file" 'wait = 5m' 'nonblock = yes'
	refused "$file:2: --nonblock and --wait 5m exclude each other"
	write "$file" 'ttl = 1s'
	refused "$file:1: --ttl 1s is too short: a lease must be longer than 1s"
	write "$file" 'ttl = 10s' 'io-timeout = 9s'
	try "$lock" -- true
	assert_status 78
	assert_stderr_matches "^netflock: $file:1: no room in --ttl 10s for --io-timeout 9s: the smallest --ttl that works is "
	lease --ttl 1m
	assert_lease 60000
	write "$file" 'cacert = /etc/ssl/ca.pem'
	refused "$file:1: --cacert needs a server with TLS: --url rediss://..."
	write "$file" 'user = me'
	refused "$file:1: --user me has no password: use --password-file or REDISCLI_AUTH"
}

@test "a password in a file that others can read is refused, and never shown" {
	write "$file" 'ttl = 30s' 'url = redis://:s3cret@127.0.0.1:1'
	for mode in 644 604; do
		chmod "$mode" "$file"
		try "$lock" -- echo ran
		assert_status 78
		assert_stderr_matches "^netflock: $file:2: a password stands here, but the file is open to others: chmod 600$"
		[[ $stderr != *s3cret* ]] || fail "$stderr"
	done
	chmod 600 "$file"
	unset NETFLOCK_URL
	try --connect-timeout 100ms "$lock" -- echo ran
	assert_status 69
}

@test "a file that is another user's or that others can write is refused" {
	write "$file" 'ttl = 30s'
	chmod 664 "$file"
	refused "configuration '$file' can be written by others: chmod go-w"
	chmod 646 "$file"
	refused "configuration '$file' can be written by others: chmod go-w"
	chmod 644 "$file"
	lease
	assert_lease 30000
	chown 65534 "$file"
	refused "configuration '$file' belongs to another user"
}

@test "a file that is there and cannot be read is no missing one, but in a directory that is closed to us" {
	[ "$(id -u)" = 0 ] || skip "only root can become somebody else"
	local open
	# Where anybody may go, unlike $TMPDIR and perhaps this checkout.
	open=$(mktemp -d /tmp/netflock.XXXXXX)
	chmod 755 "$open"
	cp "$NETFLOCK" "$open/netflock"
	write "$open/netflock.conf" 'frob = yes'
	as_nobody() { run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$open/netflock" -u /nowhere --connect-timeout 100ms x -- true 3>&- 4>&-; }
	XDG_CONFIG_HOME=$open as_nobody
	assert_status 78
	assert_stderr_matches "cannot open the configuration '.*': Permission denied"
	mkdir -m 700 "$open/closed"
	mv "$open/netflock.conf" "$open/closed"
	XDG_CONFIG_HOME=$open/closed as_nobody
	rm -rf "$open"
	assert_status 69
	refused "cannot open the configuration '$open/none': No such file or directory" --config "$open/none"
	refused "configuration '/tmp' is a directory" --config /tmp
	refused "configuration '/dev/zero' is neither a regular file nor a pipe" --config /dev/zero
}

@test "what goes with a server is not told to another one" {
	write "$file" 'url = redis://somewhere.invalid' 'user = me' 'password-file = /nowhere' 'prefix = jobs'
	try "$lock" -- printenv NETFLOCK_HELD
	assert_status 0
	assert_stderr ""
	assert_equal "$($R EXISTS "jobs:{$lock}")" 1 "the lock under the file's prefix"
}

@test "the command sees nothing of the file" {
	write "$file" "url = unix://u:s3cret@$SERVER_DIR/s"
	$R ACL SETUSER u on '>s3cret' '~*' '&*' +@all >/dev/null
	unset NETFLOCK_URL
	try "$lock" -- env
	assert_status 0
	[[ $output != *s3cret* ]] || fail "$output"
	$R ACL DELUSER u >/dev/null
}

@test "the manual's file is right" {
	cut_example '.\\" file: netflock.conf' '^\.Ed' <"$MANUAL" | sed "s|rediss://locks.example.com|$NETFLOCK_URL|; /cacert/d; s|/etc/netflock.pw|$BATS_TEST_TMPDIR/pw|" >"$file"
	assert_equal "$(grep -c = "$file")" 3 "lines of the manual's file"
	(umask 077 && echo s3cret >"$BATS_TEST_TMPDIR/pw")
	$R CONFIG SET requirepass s3cret >/dev/null
	unset NETFLOCK_URL
	lease
	redis-cli -s "$SERVER_DIR/s" -a s3cret --no-auth-warning CONFIG SET requirepass '' >/dev/null
	assert_lease 60000
}
