# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154  # $MANUAL is of the file that loads this
# The ACL lines of the manual:   load common; load rights

# The line for USER as it stands in the manual, a word of a shell in each line; without the words "redis-cli".
rule() {
	local command
	command=$(awk -v user="$1" '$0 ~ "^redis-cli ACL SETUSER " user " " { on = 1 }
		on { sub(/\\e$/, "\\"); print } on && !/\\$/ { on = 0 }' "$MANUAL")
	[ -n "$command" ] || fail "no line for $1 in the manual"
	eval "printf '%s\n' ${command#redis-cli}"
}
