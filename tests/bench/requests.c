/* SPDX-License-Identifier: MIT */
/* P4: requests. P7: what waiting and holding cost. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"


/*
 * Commands that clients sent (not those inside of scripts) since start_monitor(),
 * and their names.  ONLY: but those of lines that contain it.
 */
static int
count_requests(int fd, const char *only, char *names, size_t size)
{
	FILE *f = fdopen(fd, "r");
	static char line[1 << 16];
	char word[32];
	int n = 0;

	names[0] = '\0';
	ask("ECHO bench-is-over", line, sizeof(line));
	while (f != NULL && fgets(line, sizeof(line), f) != NULL &&
	    strstr(line, "bench-is-over") == NULL) {
		char *at = strstr(line, "] \"");
		if (at == NULL || strstr(line, " lua] ") != NULL || strstr(line, only) == NULL ||
		    sscanf(at, "] \"%31[^\"]", word) != 1 || strcmp(word, "ZCARD") == 0)
			continue;
		n++;
		if (strlen(names) + strlen(word) + 2 < size)
			sprintf(names + strlen(names), "%s%s", names[0] ? " " : "", word);
	}
	if (f != NULL)
		fclose(f);
	return n;
}

/* Both ways of counting at once: all go through a proxy, which counts round trips, and MONITOR counts commands. */
static void
both_counts(int monitor, const char *what, double goal)
{
	char names[512], text[128];
	int commands = count_requests(monitor, "", names, sizeof(names));

	snprintf(text, sizeof(text), "%s, round trips", what);
	result("P4", text, link_trips(), "", 0, goal);
	snprintf(text, sizeof(text), "%s, commands", what);
	result("P4", text, commands, "", 0, NO_GOAL);
	printf("    (%s)\n", names);
}

void
bench_requests(void)
{
	const char *const wrap[] = { netflock, "bench", "/bin/true", NULL };
	char url[64];
	struct how how = { .url = url };
	pid_t holder, next;
	int fd;

	snprintf(url, sizeof(url), "redis://127.0.0.1:%d", start_link(2));
	timed(environment(url, "LC_ALL=C"), wrap); /* now the server has the scripts */
	link_trips();
	fd = start_monitor();
	timed(environment(url, "LC_ALL=C"), wrap);
	both_counts(fd, "uncontended run", 2);

	empty_log();
	holder = contend(&how, "hold", 0);
	wait_for_lines(1);
	pause_ms(300);
	link_trips();
	fd = start_monitor();
	next = contend(&how, "hold", 0); /* so that its own release does not count */
	pause_ms(500);
	both_counts(fd, "until one waits", NO_GOAL);
	fd = start_monitor();
	let_go(1);
	wait_for_lines(3);
	both_counts(fd, "from a release to the next start", 2);
	let_go(1);
	waitpid(holder, NULL, 0);
	waitpid(next, NULL, 0);
	stop_link();
}

/* ------------------------------------------------------------------ P4, P7: waiting and holding */

static long
memory_kb(pid_t pid, const char *field)
{
	char path[64], line[256];
	FILE *f;
	long kb, sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0 &&
		    sscanf(line, "%*s %ld", &kb) == 1)
			sum += kb;
	fclose(f);
	return sum;
}


/* Nanoseconds of CPU that all its threads have used. */
static int64_t
cpu_ns(pid_t pid, int *threads)
{
	char path[300];
	struct dirent *e;
	long long ns, sum = 0;
	DIR *d;
	FILE *f;

	*threads = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, e->d_name);
		if (e->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
			continue;
		if (fscanf(f, "%lld", &ns) == 1)
			sum += ns;
		++*threads;
		fclose(f);
	}
	closedir(d);
	return sum;
}

static void
memory_of(pid_t waiter, pid_t front, pid_t keeper, int threads)
{
	result("P7", "waiter, threads", threads, "", 0, 1);
	result("P7", "waiter, RSS", (double)memory_kb(waiter, "Rss") / 1024, "MB", 0, 2);
	result("P7", "waiter, private", (double)memory_kb(waiter, "Private") / 1024, "MB", 0, 0.25);
	result("P7", "holder, private, front and keeper",
	    (double)(memory_kb(front, "Private") + memory_kb(keeper, "Private")) / 1024, "MB", 0, 0.6);
}

#define WAITERS 8
/* The holder comes by TCP, the waiters by the unix socket: so MONITOR tells them apart. */
void
bench_waiting(const char *ttl, int seconds)
{
	const struct how holding = { .url = tcp_url, .ttl = ttl }, queueing = { .ttl = ttl };
	pid_t pids[WAITERS + 1], keeper;
	char names[512], what[96];
	double hours = seconds / 3600.0;
	int64_t held, waited = 0;
	int fd, threads;

	empty_log();
	pids[0] = contend(&holding, "hold", 0);
	wait_for_lines(1);
	for (int i = 1; i <= WAITERS; i++)
		pids[i] = wait_behind(&queueing, i, 0);
	pause_ms(300);
	keeper = first_child(pids[0]);
	held = cpu_ns(pids[0], &threads) + cpu_ns(keeper, &threads);
	for (int i = 1; i <= WAITERS; i++)
		waited += cpu_ns(pids[i], &threads);
	fd = start_monitor();
	pause_ms(seconds * 1000);
	snprintf(what, sizeof(what), "per waiter and minute, ttl %s (%d in %d s)", ttl, WAITERS, seconds);
	result("P4", what, count_requests(fd, "unix:", names, sizeof(names)) * 60.0 / seconds / WAITERS, "", 0, 4);
	held = cpu_ns(pids[0], &threads) + cpu_ns(keeper, &threads) - held;
	for (int i = 1; i <= WAITERS; i++)
		waited -= cpu_ns(pids[i], &threads);
	snprintf(what, sizeof(what), "waiter, CPU per hour, ttl %s", ttl);
	result("P7", what, -(double)waited / 1e9 / WAITERS / hours, "s", 0, 0.05);
	snprintf(what, sizeof(what), "holder, CPU per hour, ttl %s", ttl);
	/* The goal is for the default lease. */
	result("P7", what, (double)held / 1e9 / hours, "s", 0, strcmp(ttl, "30s") == 0 ? 0.2 : NO_GOAL);
	if (strcmp(ttl, "30s") == 0)
		memory_of(pids[1], pids[0], keeper, threads);
	let_go(1);
	for (int i = 0; i <= WAITERS; i++)
		waitpid(pids[i], NULL, 0);
}
