/* SPDX-License-Identifier: MIT */
/*
 * Where the server is: redis://[user[:password]@]host[:port][/db],
 * rediss:// (the same over TLS), unix://[user[:password]@]/path[?db=N],
 * or a bare absolute path.  Percent-encoding is decoded after splitting;
 * IPv6 addresses stand in brackets; anything odd is refused, not guessed.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define URL_DEFAULT "redis://127.0.0.1:6379"

/* How TLS is done: not in the URL, but wherever it goes this goes, too. */
struct url_tls {
	const char *cacert; /* file of CAs instead of the system's, or NULL */
	const char *cert;   /* file of our certificate, or NULL */
	const char *key;    /* file of its key, or NULL */
	const char *sni;    /* the server's name instead of the host, or NULL */
	bool insecure;	    /* do not verify */
};

struct url {
	bool tls;
	bool unix_socket;
	char host[256];	    /* name or address, no brackets; "" for a socket */
	char port[6];	    /* decimal, "6379" if not given */
	char path[108];	    /* socket path; "" for TCP */
	char user[256];	    /* "" if not given */
	char password[512]; /* "" if not given */
	bool has_password;  /* distinguishes an empty one */
	int db;		    /* 0 if not given */
	struct url_tls use; /* all zero after url_parse() */
};

/*
 * Parse TEXT.  Returns 0, or -1 with F set (STATUS_CONFIG): the text names
 * what is wrong and never repeats a password.
 */
int url_parse(const char *text, struct url *url, struct failure *f);

/*
 * Write the endpoint for messages: 'db1:6379' or '/run/redis.sock', never
 * with user or password.  Returns DST.  300 bytes are enough.
 */
char *url_endpoint(char *dst, size_t size, const struct url *url);

#endif
