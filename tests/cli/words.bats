#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What exists is written in each place, and nothing else is: options, subcommands, defaults, exit statuses, variables,
# JSON keys.  The truth is the program's own table (--dump-options), src/status.h, the source, and what status prints.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC2034,SC2086
load common
load shells

MANUAL=$HERE/man/netflock.1
README=$HERE/README.md

setup() { common_setup && shells_setup; }

# Both texts are lists of lines; what is only in one of them is named.
assert_same() {
	diff <(sort -u <<<"$1" | sed '/^$/d') <(sort -u <<<"$2" | sed '/^$/d') >"$BATS_TEST_TMPDIR/diff" && return
	echo "$3: '<' is only in $4, '>' only in $5:" >&2
	grep '^[<>]' "$BATS_TEST_TMPDIR/diff" >&2
	return 1
}

dump() { "$NETFLOCK" --dump-options; }
# "NAME<tab>METAVAR<tab>GROUP", one line for each way to write an option.
table() { dump | awk -F '\t' '$1 == "option" { n = split($2, names, ","); for (i = 1; i <= n; i++) print names[i] "\t" $3 "\t" $4 }'; }
# The words of the subcommands there are, and of those reserved.
subcommands() { dump | awk -F '\t' '$1 == "command" && $3 != "later" { print $2 }'; }
reserved() { dump | awk -F '\t' '$1 == "command" { print $2 }'; }
# The options of a subcommand.
options_of() {
	dump | awk -F '\t' -v word="$1" '
		$1 == "option" { gsub(",", "\n", $2); of[$4] = of[$4] $2 "\n" }
		$1 == "command" && $2 == word { n = split($3, groups, ";"); for (i = 1; i <= n; i++) printf "%s", of[groups[i]] }'
}

# A part of the manual without its markup: from the line $1 to the next that begins with $2.
part() { awk -v from="$1" -v to="$2" 'on && index($0, to) == 1 { exit } on { print } $0 == from { on = 1 }' "$MANUAL"; }
# "NAME<tab>METAVAR<tab>GROUP" as the manual has it: .It Fl t , Fl -ttl Ar DUR below .Ss GROUP
manual_table() {
	part '.Sh OPTIONS' '.Sh' | awk '
		/^\.Ss / { group = substr($0, 5) }
		/^\.It Fl / {
			value = ""
			if (match($0, /(Ar|Cm) .*/)) { value = substr($0, RSTART + 3); sub(/ , .*/, "", value); gsub(/ /, "", value) }
			for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) "\t" value "\t" group
		}'
}
# The text of the option's item in the manual, on one line, without macros.
manual_item() {
	part '.Sh OPTIONS' '.Sh' | awk -v name="${1#-}" '
		/^\.(It|El|Ss)/ { on = 0 }
		/^\.It Fl / { for (i = 2; i <= NF; i++) if ($i == name && $(i - 1) == "Fl") on = 1; next }
		on { sub(/^\.[A-Z][a-z] /, ""); printf "%s ", $0 }' | sed -E 's/ +([.,;])/\1/g'
}

@test "options: the manual has every one, in its group, with its value" {
	assert_same "$(table)" "$(manual_table)" options "the program" "the manual"
	assert_equal "$(part '.Sh OPTIONS' '.Sh' | sed -n 's/^\.Ss //p')" "$(dump | awk -F '\t' '$1 == "option" && !seen[$4]++ { print $4 }')" "order of groups"
}

@test "options: --help has every one, with its value" {
	local word
	for word in $(subcommands); do
		assert_same "$(options_of "$word")" "$("$NETFLOCK" help "$word" | sed -nE 's/^ +(-[^ ].{26}).*/\1/p' | grep -oE -- '--?[a-zA-Z][a-z-]*')" \
			"options of $word" "the table" "help $word"
	done
	assert_same "$(table | awk -F '\t' '$2 != "" { print $2 }')" \
		"$(for word in $(subcommands); do "$NETFLOCK" help "$word"; done | sed -nE 's/^ +-[^ ]*.*[ =]([A-Z]+|[a-z]+\|[a-z]+)  +.*/\1/p')" \
		values "the table" "help"
}

@test "options: the subcommands' own are said to be theirs in the manual" {
	local option
	for option in $(options_of status | grep -vxFf <(options_of run)); do { part '.Ss Output' '.Ss'; part '.Ss Looking at locks' '.Ss'; } | grep -qw -- "Fl ${option#-}" || fail "$option"; done
	for option in $(options_of doctor | grep -vxFf <(options_of run)); do
		[[ $(manual_item "$option") == *doctor* ]] || fail "$option: whose is it?"
	done
	for option in $(options_of reset-all | grep -vxFf <(options_of run)); do
		[[ $(manual_item "$option") == *"With reset"* ]] || fail "$option: whose is it?"
	done
}

@test "defaults: the manual says those of --help" {
	local option default checked=0
	while IFS=$'\t' read -r option default; do
		[[ $(manual_item "$option") == *"default is $default"[.,\;\ ]* ]] || fail "$option: '$default' in --help; in the manual: $(manual_item "$option")"
		checked=$((checked + 1))
	done < <(for word in $(subcommands); do "$NETFLOCK" help "$word"; done | sed -nE 's/^ +(-[a-zA-Z], )*(--[a-z-]+).*\(default: (.*)\)$/\2\t\3/p' | sort -u)
	[ "$checked" -ge 9 ] || fail "$checked defaults only"
}

@test "defaults: they are the program's" {
	try "$lock" -- printenv NETFLOCK_TTL_MS
	assert_output 30000
	"$NETFLOCK" --help | grep -q 'lease.*(default: 30s)' || fail "the lease's default is not 30s"
	hold "$lock"
	try -n "$lock" -- true
	assert_status 75
	"$NETFLOCK" --help | grep -q 'busy".*(default: 75)' || fail "the default of -E is not 75"
	release_holder
}

@test "options: each shell's completion offers those of the subcommand, and no other" {
	local shell word texts=() i
	for word in $(subcommands) ''; do texts+=("netflock $word -" "netflock $word --"); done
	texts+=('netflock name -')
	for shell in $SHELLS; do
		complete_all "$shell" "${texts[@]}"
		i=1
		for word in $(subcommands) ''; do
			# -c stands behind the name.
			assert_same "$(options_of "${word:-run}" | grep -vx -e -c)" "$(offered_options $i)" \
				"options of '$word'" "the table" "the completion of $shell"
			i=$((i + 2))
		done
		offered $i
		grep -qx -e -c <<<"$output" || fail "$shell: no -c behind the name"
	done
}
# What was offered for "-" and for "--", without what stands for a value.
offered_options() {
	{
		offered "$1"
		echo "$output"
		offered $(($1 + 1))
		echo "$output"
	} | sed 's/[=+]$//' | grep -vx -e '--'
}

@test "options: each shell knows which of them take a value" {
	local option value word texts=() expected=() shell i
	while read -r option value; do
		case $option in -c | -h | --help | -V | --version) continue ;; esac
		word=$(subcommand_with "$option")
		# What looks like an option is its value then, and not completed.
		texts+=("netflock $word $option --vers")
		expected+=("$([ "$value" = 1 ] || echo --version)")
	done < <(table | awk -F '\t' '{ print $1, $2 != "" }')
	for shell in bash zsh; do
		complete_all "$shell" "${texts[@]}"
		for i in "${!texts[@]}"; do
			offered $((i + 1))
			assert_equal "$output" "${expected[i]}" "$shell: ${texts[i]}<TAB>"
		done
	done
}

@test "options: fish knows which of them take a value, and where the value is another word" {
	local file=$HERE/completions/netflock.fish with
	with=$(table | awk -F '\t' '$2 != "" { print $1 }')
	# fish goes by "-x" or "-r" (it offers options for a value, too), our functions by two lists.
	assert_same "$with" "$(grep -E '^(\$opt|complete) .* -[xr]( |$)' "$file" | fish_options)" "options with a value" "the table" "the completion of fish"
	assert_same "$(grep -vx -e -c <<<"$with")" "$(
		fish --no-config -c 'source $argv[1]; printf "%s\n" -$__netflock_letters $__netflock_values' -- "$file" 3>&- 4>&-
	)" "options with a value" "the table" "fish's __netflock_letters and __netflock_values"
}
# "-s w -l wait" is -w and --wait.
fish_options() { grep -oE -e ' -(s [a-zA-Z]|l [a-z-]+)' | sed 's/ -s /-/; s/ -l /--/'; }

@test "options: zsh's function that finds the subcommand knows which of them take a value" {
	local file=$HERE/completions/_netflock
	assert_same "$(table | awk -F '\t' '$2 != "" { print $1 }' | grep -vx -e -c)" "$(
		sed -nE 's/^\t\t\((--wait\|[^)]*)\)$/\1/p' "$file" | tr '|' '\n'
		sed -nE 's/.*##\[\^([a-zA-Z]+)\]#.*/\1/p' "$file" | grep -o . | sed 's/^/-/'
	)" "options with a value" "the table" "_netflock_scan"
}

subcommand_with() {
	dump | awk -F '\t' -v option="$1" '
		$1 == "option" && index("," $2 ",", "," option ",") { group = $4 }
		$1 == "command" && group && index(";" $3, ";" group ";") { print $2; exit }'
}

@test "subcommands: help, the manual and each completion have those that there are, and the text says each" {
	local shell
	assert_same "$(subcommands)" "$("$NETFLOCK" --help | sed -n '/^Other commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'; echo run)" subcommands "the table" --help
	assert_same "$(subcommands)" "$(part '.Ss Subcommands' '.Ss' | sed -nE 's/^\.It Cm ([a-z-]+).*/\1/p')" subcommands "the table" "the manual's list"
	assert_same "$(reserved)" "$(part '.Ss Subcommands' 'The list is fixed' | grep '^\.Cm' | grep -oE '\b[a-z-]{3,}')" "reserved words" "the table" "the manual"
	assert_same "$(subcommands)" "$(part '.Sh SYNOPSIS' '.Sh' | grep -oE '\bCm [a-z-]+' | cut -d ' ' -f 2)" subcommands "the table" "the manual's SYNOPSIS"
	for shell in $SHELLS; do
		complete_in "$shell" 'netflock help '
		assert_same "$(subcommands)" "$output" subcommands "the table" "the completion of $shell"
	done
}

@test "README: it names no option that there is not, and a default as it is" {
	local ours option default
	# In prose what is marked as code and begins with an option; in blocks what follows our name, up to the command.
	ours=$(
		grep -v '^    ' "$README" | grep -oE '`(netflock[^`]* )?-[^`]*`'
		sed -nE '/^    /s/.*\bnetflock( .*)/\1/p' "$README" | sed -E 's/ -- .*//; s/ #.*//'
	)
	ours=$(grep -oE '(^|[ `])--?[a-zA-Z][a-z-]*' <<<"$ours" | tr -d ' `')
	[ "$(wc -l <<<"$ours")" -gt 10 ] || fail "README.md is not understood: $ours"
	while read -r option; do
		table | cut -f 1 | grep -qx -- "$option" || fail "README.md: $option"
	done <<<"$(sort -u <<<"$ours")"
	while IFS=$'\t' read -r option default; do
		"$NETFLOCK" --help | grep -- " $option" | grep -qF "(default: $default)" || fail "README.md: $option ($default)"
	done < <(grep -oE '`--[a-z-]+` \([^)]*\)' "$README" | sed -E 's/`(.*)` \((.*)\)/\1\t\2/')
}

# "NUMBER", one per line.
status_h() { sed -nE 's/^\tSTATUS_[A-Z]+ = ([0-9]+),?.*/\1/p' "$HERE/src/status.h" | grep -vx 0; }

@test "exit statuses: status.h, the manual, --help and README have the same ones" {
	local help
	help=$("$NETFLOCK" --help | sed -n '/^Exit status/,/^$/p')
	[ "$(status_h | wc -l)" -ge 11 ] || fail "status.h is not understood"
	assert_same "$(status_h)" "$(part '.Sh EXIT STATUS' '.Sh' | sed -nE 's/^\.It ([0-9]+)$/\1/p')" "exit statuses" status.h "the manual"
	assert_same "$(status_h)" "$(sed -nE 's/^ +([0-9]+)  .*/\1/p' <<<"$help")" "exit statuses" status.h --help
	assert_same "$(status_h)" "$(sed -nE '/^## Exit status/,/^## /s/^\| ([0-9, ]+) \|.*/\1/p' "$README" | tr -d ' ' | tr , '\n')" "exit statuses" status.h README.md
}

# What the program reads, by "options_variable()", and what it gives the command.
variables_read() { grep -ohE 'options_variable\([^)]*"[A-Z_]+"\)' "$HERE"/src/*.c | grep -oE '"[A-Z_]+"' | tr -d '"'; }
variables_given() { comm -13 <(env -i "$NETFLOCK" -u "$NETFLOCK_URL" "$lock" -- env | cut -d = -f 1 | grep -v '^NETFLOCK_' | sort) <(env -i "$NETFLOCK" -u "$NETFLOCK_URL" "$lock" -- env | cut -d = -f 1 | sort); }

@test "variables: the manual's ENVIRONMENT has those that are read, and those that are given" {
	local read_here given said
	said=$(part '.Sh ENVIRONMENT' '.Sh' | sed -n 's/^\.It Ev //p' | grep -oE '[A-Z_]{4,}')
	assert_equal "$(grep -lE '\b(secure_)?getenv *\(' "$HERE"/src/*.c)" "$HERE/src/options_environment.c" "who calls getenv"
	assert_equal "$(grep -cE '\bgetenv *\(' "$HERE/src/options_environment.c")" 1 "calls of getenv besides options_variable()"
	assert_same "$(variables_read; variables_given)" "$said" variables "the program" "the manual"
	assert_same "$(sed -nE '/ours\[\] = /,/;/p' "$HERE/src/environment.c" | grep -oE '"[A-Z_]+"' | tr -d '"')" "$(variables_given)" variables environment.c "the command's environment"
	assert_same "$(sed -nE '/secrets\[\] = /,/;/p' "$HERE/src/environment.c" | grep -oE '"[A-Z_]+"' | tr -d '"')" \
		"$(manual_item --scrub-env | grep -oE '\b[A-Z_]{4,}')" "hidden variables" environment.c "the manual, --scrub-env"
	for name in $(variables_given); do
		[ "$name" = NETFLOCK_HELD ] || [ "$name" = NETFLOCK_CHAIN ] || grep -q "\`$name\`" "$README" || fail "README.md: no $name"
	done
}

@test "JSON: the manual has the keys that status prints" {
	local json
	hold "$lock" --reason why
	background "$NETFLOCK" "$lock" -- true
	wait_for_waiters 1
	json=$("$NETFLOCK" status --json "$lock")
	release_holder
	finish
	keys() { python3 -c 'import json, sys; v = json.load(sys.stdin)
for word in sys.argv[1:]: v = v[int(word) if word.isdigit() else word]
print(*v, sep="\n")' "$@"; }
	assert_same "$(keys 0 <<<"$json")" "$(json_list '^\.It Li (.*)')" "keys of a lock" status "the manual"
	assert_same "$(keys 0 holders 0 <<<"$json")" "$(json_item holders)" "keys of a holder" status "the manual"
	assert_same "$(keys 0 queue 0 <<<"$json")" "$(json_item queue)" "keys of a waiter" status "the manual"
	assert_same "$("$NETFLOCK" status --json "$lock" | keys 0 last_run)" "$(json_item last_run)" "keys of the last run" status "the manual"
}
json_part() { part '.Sh LOOKING AT LOCKS' '.Sh' | awk '/^\.It Li name$/ { on = 1 } on && /^\.El/ { exit } on'; }
json_list() { json_part | sed -nE "s/$1/\\1/p" | tr -d ' ' | tr , '\n'; }
json_item() {
	json_part | awk -v key="$1" '/^\.It/ { on = $0 == ".It Li " key; next } on && /^\.Li/ { sub(/^\.Li /, ""); gsub(/[ .]/, ""); print }' | tr , '\n'
}
