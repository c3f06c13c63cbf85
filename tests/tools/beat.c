/* SPDX-License-Identifier: MIT */
/*
 * Guarded work that leaves proof of when it ran: appends a line
 * "TOKEN FENCE BOOTTIME_NS" to FILE at once and then every 2 ms, with one
 * write(2) on an O_APPEND descriptor, so lines of several processes never mix.
 * TOKEN and FENCE are netflock's (NETFLOCK_TOKEN, NETFLOCK_FENCE; "-" if unset).
 * overlap.py reads the file.
 *
 * usage: beat [-t] FILE [MS]     -t: ignore TERM, INT and HUP; MS: end after that (0, the default: never)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 2000000L

static int64_t
boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : "-";
}

static void
beat_for(int fd, int64_t ns)
{
	const char *token = variable("NETFLOCK_TOKEN");
	const char *fence = variable("NETFLOCK_FENCE");
	const struct timespec period = { 0, PERIOD_NS };
	char line[512];
	int64_t now, end = 0;

	do {
		now = boottime();
		if (end == 0)	/* from the first beat on */
			end = ns > 0 ? now + ns : INT64_MAX;
		int len = snprintf(line, sizeof(line), "%.300s %.30s %" PRId64
				"\n", token, fence, now);
		if (write(fd, line, (size_t)len) != len)
			exit(1);
		nanosleep(&period, NULL);
	} while (now < end);
}

int
main(int argc, char *argv[])
{
	int fd;
	long ms;

	if (argc > 1 && strcmp(argv[1], "-t") == 0) {
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		argc--;
		argv++;
	}
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: beat [-t] FILE [MS]\n");
		return 64;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd == -1) {
		fprintf(stderr, "beat: %s: %s\n", argv[1], strerror(errno));
		return 71;
	}
	ms = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	beat_for(fd, ms * INT64_C(1000000));
	return 0;
}
