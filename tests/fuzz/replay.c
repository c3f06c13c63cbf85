/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer: every file of the directories given,
 * and mutations of each, always the same ones.  Prints TAP.
 *
 * usage: TARGET [-n MUTATIONS-OF-EACH] DIRECTORY|FILE...
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define SIZE_MOST ((size_t)64 * 1024)
/* An input that takes longer hangs. */
#define SECONDS 20

static char now[4200]; /* what is being run, for the signal handler */
static unsigned long long state = 1;
static unsigned long mutations = 300, files;

static unsigned
draw(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % below);
}

static void
on_signal(int number)
{
	static const char head[] = "not ok 1 - ";

	(void)!write(1, head, sizeof(head) - 1);
	(void)!write(1, now, strlen(now));
	(void)!write(1, "\n1..1\n", 6);
	_exit(number == SIGALRM ? 2 : 1);
}

static void
run(const unsigned char *data, size_t size)
{
	/* Of its own, so that a sanitizer sees a read beyond. */
	char *copy = fuzz_copy(data, size);

	alarm(SECONDS);
	LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
	free(copy);
}

static size_t
mutate(unsigned char *data, size_t size)
{
	static const unsigned char odd[] = { 0, 1, '\n', '\r', '*', '$', '-',
		'9', 0x1b, 0x7f, 0x80, 0xc2, 0xe2, 0xed, 0xf4, 0xff };
	size_t at = size > 0 ? draw((unsigned)size) : 0, n;

	switch (size > 0 ? draw(5) : 3) {
	case 0:
		data[at] ^= (unsigned char)(1U << draw(8));
		return size;
	case 1:
		data[at] = odd[draw(sizeof(odd))];
		return size;
	case 2: /* cut out */
		n = 1 + draw((unsigned)(size - at));
		memmove(data + at, data + at + n, size - at - n);
		return size - n;
	case 3: /* put in */
		if (size == SIZE_MOST)
			return size;
		memmove(data + at + 1, data + at, size - at);
		data[at] = odd[draw(sizeof(odd))];
		return size + 1;
	default: /* repeat a piece */
		n = 1 + draw((unsigned)(size - at));
		if (size + n > SIZE_MOST)
			return size;
		memmove(data + at + n, data + at, size - at);
		return size + n;
	}
}

static void
run_file(const char *path)
{
	static unsigned char whole[SIZE_MOST], data[SIZE_MOST];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd == -1 ? -1 : read(fd, whole, sizeof(whole));
	size_t n;

	if (size == -1) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	close(fd);
	files++;
	snprintf(now, sizeof(now), "%s", path);
	run(whole, (size_t)size);
	for (unsigned long i = 0; i < mutations; i++) {
		snprintf(now, sizeof(now), "%s, mutation %lu", path, i);
		memcpy(data, whole, (size_t)size);
		n = (size_t)size;
		for (unsigned times = 1 + draw(6); times > 0; times--)
			n = mutate(data, n);
		run(data, n);
	}
}

static int
is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void
run_path(const char *path)
{
	struct dirent **entries;
	char inner[4096];
	int n = scandir(path, &entries, is_shown, alphasort);

	if (n == -1) {
		run_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path,
		    entries[i]->d_name);
		free(entries[i]);
		run_file(inner);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	/* The others belong to the sanitizer, if there is one. */
	static const int fatal[] = { SIGABRT, SIGALRM,
#ifndef __SANITIZE_ADDRESS__
		SIGSEGV, SIGBUS, SIGFPE, SIGILL
#endif
	};
	int at = 1;

	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		signal(fatal[i], on_signal);
	if (at + 1 < argc && strcmp(argv[at], "-n") == 0) {
		mutations = strtoul(argv[at + 1], NULL, 10);
		at += 2;
	}
	for (; at < argc; at++)
		run_path(argv[at]);
	alarm(0);
	printf("%sok 1 - %lu inputs and %lu mutations of each\n1..1\n",
	    files > 0 ? "" : "not ", files, mutations);
	return files > 0 ? 0 : 1;
}
