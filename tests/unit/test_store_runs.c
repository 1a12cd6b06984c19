// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs in the store: how they end, how they are found, changed and deleted; analyses and
 * references.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../common/temp_store.h"
#include "store/read.h"
#include "store/store_private.h"
#include "run_suite.h"

#include <check.h>

static struct temp_store t;

static void setup(void)
{
	temp_store_begin(&t);
}

static void teardown(void)
{
	temp_store_end(&t);
}

static int64_t query(const char *sql)
{
	int64_t value = -1;

	ck_assert_int_eq(store_query_integer(t.store, sql, &value), 0);
	return value;
}

static json_t *get(int64_t run)
{
	json_t *meta = NULL;

	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	return meta;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t simple_run(const char *changes)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	_cleanup_json_ json_t *meta = changes ? json_loads(changes, 0, NULL) : NULL;

	return write_run(t.store, t.board, &p, &(struct writing_options){.meta = meta});
}

/* ---- what is stored ---- */

START_TEST(a_finished_run_tells_what_it_is)
{
	int64_t run = simple_run("{\"label\": \"ring40\", \"note\": \"first\"}");
	_cleanup_json_ json_t *meta = get(run), *request = NULL;
	_cleanup_(description_freep) struct description *d = NULL;

	ck_assert_int_eq(json_integer_value(json_object_get(meta, "run")), run);
	ck_assert_str_eq(text(meta, "status"), "complete");
	ck_assert_str_eq(text(meta, "label"), "ring40");
	ck_assert_str_eq(text(meta, "verdict"), "measured");
	ck_assert_uint_eq(strlen(text(meta, "created")), strlen("2025-01-01T00:00:00Z"));
	ck_assert_uint_eq(strlen(text(meta, "finished")), strlen("2025-01-01T00:00:00Z"));
	ck_assert_int_eq(json_integer_value(json_object_get(meta, "points")), 300);
	/* START and END besides the points of all three segments */
	ck_assert_int_eq(json_integer_value(json_object_get(meta, "bytes")),
			 128 * (300 + 200 + 200 + 6));
	ck_assert_int_eq(store_run_request(t.store, run, &request), 0);
	ck_assert_str_eq(text(request, "kind"), "wavelength-sweep");
	ck_assert_int_eq(store_run_description(t.store, run, &d), 0);
	ck_assert_uint_eq(d->raw_size, t.board->raw_size);
	ck_assert_mem_eq(d->raw, t.board->raw, d->raw_size);
}
END_TEST

START_TEST(a_finished_run_has_the_numbers_of_its_records)
{
	int64_t run = simple_run(NULL);
	_cleanup_json_ json_t *meta = get(run);
	const json_t *through = json_array_get(json_object_get(meta, "channels"), 0);

	ck_assert_double_eq_tol(json_number_value(json_object_get(through, "dark_before_a")),
				0.25e-9, 2e-12);
	ck_assert(json_is_integer(json_object_get(through, "saturated")));
	ck_assert(json_is_integer(json_object_get(json_object_get(meta, "ledger"), "below_floor")));
	ck_assert(json_is_object(json_object_get(meta, "flags")));
}
END_TEST

START_TEST(a_description_is_kept_once_for_each_calibration)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	_cleanup_(description_freep) struct description *other = fake_board_calibrated(2);
	_cleanup_(description_freep) struct description *back = NULL;
	int64_t run;

	simple_run(NULL);
	simple_run(NULL);
	ck_assert_int_eq(query("SELECT count(*) FROM description"), 1);
	run = write_run(t.store, other, &p, NULL);
	ck_assert_int_eq(query("SELECT count(*) FROM description"), 2);
	ck_assert_int_eq(store_run_description(t.store, run, &back), 0);
	ck_assert_uint_eq(back->head.calibration_generation, 2);
}
END_TEST

START_TEST(blocks_say_what_is_in_them)
{
	simple_run(NULL);
	ck_assert_int_eq(query("SELECT sum(points) FROM block WHERE segment = 1"), 300);
	ck_assert_int_eq(query("SELECT min(first_point) FROM block WHERE segment = 1"), 0);
	ck_assert_int_eq(query("SELECT max(last_point) FROM block WHERE segment = 1"), 299);
	ck_assert_int_eq(query("SELECT min(first_sequence) FROM block"), 1000);
	ck_assert_int_eq(query("SELECT max(last_sequence) FROM block"), 1000 + 706 - 1);
	ck_assert_int_eq(query("SELECT start_tick FROM segment WHERE number = 1"), 1000000);
}
END_TEST

static void gap(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose == SEGMENT_MAIN) {
		run->drop_first = 100;
		run->drop_count = 3;
	}
}

START_TEST(a_run_with_a_gap_never_passes_as_complete)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	struct plan *plan = fake_plan(t.board, &p);
	_cleanup_json_ json_t *final = json_deep_copy(plan->meta), *meta = NULL;
	int64_t run;

	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &run), 0);
	json_object_set_new(final, "ledger", json_pack("{s:b}", "complete", 0));
	ck_assert_int_eq(store_run_finish(t.store, run, "complete", final), 0);
	meta = get(run);
	ck_assert_str_eq(text(meta, "status"), "partial");
	plan_free(plan);

	run = write_run(t.store, t.board, &p, &(struct writing_options){.adjust = gap});
	json_decref(meta);
	meta = get(run);
	ck_assert_str_eq(text(meta, "status"), "partial");
}
END_TEST

START_TEST(numbers_of_runs_are_never_given_twice)
{
	int64_t first = simple_run(NULL), second = simple_run(NULL);

	ck_assert_int_gt(second, first);
	ck_assert_int_eq(store_run_delete(t.store, second), 0);
	ck_assert_int_gt(simple_run(NULL), second);
}
END_TEST

/* ---- misuse ---- */

START_TEST(what_does_not_belong_to_a_run_is_refused)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	struct plan *plan = fake_plan(t.board, &p);
	char block[256] = {0};
	int64_t run;

	ck_assert_int_eq(store_block(t.store, 1, 0, block, 128), -ENOENT);
	ck_assert_int_eq(store_run_finish(t.store, 1, "complete", plan->meta), -ENOENT);
	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &run), 0);
	ck_assert_int_eq(store_block(t.store, run, 0, block, 128), -ENOENT); /* no segment */
	ck_assert_int_eq(store_segment_begin(t.store, run, 0, SEGMENT_MAIN, &p, 96), -EINVAL);
	ck_assert_int_eq(store_segment_begin(t.store, run, 0, SEGMENT_MAIN, &p, 128), 0);
	ck_assert_int_eq(store_block(t.store, run, 1, block, 128), -ENOENT);
	ck_assert_int_eq(store_block(t.store, run, 0, block, 100), -EINVAL);
	ck_assert_int_eq(store_block(t.store, run, 0, block, 0), -EINVAL);
	ck_assert_int_eq(store_run_finish(t.store, run, "done", plan->meta), -EINVAL);
	ck_assert_str_ne(store_message(t.store), "");
	plan_free(plan);
}
END_TEST

START_TEST(a_run_that_does_not_exist_is_said_so)
{
	_cleanup_json_ json_t *any = NULL;
	_cleanup_json_ json_t *changes = json_object();
	struct description *d = NULL;

	ck_assert_int_eq(store_run_get(t.store, 42, &any), -ENOENT);
	ck_assert_str_eq(store_message(t.store), "there is no run 42");
	ck_assert_int_eq(store_run_request(t.store, 42, &any), -ENOENT);
	ck_assert_int_eq(store_run_analyses(t.store, 42, &any), -ENOENT);
	ck_assert_int_eq(store_run_description(t.store, 42, &d), -ENOENT);
	ck_assert_int_eq(store_run_update(t.store, 42, changes), -ENOENT);
	ck_assert_int_eq(store_run_delete(t.store, 42), -ENOENT);
	ck_assert_int_eq(store_add_analysis(t.store, 42, "m", "1", changes, NULL), -ENOENT);
}
END_TEST

/* ---- lists ---- */

static const struct {
	const char *filter;
	const char *labels; /* of the runs found, newest first */
} filters[] = {
	{"{}", "e d c b a "},
	{"{\"limit\": 2}", "e d "},
	{"{\"limit\": 0}", ""},
	{"{\"label\": \"c\"}", "c "},
	{"{\"label\": \"[b-d]*\"}", "d c b "},
	{"{\"label\": \"it's; DROP TABLE run\"}", ""},
	{"{\"device\": \"ring\"}", "c a "},
	{"{\"device\": \"r*\"}", "d c a "},
	{"{\"wafer\": \"W1\", \"die\": \"3,4\"}", "b "},
	{"{\"kind\": \"dark\"}", "e "},
	{"{\"purpose\": \"reference\"}", "d "},
	{"{\"status\": \"complete\", \"device\": \"ring\"}", "c a "},
	{"{\"status\": \"partial\"}", ""},
	{"{\"verdict\": \"measured\", \"limit\": 1}", "e "},
	{"{\"since_s\": 0}", "e d c b a "},
	{"{\"since_s\": 99999999999}", ""},
	{"{\"until_s\": 1000}", ""},
	{"{\"until_s\": 1e300}", "e d c b a "},
	{"{\"before\": 3}", "b a "},
};

static void five_runs(void)
{
	simple_run("{\"label\": \"a\", \"device\": \"ring\"}");
	simple_run("{\"label\": \"b\", \"wafer\": \"W1\", \"die\": \"3,4\"}");
	simple_run("{\"label\": \"c\", \"device\": \"ring\"}");
	simple_run("{\"label\": \"d\", \"device\": \"reference\", \"purpose\": \"reference\"}");
	simple_run("{\"label\": \"e\", \"kind\": \"dark\"}");
}

START_TEST(runs_are_found_by_what_was_written_on_them)
{
	_cleanup_json_ json_t *filter = json_loads(filters[_i].filter, 0, NULL), *runs = NULL;
	char labels[64] = "";
	json_t *run;
	size_t i;

	five_runs();
	ck_assert_int_eq(store_runs(t.store, filter, &runs), 0);
	json_array_foreach(runs, i, run) {
		strcat(labels, text(run, "label"));
		strcat(labels, " ");
	}
	ck_assert_str_eq(labels, filters[_i].labels);
}
END_TEST

START_TEST(a_listed_run_has_what_a_list_shows)
{
	_cleanup_json_ json_t *runs = NULL;
	const json_t *run;

	five_runs();
	ck_assert_int_eq(store_runs(t.store, NULL, &runs), 0);
	run = json_array_get(runs, 1);
	ck_assert_int_eq(json_integer_value(json_object_get(run, "run")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(run, "points")), 300);
	ck_assert_str_eq(text(run, "kind"), "wavelength-sweep");
	ck_assert_str_eq(text(run, "status"), "complete");
	ck_assert_str_eq(text(run, "verdict"), "measured");
	ck_assert_str_eq(text(run, "purpose"), "reference");
	ck_assert_str_ne(text(run, "created"), "");
	ck_assert_ptr_null(json_object_get(run, "wafer"));
}
END_TEST

static const char *const bad_filters[] = {
	"{\"colour\": \"red\"}",
	"{\"label\": 3}",
	"{\"since_s\": \"yesterday\"}",
	"{\"limit\": \"all\"}",
};

START_TEST(a_filter_that_is_not_known_is_refused)
{
	_cleanup_json_ json_t *filter = json_loads(bad_filters[_i], 0, NULL), *runs = NULL;

	ck_assert_int_eq(store_runs(t.store, filter, &runs), -EINVAL);
	ck_assert_str_ne(store_message(t.store), "");
}
END_TEST

/* ---- changes ---- */

START_TEST(labels_can_be_changed_and_removed)
{
	int64_t run = simple_run("{\"label\": \"a\", \"note\": \"n\"}");
	_cleanup_json_ json_t *changes =
		json_pack("{s:s, s:s, s:s}", "label", "b", "note", "", "operator", "me");
	_cleanup_json_ json_t *meta = NULL, *filter = json_pack("{s:s}", "label", "b"),
			      *runs = NULL;

	ck_assert_int_eq(store_run_update(t.store, run, changes), 0);
	temp_store_reopen(&t);
	meta = get(run);
	ck_assert_str_eq(text(meta, "label"), "b");
	ck_assert_str_eq(text(meta, "operator"), "me");
	ck_assert_ptr_null(json_object_get(meta, "note"));
	ck_assert_int_eq(store_runs(t.store, filter, &runs), 0);
	ck_assert_uint_eq(json_array_size(runs), 1);
}
END_TEST

START_TEST(a_verdict_can_be_given_after_the_analysis)
{
	int64_t run = simple_run(NULL);
	_cleanup_json_ json_t *changes =
		json_pack("{s:s, s:[s]}", "verdict", "fail", "reasons", "Q is low");
	_cleanup_json_ json_t *meta = NULL, *filter = json_pack("{s:s}", "verdict", "fail"),
			      *runs = NULL;

	ck_assert_int_eq(store_run_update(t.store, run, changes), 0);
	meta = get(run);
	ck_assert_str_eq(text(meta, "verdict"), "fail");
	ck_assert_uint_eq(json_array_size(json_object_get(meta, "reasons")), 1);
	ck_assert_int_eq(store_runs(t.store, filter, &runs), 0);
	ck_assert_uint_eq(json_array_size(runs), 1);
}
END_TEST

START_TEST(measured_facts_cannot_be_changed)
{
	int64_t run = simple_run(NULL);
	_cleanup_json_ json_t *changes = json_pack("{s:{s:b}}", "ledger", "complete", 1);

	ck_assert_int_eq(store_run_update(t.store, run, changes), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(store_message(t.store), "\"ledger\" of a run cannot be changed"));
}
END_TEST

START_TEST(a_label_given_while_the_run_is_taken_stays)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	struct plan *plan = fake_plan(t.board, &p);
	_cleanup_json_ json_t *changes = json_pack("{s:s}", "label", "while running"), *meta = NULL;
	int64_t run;

	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, NULL, &run), 0);
	ck_assert_int_eq(store_run_update(t.store, run, changes), 0);
	ck_assert_int_eq(store_run_finish(t.store, run, "partial", plan->meta), 0);
	meta = get(run);
	ck_assert_str_eq(text(meta, "label"), "while running");
	plan_free(plan);
}
END_TEST

/* ---- analyses ---- */

START_TEST(analyses_are_added_and_never_changed)
{
	int64_t run = simple_run(NULL);
	_cleanup_json_ json_t *one = json_pack("{s:i}", "q", 1), *two = json_pack("{s:i}", "q", 2);
	_cleanup_json_ json_t *covariance = json_pack("[f]", 0.5), *all = NULL;
	const json_t *newest;

	ck_assert_int_eq(store_add_analysis(t.store, run, "resonances", "1", one, NULL), 0);
	ck_assert_int_eq(store_add_analysis(t.store, run, "resonances", "2", two, covariance), 0);
	ck_assert_int_eq(store_run_analyses(t.store, run, &all), 0);
	ck_assert_uint_eq(json_array_size(all), 2);
	newest = json_array_get(all, 0);
	ck_assert_str_eq(text(newest, "method"), "resonances");
	ck_assert_str_eq(text(newest, "version"), "2");
	ck_assert(json_equal(json_object_get(newest, "values"), two));
	ck_assert(json_equal(json_object_get(newest, "covariance"), covariance));
	ck_assert_ptr_nonnull(strstr(text(json_object_get(newest, "calibration"), "board"), "-1"));
	ck_assert_int_lt(store_exec(t.store, "UPDATE analysis SET result = '{}'"), 0);
}
END_TEST

/* ---- deleting ---- */

START_TEST(a_deleted_run_is_gone_and_its_space_comes_back)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 60000);
	int64_t keep = simple_run(NULL), run, before = query("PRAGMA page_count");
	_cleanup_json_ json_t *value = json_object(), *meta = NULL, *gone = NULL;

	run = write_run(t.store, t.board, &p, NULL);
	ck_assert_int_eq(store_add_analysis(t.store, run, "m", "1", value, NULL), 0);
	ck_assert_int_gt(query("PRAGMA page_count"), before + 100);
	ck_assert_int_eq(store_run_delete(t.store, run), 0);
	ck_assert_int_le(query("PRAGMA page_count"), before + 3);
	ck_assert_int_eq(store_run_get(t.store, run, &gone), -ENOENT);
	ck_assert_int_eq(query("SELECT count(*) FROM block WHERE run = 2"), 0);
	ck_assert_int_eq(query("SELECT count(*) FROM segment WHERE run = 2"), 0);
	ck_assert_int_eq(query("SELECT count(*) FROM analysis"), 0);
	meta = get(keep);
	ck_assert_str_eq(text(meta, "status"), "complete");
}
END_TEST

START_TEST(a_run_that_is_being_taken_cannot_be_deleted)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run =
		write_run(t.store, t.board, &p, &(struct writing_options){.leave_running = true});

	ck_assert_int_eq(store_run_delete(t.store, run), -EBUSY);
	ck_assert_ptr_nonnull(strstr(store_message(t.store), "is being taken"));
}
END_TEST

START_TEST(a_run_that_was_given_up_stays_until_it_is_deleted_or_recovered)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	const struct writing_options left = {.leave_running = true};
	int64_t deleted = write_run(t.store, t.board, &p, &left);
	int64_t recovered = write_run(t.store, t.board, &p, &left);
	_cleanup_json_ json_t *meta = NULL, *gone = NULL;

	store_run_give_up(t.store, deleted);
	store_run_give_up(t.store, recovered);
	store_run_give_up(t.store, 42); /* harmless */
	ck_assert_int_eq(store_run_delete(t.store, deleted), 0);
	ck_assert_int_eq(store_run_get(t.store, deleted, &gone), -ENOENT);
	ck_assert_int_eq(store_recover(t.store), 1);
	meta = get(recovered);
	ck_assert_str_eq(text(meta, "status"), "partial");
}
END_TEST

START_TEST(a_deletion_that_a_crash_interrupted_is_ended_at_the_next_start)
{
	int64_t run = simple_run(NULL);
	_cleanup_json_ json_t *runs = NULL, *gone = NULL;

	ck_assert_int_eq(store_exec(t.store, "UPDATE run SET status = 'deleting'"), 0);
	ck_assert_int_eq(store_run_get(t.store, run, &gone), -ENOENT);
	ck_assert_int_eq(store_runs(t.store, NULL, &runs), 0);
	ck_assert_uint_eq(json_array_size(runs), 0);
	temp_store_reopen(&t);
	ck_assert_int_eq(store_recover(t.store), 0);
	ck_assert_int_eq(query("SELECT count(*) FROM run"), 0);
	ck_assert_int_eq(query("SELECT count(*) FROM block"), 0);
}
END_TEST

/* ---- references ---- */

START_TEST(the_newest_reference_that_fits_is_found)
{
	/* Over 4 nm with as many points it goes at another speed. */
	struct etalon_hw_program fast = fake_sweep(1548, 1552, 300);
	_cleanup_json_ json_t *none = NULL, *found = NULL, *named = NULL, *meta = NULL;
	int64_t plain = simple_run(NULL), newest, other;
	const json_t *reasons;

	meta = get(plain);
	ck_assert_int_eq(store_find_reference(t.store, meta, 0, &none), -ENOENT);
	simple_run("{\"purpose\": \"reference\"}");
	newest = simple_run("{\"purpose\": \"reference\"}");
	other = write_run(t.store, t.board, &fast, NULL);
	ck_assert_int_eq(store_find_reference(t.store, meta, 0, &found), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(found, "run")), newest);
	ck_assert_uint_eq(json_array_size(json_object_get(found, "reasons")), 0);
	ck_assert_double_le(json_number_value(json_object_get(found, "age_s")), 600);
	/* Named outright: it is said what speaks against it. */
	ck_assert_int_eq(store_find_reference(t.store, meta, other, &named), 0);
	reasons = json_object_get(named, "reasons");
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_array_get(reasons, 0)), "another speed"));
}
END_TEST

START_TEST(a_partial_reference_is_none)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	_cleanup_json_ json_t *purpose = json_pack("{s:s}", "purpose", "reference");
	_cleanup_json_ json_t *meta = NULL, *none = NULL;

	write_run(t.store, t.board, &p, &(struct writing_options){.adjust = gap, .meta = purpose});
	simple_run(NULL);
	meta = get(2);
	ck_assert_int_eq(store_find_reference(t.store, meta, 0, &none), -ENOENT);
}
END_TEST

START_TEST(a_reference_is_judged_again_when_the_run_is_summarised)
{
	int64_t reference = simple_run("{\"purpose\": \"reference\"}");
	_cleanup_free_ char *changes =
		asprintf_or_null("{\"reference\": {\"run\": %lld}}", (long long)reference);
	_cleanup_json_ json_t *meta = get(simple_run(changes)), *gone = NULL;

	ck_assert(json_is_array(json_object_get(json_object_get(meta, "reference"), "reasons")));
	ck_assert_int_eq(store_run_delete(t.store, reference), 0);
	gone = get(simple_run(changes));
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_array_get(
			       json_object_get(json_object_get(gone, "reference"), "reasons"), 0)),
		       "no longer exists"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_runs");
	TCase *c = tcase_create("store_runs");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_finished_run_tells_what_it_is);
	tcase_add_test(c, a_finished_run_has_the_numbers_of_its_records);
	tcase_add_test(c, a_description_is_kept_once_for_each_calibration);
	tcase_add_test(c, blocks_say_what_is_in_them);
	tcase_add_test(c, a_run_with_a_gap_never_passes_as_complete);
	tcase_add_test(c, numbers_of_runs_are_never_given_twice);
	tcase_add_test(c, what_does_not_belong_to_a_run_is_refused);
	tcase_add_test(c, a_run_that_does_not_exist_is_said_so);
	tcase_add_loop_test(c, runs_are_found_by_what_was_written_on_them, 0, ARRAY_SIZE(filters));
	tcase_add_test(c, a_listed_run_has_what_a_list_shows);
	tcase_add_loop_test(c, a_filter_that_is_not_known_is_refused, 0, ARRAY_SIZE(bad_filters));
	tcase_add_test(c, labels_can_be_changed_and_removed);
	tcase_add_test(c, a_verdict_can_be_given_after_the_analysis);
	tcase_add_test(c, measured_facts_cannot_be_changed);
	tcase_add_test(c, a_label_given_while_the_run_is_taken_stays);
	tcase_add_test(c, analyses_are_added_and_never_changed);
	tcase_add_test(c, a_deleted_run_is_gone_and_its_space_comes_back);
	tcase_add_test(c, a_run_that_is_being_taken_cannot_be_deleted);
	tcase_add_test(c, a_run_that_was_given_up_stays_until_it_is_deleted_or_recovered);
	tcase_add_test(c, a_deletion_that_a_crash_interrupted_is_ended_at_the_next_start);
	tcase_add_test(c, the_newest_reference_that_fits_is_found);
	tcase_add_test(c, a_partial_reference_is_none);
	tcase_add_test(c, a_reference_is_judged_again_when_the_run_is_summarised);
	suite_add_tcase(s, c);
	return run_suite(s);
}
