// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * HDF5 files: what is written is there for every HDF5 reader and comes back the same.
 */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/exported.h"
#include "base/util.h"
#include "export/file_read.h"
#include "export/file_write.h"
#include "export/hdf5_file.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static char *folder, *path;

static void set_up(void)
{
	folder = make_folder();
	path = path_in(folder, "run.h5");
}

static void tear_down(void)
{
	free(path);
	remove_folder(folder);
}

static void write_run(const struct table *table)
{
	const struct file_write_options options = {.overwrite = true};
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(table_write_file(path, table, &options, &message) == 0, "%s", message);
}

static const size_t row_counts[] = {1, 100, 4096, 150000};

START_TEST(a_run_comes_back_as_it_was)
{
	_cleanup_table_ struct table *t = sample_run(row_counts[_i]), *back = NULL;
	_cleanup_free_ char *message = NULL;

	write_run(t);
	ck_assert_msg(table_read_any(path, &back, &message) == 0, "%s", message);
	ck_assert(table_columns_equal(t, back));
	ck_assert(json_equal(t->meta, back->meta));
}
END_TEST

START_TEST(large_columns_are_deflated)
{
	_cleanup_table_ struct table *t = sample_run(150000);
	_cleanup_free_ char *bytes = NULL;
	size_t size;

	write_run(t);
	bytes = bytes_of(path, &size);
	ck_assert_uint_lt(size, 150000 * 44 / 2);
}
END_TEST

/* ---- what another program sees ---- */

static double number_at(hid_t file, const char *object, const char *name)
{
	hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
	double value = NAN;

	ck_assert_msg(attribute >= 0, "%s %s", object, name);
	ck_assert_int_ge(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value), 0);
	H5Aclose(attribute);
	return value;
}

static char *text_at(hid_t file, const char *object, const char *name)
{
	hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
	hid_t type = H5Aget_type(attribute);
	char *text = NULL;

	ck_assert_msg(attribute >= 0, "%s %s", object, name);
	ck_assert_int_eq(H5Tget_class(type), H5T_STRING);
	ck_assert_int_eq(H5Tget_cset(type), H5T_CSET_UTF8);
	ck_assert_int_ge(H5Aread(attribute, type, &text), 0);
	H5Tclose(type);
	H5Aclose(attribute);
	return text;
}

static void expect_text(hid_t file, const char *object, const char *name, const char *expected)
{
	char *text = text_at(file, object, name);

	ck_assert_str_eq(text, expected);
	H5free_memory(text);
}

START_TEST(columns_have_units_and_the_description_has_types)
{
	_cleanup_table_ struct table *t = sample_run(100);
	hid_t file;

	write_run(t);
	file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	ck_assert_int_ge(file, 0);
	expect_text(file, "/", "format", "etalon");
	expect_text(file, "/data/wavelength", "units", "nm");
	expect_text(file, "/data/through", "units", "W");
	expect_text(file, "/data/flags", "units", "");
	expect_text(file, "/meta", "label", "ring40");
	expect_text(file, "/meta/axis", "provenance", "wavemeter");
	expect_text(file, "/meta/channels/drop", "range", "100 uA");
	ck_assert(number_at(file, "/meta", "run") == 17);
	ck_assert(number_at(file, "/meta/ledger", "produced") == 20001);
	ck_assert(number_at(file, "/meta/settings", "power_w") == 0.001);
	ck_assert(number_at(file, "/meta/ledger/gaps/0", "count") == 4);
	ck_assert(number_at(file, "/flags_legend", "saturated") == 65536);
	H5Fclose(file);
}
END_TEST

START_TEST(columns_stand_in_the_order_of_the_table)
{
	static const char *const names[] = {"z", "a/b", "m", "a_b", ".", "flags"};
	_cleanup_table_ struct table *t = table_new(2, ARRAY_SIZE(names)), *back = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		table_set_column(t, i, names[i], "", i == 5 ? COLUMN_U32 : COLUMN_F64);
	write_run(t);
	ck_assert_int_eq(table_read_any(path, &back, NULL), 0);
	ck_assert(table_columns_equal(t, back));
}
END_TEST

START_TEST(odd_and_large_descriptions_are_kept)
{
	_cleanup_table_ struct table *t = sample_run(10), *back = NULL;
	_cleanup_free_ char *large = calloc(1, 200001);
	json_t *many = json_array(), *gaps = json_array();

	memset(large, 'x', 200000);
	for (int i = 0; i < 5000; i++) {
		json_array_append_new(many, json_real(i * 0.5));
		json_array_append_new(gaps, json_pack("{s:i, s:i}", "first", i, "count", 1));
	}
	json_object_set_new(t->meta, "large", json_string(large));
	json_object_set_new(t->meta, "many", many);
	json_object_set_new(t->meta, "gaps", gaps);
	json_object_set_new(t->meta, "a/b", json_pack("{s:s, s:i}", "", "empty", "c/d", 1));
	json_object_set_new(t->meta, "a_b", json_integer(2));
	json_object_set_new(t->meta, "json", json_integer(3));
	json_object_set_new(t->meta, ".", json_integer(4));
	json_object_set_new(t->meta, "mixed", json_pack("[i, s, [i], n]", 1, "a", 2));
	write_run(t);
	ck_assert_int_eq(table_read_any(path, &back, NULL), 0);
	ck_assert(json_equal(t->meta, back->meta));
}
END_TEST

/* ---- files of others ---- */

static void put_dataset(hid_t place, const char *name, hid_t type, hsize_t size, const void *data)
{
	hid_t space = H5Screate_simple(1, &size, NULL);
	hid_t set = H5Dcreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

	ck_assert_int_ge(set, 0);
	if (data)
		ck_assert_int_ge(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), 0);
	H5Dclose(set);
	H5Sclose(space);
}

START_TEST(a_file_of_another_program_is_read)
{
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ char *message = NULL;

	put_dataset(file, "wavelength [nm]", H5T_NATIVE_FLOAT, 2, (float[]){1500, 1500.5f});
	put_dataset(file, "transmission [dB]", H5T_NATIVE_INT16, 2, (int16_t[]){-3, -4});
	H5Gclose(H5Gcreate2(file, "zzz", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	H5Lcreate_external("/etc/passwd", "/", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
	H5Fclose(file);
	ck_assert_msg(table_read_file(path, &t, &message) == 0, "%s", message);
	ck_assert_uint_eq(t->column_count, 2);
	ck_assert_str_eq(table_find(t, "transmission")->unit, "dB");
	ck_assert(table_find(t, "transmission")->f64[1] == -4);
	ck_assert(table_find(t, "wavelength")->f64[1] == 1500.5);
}
END_TEST

static void expect_refused(const char *words)
{
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(table_read_any(path, &t, &message), -EBADMSG);
	ck_assert_msg(strstr(message, path) && strstr(message, words), "%s", message);
}

START_TEST(columns_of_unequal_length_are_refused)
{
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

	put_dataset(file, "a", H5T_NATIVE_DOUBLE, 2, (double[]){1, 2});
	put_dataset(file, "b", H5T_NATIVE_DOUBLE, 3, (double[]){1, 2, 3});
	H5Fclose(file);
	expect_refused("\"b\" has 3 values and the first has 2");
}
END_TEST

START_TEST(a_size_that_the_file_can_not_hold_is_not_believed)
{
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

	put_dataset(file, "a", H5T_NATIVE_DOUBLE, 1ULL << 40, NULL);
	H5Fclose(file);
	expect_refused("claims more values than the file holds");
}
END_TEST

START_TEST(a_file_without_a_table_is_refused)
{
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

	H5Fclose(file);
	expect_refused("there is no table");
}
END_TEST

START_TEST(a_cut_file_is_refused_without_a_word_on_stderr)
{
	_cleanup_table_ struct table *t = sample_run(1000);
	_cleanup_free_ char *bytes = NULL;
	size_t size;
	int words[2], saved = dup(STDERR_FILENO);
	char said[1] = "";

	write_run(t);
	bytes = bytes_of(path, &size);
	ck_assert_int_eq(pipe(words), 0);
	fflush(stderr);
	dup2(words[1], STDERR_FILENO);
	for (size_t keep = 8; keep < size; keep += size / 7) {
		_cleanup_free_ char *message = NULL;
		struct table *back = NULL;

		free(file_of(folder, "run.h5", bytes, keep));
		ck_assert_int_eq(table_read_any(path, &back, &message), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(message, path));
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(words[1]);
	ck_assert_int_eq(read(words[0], said, 1), 0);
	close(words[0]);
}
END_TEST

START_TEST(a_full_device_is_an_error)
{
	_cleanup_table_ struct table *t = sample_run(10000);
	FILE *f = fopen("/dev/full", "w");

	setvbuf(f, NULL, _IONBF, 0);
	ck_assert_int_eq(hdf5_write(f, t, NULL), -ENOSPC);
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hdf5");
	TCase *tc = tcase_create("hdf5");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_run_comes_back_as_it_was, 0, (int)ARRAY_SIZE(row_counts));
	tcase_add_test(tc, large_columns_are_deflated);
	tcase_add_test(tc, columns_have_units_and_the_description_has_types);
	tcase_add_test(tc, columns_stand_in_the_order_of_the_table);
	tcase_add_test(tc, odd_and_large_descriptions_are_kept);
	tcase_add_test(tc, a_file_of_another_program_is_read);
	tcase_add_test(tc, columns_of_unequal_length_are_refused);
	tcase_add_test(tc, a_size_that_the_file_can_not_hold_is_not_believed);
	tcase_add_test(tc, a_file_without_a_table_is_refused);
	tcase_add_test(tc, a_cut_file_is_refused_without_a_word_on_stderr);
	tcase_add_test(tc, a_full_device_is_an_error);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
