#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# README.md names a test for everything that can go wrong.
# shellcheck disable=SC2016 # quotes of Markdown

@test "every test that README.md of the faults names is there" {
	local reference file name bad=0 count=0
	cd "$BATS_TEST_DIRNAME/.."
	while IFS= read -r reference; do
		file=${reference%%: *} name=${reference#*: }
		count=$((count + 1))
		grep '^@test "' "$file.bats" | grep -qF -e "$name" || { echo "no such test: $reference"; bad=1; }
	done < <(grep -oE '`(cli|faults)/[a-z-]+: [^`]*`' faults/README.md | tr -d '`')
	[ "$count" -gt 100 ]
	[ "$bad" = 0 ]
}
