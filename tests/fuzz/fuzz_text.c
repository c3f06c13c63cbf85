/* SPDX-License-Identifier: MIT */
/* What came from outside, on its way to a terminal or into JSON. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json.h"
#include "message.h"
#include "table.h"
#include "text.h"
#include "utf8.h"

static void
check_escape(const char *bytes, size_t len, size_t size)
{
	char *dst = malloc(size > 0 ? size : 1), *all = malloc(4 * len + 1);
	size_t n, whole;

	if (dst == NULL || all == NULL)
		abort();
	n = message_escape(dst, size, bytes, len);
	whole = message_escape(all, 4 * len + 1, bytes, len);
	REQUIRE(size == 0 || (n < size && dst[n] == '\0'));
	REQUIRE(size > 0 || n == 0);
	REQUIRE(fuzz_is_printable(dst, n, false));
	REQUIRE(fuzz_is_printable(all, whole, false));
	/* What has no room is cut, nothing else: never in an escape. */
	REQUIRE(n <= whole && memcmp(dst, all, n) == 0);
	if (n < whole && all[n] != '\\')
		REQUIRE(((unsigned char)all[n] & 0xc0) != 0x80);
	REQUIRE(n == whole || n + 5 > size);
	free(dst);
	free(all);
}

static void
check_utf8(const char *bytes, size_t len, size_t columns)
{
	size_t fit = utf8_fit(bytes, len, columns), at = 0, n;
	uint32_t c;

	REQUIRE(fit <= len);
	REQUIRE(utf8_columns(bytes, fit) <= columns);
	REQUIRE(fit == len || utf8_columns(bytes, len) > columns);
	for (; at < len; at += n) {
		n = utf8_decode(bytes + at, len - at, &c);
		REQUIRE(n <= 4 && n <= len - at);
		REQUIRE((n > 0) ==
		    fuzz_is_utf8(bytes + at, n > 0 ? n : len - at > 4
							 ? 4
							 : len - at) ||
		    n == 0);
		REQUIRE(n == 0 || c <= 0x10ffff);
		n = n > 0 ? n : 1;
	}
}

static void
check_json(const char *bytes, size_t len, int64_t number)
{
	struct text out = { 0 };
	struct json j = { .out = &out };

	json_open(&j, NULL, '{');
	json_text(&j, "text", bytes, len);
	json_hex(&j, "hex", bytes, len);
	json_number(&j, "number", number);
	json_time(&j, "time", number);
	json_open(&j, "list", '[');
	json_text(&j, NULL, bytes, len);
	json_bool(&j, NULL, len > 3);
	json_null(&j, NULL);
	json_close(&j, '[');
	json_close(&j, '{');
	REQUIRE(!out.failed && strlen(out.data) == out.len);
	REQUIRE(fuzz_is_json(out.data, out.len));
	REQUIRE(fuzz_is_printable(out.data, out.len, false));
	text_free(&out);
}

static void
check_lines(const char *text, size_t len, const struct table_style *style)
{
	size_t lines = 0;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n;

		REQUIRE(end != NULL);
		n = (size_t)(end - text);
		REQUIRE(style->width < 40 ||
		    utf8_columns(text, n) <= style->width);
		REQUIRE(n == 0 || text[n - 1] != ' ');
		lines++;
		text += n + 1;
		len -= n + 1;
	}
	REQUIRE(lines <= style->most + 1);
}

static void
check_table(const char *bytes, size_t len, size_t width)
{
	static const struct table_column columns[] = {
		{ .title = "NAME", .least = 8, .first = true },
		{ .title = "HOLDER", .least = 10, .middle = true },
		{ .title = "AGE", .right = true, .drop = 1 },
		{ .title = "WHAT", .least = 5, .drop = 2 },
	};
	struct table_style style = { .width = width, .header = true, .most = 9 };
	struct table *t = table_new(columns, 4);
	struct text out = { 0 }, cell = { 0 };
	struct fuzz_input in = { (const uint8_t *)bytes, len };
	size_t n;

	if (t == NULL)
		abort();
	for (int rows = 0; rows < 12 && in.size > 0; rows++) {
		char *word = fuzz_word(&in, '\n', &n);
		struct table_cell cells[4];

		text_empty(&cell);
		text_escape(&cell, word, n);
		/* Another order in every row. */
		for (int i = 0; i < 4; i++)
			cells[i].text = (i + rows) % 3 ? text_string(&cell) : "x",
			cells[i].colour = NULL;
		REQUIRE(table_row(t, cells) == 0);
		free(word);
	}
	table_sort(t);
	table_write(t, &style, &out);
	REQUIRE(fuzz_is_printable(text_string(&out), out.len, true));
	check_lines(text_string(&out), out.len, &style);
	text_free(&out);
	text_free(&cell);
	table_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t width = fuzz_byte(&in);
	size_t len;
	int64_t number = 0;
	char *bytes;

	if (in.size >= sizeof(number))
		memcpy(&number, in.data, sizeof(number));
	bytes = fuzz_copy(in.data, in.size);
	len = in.size;
	check_escape(bytes, len, width);
	check_utf8(bytes, len, width);
	check_json(bytes, len, number);
	check_table(bytes, len, width);
	free(bytes);
	return 0;
}
