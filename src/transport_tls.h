/* SPDX-License-Identifier: MIT */
/*
 * TLS over a descriptor that transport.c has connected.  OpenSSL is loaded
 * when the first of these is made, so nobody else pays for it.
 *
 * Steps of use: transport_tls_new() before connecting; transport_tls_open()
 * on every connection; send and receive; transport_tls_shut(), and open again
 * on the next connection; transport_tls_free().
 *
 *     transport_tls.c          handshake, sending, receiving
 *     transport_tls_context.c  what to trust and who we are: the files
 *     transport_tls_words.c    what went wrong, in words
 *     transport_tls_library.c  loading OpenSSL
 *     transport_tls_none.c     all of it, in a build without TLS
 */
#ifndef TRANSPORT_TLS_H
#define TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport.h"

struct failure;
struct transport_tls;
struct url;

/*
 * Load what URL needs: the library, the files it names.  KIN, if not NULL, is
 * for the same URL and has them already (a file is read once, then it may go).
 * NULL with F set (STATUS_CONFIG, STATUS_OS) if that is not possible.
 */
struct transport_tls *transport_tls_new(const struct url *url,
    const struct transport_tls *kin, struct failure *f);
/* transport_tls_free(NULL) is fine. */
void transport_tls_free(struct transport_tls *tls);

/*
 * Shake hands on FD, which stays the caller's, and verify whom we talk to.
 * TRANSPORT_FAILED: another attempt may succeed; TRANSPORT_REFUSED: it will
 * not (STATUS_REFUSED).  Both, and TRANSPORT_TIMEOUT, set F.
 */
enum transport_result transport_tls_open(struct transport_tls *tls, int fd,
    int interrupt, int64_t deadline, struct failure *f);
/* Forget the connection.  Nothing is written: another process may go on. */
void transport_tls_shut(struct transport_tls *tls);

/* As send(2) and recv(2); on EAGAIN, *WANT is what to poll for. */
ssize_t transport_tls_send(
    struct transport_tls *tls, const void *buf, size_t len, short *want);
ssize_t transport_tls_recv(
    struct transport_tls *tls, void *buf, size_t size, short *want);
/* Whether bytes have been taken off the descriptor that recv would give. */
bool transport_tls_pending(const struct transport_tls *tls);

/* What the handshake has come to; false if there was none. */
bool transport_tls_security(
    const struct transport_tls *tls, struct transport_security *security);

/*
 * Whether the connection broke because the server does not want us: TLS 1.3
 * tells so only after the handshake.  Sets F (STATUS_REFUSED) if so.
 */
bool transport_tls_refused(const struct transport_tls *tls, struct failure *f);

#endif
