/* SPDX-License-Identifier: MIT */
/*
 * Durations as people write them: 500ms 30s 5m 1h30m 2d, fractions (1.5h),
 * a bare number is seconds.  Units in falling order, each at most once.
 */
#ifndef DURATION_H
#define DURATION_H

#include <stddef.h>
#include <stdint.h>

enum duration_result {
	DURATION_OK,
	DURATION_SYNTAX, /* not a duration */
	DURATION_RANGE	 /* more than DURATION_MAX_MS */
};

/* About 285 years: so far below INT64_MAX nanoseconds that sums are safe. */
#define DURATION_MAX_MS INT64_C(9000000000000)

/* Parse TEXT into *MS (milliseconds, >= 0; a non-zero value below 1 ms is 1). */
enum duration_result duration_parse(const char *text, int64_t *ms);

/*
 * Write MS as people read it, two units at most: "3m12s", "450ms", "2d4h".
 * Returns DST.  24 bytes are enough.
 */
char *duration_format(char *dst, size_t size, int64_t ms);

#endif
