#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the fuzz targets, two at a time, each for FUZZ_SECONDS.  usage: fuzz.sh [TARGET]...
# What it learns is kept in build/fuzz/corpus; what breaks a target goes to build/fuzz/TARGET-*.
set -u
cd "$(dirname "$0")/../.." || exit 1

if [ "${1-}" = --one ]; then
	name=$2
	mkdir -p "build/fuzz/corpus/$name"
	ASAN_OPTIONS=detect_leaks=1 build/fuzz/targets/"$name" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=512 \
		-max_len=4096 -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 \
		"build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 || {
		echo "not ok $name: build/fuzz/$name.log"
		grep -E 'ERROR|SUMMARY|not true|Test unit' "build/fuzz/$name.log" | sed 's/^/# /'
		exit 1
	}
	echo "ok $name: $(awk '/number_of_executed_units/ { n = $2 } / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) }
		END { print n " inputs, " c " edges" }' "build/fuzz/$name.log")"
	exit 0
fi

if [ $# -eq 0 ]; then
	for source in tests/fuzz/fuzz_*.c; do
		name=${source##*/fuzz_}
		set -- "$@" "${name%.c}"
	done
fi
printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-2}" -n 1 sh tests/fuzz/fuzz.sh --one
