/* SPDX-License-Identifier: MIT */
#include "duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t ms;
};

/* In falling order, which is the order they must come in. */
static const struct unit units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

#define UNITS (sizeof(units) / sizeof(units[0]))
#define SECONDS 3 /* index of "s" */

/* "12.5": the fraction in billionths, for no double is exact. */
struct number {
	int64_t whole;
	int64_t billionths;
	bool small; /* more than nothing was cut behind the billionths */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
parse_fraction(const char *p, struct number *n)
{
	int64_t place;

	for (place = 100000000; is_digit(*p); p++, place /= 10) {
		n->billionths += place * (*p - '0');
		if (place == 0 && *p != '0')
			n->small = true;
	}
	return p;
}

/* Returns what follows the number, or NULL if there is none. */
static const char *
parse_number(const char *p, struct number *n)
{
	memset(n, 0, sizeof(*n));
	if (!is_digit(*p))
		return NULL;
	for (; is_digit(*p); p++) {
		/* Saturates: far beyond any limit already. */
		if (n->whole <= DURATION_MAX_MS)
			n->whole = n->whole * 10 + (*p - '0');
	}
	if (*p != '.')
		return p;
	if (!is_digit(*++p))
		return NULL;
	return parse_fraction(p, n);
}

/* Index of the unit that stands at P (all letters there), or UNITS. */
static size_t
find_unit(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < UNITS; i++) {
		if (strlen(units[i].name) == len &&
		    strncmp(units[i].name, p, len) == 0)
			break;
	}
	return i;
}

enum duration_result
duration_parse(const char *text, int64_t *ms)
{
	const char *p = text;
	struct number n;
	int64_t total = 0;
	size_t unit, next = 0, len;
	bool nonzero = false, range = false;

	do {
		p = parse_number(p, &n);
		if (p == NULL)
			return DURATION_SYNTAX;
		for (len = 0; p[len] >= 'a' && p[len] <= 'z'; len++)
			;
		/* Only a number that stands alone may go without a unit. */
		if (len == 0 && *p == '\0' && next == 0)
			unit = SECONDS;
		else
			unit = find_unit(p, len);
		if (unit < next || unit == UNITS)
			return DURATION_SYNTAX;
		next = unit + 1;
		p += len;

		nonzero = nonzero || n.whole || n.billionths || n.small;
		if (n.whole > DURATION_MAX_MS / units[unit].ms)
			range = true;
		else
			total += n.whole * units[unit].ms +
				 n.billionths * units[unit].ms / 1000000000;
		range = range || total > DURATION_MAX_MS;
	} while (*p != '\0');

	if (range)
		return DURATION_RANGE;
	*ms = total == 0 && nonzero ? 1 : total;
	return DURATION_OK;
}

/* 1 s to 10 s: "1.25s". */
static void
format_seconds(char *dst, size_t size, int64_t ms)
{
	int len;

	len =
	    snprintf(dst, size, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
	if (len < 0 || (size_t)len + 1 >= size)
		return;
	while (dst[len - 1] == '0')
		len--;
	if (dst[len - 1] == '.')
		len--;
	dst[len] = 's';
	dst[len + 1] = '\0';
}

char *
duration_format(char *dst, size_t size, int64_t ms)
{
	int64_t rest;
	size_t i = 0;

	if (ms <= 0) {
		snprintf(dst, size, "0s");
		return dst;
	}
	while (ms < units[i].ms)
		i++;
	rest = ms % units[i].ms;
	if (i == SECONDS && ms < 10000)
		format_seconds(dst, size, ms);
	else if (i < SECONDS && rest >= units[i + 1].ms)
		snprintf(dst, size, "%" PRId64 "%s%" PRId64 "%s",
		    ms / units[i].ms, units[i].name, rest / units[i + 1].ms,
		    units[i + 1].name);
	else
		snprintf(dst, size, "%" PRId64 "%s", ms / units[i].ms,
		    units[i].name);
	return dst;
}
