#!/bin/bash
# SPDX-License-Identifier: MIT
# What DESIGN 7 and the style forbid in the source, read off the objects, the includes and the files.  Prints TAP.
# Every rule is first tried on something that breaks it: a rule that finds nothing in that fails.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
build=${NETFLOCK_BUILD:-build}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/layers.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
number=0

# check TITLE FINDINGS: passes if there are none.
check() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}
# A rule that cannot find is no rule: FINDINGS are of a file made to break it.
check_finds() {
	if [ -n "$2" ]; then check "$1" ""; else check "$1" "found nothing where there is something"; fi
}

# ------------------------------------------------------------------------------------------------- who may call what

# "MODULE SYMBOL", for every undefined symbol of every object; fortified names as they were written (__read_chk: read).
uses() {
	local object
	for object; do
		nm -u "$object" | sed -e 's/@.*//' -e 's/^ *[Uwv] *//' -e 's/^__isoc[0-9]*_//' -e 's/^__\(.*\)_chk$/\1/' \
			-e "s|^|$(basename "$object" .o) |"
	done
}

# only "MODULES" "SYMBOLS": those who call one of SYMBOLS though they are none of MODULES (both extended regexes, whole words).
only() { grep -E "^[^ ]* ($2)\$" "$tmp/uses" | grep -vE "^($1) " | sed 's/^\([^ ]*\) \(.*\)/src\/\1.c calls \2/'; }

rules() {
	echo 'session|reply ; redis[A-Z].* ; hiredis'
	echo 'options.* ; arg_.*|getopt.* ; argtable2 and getopt'
	echo 'options.* ; getenv|secure_getenv ; the environment'
	echo 'transport_tls_library ; dlopen|dlsym ; libraries that are loaded'
	echo 'nobody ; SSL_.*|BIO_.*|X509_.*|EVP_.*|ERR_.*|OPENSSL_.* ; OpenSSL, but by a table of pointers'
	echo 'transport|resolve|message_syslog ; socket|connect|getaddrinfo|getnameinfo|setsockopt|getsockopt|sendto|sendmsg|recvfrom|shutdown ; sockets'
	echo 'renewal ; pthread_(create|join|detach|timedjoin_np|cancel|mutex.*|cond.*) ; threads'
	echo 'command|resolve|front|background ; fork|vfork|_Fork|clone|posix_spawn.* ; processes'
	echo 'command ; exec[lv].* ; exec'
	echo 'command|tree|resolve|front ; kill|killpg|pidfd_send_signal|tgkill ; signals to others'
	echo 'cmd_.*|options.*|message ; printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|fwrite|perror|stdout|stderr|dprintf|vdprintf ; the terminal'
	echo 'main ; setlocale ; a locale (118 system calls)'
	echo 'nobody ; system|popen|gets|sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|atof|rand|random|srand|alloca|setenv|putenv ; what is not used here'
}

check_rules() {
	local modules symbols title found
	while IFS=';' read -r modules symbols title; do
		modules=${modules// /} symbols=${symbols// /} title=${title# }
		check "only ${modules//|/, } use $title" "$(only "$modules" "$symbols")"
	done < <(rules)
	echo 'duration fork' >>"$tmp/uses"
	found=$(only 'command|resolve|front|background' 'fork|vfork')
	check_finds "a module that forks and must not is found" "$found"
}

# ----------------------------------------------------------------------------------------------- layers and exports

# A layer by file name; includes may go down or stay, never up.  0: leaves, used by all.
layer() {
	case $1 in
	main) echo 9 ;;
	cmd_*) echo 8 ;;
	front | background | report) echo 7 ;;
	keeper | waiting) echo 6 ;;
	renewal | environment | job) echo 5 ;;
	lock | admin | inspect | checkup*) echo 4 ;;
	protocol*) echo 4 ;; # knows struct lock
	session* | reply) echo 2 ;;
	transport* | resolve) echo 1 ;;
	*) echo 0 ;;
	esac
}

upward() {
	local line file header
	grep -H '^#include "' "$@" | while IFS= read -r line; do
		file=$(basename "${line%%:*}") header=${line#*\"}
		file=${file%.*} header=${header%.h\"*}
		if [ "$(layer "$header")" -gt "$(layer "$file")" ]; then echo "${line%%:*} includes $header.h, a layer above"; fi
	done
}

# "foo.c" exports "foo_*" or "foo"; files of a family (options_scan.c) may use the family's name.
strangers() {
	local object name family
	for object; do
		name=$(basename "$object" .o)
		family=${name%%_*}
		nm -g --defined-only "$object" | while read -r _ _ symbol; do
			case $symbol in __* | "$family" | "${family}"_*) ;; *) echo "src/$name.c exports $symbol" ;; esac
		done
	done
}

# ------------------------------------------------------------------------------------------------------------ files

long_functions() {
	awk 'FNR == 1 { start = 0 }
		/^{/ { start = FNR }
		/^}/ { if (start && FNR - start + 1 > 60) print FILENAME ":" start ": " FNR - start + 1 " lines"; start = 0 }' "$@"
}

without_licence() {
	find . -name .git -prune -o -path ./build -prune -o -name __pycache__ -prune -o -type f \
		! -name COPYING ! -name '.[!.]*' ! -name '*.md' ! -path './tests/fuzz/corpus/*' -exec grep -L 'SPDX-License-Identifier: MIT' {} +
}

# Paths of one machine and marks of unfinished work.
private_paths() {
	find "$@" -name .git -prune -o -path ./build -prune -o -type f -exec grep -nE '/(home|work|root)/[a-z]|FIX''ME|TO''DO:' /dev/null {} +
}

# Each script as it is embedded, against its file and sha1sum.
wrong_scripts() {
	local op sum
	{
		echo '#include <stdio.h>'
		echo '#include <string.h>'
		echo '#include "script.h"'
		echo 'int main(int argc, char *argv[]) { const struct script *all[] = {'
		printf '&script_%s, ' "$@"
		echo '}; (void)argc; for (unsigned i = 0; i < sizeof all / sizeof *all; i++)'
		echo 'if (!strcmp(all[i]->name, argv[1])) fputs(argv[2][0] == 115 ? all[i]->sha1 : all[i]->source, stdout); return 0; }'
	} >"$tmp/dump.c"
	cc -Isrc -o "$tmp/dump" "$tmp/dump.c" build/script.c || { echo "does not compile"; return; }
	for op; do
		"$tmp/dump" "$op" text | cmp -s - "build/lua/$op.lua" || echo "$op: the text is not build/lua/$op.lua"
		sum=$(sha1sum <"build/lua/$op.lua")
		[ "$("$tmp/dump" "$op" sha1)" = "${sum%% *}" ] || echo "$op: the sha1 is not that of build/lua/$op.lua"
	done
}

# shellcheck disable=SC2016  # backticks of Markdown
# Tests that a document quotes as `file: title`, and that are not there.
missing_tests() {
	local quoted file title
	grep -ohE '`((cli|faults|unit)/[a-z_-]+|layers): [^`]+`' "$@" | tr -d '`' | sort -u | while read -r quoted; do
		file=${quoted%%: *} title=${quoted#*: }
		case $file in
		unit/*) grep -q "^$title(" "tests/$file.c" ;;
		layers) grep -qF "check \"$title\"" tests/layers.sh ;;
		*) grep -qF "@test \"$title\" {" "tests/$file.bats" ;;
		esac || echo "$quoted"
	done
}

# What an attacker of PROGRAM would find easier than it has to be.
soft() {
	local program=$1
	readelf -hW "$program" | grep -q 'Type: *DYN' || echo "$program: not position independent"
	readelf -lW "$program" | grep -q 'GNU_RELRO' || echo "$program: no RELRO"
	readelf -lW "$program" | grep -qE 'GNU_STACK.* RW ' || echo "$program: the stack can be executed"
	readelf -dW "$program" | grep -qE 'BIND_NOW|Flags: .*NOW' || echo "$program: not bound at the start"
	readelf -dW "$program" | grep -E 'RPATH|RUNPATH'
	nm -u "$program" | grep -q __stack_chk_fail || echo "$program: no stack protector"
	nm -u "$program" | grep -q '__.*_chk' || echo "$program: not fortified"
}

# ------------------------------------------------------------------------------------------------------------ the run

uses "$build"/obj/*.o >"$tmp/uses"
if [ "$(wc -l <"$tmp/uses")" -lt 100 ]; then check "there are objects to look at" "none in $build/obj"; fi
check "includes go down only" "$(upward src/*.[ch])"
echo '#include "keeper.h"' >"$tmp/url.c"
check_finds "an include that goes up is found" "$(upward "$tmp/url.c" /dev/null)"
check "only session, reply and version include hiredis" \
	"$(grep -l '#include <hiredis' src/*.[ch] | grep -vE '/(session|reply|version)\.c$')"
check "only options include argtable2" "$(grep -l '#include <argtable' src/*.[ch] | grep -v '/options')"
check "only renewal includes pthread.h" "$(grep -l '#include <pthread.h>' src/*.[ch] | grep -v '/renewal')"
check "foo.c exports foo_* only" "$(strangers "$build"/obj/*.o)"
check_rules
check "no function is longer than 60 lines" "$(long_functions src/*.c)"
{ echo '{'; yes ';' | head -70; echo '}'; } >"$tmp/long.c"
check_finds "a long function is found" "$(long_functions "$tmp/long.c")"
check "every file states its licence" "$(without_licence)"
# Among a test's children is bats' own watch over its limit.
waits() { grep -nE '^[[:space:]]*wait$' "$@" /dev/null; }
check "every wait of a test says for whom" "$(waits tests/*/*.bats)"
printf '\twait\n' >"$tmp/wait.bats"
check_finds "a wait for everybody is found" "$(waits "$tmp/wait.bats")"
check "no paths of one machine, no unfinished marks" "$(private_paths .)"
echo 'cd /ho''me/somebody' >"$tmp/private"
check_finds "a path of one machine is found" "$(private_paths "$tmp/private")"
operations=$(for file in src/lua/*.lua; do basename "$file" .lua; done | grep -vE "^(core|log)$|alone$")
# shellcheck disable=SC2086  # a list of words
check "every script of src/lua is embedded, with its sha1" "$(wrong_scripts $operations 2>&1)"
check "the tests that docs/security.md quotes are there" "$(missing_tests docs/security.md)"
# shellcheck disable=SC2016
echo '`cli/secrets: there is no such test`' >"$tmp/quotes"
check_finds "a test that is quoted and not there is found" "$(missing_tests "$tmp/quotes")"
# A sanitizer does without, and so does who asks for no optimisation.
if [ -z "${VARIANT:-}" ] && ! grep -q -e ' -O0' "$build/flags"; then
	check "the program is hardened" "$(soft "$build/netflock")"
	echo 'int main(void) { return 0; }' >"$tmp/soft.c"
	cc -no-pie -z norelro -z execstack -o "$tmp/soft" "$tmp/soft.c" 2>"$tmp/said"
	check_finds "a program that is not hardened is found" "$(soft "$tmp/soft")"
fi
check "the manual is clean mdoc" "$(mandoc -T lint -W warning man/*.1 2>&1)"
echo "1..$number"
