#!/bin/sh
# SPDX-License-Identifier: MIT
# netflock under valgrind, for $NETFLOCK of the suite: what valgrind says goes to files in $REPORTS, where a test's teardown
# finds it; without $REPORTS, to stderr.
program=$(dirname "$0")/../../build/netflock
case ${REPORTS:-} in
'') exec valgrind -q --leak-check=full --show-leak-kinds=definite "$program" "$@" ;;
*) exec valgrind -q --leak-check=full --show-leak-kinds=definite --log-file="$REPORTS/valgrind.%p" "$program" "$@" ;;
esac
