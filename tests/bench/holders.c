/* SPDX-License-Identifier: MIT */
/* Who holds the lock, who waits, and what their commands write down. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

/* --stamp: everything before the first clock reading is the loader's. */
int
stamp(int argc, char *argv[])
{
	char line[128], proc[64], state = 'X';
	int64_t begin = now_ns();
	int fd = open(argv[2], O_WRONLY | O_APPEND | O_CLOEXEC), len;
	FILE *f;

	if (argc > 4 && atoi(argv[4]) > 0) {
		snprintf(proc, sizeof(proc), "/proc/%s/stat", argv[4]);
		if ((f = fopen(proc, "r")) != NULL) {
			if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
				state = '?';
			fclose(f);
		}
	}
	len = snprintf(line, sizeof(line), "start %s %" PRId64 " %d %c\n",
	    argv[3], begin, (int)getpid(), state);
	if (fd == -1 || write(fd, line, (size_t)len) != len)
		return 1;
	if (strcmp(argv[3], "hold") == 0) { /* until the fifo is written to */
		char *fifo = getenv("BENCH_FIFO"), c;
		alarm(300); /* should bench itself have died */
		int in = open(fifo != NULL ? fifo : "/dev/null", O_RDONLY);
		if (read(in, &c, 1) == -1)
			return 1;
	}
	len = snprintf(line, sizeof(line), "end %s %" PRId64 " 0 X\n", argv[3],
	    now_ns());
	return write(fd, line, (size_t)len) == len ? 0 : 1;
}

/* The log so far, LINES at most. */
size_t
read_log(struct line *lines, size_t max)
{
	FILE *f = fopen(log_file, "r");
	size_t n = 0;

	while (f != NULL && n < max &&
	    fscanf(f, "%7s %15s %" SCNd64 " %d %c", lines[n].what, lines[n].id,
		&lines[n].at, &lines[n].pid, &lines[n].state) == 5)
		n++;
	if (f != NULL)
		fclose(f);
	return n;
}

void
empty_log(void)
{
	int fd = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd == -1)
		die("%s: %s", log_file, strerror(errno));
	close(fd);
}

void
wait_for_lines(size_t wanted)
{
	static struct line lines[2 * MAX_WAITERS + 2];

	for (int waited = 0; read_log(lines, 2 * MAX_WAITERS + 2) < wanted; waited++) {
		if (waited > 30000)
			die("waited in vain for %zu starts and ends", wanted);
		pause_ms(1);
	}
}

/* How many wait for the lock. */
int
waiting(bool by_flock)
{
	char text[4096];
	struct stat st;
	FILE *f;
	int n = 0;
	unsigned long inode;

	if (!by_flock) {
		ask("ZCARD netflock:{bench}:queue", text, sizeof(text));
		return text[0] == ':' ? atoi(text + 1) : -1;
	}
	if (stat(lock_file, &st) == -1 || (f = fopen("/proc/locks", "r")) == NULL)
		return -1;
	while (fgets(text, sizeof(text), f) != NULL)
		if (strstr(text, "->") != NULL &&
		    sscanf(text, "%*s -> %*s %*s %*s %*d %*x:%*x:%lu", &inode) == 1)
			n += inode == st.st_ino;
	fclose(f);
	return n;
}

/* Start one that runs "--stamp log ID OLD" under the lock. */
pid_t
contend(const struct how *how, const char *id, int old)
{
	static char fifo_text[128];
	char old_text[16];
	const char *argv[16] = { how->by_flock ? "flock" : netflock, "-w", "300" };
	char *envp[5];
	int n = 3;

	snprintf(old_text, sizeof(old_text), "%d", old);
	snprintf(fifo_text, sizeof(fifo_text), "BENCH_FIFO=%s", hold_fifo);
	memcpy(envp, environment(how->url != NULL ? how->url : unix_url, "LANG=C.UTF-8"),
	    3 * sizeof(*envp));
	envp[3] = fifo_text;
	envp[4] = NULL;
	if (how->ttl != NULL) {
		argv[n++] = "-t";
		argv[n++] = how->ttl;
	}
	argv[n++] = how->by_flock ? lock_file : "bench";
	argv[n++] = self;
	argv[n++] = "--stamp";
	argv[n++] = log_file;
	argv[n++] = id;
	argv[n] = old_text;
	return start_quietly(envp, argv);
}

pid_t
wait_behind(const struct how *how, int number, int old)
{
	char id[16];
	pid_t pid;

	snprintf(id, sizeof(id), "%d", number);
	pid = contend(how, id, old);
	for (int waited = 0; waiting(how->by_flock) < number; waited++) {
		if (waited > 10000)
			die("a waiter does not queue up");
		pause_ms(1);
	}
	return pid;
}

void
let_go(int holders)
{
	int fd = open(hold_fifo, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, "xxxxxxxx", (size_t)holders) != holders)
		die("%s: %s", hold_fifo, strerror(errno));
	close(fd);
}

pid_t
first_child(pid_t pid)
{
	char path[64];
	FILE *f;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	if ((f = fopen(path, "r")) != NULL) {
		if (fscanf(f, "%d", &child) != 1)
			child = 0;
		fclose(f);
	}
	return child;
}
