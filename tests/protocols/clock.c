/* SPDX-License-Identifier: MIT */
/*
 * A wall clock that stands still until told to move, preloaded into a private
 * redis-server: microseconds since 1970 in the first 8 bytes of $TEST_CLOCK.
 * Monotonic clocks stay real, so that the server's event loop runs.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long
now_us(void)
{
	static volatile long long *page;
	void *p;
	int fd;

	if (page == NULL) {
		fd = open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC);
		p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		if (p == MAP_FAILED)
			abort();
		page = p;
	}
	return *page;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	long long us = now_us();

	(void)zone;
	tv->tv_sec = us / 1000000;
	tv->tv_usec = us % 1000000;
	return 0;
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	long long us;

	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	us = now_us();
	ts->tv_sec = us / 1000000;
	ts->tv_nsec = us % 1000000 * 1000;
	return 0;
}

time_t
time(time_t *t)
{
	time_t now = now_us() / 1000000;

	if (t != NULL)
		*t = now;
	return now;
}
