// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes tables as HDF5; the layout is in hdf5_file.h. Layer: export.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "export/hdf5_file.h"
#include "export/hdf5_private.h"
#include "export/yaml_meta.h"

#define CHUNKED_FROM_ROWS 4096U
#define CHUNK_ROWS 65536U
#define MEMORY_STEP (16U << 20) /* bytes by which the file in memory grows */
#define DEFLATE_LEVEL 3 /* higher ones gain little on shuffled doubles */

/* ---- columns ---- */

static hid_t column_properties(size_t rows)
{
	hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
	hsize_t chunk = MIN(rows, (size_t)CHUNK_ROWS);

	if (properties < 0 || rows < CHUNKED_FROM_ROWS || H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0)
		return properties;
	if (H5Pset_chunk(properties, 1, &chunk) < 0 || H5Pset_shuffle(properties) < 0 ||
	    H5Pset_deflate(properties, DEFLATE_LEVEL) < 0) {
		H5Pclose(properties);
		return -1;
	}
	return properties;
}

/* The column's name as a link: unique, and no path. */
static void link_name(hid_t group, const struct table_column *column, size_t index, char *out,
		      size_t size)
{
	snprintf(out, size, "%s", column->name);
	for (char *slash = out; (slash = strchr(slash, '/'));)
		*slash = '_';
	if (*out && !streq(out, ".") && H5Lexists(group, out, H5P_DEFAULT) == 0)
		return;
	snprintf(out, size, "%s, %s", column->name[0] == '.' ? "column" : column->name,
		 column->unit);
	for (char *slash = out; (slash = strchr(slash, '/'));)
		*slash = '_';
	if (H5Lexists(group, out, H5P_DEFAULT) != 0)
		snprintf(out, size, "column %zu", index + 1);
}

static int put_column(hid_t group, const struct table_column *column, size_t index, size_t rows)
{
	hid_t type = column->type == COLUMN_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_UINT32;
	hid_t stored = column->type == COLUMN_F64 ? H5T_IEEE_F64LE : H5T_STD_U32LE;
	char link[TABLE_NAME_MAX + TABLE_UNIT_MAX + 16];
	_cleanup_hid_ hid_t space = -1, properties = -1, dataset = -1;
	hsize_t size = rows;

	link_name(group, column, index, link, sizeof(link));
	space = H5Screate_simple(1, &size, NULL);
	properties = column_properties(rows);
	if (space < 0 || properties < 0)
		return -EIO;
	dataset = H5Dcreate2(group, link, stored, space, H5P_DEFAULT, properties, H5P_DEFAULT);
	if (dataset < 0)
		return -EIO;
	if (rows > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, column->f64) < 0)
		return -EIO;
	if (hdf5_put_text(dataset, HDF5_NAME, column->name) < 0 ||
	    hdf5_put_text(dataset, HDF5_UNITS, column->unit) < 0)
		return -EIO;
	/* Closing deflates the last chunks. */
	return H5Dclose(take_hid(&dataset)) < 0 ? -EIO : 0;
}

static int put_columns(hid_t file, const struct table *table)
{
	_cleanup_hid_ hid_t ordered = H5Pcreate(H5P_GROUP_CREATE), group = -1;

	if (ordered < 0 ||
	    H5Pset_link_creation_order(ordered, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) < 0)
		return -EIO;
	group = H5Gcreate2(file, HDF5_DATA, H5P_DEFAULT, ordered, H5P_DEFAULT);
	for (size_t i = 0; group >= 0 && i < table->column_count; i++)
		if (put_column(group, &table->columns[i], i, table->rows) < 0)
			return -EIO;
	return group < 0 ? -EIO : 0;
}

/* ---- description ---- */

static int put_json(hid_t group, json_t *meta)
{
	_cleanup_free_ char *text = json_dumps(meta, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	_cleanup_hid_ hid_t type = hdf5_text_type(), space = H5Screate(H5S_SCALAR), dataset = -1;

	if (!text || type < 0 || space < 0)
		return -EIO;
	dataset = H5Dcreate2(group, HDF5_JSON, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	return dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) < 0
		       ? -EIO
		       : 0;
}

static int put_legend(hid_t file, const struct table *table)
{
	_cleanup_json_ json_t *holder = json_object();

	if (!holder || yaml_meta_add_legend(holder, table) < 0)
		return -ENOMEM;
	return hdf5_put_object(file, holder);
}

static int put_description(hid_t file, const struct table *table)
{
	_cleanup_hid_ hid_t meta = -1;
	_cleanup_hid_ hid_t space = H5Screate(H5S_SCALAR), version = -1;
	int32_t number = 1;

	if (hdf5_put_text(file, "format", "etalon") < 0)
		return -EIO;
	version =
		H5Acreate2(file, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
	if (version < 0 || H5Awrite(version, H5T_NATIVE_INT32, &number) < 0)
		return -EIO;
	meta = H5Gcreate2(file, HDF5_META, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (meta < 0 || hdf5_put_object(meta, table->meta) < 0 || put_json(meta, table->meta) < 0)
		return -EIO;
	return put_legend(file, table);
}

/* ---- file ---- */

/*
 * In memory: the library crashes on its way out when a disk is full while it closes a
 * file, and our own write() does not.
 */
static hid_t create_in_memory(void)
{
	_cleanup_hid_ hid_t access = H5Pcreate(H5P_FILE_ACCESS);

	/* Closing the file closes what an error left open in it. */
	if (access < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
	    H5Pset_fapl_core(access, MEMORY_STEP, false) < 0)
		return -1;
	return H5Fcreate("etalon.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
}

static int copy_out(hid_t file, FILE *stream)
{
	_cleanup_free_ void *image = NULL;
	ssize_t size;

	if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
		return -EIO;
	size = H5Fget_file_image(file, NULL, 0);
	image = size > 0 ? malloc((size_t)size) : NULL;
	if (!image || H5Fget_file_image(file, image, (size_t)size) != size)
		return -EIO;
	errno = 0;
	if (fwrite(image, 1, (size_t)size, stream) != (size_t)size)
		return errno ? -errno : -ENOSPC;
	return 0;
}

int hdf5_write(FILE *stream, const struct table *table, char **ret_message)
{
	_cleanup_quiet_ struct hdf5_quiet quiet = hdf5_quiet_begin();
	hid_t file = create_in_memory();
	int r;

	r = file < 0 ? -EIO : put_columns(file, table);
	if (r == 0)
		r = put_description(file, table);
	if (r == 0)
		r = copy_out(file, stream);
	if (r == -EIO)
		r = hdf5_fail(ret_message, r, "HDF5", "cannot be made");
	if (file >= 0)
		H5Fclose(file);
	return r;
}
