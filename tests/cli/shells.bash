# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016,SC2153
# The completions in the real shells, at a terminal (fish: by "complete -C"):   load common; load shells
#
#   complete_all SHELL TEXT...   the same for many in one session; "offered N" sets $output and $line for the Nth
#   offers TEXT WORD...; completes TEXT LINE; in_every_shell   fails if a shell offers other words than these, or (bash, zsh) makes
#                            another line of TEXT
#   complete_in SHELL TEXT   type TEXT (pty.py's escapes: \\ is a backslash) and TAB: $output is what the shell was offered, sorted,
#                            one per line without what follows a tab; $line is the line then (bash, zsh)
# The shells know a command frob with a completion of its own: alpha, beta, --gamma.

shells_setup() {
	SHELLS='bash zsh fish'
	WANTED=() WANTED_WORDS=() WANTED_LINE=()
	DOT=$BATS_TEST_TMPDIR/dot
	OFFERED=$BATS_TEST_TMPDIR/offered
	mkdir -p "$DOT/bin"
	# A plain build if there is one: what is tested here are the shells' files, and these are in a hurry.
	ln -s "$([ -x "$HERE/build/netflock" ] && echo "$HERE/build/netflock" || echo "$NETFLOCK")" "$DOT/bin/netflock"
	# On a busy machine 300 ms are short: hurry restores them.
	printf '#!/bin/sh\nshift\nexec "$@" --connect-timeout %ss\n' $((5 * FACTOR)) >"$DOT/bin/timeout"
	chmod +x "$DOT/bin/timeout"
	printf '#!/bin/sh\n' >"$DOT/bin/frob"
	chmod +x "$DOT/bin/frob"
	shells_bash >"$DOT/bashrc"
	shells_zsh >"$DOT/.zshrc"
	shells_fish >"$DOT/config.fish"
}

# Ctrl-T shows that the shell has done all that was typed before.
shells_bash() {
	cat <<-EOF
	. /usr/share/bash-completion/bash_completion
	. "$HERE/completions/netflock.bash"
	_offer() { _netflock "\$@"; local s=\$?; printf '%s\n' "\${COMPREPLY[@]}" >>"$OFFERED"; return \$s; }
	complete -F _offer netflock
	_frob() { local w='alpha beta'; [[ \$2 == -* ]] && w=--gamma; COMPREPLY=(\$(compgen -W "\$w" -- "\$2")); }
	complete -F _frob frob
	bind 'set completion-query-items 0'
	bind 'set page-completions off'
	bind -x '"\C-t": printf "%s\n" "\$READLINE_LINE" >"$OFFERED.line"; _next; echo DO""NE'
	$(shells_next)
	PS1='READY> '
	EOF
}
shells_zsh() {
	cat <<-EOF
	fpath=("$HERE/completions" \$fpath)
	autoload -Uz compinit
	compinit -u -D
	LISTMAX=1000
	_frob() { if [[ \$PREFIX == -* ]]; then compadd -- --gamma; else compadd alpha beta; fi }
	compdef _frob frob
	compadd() {
		if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
			local -a offered
			builtin compadd -A offered "\$@"
			(( \$#offered )) && print -rl -- \$offered >>"$OFFERED"
		fi
		builtin compadd "\$@"
	}
	$(shells_next)
	_line() { print -r -- "\$BUFFER" >"$OFFERED.line"; _next; print DONE }
	zle -N _line
	bindkey '^T' _line
	PS1='READY> '
	EOF
}
shells_fish() {
	cat <<-EOF
	source "$HERE/completions/netflock.fish"
	complete -c frob -f -a 'alpha beta'
	complete -c frob -l gamma
	EOF
}

hurry() { rm "$DOT/bin/timeout"; }

# After each TEXT: what it was offered, and the line, get its number.
shells_next() {
	cat <<-EOF
	_n=0
	_next() { _n=\$((_n + 1)); : >>"$OFFERED"; mv "$OFFERED" "$OFFERED.\$_n"; mv "$OFFERED.line" "$OFFERED.\$_n.line"; }
	EOF
}

# SHELL COMMAND...: type all of $TEXTS.
at_terminal() {
	local text steps=()
	for text in "${TEXTS[@]}"; do steps+=("send:$text\\t\\x14" expect:DONE 'send:\x15'); done
	PATH=$DOT/bin:$PATH TERM=dumb ZDOTDIR=$DOT HOME=$DOT HISTFILE='' INPUTRC=/dev/null \
		python3 "$TESTS/tools/pty.py" --size 200x200 'expect:READY> ' "${steps[@]}" 'send:exit\n' -- "$@" 3>&- 4>&-
}
in_fish() {
	PATH=$DOT/bin:$PATH HOME=$DOT fish --no-config -c '
		source $argv[1]
		for i in (seq 3 (count $argv))
			complete -C (printf %b $argv[$i] | string collect -N) >$argv[2].(math $i - 2)
			: >$argv[2].(math $i - 2).line
		end' -- "$DOT/config.fish" "$OFFERED" "${TEXTS[@]}" 3>&- 4>&-
}

complete_all() {
	TEXTS=("${@:2}")
	rm -f "$OFFERED"*
	case $1 in
	bash) at_terminal bash --noprofile --rcfile "$DOT/bashrc" -i ;;
	zsh) at_terminal zsh -d -i ;;
	fish) in_fish ;;
	esac >"$DOT/terminal" 2>&1 || fail "$1: ${*:2}" "$(cat -v "$DOT/terminal")"
}
offered() {
	output=$(cut -f 1 "$OFFERED.$1" | sed '/^$/d' | sort -u)
	line=$(cat "$OFFERED.$1.line")
}
complete_in() {
	complete_all "$@"
	offered 1
}

# What is wanted, until in_every_shell tries it: one session for each shell.
offers() {
	WANTED+=("$1") WANTED_WORDS+=("$(printf '%s\n' "${@:2}" | sed '/^$/d' | sort -u)") WANTED_LINE+=('')
}
completes() {
	WANTED+=("$1") WANTED_WORDS+=('') WANTED_LINE+=("$2")
}
in_every_shell() {
	local shell i
	for shell in $SHELLS; do
		complete_all "$shell" "${WANTED[@]}"
		for i in "${!WANTED[@]}"; do
			offered $((i + 1))
			if [ -z "${WANTED_LINE[i]}" ]; then
				assert_equal "$output" "${WANTED_WORDS[i]}" "$shell: ${WANTED[i]}<TAB>"
			elif [ "$shell" != fish ]; then
				assert_equal "$line" "${WANTED_LINE[i]}" "$shell: ${WANTED[i]}<TAB>"
			fi
		done
	done
	WANTED=() WANTED_WORDS=() WANTED_LINE=()
}
