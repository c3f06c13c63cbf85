/* SPDX-License-Identifier: MIT */
/*
 * The Lua scripts of src/lua, embedded at build.  script.c is made by the
 * Makefile from core.lua and one file per operation.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stddef.h>

struct script {
	const char *name;   /* "acquire" */
	const char *source; /* NUL-terminated */
	const char *sha1;   /* 40 hex digits of source */
};

extern const struct script script_acquire, script_queue, script_renew,
    script_release, script_leave, script_goodbye, script_reset, script_inspect,
    script_history;

#endif
