/* SPDX-License-Identifier: MIT */
/* P2: hand-over. P6: fairness. P3: both ends of a slow link. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

struct drain {
	int64_t gaps[8 * MAX_WAITERS];
	size_t n;
	int disorder;	 /* pairs out of order */
	int64_t took_ns; /* of all turns */
};

static void
drain_once(bool by_flock, int waiters, struct drain *d)
{
	static struct line lines[2 * MAX_WAITERS + 2];
	const struct how how = { .by_flock = by_flock };
	pid_t pids[MAX_WAITERS + 1];
	size_t n;

	empty_log();
	pids[0] = contend(&how, "hold", 0);
	wait_for_lines(1);
	for (int i = 1; i <= waiters; i++)
		pids[i] = wait_behind(&how, i, 0);
	pause_ms(20);
	let_go(1);
	for (int i = 0; i <= waiters; i++)
		waitpid(pids[i], NULL, 0);
	n = read_log(lines, 2 * MAX_WAITERS + 2);
	if (n != 2 * (size_t)waiters + 2)
		die("%d waiters left %zu lines", waiters, n);
	for (size_t i = 1; i + 1 < n; i += 2) { /* start end | start end ... */
		if (strcmp(lines[i].what, "end") != 0)
			die("two ran at the same time");
		d->gaps[d->n++] = lines[i + 1].at - lines[i].at;
		d->disorder += i > 1 && atoi(lines[i + 1].id) < atoi(lines[i - 1].id);
	}
	d->took_ns += lines[n - 1].at - lines[1].at;
}

void
bench_hand_over(int waiters, int rounds)
{
	static struct drain by_flock, ours;
	char what[64];
	double us, reference;

	memset(&by_flock, 0, sizeof(by_flock));
	memset(&ours, 0, sizeof(ours));
	for (int r = 0; r < rounds; r++) {
		drain_once(true, waiters, &by_flock);
		drain_once(false, waiters, &ours);
	}
	reference = median_us(by_flock.gaps, by_flock.n);
	us = median_us(ours.gaps, ours.n);
	snprintf(what, sizeof(what), "flock(1), %d waiting", waiters);
	result("P2", what, reference, "us", 0, NO_GOAL);
	snprintf(what, sizeof(what), "netflock, %d waiting", waiters);
	result("P2", what, us, "us", us / reference, 1.0);
	if (waiters > 1) {
		snprintf(what, sizeof(what), "netflock, %d waiting, pairs out of order", waiters);
		result("P2", what, ours.disorder, "", 0, 0.0);
		snprintf(what, sizeof(what), "netflock, %d waiting, turns", waiters);
		result_at_least("P2", what, (double)ours.n / ((double)ours.took_ns / 1e9), "1/s",
		    (double)by_flock.took_ns / (double)ours.took_ns, 1.0);
	}
}


/* ------------------------------------------------------------------ P6: fairness */

#define MAX_TURNS 50000

struct turn {
	int64_t launched, started;
};

/* Copy what MONITOR says to a file: the only place where the true order of arrival can be seen. */
static pid_t
record_monitor(char *path, size_t size)
{
	static char data[1 << 16];
	int in = start_monitor(), out;
	pid_t pid;
	ssize_t n;

	snprintf(path, size, "%s/monitor", dir);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while ((n = read(in, data, sizeof(data))) > 0)
			if (write(out, data, (size_t)n) != n)
				break;
		_exit(0);
	}
	close(in);
	close(out);
	return pid;
}

/*
 * Pairs that left the queue in another order than they had entered it.  In the
 * monitor's file a script's ZADD to the queue is an arrival, and the HSET of a
 * holder's record ("h:TOKEN") a grant.
 */
static int
count_disorder(const char *path, int *seen)
{
	static char tokens[MAX_TURNS][48];
	static char line[1 << 16];
	FILE *f = fopen(path, "r");
	int arrived = 0, last = -1, disorder = 0;
	char token[48], *at;

	*seen = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, " lua] \"ZADD\" \"netflock:{bench}:queue\"") != NULL) {
			at = strrchr(line, ' ');
			if (arrived < MAX_TURNS && sscanf(at, " \"%47[^\"]", tokens[arrived]) == 1)
				arrived++;
			continue;
		}
		if (strstr(line, " lua] \"HSET\" \"netflock:{bench}\"") == NULL ||
		    (at = strstr(line, "\"h:")) == NULL || sscanf(at, "\"h:%47[^\"]", token) != 1)
			continue;
		for (int i = last + 1; i < arrived + last + 1; i++) {
			int k = i % (arrived > 0 ? arrived : 1); /* forwards first: it is the next one */
			if (strcmp(tokens[k], token) != 0)
				continue;
			disorder += k < last;
			last = k;
			++*seen;
			tokens[k][0] = '\0'; /* its renewals do not count */
			break;
		}
	}
	if (f != NULL)
		fclose(f);
	return disorder;
}

/* N processes at any time, each replaced as soon as it is done; how many there were. */
static int
compete(bool by_flock, int contenders, int seconds, struct turn *turns)
{
	const struct how how = { .by_flock = by_flock };
	int64_t end = now_ns() + (int64_t)seconds * 1000000000;
	int n = 0, running = 0, status;
	char id[16];

	empty_log();
	do {
		while (running < contenders && n < MAX_TURNS && now_ns() < end) {
			turns[n] = (struct turn){ .launched = now_ns() };
			snprintf(id, sizeof(id), "%d", n++);
			contend(&how, id, 0);
			running++;
		}
		if (wait(&status) == -1)
			break;
		if (status != 0)
			die("a contender failed: wait status %#x", (unsigned)status);
		running--;
	} while (running > 0);
	return n;
}

/* Waits of those launched after the first round and a quarter of the time. */
static size_t
waits_of(struct turn *turns, int n, int contenders, int64_t *waits)
{
	static struct line lines[2 * MAX_TURNS];
	size_t got = read_log(lines, sizeof(lines) / sizeof(lines[0])), k = 0;

	for (size_t i = 0; i < got; i++)
		if (strcmp(lines[i].what, "start") == 0)
			turns[atoi(lines[i].id)].started = lines[i].at;
	for (int i = 2 * contenders < n / 2 ? 2 * contenders : n / 2; i < n; i++)
		waits[k++] = turns[i].started - turns[i].launched;
	return k;
}

void
bench_fairness(int contenders, int seconds)
{
	static struct turn turns[MAX_TURNS];
	static int64_t waits[MAX_TURNS];
	char what[96], path[96];

	for (int k = 0; k < 2; k++) {
		const char *name = k == 0 ? "flock(1)" : "netflock";
		pid_t recorder = k == 1 ? record_monitor(path, sizeof(path)) : 0;
		int n = compete(k == 0, contenders, seconds, turns), seen;
		size_t m = waits_of(turns, n, contenders, waits);
		double median = median_us(waits, m) / 1000, worst = (double)waits[m - 1] / 1e6;

		snprintf(what, sizeof(what), "%s, %d contenders, median wait of %zu", name, contenders, m);
		result("P6", what, median, "ms", 0, NO_GOAL);
		snprintf(what, sizeof(what), "%s, %d contenders, max/median", name, contenders);
		result("P6", what, worst / median, "", 0, k == 0 ? NO_GOAL : 1.5);
		if (k == 0)
			continue;
		pause_ms(50);
		kill(recorder, SIGKILL);
		waitpid(recorder, NULL, 0);
		n = count_disorder(path, &seen);
		snprintf(what, sizeof(what), "netflock, %d contenders, %d grants, out of order", contenders, seen);
		result("P6", what, n, "", 0, 0.0);
	}
}

/* ------------------------------------------------------------------ P3: a link of 20 ms */

struct over_link {
	int64_t start[32], hand_over[32], end[32];
};

static void
link_round(const char *url, struct over_link *o, int r)
{
	const struct how far = { .url = url };
	struct line lines[8];
	int64_t begin;
	pid_t pids[2];

	empty_log();
	begin = now_ns();
	pids[0] = contend(&far, "hold", 0);
	wait_for_lines(1);
	pids[1] = wait_behind(&far, 1, 0);
	pause_ms(5 * LINK_RTT_MS);
	let_go(1);
	waitpid(pids[0], NULL, 0);
	waitpid(pids[1], NULL, 0);
	o->end[r] = now_ns();
	if (read_log(lines, 8) != 4)
		die("over the link: not two starts and ends");
	o->start[r] = lines[0].at - begin;
	o->hand_over[r] = lines[2].at - lines[1].at;
	o->end[r] -= lines[3].at;
}

void
bench_link(int rounds)
{
	struct over_link o;
	const double rtt = LINK_RTT_MS * 1000;
	char url[128], reply[256];

	ask("ACL SETUSER bench on >secret ~* &* +@all", reply, sizeof(reply));
	ask("SELECT 3", reply, sizeof(reply)); /* waiting() looks there */
	snprintf(url, sizeof(url), "redis://bench:secret@127.0.0.1:%d/3", start_link(LINK_RTT_MS));
	for (int r = 0; r < rounds && r < 32; r++)
		link_round(url, &o, r);
	stop_link();
	ask("SELECT 0", reply, sizeof(reply));
	result("P3", "start, with AUTH, SELECT and name", median_us(o.start, (size_t)rounds) / rtt, "RTT", 0, 1.2);
	result("P3", "hand-over", median_us(o.hand_over, (size_t)rounds) / rtt, "RTT", 0, 1.2);
	result("P3", "end", median_us(o.end, (size_t)rounds) / rtt, "RTT", 0, 1.1);
}
