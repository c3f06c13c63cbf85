/* SPDX-License-Identifier: MIT */
/* Print CLOCK_BOOTTIME in nanoseconds. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int
main(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
		return 1;
	printf("%" PRId64 "\n",
	    (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec);
	return 0;
}
