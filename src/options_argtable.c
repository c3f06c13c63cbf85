/* SPDX-License-Identifier: MIT */
#include "options_argtable.h"

#include <argtable2.h>
#include <string.h>

#include "failure.h"
#include "options_value.h"
#include "status.h"

/* Even: an odd number misaligns arrays inside of struct arg_end. */
#define ERRORS_MAX 20

/* Our one type of argument. */
struct entry {
	struct arg_hdr hdr; /* first: argtable2 casts */
	enum options_id id;
	struct options_value *value;
};

/* For arg_hdr.scanfn: 0 or an enum options_value_result. */
static int
scan_value(void *parent, const char *text)
{
	struct options_value *value = ((struct entry *)parent)->value;
	const struct options_kind *kind =
	    options_table[((struct entry *)parent)->id].kind;

	if (value->all != NULL)
		value->all[value->count] = text;
	value->count++;
	value->text = text;
	if (kind == NULL)
		return 0;
	return (int)kind->read(text, &value->number);
}

static void
make_entry(struct entry *e, enum options_id id, struct options_value *value)
{
	const struct options_row *row = &options_table[id];

	memset(e, 0, sizeof(*e));
	e->id = id;
	e->value = value;
	e->hdr.parent = e;
	e->hdr.flag = row->value != NULL ? ARG_HASVALUE : 0;
	e->hdr.shortopts = row->letters;
	e->hdr.longopts = row->words;
	e->hdr.datatype = row->value;
	e->hdr.glossary = row->help;
	e->hdr.maxcount = 1; /* nobody counts: scan_value takes the last */
	e->hdr.scanfn = scan_value;
}

int
options_argtable_parse(int argc, char **argv,
    struct options_value values[static OPTIONS_ROWS], struct failure *f)
{
	struct entry entries[OPTIONS_ROWS];
	void *table[OPTIONS_ROWS + 1];
	struct arg_end *end = arg_end(ERRORS_MAX);
	const struct entry *wrong;
	char name[32];
	int result = 0;

	if (end == NULL)
		return failure_set(f, STATUS_OS, "out of memory");
	for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
		make_entry(&entries[id], id, &values[id]);
		table[id] = &entries[id];
	}
	table[OPTIONS_ROWS] = end;
	if (arg_parse(argc, argv, table) > 0) {
		/* The first one.  Errors of getopt were found before. */
		wrong = end->parent[0];
		if ((const void *)wrong == end)
			result = failure_set(f, STATUS_INTERNAL,
			    "options were parsed in two ways");
		else
			result = options_value_complain(
			    options_table[wrong->id].kind,
			    (enum options_value_result)end->error[0],
			    options_table_name(wrong->id, name, sizeof(name)),
			    end->argval[0], f);
	}
	/* The entries are ours; arg_freetable() would free them. */
	arg_freetable(&table[OPTIONS_ROWS], 1);
	return result;
}

void
options_argtable_print(FILE *fp, unsigned groups)
{
	const struct options_title *t;
	struct options_value unused = { 0 };
	struct arg_end *end = arg_end(2);
	struct entry e;
	void *table[] = { &e, end };

	for (t = options_titles; end != NULL && t->title != NULL; t++) {
		if ((groups & t->group) == 0)
			continue;
		fprintf(fp, "\n%s:\n", t->title);
		for (enum options_id id = 0; id < OPTIONS_ROWS; id++) {
			if (options_table[id].group != t->group ||
			    options_table[id].help == NULL)
				continue;
			make_entry(&e, id, &unused);
			arg_print_glossary(fp, table,
			    e.hdr.shortopts ? "  %-27s %s\n"
					    : "      %-23s %s\n");
		}
	}
	arg_freetable(&table[1], 1);
}
