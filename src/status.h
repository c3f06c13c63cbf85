/* SPDX-License-Identifier: MIT */
/*
 * Exit statuses of netflock itself (EXIT STATUS in the manual; a test holds
 * the two together).  Every other status is the command's own.
 */
#ifndef STATUS_H
#define STATUS_H

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 64,	  /* bad options or operands */
	STATUS_UNAVAILABLE = 69,  /* no usable server before the command */
	STATUS_INTERNAL = 70,	  /* a bug, or a process of ours was killed */
	STATUS_OS = 71,		  /* fork, memory, descriptors */
	STATUS_BUSY = 75,	  /* not acquired; -E changes it */
	STATUS_LOST = 76,	  /* lock lost, or not provably held */
	STATUS_REFUSED = 77,	  /* authentication, ACL, TLS verification */
	STATUS_CONFIG = 78,	  /* bad URL or file, key of another type */
	STATUS_TIMEOUT = 124,	  /* --max-runtime */
	STATUS_NOEXEC = 126,	  /* command not executable */
	STATUS_NOTFOUND = 127	  /* command not found */
};

#endif
