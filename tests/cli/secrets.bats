#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Passwords: where they may come from, and that they are seen nowhere else.
# shellcheck disable=SC2154,SC2034,SC2314,SC2016,SC2030,SC2031
load common
load process

# With what must be encoded in a URL; each also stands for its encoded form.
SECRET='s3cr%t/w@rd'
ENCODED='s3cr%25t%2Fw%40rd'

setup_file() {
	common_setup_file
	server_tcp
	$R ACL SETUSER ops reset on ">$SECRET" '~*' '&*' +@all >/dev/null
}
setup() {
	common_setup
	file=$BATS_TEST_TMPDIR/password
	(umask 077 && printf '%s\n' "$SECRET" >"$file")
}
teardown() {
	$R ACL SETUSER ops reset on ">$SECRET" '~*' '&*' +@all >/dev/null
	common_teardown
}

# Neither in $output nor in $stderr, nor in the texts that are given.
assert_no_secret() {
	local text word
	for text in "${output-}" "${stderr-}" "$@"; do
		for word in "$SECRET" "$ENCODED" s3cr w@rd w%40rd c2VjcmV0 "$(printf %s "$SECRET" | base64)"; do
			[[ $text != *"$word"* ]] || fail "'$word' in: $text"
		done
	done
}

# refused REGEX: that password file, with 78 and one line that names it; nothing is locked and nothing runs.
refused() {
	$R DEL "netflock:{$lock}" >/dev/null
	try --user ops --password-file "$file" "$lock" -- echo ran
	assert_status 78
	assert_output ""
	assert_stderr_lines 1
	assert_stderr_matches "$file"
	assert_stderr_matches "$1"
	assert_no_secret
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0 "the lock"
}
works() {
	try --user ops --password-file "${1:-$file}" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	assert_stderr ""
}

@test "a password file of mode 600 and 400, with and without a newline at its end" {
	works
	chmod 400 "$file"
	works
	rm "$file"
	(umask 077 && printf %s "$SECRET" >"$file")
	works
}

@test "only one newline is taken off" {
	printf '\n' >>"$file"
	try --user ops --password-file "$file" "$lock" -- echo ran
	assert_status 77
	assert_no_secret
}

@test "a password file that others can read or write is refused" {
	local mode
	for mode in 604 602 601 620; do
		chmod "$mode" "$file"
		refused "is open to others"
	done
}

@test "the group may read a file of root, but not a file of ours" {
	[ "$(id -u)" = 0 ] || skip
	chmod 440 "$file"
	works
	# They cannot walk to the file, but open its descriptor anew.
	as_nobody() { run --separate-stderr setpriv --reuid 65534 --regid "$1" --clear-groups "$NETFLOCK" "${@:2}" 3>&- 4>&- 9<"$file"; }
	chgrp 65533 "$file"
	as_nobody 65533 -u "$SERVER_TCP" --user ops --password-file /dev/fd/9 "$lock" -- echo ran
	assert_status 0
	as_nobody 65534 -u "$SERVER_TCP" --user ops --password-file /dev/fd/9 "$lock" -- echo ran
	assert_status 78
	assert_stderr_matches "Permission denied"
	chown 65534 "$file"
	as_nobody 65534 -u "$SERVER_TCP" --user ops --password-file /dev/fd/9 "$lock" -- echo ran
	assert_status 78
	assert_stderr_matches "is open to its group"
	chmod 400 "$file"
	as_nobody 65534 -u "$SERVER_TCP" --user ops --password-file /dev/fd/9 "$lock" -- echo ran
	assert_status 0
	# Root would be able to read it, but did not write it.
	refused "belongs to another user"
}

@test "a password file that is missing, a directory, a device" {
	file=$BATS_TEST_TMPDIR/none
	refused "No such file"
	file=$BATS_TEST_TMPDIR
	chmod 700 "$file"
	refused "is a directory"
	file=/dev/null
	refused "is neither a regular file nor a pipe"
}

@test "a password file that is empty, has a NUL byte, is too long" {
	: >"$file"
	refused "is empty"
	printf '\n' >"$file"
	refused "is empty"
	printf 'a\0b\n' >"$file"
	refused "NUL"
	head -c 513 /dev/zero | tr '\0' x >"$file"
	refused "longer than 512 bytes"
	head -c 100000 /dev/zero | tr '\0' x >"$file"
	refused "longer than 512 bytes"
}

@test "a password of 512 bytes" {
	head -c 512 /dev/zero | tr '\0' x >"$file"
	printf '\n' >>"$file"
	$R ACL SETUSER ops ">$(head -n 1 "$file")" >/dev/null
	works
}

@test "a password through a symbolic link, a pipe, a named pipe" {
	ln -s password "$BATS_TEST_TMPDIR/link"
	works "$BATS_TEST_TMPDIR/link"
	works <(printf '%s\n' "$SECRET")
	[ "$(id -u)" != 0 ] || run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups bash -c \
		'"$1" -u "$2" --user ops --password-file <(printf "%s\n" "$3") "$4" -- echo ran' - "$NETFLOCK" "$SERVER_TCP" "$SECRET" "$lock" 3>&- 4>&-
	assert_status 0
	assert_output ran
	mkfifo -m 600 "$BATS_TEST_TMPDIR/fifo"
	background cp "$file" "$BATS_TEST_TMPDIR/fifo"
	works "$BATS_TEST_TMPDIR/fifo"
	finish
	ln -sf ../none "$BATS_TEST_TMPDIR/link"
	file=$BATS_TEST_TMPDIR/link
	refused "No such file"
}

@test "the password of the URL comes first, then --password-file, then REDISCLI_AUTH" {
	local tcp=127.0.0.1:$SERVER_PORT
	NETFLOCK_URL=redis://ops:$ENCODED@$tcp REDISCLI_AUTH=wrong try --password-file /none "$lock" -- true
	assert_status 0
	assert_silent
	NETFLOCK_URL=redis://ops@$tcp REDISCLI_AUTH=wrong try --password-file "$file" "$lock" -- true
	assert_status 0
	NETFLOCK_URL=redis://ops@$tcp REDISCLI_AUTH=$SECRET try "$lock" -- true
	assert_status 0
	NETFLOCK_URL=redis://other:wrong@$tcp try --user ops --password-file "$file" "$lock" -- true
	assert_status 77
	NETFLOCK_URL=redis://other@$tcp try --user ops --password-file "$file" "$lock" -- true
	assert_status 0
	try --user ops "$lock" -- true
	assert_status 64
	assert_stderr "netflock: --user ops has no password: use --password-file or REDISCLI_AUTH"
}

@test "a user without a password" {
	$R ACL SETUSER ops nopass >/dev/null
	try --user ops -u "redis://ops:@127.0.0.1:$SERVER_PORT" "$lock" -- true
	assert_status 0
	assert_silent
}

@test "a password in the command line works, with a warning each time but with -q" {
	local url=redis://ops:$ENCODED@127.0.0.1:$SERVER_PORT
	try -u "$url" "$lock" -- true
	assert_status 0
	assert_stderr "netflock: $lock: the password in --url can be read by every user of this machine (ps): use --password-file or NETFLOCK_URL"
	try -q -u "$url" "$lock" -- true
	assert_status 0
	assert_silent
	try status --url="$url" --json
	assert_status 0
	assert_stderr_lines 1
	assert_no_secret
}

@test "ps shows no password, neither of the front nor of the keeper, and the command inherits none" {
	local pid all
	for options in "-u redis://ops:$ENCODED@127.0.0.1:$SERVER_PORT" "--url=redis://ops:$ENCODED@127.0.0.1:$SERVER_PORT" \
		"--user ops --password-file $file"; do
		# shellcheck disable=SC2086  # words
		hold "$lock" -v $options
		all=
		for pid in $(process_tree "$HOLDER"); do
			all+=$(tr '\0' ' ' <"/proc/$pid/cmdline")
			all+=$(tr '\0' ' ' <"/proc/$pid/environ")
		done
		assert_matches "$all" "$lock"
		assert_no_secret "$all"
		assert_no_secret "$(holder_stderr)"
		release_holder
		assert_status 0
	done
}

@test "a password from the environment reaches the command unless it is scrubbed" {
	REDISCLI_AUTH=$SECRET try --user ops "$lock" -- printenv REDISCLI_AUTH
	assert_output "$SECRET"
	REDISCLI_AUTH=$SECRET try --user ops --scrub-env "$lock" -- env
	assert_status 0
	assert_no_secret
}

@test "no output of any subcommand, with -v, as JSON or on failure, has a password in it" {
	local url=redis://ops:$ENCODED@127.0.0.1:$SERVER_PORT bad
	export REDISCLI_AUTH=
	hold "$lock"
	for bad in "$url" "redis://ops:x$ENCODED@127.0.0.1:$SERVER_PORT" "redis://none:$ENCODED@127.0.0.1:$SERVER_PORT" \
		"redis://ops:$ENCODED@127.0.0.1:1" "redis://ops:$ENCODED@127.0.0.1:port" "redis://ops:$ENCODED" \
		"redis://ops:$SECRET@127.0.0.1:$SERVER_PORT" "http://ops:$ENCODED@h" "rediss://ops:$ENCODED@127.0.0.1:$SERVER_PORT" \
		"redis://ops:$ENCODED@127.0.0.1:$SERVER_PORT/99" "redis://ops:$ENCODED@no.invalid" \
		"redis://ops:$ENCODED%zz@127.0.0.1:$SERVER_PORT" "unix://ops:$ENCODED@/none"; do
		NETFLOCK_URL=$bad try -v -n --connect-timeout 100ms "$lock" -- true
		assert_no_secret
		try -v -n --connect-timeout 100ms -u "$bad" "$lock" -- true
		assert_no_secret
		NETFLOCK_URL=$bad try -v --connect-timeout 100ms status --json
		assert_no_secret
		NETFLOCK_URL=$bad try -v --connect-timeout 100ms status "$lock"
		assert_no_secret
		NETFLOCK_URL=$bad try -v --connect-timeout 100ms reset other
		assert_no_secret
		NETFLOCK_URL=$bad try -v --connect-timeout 100ms reset-all --dry-run
		assert_no_secret
	done
	release_holder
	try "$lock" "--url=$url"
	assert_status 64
	assert_no_secret
	try "--urll=$url" "$lock"
	assert_status 64
	assert_no_secret
	try "--password=$SECRET" "$lock" -- true
	assert_status 64
	assert_no_secret
}

@test "the server's own record of the lock and of the connection has no password" {
	hold "$lock" --user ops --password-file "$file"
	assert_no_secret "$($R HGETALL "netflock:{$lock}")" "$($R CLIENT LIST)"
	release_holder
}

@test "a server that repeats the password is not repeated" {
	local port
	background python3 -c '
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
for _ in range(2):
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(("-ERR unknown command `AUTH`, with args beginning with: `ops`, `%s`, \r\n" % sys.argv[1]).encode() * 3)
    c.close()
' "$SECRET"
	wait_for_line "$OUT" '[0-9]'
	port=$(cat "$OUT")
	try -v -u "redis://127.0.0.1:$port" --user ops --password-file "$file" "$lock" -- true
	assert_status 77
	assert_stderr_matches 'args beginning with: `ops`, `\*\*\*`'
	assert_no_secret
	NETFLOCK_URL="redis://ops:$ENCODED@127.0.0.1:$port" try -v "$lock" -- true
	assert_status 77
	assert_stderr_matches '`\*\*\*`'
	assert_no_secret
	finish
}

@test "a wrong password, a wrong user, a user that is turned off: 77, one line, nothing runs" {
	local right=$SECRET
	printf 'wrong-%s\n' "$SECRET" >"$file"
	try --user ops --password-file "$file" "$lock" -- echo ran
	assert_status 77
	assert_stderr_lines 1
	assert_stderr_matches "refused user 'ops': WRONGPASS"
	assert_no_secret
	printf '%s\n' "$SECRET" >"$file"
	try --user nobody --password-file "$file" "$lock" -- echo ran
	assert_status 77
	assert_stderr_matches "refused user 'nobody': WRONGPASS"
	$R ACL SETUSER ops off >/dev/null
	try --user ops --password-file "$file" "$lock" -- echo ran
	assert_status 77
	assert_output ""
	assert_stderr_lines 1
	assert_no_secret
	assert_free
}

@test "a password that is changed, a user that is turned off: the command goes on, and the lock is given back" {
	local change
	for change in "resetpass >new" off; do
		hold "$lock" -t 1500ms --user ops --password-file "$file"
		# shellcheck disable=SC2086  # words
		$R ACL SETUSER ops $change >/dev/null
		wait_until renewed
		assert_equal "$(holder_stderr)" "" "said so far"
		release_holder
		assert_status 0
		assert_equal "$(holder_stderr)" "" said
		assert_free
		$R ACL SETUSER ops reset on ">$SECRET" '~*' '&*' +@all >/dev/null
	done
}
# Two renewals more than there were when it is first asked.
renewed() {
	local calls
	calls=$($R INFO commandstats | sed -n 's/^cmdstat_pexpireat:calls=\([0-9]*\).*/\1/p')
	CALLS=${CALLS:-$calls}
	[ "$calls" -ge $((CALLS + 2)) ]
}

# Both connections are there.
listens() { [ "$($R CLIENT LIST | grep -c user=ops)" = 2 ]; }

@test "a password that is changed, and the connection lost: it is told at once, and the command stopped with its lease" {
	local began
	hold "$lock" -t 4s --user ops --password-file "$file"
	wait_until listens
	$R ACL SETUSER ops resetpass '>new' >/dev/null
	began=$(now)
	$R CLIENT KILL USER ops >/dev/null
	wait_for_line "${HOLD_FILES[$HOLDER]}.err" "refused user 'ops': WRONGPASS"
	assert_between $(($(now) - began)) 0 $((700 + $(stretch 400))) "ms until it is told"
	# The default user may do everything here: what it is let do in our name must not give the lock to another.
	try -w 500ms "$lock" -- echo overlap
	assert_status 75
	kill -0 "$HOLDER"
	finish "$HOLDER"
	assert_equal "$status" 76 status
	assert_no_secret "$(holder_stderr)"
	$R DEL "netflock:{$lock}" >/dev/null
}

@test "a password that is put right in time: the command goes on" {
	hold "$lock" -t 3s --user ops --password-file "$file"
	wait_until listens
	$R ACL SETUSER ops resetpass '>new' >/dev/null
	$R CLIENT KILL USER ops >/dev/null
	wait_for_line "${HOLD_FILES[$HOLDER]}.err" "refused user 'ops': WRONGPASS"
	$R ACL SETUSER ops ">$SECRET" >/dev/null
	CALLS=
	wait_until renewed
	release_holder
	assert_status 0
	assert_free
}

# Whether a core of what crashes here is written at all, and into the current directory.
cores() { compgen -G 'core*' >/dev/null; }

@test "a crash of netflock leaves no core, which would have the password in it" {
	[ -z "${VARIANT:-}" ] || skip "a sanitizer wants its processes to be traced"
	cd "$BATS_TEST_TMPDIR"
	ulimit -c unlimited
	background "$NETFLOCK" --user ops --password-file "$file" "$lock" -- sleep 60
	wait_until held
	kill -SEGV "$PID"
	finish
	assert_status 139
	run ! cores
	wait_until assert_free
	bash -c 'kill -SEGV $$' 2>"$BATS_TEST_TMPDIR/said" || :
	cores || grep -q '^|' /proc/sys/kernel/core_pattern
}

@test "no process of the user can look into the front or the keeper, only into the command" {
	[ "$(id -u)" = 0 ] || skip "only root can become somebody else"
	[ -z "${VARIANT:-}" ] || skip "a sanitizer wants its processes to be traced"
	local open keeper
	open=$(mktemp -d /tmp/netflock.XXXXXX)
	chmod 755 "$open"
	cp "$NETFLOCK" "$open/netflock"
	background setpriv --reuid 65534 --regid 65534 --clear-groups "$open/netflock" -u "$SERVER_TCP" "$lock" -- sleep 60
	wait_until command_runs
	rm -rf "$open"
	keeper=$(keeper_of)
	# What may be dumped belongs to its user, the rest to root.
	assert_equal "$(stat -c %u "/proc/$PID/environ" "/proc/$keeper/environ" "/proc/$(command_of)/environ" | paste -sd' ')" "0 0 65534"
	kill -TERM "$PID"
	finish
	assert_status 143
}
command_runs() { [ "$(cat "/proc/$(command_of)/comm")" = sleep ]; } 2>/dev/null

@test "it refuses to run set-uid, so that nobody borrows the files of another user" {
	[ "$(id -u)" = 0 ] || skip "only root can give a file away"
	[ -z "${VARIANT:-}" ] || skip "a sanitizer does not work set-uid"
	local copy=$BATS_TEST_TMPDIR/netflock
	cp "$NETFLOCK" "$copy"
	chown nobody "$copy"
	chmod 4755 "$copy"
	run --separate-stderr "$copy" "$lock" -- echo ran 3>&- 4>&-
	assert_status 70
	assert_output ""
	assert_stderr "netflock: must not be installed set-uid, set-gid or with capabilities"
	assert_free
}
