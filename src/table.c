/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "utf8.h"

#define COLUMNS_MAX 12
#define ELLIPSIS "\xe2\x80\xa6" /* one column */

struct cell {
	char *text;
	size_t len, columns;
	const char *colour;
};

struct row {
	struct cell cells[COLUMNS_MAX];
};

struct table {
	const struct table_column *columns;
	size_t count;
	struct row *rows;
	size_t used, size;
};

/* How wide each column is to be; 0: left out. */
struct layout {
	size_t widths[COLUMNS_MAX];
	size_t gap, last; /* the last one that is not left out */
};

struct table *
table_new(const struct table_column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL || count > COLUMNS_MAX) {
		free(t);
		return NULL;
	}
	t->columns = columns;
	t->count = count;
	return t;
}

static void
free_row(const struct table *t, struct row *row)
{
	for (size_t i = 0; i < t->count; i++)
		free(row->cells[i].text);
}

int
table_row(struct table *t, const struct table_cell *cells)
{
	struct row row = { 0 }, *rows;
	size_t size = t->size == 0 ? 32 : 2 * t->size;

	if (t->used == t->size) {
		rows = realloc(t->rows, size * sizeof(*rows));
		if (rows == NULL)
			return -1;
		t->rows = rows;
		t->size = size;
	}
	for (size_t i = 0; i < t->count; i++) {
		struct cell *c = &row.cells[i];

		c->text = strdup(cells[i].text);
		if (c->text == NULL) {
			free_row(t, &row);
			return -1;
		}
		c->len = strlen(c->text);
		c->columns = utf8_columns(c->text, c->len);
		c->colour = cells[i].colour;
	}
	t->rows[t->used++] = row;
	return 0;
}

size_t
table_rows(const struct table *t)
{
	return t->used;
}

static int
by_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcmp(x->cells[0].text, y->cells[0].text);
}

void
table_sort(struct table *t)
{
	if (t->used > 1)
		qsort(t->rows, t->used, sizeof(*t->rows), by_first);
}

/* ------------------------------------------------------------------ */
/* The layout. */

static size_t
total(const struct table *t, const struct layout *l)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->count; i++)
		sum += l->widths[i] > 0 ? l->widths[i] + l->gap : 0;
	return sum > l->gap ? sum - l->gap : 0;
}

/* Leave out what matters least; false if nothing may be left out. */
static bool
drop_one(const struct table *t, struct layout *l)
{
	size_t victim = t->count;
	int worst = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (l->widths[i] > 0 && t->columns[i].drop > worst) {
			worst = t->columns[i].drop;
			victim = i;
		}
	}
	if (victim == t->count)
		return false;
	l->widths[victim] = 0;
	return true;
}

/* Give what room there is, evenly, to those that want more. */
static void
grow(const struct table *t, struct layout *l, const size_t *wanted,
    size_t width, bool first)
{
	size_t room = total(t, l);
	bool grown = true;

	room = room < width ? width - room : 0;
	while (room > 0 && grown) {
		grown = false;
		for (size_t i = 0; i < t->count && room > 0; i++) {
			if (l->widths[i] == 0 || l->widths[i] >= wanted[i] ||
			    t->columns[i].first != first)
				continue;
			l->widths[i]++;
			room--;
			grown = true;
		}
	}
}

static void
lay_out(const struct table *t, size_t width, struct layout *l)
{
	size_t wanted[COLUMNS_MAX];
	const struct table_column *c;

	l->gap = 2;
	for (size_t i = 0; i < t->count; i++) {
		c = &t->columns[i];
		wanted[i] = strlen(c->title);
		for (size_t row = 0; row < t->used; row++)
			if (t->rows[row].cells[i].columns > wanted[i])
				wanted[i] = t->rows[row].cells[i].columns;
		l->widths[i] = wanted[i];
	}
	if (total(t, l) > width) {
		l->gap = 1;
		for (size_t i = 0; i < t->count; i++) {
			c = &t->columns[i];
			if (c->least > 0 && c->least < wanted[i])
				l->widths[i] = c->least;
		}
		while (total(t, l) > width && drop_one(t, l))
			;
		grow(t, l, wanted, width, true);
		grow(t, l, wanted, width, false);
	}
	l->last = 0;
	for (size_t i = 0; i < t->count; i++)
		if (l->widths[i] > 0)
			l->last = i;
}

/* ------------------------------------------------------------------ */
/* Writing. */

/* TEXT in exactly WIDTH columns, without padding; returns what it took. */
static size_t
put_short(struct text *out, const struct cell *c, size_t width, bool middle)
{
	size_t head = middle ? (width - 1) / 2 : width - 1, n, tail, columns;

	if (c->columns <= width) {
		text_add(out, c->text, c->len);
		return c->columns;
	}
	n = utf8_fit(c->text, c->len, head);
	text_add(out, c->text, n);
	text_put(out, ELLIPSIS);
	columns = utf8_columns(c->text, n) + 1;
	if (!middle)
		return columns;
	/* From the end: as much as fits. */
	tail = utf8_fit(c->text, c->len, c->columns - (width - columns));
	while (tail < c->len &&
	       (utf8_columns(c->text + tail, c->len - tail) > width - columns ||
		   ((unsigned char)c->text[tail] & 0xc0) == 0x80))
		tail++;
	text_add(out, c->text + tail, c->len - tail);
	return columns + utf8_columns(c->text + tail, c->len - tail);
}

static void
put_cell(struct text *out, const struct table_column *column,
    const struct cell *c, size_t width, bool colour)
{
	size_t pad = c->columns < width ? width - c->columns : 0, took;

	if (column->right)
		text_pad(out, pad);
	if (colour && c->colour != NULL)
		text_format(out, "\x1b[%sm", c->colour);
	took = put_short(out, c, width, column->middle);
	if (colour && c->colour != NULL)
		text_put(out, "\x1b[0m");
	if (!column->right)
		text_pad(out, width - took);
}

static void
put_row(const struct table *t, const struct layout *l, const struct row *row,
    bool colour, struct text *out)
{
	for (size_t i = 0; i <= l->last; i++) {
		if (l->widths[i] == 0)
			continue;
		put_cell(
		    out, &t->columns[i], &row->cells[i], l->widths[i], colour);
		if (i < l->last)
			text_pad(out, l->gap);
	}
	text_trim(out);
	text_put(out, "\n");
}

void
table_write(
    const struct table *t, const struct table_style *style, struct text *out)
{
	struct row header = { 0 };
	struct layout l = { .gap = 0 };

	lay_out(t, style->width, &l);
	for (size_t i = 0; i < t->count; i++)
		header.cells[i] = (struct cell){
			.text = (char *)t->columns[i].title,
			.len = strlen(t->columns[i].title),
			.columns = strlen(t->columns[i].title),
			.colour = "1",
		};
	if (style->header)
		put_row(t, &l, &header, style->colour, out);
	for (size_t i = 0; i < t->used && i < style->most; i++)
		put_row(t, &l, &t->rows[i], style->colour, out);
}

void
table_empty(struct table *t)
{
	for (size_t i = 0; i < t->used; i++)
		free_row(t, &t->rows[i]);
	t->used = 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	table_empty(t);
	free(t->rows);
	free(t);
}
