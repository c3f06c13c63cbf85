#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# status: the table, one lock in detail, JSON, --watch, and what others left under our prefix.

# Words for inner shells; what bats and common.bash set.
# shellcheck disable=SC1003,SC2016,SC2030,SC2031,SC2154,SC2314
load common

setup() {
	common_setup
	$R FLUSHALL >/dev/null
}

SCHEMA=$TESTS/tools/status_schema.py

# Everything that differs from run to run: pids, durations, fences, tokens, times, this host's name and user.
mask() {
	sed -E -e "s/$(id -un)@$(hostname)/USER@HOST/g" -e 's/pid [0-9]+/pid PID/g' \
		-e 's/[0-9a-f]{32}/TOKEN/g' -e 's/[0-9]{16}/FENCE/g' -e 's/[0-9-]{10}T[0-9:.]{12}Z/TIME/g' \
		-e 's/\b([0-9]+m)?[0-9]+(\.[0-9]+)?(ms|s)\b/DUR/g' -e "s/$lock/LOCK/g" -e 's/sh -c .*/COMMAND/'
}
# A record as netflock writes it, for whoever is not there: put_holder NAME TOKEN [FIELD VALUE]...
put_holder() {
	local name=$1 token=$2 json now
	now=$(($(now)))
	shift 2
	json=$(python3 - "$name" "$now" "$@" <<-'PY'
	import json, sys
	name, now, more = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
	f = dict(state="held", since=str(now - 5000), ends=str(now + 3600000), id="0" * 32, limit="1", ttl="7200000", kill="5000",
	         renew="10000", io="2000", user="ops", host="db3", pid="4711", command="pg_dump", fence="1700000000000000",
	         names=["netflock:{" + name + "}"])
	f.update(zip(more[::2], more[1::2]))
	print(json.dumps(f, ensure_ascii=False))
	PY
	)
	$R HSET "netflock:{$name}" born 1700000000000000 fence 1700000000000000 granted 1 "h:$token" "$json" >/dev/null
}
longest_line() { python3 -c 'import sys; print(max(map(len, sys.stdin.read().split("\n"))))'; }

# ---------------------------------------------------------------------------------------------------------- the table

@test "no locks: nothing is printed, status 0" {
	try status
	assert_status 0
	assert_silent
}

@test "no locks on a terminal: it says so" {
	run on_terminal -- "$NETFLOCK" status
	assert_status 0
	assert_equal "${output//$'\r'/}" "no locks"
	run on_terminal -- "$NETFLOCK" status --names
	assert_equal "$output" ""
	run on_terminal -- "$NETFLOCK" status --json
	assert_equal "${output//$'\r'/}" "[]"
}

@test "--interval without --watch: 64" {
	try status --interval 5s
	assert_status 64
	assert_stderr "netflock: --interval 5s needs --watch"
}

@test "a closed standard output: 71 and a line" {
	put_holder one t1
	local words
	for words in status "status --json" "status one" "reset one" "reset-all --force" --version --help help; do
		# shellcheck disable=SC2086
		run bash -c '"$NETFLOCK" "$@" 3>&- 4>&- 2>&1 >&-' netflock $words
		assert_status 71
		assert_matches "$output" "^netflock: cannot write to the standard output"
	done
}

@test "the table has all columns, sorted by name, and shows who holds what" {
	put_holder beta b1
	put_holder alpha a1 command "backup --full"
	try status
	assert_status 0
	assert_equal "$(mask <<<"$output" | tr -s ' ')" \
"NAME STATE HOLDER HELD FOR LEASE WAITERS FENCE COMMAND
alpha held ops@db3:4711 DUR DUR 0 FENCE backup --full
beta held ops@db3:4711 DUR DUR 0 FENCE pg_dump"
	assert_matches "$(head -1 <<<"$output")" "^NAME +STATE +HOLDER +HELD FOR +LEASE +WAITERS +FENCE +COMMAND$"
}

@test "the table fits 80 columns where there is no terminal, and any width that COLUMNS says" {
	put_holder "a-rather-long-name-of-a-lock-that-somebody-made-up" t1 host db3.a-long-domain.example.com \
		command "/usr/local/sbin/backup --full --to /srv/backup/2026"
	local columns
	try status
	assert_between "$(longest_line <<<"$output")" 70 80
	assert_output_line "NAME +STATE +HOLDER +HELD FOR +LEASE +WAITERS +FENCE +COMMAND"
	for columns in 60 100 200; do
		COLUMNS=$columns try status
		assert_between "$(longest_line <<<"$output")" $((columns / 2)) $columns "at $columns"
		assert_output_matches ":4711"
	done
	COLUMNS=200 try status
	assert_output_matches "a-rather-long-name-of-a-lock-that-somebody-made-up .* ops@db3.a-long-domain.example.com:4711"
}

@test "the states: held, waiting, cooling, granted, shared, slots, revoked" {
	put_holder cooling c1 state cooling
	put_holder granted g1 state pending
	put_holder revoked r1 state revoked
	put_holder shared s1 limit 0
	put_holder shared s2 limit 0
	put_holder slots s1 limit 4
	put_holder slots s2 limit 5
	$R ZADD 'netflock:{waiting}:queue' 5 somebody >/dev/null
	try status
	assert_output_line "cooling +cooling .*"
	assert_output_line "granted +granted .*"
	assert_output_line "revoked +revoked .*"
	assert_output_line "shared +shared 2 +ops.* \+1 .*"
	assert_output_line "slots +slots 2/4 .*"
	assert_output_line "waiting +waiting +1"
}

@test "a lock that is free is not in the table, though the server remembers it" {
	try run "$lock" true
	assert_equal "$($R EXISTS "netflock:{$lock}")" 1
	try status
	assert_silent
}

@test "a key of another type, broken records and strange keys are named, not crashed on" {
	$R SET 'netflock:{string}' x >/dev/null
	$R SET 'netflock:{queue}:queue' x >/dev/null
	$R SET 'netflock:{open' x >/dev/null
	$R SET 'netflock:{}' x >/dev/null
	$R HSET 'netflock:{record}' h:x garbage h:y '{"id":1}' other field >/dev/null
	$R SET unrelated x >/dev/null
	try status
	assert_status 0
	assert_equal "$(wc -l <<<"$output")" 6
	assert_output_line "string +broken +string"
	assert_output_line "queue +broken +string"
	assert_output_line "record +broken"
	assert_output_line "netflock:\{open +foreign"
	assert_output_line "netflock:\{\} +foreign"
	try status string queue record
	assert_status 0
	assert_output_line "string: broken: key 'netflock:\{string\}' is a string, not a lock of netflock"
	assert_output_line "queue: broken: key 'netflock:\{queue\}:queue' is a string, not a lock of netflock"
	assert_output_line "  holder   unknown: this record is none of netflock's"
}

@test "names with braces, globs and newlines are found and told apart" {
	local name
	for name in 'a}:queue' 'lock:[a]*?\' '}' $'two\nlines' 'übersicht'; do
		put_holder "$name" t1
		try status -q "$name"
		assert_status 0
	done
	try status --json
	assert_equal "$("$SCHEMA" <<<"$output"; grep -c '"name"' <<<"$output")" 5
	try status
	assert_equal "$(wc -l <<<"$output")" 6
	assert_output_line 'two\\x0alines .*'
}

@test "control characters and invalid UTF-8 never reach the screen" {
	put_holder $'a\e[31m\xff' t1 command $'x\e]0;evil\a\xc2\x9b' user $'\u202eops'
	try status
	assert_output_matches 'a\\x1b\[31m'
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
	try status $'a\e[31m\xff'
	assert_output_matches 'x\\x1b\]0;evil\\x07'
	assert_output_matches '\\xe2\\x80\\xaeops@db3'
}

@test "huge values under our prefix are cut, huge hashes are not read" {
	put_holder "$lock" t1 command "$(printf 'x%.0s' {1..100000})"
	try status "$lock"
	assert_status 0
	assert_between "${#output}" 100 1000
	$R HSET 'netflock:{big}' h:x "$(head -c 100000 /dev/zero | tr '\0' '{')" >/dev/null
	$R EVAL "for i = 1, 300 do local t = {} for j = 1, 100 do t[2*j-1] = 'f' .. i .. '.' .. j t[2*j] = 'v' end
		redis.call('HSET', KEYS[1], unpack(t)) end" 1 'netflock:{wide}' >/dev/null
	try status big wide
	assert_status 0
	assert_output_line "big: broken"
	assert_output_line "wide: broken: key 'netflock:\{wide\}' is a hash of 30000 fields, not a lock of netflock"
}

@test "a name of 512 bytes is a name" {
	local name
	name=$(printf 'n%.0s' {1..512})
	put_holder "$name" t1
	try status
	assert_status 0
	assert_between "$(longest_line <<<"$output")" 70 80
	try status "$name"
	assert_matches "${output%%:*}" "^n{512}$"
}

@test "10,000 locks and 100,000 keys of others: all found once, fast, in constant memory" {
	python3 - <<-'PY' | $R --pipe >/dev/null
	import json, sys, time
	def cmd(*a):
	    out = b"*%d\r\n" % len(a)
	    for x in a:
	        x = x.encode()
	        out += b"$%d\r\n%s\r\n" % (len(x), x)
	    return out
	w = sys.stdout.buffer
	now = int(time.time() * 1000)
	for i in range(100000):
	    w.write(cmd("SET", "other:%d" % i, "x"))
	for i in range(10000):
	    key = "netflock:{job%05d}" % i
	    w.write(cmd("HSET", key, "born", str(now * 1000), "h:t%d" % i, json.dumps(dict(
	        state="held", since=str(now), ends=str(now + 3600000), id="i", limit="1", ttl="7200000", user="ops", host="db3",
	        pid="1", command="c", names=[key], fence="5"))))
	PY
	local start most=$BATS_TEST_TMPDIR/most
	try status --names
	assert_equal "$(sort -u <<<"$output" | wc -l)" 10000
	assert_equal "$(wc -l <<<"$output")" 10000
	start=$(now)
	python3 - "$NETFLOCK" >"$most" <<-'PY'
	import resource, subprocess, sys
	subprocess.run([sys.argv[1], "status"], stdout=subprocess.DEVNULL, check=True)
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PY
	# Under 2 s on a machine that has nothing else to do: 1 s, and the suite runs in parallel.
	assert_between $(($(now) - start)) 0 "$(stretch 6000)" "milliseconds"
	if [ -z "${VARIANT:-}" ]; then assert_between "$(cat "$most")" 1 16000 "KiB"; fi
	$R FLUSHALL >/dev/null
}

@test "status | head: who has seen enough may go" {
	put_holder job0 t1
	$R EVAL "local json = redis.call('HGET', 'netflock:{job0}', 'h:t1')
		for i = 1, 299 do
			redis.call('HSET', 'netflock:{job' .. i .. '}', 'born', '1', 'h:t1', (json:gsub('job0', 'job' .. i)))
		end" 0 >/dev/null
	assert_equal "$("$NETFLOCK" status --names 3>&- 4>&- | wc -l)" 300
	run bash -c 'set -o pipefail; "$NETFLOCK" status 3>&- 4>&- | head -n 1'
	assert_status 0
	assert_output_matches "^NAME"
	run bash -c '"$NETFLOCK" status >/dev/full 3>&- 4>&-'
	assert_status 71
	assert_output_matches "cannot write to the standard output"
}

# ------------------------------------------------------------------------------------------------------- one in detail

@test "one name: the holder, the queue in order, and the last run" {
	try run --reason "first of all" "$lock" sh -c 'exit 3'
	hold "$lock" --reason upgrade
	background netflock --reason "the second" "$lock" true
	local second=$PID
	wait_for_waiters 1
	background netflock "$lock" true
	local third=$PID
	wait_for_waiters 2
	wait_until connected
	try status "$lock"
	assert_status 0
	assert_equal "$(mask <<<"$output")" "LOCK: held
  holder   USER@HOST pid PID
           held for DUR, lease ends in DUR, connected
           command  COMMAND
           reason   upgrade
           token    TOKEN
           fence    FENCE
  queue    1. USER@HOST pid PID, waiting for DUR, connected: the second
           2. USER@HOST pid PID, waiting for DUR, connected: true
  last run USER@HOST pid PID
           ran DUR, ended DUR ago (TIME), status 3
           command  COMMAND"
	release_holder
	finish "$second"
	finish "$third"
}
connected() { netflock status "$lock" | grep -q ', connected$'; }

@test "a free lock says so, and who ran last" {
	try status never
	assert_output "never: free"
	try run "$lock" true
	try status "$lock"
	assert_equal "$(mask <<<"$output")" "LOCK: free
  last run USER@HOST pid PID
           ran DUR, ended DUR ago (TIME), status 0
           command  true"
}

@test "a lock that is cooling says for how long" {
	try run --min-hold 30s "$lock" true
	try status "$lock"
	assert_matches "$(mask <<<"$output")" "LOCK: cooling
  holder   USER@HOST pid PID
           got it DUR ago, kept by --min-hold for DUR
           command  true"
}

@test "a queue without a lock is shown: the server forgot the holder" {
	$R ZADD "netflock:{$lock}:queue" 5 somebody >/dev/null
	try status "$lock"
	assert_output "$lock: waiting
  queue    1. somebody unknown, waiting for ?, not connected"
}

@test "a holder that is gone is not connected" {
	put_holder "$lock" t1
	try status "$lock"
	assert_output_matches "lease ends in 59m5[0-9]s, not connected"
}

# ----------------------------------------------------------------------------------------------------- for programs

@test "-q tells by its status: 0 if all are held, cooling counts" {
	put_holder a t1
	put_holder b t1 state cooling
	try status -q a b
	assert_status 0
	assert_silent
	try status a b free -q
	assert_status 1
	assert_silent
	$R SET 'netflock:{c}' x >/dev/null
	try status -q c
	assert_status 1
	try status -q
	assert_status 64
	assert_stderr_matches "needs a NAME"
}

@test "--json: an array, one object per lock, as the manual documents it" {
	try status --json
	assert_status 0
	assert_output "[]"
	put_holder a t1 reason why
	$R SET 'netflock:{b}' x >/dev/null
	$R HSET 'netflock:{c}' h:x garbage >/dev/null
	$R SET 'netflock:{d' x >/dev/null
	$R ZADD 'netflock:{e}:queue' 5 somebody >/dev/null
	try run --min-hold 30s "$lock" true
	try status --json
	"$SCHEMA" <<<"$output"
	assert_equal "$(grep -c '"name":' <<<"$output")" 6
	try status --json a "$lock" free
	assert_equal "$("$SCHEMA" 0.state 0.holders.0.pid 0.holders.0.reason 0.holders.0.held_ms 1.state 1.last_run.status \
		2.state <<<"$output" | sed -E 's/^5[0-9]{3}$/5000/')" "held
4711
why
5000
cooling
0
free"
}

@test "--json: times of the holder and the queue are UTC, by the server's clock" {
	hold "$lock"
	background netflock "$lock" true
	wait_for_waiters 1
	try status --json "$lock"
	run "$SCHEMA" 0.holders.0.since 0.queue.0.since 0.queue.0.position <<<"$output"
	assert_matches "$output" "^$(date -u +%Y-%m-%dT)[0-9:.]+Z
$(date -u +%Y-%m-%dT)[0-9:.]+Z
1$"
	release_holder
	finish
}

@test "--json: invalid UTF-8 is replaced, and the exact name is there in hex" {
	put_holder $'a\xff\xfe"\\\n\u202e' t1 command $'\xc0\x80\e'
	try status --json
	assert_equal "$("$SCHEMA" 0.name_hex <<<"$output")" "61fffe225c0ae280ae"
	try status --json $'a\xff\xfe"\\\n\u202e'
	assert_equal "$("$SCHEMA" 0.state <<<"$output")" "held"
}

@test "--names: one per line" {
	put_holder b t1
	put_holder a t1
	try status --names
	assert_equal "$(sort <<<"$output")" "a
b"
	try status --names --json
	assert_status 64
}

# ---------------------------------------------------------------------------------------------------- on a terminal

on_terminal() { env TERM=xterm python3 "$TESTS/tools/pty.py" "$@"; }

@test "colour only on a terminal, and not with NO_COLOR or TERM=dumb" {
	put_holder a t1
	run on_terminal -- "$NETFLOCK" status
	assert_output_matches $'\e\\[32mheld\e\\[0m'
	NO_COLOR=1 run on_terminal -- "$NETFLOCK" status
	refute_escape
	run on_terminal -- env TERM=dumb "$NETFLOCK" status
	refute_escape
	TERM=xterm try status
	refute_escape
}
refute_escape() {
	[[ $output != *$'\e'* ]] || fail "an escape: $output"
	assert_output_matches held
}

@test "the table takes the terminal's width, from 60 columns up" {
	put_holder "a-rather-long-name-of-a-lock-that-somebody-made-up" t1 host db3.a-long-domain.example.com \
		command "/usr/local/sbin/backup --full --to /srv/backup/2026"
	local columns
	for columns in 60 80 120; do
		NO_COLOR=1 run on_terminal --size "24x$columns" -- "$NETFLOCK" status
		assert_between "$(longest_line <<<"$output")" $((columns - 10)) "$columns" "at $columns"
	done
}

@test "--watch draws in place, and Ctrl-C leaves the terminal clean" {
	put_holder one t1
	run on_terminal 'expect:one .*held' 'expect:one .*held' 'send:\x03' -- "$NETFLOCK" status --watch --interval 100ms
	assert_status 130
	assert_matches "$output" $'^\e\\[\\?1049h\e\\[\\?25l\e\\[H'
	assert_matches "$output" $'\e\\[0m\e\\[\\?25h\e\\[\\?1049l'
}

@test "--watch survives the server's absence with a line" {
	put_holder one t1
	server_stop
	background on_terminal 'expect:no reply from' 'expect:one .*held' 'send:\x03' -- \
		"$NETFLOCK" status --watch --interval 50ms --connect-timeout 300ms
	wait_for_line "$OUT" 'no reply from'
	server_cont
	finish
	assert_equal "$status" 130
}

@test "--watch sees what changes, and fits the screen" {
	local i
	for i in 1 2 3 4 5 6 7 8 9; do put_holder "job$i" t1; done
	background on_terminal --size 6x70 'expect:and 6 more' 'size:24x100' 'expect:job9' 'expect:fresh' 'send:\x03' -- \
		"$NETFLOCK" status --watch --interval 50ms
	wait_for_line "$OUT" 'job9'
	put_holder fresh t1
	finish
	assert_equal "$status" 130
}

@test "--watch without a terminal prints one look after the other" {
	put_holder one t1
	run bash -c '"$NETFLOCK" status --watch --interval 10ms --json 3>&- 4>&- | head -n 6'
	assert_equal "$(grep -c '"name":"one"' <<<"$output")" 2
	refute_escape
}

# -------------------------------------------------------------------------------------------------- options, servers

@test "options stand anywhere, before the subcommand and behind the names" {
	put_holder a t1
	try --json status a
	assert_status 0
	assert_output_matches '^\['
	try status a --json
	assert_status 0
	assert_output_matches '^\['
	try status --prefix other
	assert_silent
}

@test "what looks like a command is told about run" {
	try status a -- ls
	assert_status 64
	assert_stderr_matches "netflock run status -- COMMAND"
	try status a --frob
	assert_status 64
	assert_stderr_matches "unknown option '--frob'; to run a command under the lock 'status': netflock run status"
}

@test "no server: 69 and one line; no permission: 77" {
	try status -u "unix://$SERVER_DIR/none" --connect-timeout 100ms
	assert_status 69
	assert_stderr_lines 1
	assert_equal "$output" ""
	try status --json -u "unix://$SERVER_DIR/none" --connect-timeout 100ms
	assert_status 69
	assert_equal "$output" "" "no empty array for what could not be asked"
	$R ACL SETUSER blind on '>pw' '~*' '+@all' -scan >/dev/null
	REDISCLI_AUTH=pw try status --user blind
	assert_status 77
	assert_stderr_lines 1
	REDISCLI_AUTH=wrong try status --user blind
	assert_status 77
	REDISCLI_AUTH=pw try status --user blind "$lock"
	assert_status 0
	$R ACL DELUSER blind >/dev/null
}

@test "a frozen server: 69 within --connect-timeout" {
	local start
	server_stop
	start=$(now)
	try status --connect-timeout 300ms
	server_cont
	assert_status 69
	assert_between $(($(now) - start)) 300 "$(stretch 600)" milliseconds
}

@test "bash completes the names of the locks that there are, and is silent without a server" {
	put_holder nightly t1
	put_holder 'odd name' t1
	cat >"$BATS_TEST_TMPDIR/complete" <<-'SH'
	_init_completion() {
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	}
	__ltrim_colon_completions() { :; }
	. "$1"
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_netflock
	echo "${COMPREPLY[*]}"
	SH
	completed() {
		run bash "$BATS_TEST_TMPDIR/complete" "$HERE/completions/netflock.bash" "$NETFLOCK" "$@" 3>&- 4>&-
		assert_status 0
	}
	completed status ''
	assert_output_matches '(^| )nightly( |$)'
	assert_output_matches '(^| )odd\\ name( |$)'
	completed reset --now n
	assert_output nightly
	completed -u "$SERVER_DIR/none" reset ''
	assert_output ""
	completed reset-all --
	assert_matches "$output" "^--now --match --dry-run --force "
}
