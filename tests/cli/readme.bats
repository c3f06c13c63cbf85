#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What README.md shows is run as it stands there, and prints what is shown there.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2086
load common
load examples

setup() { common_setup && examples_setup && $R FLUSHALL; }

# README's places are ours here.
readme_here() {
	local text
	text=$(readme_example "$1")
	text=${text//'redis://:secret@db1:6379/0'/$NETFLOCK_URL}
	here "$text"
}

@test "every block has a name, and a test here" {
	local name names
	names=$(sed -n 's/^<!-- example: \(.*\) -->$/\1/p' "$README")
	# Blocks: indented lines after an empty one.
	assert_equal "$(awk '/^    / && before == "" && !inside { n++; inside = 1 } /^[^ ]/ { inside = 0 } { before = $0 } END { print n }' "$README")" \
		"$(wc -l <<<"$names")" "blocks and names"
	while read -r name; do
		[ -n "$(readme_example "$name")" ] || fail "$name: empty"
		grep -qE "(readme_here|readme_example|as_shown) '?$name\b" "$BATS_TEST_FILENAME" || fail "$name: no test"
	done <<<"$names"
}

@test "intro: the backup runs once, the migrations each time" {
	stub backup
	stub manage.py
	as_shell "$(readme_here intro)"
	assert_status 0
	assert_silent
	as_shell "$(readme_here intro)"
	assert_status 0
	assert_silent
	assert_notes "$(printf '%s\n' 'backup --full' 'manage.py migrate' 'manage.py migrate')"
}

@test "bootstrap: its targets are make's, and the demo runs to its end" {
	local target
	for target in $(readme_example bootstrap | sed -nE 's/^sh bootstrap.sh ([a-z]+) .*/\1/p'); do
		grep -q "^$target:" "$HERE/Makefile" "$HERE/tests/rules.mk" || fail "$target: no such target"
	done
	assert_equal "$(readme_example bootstrap | wc -l)" 2 commands
	sh -n "$HERE/bootstrap.sh"
	run --separate-stderr sh "$HERE/contrib/demo.sh" 3>&- 4>&-
	assert_status 0
}

@test "install: all goes where it says, and away again" {
	local root=$BATS_TEST_TMPDIR/root text
	text=$(readme_example install)
	assert_equal "$(sed 1d <<<"$text")" "$(printf '%s\n' make 'make install')"
	assert_equal "$(sed -n '1s/apt install //p' <<<"$text" | tr ' ' '\n' | grep -vxFf <(sed -n "s/^packages='\(.*\)'/\1/p" "$HERE/bootstrap.sh" | tr ' ' '\n'))" "" \
		"packages that bootstrap.sh does not install"
	[ -x "$HERE/build/netflock" ] || skip "no plain build"
	install_with install
	assert_equal "$(cd "$root" && find . -type f | sort)" "$(printf './usr/local/%s\n' bin/netflock \
		share/bash-completion/completions/netflock.bash share/fish/vendor_completions.d/netflock.fish share/man/man1/netflock.1 \
		share/zsh/site-functions/_netflock)"
	"$root/usr/local/bin/netflock" --version | grep -q '^netflock '
	install_with uninstall
	assert_equal "$(find "$root" -type f)" ""
}
# Only the copying: the build is there.
install_with() { env -u MAKEFLAGS -u VARIANT make -s -C "$HERE" -o build/netflock "$1" DESTDIR="$root" 3>&- 4>&-; }

@test "use: each command runs" {
	stub rsync
	stub pg_dump 'echo data'
	as_shell "set -e; $(readme_here use)"
	assert_status 0
	assert_silent
	assert_notes "$(printf '%s\n' 'rsync -a /srv backup:' 'rsync -a /srv backup:' 'rsync -a /srv backup:' 'pg_dump app')"
	assert_equal "$(gzip -dc "$STUBS/app.gz")" data
}

@test "several: each command runs" {
	stub search
	stub ffmpeg
	stub migrate
	as_shell "set -e; $(readme_here several)"
	assert_status 0
	assert_silent
	assert_notes "$(printf '%s\n' search ffmpeg migrate)"
}

@test "use: -n is busy with 75 if it is held" {
	stub rsync
	hold nightly
	as_shell "$(readme_here use | grep -e '^export' -e '-n nightly')"
	assert_status 75
	release_holder
}

@test "crontab: one host runs it, another one skips it silently" {
	local text
	stub backup
	text=$(readme_here crontab)
	as_cron "$text"
	assert_status 0
	assert_silent
	as_cron "$text"
	assert_status 0
	assert_silent
	assert_notes "backup --full"
}

@test "script: the lock is held for a part of it" {
	as_shell "$(readme_here script)"
	assert_status 0
	assert_silent
	lock=import assert_free
	hold import
	as_shell "$(readme_here script)"
	assert_status 75
	release_holder
}

# What differs from one time to the next, alike; blanks squeezed.
alike() {
	sed -E 's/[0-9a-f]{32}/TOKEN/g; s/[^ ]+@[^ :]+/WHO/g; s/\b([0-9.]+(ms|[smhd]))+\b/TIME/g; s/pid [0-9]+/pid N/g; s/:[0-9]+\b/:N/g; s/(fence +)[0-9]+/\1N/; s/ +/ /g'
}
# What the example prints, and what it printed for README.
as_shown() {
	as_shell "$(readme_example "$1" | sed -n 's/^\$ //p')"
	assert_status 0
	assert_equal "$(alike <<<"$output")" "$(readme_example "$1" | sed '/^\$ /d' | alike)" "the output of '$1'"
}
# The scene: a holder, three who wait in order.
in_scene() { PATH=$STUBS:$PATH exec "$NETFLOCK" "$@"; }
scene() {
	local i=0 job
	stub backup 'exec sleep 1000'
	stub weekly 'exec sleep 1000'
	background in_scene --reason 'before the upgrade' nightly -- backup --full 40
	HOLDER=$PID HOLDER_ERR=$ERR
	wait_until test -s "$NOTES"
	WAITERS=()
	for job in 'backup --full' 'weekly copy' 'backup --full'; do
		background in_scene nightly -- $job
		WAITERS+=("$PID")
		i=$((i + 1))
		wait_for_waiters $i nightly
	done
}

# Name, state, how many more hold it: the first line is the heading.
states() { awk '{ print $1, $2, ($2 ~ /^(slots|shared)$/ ? $3 " " $5 : "") }'; }

@test "status and reset: what is shown is what is printed, on both sides" {
	local pid nightly
	scene
	nightly=$HOLDER
	PATH=$STUBS:$PATH try --min-hold 5m report -- true
	hold encode --slots 4
	hold encode --slots 4
	for pid in 1 2 3; do hold index -s; done
	as_shell "COLUMNS=200 $(readme_example status | sed -n 's/^\$ //p')"
	assert_equal "$(states <<<"$output")" "$(readme_example status | sed '/^\$ /d' | states)"
	assert_equal "$(head -n 1 <<<"$output" | xargs)" "$(readme_example status | sed -n 2p | xargs)" "the heading"
	as_shown 'status nightly'
	as_shown 'reset'
	finish "$nightly"
	assert_status 76
	assert_equal "$(cat "$HOLDER_ERR")" "$(readme_example lost)" "the other side's stderr"
	for pid in "${!HOLD_FILES[@]}"; do release_holder "$pid"; done
	for pid in "${WAITERS[@]}"; do kill -TERM "$pid"; done
	for pid in "${WAITERS[@]}"; do finish "$pid"; done
}

@test "doctor: what is shown is what is printed" {
	$R ACL SETUSER jobs on '>PASSWORD' '~*' '&*' +@all -hset >/dev/null
	$R CONFIG SET maxmemory-policy allkeys-lru >/dev/null
	export NETFLOCK_URL=unix://jobs:PASSWORD@$SERVER_DIR/s
	as_shell "$(readme_example doctor | sed -n 's/^\$ //p')"
	$R CONFIG SET maxmemory-policy noeviction >/dev/null
	$R ACL DELUSER jobs >/dev/null
	assert_status 1
	same() { sed -E "s|$SERVER_DIR/s|/run/redis.sock|; s/(redis\|valkey) [0-9.]+/VERSION/; s/[0-9]+\.[0-9]+ms/TIME/g; s/agree within|is TIME .* within/OFF/; s/ +/ /g"; }
	assert_equal "$(same <<<"$output")" "$(readme_example doctor | sed 1d | same)"
}
