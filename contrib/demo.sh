#!/bin/sh
# SPDX-License-Identifier: MIT
# A private Redis on a unix socket, and jobs that want one lock: what netflock does, in ten seconds.
# usage: demo.sh     (make demo; environment: NETFLOCK, REDIS_SERVER)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
netflock=${NETFLOCK:-$here/build/netflock}
dir=$(mktemp -d "${TMPDIR:-/tmp}/netflock-demo.XXXXXX")
log=$dir/log
server=
pids=
started=$(date +%s%N)

# ------------------------------------------------------------------------------------------------------------ helpers

clean_up() {
	trap - EXIT
	for pid in $pids; do
		if kill "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || :; fi
	done
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Seconds since the demo began, on the left of everything.
at() {
	ms=$((($(date +%s%N) - started) / 1000000))
	printf '%2d.%03d  ' $((ms / 1000)) $((ms % 1000))
}
say() {
	at
	printf '%s\n' "$*"
}
show() {
	at
	printf '$ %s\n' "$*"
}
title() { printf '\n%s\n' "$*"; }

# The server under its own name, else under the one that Debian's redis-tools has.
find_server() {
	for name in "${REDIS_SERVER:-redis-server}" redis-server valkey-server; do
		if command -v "$name"; then return; fi
	done
	ln -s "$(command -v redis-check-rdb || command -v valkey-check-rdb)" "$dir/redis-server" || {
		echo 'demo: no redis-server, valkey-server or redis-check-rdb' >&2
		exit 1
	}
	echo "$dir/redis-server"
}

start_server() {
	program=$(find_server)
	"$program" --port 0 --unixsocket "$dir/s" --unixsocketperm 700 --save '' --appendonly no --dir "$dir" \
		--logfile "$dir/server.log" >/dev/null 2>&1 &
	server=$!
	until [ -S "$dir/s" ]; do
		kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
		sleep 0.02
	done
	export NETFLOCK_URL="unix://$dir/s"
	export NETFLOCK_CONFIG=/dev/null
	unset REDIS_URL REDISCLI_AUTH NETFLOCK_CHAIN
}

# The job that everybody wants to run: job.sh WHO SECONDS.  What it does goes to the log, with its time.
write_job() {
	cat >"$dir/job.sh" <<-EOF
	#!/bin/sh
	echo "\$(date +%s%N) \$1 begins: fence \$NETFLOCK_FENCE, waited \$NETFLOCK_WAITED_MS ms" >>"$log"
	echo "\$\$" >"$dir/\$1.pid"
	sleep "\$2"
	echo "\$(date +%s%N) \$1 ends" >>"$log"
	EOF
	chmod +x "$dir/job.sh"
}

# A job in the background.
begin() {
	"$netflock" backup -- "$dir/job.sh" "$@" &
	pids="$pids $!"
}

# Run netflock, say what it says, and its status.
try() {
	status=0
	"$netflock" "$@" 2>"$dir/stderr" || status=$?
	sed 's/^/            /' "$dir/stderr"
	say "    status $status"
}

# Print what the jobs have logged since the last time.
shown=0
tell() {
	cp "$log" "$dir/seen"
	tail -n +$((shown + 1)) "$dir/seen" | while read -r ns text; do
		ms=$(((ns - started) / 1000000))
		printf '%2d.%03d      %s\n' $((ms / 1000)) $((ms % 1000)) "$text"
	done
	shown=$(wc -l <"$dir/seen")
}

# Wait until the log has a line with $1.
wait_for() {
	tries=0
	until tell && grep -q "$1" "$dir/seen"; do
		tries=$((tries + 1))
		[ "$tries" -lt 1000 ] || { echo "demo: waited in vain for '$1'" >&2; exit 1; }
		sleep 0.01
	done
}

# Milliseconds, with a fraction, between two lines of the log.
between() {
	from=$(sed -n "s/^\([0-9]*\) $1.*/\1/p" "$log" | head -n 1)
	to=$(sed -n "s/^\([0-9]*\) $2.*/\1/p" "$log" | head -n 1)
	us=$(((to - from) / 1000))
	printf '%d.%d ms' $((us / 1000)) $((us % 1000 / 100))
}

# -------------------------------------------------------------------------------------------------------------- acts

take_turns() {
	title 'Two hosts start the same job. They run it one after the other, in order of arrival.'
	show netflock backup -- ./job.sh db1
	begin db1 1
	wait_for 'db1 begins'
	show netflock backup -- ./job.sh db2
	begin db2 1
	wait_for 'db2 ends'
	say "    from the end of one to the start of the other: $(between 'db1 ends' 'db2 begins'), with the shell's own start"
}

skip() {
	title 'Cron starts one that had better not wait: -n. Status 75 is "busy", and it says who has the lock.'
	begin db3 1
	wait_for 'db3 begins'
	show netflock -n backup -- ./job.sh
	try -n backup -- "$dir/job.sh" nobody 1
	show netflock -n -E 0 backup -- ./job.sh
	try -n -E 0 backup -- "$dir/job.sh" nobody 1
	wait_for 'db3 ends'
}

kill_holder() {
	title 'Somebody kills netflock itself with -9. Its command goes too, and the next one runs at once.'
	begin db4 60
	victim=$!
	wait_for 'db4 begins'
	begin db5 1
	sleep 0.3 # so that it waits
	show kill -9 "$victim"
	echo "$(date +%s%N) db4 is killed" >>"$log"
	kill -KILL "$victim"
	wait "$victim" 2>/dev/null || :
	wait_for 'db5 begins'
	if kill -0 "$(cat "$dir/db4.pid")" 2>/dev/null; then
		echo 'demo: the command of db4 is still there' >&2
		exit 1
	fi
	wait_for 'db5 ends'
	say "    from the kill to the next start: $(between 'db4 is killed' 'db5 begins'); the lease had 30 s to go"
}

look_and_reset() {
	title 'Who has it, and who waits? And take it away: its command is stopped, and the next one runs.'
	begin db6 60
	wait_for 'db6 begins'
	begin db7 1
	sleep 0.3 # so that it waits
	for words in 'status' 'status backup' 'reset backup'; do
		show "netflock $words"
		# shellcheck disable=SC2086  # words
		"$netflock" $words | sed 's/^/            /'
	done
	wait_for 'db7 begins'
	wait_for 'db7 ends'
}

pass_through() {
	title 'Exit status, output and terminal are those of the command.'
	show "netflock backup -- sh -c 'echo hello; exit 3'"
	try backup -- sh -c 'echo "            hello"; exit 3'
}

: >"$log"
write_job
start_server
say "a private server on $dir/s"
take_turns
skip
kill_holder
look_and_reset
pass_through
title 'That is all. The server and its files are gone again.'
