/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/types.h>

#define TOKEN_BYTES ((TOKEN_SIZE - 1) / 2)

int
token_random(char token[static TOKEN_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[TOKEN_BYTES];
	ssize_t n;
	size_t i;

	/* So few bytes come whole or not at all, once the pool is ready. */
	do
		n = getrandom(bytes, sizeof(bytes), 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	if ((size_t)n != sizeof(bytes)) {
		errno = EIO;
		return -1;
	}
	for (i = 0; i < sizeof(bytes); i++) {
		token[2 * i] = digits[bytes[i] >> 4];
		token[2 * i + 1] = digits[bytes[i] & 15];
	}
	token[2 * i] = '\0';
	return 0;
}
