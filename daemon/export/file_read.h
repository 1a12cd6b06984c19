/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a measured file of any known format, told apart by its first bytes and not by its
 * name: CSV, openEPDA data, HDF5. Layer: export.
 */
#ifndef ETALON_EXPORT_FILE_READ_H
#define ETALON_EXPORT_FILE_READ_H

#include "data/table.h"
#include "export/linear.h" /* table_column_linear_w(): its columns in linear units */

/*
 * A spectrum: has a column "wavelength" in nm, in order (axis_check.h). "-" is standard
 * input. Always sets *ret_message on failure: -ENOENT and the like, -EBADMSG.
 */
int table_read_file(const char *path, struct table **ret, char **ret_message);

/* The same with a random term of the axis (1 sigma) in place of what the file declares. */
int table_read_file_random(const char *path, double random_pm, struct table **ret,
			   char **ret_message);

/* Any table, also without a wavelength. */
int table_read_any(const char *path, struct table **ret, char **ret_message);

#endif
