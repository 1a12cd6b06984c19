// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What of a run is on the disk and when: the store's own syncs are counted here.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/temp_store.h"
#include "run_suite.h"
#include "store/store_private.h"

#include <check.h>

static struct temp_store t;
static unsigned int syncs; /* of the log */
static int sync_error;

/* In place of the C library's, for SQLite, too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	char link[64], path[PATH_MAX] = "";
	const char *end;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return -1;
	end = strrchr(path, '-');
	if (end && streq(end, "-wal"))
		syncs++;
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void setup(void)
{
	sync_error = 0;
	temp_store_begin(&t);
	syncs = 0;
}

static void teardown(void)
{
	sync_error = 0;
	temp_store_end(&t);
}

/* A run that is written and not finished. */
static int64_t open_run(struct plan **ret_plan)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run = 0;

	*ret_plan = fake_plan(t.board, &p);
	ck_assert_int_eq(store_run_begin(t.store, t.board, *ret_plan, NULL, &run), 0);
	ck_assert_int_eq(store_commit(t.store), 0);
	syncs = 0;
	return run;
}

static void assert_status(int64_t run, const char *status)
{
	_cleanup_json_ json_t *meta = NULL;
	struct store *reader = temp_store_reader(&t);

	ck_assert_int_eq(store_run_get(reader, run, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), status);
	store_close(reader);
}

START_TEST(a_finished_run_is_on_the_disk)
{
	struct plan *plan;
	int64_t run = open_run(&plan);

	ck_assert_int_eq(store_run_finish(t.store, run, "partial", plan->meta), 0);
	ck_assert_uint_ge(syncs, 1);
	assert_status(run, "partial");
	plan_free(plan);
}
END_TEST

START_TEST(a_run_finished_unsynced_is_there_for_readers_and_on_the_disk_after_a_sync)
{
	struct plan *plan;
	int64_t run = open_run(&plan);

	ck_assert_int_eq(store_run_finish_unsynced(t.store, run, "partial", plan->meta), 0);
	ck_assert_uint_eq(syncs, 0);
	assert_status(run, "partial");
	ck_assert_int_eq(store_sync(t.path), 0);
	ck_assert_uint_eq(syncs, 1);
	plan_free(plan);
}
END_TEST

START_TEST(a_sync_that_fails_says_so)
{
	struct plan *plan;
	int64_t run = open_run(&plan);

	ck_assert_int_eq(store_run_finish_unsynced(t.store, run, "partial", plan->meta), 0);
	sync_error = EIO;
	ck_assert_int_eq(store_sync(t.path), -EIO);
	plan_free(plan);
}
END_TEST

START_TEST(a_store_without_a_log_needs_no_sync)
{
	ck_assert_int_eq(store_sync("/nonexistent/store"), 0);
	ck_assert_uint_eq(syncs, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_sync");
	TCase *c = tcase_create("syncs");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_finished_run_is_on_the_disk);
	tcase_add_test(c,
		       a_run_finished_unsynced_is_there_for_readers_and_on_the_disk_after_a_sync);
	tcase_add_test(c, a_sync_that_fails_says_so);
	tcase_add_test(c, a_store_without_a_log_needs_no_sync);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
