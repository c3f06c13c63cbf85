/* SPDX-License-Identifier: MIT */
/*
 * How fast netflock is, next to flock(1), in one run; docs/performance.md explains the rows.
 * Absolute times move from machine to machine, so the goals are ratios; the two
 * programs take turns and medians are shown.  A table goes to stdout, the same as JSON to build/bench.json.
 *
 * usage: bench NETFLOCK [full | quick]
 *        bench --stamp FILE ID [OLD]    the command that is run under the locks: its start and end go to FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

const char *netflock, *self;
char dir[64], lock_file[96], log_file[96], hold_fifo[96];
char unix_url[128], tcp_url[64];

/* Whatever is left of what was started ends up as a child of this process. */
static void
kill_the_rest(void)
{
	char path[64];
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	do {
		if ((f = fopen(path, "r")) == NULL)
			return;
		while (fscanf(f, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		fclose(f);
	} while (waitpid(-1, NULL, 0) > 0);
}

static void
remove_files(void)
{
	const char *const rm[] = { "rm", "-rf", dir, NULL };
	pid_t pid;

	if (posix_spawnp(&pid, rm[0], NULL, NULL, (char *const *)(uintptr_t)rm, NULL) == 0)
		waitpid(pid, NULL, 0);
}

/* The work is done in a child: so it is tidied up after errors and Ctrl-C, too.  Returns in the child. */
static void
supervise(void)
{
	sigset_t all, old;
	int signo, status = 1 << 8;
	pid_t worker, pid;

	sigemptyset(&all);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGCHLD);
	sigprocmask(SIG_BLOCK, &all, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if ((worker = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		return;
	}
	for (bool done = worker == -1; !done;) {
		sigwait(&all, &signo);
		done = signo != SIGCHLD;
		while (!done && (pid = waitpid(-1, &status, WNOHANG)) > 0)
			done = pid == worker;
		if (signo != SIGCHLD)
			status = (128 + signo) << 8;
	}
	kill_the_rest();
	remove_files();
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void
set_up(const char *program)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	self = n > 0 ? path : "build/bench";
	netflock = program;
	strcpy(dir, "/tmp/nfbench.XXXXXX");
	if (mkdtemp(dir) == NULL)
		die("%s: %s", dir, strerror(errno));
	supervise();
	signal(SIGPIPE, SIG_IGN);
	snprintf(lock_file, sizeof(lock_file), "%s/flock", dir);
	snprintf(log_file, sizeof(log_file), "%s/log", dir);
	snprintf(hold_fifo, sizeof(hold_fifo), "%s/fifo", dir);
	if (mkfifo(hold_fifo, 0600) == -1)
		die("%s: %s", hold_fifo, strerror(errno));
	close(open(lock_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	open_results();
	start_server();
}

static void
show_load(const char *when)
{
	double load[3] = { 0, 0, 0 };

	if (getloadavg(load, 3) > 0)
		result("-", when, load[0], "", 0, NO_GOAL);
}

static void
context(void)
{
	char info[8192], *version;

	ask("INFO server", info, sizeof(info));
	version = strstr(info, "_version:");
	printf("%ld processors, server %.*s\n", sysconf(_SC_NPROCESSORS_ONLN),
	    version != NULL ? (int)strcspn(version + 9, "\r") : 1, version != NULL ? version + 9 : "?");
}

static void
all_goals(bool full, bool quick)
{
	size_t rounds = quick ? 40 : full ? 1000 : 400;

	bench_start("LANG=C.UTF-8", 1.00, 1.05, rounds);
	bench_start("LC_ALL=C", 1.25, 1.35, rounds);
	bench_peers(quick ? 3 : 10);
	heading("hand-over: from the end of one command to the start of the next, LANG=C.UTF-8");
	bench_hand_over(1, quick ? 5 : 40);
	bench_hand_over(10, quick ? 1 : 6);
	bench_hand_over(50, quick ? 1 : 3);
	if (!quick)
		bench_hand_over(200, 2);
	if (full)
		bench_hand_over(1000, 1);
	heading("over a link of 20 ms (connecting to it costs nothing)");
	bench_link(quick ? 3 : 15);
	heading("requests: round trips, and commands (several travel in one write)");
	bench_requests();
	heading("killed with SIGKILL, vanished");
	bench_kill(quick ? 3 : 15);
	bench_vanish(quick ? 1 : 5);
	heading("fairness: as many contenders at any time, each replaced when it is done");
	bench_fairness(8, quick ? 1 : 4);
	bench_fairness(32, quick ? 1 : 4);
	if (!quick)
		bench_fairness(200, 6);
	heading("waiting and holding");
	bench_waiting("1200ms", quick ? 3 : 10);
	bench_waiting("30s", quick ? 3 : 20);
	heading("a busy lock, -n");
	bench_busy(rounds);
}

int
main(int argc, char *argv[])
{
	bool full = argc == 3 && strcmp(argv[2], "full") == 0;
	bool quick = argc == 3 && strcmp(argv[2], "quick") == 0;

	if (argc >= 4 && strcmp(argv[1], "--stamp") == 0)
		return stamp(argc, argv);
	if (argc < 2 || argc > 3 || (argc == 3 && !full && !quick)) {
		fputs("usage: bench NETFLOCK [full | quick]\n", stderr);
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up(argv[1]);
	context();
	show_load("load average before");
	all_goals(full, quick);
	heading("disturbance");
	show_load("load average after");
	close_results();
	return 0;
}
