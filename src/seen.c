/* SPDX-License-Identifier: MIT */
#include "seen.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKETS 16384 /* a power of two */
#define PLACES 8
#define EXACT_FIRST 4096 /* a power of two */

struct seen {
	uint64_t salt;
	bool exact, failed;
	unsigned turn; /* which place gives way next, unless exact */
	size_t size;   /* a power of two */
	size_t count;  /* of marks, if exact */
	uint64_t *marks; /* 0: none */
};

static struct seen *
new(bool exact, size_t size)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->exact = exact;
	s->size = size;
	s->marks = calloc(size, sizeof(*s->marks));
	if (s->marks == NULL) {
		free(s);
		return NULL;
	}
	/* Without a salt it works as well, against anybody but an attacker. */
	if (getrandom(&s->salt, sizeof(s->salt), GRND_NONBLOCK) < 0)
		s->salt = 0;
	return s;
}

struct seen *
seen_new(void)
{
	return new(false, (size_t)BUCKETS * PLACES);
}

struct seen *
seen_new_exact(void)
{
	return new(true, EXACT_FIRST);
}

/* FNV-1a with the salt stirred in, and a last mix (MurmurHash3's). */
static uint64_t
mark_of(const struct seen *s, const char *bytes, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ s->salt;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 33;
	h = (h ^ s->salt) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h != 0 ? h : 1;
}

/* Its place, or the free one that it would get: there is always one. */
static uint64_t *
exact_place(uint64_t *marks, size_t size, uint64_t mark)
{
	size_t i = mark & (size - 1);

	while (marks[i] != 0 && marks[i] != mark)
		i = (i + 1) & (size - 1);
	return &marks[i];
}

static int
grow(struct seen *s)
{
	size_t size = 2 * s->size;
	uint64_t *marks = calloc(size, sizeof(*marks));

	if (marks == NULL)
		return -1;
	for (size_t i = 0; i < s->size; i++) {
		if (s->marks[i] != 0)
			*exact_place(marks, size, s->marks[i]) = s->marks[i];
	}
	free(s->marks);
	s->marks = marks;
	s->size = size;
	return 0;
}

static bool
add_exact(struct seen *s, uint64_t mark)
{
	uint64_t *place = exact_place(s->marks, s->size, mark);

	if (*place == mark)
		return false;
	if (s->count >= s->size / 4 * 3) {
		if (grow(s) == -1) {
			s->failed = true;
			return true;
		}
		place = exact_place(s->marks, s->size, mark);
	}
	*place = mark;
	s->count++;
	return true;
}

bool
seen_add(struct seen *s, const char *bytes, size_t len)
{
	uint64_t mark = mark_of(s, bytes, len);
	uint64_t *bucket = s->marks + mark % BUCKETS * PLACES;

	if (s->exact)
		return add_exact(s, mark);
	for (int i = 0; i < PLACES; i++) {
		if (bucket[i] == mark)
			return false;
		if (bucket[i] == 0) {
			bucket[i] = mark;
			return true;
		}
	}
	bucket[s->turn++ % PLACES] = mark;
	return true;
}

bool
seen_has(const struct seen *s, const char *bytes, size_t len)
{
	return *exact_place(s->marks, s->size, mark_of(s, bytes, len)) != 0;
}

bool
seen_failed(const struct seen *s)
{
	return s->failed;
}

void
seen_free(struct seen *s)
{
	if (s != NULL)
		free(s->marks);
	free(s);
}
