/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 4180 tables as spectra are exported: one line of quoted headings with units in the
 * names, rows in order of execution, a decimal point in every locale. In one thing they are
 * not RFC 4180 to the letter: lines end with LF, as the examples of openEPDA do, instead
 * of CR LF; etalon's readers take both. Layer: export.
 *
 * Numbers are the shortest that read back as the same double. A missing value is an
 * empty field. Behind each column in W stands its view in dBm with 4 decimals, empty
 * where the power is not positive; a column that is in dB or dBm itself is empty there, too
 * (readers take the "-inf" of other programs); flag words are whole numbers.
 *
 * A CSV file has no place for a description, and a file without ledger, axis provenance
 * and settings is half a measurement. So csv_write() puts them above the headings as
 * lines that begin with #: YAML once "# " is taken away. Etalon reads them back;
 * pandas.read_csv(f, comment='#'), numpy, R and gnuplot skip them. Who needs the table
 * alone: grep -v '^#'.
 */
#ifndef ETALON_EXPORT_CSV_WRITE_H
#define ETALON_EXPORT_CSV_WRITE_H

#include <stdio.h>

#include "data/table.h"

/* Negative errno of the stream when it can not be written (-ENOSPC). */
int csv_write(FILE *stream, const struct table *table);
/* The headings and rows without the description. */
int csv_write_table(FILE *stream, const struct table *table);

#endif
