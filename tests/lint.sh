#!/bin/sh
# SPDX-License-Identifier: MIT
# clang-tidy, cppcheck, shellcheck, mandoc over the whole tree: silent and 0 when clean, 1 if not.
# usage: lint.sh     (make lint; environment: COMPILE, the compiler's options)
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# run TOOL ARG...: its output counts, not only its status.
run() {
	if ! command -v "$1" >/dev/null; then
		echo "lint: no $1 (sh bootstrap.sh lint installs it)" >&2
		bad=1
		return
	fi
	"$@" >build/lint.out 2>build/lint.err || bad=1
	# Counts of suppressed warnings are no findings.
	grep -vE '^([0-9]+ warnings? (generated|treated as errors?)|Suppressed |Use -header-filter)' build/lint.out build/lint.err |
		sed 's/^build\/lint\.[a-z]*://'
}

# Files whose first line says sh or bash.
scripts() {
	find . -name .git -prune -o -path ./build -prune -o -type f -print | while read -r file; do
		case $(head -c 15 "$file" | tr -d '\0') in '#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*) echo "$file" ;; esac
	done
}

# shellcheck disable=SC2046,SC2086  # lists of words
{
	run clang-tidy --quiet src/*.c tests/tools/*.c tests/bench/*.c -- $COMPILE
	run cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=checkersReport --suppress=ctuuninitvar --suppress=ctunullpointer -Isrc src tests/tools tests/bench
	run shellcheck $(scripts) $(find tests -name '*.bash' -o -name '*.bats')
	run mandoc -T lint -W warning man/*.1
}
rm -f build/lint.out build/lint.err
exit "$bad"
