/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL is loaded with dlopen(3), not linked: linked, it would cost every
 * run as much as all the rest of netflock, for a rediss:// that most do not
 * use. The table is the process's, as the library is; it is never unloaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "failure.h"
#include "status.h"
#include "transport_tls_inner.h"

#define TEXT(number) #number
#define VALUE(number) TEXT(number)
#define VERSION VALUE(OPENSSL_SHLIB_VERSION)

static struct transport_tls_calls lib;
static bool loaded;

/* ------------------------------------------------------------------ */
/* OpenSSL's own sockets use write(2), which raises SIGPIPE. */

static int
socket_result(BIO *bio, ssize_t n, int retry)
{
	struct transport_tls *tls = lib.BIO_get_data(bio);

	lib.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
	if (n >= 0)
		return (int)n;
	if (errno == EAGAIN || errno == EINTR)
		lib.BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
	else
		tls->broken = errno;
	return -1;
}

static int
socket_write(BIO *bio, const char *buf, int len)
{
	const struct transport_tls *tls = lib.BIO_get_data(bio);

	return socket_result(bio, send(tls->fd, buf, (size_t)len, MSG_NOSIGNAL),
	    BIO_FLAGS_WRITE);
}

static int
socket_read(BIO *bio, char *buf, int size)
{
	struct transport_tls *tls = lib.BIO_get_data(bio);
	ssize_t n = recv(tls->fd, buf, (size_t)size, 0);

	if (n == 0)
		tls->ended = true;
	return socket_result(bio, n, BIO_FLAGS_READ);
}

static long
socket_ctrl(BIO *bio, int command, long number, void *pointer)
{
	const struct transport_tls *tls = lib.BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return tls->ended;
	/* There is nothing between us and the socket to flush. */
	return command == BIO_CTRL_FLUSH;
}

static bool
make_method(void)
{
	int index = lib.BIO_get_new_index();

	lib.method =
	    lib.BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "netflock's socket");
	return lib.method != NULL &&
	       lib.BIO_meth_set_write(lib.method, socket_write) == 1 &&
	       lib.BIO_meth_set_read(lib.method, socket_read) == 1 &&
	       lib.BIO_meth_set_ctrl(lib.method, socket_ctrl) == 1;
}

/* ------------------------------------------------------------------ */

/* Returns the name of what is missing, or NULL. */
static const char *
find_all(void *ssl, void *crypto)
{
	const struct {
		void *library;
		const char *name;
		void *place; /* of the pointer to it, of whatever type */
	} wanted[] = {
#define CALL(call) { ssl, #call, (void *)&lib.call },
		TRANSPORT_TLS_SSL(CALL)
#undef CALL
#define CALL(call) { crypto, #call, (void *)&lib.call },
		    TRANSPORT_TLS_CRYPTO(CALL)
#undef CALL
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		void *found = dlsym(wanted[i].library, wanted[i].name);

		if (found == NULL)
			return wanted[i].name;
		/* C has no cast from this to a function; POSIX says copy. */
		memcpy(wanted[i].place, &found, sizeof(found));
	}
	return NULL;
}

/*
 * Without exit handlers: front and keeper end while the other goes on with
 * the connection, and nobody waits for a thread that is in a call.  The
 * system's openssl.cnf counts: it is where its owner sets his policy.
 */
static bool
start(void)
{
	return lib.OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) == 1 &&
	       lib.OPENSSL_init_ssl(0, NULL) == 1 && make_method();
}

const struct transport_tls_calls *
transport_tls_library(struct failure *f)
{
	const char *missing;
	void *crypto, *ssl = NULL;

	if (loaded)
		return &lib;
	crypto = dlopen("libcrypto.so." VERSION, RTLD_NOW | RTLD_LOCAL);
	if (crypto != NULL)
		ssl = dlopen("libssl.so." VERSION, RTLD_NOW | RTLD_LOCAL);
	if (ssl == NULL) {
		failure_set(f, STATUS_CONFIG,
		    "rediss:// needs OpenSSL " VERSION ", which cannot be "
		    "loaded: %.300s",
		    dlerror());
		return NULL;
	}
	missing = find_all(ssl, crypto);
	if (missing != NULL || !start()) {
		failure_set(f, STATUS_CONFIG,
		    "rediss:// needs OpenSSL " VERSION ", and this one %s%s",
		    missing != NULL ? "has no " : "does not start",
		    missing != NULL ? missing : "");
		return NULL;
	}
	loaded = true;
	return &lib;
}
