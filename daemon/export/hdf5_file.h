/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HDF5 files, for h5py, MATLAB, h5dump. Layer: export.
 *
 *   /data/<column>    one dataset per column, in order of creation; attributes "units",
 *                     "name"; large ones in chunks, shuffled and deflated. Missing: NaN.
 *                     "flags" and "<channel>.flags" are 32-bit words.
 *   /meta             attributes: the description of the run (data/meta.h) with its types;
 *                     objects are groups, objects in an array are groups named by their
 *                     "column" or number
 *   /meta/json        the same as one JSON text: what reads back exactly
 *   /flags_legend     attributes: name of a flag -> mask
 *   attributes of /   format "etalon", format_version 1
 *
 * Other HDF5 files are read too: the numeric 1-D datasets of /data, or of / when there is
 * no such group, which must have the same length.
 */
#ifndef ETALON_EXPORT_HDF5_FILE_H
#define ETALON_EXPORT_HDF5_FILE_H

#include <stdio.h>

#include "data/table.h"

bool hdf5_recognise(const char *begin, size_t size);
/* -EBADMSG or negative errno with a message. */
int hdf5_read(const char *path, struct table **ret, char **ret_message);
/* Negative errno of the stream, or with a message. The file is made in memory first. */
int hdf5_write(FILE *stream, const struct table *table, char **ret_message);

#endif
