/* SPDX-License-Identifier: MIT */
/*
 * What has been seen already: SCAN may return a key again, and starts over
 * after a reconnect; and reset-all takes locks only from those it has asked
 * about.
 *
 * It keeps 64-bit fingerprints, salted, so that nobody can choose names that
 * hide another (but for one chance in 2^46).  There are two kinds:
 *
 * seen_new(): constant memory, 131,072 places of 1 MiB, eight to a bucket;
 * when a bucket is full, an old one gives way.  So nothing is ever forgotten
 * among the first tens of thousands, and with more a repeated key may be
 * reported twice, but none is left out.
 *
 * seen_new_exact(): forgets nothing, and grows: 11 to 22 bytes for each thing
 * added, half as much again for a moment while it grows; 22 MiB for a million.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>

struct seen;

/* NULL: out of memory. */
struct seen *seen_new(void);
struct seen *seen_new_exact(void);
/* Remember these bytes; whether they are new. */
bool seen_add(struct seen *s, const char *bytes, size_t len);
/* Whether they were added.  Only for exact ones. */
bool seen_has(const struct seen *s, const char *bytes, size_t len);
/* An exact one ran out of memory: something that was added is missing. */
bool seen_failed(const struct seen *s);
void seen_free(struct seen *s);

#endif
