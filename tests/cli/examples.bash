# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016
# Examples out of the documents, and a place to run them in:   load common; load examples
#
#   manual_example NAME    the display after the comment  .\" example: NAME  in the manual, as it is shown
#   readme_example NAME    the block after  <!-- example: NAME -->  in README.md
#   here TEXT              the same with this file's server and stubs instead of the places that it names
#   stub NAME [BODY]       a program on the example's PATH that notes "NAME ARG..." in $NOTES, then does BODY
#   as_cron CRONTAB        run its last line as cron would

MANUAL=$HERE/man/netflock.1
README=$HERE/README.md

# Text on stdin from the line after the marker $1 to a line that matches $2; what roff and lists add is taken away.
cut_example() {
	awk -v marker="$1" -v end="$2" '$0 == marker { on = 1; next } on && $0 ~ end { exit } on && !/^\.Bd/'
}
manual_example() { cut_example ".\\\\\" example: $1" '^\.Ed' <"$MANUAL" | sed 's/^\\&//; s/\\e/\\/g; s/\\-/-/g'; }
readme_example() {
	local text
	text=$(cut_example "<!-- example: $1 -->" '^[^ ]' <"$README" | sed 's/^    //; /./,$!d')
	printf '%s\n' "$text"
}

# Stubs, a home, and netflock itself, in the only directory that is not the system's.
examples_setup() {
	STUBS=$BATS_TEST_TMPDIR/bin
	NOTES=$BATS_TEST_TMPDIR/notes
	mkdir "$STUBS" "$BATS_TEST_TMPDIR/home"
	ln -s "$NETFLOCK" "$STUBS/netflock"
	: >"$NOTES"
}

stub() {
	printf '#!/bin/sh\necho "%s${*:+ $*}" >>"%s"\n%s\n' "$1" "$NOTES" "${2:-}" >"$STUBS/$1"
	chmod +x "$STUBS/$1"
}
notes() { cat "$NOTES"; }
assert_notes() { assert_equal "$(notes)" "$1" "what was run"; }

here() {
	local text=$1
	text=${text//'/usr/local/bin'/$STUBS}
	text=${text//'redis://locks.example.com'/$NETFLOCK_URL}
	printf '%s\n' "$text"
}

# What cron gives a job, and nothing else.  MARK is how the harness finds left-overs, and no netflock.conf counts.
cron_environment() { env -i MARK="$MARK" NETFLOCK_CONFIG=/dev/null HOME="$BATS_TEST_TMPDIR/home" LOGNAME=ops SHELL=/bin/sh PATH=/usr/bin:/bin "$@" 3>&- 4>&-; }

as_cron() {
	local line assignments=()
	while read -r line; do
		[[ $line =~ ^[A-Z_]+= ]] || break
		assignments+=("$line")
	done <<<"$1"
	# Five fields, then the command; % is a new line, \% is one.
	line=$(tail -n 1 <<<"$1" | sed -E 's/^([^ ]+ +){5}//; s/([^\\])%.*/\1/; s/\\%/%/g')
	run --separate-stderr cron_environment "${assignments[@]}" /bin/sh -c "$line"
}

# As a script of its own, from the example's directory.
as_script() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/script"
	chmod +x "$BATS_TEST_TMPDIR/script"
	run --separate-stderr in_place "$BATS_TEST_TMPDIR/script" "${@:2}"
}
as_shell() { run --separate-stderr in_place sh -c "$1"; }
in_place() { (cd "$STUBS" && PATH=$STUBS:/usr/bin:/bin "$@" 3>&- 4>&-); }
