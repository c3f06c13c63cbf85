/* SPDX-License-Identifier: MIT */
/* A configuration file, whatever is in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "fuzz.h"
#include "options_config.h"
#include "status.h"

static size_t
count(const char *text, size_t len, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == c;
	return n;
}

/* What was read is what the option's own reader would take. */
static void
check_value(enum options_id id, const struct options_value *v, size_t lines)
{
	const struct options_row *row = &options_table[id];
	int64_t number = 0;

	REQUIRE(options_table_in_file(id));
	REQUIRE(v->line <= lines && strcmp(v->file, "FILE") == 0);
	REQUIRE(v->text[0] != '\0' && strpbrk(v->text, "\n") == NULL);
	if (row->value == NULL) {
		REQUIRE(strcmp(v->text, v->count ? "yes" : "no") == 0);
		return;
	}
	REQUIRE(v->count == 1);
	if (row->kind != NULL) {
		REQUIRE(row->kind->read(v->text, &number) == OPTIONS_VALUE_OK);
		REQUIRE(number == v->number);
	}
}

/* "FILE:LINE: what", on one line, of a line that there is. */
static void
check_failure(const struct failure *f, size_t lines)
{
	unsigned line = 0;
	int at = 0;

	REQUIRE(f->status == STATUS_CONFIG);
	REQUIRE(sscanf(f->text, "FILE:%u: %n", &line, &at) == 1 && at > 0);
	REQUIRE(line >= 1 && line <= lines && f->text[at] != '\0');
	REQUIRE(strchr(f->text, '\n') == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options_config c = { .path = "FILE" };
	struct failure f = { 0 };
	size_t lines = count((const char *)data, size, '\n') + 1;
	char *text = malloc(size + 1);

	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	if (options_config_parse(&c, text, size, &f) == -1) {
		check_failure(&f, lines);
	} else {
		for (enum options_id id = 0; id < OPTIONS_ROWS; id++)
			if (c.values[id].line != 0)
				check_value(id, &c.values[id], lines);
	}
	free(text);
	return 0;
}
