#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Names of locks: anything but NUL, 512 bytes, each a lock of its own, none of anybody else's business.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2046,SC2314,SC2251,SC2034
load common

long() { printf "%0$1d" 0 | tr 0 "${2:-x}"; }

names() {
	NAMES=(
		'a b' ' a' 'a ' '%' '%s%n%d' '{' '}' '{}' 'a{b}c' '}a' '{a}:queue' ':' 'a:b' '::' 'a:queue' 'a:waiters' '*' 'a?[b]' "\\" "'" '"'
		'$(id)' '`id`' 'ümläut' '日本語' '🔒' $'\xff\xfe' $'tab\there' $'new\nline' $'\e[31mred' $'\x01\x7f' '~' '.' '/' '../x' 'a=b'
		"$(long 512)" "$(long 511)" 'A' 'a'
	)
}

@test "every name is a lock of its own: all are held at once, each keeps its own out" {
	local name pids=() i
	names
	mkfifo "$BATS_TEST_TMPDIR/go"
	for i in "${!NAMES[@]}"; do
		"$NETFLOCK" "${NAMES[i]}" -- sh -c ": >'$BATS_TEST_TMPDIR/up.$i'; read -r x <'$BATS_TEST_TMPDIR/go'" 3>&- 4>&- 2>"$BATS_TEST_TMPDIR/err.$i" &
		pids+=($!)
	done
	wait_until all_up ${#NAMES[@]}
	for name in "${NAMES[@]}"; do
		try -n "$name" -- echo ran
		assert_status 75
		assert_output ""
		assert_stderr_lines 1
		! grep -q $'[\001-\010\013-\037\177]' <<<"$stderr" || fail "control characters: $stderr"
	done
	assert_equal "$($R --raw KEYS 'netflock:*' | tr '\n' ' ' | grep -o 'netflock:{' | wc -l)" ${#NAMES[@]} locks
	exec 9<>"$BATS_TEST_TMPDIR/go"
	for i in "${pids[@]}"; do echo x >&9; done
	for i in "${pids[@]}"; do finish "$i"; assert_status 0; done
	exec 9>&-
}
all_up() { [ "$(find "$BATS_TEST_TMPDIR" -name 'up.*' | wc -l)" = "$1" ]; }

@test "the command sees the name as it was given" {
	local name
	names
	for name in "${NAMES[@]}"; do
		# shellcheck disable=SC2016
		got=$(netflock "$name" -- sh -c 'printf "%s." "$NETFLOCK_NAME"')
		assert_equal "$got" "$name."
	done
}

@test "a waiter is woken under every name" {
	local name
	for name in 'a b' '%s' '{}' ' x:y ' $'new\nline' '日本語' "$(long 512 é)"; do
		name=${name:0:512}
		while [ "$(printf %s "$name" | wc -c)" -gt 512 ]; do name=${name%?}; done
		hold "$name"
		background "$NETFLOCK" "$name" -- echo ran
		wait_for_waiters 1 "$name"
		release_holder
		finish
		assert_equal "$(cat "$OUT" "$ERR")" ran
	done
}

@test "513 bytes are refused, and so is no name" {
	try "$(long 513)" -- echo ran
	assert_status 64
	assert_output ""
	assert_stderr_lines 1
	assert_stderr_matches "513 bytes, at most 512"
	try "" -- echo ran
	assert_status 64
	assert_stderr_lines 1
}

@test "names that look like options stand behind --" {
	for name in - -- -n --wait -w5 --; do
		try -- "$name" echo ran
		assert_status 0
		assert_output ran
		assert_equal "$stderr" ""
	done
	assert_equal "$($R EXISTS 'netflock:{-n}' 'netflock:{--}' 'netflock:{-}')" 3
}

@test "what belongs to others in the server is not touched" {
	local before
	$R FLUSHALL >/dev/null
	$R SET lock:x 1 >/dev/null
	$R SET "$lock" 1 EX 100000 >/dev/null
	$R HSET "netflock" a b >/dev/null
	$R SET "netflock:$lock" 1 >/dev/null
	$R HSET "other:{$lock}" h:x '{}' >/dev/null
	$R ZADD "other:{$lock}:queue" 1 x >/dev/null
	before=$(others)
	hold "$lock"
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	try -n "$lock" -- true
	release_holder
	finish
	try --min-hold 1ms "$lock" -- true
	assert_equal "$(others)" "$before" "what belongs to others"
	assert_equal "$($R KEYS '*' | wc -l)" 8 "keys: theirs, the lock's hash and its history"
	$R FLUSHALL >/dev/null
}
others() {
	local key
	for key in lock:x "$lock" netflock "netflock:$lock" "other:{$lock}" "other:{$lock}:queue"; do
		echo "$key $($R TYPE "$key") $($R --no-raw DUMP "$key") $(($($R TTL "$key") > 0))"
	done
}

@test "another prefix is another world" {
	local first
	hold "$lock"
	first=$HOLDER
	try -n --prefix other "$lock" -- true
	assert_status 0
	assert_silent
	hold "$lock" --prefix other
	try -n --prefix other "$lock" -- true
	assert_status 75
	release_holder
	try -n "$lock" -- true
	assert_status 75
	release_holder "$first"
}

@test "what others wrote into the server reaches the terminal escaped" {
	hold "$lock" --reason $'a\e]0;title\a\nnetflock: all is well'
	try -n "$lock" -- true
	assert_status 75
	assert_stderr_lines 1
	! grep -q $'[\001-\037\177]' <<<"$stderr" || fail "control characters: $stderr"
	release_holder
	assert_status 0
}
