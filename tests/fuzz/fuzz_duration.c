/* SPDX-License-Identifier: MIT */
/* Durations: read, written, read again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "fuzz.h"

static void
write_and_read(int64_t ms)
{
	char *dst = malloc(24), again[24];
	int64_t back = -1;

	if (dst == NULL)
		abort();
	REQUIRE(duration_format(dst, 24, ms) == dst);
	REQUIRE(strlen(dst) < 23);
	REQUIRE(duration_parse(dst, &back) == DURATION_OK);
	/* Two units at most are written: it is cut, never made more. */
	REQUIRE(back <= ms && back >= ms - ms / 10);
	duration_format(again, sizeof(again), back);
	REQUIRE(strcmp(dst, again) == 0);
	free(dst);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	int64_t ms = -1, plain = -1;
	size_t len;
	char *text = fuzz_word(&in, '\0', &len), digits[24];

	if (duration_parse(text, &ms) == DURATION_OK) {
		REQUIRE(ms >= 0 && ms <= DURATION_MAX_MS);
		write_and_read(ms);
		snprintf(digits, sizeof(digits), "%" PRId64 "ms", ms);
		REQUIRE(duration_parse(digits, &plain) == DURATION_OK);
		REQUIRE(plain == ms);
	} else {
		REQUIRE(ms == -1);
	}
	if (size >= sizeof(ms)) {
		memcpy(&ms, data, sizeof(ms));
		write_and_read((int64_t)((uint64_t)ms % DURATION_MAX_MS));
	}
	free(text);
	return 0;
}
