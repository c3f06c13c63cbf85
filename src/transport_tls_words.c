/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "duration.h"
#include "failure.h"
#include "status.h"
#include "transport_tls_inner.h"
#include "url.h"

#define NAMES_MAX 4
#define NOT_TLS " (is it a TLS port?)"

const char *
transport_tls_name(const struct url *url)
{
	return url->use.sni != NULL ? url->use.sni : url->host;
}

/* ------------------------------------------------------------------ */
/* While verifying */

/* One of the names that a certificate is for, as text; "" for an odd one. */
static void
name_text(const struct transport_tls *tls, const GENERAL_NAME *name, char *dst,
    size_t size)
{
	const ASN1_STRING *value = name->d.ia5;
	const unsigned char *data = tls->lib->ASN1_STRING_get0_data(value);
	int len = tls->lib->ASN1_STRING_length(value);

	dst[0] = '\0';
	if (name->type == GEN_DNS)
		(void)snprintf(dst, size, "%.*s", len, (const char *)data);
	else if (len == 4 || len == 16)
		(void)inet_ntop(
		    len == 4 ? AF_INET : AF_INET6, data, dst, (socklen_t)size);
}

static void
add_name(struct transport_tls *tls, const char *name)
{
	size_t used = strlen(tls->names);

	if (*name != '\0')
		(void)snprintf(tls->names + used, sizeof(tls->names) - used,
		    "%s'%.60s'", used > 0 ? ", " : "", name);
}

/* Whom the certificate is for. */
static void
note_names(struct transport_tls *tls, X509 *certificate)
{
	const struct transport_tls_calls *lib = tls->lib;
	GENERAL_NAMES *names = lib->X509_get_ext_d2i(
	    certificate, NID_subject_alt_name, NULL, NULL);
	const OPENSSL_STACK *stack = (const OPENSSL_STACK *)names;
	int count = names != NULL ? lib->OPENSSL_sk_num(stack) : 0;
	char text[256];

	tls->names[0] = '\0';
	for (int i = 0; i < count && i < NAMES_MAX; i++) {
		const GENERAL_NAME *name = lib->OPENSSL_sk_value(stack, i);

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		name_text(tls, name, text, sizeof(text));
		add_name(tls, text);
	}
	lib->GENERAL_NAMES_free(names);
	if (tls->names[0] == '\0' &&
	    lib->X509_NAME_get_text_by_NID(
		lib->X509_get_subject_name(certificate), NID_commonName, text,
		sizeof(text)) > 0)
		add_name(tls, text);
}

void
transport_tls_note(struct transport_tls *tls, X509_STORE_CTX *x)
{
	X509 *certificate = tls->lib->X509_STORE_CTX_get0_cert(x);

	tls->verdict = tls->lib->X509_STORE_CTX_get_error(x);
	tls->depth = tls->lib->X509_STORE_CTX_get_error_depth(x);
	if (certificate != NULL &&
	    (tls->verdict == X509_V_ERR_HOSTNAME_MISMATCH ||
		tls->verdict == X509_V_ERR_IP_ADDRESS_MISMATCH))
		note_names(tls, certificate);
}

/* ------------------------------------------------------------------ */
/* What the peer says */

void
transport_tls_note_alert(struct transport_tls *tls)
{
	unsigned long error = tls->lib->ERR_peek_error();
	int why = ERR_GET_REASON(error);

	if (ERR_GET_LIB(error) == ERR_LIB_SSL && why >= SSL_AD_REASON_OFFSET &&
	    why < SSL_AD_REASON_OFFSET + 256)
		tls->alert = why - SSL_AD_REASON_OFFSET;
}

/* Whether an alert is about our certificate, or that there is none. */
static bool
is_about_us(int alert)
{
	return alert == SSL_AD_CERTIFICATE_REQUIRED ||
	       (alert >= SSL_AD_BAD_CERTIFICATE &&
		   alert <= SSL_AD_ACCESS_DENIED &&
		   alert != SSL_AD_ILLEGAL_PARAMETER);
}

static const char *
alert_text(const struct transport_tls *tls)
{
	const char *text = tls->lib->ERR_reason_error_string(
	    ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + tls->alert));

	return text != NULL ? text : "unknown alert";
}

bool
transport_tls_refused(const struct transport_tls *tls, struct failure *f)
{
	char endpoint[300];

	if (!is_about_us(tls->alert))
		return false;
	url_endpoint(endpoint, sizeof(endpoint), tls->url);
	failure_set(f, STATUS_REFUSED, "'%s' refused %s: %s", endpoint,
	    tls->url->use.cert != NULL
		? "our certificate"
		: "to talk without a client certificate (--cert, --key)",
	    alert_text(tls));
	return true;
}

/* ------------------------------------------------------------------ */
/* Why there is no connection */

/* Behind "its certificate" or "an issuer's certificate". */
static const char *
verdict_text(const struct transport_tls *tls)
{
	switch (tls->verdict) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "was issued by an unknown CA (--cacert names one)";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "is that of an unknown CA (--cacert names one)";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "is self-signed (--cacert can name it)";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "is not valid yet (or our clock is wrong)";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "has expired (or our clock is wrong)";
	case X509_V_ERR_INVALID_PURPOSE:
		return "is not one for servers";
	default:
		return NULL;
	}
}

static enum transport_result
not_trusted(
    const struct transport_tls *tls, const char *endpoint, struct failure *f)
{
	const char *whose = tls->depth > 0 ? "an issuer's" : "its";
	const char *text = verdict_text(tls);

	if (tls->names[0] != '\0')
		failure_set(f, STATUS_REFUSED,
		    "'%s' is not trusted: its certificate is for %s, not for "
		    "'%s'",
		    endpoint, tls->names, transport_tls_name(tls->url));
	else if (text != NULL)
		failure_set(f, STATUS_REFUSED,
		    "'%s' is not trusted: %s certificate %s", endpoint, whose,
		    text);
	else
		failure_set(f, STATUS_REFUSED,
		    "'%s' is not trusted: %s certificate does not pass: %s",
		    endpoint, whose,
		    tls->lib->X509_verify_cert_error_string(tls->verdict));
	return TRANSPORT_REFUSED;
}

enum transport_result
transport_tls_failed(const struct transport_tls *tls, struct failure *f)
{
	unsigned long error = tls->lib->ERR_peek_error();
	const char *why = tls->lib->ERR_reason_error_string(error);
	char endpoint[300];
	const char *hint = "";

	url_endpoint(endpoint, sizeof(endpoint), tls->url);
	if (tls->verdict != X509_V_OK)
		return not_trusted(tls, endpoint, f);
	if (transport_tls_refused(tls, f))
		return TRANSPORT_REFUSED;
	if (tls->broken != 0)
		why = strerror(tls->broken);
	else if (tls->ended)
		why = "it closed the connection";
	/* It said something, and that was not TLS. */
	if (tls->ended || tls->broken != 0 ||
	    ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
		hint = NOT_TLS;
	failure_set(f, STATUS_UNAVAILABLE, "no TLS with '%s': %s%s", endpoint,
	    why != NULL ? why : "unknown error", hint);
	return TRANSPORT_FAILED;
}

enum transport_result
transport_tls_timed_out(
    const struct transport_tls *tls, int64_t budget, struct failure *f)
{
	char endpoint[300], after[32];

	url_endpoint(endpoint, sizeof(endpoint), tls->url);
	duration_format(
	    after, sizeof(after), (budget + DEADLINE_MS / 2) / DEADLINE_MS);
	failure_set(f, STATUS_UNAVAILABLE,
	    "no TLS with '%s': the handshake timed out after %s" NOT_TLS,
	    endpoint, after);
	return TRANSPORT_TIMEOUT;
}
