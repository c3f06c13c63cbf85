#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# netflock doctor: each thing that can be wrong with a server, or with what we may do there, is found and told.
# shellcheck disable=SC2154,SC2034,SC2314,SC2016,SC2030,SC2031,SC2086,SC2251
load common
load rights
load certificates
load examples

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR/certs CLOCKSHIM=$BATS_FILE_TMPDIR/clock
	local real here='subjectAltName=DNS:localhost,IP:127.0.0.1'
	mkdir "$CERTS"
	certificates_ca ca
	certificates_make good "$here"
	certificates_make ending "$here" ca 20250101000000Z "$(date -u -d '+9 days' +%Y%m%d)120000Z"
	echo 0 >"$CLOCKSHIM"
	real=$(command -v redis-server || command -v valkey-server || command -v redis-check-rdb)
	printf '#!/bin/bash\nexport LD_PRELOAD=%s\nexec -a redis-server %s "$@"\n' "$TOOLS/clockshim.so" "$real" >"$BATS_FILE_TMPDIR/redis-server"
	chmod +x "$BATS_FILE_TMPDIR/redis-server"
	export REDIS_SERVER=$BATS_FILE_TMPDIR/redis-server
	common_setup_file --tls-cert-file "$CERTS/good.pem" --tls-key-file "$CERTS/good.key" \
		--tls-ca-cert-file "$CERTS/ca.pem" --tls-auth-clients no
	server_tcp
}
setup() {
	common_setup
	$R FLUSHALL >/dev/null
	$R CONFIG SET appendonly yes >/dev/null
}
teardown() {
	[ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null || :
	$R REPLICAOF NO ONE >/dev/null
	$R CONFIG SET maxmemory 0 maxmemory-policy noeviction save '' appendonly no tls-cert-file "$CERTS/good.pem" tls-key-file "$CERTS/good.key" >/dev/null
	$R ACL DELUSER jobs nf-run nf-status nf-reset nf-reset-all >/dev/null
	echo 0 >"$CLOCKSHIM"
	common_teardown
}

doctor() { try doctor "$@"; }
# The line about CHECK is exactly this; else TEXT may be a regex.
assert_finding() {
	local line
	line=$(grep -E "^[a-z]+ +$1: " <<<"$output") || fail "no finding about $1:" "$output"
	assert_equal "$(awk '{ print $1 }' <<<"$line")" "$2" "level of '$line'"
	[[ ${line#*: } =~ ^$3$ ]] || fail "$1: '${line#*: }'" "does not match: '$3'"
}
levels() { awk '{ print $1 }' <<<"$output" | sort | uniq -c | awk '{ print $2 $1 }' | xargs; }

# A server that answers by RULE..., and else as ours.
fake() {
	local socket=$BATS_TEST_TMPDIR/fake
	FAKE=unix://$socket
	rm -f "$socket"
	background /usr/bin/env python3 "$TESTS/tools/fakeredis.py" "$socket" --forward "$SERVER_DIR/s" "$@"
	FAKE_PID=$PID
	wait_until test -S "$socket"
}

@test "a server that is fit: every line is ok, and the status 0" {
	doctor
	assert_status 0
	assert_equal "$stderr" ""
	assert_equal "$(levels)" ok15
	assert_equal "$(sed -E 's/^ok +([a-z-]+): .*/\1/' <<<"$output" | xargs)" \
		"reach tls login server role latency clock memory eviction persistence run status reset reset-all history"
	assert_finding reach ok "'$SERVER_DIR/s' is reached"
	assert_finding tls ok "none, and none needed on this machine"
	assert_finding login ok "user 'default', without a password"
	assert_finding server ok "(redis|valkey) [0-9.]+, standalone"
	assert_finding role ok master
	assert_finding latency ok "[0-9.]+ms, the median of 7 requests, [0-9.]+ms at most"
	assert_finding clock ok "the server's and ours (agree within .*|.* changes no lease)"
	assert_finding memory ok "the server sets no limit"
	assert_finding eviction ok noeviction
	assert_finding persistence ok 'every change is logged, fsync everysec \(appendonly\)'
	assert_finding run ok "user 'default' has all rights that it needs"
	assert_finding reset-all ok "user 'default' has all rights that it needs"
}

@test "nothing is left on the server, and nothing of others is touched" {
	local before
	$R SET other x >/dev/null
	hold "$lock"
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	$R SET "netflock:{doctor}" x >/dev/null
	contents() { $R KEYS '*' | sort; $R HMGET "netflock:{$lock}" born fence; $R ZRANGE "netflock:{$lock}:queue" 0 -1 WITHSCORES; }
	before=$(contents)
	doctor
	assert_status 0
	doctor "$lock"
	assert_status 0
	assert_equal "$(contents)" "$before" "what is on the server"
	release_holder
	assert_status 0
	finish
	assert_status 0
}

@test "no key is written, but one that is gone with the script that writes it" {
	local before
	changes() { $R INFO persistence | sed -n 's/^rdb_changes_since_last_save:\([0-9]*\).*/\1/p'; }
	before=$(changes)
	doctor
	assert_equal "$(($(changes) - before))" 2 "changes on the server"
	assert_equal "$($R DBSIZE)" 0 keys
}

@test "a server that cannot be reached is a problem, and the address comes with where it was said" {
	local port
	port=$(free_port)
	doctor -u /nowhere/s
	assert_status 1
	assert_equal "$stderr" ""
	assert_output "problem  reach: cannot connect to '/nowhere/s': no such file or directory; does it run, and listen there? The URL is from: command line"
	NETFLOCK_URL=redis://127.0.0.1:$port doctor
	assert_status 1
	assert_output "problem  reach: cannot connect to '127.0.0.1:$port': connection refused; does it run, and listen there? The URL is from: environment NETFLOCK_URL"
	doctor -u redis://localhost:$port
	assert_status 1
	assert_output_matches "; tried .*127.0.0.1 \(Connection refused\).*; does it run"
	doctor -u redis://no.such.host.invalid --connect-timeout 2s
	assert_status 1
	assert_output_matches "^problem  reach: cannot connect to 'no.such.host.invalid:6379': .*; is the host's name right, and known here\? The URL is from: command line$"
}

@test "over TCP the address is told" {
	doctor -u "redis://localhost:$SERVER_PORT"
	assert_status 0
	# Behind a name there may be addresses that do not answer.
	assert_output_matches "(ok|warning)  +reach: 'localhost:$SERVER_PORT' is reached at (127.0.0.1|::1)"
	assert_finding tls ok "none, and none needed on this machine"
}

@test "a password that is wrong, missing, or not asked for" {
	$R ACL SETUSER jobs on '>s3cret' '~*' '&*' +@all >/dev/null
	REDISCLI_AUTH=wr0ng doctor --user jobs
	assert_status 1
	assert_finding reach ok ".*"
	assert_finding login problem "'$SERVER_DIR/s' refused user 'jobs': WRONGPASS .* \(the password: --password-file, REDISCLI_AUTH or the URL\)"
	[[ $output != *wr0ng* ]] || fail "$output"
	REDISCLI_AUTH=s3cret doctor --user jobs
	assert_status 0
	assert_finding login ok "user 'jobs', with a password"
	[[ $output != *s3cret* ]] || fail "$output"
	$R CONFIG SET requirepass s3cret >/dev/null
	doctor
	redis-cli -s "$SERVER_DIR/s" -a s3cret --no-auth-warning CONFIG SET requirepass '' >/dev/null
	assert_status 1
	assert_finding login problem "'$SERVER_DIR/s' refused: NOAUTH [^.]* \(the password: .*\)"
}

@test "what is no Redis server, and one that stops to answer" {
	fake '.* => reply HTTP/1.1 400 Bad Request'
	doctor -u "$FAKE"
	assert_status 1
	assert_finding server problem ".* is not a Redis server: it said 'HTTP/1.1 400 Bad Request'"
	kill "$FAKE_PID"
	fake 'time#3+ => close'
	doctor -u "$FAKE"
	assert_status 1
	assert_finding server problem ".* closed the connection; it stopped to answer"
	kill "$FAKE_PID"
	fake 'hello => lose'
	doctor -u "$FAKE" --connect-timeout 100ms
	assert_status 1
	assert_finding server problem "no reply from '.*' within 100ms"
}

@test "a server that is too old, another kind, a Sentinel, a cluster, one that says nothing" {
	hello() { printf '*8\\r\\n$6\\r\\nserver\\r\\n$%d\\r\\n%s\\r\\n$7\\r\\nversion\\r\\n$%d\\r\\n%s\\r\\n$4\\r\\nmode\\r\\n$%d\\r\\n%s\\r\\n$4\\r\\nrole\\r\\n$6\\r\\nmaster' ${#1} "$1" ${#2} "$2" ${#3} "$3"; }
	says() {
		fake "hello => reply $(hello "$1" "$2" "$3")" 'info => reply -ERR no'
		doctor -u "$FAKE"
		kill "$FAKE_PID"
		assert_finding server "$4" "$1 $2, $3$5"
	}
	says redis 6.0.16 standalone problem "; netflock needs Redis 6.2 or later, or Valkey"
	assert_status 1
	says redis 6.2.0 standalone ok ""
	says redis 10.0.0 standalone ok ""
	says valkey 8.0.1 standalone ok ""
	says fancy 1.0.0 standalone warning "; netflock is tested with Redis and Valkey only"
	says redis 7.0.0 cluster warning "; locks whose slot is on another node cannot be taken: use a server that is no cluster"
	assert_status 0
	says redis 7.0.0 sentinel problem "; this one keeps no keys: name the server that it watches"
	fake 'hello => reply -ERR unknown command' 'info => reply -ERR no'
	doctor -u "$FAKE"
	assert_status 0
	assert_finding server unknown "it does not say what it is; netflock is tested with Redis from 6.2 on and with Valkey"
	assert_finding role unknown "it does not say"
	kill "$FAKE_PID"
	fake 'info => reply +valkey_version:8.1.0'
	doctor -u "$FAKE"
	assert_status 0
}

@test "a replica takes no locks" {
	$R REPLICAOF 127.0.0.1 1 >/dev/null
	doctor
	assert_status 1
	assert_finding role problem "replica of '127.0.0.1:1': it takes no locks; name the master"
	assert_finding run ok ".*"
}

@test "a server that evicts keys" {
	$R CONFIG SET maxmemory-policy allkeys-lru >/dev/null
	doctor
	assert_status 0
	assert_finding eviction warning "allkeys-lru, though without a limit of memory yet; CONFIG SET maxmemory-policy noeviction"
	$R CONFIG SET maxmemory 1gb >/dev/null
	doctor
	assert_status 1
	assert_finding eviction problem "allkeys-lru: the server may forget who holds a lock; CONFIG SET maxmemory-policy noeviction, or a server of its own for locks"
	assert_finding memory ok "[0-9]+% of maxmemory is used"
}

@test "a server that is full" {
	$R CONFIG SET maxmemory 1 >/dev/null
	doctor
	assert_status 1
	assert_finding memory problem "full: the server refuses to store more, so no lock can be taken; raise maxmemory, or delete what is not needed"
	assert_finding run ok ".*"
}

@test "what a restart forgets" {
	$R CONFIG SET appendonly no >/dev/null
	doctor
	assert_status 0
	assert_finding persistence warning "none: a restart forgets who holds and who waits; CONFIG SET appendonly yes; else two commands may overlap for 17s then"
	$R CONFIG SET save '3600 1' >/dev/null
	doctor
	assert_finding persistence warning "snapshots only: a restart forgets the latest locks; CONFIG SET appendonly yes; else two commands may overlap for 17s then"
}

@test "the server's clock is ahead or behind: told, and no problem" {
	echo 5000 >"$CLOCKSHIM"
	doctor
	assert_status 0
	assert_finding clock ok "the server's is (5s|4\.99[0-9]s|5\.00[0-9]s) ahead of ours \(within .*\), which changes no lease"
	echo -7200000 >"$CLOCKSHIM"
	doctor
	assert_status 0
	assert_finding clock ok "the server's is (2h|1h59m|1h59m59s) behind ours \(within .*\), which changes no lease; times that status shows are the server's: set both by NTP"
}

@test "a slow server" {
	fake 'time => delay 30; forward'
	doctor -u "$FAKE"
	assert_finding latency ok ".*"
	write_config() { (umask 077 && printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/conf"); }
	write_config 'io-timeout = 200ms'
	doctor -u "$FAKE" --config "$BATS_TEST_TMPDIR/conf"
	assert_status 0
	assert_finding latency warning "[34][0-9].*ms, .*; one request may take 200ms \(--io-timeout\): a slow server makes locks late, or lost"
}

# ---------------------------------------------------------------------------------------------------------------- TLS

@test "TLS: version, cipher and how long the certificate lasts" {
	server_tls
	doctor --cacert "$CERTS/ca.pem"
	assert_status 0
	assert_finding tls ok "TLSv1.[23] with [A-Z0-9_-]+; the server's certificate ends on 2045-12-31 \(in [0-9]+ days\)"
	$R CONFIG SET tls-cert-file "$CERTS/ending.pem" tls-key-file "$CERTS/ending.key" >/dev/null
	doctor --cacert "$CERTS/ca.pem"
	assert_status 0
	assert_finding tls warning "TLSv1.[23] with [A-Z0-9_-]+; the server's certificate ends on $(date -u -d '+9 days' +%Y-%m-%d) \(in [89] days\); renew it: without a valid one nothing can be locked"
	doctor --insecure
	assert_status 0
	assert_finding tls warning "TLSv1.[23] with [A-Z0-9_-]+; the server's certificate is not verified; give --cacert instead of --insecure"
}
server_tls() {
	local i
	for ((i = 0; i < 20; i++)); do
		TLS_PORT=$(free_port)
		if $R CONFIG SET tls-port "$TLS_PORT" | grep -q OK; then
			export NETFLOCK_URL=rediss://127.0.0.1:$TLS_PORT
			return 0
		fi
	done
	fail "no free port"
}

@test "TLS: a server that is not trusted, and a file that is not there" {
	server_tls
	doctor --connect-timeout 2s
	assert_status 1
	assert_finding reach ok "'127.0.0.1:$TLS_PORT' is reached at 127.0.0.1"
	assert_finding tls problem "'127.0.0.1:$TLS_PORT' is not trusted: .*"
	doctor --cacert /nowhere
	assert_status 1
	assert_finding tls problem ".*/nowhere.*"
}

# ------------------------------------------------------------------------------------------------------------- rights

# Those whose line the manual has.
subcommands_with_rights() {
	local words
	words=$(sed -n 's/^redis-cli ACL SETUSER nf-\([a-z-]*\) .*/\1/p' "$MANUAL")
	[ "$(wc -w <<<"$words")" -ge 4 ] || fail "the manual's lines are not understood" >&2
	echo $words
}
as() {
	local user=$1
	shift
	REDISCLI_AUTH=PASSWORD doctor --user "$user" "$@"
}
# "LEVEL TEXT" of CHECK.
finding() { sed -nE "s/^([a-z]+) +$1: /\1 /p" <<<"$output"; }

@test "rights: who has a line of the manual has all that his subcommand needs" {
	local word words
	for word in $(subcommands_with_rights); do
		mapfile -t words < <(rule nf-$word)
		$R "${words[@]}" >/dev/null
		as nf-$word
		assert_finding $word ok "user 'nf-$word' has all rights that it needs"
	done
	as nf-run
	assert_status 0
	assert_finding eviction unknown "user 'nf-run' may not ask \(CONFIG GET, INFO\); maxmemory-policy must be noeviction"
	assert_finding persistence unknown "user 'nf-run' may not ask \(CONFIG GET\); without appendonly a restart forgets locks"
	assert_finding memory unknown "user 'nf-run' may not ask \(CONFIG GET, INFO\)"
	assert_finding server ok ".*"
	assert_finding role ok master
	assert_finding clock ok ".*"
}

@test "rights: each one of the manual's lines that is missing is named, with the line that gives it" {
	local word right words bad=0 told grant
	for word in $(subcommands_with_rights); do
		for right in $(rule nf-$word | grep '^[+~&]'); do
			mapfile -t words < <(rule nf-$word | grep -vxF -e "$right")
			$R "${words[@]}" >/dev/null
			as nf-$word
			told=$(finding $word)
			# What cannot be tried without it is granted along.
			case "$word $right" in
			'run +eval') grant='+eval +lpush' ;;
			reset*' +publish') grant='&netflock:* +publish' ;;
			*) grant=$right ;;
			esac
			[[ $told == *" lacks $right;"* || $told == *" lacks $right, which is good to have;"* ]] &&
				[[ $told == *"; ACL SETUSER nf-$word $grant" ]] || { echo "nf-$word without $right: $told" >&2; bad=1; }
			$R ACL SETUSER nf-$word "$right" >/dev/null
		done
		as nf-$word
		assert_finding $word ok ".*"
	done
	assert_equal "$bad" 0 "rights that were not told"
}

@test "rights: what run cannot do without is a problem, the rest is a warning" {
	$R ACL SETUSER jobs on '>PASSWORD' resetkeys '~netflock:*' '&*' +@all -hset -subscribe >/dev/null
	as jobs
	assert_status 1
	assert_finding run problem "user 'jobs' lacks \+hset \+subscribe; ACL SETUSER jobs \+hset \+subscribe"
	assert_finding status ok ".*"
	assert_finding reset warning "user 'jobs' lacks \+hset; ACL SETUSER jobs \+hset"
	$R ACL SETUSER jobs +hset +subscribe -publish >/dev/null
	as jobs
	assert_status 0
	assert_finding run warning "user 'jobs' lacks \+publish, which is good to have; ACL SETUSER jobs \+publish"
	assert_finding status ok ".*"
}

@test "rights: what is told to grant is enough, and told at once" {
	local line words rules
	mapfile -t words < <(rule nf-status)
	# Keys and channels are only seen with commands, +lpush only with +eval and what deletes.
	for rules in "+@all -del -lpush ~netflock:*" "+@all -del -pexpire -pexpireat -ltrim -lpush ~* &*" "+@all -lpush" "+@all -eval -lpush" \
		"+eval ~netflock:*" "" "${words[*]:5}"; do
		$R ACL SETUSER jobs reset on '>PASSWORD' resetchannels $rules >/dev/null
		as jobs
		line=$(finding run)
		assert_matches "$line" "^problem user 'jobs' lacks .*; ACL SETUSER jobs "
		$R ACL SETUSER ${line##*; ACL SETUSER } >/dev/null
		as jobs
		assert_status 0
		assert_finding run ok "user 'jobs' has all rights that it needs"
	done
	REDISCLI_AUTH=PASSWORD try --user jobs "$lock" -- echo ran
	assert_status 0
	assert_output ran
}

@test "rights: with a NAME, those of one lock; and those of another prefix" {
	$R ACL SETUSER jobs on '>PASSWORD' resetkeys '~netflock:{nightly}*' resetchannels '&netflock:{nightly}*' +@all >/dev/null
	as jobs
	assert_status 1
	assert_finding run problem "user 'jobs' lacks ~netflock:\* &netflock:\*; ACL SETUSER jobs ~netflock:\* &netflock:\*"
	as jobs nightly
	assert_status 0
	assert_finding run ok ".*"
	as jobs --prefix jobs nightly
	assert_status 1
	assert_finding run problem "user 'jobs' lacks ~jobs:\* &jobs:\*; ACL SETUSER jobs ~jobs:\* &jobs:\*"
}

@test "a server that has not all commands" {
	fake 'eval none|evalsha => reply -ERR unknown command '\''EVALSHA'\'', with args beginning with: '
	doctor -u "$FAKE"
	assert_status 1
	assert_finding run problem "the server has no \+evalsha"
}

# ------------------------------------------------------------------------------------------------------------- output

@test "--json: an array of findings with the keys that the manual says" {
	$R CONFIG SET appendonly no >/dev/null
	doctor --json
	assert_status 0
	python3 - "$output" <<-'END'
		import json, sys
		findings = json.loads(sys.argv[1])
		assert [f["check"] for f in findings] == ["reach", "tls", "login", "server", "role", "latency", "clock", "memory", "eviction",
		    "persistence", "run", "status", "reset", "reset-all", "history"], findings
		assert all(list(f) == ["check", "level", "finding", "advice"] for f in findings)
		assert {f["level"] for f in findings} == {"ok", "warning"}
		assert all((f["advice"] is None) == (f["level"] == "ok") for f in findings), findings
	END
	doctor --json -u /nowhere
	assert_status 1
	python3 -c 'import json, sys; [f] = json.loads(sys.argv[1]); assert f["level"] == "problem" and f["check"] == "reach"' "$output"
	doctor --json --show-config
	python3 -c 'import json, sys; s = json.loads(sys.argv[1]); assert all(list(x) == ["key", "value", "from"] for x in s) and len(s) > 25' "$output"
}

@test "-q: only the status" {
	doctor -q
	assert_status 0
	assert_silent
	doctor -q -u /nowhere
	assert_status 1
	assert_silent
	doctor -q --json -u /nowhere
	assert_status 1
	assert_silent
}

@test "what the server says of itself is escaped" {
	fake 'hello => reply *4\r\n$6\r\nserver\r\n$8\r\n\x1b[31mabc\r\n$7\r\nversion\r\n$3\r\n9.9' 'info => reply -ERR no'
	doctor -u "$FAKE"
	[[ $output != *$'\e'* ]] || fail "$output"
	assert_finding server warning '.*x1b\[31mabc 9.9, .*'
}

@test "two names, an unknown option, a place where nothing can be written" {
	doctor a b
	assert_status 64
	assert_stderr_matches "'doctor' does not take 'b'"
	doctor --ttl 5s
	assert_status 64
	assert_stderr "netflock: 'doctor' takes no option '--ttl'"
	run --separate-stderr bash -c '"$NETFLOCK" doctor 3>&- 4>&- >/dev/full'
	assert_status 71
	assert_stderr_matches "cannot write to the standard output"
}

# ----------------------------------------------------------------------------------------------------- the configuration

@test "--show-config: every setting, its value and where it comes from; no server is asked, no secret shown" {
	local file=$BATS_TEST_TMPDIR/netflock.conf
	(umask 077 && printf '%s\n' '# ours' 'ttl = 1m' 'nonblock = no' 'url = redis://me:s3cret@db1:1/2' >"$file")
	unset NETFLOCK_URL
	try doctor --show-config --config "$file" --prefix jobs
	assert_status 0
	assert_equal "$stderr" ""
	shows() { assert_equal "$(grep "^$1 " <<<"$output" | tr -s ' ')" "$*"; }
	shows ttl 1m "$file:2"
	shows nonblock no "$file:3"
	shows url 'redis://me:***@db1:1/2' "$file:4"
	shows password '***' "$file:4"
	shows prefix jobs command line
	shows kill-after ttl/6, 5s at most default
	shows signal TERM default
	shows connect-timeout 5s default
	[[ $output != *s3cret* ]] || fail "$output"
	# Every option that a file may have, and no other.
	assert_equal "$(awk '$1 != "password" { print $1 }' <<<"$output" | while read -r key; do
		echo "$key = x" >"$file"
		chmod 600 "$file"
		"$NETFLOCK" --config "$file" x -- true 2>&1 | grep -oE 'unknown key|command line only'
	done)" "" "keys that are none"
	NETFLOCK_URL=redis://:s3cret@h REDISCLI_AUTH=s3cret try doctor --show-config
	shows url 'redis://:***@h' environment NETFLOCK_URL
	shows password '***' environment NETFLOCK_URL
	NETFLOCK_URL=redis://h REDISCLI_AUTH=s3cret try doctor --show-config
	shows password '***' environment REDISCLI_AUTH
	(umask 077 && echo s3cret >"$BATS_TEST_TMPDIR/pw")
	NETFLOCK_URL=redis://h try doctor --show-config --password-file "$BATS_TEST_TMPDIR/pw"
	shows password '***' "$BATS_TEST_TMPDIR/pw"
	try doctor --show-config
	shows url redis://127.0.0.1:6379 default
	shows password none default
}

@test "--show-config: the configuration that run would refuse is refused here" {
	local file=$BATS_TEST_TMPDIR/netflock.conf
	printf '%s\n' 'ttl = 10s' 'kill-after = 9s' >"$file"
	chmod 600 "$file"
	try doctor --show-config --config "$file"
	assert_status 78
	assert_stderr_matches "^netflock: $file:1: no room in --ttl 10s for --kill-after 9s"
}
