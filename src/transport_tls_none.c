/* SPDX-License-Identifier: MIT */
/* A build without TLS: transport_tls_new() never gives one. */
#include "transport_tls.h"

#include "failure.h"
#include "status.h"

struct transport_tls *
transport_tls_new(
    const struct url *url, const struct transport_tls *kin, struct failure *f)
{
	(void)url;
	(void)kin;
	failure_set(f, STATUS_CONFIG,
	    "rediss:// is not possible: this netflock was built without TLS");
	return NULL;
}

void
transport_tls_free(struct transport_tls *tls)
{
	(void)tls;
}

enum transport_result
transport_tls_open(struct transport_tls *tls, int fd, int interrupt,
    int64_t deadline, struct failure *f)
{
	(void)tls;
	(void)fd;
	(void)interrupt;
	(void)deadline;
	(void)f;
	return TRANSPORT_REFUSED;
}

void
transport_tls_shut(struct transport_tls *tls)
{
	(void)tls;
}

ssize_t
transport_tls_send(
    struct transport_tls *tls, const void *buf, size_t len, short *want)
{
	(void)tls;
	(void)buf;
	(void)len;
	(void)want;
	return -1;
}

ssize_t
transport_tls_recv(
    struct transport_tls *tls, void *buf, size_t size, short *want)
{
	(void)tls;
	(void)buf;
	(void)size;
	(void)want;
	return -1;
}

bool
transport_tls_pending(const struct transport_tls *tls)
{
	(void)tls;
	return false;
}

bool
transport_tls_security(
    const struct transport_tls *tls, struct transport_security *security)
{
	(void)tls;
	(void)security;
	return false;
}

bool
transport_tls_refused(const struct transport_tls *tls, struct failure *f)
{
	(void)tls;
	(void)f;
	return false;
}
