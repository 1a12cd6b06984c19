/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a table to a file whose name says the format. The file appears whole or not at
 * all, and what was there before stays until then. Layer: export.
 */
#ifndef ETALON_EXPORT_FILE_WRITE_H
#define ETALON_EXPORT_FILE_WRITE_H

#include "data/table.h"
#include "export/openepda.h"
#include "export/plot.h"

enum file_format {
	FILE_FORMAT_CSV = 1, /* .csv */
	FILE_FORMAT_OPENEPDA, /* .oedf .openepda */
	FILE_FORMAT_HDF5, /* .h5 .hdf5 */
	FILE_FORMAT_SVG, /* .svg */
};

struct file_write_options {
	bool overwrite; /* else an existing file is refused with -EEXIST */
	enum openepda_dialect dialect;
	const struct plot_options *plot; /* of a picture; NULL: all signals in dB, no marks */
};

/* By the name's ending, in any case of letters. -EINVAL with a message that lists them. */
int file_format_of(const char *path, enum file_format *ret, char **ret_message);

/*
 * Options may be NULL. Always sets *ret_message on failure; then there is no new file, and
 * an old one is as it was: -EEXIST, -ENOSPC and the like, -EINVAL.
 */
int table_write_file(const char *path, const struct table *table,
		     const struct file_write_options *options, char **ret_message);

#endif
