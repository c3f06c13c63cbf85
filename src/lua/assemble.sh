#!/bin/sh
# SPDX-License-Identifier: MIT
# Print the whole script of one operation, as it goes to the server: without
# comments, indentation and empty lines.   usage: assemble.sh OPERATION
set -eu
cd "$(dirname "$0")"
{
	# Both ways of a release use it.
	[ "$1" != release ] || cat log.lua
	if [ -e "$1.alone.lua" ]; then
		# Its names are its own.
		echo 'do'
		cat alone.lua "$1.alone.lua"
		echo 'end'
	fi
	# A goodbye must be short: it does without.
	[ "$1" = goodbye ] || cat core.lua
	cat "$1.lua"
} | sed -e 's/^[[:space:]]*//' -e '/^--/d' -e '/^$/d'
