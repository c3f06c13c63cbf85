#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing, then run make.   usage: sh bootstrap.sh [TARGET]...     (all, demo, check, lint, ...)
set -eu
cd "$(dirname "$0")"

have() { command -v "$1" >/dev/null 2>&1; }
asked() { case " $targets " in *" $1 "*) ;; *) false ;; esac; }

targets=${*:-all}
packages='gcc make pkg-config libc6-dev libhiredis-dev libargtable2-dev libssl-dev'
# redis-tools holds the server too (redis-check-rdb is the same program), and no daemon is installed and started.
server='redis-tools'
suite="$server openssl bats libcmocka-dev python3 spin mandoc procps strace iproute2 nftables zsh fish bash-completion"
if asked demo; then packages="$packages $server"; fi
if asked bench; then packages="$packages $server"; fi
if asked check || asked soak; then packages="$packages $suite"; fi
if asked asan || asked tsan; then packages="$packages $suite libasan8 libubsan1 libtsan2"; fi
if asked valgrind; then packages="$packages $suite valgrind libc6-dbg"; fi
if asked fuzz; then packages="$packages clang"; fi
if asked lint; then packages="$packages clang clang-tidy cppcheck shellcheck mandoc"; fi

if ! have dpkg-query || ! have apt-get; then
	if have make && have pkg-config && pkg-config --exists hiredis argtable2; then exec make "$@"; fi
	cat >&2 <<-'EOF'
	bootstrap.sh: this is no Debian or Ubuntu; install these by hand, then run make:
	    dnf install  gcc make pkgconf hiredis-devel argtable-devel openssl-devel openssl redis bats libcmocka-devel python3 spin mandoc strace iproute2 nftables zsh fish bash-completion
	    apk add      build-base pkgconf hiredis-dev argtable2-dev openssl-dev openssl redis bats cmocka-dev python3 spin mandoc strace iproute2 nftables zsh fish bash-completion
	    brew install make pkg-config hiredis argtable openssl@3 redis bats-core cmocka python3 spin mandoc zsh fish bash-completion
	EOF
	exit 1
fi

missing=
for package in $packages; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
	echo "bootstrap.sh: installing$missing" >&2
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		have sudo || { echo 'bootstrap.sh: run me as root, or install sudo' >&2; exit 1; }
		sudo=sudo
	fi
	$sudo apt-get update -qq
	# shellcheck disable=SC2086  # a list of words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
exec make "$@"
