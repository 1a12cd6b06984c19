// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writing files: the ending says the format, a file appears whole or not at all, and an old
 * one stays until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../common/exported.h"
#include "base/util.h"
#include "export/file_read.h"
#include "export/file_write.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static char *folder;

static void set_up(void)
{
	folder = make_folder();
}

static void tear_down(void)
{
	remove_folder(folder);
	forget_fonts();
}

/* ---- formats ---- */

static const struct {
	const char *path;
	enum file_format format; /* 0: refused */
} names[] = {
	{"ring.csv", FILE_FORMAT_CSV},
	{"RING.CSV", FILE_FORMAT_CSV},
	{"a/b.c/ring.oedf", FILE_FORMAT_OPENEPDA},
	{"ring.openepda", FILE_FORMAT_OPENEPDA},
	{"ring.h5", FILE_FORMAT_HDF5},
	{"ring.hdf5", FILE_FORMAT_HDF5},
	{"ring.svg", FILE_FORMAT_SVG},
	{"ring.csv.txt", 0},
	{"ring", 0},
	{"csv", 0},
	{".csv", 0},
	{"folder/.csv", 0},
	{"", 0},
	{"ring.csv/", 0},
};

START_TEST(the_ending_says_the_format)
{
	_cleanup_free_ char *message = NULL;
	enum file_format format = 0;
	int r = file_format_of(names[_i].path, &format, &message);

	ck_assert_int_eq(r, names[_i].format ? 0 : -EINVAL);
	ck_assert_int_eq(format, names[_i].format);
	if (r < 0)
		ck_assert_msg(strstr(message, ".oedf") && strstr(message, ".svg"), "%s", message);
}
END_TEST

static const char *const endings[] = {"run.csv", "run.oedf", "run.h5", "run.svg"};
#define DATA_ENDINGS 3

START_TEST(a_run_is_written_and_nothing_else_is_left)
{
	_cleanup_table_ struct table *t = sample_run(1000), *back = NULL;
	_cleanup_free_ char *path = path_in(folder, endings[_i]), *message = NULL;
	struct stat st;
	mode_t mask = umask(0);

	umask(mask);
	ck_assert_msg(table_write_file(path, t, NULL, &message) == 0, "%s", message);
	ck_assert_uint_eq(count_files(folder), 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666 & ~mask);
	if (_i == DATA_ENDINGS)
		return;
	ck_assert_msg(table_read_file(path, &back, &message) == 0, "%s", message);
	ck_assert(table_columns_equal(t, back));
	ck_assert(json_equal(t->meta, back->meta));
}
END_TEST

/* ---- what was there before ---- */

START_TEST(an_existing_file_is_not_overwritten_unless_asked)
{
	const struct file_write_options overwrite = {.overwrite = true};
	_cleanup_table_ struct table *t = sample_run(10), *back = NULL;
	_cleanup_free_ char *path = file_of_text(folder, "run.csv", "precious"), *message = NULL;
	_cleanup_free_ char *kept = NULL;
	struct stat st;

	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(table_write_file(path, t, NULL, &message), -EEXIST);
	ck_assert_msg(strstr(message, "exists") != NULL, "%s", message);
	kept = bytes_of(path, NULL);
	ck_assert_str_eq(kept, "precious");
	ck_assert_uint_eq(count_files(folder), 1);

	ck_assert_int_eq(table_write_file(path, t, &overwrite, NULL), 0);
	ck_assert_int_eq(table_read_file(path, &back, NULL), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert_uint_eq(count_files(folder), 1);
}
END_TEST

START_TEST(a_link_stays_a_link)
{
	const struct file_write_options overwrite = {.overwrite = true};
	_cleanup_table_ struct table *t = sample_run(10), *back = NULL;
	_cleanup_free_ char *target = file_of_text(folder, "real.csv", "old");
	_cleanup_free_ char *path = path_in(folder, "link.csv");
	struct stat st;

	ck_assert_int_eq(symlink("real.csv", path), 0);
	ck_assert_int_eq(table_write_file(path, t, NULL, NULL), -EEXIST);
	ck_assert_int_eq(table_write_file(path, t, &overwrite, NULL), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(table_read_file(target, &back, NULL), 0);
}
END_TEST

START_TEST(a_link_to_nowhere_is_not_overwritten)
{
	_cleanup_table_ struct table *t = sample_run(10);
	_cleanup_free_ char *path = path_in(folder, "link.csv");

	ck_assert_int_eq(symlink("nowhere.csv", path), 0);
	ck_assert_int_eq(table_write_file(path, t, NULL, NULL), -EEXIST);
	ck_assert_uint_eq(count_files(folder), 1);
}
END_TEST

/* ---- what can not be written ---- */

static void expect_failure(const char *name, const struct table *t, int error, const char *words)
{
	const struct file_write_options overwrite = {.overwrite = true};
	_cleanup_free_ char *path = path_in(folder, name), *message = NULL;
	int r = table_write_file(path, t, &overwrite, &message);

	ck_assert_msg(r == error, "%s: %d %s", name, r, message);
	ck_assert_msg(strstr(message, name) && strstr(message, words), "%s", message);
}

START_TEST(where_nothing_can_be_written_is_said)
{
	_cleanup_table_ struct table *t = sample_run(10);
	_cleanup_free_ char *file = file_of_text(folder, "file", "");
	_cleanup_free_ char *fifo = path_in(folder, "fifo.csv"), *sub = path_in(folder, "sub.csv");

	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	expect_failure("absent/run.csv", t, -ENOENT, "the folder does not exist");
	expect_failure("file/run.csv", t, -ENOTDIR, "not written");
	expect_failure("sub.csv", t, -EISDIR, "not written");
	expect_failure("fifo.csv", t, -EINVAL, "not written");
	expect_failure("run.txt", t, -EINVAL, "known format");
	ck_assert_uint_eq(count_files(folder), 3);
	ck_assert_int_eq(rmdir(sub), 0);
}
END_TEST

START_TEST(what_can_not_be_drawn_leaves_no_picture)
{
	_cleanup_table_ struct table *t = table_new(3, 1);

	table_set_column(t, 0, "a", "V", COLUMN_F64);
	expect_failure("run.svg", t, -EINVAL, "no column \"wavelength, nm\"");
	ck_assert_uint_eq(count_files(folder), 0);
}
END_TEST

START_TEST(reserved_names_leave_no_file)
{
	_cleanup_table_ struct table *t = sample_run(3);

	json_object_set_new(t->meta, "_x", json_integer(1));
	expect_failure("run.oedf", t, -EINVAL, "\"_x\"");
	ck_assert_uint_eq(count_files(folder), 0);
}
END_TEST

/* The kernel's limit of a file's size stands in for a disk that gets full on the way. */
START_TEST(a_file_that_does_not_fit_leaves_nothing_and_keeps_the_old)
{
	static const rlim_t limits[] = {0, 100, 5000, 60000};
	const char *name = endings[_i / (int)ARRAY_SIZE(limits)];
	_cleanup_table_ struct table *t = sample_run(30000);
	_cleanup_free_ char *old = file_of_text(folder, name, "precious"), *kept = NULL;
	struct rlimit before, small;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){limits[_i % (int)ARRAY_SIZE(limits)], before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	expect_failure(name, t, -EFBIG, "larger than is allowed");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	kept = bytes_of(old, NULL);
	ck_assert_str_eq(kept, "precious");
	ck_assert_uint_eq(count_files(folder), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file_write");
	TCase *tc = tcase_create("file_write");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, the_ending_says_the_format, 0, (int)ARRAY_SIZE(names));
	tcase_add_loop_test(tc, a_run_is_written_and_nothing_else_is_left, 0,
			    (int)ARRAY_SIZE(endings));
	tcase_add_test(tc, an_existing_file_is_not_overwritten_unless_asked);
	tcase_add_test(tc, a_link_stays_a_link);
	tcase_add_test(tc, a_link_to_nowhere_is_not_overwritten);
	tcase_add_test(tc, where_nothing_can_be_written_is_said);
	tcase_add_test(tc, what_can_not_be_drawn_leaves_no_picture);
	tcase_add_test(tc, reserved_names_leave_no_file);
	tcase_add_loop_test(tc, a_file_that_does_not_fit_leaves_nothing_and_keeps_the_old, 0,
			    (int)ARRAY_SIZE(endings) * 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
