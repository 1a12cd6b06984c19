// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Files and tables for the tests of file formats; see the header.
 */
#include "exported.h"

#include <cairo.h>
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "data/frame.h"

#include <check.h> /* last: it defines a macro fail() */

char *make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = asprintf_or_null("%s/etalon-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

void remove_folder(char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			ck_assert_int_eq(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
	free(folder);
}

size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

char *path_in(const char *folder, const char *name)
{
	return asprintf_or_null("%s/%s", folder, name);
}

char *file_of(const char *folder, const char *name, const char *bytes, size_t size)
{
	char *path = path_in(folder, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

char *file_of_text(const char *folder, const char *name, const char *text)
{
	return file_of(folder, name, text, strlen(text));
}

char *bytes_of(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "r");
	char *bytes;
	long size;

	ck_assert_msg(f != NULL, "%s", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	bytes = calloc(1, (size_t)size + 1);
	ck_assert_uint_eq(fread(bytes, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	if (ret_size)
		*ret_size = (size_t)size;
	return bytes;
}

static const char sample_meta[] =
	"{\"run\": 17, \"kind\": \"wavelength-sweep\", \"label\": \"ring40\", \"wafer\": \"0012\","
	" \"note\": \"first line\\nsecond: with a colon # and a hash\","
	" \"operator\": \"yes\", \"created\": \"2026-03-02T14:05:11.123456+01:00\","
	" \"board\": {\"model\": \"ERB-1\", \"firmware\": \"1.0\", \"link\": \"emulated\"},"
	" \"settings\": {\"power_w\": 0.001, \"speed_nm_per_s\": 20.0, \"aperture_ns\": 40000,"
	" \"both_ways\": false, \"points\": 20001, \"start_nm\": 1540.0},"
	" \"axis\": {\"column\": \"wavelength\", \"provenance\": \"wavemeter\", \"random_pm\": 0.05,"
	" \"systematic_pm\": 1.7, \"calibration_id\": 3},"
	" \"channels\": [{\"column\": \"through\", \"unit\": \"W\", \"role\": \"signal\","
	" \"range\": \"100 uA\", \"noise_a\": 1.6e-10}, {\"column\": \"drop\", \"unit\": \"W\","
	" \"role\": \"signal\", \"range\": \"100 uA\", \"noise_a\": 1e-06}],"
	" \"ledger\": {\"complete\": true, \"produced\": 20001, \"received\": 20001, \"dropped\": 0,"
	" \"gaps\": [{\"first\": 3, \"count\": 4}], \"crc\": \"ok\", \"cause\": \"done\"},"
	" \"verdict\": \"measured\", \"reasons\": [], \"parent\": null,"
	" \"chip_temperature, degC\": 18, \"mask\": [\"a\", \"no\", \"1.5\"], \"dose\": [1, 2.5]}";

struct table *sample_run(size_t rows)
{
	struct table *t = table_new(rows, 6);

	ck_assert_int_eq(table_set_column(t, 0, "wavelength", "nm", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "wavelength nominal", "nm", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 2, "through", "W", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 3, "through.sigma", "W", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 4, "drop", "W", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 5, "flags", "", COLUMN_U32), 0);
	for (size_t i = 0; i < rows; i++) {
		double x = (double)i, dip = 1 / (1 + pow((x - 500.3) / 10, 2));

		t->columns[0].f64[i] = 1540.0123 + 1e-3 * x + 1e-5 * sin(x * 37);
		t->columns[1].f64[i] = 1540 + 1e-3 * x;
		t->columns[2].f64[i] =
			i % 100 == 7 ? -2.5e-10 : 6.3e-5 * (1 - 0.9 * dip) + 1e-9 * sin(x);
		t->columns[3].f64[i] = 1.6e-10;
		t->columns[4].f64[i] = i == 3 ? NAN : 3e-5 * dip;
		t->columns[5].u32[i] = i % 100 == 7 ? FRAME_CHANNEL_BELOW_FLOOR : 0;
	}
	json_decref(t->meta);
	t->meta = json_loads(sample_meta, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(t->meta);
	return t;
}

void forget_fonts(void)
{
	void (*fini)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "FcFini");

	cairo_debug_reset_static_data();
	if (fini)
		fini();
}

char *measured_file(const char *name)
{
	const char *folder = getenv("ETALON_DATA");
	char *path = path_in(folder && *folder ? folder : "../shared/data", name);

	if (access(path, R_OK) == 0)
		return path;
	printf("SKIP %s: the measured spectra are not there (ETALON_DATA, ../shared/data)\n", name);
	free(path);
	return NULL;
}
