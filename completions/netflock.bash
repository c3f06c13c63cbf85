# bash completion for netflock(1)                          -*- shell-script -*-
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2207,SC2034,SC2154

_netflock_words='run help status history reset reset-all acquire renew release held doctor'

# What option $1 takes, into $kind; 1 if it takes nothing.
_netflock_kind()
{
	case $1 in
	-w | --wait | --timeout | -t | --ttl | --min-hold | --once-per | --jitter | -k | --kill-after | -T | --max-runtime | \
		--add | --interval | --connect-timeout | --io-timeout) kind=duration ;;
	-E | --conflict-exit-code) kind=status ;;
	--slots) kind=number ;;
	--with) kind=name ;;
	--signal) kind=signal ;;
	--on-lost) kind=action ;;
	--if-unreachable) kind=how ;;
	--log) kind=form ;;
	--keep-history) kind=count ;;
	-u | --url) kind=url ;;
	--config | --password-file | --cacert | --cert | --key | --report) kind='file' ;;
	--reason | --pid | --token | --match | --user | --sni | --prefix) kind=text ;;
	*) return 1 ;;
	esac
}

# The options of subcommand $1, into $options.
_netflock_options()
{
	local getting="-n --nonblock -w --wait --timeout -E --conflict-exit-code -x -e --exclusive -s --shared --slots --with
		--min-hold --jitter --reason"
	local lease="-t --ttl" stopping="-k --kill-after --signal --on-lost"
	local connection="--config -u --url --user --password-file --cacert --cert --key --sni --insecure --connect-timeout
		--io-timeout --prefix"

	case $1 in
	run)
		options="$getting $lease $stopping -T --max-runtime --wait-all --kill-all --scrub-env --once-per --if-unreachable
			--report --keep-history -o --close
			$connection"
		;;
	status) options="--json --watch --interval --names $connection" ;;
	history) options="--json $connection" ;;
	doctor) options="--show-config --json $connection" ;;
	reset) options="--now --token $connection" ;;
	reset-all) options="--now --match --dry-run --force $connection" ;;
	acquire) options="$getting $lease $stopping --pid --fence --token $connection" ;;
	renew) options="$lease --add $connection" ;;
	release) options=$connection ;;
	held) options="--fence $connection" ;;
	*) options= ;;
	esac
	options+=" -q --quiet -v --verbose --log --syslog -h --help -V --version"
}

# A word of the command line without its quotes; nothing in it is evaluated.
_netflock_unquoted()
{
	local text=$1

	case $text in
	\"*) text=${text#\"} text=${text%\"} ;;
	\'*) text=${text#\'} text=${text%\'} ;;
	*) text=${text//\\/} ;;
	esac
	printf '%s' "$text"
}

# Remember option $1 with value $2 if it says which server to ask.
_netflock_remember()
{
	case $1 in
	--config | -u | --url | --user | --password-file | --cacert | --cert | --key | --sni | --prefix) server+=("$1" "$(_netflock_unquoted "$2")") ;;
	esac
}

# An option in the word $1: sets $pending if its value is the next word.
_netflock_option()
{
	local kind i

	if [[ $1 == --*=* ]]; then
		_netflock_remember "${1%%=*}" "${1#*=}"
	elif [[ $1 == --* ]]; then
		[[ $1 == --insecure ]] && server+=("$1")
		_netflock_kind "$1" && pending=$1
	else
		for ((i = 1; i < ${#1}; i++)); do
			_netflock_kind "-${1:i:1}" || continue
			if ((i + 1 < ${#1})); then
				_netflock_remember "-${1:i:1}" "${1:i+1}"
			else
				pending=-${1:i:1}
			fi
			return
		done
	fi
}

# Read the words before the cursor.  Sets $word, the subcommand; $operand, the
# index of the lock's name (run only, 0: not there); $names, how many words of
# other subcommands there are; $pending; $ended, by "--".
_netflock_scan()
{
	local i

	for ((i = 1; i < cword; i++)); do
		if [[ -n $pending ]]; then
			_netflock_remember "$pending" "${words[i]}"
			pending=
		elif [[ -z $ended && ${words[i]} == -- ]]; then
			ended=1
		elif [[ -z $ended && ${words[i]} == -?* ]]; then
			_netflock_option "${words[i]}"
		elif [[ -z $word && -z $ended && ${words[i]} == @(run|help|status|history|reset|reset-all|acquire|renew|release|held|doctor) ]]; then
			word=${words[i]}
		elif [[ -z $word || $word == run ]]; then
			operand=$i
			return
		else
			names=$((names + 1))
		fi
	done
}

# Offer the words behind $1 that begin with it.
_netflock_offer()
{
	local begin=$1

	shift
	COMPREPLY+=($(compgen -W "$*" -- "$begin"))
}

# readline replaces only what follows the last ":" or "=" of the word $1.
_netflock_trim()
{
	local i last

	[[ $1 == [\"\']* ]] && return
	last=${1##*["${COMP_WORDBREAKS//[^:=]/}"]}
	[[ $COMP_WORDBREAKS == *[:=]* ]] || return
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${COMPREPLY[i]#"${1%"$last"}"}
	done
}

# The value $2 of option $1.
_netflock_value()
{
	local kind

	_netflock_kind "$1" || return
	case $kind in
	duration)
		if [[ $2 =~ ^[0-9]+$ ]]; then
			_netflock_offer "$2" "$2"{ms,s,m,h,d}
		else
			_netflock_offer "$2" 500ms 2s 10s 30s 5m 1h
		fi
		;;
	status) _netflock_offer "$2" 0 75 ;;
	name) _netflock_names "$2" ;;
	signal) _netflock_offer "$2" {,SIG}{TERM,INT,HUP,QUIT,USR1,USR2,KILL} ;;
	action) _netflock_offer "$2" kill warn ;;
	how) _netflock_offer "$2" fail wait run ;;
	form) _netflock_offer "$2" text json ;;
	count) _netflock_offer "$2" 0 20 100 1000 ;;
	file)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$2"))
		;;
	url)
		if [[ $2 == /* ]]; then
			compopt -o filenames
			COMPREPLY=($(compgen -f -- "$2"))
		else
			compopt -o nospace
			_netflock_offer "$2" redis:// rediss:// unix:///
		fi
		;;
	esac
}

# Names of the locks that there are, that begin with $1: asks the server,
# silently, and for 300 ms at most.
_netflock_names()
{
	local name begin

	begin=$(_netflock_unquoted "$1")
	while IFS= read -r name; do
		[[ $name == "$begin"* ]] || continue
		[[ $1 == [\"\']* ]] || printf -v name %q "$name"
		COMPREPLY+=("$name")
	done < <(timeout 0.3 "${words[0]/#\~/$HOME}" status --names --connect-timeout 300ms "${server[@]}" 2>/dev/null)
}

# The wrapped command, from word $1 on: its own completion.  COMP_WORDS has
# more words than $words, since it is split at ":" and "=", too.
_netflock_command()
{
	local i j=0 whole

	for ((i = 0; i < $1; i++)); do
		whole=
		while [[ $whole != "${words[i]}" ]]; do
			((j < COMP_CWORD)) || return
			whole+=${COMP_WORDS[j++]}
		done
	done
	_command_offset "$j"
}

# Behind the lock's name.
_netflock_behind()
{
	local first=$((operand + 1))

	if ((cword == first)) && [[ $cur == -* ]]; then
		_netflock_offer "$cur" -c --
	elif [[ ${words[first]} == -- ]]; then
		_netflock_command $((first + 1))
	elif [[ ${words[first]} != -c ]]; then
		_netflock_command "$first"
	fi
}

_netflock()
{
	local cur prev words cword IFS=$' \t\n'
	local word='' operand=0 names=0 pending='' ended='' server=() options

	_init_completion -n := || return
	_netflock_scan
	if ((operand > 0)); then
		_netflock_behind
		return
	elif [[ -n $pending ]]; then
		_netflock_value "$pending" "$cur"
		_netflock_trim "$cur"
	elif [[ -z $ended && $cur == --*=* ]]; then
		_netflock_value "${cur%%=*}" "${cur#*=}"
		_netflock_trim "${cur#*=}"
	elif [[ -z $ended && $cur == -* ]]; then
		_netflock_options "${word:-run}"
		_netflock_offer "$cur" "$options"
	elif [[ $word == help ]]; then
		_netflock_offer "$cur" "$_netflock_words"
	elif [[ $word == @(acquire|renew|release|held) ]] && ((names > 0)); then
		return
	elif [[ $word != reset-all ]]; then
		[[ -n $word || -n $ended ]] || _netflock_offer "$cur" "$_netflock_words"
		_netflock_names "$cur"
		_netflock_trim "$cur"
	fi
} &&
	complete -F _netflock netflock
