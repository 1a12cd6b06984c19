/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splits an RFC 4180 record into fields. Layer: export.
 */
#ifndef ETALON_EXPORT_CSV_FIELDS_H
#define ETALON_EXPORT_CSV_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct csv_field {
	char *text; /* without quotes, and blanks around it trimmed; not terminated */
	size_t length;
	bool quoted;
};

struct csv_fields {
	char *next, *end; /* next is NULL after the last field */
};

void csv_fields_begin(struct csv_fields *fields, char *record, size_t length);
/*
 * The next field; the record is written to where quotes are removed. 1, 0 after the last,
 * -EINVAL when a quote stands where RFC 4180 allows none.
 */
int csv_fields_next(struct csv_fields *fields, struct csv_field *ret);

#endif
