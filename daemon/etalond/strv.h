/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists of strings, NULL-terminated as sd-bus wants them. Layer: etalond.
 */
#ifndef ETALON_ETALOND_STRV_H
#define ETALON_ETALOND_STRV_H

#include <stddef.h>

#include "base/cleanup.h"

static inline char **strv_new(void)
{
	return calloc(1, sizeof(char *));
}

static inline void strv_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}
DEFINE_CLEANUP(char **, strv_free, strv_freep);

/* Takes the string, also when it fails. */
static inline int strv_push(char ***list, char *string)
{
	size_t n = 0;
	char **longer;

	while ((*list)[n])
		n++;
	longer = realloc(*list, (n + 2) * sizeof(char *));
	if (!longer) {
		free(string);
		return -ENOMEM;
	}
	longer[n] = string;
	longer[n + 1] = NULL;
	*list = longer;
	return 0;
}

#endif
