# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A file's server under a clock that is $CLOCKSHIM milliseconds (the file's text) off: clock_setup_file, step MS.

clock_setup_file() {
	local real
	export CLOCKSHIM=$BATS_FILE_TMPDIR/clock
	echo 0 >"$CLOCKSHIM"
	real=$(command -v redis-server || command -v valkey-server || command -v redis-check-rdb)
	cat >"$BATS_FILE_TMPDIR/redis-server" <<-END
		#!/bin/bash
		export LD_PRELOAD=$TOOLS/clockshim.so
		exec -a redis-server $real "\$@"
	END
	chmod +x "$BATS_FILE_TMPDIR/redis-server"
	export REDIS_SERVER=$BATS_FILE_TMPDIR/redis-server
	common_setup_file
}

# Set the server's clock so many ms off the real time.
step() {
	echo "$1" >"$CLOCKSHIM.new"
	mv "$CLOCKSHIM.new" "$CLOCKSHIM"
}
