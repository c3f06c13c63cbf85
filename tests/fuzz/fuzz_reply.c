/* SPDX-License-Identifier: MIT */
/* Where a reply ends, what is in it: bytes that come in pieces. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reply.h"

#define CAP 4096

static void
walk(const struct reply *r, int depth)
{
	static const char *const fields[] = { "fence", "ends", "", "a" };
	enum reply_kind kind = reply_kind(r);

	REQUIRE(depth <= REPLY_DEPTH + 1);
	REQUIRE(reply_text(r)[reply_length(r)] == '\0');
	REQUIRE(kind == REPLY_ARRAY || reply_count(r) == 0);
	REQUIRE(kind == REPLY_INTEGER || reply_integer(r, 77) == 77);
	REQUIRE(reply_at(r, reply_count(r)) == NULL);
	REQUIRE(reply_word(r) != NULL);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		size_t len = 0;
		const char *text = reply_field(r, fields[i], &len);
		int64_t n = reply_number(r, fields[i], -9);

		REQUIRE(text == NULL || text[len] == '\0');
		REQUIRE(n == -9 || (n >= -1 && n <= INT64_C(1) << 53));
		REQUIRE(text != NULL || n == -9);
	}
	for (size_t i = 0; i < reply_count(r); i++)
		walk(reply_at(r, i), depth + 1);
}

static void
parse(const char *bytes, size_t len)
{
	struct redisReader *reader = redisReaderCreate();
	struct reply *r = reply_parse(reader, bytes, len);
	void *more = NULL;

	if (r != NULL) {
		walk(r, 0);
		/* The two agree on where it ends. */
		REQUIRE(redisReaderGetReply(reader, &more) == REDIS_OK);
		REQUIRE(more == NULL);
		REQUIRE(reader->pos == reader->len);
	}
	reply_free(r);
	redisReaderFree(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t piece = fuzz_byte(&in);
	struct reply_scan slow = { 0 }, fast = { 0 };
	enum reply_extent whole, extent = REPLY_PARTIAL;
	size_t len;
	char *bytes = fuzz_rest(&in, &len), *copy;

	whole = reply_scan(&fast, bytes, len, CAP);
	REQUIRE(fast.at <= len);
	REQUIRE(whole != REPLY_PARTIAL || len < CAP);
	/* Byte by byte, or so: the same verdict, at the same place. */
	for (size_t n = 0; extent == REPLY_PARTIAL && n < len;) {
		n += piece + (size_t)1;
		n = n < len ? n : len;
		copy = fuzz_copy(bytes, n);
		extent = reply_scan(&slow, copy, n, CAP);
		free(copy);
		REQUIRE(slow.at <= n);
	}
	REQUIRE(whole != REPLY_WHOLE || extent == REPLY_WHOLE ||
	    /* more than CAP came before the end of it was there */
	    (extent == REPLY_TOO_LONG && len >= CAP));
	REQUIRE(extent != REPLY_WHOLE || slow.at == fast.at);
	REQUIRE(whole != REPLY_PARTIAL || extent == REPLY_PARTIAL || len == 0);
	REQUIRE(whole != REPLY_GARBAGE || extent == REPLY_GARBAGE ||
	    (extent == REPLY_TOO_LONG && len >= CAP));
	if (whole == REPLY_WHOLE)
		parse(bytes, fast.at);
	free(bytes);
	return 0;
}
