/* SPDX-License-Identifier: MIT */
/* URLs: whatever is wrong with one, the message never holds its password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "fuzz.h"
#include "status.h"
#include "url.h"

#define SECRET "T0p~S3cret"

#define ENDS(array) (memchr(array, '\0', sizeof(array)) != NULL)

static void
check(const struct url *u)
{
	char endpoint[300], *end;
	long port = strtol(u->port, &end, 10);

	REQUIRE(ENDS(u->host) && ENDS(u->port) && ENDS(u->path));
	REQUIRE(ENDS(u->user) && ENDS(u->password));
	REQUIRE(u->db >= 0);
	REQUIRE((u->path[0] != '\0') == u->unix_socket);
	REQUIRE((u->host[0] != '\0') == !u->unix_socket);
	if (!u->unix_socket)
		REQUIRE(*end == '\0' && port >= 1 && port <= 65535);
	REQUIRE(u->has_password || u->password[0] == '\0');
	REQUIRE(strpbrk(u->host, "\r\n") == NULL);
	url_endpoint(endpoint, sizeof(endpoint), u);
	REQUIRE(strlen(endpoint) > 0);
}

static void
parse(const char *text)
{
	struct failure f = { .status = 0 };
	struct url u;

	memset(&u, 0xaa, sizeof(u));
	if (url_parse(text, &u, &f) == 0) {
		check(&u);
		return;
	}
	REQUIRE(f.status == STATUS_CONFIG && f.text[0] != '\0');
	REQUIRE(strstr(f.text, SECRET) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t len, n;
	char *before = fuzz_word(&in, '\n', &len);
	char *behind = fuzz_rest(&in, &n);
	char *whole = malloc(len + n + sizeof(SECRET) + 2);

	if (whole == NULL)
		abort();
	parse(before);
	/* ":" ends whatever may be quoted: the user, the scheme. */
	snprintf(whole, len + n + sizeof(SECRET) + 2, "%s:%s@%s", before,
	    SECRET, behind);
	parse(whole);
	free(before);
	free(behind);
	free(whole);
	return 0;
}
