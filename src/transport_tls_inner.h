/* SPDX-License-Identifier: MIT */
/* What the files of TLS share (see transport_tls.h), and nobody else sees. */
#ifndef TRANSPORT_TLS_INNER_H
#define TRANSPORT_TLS_INNER_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "transport_tls.h"

/* All of OpenSSL that is called: each is a member of the same name. */
#define TRANSPORT_TLS_SSL(CALL)                     \
	CALL(OPENSSL_init_ssl)                      \
	CALL(SSL_CIPHER_get_name)                   \
	CALL(SSL_CTX_check_private_key)             \
	CALL(SSL_CTX_ctrl)                          \
	CALL(SSL_CTX_free)                          \
	CALL(SSL_CTX_load_verify_file)              \
	CALL(SSL_CTX_new)                           \
	CALL(SSL_CTX_set_default_verify_paths)      \
	CALL(SSL_CTX_set_options)                   \
	CALL(SSL_CTX_up_ref)                        \
	CALL(SSL_CTX_use_PrivateKey)                \
	CALL(SSL_CTX_use_certificate_chain_file)    \
	CALL(SSL_connect)                           \
	CALL(SSL_ctrl)                              \
	CALL(SSL_free)                              \
	CALL(SSL_get0_param)                        \
	CALL(SSL_get1_peer_certificate)             \
	CALL(SSL_get_current_cipher)                \
	CALL(SSL_get_error)                         \
	CALL(SSL_get_ex_data)                       \
	CALL(SSL_get_ex_data_X509_STORE_CTX_idx)    \
	CALL(SSL_get_version)                       \
	CALL(SSL_new)                               \
	CALL(SSL_pending)                           \
	CALL(SSL_read)                              \
	CALL(SSL_set1_host)                         \
	CALL(SSL_set_bio)                           \
	CALL(SSL_set_ex_data)                       \
	CALL(SSL_set_hostflags)                     \
	CALL(SSL_set_verify)                        \
	CALL(SSL_write)                             \
	CALL(TLS_client_method)
#define TRANSPORT_TLS_CRYPTO(CALL)                  \
	CALL(ASN1_STRING_get0_data)                 \
	CALL(ASN1_STRING_length)                    \
	CALL(ASN1_TIME_to_tm)                       \
	CALL(BIO_clear_flags)                       \
	CALL(BIO_free)                              \
	CALL(BIO_get_data)                          \
	CALL(BIO_get_new_index)                     \
	CALL(BIO_meth_new)                          \
	CALL(BIO_meth_set_ctrl)                     \
	CALL(BIO_meth_set_read)                     \
	CALL(BIO_meth_set_write)                    \
	CALL(BIO_new)                               \
	CALL(BIO_new_mem_buf)                       \
	CALL(BIO_set_data)                          \
	CALL(BIO_set_flags)                         \
	CALL(BIO_set_init)                          \
	CALL(ERR_clear_error)                       \
	CALL(ERR_peek_error)                        \
	CALL(ERR_reason_error_string)               \
	CALL(EVP_PKEY_free)                         \
	CALL(GENERAL_NAMES_free)                    \
	CALL(OPENSSL_init_crypto)                   \
	CALL(OPENSSL_sk_num)                        \
	CALL(OPENSSL_sk_value)                      \
	CALL(PEM_read_bio_PrivateKey)               \
	CALL(X509_NAME_get_text_by_NID)             \
	CALL(X509_STORE_CTX_get0_cert)              \
	CALL(X509_STORE_CTX_get_error)              \
	CALL(X509_STORE_CTX_get_error_depth)        \
	CALL(X509_STORE_CTX_get_ex_data)            \
	CALL(X509_VERIFY_PARAM_set1_ip_asc)         \
	CALL(X509_free)                             \
	CALL(X509_get0_notAfter)                    \
	CALL(X509_get_ext_d2i)                      \
	CALL(X509_get_subject_name)                 \
	CALL(X509_verify_cert_error_string)

struct transport_tls_calls {
#define CALL(name) __typeof__(name) *(name);
	TRANSPORT_TLS_SSL(CALL)
	TRANSPORT_TLS_CRYPTO(CALL)
#undef CALL
	BIO_METHOD *method; /* how we read and write a socket */
};

struct transport_tls {
	const struct transport_tls_calls *lib;
	const struct url *url;
	SSL_CTX *context;
	SSL *ssl; /* NULL when shut */
	int fd;	  /* not owned */
	bool ended;    /* the peer closed, well or not */
	int broken;    /* errno that ended the connection, or 0 */
	int alert;     /* the peer's last word, as a number of TLS; or -1 */
	int verdict;   /* of verification: X509_V_... */
	int depth;     /* of the certificate that failed; 0: the server's */
	char names[200]; /* whom the certificate is for, if not for the host */
};

/* OpenSSL, loaded at the first call; NULL with F set (STATUS_CONFIG). */
const struct transport_tls_calls *transport_tls_library(struct failure *f);

/* What to trust and who we are; NULL with F set. */
SSL_CTX *transport_tls_context(const struct transport_tls_calls *lib,
    const struct url *url, struct failure *f);

/* The name the certificate must be for. */
const char *transport_tls_name(const struct url *url);
/* Keep what SSL_connect() says about the certificate. */
void transport_tls_note(struct transport_tls *tls, X509_STORE_CTX *x);
/* Keep why the last call failed: the peer's alert. */
void transport_tls_note_alert(struct transport_tls *tls);
/* Why there is no connection: sets F, tells whether trying again helps. */
enum transport_result transport_tls_failed(
    const struct transport_tls *tls, struct failure *f);
enum transport_result transport_tls_timed_out(
    const struct transport_tls *tls, int64_t budget, struct failure *f);

#endif
