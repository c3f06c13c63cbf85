# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# What the tests of processes and signals share:   load common; load process

# The processes below a netflock in the background ($PID, or the one given).
keeper_of() { cut -d' ' -f1 "/proc/${1:-$PID}/task/${1:-$PID}/children"; }
command_of() { keeper_of "$(keeper_of "${1:-$PID}")"; }
state_of() { sed 's/.*) //; s/ .*//' "/proc/$1/stat"; }
is_stopped() { [ "$(state_of "$1")" = T ]; }
is_running() { [ "$(state_of "$1")" != T ]; }

# The end of the lease of the only holder, as the server counts it (ms since the epoch, or "").
lease_end() { $R HVALS "netflock:{$lock}" | grep -oE '"ends":"[0-9]+' | head -n 1 | grep -oE '[0-9]+'; }
boottime_ms() { echo $(($("$TOOLS/boottime") / 1000000)); }
lease_is_not() { [ "$(lease_end)" != "$1" ]; }
# Wait for a renewal: the next one is ttl/3 away.
wait_for_renewal() { wait_until lease_is_not "$(lease_end)"; }
held() { [ -n "$(lease_end)" ]; }

# $LEASE_END: of the lease that a renewal has just made, in ms of CLOCK_BOOTTIME.
take_lease_end() {
	local server
	wait_for_renewal
	server=$($R TIME | paste -sd' ' -)
	LEASE_END=$(($(boottime_ms) + $(lease_end) - ${server% *} * 1000 - 10#${server#* } / 1000))
}

# The last beat in FILE, in ms of CLOCK_BOOTTIME; a line that was being written is none.
last_beat() { echo $(($(grep -E '^[^ ]+ [^ ]+ [0-9]{6,}$' "$1" | tail -n 1 | cut -d' ' -f3) / 1000000)); }
beats() { [ -s "$1" ]; }

# Run a python program given on stdin; what it starts must not hold bats' descriptors.
script() { python3 /dev/fd/9 "$@" 9<&0 </dev/null 3>&- 4>&-; }
pty() { run --separate-stderr python3 "$TESTS/tools/pty.py" "$@" 3>&- 4>&-; }
