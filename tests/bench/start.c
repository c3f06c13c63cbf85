/* SPDX-License-Identifier: MIT */
/* P1: start-up, next to the peers that are installed. P9: a busy lock. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include "bench.h"

struct contender {
	const char *label, *goal_name;
	const char *const *argv;
	const char *url;
	double goal;	/* ratio to the first flock line above it */
	bool reference;
};

/* Time all of them in turn, ROUNDS times. */
static void
race(const struct contender *c, size_t n, const char *locale, size_t rounds)
{
	int64_t *times = calloc(n * rounds, sizeof(*times));
	double reference = 0, fast_reference = 0;
	char what[96];

	if (times == NULL)
		die("no memory");
	for (size_t r = 0; r < rounds; r++)
		for (size_t k = 0; k < n; k++) {
			size_t i = (k + r) % n; /* not always after the same one */
			times[i * rounds + r] = timed(
			    environment(c[i].url, locale), c[i].argv);
		}
	for (size_t i = 0; i < n; i++) {
		double us = median_us(times + i * rounds, rounds);
		/* Sorted by now.  The fastest tenth suffers least from whatever else runs here. */
		size_t tenth = i * rounds + rounds / 10;
		double fast = (double)times[tenth] / 1000;
		if (c[i].reference) {
			reference = us;
			fast_reference = fast;
		}
		result(c[i].goal_name, c[i].label, us, "us",
		    reference > 0 ? us / reference : 0, c[i].goal);
		snprintf(what, sizeof(what), "%s, fastest tenth", c[i].label);
		if (c[i].goal >= 0)
			result(c[i].goal_name, what, fast, "us", fast / fast_reference, NO_GOAL);
	}
	free(times);
}

void
bench_start(const char *locale, double unix_goal, double tcp_goal, size_t rounds)
{
	const char *const bare[] = { "/bin/true", NULL };
	const char *const by_flock[] = { "flock", lock_file, "/bin/true", NULL };
	const char *const ours[] = { netflock, "bench", "/bin/true", NULL };
	const struct contender all[] = {
		{ "/bin/true alone", "P1", bare, unix_url, NO_GOAL, false },
		{ "flock(1)", "P1", by_flock, unix_url, NO_GOAL, true },
		{ "netflock, unix socket", "P1", ours, unix_url, unix_goal, false },
		{ "netflock, TCP loopback", "P1", ours, tcp_url, tcp_goal, false },
	};

	char text[96];

	snprintf(text, sizeof(text), "wrap /bin/true, nobody else wants the lock, %s, medians of %zu", locale, rounds);
	heading(text);
	race(all, sizeof(all) / sizeof(all[0]), locale, rounds);
}

void
bench_busy(size_t rounds)
{
	const char *const by_flock[] = { "flock", "-n", "-E", "0", lock_file, "/bin/true", NULL };
	const char *const ours[] = { netflock, "-n", "-E", "0", "bench", "/bin/true", NULL };
	const struct contender all[] = {
		{ "flock -n, busy", "P9", by_flock, unix_url, NO_GOAL, true },
		{ "netflock -n, busy, unix socket", "P9", ours, unix_url, 1.1, false },
	};
	const struct how flock_how = { .by_flock = true }, our_how = { .by_flock = false };
	pid_t holders[2];

	empty_log();
	holders[0] = contend(&flock_how, "hold", 0);
	holders[1] = contend(&our_how, "hold", 0);
	wait_for_lines(2);
	pause_ms(100);
	race(all, 2, "LANG=C.UTF-8", rounds);
	let_go(2);
	for (int i = 0; i < 2; i++)
		waitpid(holders[i], NULL, 0);
}

/* ------------------------------------------------------------------ peers */

/* Python: a lock of the installed package around /bin/true. */
static const struct {
	const char *label, *code;
} pythons[] = {
	{ "python3, redis-py Lock",
	    "import redis, subprocess\n"
	    "with redis.Redis(unix_socket_path='%s').lock('peer1', timeout=30): subprocess.call(['/bin/true'])" },
	{ "python3, python-redis-lock",
	    "import redis, redis_lock, subprocess\n"
	    "with redis_lock.Lock(redis.Redis(unix_socket_path='%s'), 'peer2', expire=30): subprocess.call(['/bin/true'])" },
	{ "python3, portalocker",
	    "import redis, portalocker, subprocess\n"
	    "with portalocker.RedisLock('peer3', redis.Redis(unix_socket_path='%s')): subprocess.call(['/bin/true'])" },
	{ "python3, redilock (TCP)",
	    "import redilock.sync_redilock as r, subprocess\n"
	    "with r.DistributedLock(ttl=30, redis_host='127.0.0.1', redis_port=%s)('peer4'): subprocess.call(['/bin/true'])" },
};
#define PYTHONS (sizeof(pythons) / sizeof(pythons[0]))

/* Whether it works here at all. */
static bool
usable(const char *const argv[])
{
	int status;

	if (argv[0][0] == '/' && access(argv[0], X_OK) == -1)
		return false;
	waitpid(start_quietly(environment(unix_url, "LANG=C.UTF-8"), argv), &status, 0);
	return status == 0;
}

void
bench_peers(size_t rounds)
{
	static char codes[PYTHONS][512], path[160];
	static const char *argv[PYTHONS + 1][4];
	const char *const by_flock[] = { "flock", lock_file, "/bin/true", NULL };
	struct contender all[PYTHONS + 2] = { { "flock(1)", "P1", by_flock, unix_url, NO_GOAL, true } };
	const char *sh[] = { "/bin/sh", "-c", "command -v setlock", NULL };
	size_t n = 1;

	heading("peers, wrap /bin/true, LANG=C.UTF-8");
	for (size_t i = 0; i < PYTHONS; i++) {
		const char *at = strstr(pythons[i].code, "%s");
		snprintf(codes[i], sizeof(codes[i]), "%.*s%s%s", (int)(at - pythons[i].code), pythons[i].code,
		    strstr(pythons[i].code, "redis_port=%s") != NULL ? strrchr(tcp_url, ':') + 1 : unix_url + 7, at + 2);
		argv[i][0] = "/usr/bin/python3";
		argv[i][1] = "-c";
		argv[i][2] = codes[i];
		if (usable(argv[i]))
			all[n++] = (struct contender){ pythons[i].label, "P1", argv[i], unix_url, NO_GOAL, false };
		else
			printf("    %s: not installed\n", pythons[i].label);
	}
	snprintf(path, sizeof(path), "%s/setlock", dir);
	argv[PYTHONS][0] = "setlock";
	argv[PYTHONS][1] = path;
	argv[PYTHONS][2] = "/bin/true";
	if (usable(sh) && usable(argv[PYTHONS]))
		all[n++] = (struct contender){ "setlock", "P1", argv[PYTHONS], unix_url, NO_GOAL, false };
	else
		printf("    setlock: not installed\n");
	sh[2] = "command -v etcdctl";
	printf("    etcdctl: %s\n", usable(sh) ? "not measured, needs a running etcd" : "not installed");
	race(all, n, "LANG=C.UTF-8", rounds);
}
