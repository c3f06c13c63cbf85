#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The network drops, rejects, loses or goes away: server and client in network namespaces of their own, with a cable and a
# packet filter between them.  Nothing of it is seen outside, and it goes when its processes do.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2314,SC2251,SC2086
load ../cli/common
load ../cli/process

# With these the lease counts 1983 ms, TERM is due at 1733, KILL at 1933; renewals every 667.
SHORT="-t 2s -k 200ms --io-timeout 200ms"

why_not() {
	[ "$(id -u)" = 0 ] || { echo "needs root: network namespaces"; return 0; }
	command -v ip >/dev/null || { echo "needs iproute2"; return 0; }
	command -v nft >/dev/null || { echo "needs nftables"; return 0; }
	unshare -n true 2>/dev/null || { echo "network namespaces are not allowed here"; return 0; }
	return 1
}

setup_file() {
	WHY_NOT=$(why_not) || WHY_NOT=
	export WHY_NOT
	[ -z "$WHY_NOT" ] || return 0
	export SIDE_S SIDE_C
	namespace -n && SIDE_S=$PID
	namespace -nm && SIDE_C=$PID
	in_server ip link add cable type veth peer name cable netns "$SIDE_C"
	side_up in_server 10.9.0.1/24 10.9.0.2/24
	side_up in_client 10.9.0.9/24
	# Names are the client's own affair, too.
	cp /etc/hosts "$BATS_FILE_TMPDIR/hosts"
	echo "nameserver 10.9.0.1" >"$BATS_FILE_TMPDIR/resolv.conf"
	printf 'hosts: files dns\n' >"$BATS_FILE_TMPDIR/nsswitch.conf"
	local file
	for file in hosts resolv.conf nsswitch.conf; do
		[ -e "/etc/$file" ] || : >"/etc/$file"
		in_client mount --bind "$BATS_FILE_TMPDIR/$file" "$(realpath "/etc/$file")"
	done
	printf '#!/bin/sh\nexec nsenter -t %s -n -m --wd="$PWD" -- "%s" "$@"\n' "$SIDE_C" "$NETFLOCK" >"$BATS_FILE_TMPDIR/netflock"
	chmod +x "$BATS_FILE_TMPDIR/netflock"
	export LOCAL=$NETFLOCK NETFLOCK=$BATS_FILE_TMPDIR/netflock
	SERVER_IN="nsenter -t $SIDE_S -n --"
	common_setup_file --bind 0.0.0.0 --port 6379 --protected-mode no
	export NEAR=$NETFLOCK_URL NETFLOCK_URL=redis://10.9.0.1
}
teardown_file() {
	[ -z "$WHY_NOT" ] || return 0
	common_teardown_file
	kill "$SIDE_S" "$SIDE_C" || :
}
setup() {
	[ -z "$WHY_NOT" ] || skip "$WHY_NOT"
	common_setup
	BEATS=$BATS_TEST_TMPDIR/beats
	network_whole
	printf '10.9.0.1 db\n' >"$BATS_FILE_TMPDIR/hosts"
}
teardown() {
	[ -z "$WHY_NOT" ] || return 0
	network_whole
	# Whose farewell was lost is not known to have gone.
	$R CLIENT KILL TYPE normal SKIPME yes >/dev/null
	$R CLIENT KILL TYPE pubsub >/dev/null
	common_teardown
}

# A process in namespaces of its own ($PID), which live as long as it does.
namespace() {
	setpriv --pdeathsig KILL -- unshare "$1" sleep infinity 3>&- 4>&- &
	PID=$!
	wait_until namespace_is_new "$PID"
}
namespace_is_new() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
in_server() { nsenter -t "$SIDE_S" -n -- "$@"; }
in_client() { nsenter -t "$SIDE_C" -n -m -- "$@"; }
side_up() {
	local side=$1 address
	shift
	$side ip link set lo up
	for address; do $side ip address add "$address" dev cable; done
	$side ip link set cable up
}

# What the client's filter does from now on, instead of what it did: one rule an argument, for packets out or in.
filter() {
	local out='' in='' rule
	for rule; do
		case $rule in out*) out+="${rule#out}"$'\n' ;; in*) in+="${rule#in}"$'\n' ;; esac
	done
	in_client nft -f - <<-EOF
		flush ruleset
		table inet f {
			chain out {
				type filter hook output priority 0
				$out
			}
			chain in {
				type filter hook input priority 0
				$in
			}
		}
	EOF
}
network_whole() { in_client nft flush ruleset; }
# Both directions, silently.
partition() { filter 'out oifname "cable" drop' 'in iifname "cable" drop'; }
# Requests arrive and are executed, what they are answered is lost.
lose_replies() { filter 'in tcp sport 6379 tcp flags & psh == psh drop'; }

# Questions for names are sent, and nobody answers (a packet that the filter drops on the way out is an error to its sender).
silent_names() { filter 'in udp sport 53 drop' 'in ip protocol icmp drop' "$@"; }

renewing() { $R PUBSUB CHANNELS "netflock:{$lock}:*" | grep -q .; }
holder_says() { grep -q "$1" "${ERR_OF:-$ERR}"; }
lock_is_free() { ! $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }
# A holder with a job that beats, TERM or not, and says what it says in $ERR.
beat() {
	background "$NETFLOCK" $SHORT "$@" "$lock" -- "$TOOLS/beat" -t "$BEATS"
	wait_until beats "$BEATS"
	wait_until renewing
}
# Somebody on the server's side of the cable who wants the lock, too.
waiter() {
	background "$LOCAL" -u "$NEAR" "$lock" -- "$TOOLS/beat" "$BEATS" 20
	wait_for_waiters 1
}
never_two_at_once() {
	run python3 "$TESTS/tools/overlap.py" "$BEATS"
	assert_status 0
}

# ------------------------------------------------------------------------------------------------------- getting there

# fails REGEX MS ARG...: 69, one line, nothing run, no later than that
fails() {
	local regex=$1 limit=$2 began
	shift 2
	began=$(now)
	try "$@" "$lock" -- echo ran
	assert_between $(($(now) - began)) 0 $((limit + $(stretch 700))) ms
	assert_status 69
	assert_output ""
	assert_stderr_matches "$regex"
	assert_stderr_lines 1
	lock_is_free
}

@test "the server does not answer the phone: 69 within the connect timeout" {
	filter 'out tcp dport 6379 drop'
	fails "10\.9\.0\.1:6379.*(timed out|no reply|within 600ms)" 600 --connect-timeout 600ms
}

@test "no route to the server: 69, and the reason" {
	filter 'out tcp dport 6379 reject with icmpx host-unreachable'
	fails "10\.9\.0\.1:6379.*(no route to host|unreachable)" 300 --connect-timeout 300ms
}

@test "a firewall resets every attempt: 69, and the reason" {
	filter 'out tcp dport 6379 reject with tcp reset'
	fails "10\.9\.0\.1:6379.*connection refused" 300 --connect-timeout 300ms
}

@test "the name server does not answer: 69 within the connect timeout, and the name" {
	silent_names
	fails "cannot (find|resolve|connect).*db\.example" 700 --connect-timeout 700ms -u redis://db.example
}

@test "there is no name server: 69, and the name" {
	fails "cannot (find|resolve|connect).*db\.example" 500 --connect-timeout 500ms -u redis://db.example
}

@test "the first of several addresses is dead: the next one is taken in time" {
	# Nearer to the client's own, and so the first ones that are tried.
	printf '10.9.0.8 db\n10.9.0.10 db\n10.9.0.1 db\n' >"$BATS_FILE_TMPDIR/hosts"
	filter 'out ip daddr { 10.9.0.8, 10.9.0.10 } tcp dport 6379 drop'
	try -u redis://db "$lock" -- echo ran
	assert_status 0
	assert_output ran
	assert_equal "$stderr" ""
	assert_free
}

@test "all addresses are dead: 69 within the connect timeout, for all of them together" {
	printf '10.9.0.77 db\n10.9.0.78 db\n10.9.0.79 db\n' >"$BATS_FILE_TMPDIR/hosts"
	filter 'out tcp dport 6379 drop'
	fails "db" 600 --connect-timeout 600ms -u redis://db
}

@test "the replies are lost on the way: 69 in time, and no lock is left behind" {
	# The requests got there: the lock was taken, and given back behind.
	lose_replies
	fails "no reply from" 500 --connect-timeout 500ms -t 20s
	network_whole
	wait_until lock_is_free
	assert_equal "$($R HGET "netflock:{$lock}" granted)" 1 "the lock was granted"
}

@test "a server in protected mode lets nobody in from outside: 77, and what it says" {
	$R CONFIG SET protected-mode yes >/dev/null
	try --connect-timeout 2s "$lock" -- echo ran
	$R CONFIG SET protected-mode no >/dev/null
	assert_status 77
	assert_output ""
	assert_stderr_matches "DENIED"
	assert_stderr_lines 1
	lock_is_free
}

# ---------------------------------------------------------------------------------------------------------- holding it

@test "a partition for longer than the lease: the command is dead before it ends, 76, and the next one runs then" {
	local cut job err
	beat
	job=$PID err=$ERR
	waiter
	cut=$("$TOOLS/boottime")
	partition
	finish "$job"
	assert_status 76
	# The last renewal was sent before the cut: the lease may pass on 1980 ms after that (KILL was due 50 ms before).
	assert_between $((($(grep "^$(head -1 "$BEATS" | cut -d' ' -f1) " "$BEATS" | tail -1 | cut -d' ' -f3) - cut) / 1000000)) 900 1980 "ms that it ran on"
	assert_matches "$(cat "$err")" "cannot renew the lock: no reply from .*lock lost: it could not be renewed in time; stopping the command"
	finish
	assert_status 0
	never_two_at_once
	network_whole
	wait_until assert_free
}

@test "a partition that heals before TERM is due: one warning, one all clear, the command's own status" {
	hold "$lock" -t 6s -k 200ms --io-timeout 200ms
	ERR_OF=${HOLD_FILES[$HOLDER]}.err
	wait_until renewing
	partition
	wait_until holder_says "cannot renew the lock"
	network_whole
	wait_until holder_says "the lock is renewed again"
	release_holder "$HOLDER" 5
	assert_status 5
	assert_equal "$(holder_stderr | wc -l)" 2 "lines: $(holder_stderr)"
	assert_free
}

@test "the replies to renewals are lost: they count on the server, and the command goes on when replies come again" {
	local before
	hold "$lock" -t 6s -k 200ms --io-timeout 200ms
	ERR_OF=${HOLD_FILES[$HOLDER]}.err
	wait_until renewing
	lose_replies
	before=$(lease_end)
	wait_until holder_says "cannot renew the lock"
	wait_until lease_is_not "$before"
	network_whole
	wait_until holder_says "the lock is renewed again"
	release_holder
	assert_status 0
	assert_free
}

@test "the replies to renewals are lost for good: the command is dead by its own count, though the server renewed" {
	local job
	beat
	job=$PID
	waiter
	lose_replies
	finish "$job"
	assert_status 76
	network_whole
	finish
	assert_status 0
	never_two_at_once
	wait_until assert_free
}

@test "connections that only the client still has, while it holds: it is renewed over a new one" {
	hold "$lock" -t 6s -k 200ms --io-timeout 200ms
	wait_until renewing
	partition
	$R CLIENT KILL TYPE normal SKIPME yes >/dev/null
	$R CLIENT KILL TYPE pubsub >/dev/null
	network_whole
	wait_for_renewal
	wait_until renewing
	release_holder
	assert_status 0
	assert_free
}

@test "a firewall resets the connections, and new ones for a while: the command does not notice" {
	hold "$lock" -t 6s -k 200ms --io-timeout 200ms
	ERR_OF=${HOLD_FILES[$HOLDER]}.err
	wait_until renewing
	filter 'out tcp dport 6379 reject with tcp reset'
	wait_until holder_says "cannot renew the lock"
	network_whole
	wait_until holder_says "the lock is renewed again"
	release_holder
	assert_status 0
	assert_free
}

@test "the name server hangs while the lock is held and the connection is cut: the command is dead in time" {
	local job
	beat -u redis://db
	job=$PID
	waiter
	: >"$BATS_FILE_TMPDIR/hosts"
	silent_names 'out tcp dport 6379 reject with tcp reset'
	finish "$job"
	assert_status 76
	finish
	assert_status 0
	never_two_at_once
	network_whole
}

@test "a partition when the command ends: its status, one warning, and the lock runs out" {
	hold "$lock" $SHORT
	ERR_OF=${HOLD_FILES[$HOLDER]}.err
	wait_until renewing
	partition
	release_holder "$HOLDER" 5
	assert_status 5
	assert_matches "$(holder_stderr)" "cannot release the lock: .*; it runs out in [0-9.]+m?s"
	network_whole
	wait_until lock_is_free
}

# ---------------------------------------------------------------------------------------------------------- waiting

@test "connections that only the client still has, while it waits: it finds out by asking, and gets its turn" {
	# It asks when the holder's lease may end.
	hold "$lock" -u "$NETFLOCK_URL" -t 2s
	background "$NETFLOCK" "$lock" -- echo ran
	wait_for_waiters 1
	partition
	$R CLIENT KILL TYPE normal SKIPME yes >/dev/null
	$R CLIENT KILL TYPE pubsub >/dev/null
	network_whole
	release_holder
	finish
	assert_status 0
	assert_equal "$(cat "$OUT")" ran
	assert_free
}

@test "a partition while it waits: it keeps its place, and gets its turn when that heals" {
	local first out
	background "$LOCAL" -u "$NEAR" -t 2s "$lock" -- sh -c 'until [ -e "$0" ]; do sleep 0.02; done' "$BATS_TEST_TMPDIR/go"
	local holder=$PID
	wait_until held
	background "$NETFLOCK" "$lock" -- echo first
	first=$PID out=$OUT
	wait_for_waiters 1
	background "$LOCAL" -u "$NEAR" "$lock" -- true
	wait_for_waiters 2
	partition
	# It asks again when the lease may end, and is not heard; then it is.
	sleep 1
	network_whole
	: >"$BATS_TEST_TMPDIR/go"
	finish "$holder"
	finish "$first"
	assert_status 0
	assert_equal "$(cat "$out")" first
	finish
	assert_status 0
	assert_free
}

@test "a partition while it waits, and -w runs out: 69 at that moment, not busy, and no place is left behind" {
	local began
	background "$LOCAL" -u "$NEAR" "$lock" -- sh -c 'until [ -e "$0" ]; do sleep 0.02; done' "$BATS_TEST_TMPDIR/go"
	local holder=$PID
	wait_until held
	began=$(now)
	background "$NETFLOCK" -w 1200ms "$lock" -- true
	wait_for_waiters 1
	partition
	finish
	assert_status 69
	assert_between $(($(now) - began)) 1150 $((1200 + $(stretch 300))) ms
	assert_matches "$(cat "$ERR")" "no reply from"
	network_whole
	# Until TCP has noticed that it is gone it would cost the next one five seconds.
	$R CLIENT KILL TYPE pubsub >/dev/null
	: >"$BATS_TEST_TMPDIR/go"
	finish "$holder"
	assert_status 0
	"$LOCAL" -u "$NEAR" -n "$lock" -- true
}
