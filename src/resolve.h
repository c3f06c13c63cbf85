/* SPDX-License-Identifier: MIT */
/*
 * From a host's name to its addresses, under a deadline.  getaddrinfo(3) has
 * none, so a name is looked up by a helper process that is killed when the
 * time is up.  An address written in digits needs no helper.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "transport.h"

#define RESOLVE_MAX 16

struct resolve_address {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
};

struct resolve_list {
	int count;
	struct resolve_address at[RESOLVE_MAX];
};

struct resolve_query {
	const char *host;
	const char *port; /* decimal */
	bool threaded;	  /* the process has threads: no fork, no deadline */
	int interrupt;	  /* descriptor that ends the wait, or -1 */
	int64_t deadline;
};

/*
 * Fill LIST with at least one address, in the order to try them.  On
 * TRANSPORT_FAILED *WHY is a static text ("Name or service not known").
 * Else TRANSPORT_OK, _TIMEOUT or _INTERRUPTED.  The
 * helper sends no SIGCHLD and is reaped by its pid.
 */
enum transport_result resolve_host(const struct resolve_query *query,
    struct resolve_list *list, const char **why);

/*
 * Wait until FD has one of EVENTS (poll(2)), or INTERRUPT is readable, or
 * the DEADLINE passes.  What FD has counts first.
 */
enum transport_result resolve_wait(
    int fd, short events, int interrupt, int64_t deadline);

#endif
