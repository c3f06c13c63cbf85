/* SPDX-License-Identifier: MIT */
/* Clock, results, processes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "bench.h"

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void
pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

void __attribute__((format(printf, 1, 2), noreturn))
die(const char *format, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

double
median_us(int64_t *values, size_t n)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), ascending);
	n /= 2;
	return (double)values[n] / 1000;
}

static FILE *json;
static int items, goals, missed;

void
open_results(void)
{
	if ((json = fopen("build/bench.json", "we")) == NULL)
		die("build/bench.json: %s", strerror(errno));
	fputs("[", json);
}

void
close_results(void)
{
	fputs("\n]\n", json);
	fclose(json);
	printf("\n%d of %d goals missed; also in build/bench.json\n", missed, goals);
}

void
heading(const char *text)
{
	printf("\n%s\n", text);
}

static void
show(const char *goal_name, const char *what, double value, const char *unit,
    double ratio, double goal, bool at_least)
{
	double judged = ratio > 0 ? ratio : value;
	bool miss = goal >= 0 && (at_least ? judged < goal : judged > goal);

	printf("%-3s %-54s %9.*f %-4s", goal_name, what, value < 10 ? 3 : 1, value, unit);
	if (ratio > 0)
		printf(" %6.3f x flock", ratio);
	else
		printf("%15s", "");
	if (goal >= 0)
		printf("  goal %s %.2f  %s", at_least ? ">=" : "<=", goal, miss ? "MISSED" : "ok");
	putchar('\n');
	fprintf(json, "%s\n  {\"goal\": \"%s\", \"what\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"",
	    items++ > 0 ? "," : "", goal_name, what, value, unit);
	if (ratio > 0)
		fprintf(json, ", \"ratio\": %.3f", ratio);
	if (goal >= 0) {
		fprintf(json, ", \"%s\": %.2f, \"reached\": %s",
		    at_least ? "at_least" : "at_most", goal, miss ? "false" : "true");
		goals++;
		missed += miss;
	}
	fputs("}", json);
}

void
result(const char *goal_name, const char *what, double value, const char *unit,
    double ratio, double goal)
{
	show(goal_name, what, value, unit, ratio, goal, false);
}

void
result_at_least(const char *goal_name, const char *what, double value,
    const char *unit, double ratio, double goal)
{
	show(goal_name, what, value, unit, ratio, goal, true);
}

/* A clean environment: PATH, the server, and the locale's variable. */
char *const *
environment(const char *url, const char *locale)
{
	static char url_text[160];
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	static char locale_text[32];
	static char *envp[4];

	snprintf(url_text, sizeof(url_text), "NETFLOCK_URL=%s", url);
	snprintf(locale_text, sizeof(locale_text), "%s", locale);
	envp[0] = path;
	envp[1] = locale_text;
	envp[2] = url_text;
	envp[3] = NULL;
	return envp;
}

static pid_t
spawn(char *const envp[], const char *const argv[], bool quietly)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int e;

	posix_spawn_file_actions_init(&actions);
	if (quietly)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	e = posix_spawnp(&pid, argv[0], &actions, NULL,
	    (char *const *)(uintptr_t)argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	if (e != 0)
		die("%s: %s", argv[0], strerror(e));
	return pid;
}

pid_t
start(char *const envp[], const char *const argv[])
{
	return spawn(envp, argv, false);
}

pid_t
start_quietly(char *const envp[], const char *const argv[])
{
	return spawn(envp, argv, true);
}

/* How long the command takes, in ns; it must succeed. */
int64_t
timed(char *const envp[], const char *const argv[])
{
	int64_t begin = now_ns();
	pid_t pid = start(envp, argv);
	int status;

	waitpid(pid, &status, 0);
	if (status != 0)
		die("%s failed: wait status %#x", argv[0], (unsigned)status);
	return now_ns() - begin;
}

