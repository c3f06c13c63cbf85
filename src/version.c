/* SPDX-License-Identifier: MIT */
#include "version.h"

/* For its version numbers only: nothing of it is called here. */
#include <hiredis/hiredis.h>

/* The Makefile knows it. */
#ifndef NETFLOCK_VERSION
#define NETFLOCK_VERSION "unknown"
#endif

#ifdef NETFLOCK_TLS
#define TLS "TLS: OpenSSL " NETFLOCK_TLS " (loaded on demand)\n"
#else
#define TLS "no TLS\n"
#endif

#define TEXT(number) #number
#define VALUE(number) TEXT(number)

const char version_text[] = "netflock " NETFLOCK_VERSION "\n"
			    "hiredis " VALUE(HIREDIS_MAJOR) "." VALUE(
				HIREDIS_MINOR) "." VALUE(HIREDIS_PATCH) "\n" TLS;
