#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The lines of ACL SETUSER in the manual: each gives all that its subcommand needs, and nothing that it does not.
# shellcheck disable=SC2154,SC2034,SC2314,SC2016,SC2086
load common
load rights

MANUAL=$HERE/man/netflock.1

setup() {
	common_setup
	$R FLUSHALL >/dev/null
}
teardown() {
	$R ACL DELUSER nf-run nf-status nf-history nf-reset nf-reset-all >/dev/null
	common_teardown
}

rights_of() { rule "$1" | grep '^[+~&]'; }

# grant USER [RIGHT]: its line, without RIGHT; the server has to learn all scripts anew.
grant() {
	local words
	mapfile -t words < <(rule "$1" | grep -vxF -e "${2:-nothing}")
	assert_equal "$($R "${words[@]}")" OK "${words[*]}"
	$R SCRIPT FLUSH >/dev/null
	$R FLUSHALL >/dev/null
}
as() {
	local user=$1
	shift
	REDISCLI_AUTH=PASSWORD netflock --user "$user" "$@"
}

# What a user without RIGHT is told to ask for.
hint() {
	case $2 in
	'~'*) echo "no permission for the keys of this lock (ACL SETUSER $1 $2)" ;;
	'&'*) echo "no permission for the channels of this lock (ACL SETUSER $1 $2)" ;;
	*) echo "no permission for $(tr 'a-z|' 'A-Z ' <<<"${2#+}") (ACL SETUSER $1 $2)" ;;
	esac
}

# A command under the lock that stays until FILE.go is there, and notes that it runs.
stay() { echo ': >"$0.runs"; until [ -e "$0.go" ]; do sleep 0.01; done'; }
holds_or_gone() { [ -e "$1.runs" ] || process_gone "$2"; }
queued_or_gone() { [ "$($R ZCARD "netflock:{$lock}:queue")" -ge "$1" ] || process_gone "$2"; }

# Everything that can happen to one who runs commands: all that is said in $BATS_TEST_TMPDIR/said, statuses in $statuses.
run_life() {
	local dir=$BATS_TEST_TMPDIR/life first second third
	rm -rf "$dir"
	mkdir "$dir"
	as nf-run -t 2s "$lock" -- sh -c "$(stay)" "$dir/a" 2>"$dir/1" >&2 3>&- 4>&- &
	first=$!
	wait_until holds_or_gone "$dir/a" $first
	as nf-run -t 2s -w 1s "$lock" -- true 2>"$dir/2" >&2 3>&- 4>&- &
	second=$!
	wait_until queued_or_gone 1 $second
	as nf-run -t 2s -w 1s "$lock" -- true 2>"$dir/3" >&2 3>&- 4>&- &
	third=$!
	wait_until queued_or_gone 2 $third
	: >"$dir/a.go"
	statuses=
	finish $first
	statuses+=$status
	finish $second
	statuses+=" $status"
	finish $third
	statuses+=" $status"
	$R SET "netflock:{wrong}" x >/dev/null
	status=0
	as nf-run wrong -- true 2>"$dir/4" || status=$?
	statuses+=" $status"
	cat "$dir"/[1-4] >"$BATS_TEST_TMPDIR/said"
}

# crowd N: a lock that the administrator holds, and N who wait.
crowd() {
	local i
	CROWD=
	for ((i = 0; i <= $1; i++)); do
		# shellcheck disable=SC2046  # words
		background "$NETFLOCK" -t 2s -w 5s "$lock" -- $([ "$i" = 0 ] && echo sleep 100 || echo true)
		CROWD+=" $PID"
		if [ "$i" = 0 ]; then wait_until held; else wait_for_waiters "$i"; fi
	done
}
held() { $R HKEYS "netflock:{$lock}" | grep -q '^h:'; }
# What became of the holder is in $HELD_STATUS; one who still holds it is made to end.
crowd_ends() {
	local pid
	HELD_STATUS=
	for pid in $CROWD; do
		[ "$1" = reset ] || kill "$pid" 2>/dev/null || :
		finish "$pid"
		HELD_STATUS=${HELD_STATUS:-$status}
	done
}

# say NAME USER ARG...: that user's netflock; its status behind $statuses, its output in files of that name.
say() {
	local name=$BATS_TEST_TMPDIR/say.$1
	shift
	status=0
	as "$@" >"$name.out" 2>"$name.err" || status=$?
	statuses+="${statuses:+ }$status"
}
said() { cat "$BATS_TEST_TMPDIR"/say.*.err >"$BATS_TEST_TMPDIR/said"; }

status_life() {
	statuses=
	crowd 2
	say one nf-status status "$lock"
	say all nf-status status --json
	crowd_ends
	$R SET "netflock:{wrong}" x >/dev/null
	say wrong nf-status status wrong
	said
}

# takes USER WAITERS WORD...: that user takes away the lock of a crowd.
takes() {
	local user=$1
	crowd "$2"
	shift 2
	say "taken.$#$CROWD" "$user" "$@"
	if [ "$status" = 0 ]; then
		crowd_ends reset
		assert_equal "$HELD_STATUS" 76 "status of who was reset"
	else
		crowd_ends
	fi
}
# A lock that passes on to one of two, one that passes on to the only one, one without any, and a key that is no lock.
reset_life() {
	rm -f "$BATS_TEST_TMPDIR"/say.*
	statuses=
	takes nf-reset 2 reset --now "$lock"
	takes nf-reset 1 reset --now "$lock"
	takes nf-reset 0 reset "$lock"
	$R SET "netflock:{wrong}" x >/dev/null
	say wrong nf-reset reset wrong
	said
}
reset_all_life() {
	rm -f "$BATS_TEST_TMPDIR"/say.*
	statuses=
	takes nf-reset-all 2 reset-all --force --now
	takes nf-reset-all 1 reset-all --force --now
	takes nf-reset-all 0 reset-all --force
	$R SET "netflock:{wrong}" x >/dev/null
	say wrong nf-reset-all reset-all --force
	said
}

# Every right of USER but those that are not told is missed by LIFE.
each_is_needed() {
	local user=$1 life=$2 right bad=0
	for right in $(rights_of "$user"); do
		case $right in
		'+publish' | '+pubsub|numsub' | '+client|setname' | +lpush | +ltrim) continue ;;
		'&'*) [ "$user" = nf-run ] || continue ;;
		esac
		grant "$user" "$right"
		$life
		if ! grep -qF "$(hint "$user" "$right")" "$BATS_TEST_TMPDIR/said"; then
			echo "without $right: $statuses, said:" >&2
			cat "$BATS_TEST_TMPDIR/said" >&2
			bad=1
		elif [[ " $statuses " != *" 77 "* && $right != +hdel && $right != +del && $right != +zrem ]]; then
			echo "without $right no status is 77: $statuses" >&2
			bad=1
		fi
	done
	return $bad
}

@test "the line for run: locks are taken, waited for, handed over and given back" {
	grant nf-run
	run_life
	assert_equal "$(grep -v "not a lock" "$BATS_TEST_TMPDIR/said")" "" said
	assert_equal "$statuses" "0 0 0 78"
	assert_free
}

@test "the line for run: it is enough for acquire, renew, held and release, with and without a keeper" {
	local pid token
	grant nf-run
	for pid in '' "--pid $$"; do
		token=$(as nf-run acquire $pid "$lock")
		as nf-run renew --ttl 1m "$lock" "$token"
		as nf-run held "$lock" "$token"
		[ -z "$pid" ] || wait_until subscribed
		as nf-run release "$lock" "$token"
		assert_free
	done
	as nf-run -n --min-hold 1h "$lock" -- true
	try acquire -n "$lock"
	assert_status 75
}
subscribed() { [ -n "$($R PUBSUB CHANNELS "netflock:{$lock}:*")" ]; }

@test "the line for run: without any right of it something is refused by that name" {
	each_is_needed nf-run run_life
}

@test "the line for status: locks, holders, waiters and what is no lock are shown" {
	grant nf-status
	status_life
	assert_equal "$statuses" "0 0 0"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/said")" "" said
	assert_matches "$(cat "$BATS_TEST_TMPDIR/say.one.out")" "connected"
	assert_matches "$(cat "$BATS_TEST_TMPDIR/say.all.out")" '"waiters": ?2,'
	assert_matches "$(cat "$BATS_TEST_TMPDIR/say.wrong.out")" "is a string"
}

@test "the line for status: without any right of it something is refused by that name" {
	each_is_needed nf-status status_life
}

history_life() {
	statuses=
	rm -f "$BATS_TEST_TMPDIR"/say.*
	netflock "$lock" -- true
	say one nf-history history "$lock"
	$R SET "netflock:{wrong}:history" x >/dev/null
	say wrong nf-history history wrong
	said
}

@test "the line for history: the last runs are shown" {
	grant nf-history
	history_life
	assert_equal "$statuses" "0 78"
	assert_equal "$(grep -c '' "$BATS_TEST_TMPDIR/said")" 1 "lines said"
	assert_matches "$(cat "$BATS_TEST_TMPDIR/say.one.out")" "true"
}

@test "the line for history: without any right of it something is refused by that name" {
	each_is_needed nf-history history_life
}

@test "the line for reset: locks are taken away, at once and gently" {
	grant nf-reset
	reset_life
	assert_equal "$statuses" "0 0 0 78"
	assert_equal "$(grep -c '' "$BATS_TEST_TMPDIR/said")" 1 "lines said"
	assert_free
}

@test "the line for reset: without any right of it something is refused by that name" {
	each_is_needed nf-reset reset_life
}

@test "the line for reset-all: all locks are taken away, at once and gently" {
	grant nf-reset-all
	reset_all_life
	assert_equal "$statuses" "0 0 0 0"
	assert_equal "$(grep -c '' "$BATS_TEST_TMPDIR/said")" 1 "lines said"
	assert_free
}

@test "the line for reset-all: without any right of it something is refused by that name" {
	each_is_needed nf-reset-all reset_all_life
}

@test "the line for run has every command that the scripts call, and no other" {
	local asked
	asked=$(sed 's/--.*//' "$HERE"/src/lua/[!h]*.lua | grep -o "call('[A-Z]*'" | tr -d "('" | sed 's/^call//' | tr '[:upper:]' '[:lower:]' | sort -u)
	assert_equal "$(rights_of nf-run | sed -n 's/^+\([a-z]*\).*/\1/p' | grep -vxE 'eval|evalsha|subscribe|client')" \
		"$(rights_of nf-run | sed -n 's/^+\([a-z]*\).*/\1/p' | grep -xF "$asked")"
	assert_equal "$(rights_of nf-run | grep -cE '^[+]')" $(($(wc -l <<<"$asked") + 4))
}

@test "rights whose lack is not told cost convenience only" {
	local right
	for right in '+client|setname' '+publish' '+pubsub|numsub' +lpush +ltrim; do
		grant nf-run "$right"
		run --separate-stderr as nf-run "$lock" -- true
		assert_status 0
		assert_silent
	done
	assert_free
}

@test "another prefix, another database: the right that is missing is named" {
	grant nf-run
	run --separate-stderr as nf-run --prefix jobs "$lock" -- true
	assert_status 77
	assert_stderr_matches "no permission for the keys of this lock \(ACL SETUSER nf-run ~jobs:\*\)"
	run --separate-stderr as nf-run -u "$NETFLOCK_URL?db=1" "$lock" -- true
	assert_status 77
	assert_stderr_matches "no permission for SELECT \(ACL SETUSER nf-run \+select\)"
}

@test "somebody else's keys are out of reach of the lines" {
	local user
	$R SET other x >/dev/null
	for user in nf-run nf-status nf-history nf-reset nf-reset-all; do
		grant "$user"
		run env REDISCLI_AUTH=PASSWORD $R --user "$user" EVAL "return redis.call('TYPE', KEYS[1])" 1 other
		assert_matches "$output" "NOPERM|can.t access"
		run env REDISCLI_AUTH=PASSWORD $R --user "$user" CONFIG GET dir
		assert_matches "$output" NOPERM
	done
}
