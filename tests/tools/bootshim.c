/* SPDX-License-Identifier: MIT */
/*
 * A suspend, preloaded into netflock (build/tools/bootshim.so): CLOCK_BOOTTIME is ahead by as many milliseconds as the
 * decimal text in the file $BOOTSHIM says, read anew each time.  As after a real one, its timers fire if they are due by
 * it; the other clocks, and the time that poll(2) still has to wait, do not notice.
 */
#include <sys/syscall.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FDS 64
#define SLICE_MS 5

/* Of each timer: when it is due on the moved clock, in ns; 0: not armed. */
static _Atomic long long due[FDS];

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

static long long
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* netflock has no others than those of CLOCK_BOOTTIME, and sets them to an instant. */
int
timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	struct itimerspec at = *new;
	long long ns = new->it_value.tv_sec * 1000000000LL + new->it_value.tv_nsec;

	if (fd >= 0 && fd < FDS)
		due[fd] = ns;
	ns = ns == 0 || ns > offset_ms() * 1000000 ? ns - (ns == 0 ? 0 : offset_ms() * 1000000) : 1;
	at.it_value.tv_sec = ns / 1000000000;
	at.it_value.tv_nsec = ns % 1000000000;
	return (int)syscall(SYS_timerfd_settime, fd, flags, &at, old);
}

static void
fire(const struct pollfd *fds, nfds_t n)
{
	const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

	for (nfds_t i = 0; i < n; i++) {
		int fd = fds[i].fd;

		if (fd >= 0 && fd < FDS && due[fd] != 0 && due[fd] <= now_ns(CLOCK_BOOTTIME)) {
			due[fd] = 0;
			syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &at_once, NULL);
		}
	}
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	long long end = now_ns(CLOCK_MONOTONIC) + timeout * 1000000LL;

	for (;;) {
		long long left = timeout < 0 ? SLICE_MS * 1000000LL : end - now_ns(CLOCK_MONOTONIC);
		struct timespec slice = { 0, left > SLICE_MS * 1000000LL ? SLICE_MS * 1000000L : left > 0 ? (long)left : 0 };
		long r;

		fire(fds, n);
		r = syscall(SYS_ppoll, fds, n, &slice, NULL, 0);
		if (r != 0 || (timeout >= 0 && now_ns(CLOCK_MONOTONIC) >= end))
			return (int)r;
	}
}
