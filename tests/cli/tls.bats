#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# rediss://: a real server with real certificates, good ones and bad ones.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2046,SC2314,SC2251,SC2034
load common
load certificates

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR/certs
	mkdir "$CERTS"
	certificates_all
	common_setup_file --tls-cert-file "$CERTS/good.pem" --tls-key-file "$CERTS/good.key" \
		--tls-ca-cert-file "$CERTS/ca.pem" --tls-auth-clients no
	export PLAIN=$NETFLOCK_URL
	server_tls
	server_tcp
}

# The server speaks TLS on $TLS_PORT, and that is what netflock uses.
server_tls() {
	local i
	for ((i = 0; i < 20; i++)); do
		TLS_PORT=$(free_port)
		if $R CONFIG SET tls-port "$TLS_PORT" | grep -q OK; then
			export TLS_PORT NETFLOCK_URL="rediss://localhost:$TLS_PORT"
			return 0
		fi
	done
	fail "no free port"
}

# The server's certificate from now on.
server_shows() {
	assert_equal "$($R CONFIG SET tls-cert-file "$CERTS/$1.pem" tls-key-file "$CERTS/$1.key" 2>&1)" OK "CONFIG SET"
}
teardown() {
	[ -z "${OTHER:-}" ] || kill "$OTHER" 2>/dev/null || :
	common_teardown
}
setup() {
	common_setup
	CA=(--cacert "$CERTS/ca.pem")
	server_shows good
	$R CONFIG SET tls-auth-clients no >/dev/null
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
# The same, and at once: to try again would not help.
fails_at_once() {
	local began
	began=$(now)
	fails "$@" --connect-timeout 20s "$lock"
	assert_between $(($(now) - began)) 0 $((2000 + $(stretch 3000))) ms
}
clients_are() { [ "$($R CLIENT LIST | grep -c '^id=.* addr=127.0.0.1\|^id=.* addr=\[::1\]')" = "$1" ]; }

# ------------------------------------------------------------------------------------------------------- what works

@test "a command runs under a lock of a server that is trusted" {
	try "${CA[@]}" "$lock" -- sh -c 'echo "$NETFLOCK_NAME"; exit 7'
	assert_status 7
	assert_output "$lock"
	assert_equal "$stderr" ""
	assert_free
}

@test "the system's CAs are trusted without --cacert" {
	SSL_CERT_FILE=$CERTS/ca.pem try "$lock" -- echo ran
	assert_status 0
	assert_output ran
	fails_at_once 77 "not trusted"
}

@test "TLS 1.2 is enough, TLS 1.1 is not" {
	$R CONFIG SET tls-protocols TLSv1.2 >/dev/null
	try "${CA[@]}" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	# Where the system's policy lets a server speak it at all.
	if $R CONFIG SET tls-protocols TLSv1.1 | grep -q OK; then
		fails 69 "no TLS with 'localhost:$TLS_PORT'" "${CA[@]}" --connect-timeout 300ms "$lock"
	fi
	$R CONFIG SET tls-protocols "TLSv1.2 TLSv1.3" >/dev/null
}

@test "an address needs a certificate for that address" {
	try "${CA[@]}" -u "rediss://127.0.0.1:$TLS_PORT" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	server_shows elsewhere
	fails 77 "is for 'db2\.example', '192\.0\.2\.2', not for '127\.0\.0\.1'" "${CA[@]}" -u "rediss://127.0.0.1:$TLS_PORT" "$lock"
}

@test "an IPv6 address needs one, too" {
	$R CONFIG SET bind "127.0.0.1 ::1" >/dev/null
	try "${CA[@]}" -u "rediss://[::1]:$TLS_PORT" "$lock" -- echo ran
	assert_status 0
	assert_output ran
}

@test "a waiter is told over TLS, and the lock is handed over at once" {
	hold "$lock" "${CA[@]}"
	background "$NETFLOCK" "${CA[@]}" "$lock" -- echo next
	wait_for_waiters 1
	release_holder
	assert_status 0
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" next
	assert_equal "$(cat "$ERR")" ""
	assert_free
}

@test "waiters over TLS are served in order" {
	local i pids=()
	hold "$lock" "${CA[@]}"
	for i in 1 2 3 4; do
		background "$NETFLOCK" "${CA[@]}" "$lock" -- sh -c "echo $i >>'$BATS_TEST_TMPDIR/order'"
		pids+=("$PID")
		wait_for_waiters "$i"
	done
	release_holder
	wait_until order_is_whole
	wait "${pids[@]}"
	assert_equal "$(xargs <"$BATS_TEST_TMPDIR/order")" "1 2 3 4"
	assert_free
}
order_is_whole() { [ "$(grep -c '' "$BATS_TEST_TMPDIR/order" 2>/dev/null)" = 4 ]; }

@test "the lock is renewed, and again when the connection was cut" {
	local i
	hold "$lock" "${CA[@]}" -t 1500ms -k 100ms
	for i in 1 2 3; do
		$R CLIENT KILL TYPE normal >/dev/null
		$R CLIENT KILL TYPE pubsub >/dev/null
		sleep 0.7
	done
	release_holder "$HOLDER" 5
	assert_status 5
	assert_equal "$(holder_stderr)" ""
	assert_free
}

@test "the files are read once: the lock is renewed when they are gone" {
	cp "$CERTS/ca.pem" "$BATS_TEST_TMPDIR/ca.pem"
	hold "$lock" --cacert "$BATS_TEST_TMPDIR/ca.pem" -t 1500ms -k 100ms
	rm "$BATS_TEST_TMPDIR/ca.pem"
	$R CLIENT KILL TYPE normal >/dev/null
	$R CLIENT KILL TYPE pubsub >/dev/null
	sleep 1.7
	try reset "${CA[@]}" "$lock"
	assert_status 0
	finish "$HOLDER"
	assert_status 76
}

@test "a server that is not to be trusted any more when the connection is made anew: the lock is lost, in time" {
	hold "$lock" "${CA[@]}" -t 1500ms -k 100ms
	server_shows unknown
	$R CLIENT KILL TYPE normal >/dev/null
	$R CLIENT KILL TYPE pubsub >/dev/null
	finish "$HOLDER"
	assert_status 76
	assert_matches "$(holder_stderr)" "unknown CA"
	server_shows good
	$R DEL "netflock:{$lock}" >/dev/null
}

@test "a reset is heard over TLS" {
	hold "$lock" "${CA[@]}"
	wait_until clients_are 2
	try reset "${CA[@]}" "$lock"
	assert_status 0
	assert_output_matches "taken from"
	finish "$HOLDER"
	assert_status 76
	assert_matches "$(holder_stderr)" "reset"
	assert_free
}

@test "status, status --json and reset-all work over TLS" {
	hold "$lock" "${CA[@]}"
	try status "${CA[@]}" "$lock"
	assert_status 0
	assert_output_matches "$lock: held"
	try status "${CA[@]}" --json
	assert_status 0
	assert_output_matches "\"$lock\""
	try reset-all "${CA[@]}" --force --match "$lock"
	assert_status 0
	finish "$HOLDER"
	assert_status 76
	assert_free
}

@test "replies larger than a TLS record" {
	local i
	for i in $(seq 300); do
		echo "EVAL \"redis.call('HSET', KEYS[1], 'born', 1) redis.call('HSET', KEYS[1]..':queue', 'x', 1)\" 1 netflock:{$lock.$i.$(printf 'x%.0s' $(seq 150))}"
	done | $R >/dev/null
	try status --names "${CA[@]}"
	assert_status 0
	try reset-all "${CA[@]}" --force --dry-run
	assert_status 0
	$R FLUSHALL >/dev/null
}

@test "a password goes through TLS" {
	$R CONFIG SET requirepass right-word >/dev/null
	try "${CA[@]}" -u "rediss://:right-word@localhost:$TLS_PORT" "$lock" -- echo ran
	REDISCLI_AUTH=right-word $R CONFIG SET requirepass "" >/dev/null
	assert_status 0
	assert_output ran
}

@test "the URL may come from NETFLOCK_URL, REDIS_URL and --url" {
	local url=$NETFLOCK_URL
	try "${CA[@]}" "$lock" -- echo ran
	assert_output ran
	unset NETFLOCK_URL
	REDIS_URL=$url try "${CA[@]}" "$lock" -- echo ran
	assert_output ran
	try "${CA[@]}" --url "$url" "$lock" -- echo ran
	assert_output ran
}

@test "a killed front, a killed keeper: the lock is free at once" {
	hold "$lock" "${CA[@]}"
	kill -KILL "$HOLDER"
	finish "$HOLDER"
	wait_until lock_is_free
	hold "$lock" "${CA[@]}"
	kill -KILL "$(pgrep -P "$HOLDER" | head -n 1)"
	finish "$HOLDER"
	assert_status 70
	assert_free
}
lock_is_free() { ! $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }

# ----------------------------------------------------------------------------------------------- who is not trusted

@test "a certificate of an unknown CA" {
	server_shows unknown
	fails_at_once 77 "'localhost:$TLS_PORT' is not trusted: its certificate was issued by an unknown CA" "${CA[@]}"
}

@test "a certificate that has expired, and one that is not valid yet" {
	server_shows expired
	fails_at_once 77 "is not trusted: its certificate has expired" "${CA[@]}"
	server_shows early
	fails_at_once 77 "is not trusted: its certificate is not valid yet" "${CA[@]}"
}

@test "a certificate for another host" {
	server_shows elsewhere
	fails_at_once 77 "is not trusted: its certificate is for 'db2\.example', '192\.0\.2\.2', not for 'localhost'" "${CA[@]}"
}

@test "a self-signed certificate, unless it is the one that is trusted" {
	server_shows self
	fails_at_once 77 "is not trusted: its certificate is self-signed" "${CA[@]}"
	try --cacert "$CERTS/self.pem" "$lock" -- echo ran
	assert_status 0
	assert_output ran
}

@test "a certificate that is not one for servers" {
	server_shows purpose
	fails_at_once 77 "is not trusted: its certificate is not one for servers" "${CA[@]}"
}

@test "a certificate with a weak key" {
	local port
	port=$(free_port)
	background openssl s_server -quiet -cipher DEFAULT@SECLEVEL=0 -cert "$CERTS/weak.pem" -key "$CERTS/weak.key" -accept "127.0.0.1:$port"
	OTHER=$PID
	wait_until listens "$port"
	fails_at_once 77 "is not trusted: its certificate does not pass: .*key too" "${CA[@]}" -u "rediss://127.0.0.1:$port"
}
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

@test "status and reset trust nobody else" {
	server_shows unknown
	try status "${CA[@]}"
	assert_status 77
	assert_stderr_matches "unknown CA"
	assert_stderr_lines 1
	try reset "${CA[@]}" "$lock"
	assert_status 77
	assert_stderr_matches "unknown CA"
	assert_stderr_lines 1
}

@test "--sni names the server, and its certificate must be for that name" {
	server_shows elsewhere
	try "${CA[@]}" --sni db2.example "$lock" -- echo ran
	assert_status 0
	assert_output ran
	fails 77 "is for 'db2\.example', '192\.0\.2\.2', not for 'db3\.example'" "${CA[@]}" --sni db3.example "$lock"
	fails 64 "invalid host name '192\.0\.2\.2'" "${CA[@]}" --sni 192.0.2.2 "$lock"
}

@test "--insecure trusts everybody, and says so each time" {
	local cert
	for cert in unknown expired elsewhere self; do
		server_shows "$cert"
		try --insecure "$lock" -- echo ran
		assert_status 0
		assert_output ran
		assert_stderr_matches "^netflock: $lock: --insecure: "
		assert_stderr_lines 1
	done
	try -q --insecure "$lock" -- echo ran
	assert_silent_but ran
	try status --insecure
	assert_status 0
	assert_stderr_matches "^netflock: --insecure: "
	assert_stderr_lines 1
}
assert_silent_but() { assert_output "$1" && assert_equal "$stderr" "" stderr; }

# -------------------------------------------------------------------------------------------------- who we are

@test "a server that wants a client's certificate" {
	local i
	$R CONFIG SET tls-auth-clients yes >/dev/null
	# TLS 1.3 tells so after the handshake, perhaps together with a reset of the connection.
	for i in 1 2 3 4 5; do
		fails_at_once 77 "refused to talk without a client certificate \(--cert, --key\)" "${CA[@]}"
	done
	try "${CA[@]}" --cert "$CERTS/client.pem" --key "$CERTS/client.key" "$lock" -- echo ran
	assert_status 0
	assert_output ran
	assert_equal "$stderr" ""
	fails_at_once 77 "refused our certificate: .*unknown ca" "${CA[@]}" --cert "$CERTS/unknown.pem" --key "$CERTS/unknown.key"
	fails_at_once 77 "refused our certificate: .*expired" "${CA[@]}" --cert "$CERTS/expired.pem" --key "$CERTS/expired.key"
	try status "${CA[@]}"
	assert_status 77
	assert_stderr_lines 1
}

@test "the same over TLS 1.2" {
	$R CONFIG SET tls-protocols TLSv1.2 tls-auth-clients yes >/dev/null
	try "${CA[@]}" --connect-timeout 300ms "$lock" -- echo ran
	assert_stderr_lines 1
	[ "$status" = 69 ] || [ "$status" = 77 ]
	try "${CA[@]}" --cert "$CERTS/client.pem" --key "$CERTS/client.key" "$lock" -- echo ran
	$R CONFIG SET tls-protocols "TLSv1.2 TLSv1.3" >/dev/null
	assert_status 0
	assert_output ran
}

@test "a key that others can read is refused" {
	cp "$CERTS/client.key" "$BATS_TEST_TMPDIR/key"
	chmod 640 "$BATS_TEST_TMPDIR/key"
	[ "$(id -u)" = 0 ] || fails_at_once 78 "key file '.*/key' is open to its group" "${CA[@]}" --cert "$CERTS/client.pem" --key "$BATS_TEST_TMPDIR/key"
	chmod 604 "$BATS_TEST_TMPDIR/key"
	fails_at_once 78 "key file '.*/key' is open to others: chmod 600" "${CA[@]}" --cert "$CERTS/client.pem" --key "$BATS_TEST_TMPDIR/key"
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0
}

@test "files that are not there, or not what they should be" {
	local none=$BATS_TEST_TMPDIR/none client=(--cert "$CERTS/client.pem" --key)
	fails_at_once 78 "CA certificate '.*/none'" --cacert "$none"
	fails_at_once 78 "CA certificate '/dev/null'" --cacert /dev/null
	fails_at_once 78 "certificate '.*/none'" --cert "$none" --key "$CERTS/client.key"
	fails_at_once 78 "key file '.*/none': No such file" "${client[@]}" "$none"
	fails_at_once 78 "key '.*': key values mismatch" "${client[@]}" "$CERTS/good.key"
	fails_at_once 78 "key '.*': it has a passphrase" "${client[@]}" "$CERTS/locked.key"
	fails_at_once 78 "key file '.*' is a directory" "${client[@]}" "$BATS_TEST_TMPDIR"
	assert_equal "$($R EXISTS "netflock:{$lock}")" 0
}

@test "a bad file is found before anybody is asked" {
	fails 78 "CA certificate '.*/none'" --cacert "$BATS_TEST_TMPDIR/none" -u "rediss://127.0.0.1:$(free_port)" "$lock"
}

@test "--cert and --key need each other" {
	fails 64 "--cert and --key need each other" --cert "$CERTS/client.pem" "$lock"
	fails 64 "--cert and --key need each other" --key "$CERTS/client.key" "$lock"
}

@test "options of TLS are refused when the URL has none: nobody shall think he is safe" {
	local option
	for option in "--cacert x" "--cert x" "--key x" "--sni x" --insecure; do
		# shellcheck disable=SC2086  # option and value
		fails 64 "${option% x} needs a server with TLS: --url rediss://" -u "$SERVER_TCP" $option "$lock"
	done
	try status -u "$PLAIN" --insecure
	assert_status 64
}

# ------------------------------------------------------------------------------------------------- wrong ports, no luck

@test "a plain port that is spoken to with TLS" {
	local began
	began=$(now)
	fails 69 "no TLS with '127\.0\.0\.1:$SERVER_PORT'.*\(is it a TLS port\?\)" "${CA[@]}" --connect-timeout 500ms -u "rediss://127.0.0.1:$SERVER_PORT" "$lock"
	assert_between $(($(now) - began)) 400 $((500 + $(stretch 300))) ms
}

@test "a TLS port that is spoken to in plain" {
	fails 69 "'127\.0\.0\.1:$TLS_PORT'.*\(is it a TLS port\?\)" --connect-timeout 300ms -u "redis://127.0.0.1:$TLS_PORT" "$lock"
}

@test "something else that answers to a TLS greeting" {
	background python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8)
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept(); c.recv(1); c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"); c.close()'
	OTHER=$PID
	wait_for_line "$OUT" '[0-9]'
	fails 69 "no TLS with .*\(is it a TLS port\?\)" "${CA[@]}" --connect-timeout 300ms -u "rediss://127.0.0.1:$(cat "$OUT")" "$lock"
}

@test "a server that is stopped in the handshake: within the connect timeout, or at a signal" {
	local began
	server_stop
	began=$(now)
	fails 69 "handshake timed out" "${CA[@]}" --connect-timeout 400ms "$lock"
	assert_between $(($(now) - began)) 400 $((400 + $(stretch 300))) ms
	background "$NETFLOCK" "${CA[@]}" --connect-timeout 60s "$lock" -- echo ran
	sleep 0.2
	kill -TERM "$PID"
	finish
	server_cont
	assert_status 143
}

@test "a server stopped while the lock is held: as without TLS" {
	hold "$lock" "${CA[@]}" -t 1500ms -k 100ms
	server_stop
	finish "$HOLDER"
	server_cont
	assert_status 76
	try -w 10s "${CA[@]}" "$lock" -- true
	assert_status 0
	assert_free
}

@test "a client that goes away while the server writes: no SIGPIPE" {
	try status "${CA[@]}" --connect-timeout 5s "$lock"
	assert_status 0
	hold "$lock" "${CA[@]}" -t 1500ms -k 100ms
	$R CLIENT KILL TYPE normal >/dev/null
	release_holder
	assert_status 0
	assert_free
}

# ------------------------------------------------------------------------------------------------------- loading

@test "OpenSSL is loaded for rediss:// only" {
	local maps
	hold "$lock" -u "$PLAIN"
	maps=$(cat "/proc/$HOLDER/maps" 2>/dev/null || :)
	release_holder
	[[ $maps != *libssl* && $maps != *libcrypto* ]]
	ldd "$NETFLOCK" >"$BATS_TEST_TMPDIR/ldd" 2>&1 || skip
	! grep -E 'libssl|libcrypto' "$BATS_TEST_TMPDIR/ldd"
}

@test "--version says that there is TLS" {
	try --version
	assert_output_line "TLS: OpenSSL 3 \(loaded on demand\)"
}

@test "a build without TLS says so, and refuses rediss:// with 78" {
	local b=$BATS_TEST_TMPDIR/b
	make -s -C "$HERE" VARIANT= B="$b" WITH_TLS= CFLAGS=-O0 "$b/netflock" >"$BATS_TEST_TMPDIR/log" 2>&1 || fail "$(cat "$BATS_TEST_TMPDIR/log")"
	NETFLOCK=$b/netflock
	try --version
	assert_output_line "no TLS"
	fails_at_once 78 "rediss:// is not possible: this netflock was built without TLS"
	try -u "$PLAIN" "$lock" -- echo ran
	assert_status 0
	try status
	assert_status 78
	assert_stderr_lines 1
}
