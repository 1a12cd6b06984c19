/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * openEPDA data format (openepda.org): a first line that names the format, a description
 * in YAML, a line that ends it, a table as RFC 4180 CSV with units in the headings.
 * Layer: export.
 *
 * Written is version 0.2; the table as csv_write_table() writes it, with LF line ends like
 * the specification's own examples, where RFC 4180 has CR LF. Read are 0.2 and 0.1, the end line
 * "..." of the specification and "---" of the reference Python package, both spellings of
 * the first line, LF and CR LF.
 *
 * The description of a run (data/meta.h) stands under its own keys and comes back the
 * same; `_timestamp` is its `created`. Other keys of a file are kept in meta. Keys that
 * begin with "_" are reserved by the standard: unknown ones are refused.
 */
#ifndef ETALON_EXPORT_OPENEPDA_H
#define ETALON_EXPORT_OPENEPDA_H

#include <stdio.h>

#include "data/table.h"
#include "export/text_reader.h"

enum openepda_dialect {
	OPENEPDA_STANDARD, /* "..." */
	OPENEPDA_PYTHON_PACKAGE, /* "---", what the reference package reads */
};

/* -EBADMSG with a message that names file and line. */
int openepda_read(struct text_reader *text, struct table **ret, char **ret_message);
/* Does the file say that it is openEPDA data? */
bool openepda_recognise(const char *begin, size_t size);

/* ISO 8601 as `_timestamp` has it: 2018-09-12T09:59:19.310182, with a zone or without, or a date. */
bool openepda_is_time(const char *text);

/* Negative errno of the stream; -EINVAL with a message when meta has a reserved key. */
int openepda_write(FILE *stream, const struct table *table, enum openepda_dialect dialect,
		   char **ret_message);

#endif
