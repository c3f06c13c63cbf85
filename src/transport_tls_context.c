/* SPDX-License-Identifier: MIT */
/* Whom we trust, and who we are: the files of --cacert, --cert and --key. */
#include <string.h>

#include "failure.h"
#include "secret.h"
#include "status.h"
#include "transport_tls_inner.h"
#include "url.h"

#define KEY_FILE_MAX 65536

/* The reason of the library's oldest error, or a plain word. */
static const char *
reason(const struct transport_tls_calls *lib)
{
	unsigned long error = lib->ERR_peek_error();
	const char *text = NULL;

	if (ERR_SYSTEM_ERROR(error))
		text = strerror(ERR_GET_REASON(error));
	else if (error != 0)
		text = lib->ERR_reason_error_string(error);
	return text != NULL ? text : "unknown error";
}

static int
bad_file(const struct transport_tls_calls *lib, const char *what,
    const char *path, struct failure *f)
{
	return failure_set(f, STATUS_CONFIG, "cannot use the %s '%.200s': %s",
	    what, path, reason(lib));
}

/* OpenSSL would ask at the terminal for the passphrase of a key. */
static int
no_passphrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static int
use_key(const struct transport_tls_calls *lib, SSL_CTX *context,
    const char *path, struct failure *f)
{
	char text[KEY_FILE_MAX];
	ssize_t len = secret_read("key file", path, text, sizeof(text), f);
	EVP_PKEY *key = NULL;
	bool asked = false;
	int used = 0;
	BIO *bio;

	if (len == -1)
		return -1;
	bio = lib->BIO_new_mem_buf(text, (int)len);
	if (bio != NULL)
		key = lib->PEM_read_bio_PrivateKey(
		    bio, NULL, no_passphrase, &asked);
	if (key != NULL)
		used = lib->SSL_CTX_use_PrivateKey(context, key) == 1 &&
		       lib->SSL_CTX_check_private_key(context) == 1;
	if (asked)
		failure_set(f, STATUS_CONFIG,
		    "cannot use the key '%.200s': it has a passphrase", path);
	else if (!used)
		bad_file(lib, "key", path, f);
	lib->EVP_PKEY_free(key);
	lib->BIO_free(bio);
	explicit_bzero(text, sizeof(text));
	return used ? 0 : -1;
}

static int
use_files(const struct transport_tls_calls *lib, SSL_CTX *context,
    const struct url_tls *use, struct failure *f)
{
	if (use->cacert != NULL &&
	    lib->SSL_CTX_load_verify_file(context, use->cacert) != 1)
		return bad_file(lib, "CA certificate", use->cacert, f);
	if (use->cacert == NULL)
		(void)lib->SSL_CTX_set_default_verify_paths(context);
	if (use->cert != NULL &&
	    lib->SSL_CTX_use_certificate_chain_file(context, use->cert) != 1)
		return bad_file(lib, "certificate", use->cert, f);
	if (use->key != NULL)
		return use_key(lib, context, use->key, f);
	return 0;
}

SSL_CTX *
transport_tls_context(const struct transport_tls_calls *lib,
    const struct url *url, struct failure *f)
{
	SSL_CTX *context;

	lib->ERR_clear_error();
	context = lib->SSL_CTX_new(lib->TLS_client_method());
	if (context == NULL) {
		failure_set(
		    f, STATUS_OS, "cannot prepare TLS: %s", reason(lib));
		return NULL;
	}
	(void)lib->SSL_CTX_ctrl(
	    context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	(void)lib->SSL_CTX_ctrl(context, SSL_CTRL_MODE,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
	    NULL);
	(void)lib->SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	if (use_files(lib, context, &url->use, f) == 0)
		return context;
	lib->SSL_CTX_free(context);
	return NULL;
}
