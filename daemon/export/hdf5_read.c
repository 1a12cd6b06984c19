// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads tables from HDF5; what is accepted is in hdf5_file.h. Layer: export.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "export/hdf5_file.h"
#include "export/hdf5_private.h"
#include "export/heading.h"
#include "export/yaml_meta.h"

#define SIGNATURE "\x89HDF\r\n\x1a\n"
#define COLUMNS_MAX 1024

bool hdf5_recognise(const char *begin, size_t size)
{
	return size >= strlen(SIGNATURE) && memcmp(begin, SIGNATURE, strlen(SIGNATURE)) == 0;
}

struct hdf5_reader {
	const char *path;
	hid_t group;
	bool by_creation; /* links in order of creation, else of name */
	struct table *table;
	size_t columns; /* found so far */
	bool any; /* a first column has said how many rows there are */
	char **ret_message;
};

/* ---- which datasets are columns ---- */

static bool is_column(hid_t dataset, hsize_t *ret_rows)
{
	_cleanup_hid_ hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
	H5T_class_t class;
	hsize_t rows;

	if (space < 0 || type < 0 || H5Sget_simple_extent_ndims(space) != 1 ||
	    H5Sget_simple_extent_dims(space, &rows, NULL) < 0)
		return false;
	class = H5Tget_class(type);
	if (class != H5T_FLOAT && class != H5T_INTEGER)
		return false;
	*ret_rows = rows;
	return true;
}

static hid_t open_dataset(const struct hdf5_reader *reader, hsize_t index)
{
	H5_index_t order = reader->by_creation ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
	H5L_info_t link;
	hid_t object;

	/* Links to elsewhere would open files that nobody named. */
	if (H5Lget_info_by_idx(reader->group, ".", order, H5_ITER_INC, index, &link, H5P_DEFAULT) <
		    0 ||
	    link.type != H5L_TYPE_HARD)
		return -1;
	object = H5Oopen_by_idx(reader->group, ".", order, H5_ITER_INC, index, H5P_DEFAULT);
	if (object >= 0 && H5Iget_type(object) != H5I_DATASET) {
		H5Oclose(object);
		return -1;
	}
	return object;
}

static int link_name(const struct hdf5_reader *reader, hsize_t index, char *out, size_t size)
{
	ssize_t n = H5Lget_name_by_idx(reader->group, ".",
				       reader->by_creation ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
				       H5_ITER_INC, index, out, size, H5P_DEFAULT);

	return n < 0 || (size_t)n >= size ? -E2BIG : 0;
}

/* The exact name is an attribute; files of others have the link's, maybe with a unit. */
static int name_column(const struct hdf5_reader *reader, hid_t dataset, hsize_t index,
		       char name[static TABLE_NAME_MAX], char unit[static TABLE_UNIT_MAX])
{
	_cleanup_free_ char *own = hdf5_get_text(dataset, HDF5_NAME);
	_cleanup_free_ char *units = hdf5_get_text(dataset, HDF5_UNITS);
	char link[256];
	int r;

	if (own) {
		if (strlen(own) >= TABLE_NAME_MAX)
			return -E2BIG;
		strcpy(name, own);
		unit[0] = '\0';
	} else {
		r = link_name(reader, index, link, sizeof(link));
		if (r == 0)
			r = heading_parse(link, strlen(link), name, unit);
		if (r < 0)
			return r;
	}
	if (!units)
		return 0;
	if (strlen(units) >= TABLE_UNIT_MAX)
		return -E2BIG;
	strcpy(unit, units);
	return 0;
}

/* ---- columns ---- */

static int bad_file(const struct hdf5_reader *reader, const char *what)
{
	return fail(reader->ret_message, -EBADMSG, "%s: %s", reader->path, what);
}

/* A file may claim any size: believe what it has room for, deflated 1000 to 1 at most. */
static bool is_plausible(hid_t dataset, hsize_t rows)
{
	hsize_t stored = H5Dget_storage_size(dataset);

	return rows == 0 || rows / 1024 <= stored;
}

static int read_column(struct hdf5_reader *reader, hid_t dataset, hsize_t index, hsize_t rows)
{
	char name[TABLE_NAME_MAX], unit[TABLE_UNIT_MAX];
	const struct table_column *column;
	bool flags;
	int r;

	r = name_column(reader, dataset, index, name, unit);
	if (r < 0)
		return bad_file(reader, "a dataset has a name or a unit that is too long");
	if (reader->any && rows != reader->table->rows)
		return fail(
			reader->ret_message, -EBADMSG,
			"%s: dataset \"%s\" has %llu values and the first has %zu; the columns of "
			"a table have the same length",
			reader->path, name, (unsigned long long)rows, reader->table->rows);
	if (!is_plausible(dataset, rows))
		return bad_file(reader, "a dataset claims more values than the file holds");
	reader->table->rows = (size_t)rows;
	reader->any = true;
	flags = heading_is_flags(name, unit);
	r = table_set_column(reader->table, reader->columns, name, unit,
			     flags ? COLUMN_U32 : COLUMN_F64);
	if (r < 0)
		return fail(reader->ret_message, r, "%s: %s", reader->path, strerror(-r));
	column = &reader->table->columns[reader->columns++];
	if (rows > 0 && H5Dread(dataset, flags ? H5T_NATIVE_UINT32 : H5T_NATIVE_DOUBLE, H5S_ALL,
				H5S_ALL, H5P_DEFAULT, column->f64) < 0)
		return hdf5_fail(reader->ret_message, -EBADMSG, reader->path,
				 "a dataset cannot be read");
	return 0;
}

static int read_columns(struct hdf5_reader *reader)
{
	H5G_info_t info;
	int r = 0;

	if (H5Gget_info(reader->group, &info) < 0)
		return hdf5_fail(reader->ret_message, -EBADMSG, reader->path, "cannot be read");
	reader->table = table_new(0, MIN(info.nlinks, (hsize_t)COLUMNS_MAX));
	if (!reader->table)
		return fail(reader->ret_message, -ENOMEM, "%s: out of memory", reader->path);
	for (hsize_t i = 0; i < info.nlinks && r == 0; i++) {
		_cleanup_hid_ hid_t dataset = open_dataset(reader, i);
		hsize_t rows;

		if (dataset < 0 || !is_column(dataset, &rows))
			continue;
		if (reader->columns == COLUMNS_MAX)
			return bad_file(reader, "there are more than 1024 columns");
		r = read_column(reader, dataset, i, rows);
	}
	reader->table->column_count = reader->columns;
	if (r == 0 && (reader->columns == 0 || reader->table->rows == 0))
		return bad_file(reader,
				"there is no table: no 1-D datasets of numbers in \"/data\" "
				"or \"/\", or all are empty");
	return r;
}

/* ---- description ---- */

static int read_description(struct hdf5_reader *reader, hid_t file)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_hid_ hid_t dataset = -1;
	json_error_t error;
	json_t *meta;

	if (H5Lexists(file, HDF5_META, H5P_DEFAULT) <= 0 ||
	    H5Lexists(file, HDF5_META "/" HDF5_JSON, H5P_DEFAULT) <= 0)
		return 0;
	dataset = H5Dopen2(file, HDF5_META "/" HDF5_JSON, H5P_DEFAULT);
	text = dataset < 0 ? NULL : hdf5_get_text(dataset, NULL);
	meta = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;
	if (!json_is_object(meta)) {
		json_decref(meta);
		return bad_file(reader, "the description in \"/meta/json\" is not a JSON object");
	}
	json_decref(reader->table->meta);
	reader->table->meta = meta;
	return 0;
}

static hid_t open_group(hid_t file, bool *ret_by_creation)
{
	const char *name = H5Lexists(file, HDF5_DATA, H5P_DEFAULT) > 0 ? HDF5_DATA : "/";
	hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
	_cleanup_hid_ hid_t properties = group < 0 ? -1 : H5Gget_create_plist(group);
	unsigned int order = 0;

	*ret_by_creation = properties >= 0 && H5Pget_link_creation_order(properties, &order) >= 0 &&
			   (order & H5P_CRT_ORDER_INDEXED);
	return group;
}

int hdf5_read(const char *path, struct table **ret, char **ret_message)
{
	_cleanup_quiet_ struct hdf5_quiet quiet = hdf5_quiet_begin();
	struct hdf5_reader reader = {.path = path, .ret_message = ret_message};
	_cleanup_hid_ hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	_cleanup_hid_ hid_t group = -1;
	int r;

	if (file < 0)
		return hdf5_fail(ret_message, -EBADMSG, path, "not a readable HDF5 file");
	group = open_group(file, &reader.by_creation);
	if (group < 0)
		return hdf5_fail(ret_message, -EBADMSG, path, "cannot be read");
	reader.group = group;
	r = read_columns(&reader);
	if (r == 0)
		r = read_description(&reader, file);
	if (r < 0) {
		table_free(reader.table);
		return r;
	}
	*ret = reader.table;
	return 0;
}
