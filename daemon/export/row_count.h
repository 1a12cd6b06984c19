/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "table_rows": how many rows stand below the description of a text file. A file that was cut at
 * a line's end, or within its last number, looks whole otherwise. It is written by the exporters
 * and dropped by the readers: it is no part of the run. HDF5 knows the size of its datasets by
 * itself. Layer: export.
 */
#ifndef ETALON_EXPORT_ROW_COUNT_H
#define ETALON_EXPORT_ROW_COUNT_H

#include "data/table.h"

#define ROW_COUNT_KEY "table_rows"

/* When the description has no such key. -ENOMEM. */
int row_count_add(json_t *description, const struct table *table);
/*
 * Takes the count out of the description of the file `name`; without one there is nothing to
 * check. -EBADMSG with a message when the table has other rows, or its last row has no line end.
 */
int row_count_check(json_t *meta, const struct table *table, const char *name, char **ret_message);

#endif
