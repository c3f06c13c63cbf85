# SPDX-License-Identifier: MIT
# How the suite, the fuzz targets and the benchmark are built and run; part of the Makefile.
units := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/test_*.c))
# The same targets with libFuzzer, or with the corpus instead of a fuzzer.
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,$B/targets/%,$(wildcard tests/fuzz/fuzz_*.c))
driver  := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,tests/fuzz/replay.c)
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= $(firstword $(shell command -v clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 2>/dev/null))
# What ends in "shim" is preloaded into a server.
tools := $(patsubst %shim,%shim.so,$(patsubst tests/tools/%.c,build/tools/%,$(wildcard tests/tools/*.c)))

$B/unit/%: tests/unit/%.c $B/libnetflock.a | $B/unit
	$(compile) -Isrc -o $@ $< -pie $B/libnetflock.a $(LDFLAGS) $(pkg_libs) -lcmocka
$B/targets/%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h tests/fuzz/replay.c $B/libnetflock.a | $B/targets
	$(compile) -Isrc -MF $@.d -o $@ $< tests/fuzz/fuzz.c $(driver) -pie $B/libnetflock.a $(LDFLAGS) $(pkg_libs)
build/tools/%: tests/tools/%.c | build/tools
	$(CC) -std=c11 -D_GNU_SOURCE -O2 $(warnings) -o $@ $<
build/tools/%.so: tests/tools/%.c | build/tools
	$(CC) -std=c11 -D_GNU_SOURCE -O2 $(warnings) -shared -fPIC -o $@ $<
build/bench: $(wildcard tests/bench/*.c) tests/bench/bench.h | build/tools
	$(CC) -std=c11 -D_GNU_SOURCE -O2 $(warnings) -o $@ $(filter %.c,$^)
build/lua build/tools $B/obj $B/unit $B/targets:
	@mkdir -p $@

check: $B/netflock $(units) $(fuzzers) $(tools)
	@NETFLOCK=$(CURDIR)/$B/netflock NETFLOCK_BUILD=$(CURDIR)/$B VARIANT=$(VARIANT) tests/run $(T)
asan tsan:
	@$(MAKE) --no-print-directory VARIANT=$@ check
# Each target for FUZZ_SECONDS; T='reply url' picks.
fuzz:
	@$(if $(FUZZ_CC),,echo 'fuzz: clang is missing (or: sh bootstrap.sh fuzz)' >&2; exit 1)
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(FUZZ_CC) fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/fuzz/fuzz.sh $(T)
.PHONY: fuzzers
fuzzers: $(fuzzers)
# Slow: the unit tests, and the command line tests whose time does not matter.
valgrind: $B/netflock $(units) $(fuzzers) $(tools)
	@NETFLOCK=$(CURDIR)/tests/tools/valgrind.sh NETFLOCK_BUILD=$(CURDIR)/$B VARIANT=valgrind tests/run $(or $(T),unit/ cli/)
soak: $B/netflock $(tools)
	@NETFLOCK=$(CURDIR)/$B/netflock NETFLOCK_BUILD=$(CURDIR)/$B SOAK=1 tests/run --time-factor 20 $(or $(T),protocols/histories)
	$(if $(T),,@NETFLOCK=$(CURDIR)/$B/netflock NETFLOCK_BUILD=$(CURDIR)/$B CHAOS_SECONDS=$(CHAOS_SECONDS) tests/run -v faults/chaos)
mutants: $B/netflock $(tools)
	@COMPILE='$(filter-out -MMD -MP,$(compile))' LINK='$(link)' LIBS='$(pkg_libs)' NETFLOCK_BUILD=$(CURDIR)/$B \
		python3 -B tests/mutants/mutants.py $(T)
bench: $B/netflock build/bench
	@build/bench $B/netflock $(T)
