/* SPDX-License-Identifier: MIT */
/* What a hostile server says of a lock, as "status" shows it. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_status.h"
#include "fuzz.h"
#include "inspect.h"
#include "options.h"
#include "reply.h"
#include "table.h"

#define CAP 4096

static void
put(struct text *out, const char *bytes, size_t len)
{
	text_format(out, "$%zu\r\n", len);
	text_add(out, bytes, len);
	text_put(out, "\r\n");
}

/* "field=value", one per line, as the reply that says so. */
static void
encode(struct fuzz_input *in, struct text *out)
{
	struct text body = { 0 };
	size_t len, n, count = 1;

	for (; in->size > 0 && count < 400; count += 2) {
		char *field = fuzz_word(in, '=', &len);
		char *value = fuzz_word(in, '\n', &n);

		put(&body, field, len);
		put(&body, value, n);
		free(field);
		free(value);
	}
	text_format(out, "*%zu\r\n", count);
	text_put(out, "$2\r\nok\r\n");
	text_add(out, text_string(&body), body.len);
	text_free(&body);
}

static struct reply *
make_reply(const char *bytes, size_t len)
{
	struct redisReader *reader = redisReaderCreate();
	struct reply_scan scan = { 0 };
	struct reply *r = NULL;

	if (reply_scan(&scan, bytes, len, (size_t)1 << 20) == REPLY_WHOLE)
		r = reply_parse(reader, bytes, scan.at);
	redisReaderFree(reader);
	return r;
}

static void
check_numbers(const struct inspect *in)
{
	char state[48];

	REQUIRE(in->waiting >= (int64_t)in->waiter_count);
	REQUIRE(in->foreign || in->holder_total >= (int64_t)in->holder_count);
	REQUIRE(inspect_limit(in) >= -1);
	REQUIRE((unsigned)inspect_state(in) <= INSPECT_BROKEN);
	inspect_state_text(state, sizeof(state), in);
	REQUIRE(strlen(state) + 1 < sizeof(state));
}

static void
show(const struct inspect *in, bool colour, size_t width)
{
	struct options o = { .quiet = false };
	struct cmd_status_view v = { .o = &o,
		.width = width,
		.table = cmd_status_table() };
	struct table_style style = { .width = width, .header = true, .most = 9 };

	check_numbers(in);
	v.json = (struct json){ .out = &v.out };
	cmd_status_json(&v, in);
	REQUIRE(fuzz_is_json(v.out.data, v.out.len));
	REQUIRE(fuzz_is_printable(v.out.data, v.out.len, false));
	text_empty(&v.out);
	cmd_status_details(&v, in);
	REQUIRE(fuzz_is_printable(v.out.data, v.out.len, true));
	text_empty(&v.out);
	cmd_status_row(&v, in);
	table_write(v.table, &style, &v.out);
	REQUIRE(fuzz_is_printable(v.out.data, v.out.len, true));
	/* A header and one row: no line end came in from outside. */
	REQUIRE(memchr(v.out.data, '\n', v.out.len) != NULL);
	text_empty(&v.out);
	v.colour = colour;
	cmd_status_details(&v, in);
	REQUIRE(!v.out.failed && fuzz_is_utf8(v.out.data, v.out.len));
	cmd_status_view_free(&v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t how = fuzz_byte(&in), width = fuzz_byte(&in);
	struct text made = { 0 };
	struct inspect look;
	struct reply *r;
	size_t len;
	char *name = fuzz_word(&in, '\n', &len);

	if (how & 1)
		encode(&in, &made);
	else
		text_add(&made, (const char *)in.data, in.size);
	r = make_reply(text_string(&made), made.len);
	text_free(&made);
	if (r != NULL && inspect_take(&look, name, r) == 0) {
		show(&look, how & 2, width);
		inspect_free(&look);
	}
	inspect_foreign(&look, name, len);
	show(&look, how & 2, width);
	inspect_free(&look);
	free(name);
	return 0;
}
