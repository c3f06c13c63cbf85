#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# No server, not a server, or one that refuses: the right status, one clear line, nothing run, nothing left behind.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2046,SC2314,SC2251,SC2034
load common

setup_file() {
	common_setup_file
	server_tcp
}
teardown() {
	[ -z "${SECOND:-}" ] || kill -KILL "$SECOND" 2>/dev/null || :
	common_teardown
}

# Another server for this test, with these options: $S is its URL, $RS redis-cli on it.
second_server() {
	local dir=$BATS_TEST_TMPDIR/second
	mkdir "$dir"
	background "$TESTS/tools/server.sh" "$dir" "$@"
	SUPERVISOR2=$PID
	S=unix://$dir/s RS="redis-cli -s $dir/s"
	wait_until second_answers
	SECOND=$(cat "$dir/pid")
}
second_answers() { [ -n "$($RS PING 2>/dev/null)" ]; }
second_end() {
	echo quit >"$BATS_TEST_TMPDIR/second/control"
	finish "$SUPERVISOR2"
	SECOND=
}

# fails STATUS REGEX ARG...: the command does not run, one line that matches.
fails() {
	local expected=$1 regex=$2
	shift 2
	try "$@" -- echo ran
	assert_status "$expected"
	assert_output ""
	assert_stderr_matches "^netflock: .*$regex"
	assert_stderr_lines 1
}

# listen COMMAND...: what answers on a free port of 127.0.0.1 ($PORT), for each connection.
listen() {
	background python3 -c '
import socket, subprocess, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(8)
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    subprocess.call(sys.argv[1:], stdin=c, stdout=c, stderr=subprocess.DEVNULL)
    c.close()
' "$@"
	SECOND=$PID
	wait_for_line "$OUT" '[0-9]'
	PORT=$(cat "$OUT")
}

@test "nothing listens there" {
	local port
	port=$(free_port)
	fails 69 "127\.0\.0\.1:$port.*[Cc]onnection refused" --connect-timeout 200ms -u "redis://127.0.0.1:$port" "$lock"
}

@test "there is no such socket" {
	fails 69 "/nonexistent/s.*no such file" --connect-timeout 200ms -u unix:///nonexistent/s "$lock"
}

@test "the socket may not be used" {
	[ "$(id -u)" = 0 ] || skip
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" 2>/dev/null || :
	run --separate-stderr setpriv --reuid 65534 --clear-groups "$NETFLOCK" --connect-timeout 200ms "$lock" -- echo ran
	assert_status 69
	assert_stderr_matches "permission denied"
	assert_stderr_lines 1
}

@test "a name that does not resolve: within the connect timeout" {
	local began
	began=$(now)
	fails 69 "no-such-host\.invalid" --connect-timeout 500ms -u redis://no-such-host.invalid "$lock"
	assert_between $(($(now) - began)) 0 $((500 + $(stretch 500))) ms
}

@test "--connect-timeout is the total, retries included" {
	local began
	began=$(now)
	fails 69 "" --connect-timeout 700ms -u unix:///nonexistent/s "$lock"
	assert_between $(($(now) - began)) 600 $((700 + $(stretch 200))) ms
}

@test "a server that accepts and never answers: within the connect timeout" {
	local began
	server_stop
	began=$(now)
	fails 69 "no reply" --connect-timeout 400ms "$lock"
	assert_between $(($(now) - began)) 400 $((400 + $(stretch 200))) ms
	server_cont
	wait_until free_again
}
free_again() { ! $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }

@test "TCP by number, by name and by IPv6" {
	local host
	for host in 127.0.0.1 localhost; do
		try -u "redis://$host:$SERVER_PORT" "$lock" -- true
		assert_status 0
		assert_silent
	done
	$R CONFIG SET bind "127.0.0.1 ::1" >/dev/null
	try -u "redis://[::1]:$SERVER_PORT" "$lock" -- true
	assert_status 0
	assert_silent
	assert_free
}

@test "the database in the URL is used, and is another world" {
	hold "$lock" -u "$NETFLOCK_URL?db=3"
	try -n -u "$NETFLOCK_URL?db=3" "$lock" -- true
	assert_status 75
	try -n "$lock" -- true
	assert_status 0
	assert_equal "$($R -n 3 HKEYS "netflock:{$lock}" | grep -c '^h:')" 1
	try -n -u "$SERVER_TCP/3" "$lock" -- true
	assert_status 75
	release_holder
}

@test "a database that does not exist" {
	fails 78 "database 99" -u "$SERVER_TCP/99" "$lock"
	assert_equal "$($R EXISTS "netflock:{$lock}")" 1 "the lock's own hash, which the undone attempt left"
	assert_free
}

@test "a password where none is needed" {
	NETFLOCK_URL="redis://:secret-word@127.0.0.1:$SERVER_PORT" fails 77 "without any password" "$lock"
	[[ $stderr != *secret-word* ]]
	assert_free
}

@test "a wrong password, none, and a user that does not exist" {
	$R CONFIG SET requirepass right-word >/dev/null
	NETFLOCK_URL="redis://:wrong-word@127.0.0.1:$SERVER_PORT" fails 77 "WRONGPASS .* \(the password: --password-file, REDISCLI_AUTH or the URL\)$" "$lock"
	[[ $stderr != *wrong-word* ]]
	fails 77 "NOAUTH .* \(the password: --password-file, REDISCLI_AUTH or the URL\)$" -u "$SERVER_TCP" "$lock"
	NETFLOCK_URL="redis://nobody:right-word@127.0.0.1:$SERVER_PORT" fails 77 "user 'nobody'.*WRONGPASS" "$lock"
	[[ $stderr != *right-word* ]]
	try -u "redis://:right-word@127.0.0.1:$SERVER_PORT" "$lock" -- true
	assert_status 0
	REDISCLI_AUTH=right-word try "$lock" -- true
	assert_status 0
	REDISCLI_AUTH=right-word $R CONFIG SET requirepass "" >/dev/null
	assert_free
}

@test "a user that may not do what a lock needs is told what, and leaves nothing behind" {
	acl() { REDISCLI_AUTH='' $R ACL SETUSER ops reset on '>pw' '~netflock:*' '&netflock:*' +@all "$@" >/dev/null; }
	export REDISCLI_AUTH=pw
	acl
	try --user ops "$lock" -- true
	assert_status 0
	acl -eval -evalsha
	fails 77 "user 'ops': no permission for EVALSHA \(ACL SETUSER ops \+evalsha\)" --user ops "$lock"
	acl -hgetall
	fails 77 "no permission for HGETALL" --user ops "$lock"
	acl -hset
	fails 77 "no permission for HSET" --user ops "$lock"
	acl resetkeys '~other:*'
	fails 77 "no permission for the keys.*~netflock:\*" --user ops "$lock"
	REDISCLI_AUTH='' hold "$lock"
	acl -subscribe
	fails 77 "no permission for SUBSCRIBE" --user ops "$lock"
	acl resetchannels '&other:*'
	fails 77 "no permission for the channels.*&netflock:\*" --user ops "$lock"
	assert_equal "$(REDISCLI_AUTH='' $R EXISTS "netflock:{$lock}:queue")" 0 "a queue"
	release_holder
	unset REDISCLI_AUTH
	$R ACL DELUSER ops >/dev/null
	assert_free
}

@test "a replica" {
	second_server --replicaof "127.0.0.1 $(free_port)" --replica-serve-stale-data yes
	fails 69 "READONLY|MASTERDOWN" --connect-timeout 300ms -u "$S" "$lock"
	second_end
}

@test "a server that is loading its data: netflock waits for it as long as for a connection" {
	second_server --save "''"
	$RS DEBUG POPULATE 3000 x 100 >/dev/null
	$RS SAVE >/dev/null
	kill -KILL "$SECOND"
	echo "start --key-load-delay 500 --loading-process-events-interval-bytes 1024" >"$BATS_TEST_TMPDIR/second/control"
	wait_until second_loads
	fails 69 "LOADING" --connect-timeout 200ms -u "$S" "$lock"
	try --connect-timeout 30s -u "$S" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	assert_equal "$stderr" ""
	second_end
}
second_loads() { [[ $($RS PING 2>&1) == *LOADING* ]]; }

@test "a full server refuses a new lock, but not the renewal, release and hand-over of the ones it has" {
	second_server
	hold "$lock" -u "$S" -t 1500ms -k 100ms
	background "$NETFLOCK" -u "$S" "$lock" -- echo next
	wait_until second_waits
	$RS CONFIG SET maxmemory 1 >/dev/null
	fails 69 "OOM" --connect-timeout 300ms -u "$S" "other.$lock"
	release_holder
	assert_status 0
	assert_equal "$(holder_stderr)" ""
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" next
	second_end
}
second_waits() { [ "$($RS ZCARD "netflock:{$lock}:queue")" = 1 ]; }

@test "a server that cannot save" {
	second_server --save "1000000 1000000" --stop-writes-on-bgsave-error yes
	$RS SET x y >/dev/null
	# It writes to a temporary file, which it cannot rename to this.
	mkdir -p "$BATS_TEST_TMPDIR/second/dump.rdb/full"
	$RS BGSAVE >/dev/null
	wait_until second_misconf
	fails 69 "MISCONF" --connect-timeout 300ms -u "$S" "$lock"
	second_end
}
second_misconf() { [[ $($RS SET x y) == *MISCONF* ]]; }

@test "too many clients" {
	second_server --maxclients 1
	background python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print("in", flush=True); s.send(b"PING\r\n"); s.recv(99); time.sleep(60)' "${S#unix://}"
	wait_for_line "$OUT" in
	local client=$PID
	fails 69 "max number of clients" --connect-timeout 300ms -u "$S" "$lock"
	kill "$client"
	finish "$client"
	second_end
}

@test "a server busy with somebody's script" {
	second_server --busy-reply-threshold 50
	# shellcheck disable=SC2086
	background $RS EVAL 'while true do end' 0
	local script=$PID
	wait_until second_busy
	fails 69 "BUSY" --connect-timeout 300ms -u "$S" "$lock"
	$RS SCRIPT KILL >/dev/null
	finish "$script"
	second_end
}
second_busy() { [[ $($RS PING 2>&1) == *BUSY* ]]; }

@test "a key of another type is not a lock: 78, and it is left alone" {
	$R SET "netflock:{$lock}" mine >/dev/null
	fails 78 "key 'netflock:\{$lock\}' is a string, not a lock" "$lock"
	assert_equal "$($R GET "netflock:{$lock}")" mine
	$R DEL "netflock:{$lock}" >/dev/null
	$R RPUSH "netflock:{$lock}:queue" mine >/dev/null
	fails 78 "key 'netflock:\{$lock\}:queue' is a list, not a lock" "$lock"
	$R DEL "netflock:{$lock}:queue" >/dev/null
	$R SET "netflock:{$lock}:waiters" mine >/dev/null
	fails 78 "key 'netflock:\{$lock\}:waiters' is a string" "$lock"
	$R DEL "netflock:{$lock}:waiters" >/dev/null
}

@test "a web server is not a Redis server" {
	listen sh -c "printf 'HTTP/1.1 400 Bad Request\r\n\r\n'; sleep 0.1"
	fails 69 "127\.0\.0\.1:$PORT' is not a Redis server: it said 'HTTP/1\.1 400 Bad Request'" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
}

@test "an ssh server is not a Redis server" {
	listen sh -c "printf 'SSH-2.0-OpenSSH_9.2p1\r\n'; sleep 0.1"
	fails 69 "SSH-2\.0" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
}

@test "garbage is quoted without its control characters" {
	listen sh -c "printf '\033[31m\007\001bad\r\n'; sleep 0.1"
	fails 69 "is not a Redis server" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
	! grep -q $'[\001-\010\013-\037]' <<<"$stderr"
}

@test "a server that hangs up at once" {
	listen true
	fails 69 "closed the connection" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
}

@test "an endless reply costs neither time nor memory" {
	local began limit
	listen sh -c 'yes "+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | tr -d "\n"'
	began=$(now)
	# Sanitizers want more than anybody has.
	limit=300000
	[ "$FACTOR" = 1 ] || limit=unlimited
	run --separate-stderr bash -c "ulimit -v $limit"'; exec "$@"' - "$NETFLOCK" --connect-timeout 400ms -u "redis://127.0.0.1:$PORT" "$lock" -- echo ran
	assert_status 69
	assert_output ""
	assert_stderr_lines 1
	assert_between $(($(now) - began)) 0 $((400 + $(stretch 1000))) ms
}

@test "a reply that trickles in does not stretch the time" {
	local began
	listen sh -c 'while printf "*"; do sleep 0.05; done'
	began=$(now)
	fails 69 "" --connect-timeout 400ms -u "redis://127.0.0.1:$PORT" "$lock"
	assert_between $(($(now) - began)) 0 $((400 + $(stretch 300))) ms
}

@test "a reply that announces more than it may have" {
	listen sh -c 'head -c 1 >/dev/null; printf "*2147483647\r\n"; sleep 0.3'
	fails 69 "" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
}

@test "an answer that no script of ours gives" {
	listen sh -c 'head -c 1 >/dev/null; printf "+OK\r\n*1\r\n\$5\r\nhello\r\n"; sleep 0.3'
	fails 69 "" --connect-timeout 300ms -u "redis://127.0.0.1:$PORT" "$lock"
}
