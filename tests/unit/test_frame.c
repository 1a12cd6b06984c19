// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Frames: round trip, seals, and that no damaged frame is read as data.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "data/frame.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct table *sample(size_t rows)
{
	struct table *t = table_new(rows, 3);

	ck_assert_int_eq(table_set_column(t, 0, "wavelength", "nm", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "through", "W", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 2, "flags", "", COLUMN_U32), 0);
	for (size_t i = 0; i < rows; i++) {
		t->columns[0].f64[i] = 1540.0 + 1e-3 * (double)i;
		t->columns[1].f64[i] = i % 5 == 0 ? NAN : 1e-6 * (double)i;
		t->columns[2].u32[i] = (uint32_t)i * 0x10001U;
	}
	json_object_set_new(t->meta, "label", json_string("ring40"));
	return t;
}

static const size_t row_counts[] = {0, 1, 7, 8, 1000};

START_TEST(a_table_comes_back_from_a_frame_as_it_was)
{
	_cleanup_table_ struct table *t = sample(row_counts[_i]), *back = NULL;
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = table_to_frame(t);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(frame_to_table(fd, &back, &message), 0);
	ck_assert(table_columns_equal(t, back));
	ck_assert(json_equal(t->meta, back->meta));
	for (size_t i = 0; i < back->column_count; i++)
		ck_assert_uint_eq((uintptr_t)back->columns[i].f64 % 64, 0);
}
END_TEST

START_TEST(a_finished_frame_can_not_be_changed)
{
	_cleanup_table_ struct table *t = sample(10);
	_cleanup_close_ int fd = table_to_frame(t);
	int seals = fcntl(fd, F_GET_SEALS);

	ck_assert_int_eq(seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
	ck_assert_int_ne(ftruncate(fd, 0), 0);
	ck_assert_ptr_eq(mmap(NULL, 64, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
}
END_TEST

START_TEST(writing_to_a_read_table_stays_private)
{
	_cleanup_table_ struct table *t = sample(4), *one = NULL, *two = NULL;
	_cleanup_close_ int fd = table_to_frame(t);

	ck_assert_int_eq(frame_to_table(fd, &one, NULL), 0);
	one->columns[0].f64[2] = -1;
	ck_assert_int_eq(frame_to_table(fd, &two, NULL), 0);
	ck_assert(table_columns_equal(t, two));
}
END_TEST

START_TEST(an_unsealed_file_is_read_as_a_copy)
{
	_cleanup_table_ struct table *t = sample(100), *back = NULL;
	_cleanup_close_ int frame = table_to_frame(t), copy = memfd_create("copy", MFD_CLOEXEC);
	char buffer[16384];
	ssize_t n = pread(frame, buffer, sizeof(buffer), 0);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(write_all(copy, buffer, (size_t)n), 0);
	ck_assert_int_eq(frame_to_table(copy, &back, NULL), 0);
	ck_assert_int_eq(ftruncate(copy, 0), 0); /* would be SIGBUS below, were it mapped */
	ck_assert(table_columns_equal(t, back));
}
END_TEST

START_TEST(impossible_frames_are_not_begun)
{
	struct table_column c = {.name = "a", .unit = "W", .type = COLUMN_F64};
	struct table_column bad = {.name = "a", .unit = "W", .type = (enum column_type)9};
	struct table_column unnamed = {.name = "", .unit = "W", .type = COLUMN_F64};
	struct frame_builder b;

	ck_assert_int_eq(frame_begin(&b, &c, 1, UINT64_MAX / 8, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(frame_begin(&b, &c, 1, UINT64_MAX / 2, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(frame_begin(&b, &c, 1, 1, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(frame_begin(&b, &bad, 1, 1, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(frame_begin(&b, &unnamed, 1, 1, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(b.fd, -1);
	frame_abandon(&b);
}
END_TEST

START_TEST(an_abandoned_frame_leaves_nothing_open)
{
	struct table_column c = {.name = "a", .unit = "W", .type = COLUMN_F64};
	struct frame_builder b;
	int fd;

	ck_assert_int_eq(frame_begin(&b, &c, 1, 10, 0, 1, "{}"), 0);
	fd = b.fd;
	c.f64[9] = 1;
	frame_abandon(&b);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* Where in the header each lie is told. */
#define COLUMN_AT(i, field)                                                \
	(sizeof(struct frame_header) + (i) * sizeof(struct frame_column) + \
	 offsetof(struct frame_column, field))
#define HEADER_AT(field) offsetof(struct frame_header, field)

static const struct {
	const char *what;
	size_t at, size;
	uint64_t value;
	const char *message; /* must be part of what is said */
} lies[] = {
	{"magic", HEADER_AT(magic), 1, 'X', "not a data frame"},
	{"header size", HEADER_AT(header_size), 4, 64, "headers of 64"},
	{"column size", HEADER_AT(column_size), 4, 0, "headers of"},
	{"columns", HEADER_AT(column_count), 4, UINT32_MAX, "4294967295 columns"},
	{"columns", HEADER_AT(column_count), 4, 40, "40 columns"},
	{"no columns", HEADER_AT(column_count), 4, 0, "rows of no columns"},
	{"reserved", HEADER_AT(reserved), 4, 1, "reserved"},
	{"rows", HEADER_AT(rows), 8, UINT64_MAX, "do not fit"},
	{"rows", HEADER_AT(rows), 8, UINT64_MAX / 8 + 1, "do not fit"},
	{"rows", HEADER_AT(rows), 8, 100, "do not fit"},
	{"stride", HEADER_AT(stride), 8, 0, "stride"},
	{"meta at", HEADER_AT(meta_offset), 8, UINT64_MAX, "lies outside"},
	{"meta at", HEADER_AT(meta_offset), 8, 0, "lies outside"},
	{"meta size", HEADER_AT(meta_size), 8, 1U << 24, "lies outside"},
	{"meta size", HEADER_AT(meta_size), 8, 5, "not a JSON object"},
	{"size", HEADER_AT(total_size), 8, 1 << 20, "truncated"},
	{"type", COLUMN_AT(1, type), 4, 7, "type 7"},
	{"reserved", COLUMN_AT(1, reserved), 4, 7, "type"},
	{"offset", COLUMN_AT(1, offset), 8, UINT64_MAX - 63, "do not fit"},
	{"offset", COLUMN_AT(1, offset), 8, 64, "do not fit"},
	{"offset", COLUMN_AT(1, offset), 8, 1 << 12, "do not fit"},
	{"alignment", COLUMN_AT(0, offset), 8, 449, "do not fit"},
	{"no name", COLUMN_AT(2, name), 1, 0, "name not empty"},
};

static int copy_frame(int frame, char *buffer, size_t size)
{
	ssize_t n = pread(frame, buffer, size, 0);

	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, (ssize_t)size);
	return (int)n;
}

static int frame_of(const char *bytes, size_t size)
{
	int fd = memfd_create("lie", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(write_all(fd, bytes, size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

START_TEST(a_lying_header_is_refused_with_a_message)
{
	_cleanup_table_ struct table *t = sample(16), *back = NULL;
	_cleanup_close_ int frame = table_to_frame(t), fd = -1;
	_cleanup_free_ char *message = NULL;
	char buffer[8192];
	int n = copy_frame(frame, buffer, sizeof(buffer));

	memcpy(buffer + lies[_i].at, &lies[_i].value, lies[_i].size);
	fd = frame_of(buffer, (size_t)n);
	ck_assert_msg(frame_to_table(fd, &back, &message) == -EBADMSG, "%s", lies[_i].what);
	ck_assert_ptr_null(back);
	ck_assert_msg(message && strstr(message, lies[_i].message), "%s: %s", lies[_i].what,
		      message ? message : "no message");
}
END_TEST

START_TEST(unterminated_and_repeated_names_are_refused)
{
	_cleanup_table_ struct table *t = sample(16), *back = NULL;
	_cleanup_close_ int frame = table_to_frame(t), one = -1, two = -1;
	_cleanup_free_ char *message = NULL;
	char buffer[8192];
	int n = copy_frame(frame, buffer, sizeof(buffer));

	memcpy(buffer + COLUMN_AT(1, name), "wavelength", sizeof("wavelength"));
	one = frame_of(buffer, (size_t)n);
	ck_assert_int_eq(frame_to_table(one, &back, &message), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(message, "two columns named \"wavelength\""));
	memset(buffer + COLUMN_AT(1, unit), 'u', TABLE_UNIT_MAX);
	two = frame_of(buffer, (size_t)n);
	ck_assert_int_eq(frame_to_table(two, &back, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_frame_cut_anywhere_is_refused)
{
	_cleanup_table_ struct table *t = sample(3);
	_cleanup_close_ int frame = table_to_frame(t);
	char buffer[8192];
	int n = copy_frame(frame, buffer, sizeof(buffer));

	for (int size = 0; size < n; size += size < 600 ? 1 : 7) {
		_cleanup_close_ int fd = frame_of(buffer, (size_t)size);
		_cleanup_table_ struct table *back = NULL;

		ck_assert_int_eq(frame_to_table(fd, &back, NULL), -EBADMSG);
	}
}
END_TEST

#define PINNED_US 400000 /* longer than the kernel waits by itself */

static void *close_later(void *fd)
{
	usleep(PINNED_US);
	close(*(int *)fd);
	return NULL;
}

START_TEST(a_page_that_is_held_for_a_moment_only_delays_the_seals)
{
	struct table_column column = {.name = "x", .type = COLUMN_F64};
	_cleanup_close_ int frame = -1;
	struct frame_builder builder;
	struct iovec page;
	pthread_t thread;
	int pipes[2];

	ck_assert_int_eq(frame_begin(&builder, &column, 1, 1000, 0, 1, NULL), 0);
	page = (struct iovec){.iov_base = builder.map, .iov_len = 4096};
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(vmsplice(pipes[1], &page, 1, 0), 4096);
	close(pipes[1]);
	ck_assert_int_eq(pthread_create(&thread, NULL, close_later, &pipes[0]), 0);
	frame = frame_finish(&builder);
	ck_assert_int_ge(frame, 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(fcntl(frame, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}
END_TEST

START_TEST(a_child_of_somebody_else_does_not_hinder_the_seals)
{
	struct table_column column = {.name = "x", .type = COLUMN_F64};
	_cleanup_close_ int frame = -1;
	struct frame_builder builder;
	int pipes[2];
	pid_t child;
	char end;

	ck_assert_int_eq(frame_begin(&builder, &column, 1, 1000, 0, 1, NULL), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		close(pipes[1]);
		_exit(read(pipes[0], &end, 1) != 0);
	}
	frame = frame_finish(&builder);
	ck_assert_int_ge(frame, 0);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	_cleanup_table_ struct table *back = NULL;
	int pipes[2];

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(frame_to_table(pipes[0], &back, NULL), -EBADMSG);
	ck_assert_int_eq(frame_to_table(-1, &back, NULL), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tc = tcase_create("frame");

	tcase_add_loop_test(tc, a_table_comes_back_from_a_frame_as_it_was, 0,
			    (int)ARRAY_SIZE(row_counts));
	tcase_add_test(tc, a_finished_frame_can_not_be_changed);
	tcase_add_test(tc, writing_to_a_read_table_stays_private);
	tcase_add_test(tc, an_unsealed_file_is_read_as_a_copy);
	tcase_add_test(tc, impossible_frames_are_not_begun);
	tcase_add_test(tc, an_abandoned_frame_leaves_nothing_open);
	tcase_add_loop_test(tc, a_lying_header_is_refused_with_a_message, 0, (int)ARRAY_SIZE(lies));
	tcase_add_test(tc, unterminated_and_repeated_names_are_refused);
	tcase_add_test(tc, a_frame_cut_anywhere_is_refused);
	tcase_add_test(tc, a_page_that_is_held_for_a_moment_only_delays_the_seals);
	tcase_add_test(tc, a_child_of_somebody_else_does_not_hinder_the_seals);
	tcase_add_test(tc, what_is_no_file_is_refused);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
