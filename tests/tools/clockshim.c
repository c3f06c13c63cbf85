/* SPDX-License-Identifier: MIT */
/*
 * A wall clock that can be stepped, preloaded into a private redis-server (build/tools/clockshim.so): the real time
 * plus as many milliseconds as the decimal text in the file $CLOCKSHIM says, read anew each time.  Monotonic clocks stay real.
 */
#include <sys/syscall.h>
#include <sys/time.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long
offset_ms(void)
{
	const char *path = getenv("CLOCKSHIM");
	char text[32];
	ssize_t n = 0;
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd != -1) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return strtoll(text, NULL, 10);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);
	long long ms;

	if (r != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return (int)r;
	ms = offset_ms();
	t->tv_sec += ms / 1000;
	t->tv_nsec += ms % 1000 * 1000000;
	if (t->tv_nsec < 0) {
		t->tv_nsec += 1000000000;
		t->tv_sec--;
	} else if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *p)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (p != NULL)
		*p = t.tv_sec;
	return t.tv_sec;
}
