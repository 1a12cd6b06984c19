// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * No space left: on the disk, by the limit of a file's size, by quota. What was committed stays,
 * the run that met it is partial with the ledger of what is there, and the next one works.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/temp_store.h"
#include "data/frame.h"
#include "measure/ledger.h"
#include "store/read.h"
#include "store/store_private.h"
#include "run_suite.h"

#include <check.h>

#define POINTS 400000 /* 51 MB of records */

static struct temp_store t;
static char disk[160]; /* a small file system, "": none */

static void setup(void)
{
	temp_store_begin(&t);
	disk[0] = '\0';
}

static void teardown(void)
{
	if (disk[0]) {
		t.store = store_close(t.store);
		umount2(disk, MNT_DETACH);
		rmdir(disk);
	}
	temp_store_end(&t);
}

/* ---- a run that meets its end ---- */

struct attempt {
	int64_t run;
	uint64_t stored; /* points of blocks that were taken without an error */
	uint64_t committed; /* points before the last successful commit */
	int block_error, finish_error;
	char *message; /* of the first error */
};

static void take(struct attempt *a, int error)
{
	if (error < 0 && a->block_error == 0) {
		a->block_error = error;
		a->message = strdup(store_message(t.store));
	}
}

static struct attempt write_until_full(void)
{
	struct etalon_hw_program p = fake_sweep(1500, 1600, POINTS);
	struct plan *plan = fake_plan(t.board, &p);
	_cleanup_json_ json_t *meta = json_deep_copy(plan->meta);
	struct attempt a = {0};
	struct fake_run records;
	struct ledger ledger;
	char *block = malloc(256 << 10);
	size_t bytes;

	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &a.run), 0);
	fake_run_begin(&records, t.board, &p, 1);
	ck_assert_int_eq(store_segment_begin(t.store, a.run, 1, SEGMENT_MAIN, &p, records.stride),
			 0);
	ledger_begin(&ledger, p.generation, &p, records.stride, crc32c(0, &p, sizeof(p)), POINTS);
	while (a.block_error == 0 && (bytes = fake_records(&records, block, 256 << 10)) > 0) {
		ck_assert_int_eq(ledger_feed(&ledger, block, bytes, NULL), 0);
		take(&a, store_block(t.store, a.run, 1, block, bytes));
		if (a.block_error == 0) {
			a.stored = ledger.received;
			take(&a, store_commit(t.store));
		}
		if (a.block_error == 0)
			a.committed = a.stored;
	}
	/* As the daemon does it: the run ends, its ledger knows of more than was stored. */
	json_object_set_new(meta, "ledger", ledger_json(&ledger));
	store_segment_end(t.store, a.run, 1, json_object_get(meta, "ledger"));
	a.finish_error = store_run_finish(t.store, a.run, "partial", meta);
	free(block);
	plan_free(plan);
	return a;
}

static uint64_t readable_points(struct store *s, int64_t run)
{
	static const char *const columns[] = {"point"};
	struct read_request q = {.stride = 1, .columns = columns, .column_count = 1};
	struct read_info info;
	char *message = NULL;
	int fd, r = store_read_frame(s, run, &q, &info, &fd, &message);

	ck_assert_msg(r == 0, "%s", message ? message : "");
	close(fd);
	return info.rows;
}

static void check_partial(const struct attempt *a, const char *why)
{
	_cleanup_json_ json_t *meta = NULL;
	const char *reason;
	const json_t *ledger;
	uint64_t received;

	ck_assert_int_eq(store_run_get(t.store, a->run, &meta), 0);
	ledger = json_object_get(meta, "ledger");
	received = (uint64_t)json_integer_value(json_object_get(ledger, "received"));
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), "partial");
	ck_assert_str_eq(json_string_value(json_object_get(meta, "verdict")), "untrustworthy");
	ck_assert(json_is_false(json_object_get(ledger, "complete")));
	/* Nothing committed is lost, nothing that is not there is counted. */
	ck_assert_uint_ge(received, a->committed);
	ck_assert_uint_eq(received, readable_points(t.store, a->run));
	reason = json_string_value(json_array_get(json_object_get(meta, "reasons"), 0));
	ck_assert_msg(strstr(reason, why) != NULL, "%s", reason);
}

static void check_earlier(int64_t run)
{
	_cleanup_json_ json_t *meta = NULL;

	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), "complete");
	ck_assert_uint_eq(readable_points(t.store, run), 3000);
}

static int64_t small_run(void)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 3000);

	return write_run(t.store, t.board, &p, NULL);
}

static void check_integrity(void)
{
	int64_t ok = 0;

	ck_assert_int_eq(
		store_query_integer(
			t.store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", &ok),
		0);
	ck_assert_int_eq(ok, 1);
}

/* ---- three ways to have no space ---- */

START_TEST(a_file_that_may_not_grow_ends_the_run_and_loses_nothing)
{
	struct rlimit before, small;
	int64_t earlier = small_run();
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
	struct attempt a;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 24 << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	a = write_until_full();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, old);

	ck_assert_int_eq(a.block_error, -ENOSPC);
	ck_assert_msg(strstr(a.message, "no space is left"), "%s", a.message);
	ck_assert_msg(strstr(a.message, "a limit of file sizes is reached"), "%s", a.message);
	free(a.message);
	/* The log could not grow any more: the run is closed now, or at the next start. */
	if (a.finish_error == 0 || a.finish_error == -ENOSPC) {
		temp_store_reopen(&t);
		ck_assert_int_ge(store_recover(t.store), 0);
	}
	check_integrity();
	check_earlier(earlier);
	ck_assert_uint_gt(a.committed, 10000);
	check_earlier(small_run());
}
END_TEST

static bool mount_small(const char *size)
{
	char folder[160];

	snprintf(folder, sizeof(folder), "%s/disk", t.folder);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	/* In a name space of its own the mount ends with this process, however that ends. */
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0 ||
	    mount("etalon-test", folder, "tmpfs", 0, size) < 0) {
		printf("SKIP a full disk: a small file system cannot be mounted (%s)\n",
		       strerror(errno));
		rmdir(folder);
		return false;
	}
	strcpy(disk, folder);
	return true;
}

static void open_on_disk(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/runs.db", disk);
	t.store = store_close(t.store);
	ck_assert_int_eq(store_open(path, STORE_WRITE, &t.store, NULL), 0);
}

START_TEST(a_full_disk_ends_the_run_and_loses_nothing)
{
	_cleanup_free_ char *says = NULL;
	int64_t earlier;
	struct attempt a;

	if (!mount_small("size=56m"))
		return;
	open_on_disk();
	earlier = small_run();
	a = write_until_full();

	ck_assert_int_eq(a.block_error, -ENOSPC);
	says = asprintf_or_null("on the file system at %s, of which 0.0 MiB are free; what", disk);
	ck_assert_msg(strstr(a.message, says) != NULL, "%s", a.message);
	ck_assert_ptr_nonnull(strstr(a.message, "delete runs, or free space there"));
	free(a.message);
	/* The reserve made room for the end of the run: it is told, and it is stored. */
	ck_assert_int_eq(a.finish_error, -ENOSPC);
	ck_assert_msg(strstr(store_message(t.store), "was stored as partial"), "%s",
		      store_message(t.store));
	check_partial(&a, says);
	check_earlier(earlier);
	check_integrity();
	/* Deleting makes room again. */
	ck_assert_msg(store_run_delete(t.store, a.run) == 0, "%s", store_message(t.store));
	check_earlier(small_run());
}
END_TEST

START_TEST(an_old_run_can_be_deleted_from_a_full_disk)
{
	struct etalon_hw_program p = fake_sweep(1500, 1600, 200000);
	int64_t earlier, old;
	struct attempt a;

	if (!mount_small("size=90m"))
		return;
	open_on_disk();
	earlier = small_run();
	old = write_run(t.store, t.board, &p, NULL);
	a = write_until_full();
	free(a.message);
	ck_assert_int_eq(a.block_error, -ENOSPC);
	/* What is freed lies before the run that met the full disk, and that has to move. */
	ck_assert_msg(store_run_delete(t.store, old) == 0, "%s", store_message(t.store));
	check_partial(&a, "no space is left");
	check_earlier(earlier);
	check_earlier(small_run());
	check_integrity();
	ck_assert_int_ge(t.store->reserve_fd, 0); /* for the next time */
}
END_TEST

START_TEST(a_quota_ends_the_run_and_loses_nothing)
{
	int64_t earlier = small_run();
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	struct plan *plan = fake_plan(t.board, &p);
	struct attempt a;
	int64_t run;

	store_set_quota(t.store, 20 << 20);
	a = write_until_full();
	ck_assert_int_eq(a.block_error, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(a.message, "has reached its quota"));
	ck_assert_ptr_nonnull(strstr(a.message, "of 20.0 MiB"));
	ck_assert_ptr_nonnull(strstr(a.message, "delete runs or raise the quota"));
	ck_assert_ptr_null(strstr(a.message, "file system"));
	free(a.message);
	ck_assert_int_eq(a.finish_error, -ENOSPC);
	check_partial(&a, "has reached its quota");
	check_earlier(earlier);
	/* Raised or emptied, it goes on. */
	store_set_quota(t.store, 1 << 20);
	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &run), -ENOSPC);
	store_set_quota(t.store, 20 << 20);
	ck_assert_int_eq(store_run_delete(t.store, a.run), 0);
	check_earlier(small_run());
	plan_free(plan);
}
END_TEST

START_TEST(after_the_first_loss_no_later_block_makes_a_gap)
{
	struct etalon_hw_program p = fake_sweep(1500, 1600, POINTS);
	struct plan *plan = fake_plan(t.board, &p);
	struct fake_run records;
	char *block = malloc(256 << 10);
	size_t bytes;
	int64_t run;

	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &run), 0);
	fake_run_begin(&records, t.board, &p, 1);
	ck_assert_int_eq(store_segment_begin(t.store, run, 1, SEGMENT_MAIN, &p, records.stride), 0);
	bytes = fake_records(&records, block, 256 << 10);
	store_set_quota(t.store, 1);
	ck_assert_int_eq(store_block(t.store, run, 1, block, bytes), -ENOSPC);
	store_set_quota(t.store, 0);
	bytes = fake_records(&records, block, 256 << 10);
	ck_assert_int_eq(store_block(t.store, run, 1, block, bytes), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(store_message(t.store), "could not be stored"));
	free(block);
	plan_free(plan);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_space");
	TCase *c = tcase_create("store_space");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_file_that_may_not_grow_ends_the_run_and_loses_nothing);
	tcase_add_test(c, a_full_disk_ends_the_run_and_loses_nothing);
	tcase_add_test(c, an_old_run_can_be_deleted_from_a_full_disk);
	tcase_add_test(c, a_quota_ends_the_run_and_loses_nothing);
	tcase_add_test(c, after_the_first_loss_no_later_block_makes_a_gap);
	suite_add_tcase(s, c);
	return run_suite(s);
}
