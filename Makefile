# SPDX-License-Identifier: MIT
# netflock: "make help" lists the targets.  From outside: CC CFLAGS CPPFLAGS LDFLAGS DESTDIR PREFIX BINDIR MANDIR
# VARIANT (asan, tsan, fuzz: the same program with a sanitizer, in build/VARIANT), WITH_TLS (1, or empty for a netflock
# without rediss://; by default 1 if OpenSSL 3 is there to be compiled with), T (arguments of tests/run, or the targets of
# fuzz), FUZZ_SECONDS and FUZZ_CC.
VERSION    := 0.1.0
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
BASHDIR    ?= $(DATADIR)/bash-completion/completions
ZSHDIR     ?= $(DATADIR)/zsh/site-functions
FISHDIR    ?= $(DATADIR)/fish/vendor_completions.d
INSTALL    ?= install
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
PACKAGES   := hiredis argtable2
VARIANT    ?=
CHAOS_SECONDS ?= 3600
B          := build$(if $(VARIANT),/$(VARIANT))
OPS        := acquire queue renew release leave goodbye reset inspect history

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all check fuzz install uninstall clean lint asan tsan valgrind bench demo mutants soak help FORCE
all: $B/netflock

# --- flags ------------------------------------------------------------------------------------------------------
# Goals that compile nothing need neither libraries nor a compiler.
ifneq ($(filter-out clean help uninstall,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null && echo ok),ok)
$(error hiredis, argtable2 or pkg-config is missing: apt install pkg-config libhiredis-dev libargtable2-dev \
	(or: sh bootstrap.sh, which does it))
endif
ifeq ($(origin WITH_TLS),undefined)
WITH_TLS   := $(shell $(PKG_CONFIG) --exists 'openssl >= 3' && echo 1)
endif
# OpenSSL's headers only: the library is loaded when it is needed (-ldl: glibc before 2.34).
pkg_cflags := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) $(if $(WITH_TLS),openssl)))
pkg_libs   := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) $(if $(WITH_TLS),-ldl)
tls_major  := $(if $(WITH_TLS),$(firstword $(subst ., ,$(shell $(PKG_CONFIG) --modversion openssl))))
accepts     = $(shell printf 'int main(void){return 0;}' | \
	$(CC) -Werror $(1) -x c -c -o /dev/null - 2>/dev/null && echo '$(1)')
# Not every compiler or processor has these.
probed     := $(foreach f,-fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero,$(call accepts,$f))
endif

warnings := -Wall -Wextra -Wformat=2 -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wundef -Werror=format-security -Werror=implicit-function-declaration
ifeq ($(VARIANT),)
# -U first: a distribution's CPPFLAGS may have set another level; without optimisation there is no fortifying.
harden := -fstack-protector-strong $(probed) $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
else ifeq ($(VARIANT),asan)
harden := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
harden := -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(VARIANT),fuzz)
harden := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
$(error VARIANT is empty, asan, tsan or fuzz, not '$(VARIANT)')
endif
compile = $(CC) -std=c11 -D_GNU_SOURCE -DNETFLOCK_VERSION='"$(VERSION)"' \
	$(if $(tls_major),-DNETFLOCK_TLS='"$(tls_major)"') $(pkg_cflags) $(warnings) $(CPPFLAGS) \
	$(CFLAGS) $(harden) -fPIE -pthread -ffile-prefix-map=$(CURDIR)=. -MMD -MP
link    = $(CC) $(CFLAGS) $(harden) -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,-O1,--hash-style=gnu,--as-needed $(LDFLAGS)

# --- the program ------------------------------------------------------------------------------------------------
tls     := $(addprefix src/transport_tls,.c _context.c _library.c _words.c)
sources := $(filter-out src/main.c $(if $(WITH_TLS),src/transport_tls_none.c,$(tls)),$(wildcard src/*.c))
objects := $(sources:src/%.c=$B/obj/%.o) $B/obj/script.o

$B/netflock: $B/obj/main.o $B/libnetflock.a
	$(link) -o $@ $^ $(pkg_libs)
$B/libnetflock.a: $(objects)
	@rm -f $@
	$(AR) rcs $@ $^
$B/obj/%.o: src/%.c $B/flags | $B/obj
	$(compile) -Isrc -c -o $@ $<
$B/obj/script.o: build/script.c $B/flags | $B/obj
	$(compile) -Isrc -c -o $@ $<
# Other flags or another compiler: everything again.
$B/flags: FORCE | $B/obj
	@echo '$(subst ','\'',$(compile) $(link))' | cmp -s - $@ || echo '$(subst ','\'',$(compile) $(link))' >$@

# The scripts go to the server without comments, indentation and empty lines.
build/lua/%.lua: src/lua/assemble.sh $(wildcard src/lua/*.lua) | build/lua
	sh $< $* >$@
build/script.c: src/lua/embed.sh $(OPS:%=build/lua/%.lua)
	sh $^ >$@

include tests/rules.mk

demo: $B/netflock
	@NETFLOCK=$(CURDIR)/$B/netflock sh contrib/demo.sh
lint: build/script.c
	@CC='$(CC)' COMPILE='-std=c11 -D_GNU_SOURCE -Isrc $(pkg_cflags)' sh tests/lint.sh

# --- install ----------------------------------------------------------------------------------------------------
# From the tree, to where it goes; what does not exist yet is left out.
manuals := $(wildcard man/*.1)
place    = $(INSTALL) -d '$(DESTDIR)$(2)' && $(INSTALL) -m $(3) $(1) '$(DESTDIR)$(2)/'
install: $B/netflock
	$(call place,$<,$(BINDIR),755)
	$(if $(manuals),$(call place,$(manuals),$(MANDIR)/man1,644))
	$(if $(wildcard completions/netflock.bash),$(call place,completions/netflock.bash,$(BASHDIR),644))
	$(if $(wildcard completions/_netflock),$(call place,completions/_netflock,$(ZSHDIR),644))
	$(if $(wildcard completions/netflock.fish),$(call place,completions/netflock.fish,$(FISHDIR),644))
uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/netflock' $(patsubst man/%,'$(DESTDIR)$(MANDIR)/man1/%',$(manuals)) \
	    '$(DESTDIR)$(BASHDIR)/netflock.bash' '$(DESTDIR)$(ZSHDIR)/_netflock' '$(DESTDIR)$(FISHDIR)/netflock.fish'
clean:
	rm -rf build
help:
	@sed -n "s/^# help: //p" Makefile
# help: all        the program: build/netflock
# help: check      the whole test suite; T='-v cli/' picks and explains (tests/run --help)
# help: asan tsan  the same suite with the address and undefined, or the thread sanitizer
# help: fuzz       every fuzz target for FUZZ_SECONDS (60), with clang; T='reply url' picks
# help: valgrind   unit and command line tests under valgrind
# help: mutants    wounds to the program: each makes the test fail that is there for it (5 minutes)
# help: soak       long random histories against a real server, then chaos for CHAOS_SECONDS (3600)
# help: bench      speed, as ratios to flock(1); also in build/bench.json; T=full is longer, T=quick rough
# help: demo       two jobs, one lock, a private server: 15 seconds
# help: lint       clang-tidy, cppcheck, shellcheck, mandoc: silent when clean
# help: install    to DESTDIR/PREFIX (/usr/local); uninstall takes it away again
# help: clean      removes build/

-include $(wildcard $B/obj/*.d $B/unit/*.d $B/targets/*.d)
