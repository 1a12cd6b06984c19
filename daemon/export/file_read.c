// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Picks the reader of a file. Layer: export.
 */
#include "export/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "base/util.h"
#include "export/axis_check.h"
#include "export/csv_read.h"
#include "export/hdf5_file.h"
#include "export/openepda.h"

/* What people hand over by mistake, and what to do with it. */
static const struct {
	const char *begin;
	size_t size;
	const char *what;
} strangers[] = {
	{"\x1f\x8b", 2, "compressed with gzip: unpack it first"},
	{"PK\x03\x04", 4, "a ZIP archive or a spreadsheet (.xlsx, .ods): save it as CSV"},
	{"\xd0\xcf\x11\xe0", 4, "an old spreadsheet (.xls): save it as CSV"},
	{"MATLAB 5.0", 10, "a MATLAB file: save it with -v7.3 (HDF5) or as CSV"},
	{"\x89PNG", 4, "a picture"},
	{"%PDF", 4, "a PDF document"},
	{"SQLite format 3", 15, "a database: open it with etalonctl runs"},
	{"\xff\xfe", 2, "UTF-16 text: save it as UTF-8"},
	{"\xfe\xff", 2, "UTF-16 text: save it as UTF-8"},
	{"<?xml", 5, "XML: save it as CSV"},
	{"<svg", 4, "a picture: read the file of data that it was drawn from"},
	{"{", 1, "JSON: save it as CSV"},
};

static int check_stranger(const char *begin, size_t size, const char *name, char **ret_message)
{
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		if (size >= strangers[i].size &&
		    memcmp(begin, strangers[i].begin, strangers[i].size) == 0)
			return fail(ret_message, -EBADMSG,
				    "%s: this is %s; CSV, openEPDA data and HDF5 are read", name,
				    strangers[i].what);
	return 0;
}

static int read_text(int fd, const char *path, const char *name, struct table **ret,
		     char **ret_message)
{
	_cleanup_(text_end) struct text_reader text = {};
	const char *begin;
	size_t size;
	int r;

	r = text_begin(&text, fd, name, ret_message);
	if (r < 0)
		return r;
	begin = text_peek(&text, &size);
	if (hdf5_recognise(begin, size))
		return hdf5_read(path, ret, ret_message);
	if (openepda_recognise(begin, size))
		return openepda_read(&text, ret, ret_message);
	r = check_stranger(begin, size, name, ret_message);
	return r < 0 ? r : csv_read(&text, ret, ret_message);
}

int table_read_any(const char *path, struct table **ret, char **ret_message)
{
	bool standard_input = streq(path, "-");
	_cleanup_close_ int opened = standard_input ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *message = NULL;
	_cleanup_table_ struct table *table = NULL;
	int fd = standard_input ? STDIN_FILENO : opened;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else
		r = read_text(fd, path, standard_input ? "standard input" : path, &table, &message);
	if (r < 0 && !message)
		return fail(ret_message, r, "%s: cannot be read: %s", path, strerror(-r));
	if (r < 0) {
		if (ret_message)
			*ret_message = take_ptr(message);
		return r;
	}
	*ret = take_ptr(table);
	return 0;
}

int table_read_file_random(const char *path, double random_pm, struct table **ret,
			   char **ret_message)
{
	_cleanup_table_ struct table *table = NULL;
	int r;

	r = table_read_any(path, &table, ret_message);
	if (r == 0)
		r = axis_check(table, path, random_pm, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(table);
	return 0;
}

int table_read_file(const char *path, struct table **ret, char **ret_message)
{
	return table_read_file_random(path, NAN, ret, ret_message);
}
