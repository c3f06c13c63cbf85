/* SPDX-License-Identifier: MIT */
/*
 * A suspend, preloaded into netflock (build/tools/bootshim.so): CLOCK_BOOTTIME is ahead by as many milliseconds as the
 * decimal text in the file $BOOTSHIM says, read anew each time; the other clocks do not notice.  Timers do not, either:
 * who shall look at the clock must be woken by something else.
 */
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long
offset_ms(void)
{
	const char *path = getenv("BOOTSHIM");
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

	if (r != 0 || clock != CLOCK_BOOTTIME)
		return (int)r;
	ms = offset_ms();
	t->tv_sec += ms / 1000;
	t->tv_nsec += ms % 1000 * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
	return 0;
}
