/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Column headings: "name, unit" and its relatives. One place for reading and writing
 * them; knows nothing of quoting. Layer: export.
 */
#ifndef ETALON_EXPORT_HEADING_H
#define ETALON_EXPORT_HEADING_H

#include <stdbool.h>
#include <stddef.h>

#include "data/table.h"

#define HEADING_MAX (TABLE_NAME_MAX + TABLE_UNIT_MAX + 8)

/*
 * Reads "name, unit", "name, [unit]", "name [unit]" and "name" (no unit). -EINVAL when
 * there is no name, -E2BIG when it is too long, -EILSEQ when it is not printable UTF-8.
 */
int heading_parse(const char *text, size_t length, char name[static TABLE_NAME_MAX],
		  char unit[static TABLE_UNIT_MAX]);

/* Writes what heading_parse() reads back as the same name and unit. */
void heading_format(char text[static HEADING_MAX], const char *name, const char *unit);

/* Is this the name of a column of flag words: "flags" or "<channel>.flags"? */
bool heading_is_flags(const char *name, const char *unit);

#endif
