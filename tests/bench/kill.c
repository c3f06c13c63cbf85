/* SPDX-License-Identifier: MIT */
/* P5: who is killed. P9: whose host vanishes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

static const struct how ours = { .by_flock = false };

/* Nanoseconds from the SIGKILL to the next command's start; ALIVE is set if the old one still ran then. */
static int64_t
kill_once(bool keeper, bool *alive)
{
	struct line lines[8];
	pid_t front, next, victim;
	int64_t killed;

	empty_log();
	front = contend(&ours, "hold", 0);
	wait_for_lines(1);
	read_log(lines, 8);
	next = wait_behind(&ours, 1, lines[0].pid);
	pause_ms(150);
	victim = keeper ? first_child(front) : front;
	if (victim == 0)
		die("no keeper");
	killed = now_ns();
	kill(victim, SIGKILL);
	waitpid(next, NULL, 0);
	waitpid(front, NULL, 0);
	if (read_log(lines, 8) < 2 || strcmp(lines[1].id, "1") != 0)
		die("the next one did not start after the kill");
	if (lines[1].state != 'X' && lines[1].state != 'Z')
		*alive = true;
	return lines[1].at - killed;
}

void
bench_kill(int rounds)
{
	static const char *const who[] = { "front", "keeper" };
	int64_t times[64];
	char what[64];
	bool alive = false;

	for (int k = 0; k < 2; k++) {
		for (int r = 0; r < rounds && r < 64; r++)
			times[r] = kill_once(k == 1, &alive);
		snprintf(what, sizeof(what), "SIGKILL of the %s -> next start, median", who[k]);
		result("P5", what, median_us(times, (size_t)rounds) / 1000, "ms", 0, 10);
		snprintf(what, sizeof(what), "SIGKILL of the %s -> next start, worst", who[k]);
		result("P5", what, (double)times[rounds - 1] / 1e6, "ms", 0, NO_GOAL);
	}
	result("P5", "old command alive at the next start", alive, "", 0, 0.0);
}


/* When the holder's lease ends, by the server's clock, which is this machine's; in ms. */
static int64_t
lease_end(void)
{
	char text[8192], *at;

	ask("HVALS netflock:{bench}", text, sizeof(text));
	if ((at = strstr(text, "\"ends\":\"")) == NULL)
		die("no lease to be seen");
	return strtoll(at + 8, NULL, 10);
}

/* The host is gone: all its processes stop at once.  How long after the end of the lease the next one starts. */
static int64_t
vanish_once(void)
{
	const struct how brief = { .ttl = "1200ms" };
	struct line lines[8];
	struct timespec t;
	pid_t front, next, gone[3];
	int64_t ends, to_real;

	empty_log();
	front = contend(&brief, "hold", 0);
	wait_for_lines(1);
	read_log(lines, 8);
	next = wait_behind(&ours, 1, 0);
	pause_ms(100);
	gone[0] = front;
	gone[1] = first_child(front);
	gone[2] = lines[0].pid;
	for (int i = 0; i < 3; i++)
		if (gone[i] > 0)
			kill(gone[i], SIGSTOP);
	ends = lease_end();
	wait_for_lines(2);
	clock_gettime(CLOCK_REALTIME, &t);
	to_real = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - now_ns();
	waitpid(next, NULL, 0);
	for (int i = 0; i < 3; i++)
		if (gone[i] > 0)
			kill(gone[i], SIGKILL);
	waitpid(front, NULL, 0);
	read_log(lines, 8);
	return lines[1].at + to_real - ends * 1000000;
}

void
bench_vanish(int rounds)
{
	int64_t times[64];

	for (int r = 0; r < rounds && r < 64; r++)
		times[r] = vanish_once();
	result("P9", "holder's host gone, end of lease -> start, median",
	    median_us(times, (size_t)rounds) / 1000, "ms", 0, 150);
	result("P9", "the same, worst", (double)times[rounds - 1] / 1e6, "ms", 0, NO_GOAL);
}
