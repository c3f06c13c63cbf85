/* SPDX-License-Identifier: MIT */
#include "transport_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deadline.h"
#include "failure.h"
#include "resolve.h"
#include "status.h"
#include "transport_tls_inner.h"
#include "url.h"

struct transport_tls *
transport_tls_new(
    const struct url *url, const struct transport_tls *kin, struct failure *f)
{
	const struct transport_tls_calls *lib = transport_tls_library(f);
	struct transport_tls *tls;

	if (lib == NULL)
		return NULL;
	tls = calloc(1, sizeof(*tls));
	if (tls == NULL) {
		failure_set(f, STATUS_OS, "out of memory");
		return NULL;
	}
	tls->lib = lib;
	tls->url = url;
	tls->alert = -1;
	if (kin != NULL && lib->SSL_CTX_up_ref(kin->context) == 1)
		tls->context = kin->context;
	else
		tls->context = transport_tls_context(lib, url, f);
	if (tls->context != NULL)
		return tls;
	free(tls);
	return NULL;
}

void
transport_tls_free(struct transport_tls *tls)
{
	if (tls == NULL)
		return;
	transport_tls_shut(tls);
	tls->lib->SSL_CTX_free(tls->context);
	free(tls);
}

/* ------------------------------------------------------------------ */
/* The handshake */

static int
verified(int ok, X509_STORE_CTX *x)
{
	/* There is no way to it but through our own library. */
	const struct transport_tls_calls *lib = transport_tls_library(NULL);
	const SSL *ssl = lib->X509_STORE_CTX_get_ex_data(
	    x, lib->SSL_get_ex_data_X509_STORE_CTX_idx());

	if (!ok)
		transport_tls_note(lib->SSL_get_ex_data(ssl, 0), x);
	return ok;
}

static bool
is_address(const char *host)
{
	struct in6_addr ignored;

	return inet_pton(AF_INET, host, &ignored) == 1 ||
	       inet_pton(AF_INET6, host, &ignored) == 1;
}

/* Ask for the server by its name, and expect a certificate for that. */
static bool
set_name(struct transport_tls *tls)
{
	const struct transport_tls_calls *lib = tls->lib;
	char name[sizeof(tls->url->host)];
	size_t len;

	strncpy(name, transport_tls_name(tls->url), sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[strcspn(name, "%")] = '\0'; /* of "fe80::1%eth0" */
	if (is_address(name))
		return lib->X509_VERIFY_PARAM_set1_ip_asc(
			   lib->SSL_get0_param(tls->ssl), name) == 1;
	len = strlen(name);
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	lib->SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return lib->SSL_set1_host(tls->ssl, name) == 1 &&
	       lib->SSL_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		   TLSEXT_NAMETYPE_host_name, name) == 1;
}

static bool
prepare(struct transport_tls *tls)
{
	const struct transport_tls_calls *lib = tls->lib;
	bool insecure = tls->url->use.insecure;
	BIO *bio;

	tls->ssl = lib->SSL_new(tls->context);
	bio = tls->ssl != NULL ? lib->BIO_new(lib->method) : NULL;
	if (bio == NULL)
		return false;
	lib->BIO_set_data(bio, tls);
	lib->BIO_set_init(bio, 1);
	lib->SSL_set_bio(tls->ssl, bio, bio);
	lib->SSL_set_verify(tls->ssl,
	    insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
	    insecure ? NULL : verified);
	return lib->SSL_set_ex_data(tls->ssl, 0, tls) == 1 && set_name(tls);
}

/* Events to wait for, or 0 if the call that returned R failed for good. */
static short
wanted(const struct transport_tls *tls, int r)
{
	switch (tls->lib->SSL_get_error(tls->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static enum transport_result
shake_hands(struct transport_tls *tls, int interrupt, int64_t deadline,
    struct failure *f)
{
	int64_t now = deadline_now();
	int64_t budget = deadline > now ? deadline - now : 0;

	for (;;) {
		enum transport_result r;
		short want;
		int done;

		tls->lib->ERR_clear_error();
		done = tls->lib->SSL_connect(tls->ssl);
		if (done == 1)
			return TRANSPORT_OK;
		want = wanted(tls, done);
		if (want == 0) {
			transport_tls_note_alert(tls);
			return transport_tls_failed(tls, f);
		}
		r = resolve_wait(tls->fd, want, interrupt, deadline);
		if (r == TRANSPORT_TIMEOUT)
			return transport_tls_timed_out(tls, budget, f);
		if (r != TRANSPORT_OK)
			return r;
	}
}

enum transport_result
transport_tls_open(struct transport_tls *tls, int fd, int interrupt,
    int64_t deadline, struct failure *f)
{
	enum transport_result r;

	transport_tls_shut(tls);
	tls->fd = fd;
	tls->ended = false;
	tls->broken = 0;
	tls->alert = -1;
	tls->verdict = X509_V_OK;
	tls->depth = 0;
	tls->names[0] = '\0';
	if (!prepare(tls)) {
		failure_set(f, STATUS_OS, "cannot prepare TLS: out of memory");
		transport_tls_shut(tls);
		return TRANSPORT_REFUSED;
	}
	r = shake_hands(tls, interrupt, deadline, f);
	if (r != TRANSPORT_OK)
		transport_tls_shut(tls);
	return r;
}

void
transport_tls_shut(struct transport_tls *tls)
{
	if (tls->ssl != NULL)
		tls->lib->SSL_free(tls->ssl);
	tls->ssl = NULL;
}

/* ------------------------------------------------------------------ */
/* Bytes */

/* What R, of SSL_read() or SSL_write(), means to those who know send(2). */
static ssize_t
outcome(struct transport_tls *tls, int r, short *want)
{
	short events;

	if (r > 0)
		return r;
	events = wanted(tls, r);
	if (events != 0) {
		*want = events;
		errno = EAGAIN;
		return -1;
	}
	transport_tls_note_alert(tls);
	if (tls->ended)
		return 0;
	errno = ECONNRESET;
	return -1;
}

ssize_t
transport_tls_send(
    struct transport_tls *tls, const void *buf, size_t len, short *want)
{
	ssize_t n;

	tls->lib->ERR_clear_error();
	n = outcome(tls,
	    tls->lib->SSL_write(
		tls->ssl, buf, len < INT_MAX ? (int)len : INT_MAX),
	    want);
	/* The peer's end is no number of bytes sent. */
	if (n == 0) {
		errno = EPIPE;
		return -1;
	}
	return n;
}

ssize_t
transport_tls_recv(
    struct transport_tls *tls, void *buf, size_t size, short *want)
{
	tls->lib->ERR_clear_error();
	return outcome(tls,
	    tls->lib->SSL_read(
		tls->ssl, buf, size < INT_MAX ? (int)size : INT_MAX),
	    want);
}

bool
transport_tls_pending(const struct transport_tls *tls)
{
	return tls->ssl != NULL && tls->lib->SSL_pending(tls->ssl) > 0;
}

bool
transport_tls_security(
    const struct transport_tls *tls, struct transport_security *security)
{
	const struct transport_tls_calls *lib = tls->lib;
	struct tm tm;
	X509 *x;

	if (tls->ssl == NULL)
		return false;
	security->version = lib->SSL_get_version(tls->ssl);
	security->cipher =
	    lib->SSL_CIPHER_get_name(lib->SSL_get_current_cipher(tls->ssl));
	x = lib->SSL_get1_peer_certificate(tls->ssl);
	if (x == NULL)
		return false;
	security->expires = 0;
	if (lib->ASN1_TIME_to_tm(lib->X509_get0_notAfter(x), &tm) == 1)
		security->expires = timegm(&tm);
	lib->X509_free(x);
	return true;
}
