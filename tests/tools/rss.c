/* SPDX-License-Identifier: MIT */
/*
 * rss SECONDS COMMAND [ARG]...: run COMMAND in a session of its own and print
 * what became of it: "STATUS KIB MILLISECONDS", the status as a shell has it,
 * or "hung" after SECONDS.  KIB is the largest resident set of it and of those
 * it waited for.  This must be small itself: a new program counts what was in
 * memory before its exec.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
main(int argc, char **argv)
{
	struct rusage usage;
	struct pollfd p;
	long began = now_ms();
	int status;
	pid_t pid;

	if (argc < 3)
		return 64;
	pid = fork();
	if (pid == 0) {
		setsid();
		execv(argv[2], argv + 2);
		_exit(127);
	}
	p = (struct pollfd){ (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 };
	if (pid == -1 || p.fd == -1)
		return 71;
	if (poll(&p, 1, atoi(argv[1]) * 1000) != 1) {
		printf("hung\n");
		kill(-pid, SIGKILL);
		return 1;
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		return 71;
	printf("%d %ld %ld\n",
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	    usage.ru_maxrss, now_ms() - began);
	return 0;
}
