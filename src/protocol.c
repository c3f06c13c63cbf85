/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <string.h>

static const struct protocol *const protocols[] = {
	&protocol_netflock,
};

const struct protocol *
protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	return NULL;
}
