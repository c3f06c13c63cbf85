/* SPDX-License-Identifier: MIT */
#include "utf8.h"

struct range {
	uint32_t first, last;
};

/* Valid characters that could forge what a terminal or a reader sees. */
static const struct range hidden[] = {
	{ 0x0000, 0x001f },   /* C0 */
	{ 0x007f, 0x009f },   /* DEL, C1 */
	{ 0x061c, 0x061c },   /* bidi: Arabic letter mark */
	{ 0x200e, 0x200f },   /* bidi: left-to-right and right-to-left marks */
	{ 0x2028, 0x202e },   /* line separators; bidi embeddings, overrides */
	{ 0x2066, 0x206f },   /* bidi isolates; deprecated formatting */
	{ 0xd800, 0xdfff },   /* surrogates are not characters */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotations */
	{ 0xe0000, 0xe007f }, /* tags: invisible ASCII */
};

/* The common blocks of marks that sit on the character before them. */
static const struct range combining[] = {
	{ 0x0300, 0x036f },
	{ 0x0483, 0x0489 },
	{ 0x0591, 0x05bd },
	{ 0x0610, 0x061a },
	{ 0x064b, 0x065f },
	{ 0x0900, 0x0902 },
	{ 0x093c, 0x093c },
	{ 0x0941, 0x0948 },
	{ 0x094d, 0x094d },
	{ 0x0e31, 0x0e31 },
	{ 0x0e34, 0x0e3a },
	{ 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x200b, 0x200d },
	{ 0x20d0, 0x20ff },
	{ 0x302a, 0x302d },
	{ 0x3099, 0x309a },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
	{ 0x1f3fb, 0x1f3ff },
	{ 0xe0100, 0xe01ef },
};

/* East Asian Wide and Fullwidth, and what terminals show as emoji. */
static const struct range wide[] = {
	{ 0x1100, 0x115f },
	{ 0x231a, 0x231b },
	{ 0x23e9, 0x23ec },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf },
	{ 0x4e00, 0xa4cf },
	{ 0xa960, 0xa97c },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x1fa70, 0x1faff },
	{ 0x20000, 0x3fffd },
};

#define COUNT(ranges) (sizeof(ranges) / sizeof((ranges)[0]))

static bool
is_among(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++) {
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	}
	return false;
}

size_t
utf8_decode(const char *text, size_t len, uint32_t *character)
{
	/* The least number that needs so many bytes: less is overlong. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n, i;
	uint32_t c;

	if (s[0] < 0x80) {
		*character = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	c = s[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return n;
}

bool
utf8_hidden(uint32_t character)
{
	return is_among(hidden, COUNT(hidden), character);
}

int
utf8_width(uint32_t character)
{
	if (character < 0x300)
		return 1;
	if (is_among(combining, COUNT(combining), character))
		return 0;
	return is_among(wide, COUNT(wide), character) ? 2 : 1;
}

/* Columns of the character at TEXT; *N is how many bytes it takes. */
static size_t
step(const char *text, size_t len, size_t *n)
{
	uint32_t c = 0;

	*n = utf8_decode(text, len, &c);
	if (*n > 0)
		return (size_t)utf8_width(c);
	*n = 1;
	return 1;
}

size_t
utf8_columns(const char *text, size_t len)
{
	size_t columns = 0, n;

	for (; len > 0; text += n, len -= n)
		columns += step(text, len, &n);
	return columns;
}

size_t
utf8_fit(const char *text, size_t len, size_t columns)
{
	size_t at = 0, used = 0, n, w;

	while (at < len) {
		w = step(text + at, len - at, &n);
		if (used + w > columns)
			break;
		used += w;
		at += n;
	}
	return at;
}
