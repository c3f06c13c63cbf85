/* SPDX-License-Identifier: MIT */
/*
 * Rows and columns for a terminal.  Cells are text ready to show (escaped);
 * columns are as wide as what is in them, shrink to what they can bear when
 * the line is too long, and then those that matter least are left out.
 *
 * Steps of use: table_new(); table_row() any number of times; table_write();
 * table_empty(), and again; table_free().
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;
struct text;

struct table_column {
	const char *title;
	size_t least; /* columns that it can bear; its title if 0 */
	bool right;   /* aligned to the right */
	bool middle;  /* what is too long loses its middle, not its end */
	bool first;   /* gets room before those that are not */
	int drop;     /* left out first: the highest; 0: never */
};

struct table_cell {
	const char *text;
	const char *colour; /* SGR parameters, "1;31"; or NULL */
};

struct table_style {
	size_t width; /* columns that a line may take */
	bool colour;
	bool header;
	size_t most; /* rows that are written */
};

/* COLUMNS outlive the table.  NULL: out of memory. */
struct table *table_new(const struct table_column *columns, size_t count);
/* One cell per column; they are copied.  Returns 0, or -1: no memory. */
int table_row(struct table *t, const struct table_cell *cells);
size_t table_rows(const struct table *t);
/* By the first column. */
void table_sort(struct table *t);
void table_write(
    const struct table *t, const struct table_style *style, struct text *out);
void table_empty(struct table *t);
void table_free(struct table *t);

#endif
