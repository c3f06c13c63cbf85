/* SPDX-License-Identifier: MIT */
/* What is in force for an option, and which file is to blame for it. */
#include "options_inner.h"

#include "failure.h"
#include "status.h"

bool
options_given(const struct options_memory *m, enum options_id id)
{
	return m->values[id].count > 0;
}

bool
options_given_here(const struct options_memory *m, enum options_id id)
{
	return options_given(m, id) && m->values[id].file == NULL;
}

int64_t
options_number(
    const struct options_memory *m, enum options_id id, int64_t otherwise)
{
	return options_given(m, id) ? m->values[id].number : otherwise;
}

const char *
options_text(
    const struct options_memory *m, enum options_id id, const char *otherwise)
{
	return options_given(m, id) ? m->values[id].text : otherwise;
}

int
options_blame(
    struct options_memory *m, size_t count, const enum options_id *ids)
{
	const struct options_value *v, *from = NULL;
	int status = STATUS_CONFIG;

	for (size_t i = 0; i < count; i++) {
		v = &m->values[ids[i]];
		if (v->count > 0 && v->file == NULL)
			status = m->failure.status;
		else if (v->count > 0 && from == NULL)
			from = v;
	}
	if (from == NULL)
		return -1;
	return failure_set(&m->failure, status, "%.200s:%u: %s", from->file,
	    from->line, m->failure.text);
}
