// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Descriptions as typed HDF5 attributes and groups, and the library's errors as messages.
 * Layer: export.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "export/hdf5_file.h"
#include "export/hdf5_private.h"

/* Attributes live in the object header: what is larger is in the JSON text alone. */
#define ATTRIBUTE_VALUES_MAX 2048
#define ATTRIBUTE_TEXT_MAX 32768U
#define ARRAY_GROUPS_MAX 256

/* ---- errors ---- */

static herr_t innermost(unsigned int n, const H5E_error2_t *error, void *data)
{
	(void)n;
	if (error->desc)
		snprintf(data, 256, "%s", error->desc);
	return 1; /* the first is enough */
}

int hdf5_fail(char **ret_message, int error, const char *path, const char *what)
{
	char words[256] = "unknown error";
	const char *number;
	int system_error = 0;

	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, words);
	/* The file driver puts it like "file write failed: ..., errno = 28, ..." */
	number = strstr(words, "errno = ");
	if (number)
		system_error = atoi(number + strlen("errno = "));
	if (system_error > 0)
		return fail(ret_message, -system_error, "%s: %s: %s", path, what,
			    strerror(system_error));
	return fail(ret_message, error, "%s: %s: %s", path, what, words);
}

/* ---- attributes ---- */

hid_t hdf5_text_type(void)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	if (type >= 0 &&
	    (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
		H5Tclose(type);
		return -1;
	}
	return type;
}

static int put_attribute(hid_t object, const char *name, hid_t type, hid_t space, const void *data)
{
	_cleanup_hid_ hid_t attribute = -1;

	attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	return attribute < 0 || H5Awrite(attribute, type, data) < 0 ? -EIO : 0;
}

static int put_scalar(hid_t object, const char *name, hid_t type, const void *data)
{
	_cleanup_hid_ hid_t space = H5Screate(H5S_SCALAR);

	return space < 0 ? -EIO : put_attribute(object, name, type, space, data);
}

int hdf5_put_text(hid_t object, const char *name, const char *text)
{
	_cleanup_hid_ hid_t type = hdf5_text_type();

	return type < 0 ? -EIO : put_scalar(object, name, type, &text);
}

/* The enumeration that h5py reads and writes as bool. */
static int put_bool(hid_t object, const char *name, bool value)
{
	_cleanup_hid_ hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
	int8_t no = 0, yes = 1, stored = value;

	if (type < 0 || H5Tenum_insert(type, "FALSE", &no) < 0 ||
	    H5Tenum_insert(type, "TRUE", &yes) < 0)
		return -EIO;
	return put_scalar(object, name, type, &stored);
}

/* ---- arrays ---- */

enum array_kind { ARRAY_INTEGERS, ARRAY_REALS, ARRAY_TEXTS, ARRAY_OBJECTS, ARRAY_MIXED };

static enum array_kind kind_of(json_t *array)
{
	size_t integers = 0, reals = 0, texts = 0, objects = 0, all = json_array_size(array), i;
	json_t *value;

	json_array_foreach(array, i, value) {
		integers += json_is_integer(value);
		reals += json_is_real(value);
		texts += json_is_string(value);
		objects += json_is_object(value);
	}
	return integers == all		 ? ARRAY_INTEGERS
	       : integers + reals == all ? ARRAY_REALS
	       : texts == all		 ? ARRAY_TEXTS
	       : objects == all		 ? ARRAY_OBJECTS
					 : ARRAY_MIXED;
}

static int put_numbers(hid_t object, const char *name, json_t *array, bool integers)
{
	hsize_t size = json_array_size(array);
	_cleanup_hid_ hid_t space = H5Screate_simple(1, &size, NULL);
	_cleanup_free_ void *data = calloc(size, 8);
	json_t *value;
	size_t i;

	if (space < 0 || !data)
		return -EIO;
	json_array_foreach(array, i, value) {
		if (integers)
			((int64_t *)data)[i] = json_integer_value(value);
		else
			((double *)data)[i] = json_number_value(value);
	}
	return put_attribute(object, name, integers ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, space,
			     data);
}

static int put_texts(hid_t object, const char *name, json_t *array)
{
	hsize_t size = json_array_size(array);
	_cleanup_hid_ hid_t space = H5Screate_simple(1, &size, NULL);
	_cleanup_hid_ hid_t type = hdf5_text_type();
	_cleanup_free_ const char **data = calloc(size, sizeof(*data));
	json_t *value;
	size_t i;

	if (space < 0 || type < 0 || !data)
		return -EIO;
	json_array_foreach(array, i, value)
		data[i] = json_string_value(value);
	return put_attribute(object, name, type, space, data);
}

static int put_group(hid_t parent, const char *name, json_t *object)
{
	_cleanup_hid_ hid_t group = -1;

	group = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	return group < 0 ? -EIO : hdf5_put_object(group, object);
}

/* A group per object, named by its "column" when all have one of their own. */
static int put_objects(hid_t parent, const char *name, json_t *array)
{
	_cleanup_hid_ hid_t group = -1;
	json_t *value;
	size_t i;

	group = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (group < 0)
		return -EIO;
	json_array_foreach(array, i, value) {
		const char *column = json_string_value(json_object_get(value, "column"));
		char number[24];
		int r;

		snprintf(number, sizeof(number), "%zu", i);
		if (!column || !*column || strpbrk(column, "/.") ||
		    H5Lexists(group, column, H5P_DEFAULT) > 0)
			column = number;
		r = put_group(group, column, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static size_t text_bytes(json_t *array)
{
	size_t bytes = 0, i;
	json_t *value;

	json_array_foreach(array, i, value)
		bytes += json_string_length(value);
	return bytes;
}

static int put_array(hid_t group, const char *name, json_t *array)
{
	size_t size = json_array_size(array);

	if (size == 0 || size > ATTRIBUTE_VALUES_MAX)
		return 0;
	switch (kind_of(array)) {
	case ARRAY_INTEGERS:
		return put_numbers(group, name, array, true);
	case ARRAY_REALS:
		return put_numbers(group, name, array, false);
	case ARRAY_TEXTS:
		return text_bytes(array) > ATTRIBUTE_TEXT_MAX ? 0 : put_texts(group, name, array);
	case ARRAY_OBJECTS:
		return size > ARRAY_GROUPS_MAX ? 0 : put_objects(group, name, array);
	case ARRAY_MIXED:
		break;
	}
	return 0;
}

/* ---- objects ---- */

static int put_member(hid_t group, const char *name, json_t *value)
{
	double real = json_number_value(value);
	int64_t integer = json_integer_value(value);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_group(group, name, value);
	case JSON_ARRAY:
		return put_array(group, name, value);
	case JSON_STRING:
		return json_string_length(value) > ATTRIBUTE_TEXT_MAX
			       ? 0
			       : hdf5_put_text(group, name, json_string_value(value));
	case JSON_INTEGER:
		return put_scalar(group, name, H5T_NATIVE_INT64, &integer);
	case JSON_REAL:
		return put_scalar(group, name, H5T_NATIVE_DOUBLE, &real);
	case JSON_TRUE:
	case JSON_FALSE:
		return put_bool(group, name, json_is_true(value));
	case JSON_NULL:
		break; /* absent, as everywhere; the JSON text tells */
	}
	return 0;
}

int hdf5_put_object(hid_t group, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		char link[256];
		int r;

		/* A slash would be a path; the text "json" has the true name. */
		snprintf(link, sizeof(link), "%s", name);
		for (char *slash = link; (slash = strchr(slash, '/'));)
			*slash = '_';
		if (!*link || streq(link, ".") || streq(link, HDF5_JSON) ||
		    H5Aexists(group, link) > 0 || H5Lexists(group, link, H5P_DEFAULT) > 0)
			continue;
		r = put_member(group, link, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- reading ---- */

static char *get_variable(hid_t object, hid_t type, hid_t space, bool is_attribute)
{
	char *stored = NULL, *text;

	if ((is_attribute ? H5Aread(object, type, &stored)
			  : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &stored)) < 0 ||
	    !stored)
		return NULL;
	text = strdup(stored);
	H5Dvlen_reclaim(type, space, H5P_DEFAULT, &stored);
	return text;
}

static char *get_fixed(hid_t object, hid_t type, bool is_attribute)
{
	size_t size = H5Tget_size(type);
	char *text = calloc(1, size + 1);

	if (text &&
	    (is_attribute ? H5Aread(object, type, text)
			  : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text)) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *hdf5_get_text(hid_t object, const char *attribute)
{
	_cleanup_hid_ hid_t opened = -1, type = -1, space = -1;

	if (attribute) {
		if (H5Aexists(object, attribute) <= 0)
			return NULL;
		opened = H5Aopen(object, attribute, H5P_DEFAULT);
		object = opened;
	}
	type = attribute ? H5Aget_type(object) : H5Dget_type(object);
	space = attribute ? H5Aget_space(object) : H5Dget_space(object);
	if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING ||
	    H5Sget_simple_extent_npoints(space) != 1)
		return NULL;
	return H5Tis_variable_str(type) > 0 ? get_variable(object, type, space, attribute)
					    : get_fixed(object, type, attribute);
}
