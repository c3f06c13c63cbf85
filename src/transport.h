/* SPDX-License-Identifier: MIT */
/*
 * Bytes to and from one server: TCP, unix sockets, TLS over TCP.
 * Every call has an absolute deadline (deadline.h) and returns early when the
 * interrupt descriptor becomes readable.  Every descriptor is close-on-exec
 * and non-blocking; SIGPIPE is never raised.
 *
 * Steps of use: transport_new(); transport_open(); send/recv; transport_shut()
 * and transport_open() again to reconnect; transport_free().
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;
struct url;
struct transport;

enum transport_result {
	TRANSPORT_OK,
	TRANSPORT_TIMEOUT,     /* the deadline passed */
	TRANSPORT_INTERRUPTED, /* the interrupt descriptor is readable */
	TRANSPORT_CLOSED,      /* the peer closed, or the connection broke */
	TRANSPORT_FAILED,      /* cannot connect; F says why */
	TRANSPORT_REFUSED      /* so, and to try again would not help */
};

/* URL must outlive the transport.  NULL if out of memory. */
struct transport *transport_new(const struct url *url);
/* Close and free.  transport_free(NULL) is fine. */
void transport_free(struct transport *t);

/* FD is watched, never read; -1 for none.  Not owned. */
void transport_interrupt(struct transport *t, int fd);

/*
 * T talks to the same URL as WITH, which was opened before and outlives it:
 * it goes by what WITH has read from files.
 */
void transport_share(struct transport *t, const struct transport *with);

/* From now on the process has threads: names are resolved without a helper. */
void transport_threaded(struct transport *t, bool threaded);

/*
 * Connect: every address of the name in turn, each with its share of the time
 * left, so that a dead first address does not eat it all.  Names are
 * resolved under the deadline too (by a helper process as long as there are
 * no threads: see resolve.h), and the addresses are kept for the next time.
 * Sets F on any result but OK and INTERRUPTED ("cannot connect to
 * 'db1:6379': connection refused").  With TLS, the handshake is part of it,
 * and REFUSED means: the server is not to be trusted, or does not trust us, or
 * a file is bad, or there is no TLS here.
 */
enum transport_result transport_open(struct transport *t, int64_t deadline,
    struct failure *f);
/* The server is the wrong one now (a failover): resolve its name anew. */
void transport_forget(struct transport *t);
/* Close the connection only.  Without saying goodbye. */
void transport_shut(struct transport *t);
bool transport_is_open(const struct transport *t);
/* For poll(2); -1 when closed. */
int transport_fd(const struct transport *t);
/* Whether bytes wait inside (TLS) that poll(2) does not show. */
bool transport_pending(const struct transport *t);
/*
 * Whether it was closed because the server refuses us, as a server does that
 * wants a client's certificate: sets F.  Ask before transport_shut().
 */
bool transport_refused(const struct transport *t, struct failure *f);

/* How far the last transport_open() came. */
enum transport_stage {
	TRANSPORT_NOWHERE,
	TRANSPORT_CONNECTED, /* but no TLS, where there should be */
	TRANSPORT_READY
};
enum transport_stage transport_stage(const struct transport *t);
/*
 * The Nth address that it tried, from 0 on, into DST: "192.0.2.7", "::1" or a
 * socket's path.  *ERROR is its errno, 0 if it is the one.  False if there are
 * no more.
 */
bool transport_tried(const struct transport *t, int n, char *dst, size_t size,
    int *error);

/* What TLS has come to; the texts are static. */
struct transport_security {
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	int64_t expires; /* the server's certificate, seconds since 1970 */
};
/* False if there is no TLS on the connection, or no connection. */
bool transport_security(
    const struct transport *t, struct transport_security *security);

/* Send all LEN bytes, or fail. */
enum transport_result transport_send(struct transport *t, const void *buf,
    size_t len, int64_t deadline);
/*
 * Receive at least one byte, at most SIZE; *LEN is how many.  A deadline of 0
 * means: only what is there, else TRANSPORT_TIMEOUT.
 */
enum transport_result transport_recv(struct transport *t, void *buf,
    size_t size, size_t *len, int64_t deadline);

#endif
