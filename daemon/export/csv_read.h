/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 4180 tables of numbers: one line of headings, then rows of as many fields. Accepts
 * LF and CR LF, a byte order mark, blanks around numbers, quoted fields. An empty field
 * or "nan" is a missing value (NaN). Does not know what an axis is (axis_check.h).
 *
 * Columns named "flags" or "<channel>.flags" are read as flag words. A column in dBm
 * beside one of the same name in W is the view that csv_write() adds; it is not read.
 *
 * Lines that begin with # above the headings are comments; csv_write() puts the
 * description of the run there, and it comes back as the table's meta. The description
 * states how many rows there are (row_count.h): a file that was cut is refused. Of a file
 * without it, a last line without a line end is told by table->open_end: RFC 4180 allows
 * that, and half a number is a number. Layer: export.
 */
#ifndef ETALON_EXPORT_CSV_READ_H
#define ETALON_EXPORT_CSV_READ_H

#include "data/table.h"
#include "export/text_reader.h"

#define CSV_COLUMNS_MAX 1024
#define CSV_COMMENT_MARK "# etalon-csv: 1" /* first line of a description */
#define CSV_COMMENT_KEY "etalon-csv"

/* -EBADMSG with a message that names file, line, column and what is allowed. */
int csv_read(struct text_reader *text, struct table **ret, char **ret_message);
/* The same from the headings on: no comments. */
int csv_read_table(struct text_reader *text, struct table **ret, char **ret_message);

#endif
