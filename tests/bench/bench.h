/* SPDX-License-Identifier: MIT */
/* What the parts of the benchmark share; bench.c says what it is about. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define MAX_WAITERS 1000
#define NO_GOAL (-1.0)
#define LINK_RTT_MS 20

extern const char *netflock, *self;
extern char dir[64], lock_file[96], log_file[96], hold_fifo[96];
extern char unix_url[128], tcp_url[64];

/* --- base.c: results, processes */
int64_t now_ns(void);
void pause_ms(int ms);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
double median_us(int64_t *values, size_t n); /* sorts them */
void open_results(void);
void close_results(void);
void heading(const char *text);
/* One number. RATIO to flock(1), 0: none; the GOAL is for the ratio if there is one, else for the value. */
void result(const char *goal_name, const char *what, double value, const char *unit, double ratio, double goal);
void result_at_least(const char *goal_name, const char *what, double value, const char *unit, double ratio, double goal);
char *const *environment(const char *url, const char *locale); /* overwritten by the next call */
pid_t start(char *const envp[], const char *const argv[]);
pid_t start_quietly(char *const envp[], const char *const argv[]);
int64_t timed(char *const envp[], const char *const argv[]); /* ns */

/* --- server.c: the server, the slow link */
void start_server(void);
size_t ask(const char *command, char *reply, size_t size);
int start_monitor(void);
int free_port(void);
/* A proxy to the server with half of RTT_MS each way; its port. */
int start_link(int rtt_ms);
void stop_link(void);
int link_trips(void); /* round trips of all clients since the last call */

/* --- holders.c: who holds the lock and who waits */
struct line {
	char what[8], id[16];
	int64_t at;
	int pid;
	char state;
};

struct how {
	bool by_flock;
	const char *url;   /* NULL: the unix socket */
	const char *ttl;   /* NULL: the default */
};

int stamp(int argc, char *argv[]);
size_t read_log(struct line *lines, size_t max);
void empty_log(void);
void wait_for_lines(size_t wanted);
int waiting(bool by_flock);
pid_t contend(const struct how *how, const char *id, int old);
pid_t wait_behind(const struct how *how, int number, int old);
void let_go(int holders); /* of those called "hold" */
pid_t first_child(pid_t pid);

/* --- the goals */
void bench_start(const char *locale, double unix_goal, double tcp_goal, size_t rounds);
void bench_peers(size_t rounds);
void bench_busy(size_t rounds);
void bench_hand_over(int waiters, int rounds);
void bench_fairness(int contenders, int seconds);
void bench_link(int rounds);
void bench_requests(void);
void bench_waiting(const char *ttl, int seconds);
void bench_kill(int rounds);
void bench_vanish(int rounds);

#endif
