#!/bin/bash
# SPDX-License-Identifier: MIT
# A private Redis (or Valkey) on DIR/s, and whoever restarts it: a test cannot, since the server must outlive the test.
# usage: server.sh DIR [SERVER OPTION]...
# Lines on the fifo DIR/control: "start [OPTION]..." (once the last one is dead), "quit".  DIR/pid is the server's.
set -u
dir=$1
shift

# Debian's redis-tools has the server under another name: it looks at what it was called as.
find_server() {
	local name
	for name in "${REDIS_SERVER:-}" redis-server valkey-server; do
		if [ -n "$name" ] && command -v "$name"; then return; fi
	done
	if ! name=$(command -v redis-check-rdb || command -v valkey-check-rdb); then
		echo "no redis-server, valkey-server or redis-check-rdb (Debian: redis-tools)" >&2
		return 1
	fi
	ln -sf "$name" "$dir/redis-server"
	echo "$dir/redis-server"
}

start() {
	# shellcheck disable=SC2094  # the server does not read its log
	setpriv --pdeathsig KILL -- "$server" --port 0 --unixsocket "$dir/s" --unixsocketperm 700 --save '' \
		--appendonly no --dir "$dir" --logfile "$dir/log" --enable-debug-command yes "$@" >>"$dir/log" 2>&1 &
	echo $! >"$dir/pid.new"
	mv "$dir/pid.new" "$dir/pid"
}

server=$(find_server) || exit 1
mkfifo "$dir/control"
exec 9<>"$dir/control" 2>>"$dir/log"
start "$@"
while read -r word more <&9; do
	case $word in
	start)
		wait
		# shellcheck disable=SC2086  # a list of words
		start $more
		;;
	quit)
		kill -KILL "$(cat "$dir/pid")" 2>/dev/null
		wait
		exit 0
		;;
	esac
done
