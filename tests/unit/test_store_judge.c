// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A run that was finished while its verdict still waited for an analysis, and a daemon that ended
 * in between: the next start judges it, by what is stored of it.
 */
#include <errno.h>
#include <string.h>

#include "../common/temp_store.h"
#include "base/util.h"
#include "store/store_private.h"
#include "run_suite.h"

#include <check.h>

#define POINTS 600

static struct temp_store t;

static void setup(void)
{
	temp_store_begin(&t);
}

static void teardown(void)
{
	temp_store_end(&t);
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void change(int64_t run, const char *assignments)
{
	_cleanup_free_ char *sql =
		asprintf_or_null("UPDATE run SET %s WHERE id = %lld", assignments, (long long)run);

	ck_assert_ptr_nonnull(sql);
	ck_assert_int_eq(store_exec(t.store, sql), 0);
}

/* As its first commit leaves it. */
static int64_t write_unjudged(void)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	int64_t run = write_run(t.store, t.board, &p, NULL);

	change(run, "verdict = '', meta = json_remove(meta, '$.verdict', '$.reasons')");
	return run;
}

static void expect(int64_t run, const char *expectations)
{
	_cleanup_free_ char *assignment = asprintf_or_null(
		"request = json_set(request, '$.expectations', json('%s'))", expectations);

	ck_assert_ptr_nonnull(assignment);
	change(run, assignment);
}

static void add_analysis(int64_t run, int q_loaded)
{
	_cleanup_json_ json_t *values =
		json_pack("{s:s, s:[{s:f, s:i, s:i}]}", "channel", "through", "resonances",
			  "wavelength_nm", 1550.0, "q_loaded", q_loaded, "q_loaded_random", 10);

	ck_assert_ptr_nonnull(values);
	ck_assert_int_eq(store_add_analysis(t.store, run, "resonances", "1", values, NULL), 0);
}

/* The start after the crash; no run is partial by it. */
static json_t *start_again(int64_t run)
{
	_cleanup_json_ json_t *runs = NULL, *filter = NULL;
	json_t *meta = NULL;

	temp_store_reopen(&t);
	ck_assert_int_eq(store_recover(t.store), 0);
	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	/* Lists find it by the verdict that the run itself shows. */
	filter = json_pack("{s:s}", "verdict", text(meta, "verdict"));
	ck_assert_int_eq(store_runs(t.store, filter, &runs), 0);
	ck_assert_uint_eq(json_array_size(runs), 1);
	return meta;
}

static bool any_reason_says(const json_t *meta, const char *words)
{
	json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(meta, "reasons"), i, reason)
		if (strstr(json_string_value(reason), words))
			return true;
	return false;
}

static const struct {
	const char *name;
	const char *expectations; /* NULL: none */
	int q_loaded; /* as analysed; 0: the analysis was not made */
	const char *verdict;
} cases[] = {
	{"nothing was expected", NULL, 0, "measured"},
	{"nothing was expected, the analysis was stored", NULL, 50000, "measured"},
	{"limits that nothing was held against", "[{\"quantity\": \"q_loaded\", \"low\": 1}]", 0,
	 "untrustworthy"},
	{"limits kept", "[{\"quantity\": \"q_loaded\", \"low\": 40000}]", 50000, "pass"},
	{"at a limit", "[{\"quantity\": \"q_loaded\", \"low\": 50000}]", 50000, "marginal"},
	{"limits broken", "[{\"quantity\": \"q_loaded\", \"low\": 60000}]", 50000, "fail"},
	{"limits that nobody understands", "[{\"quantity\": 7}]", 50000, "untrustworthy"},
};

START_TEST(a_finished_run_without_a_verdict_is_judged_at_the_next_start)
{
	int64_t run = write_unjudged();
	_cleanup_json_ json_t *meta = NULL;

	if (cases[_i].expectations)
		expect(run, cases[_i].expectations);
	if (cases[_i].q_loaded > 0)
		add_analysis(run, cases[_i].q_loaded);
	meta = start_again(run);
	ck_assert_msg(streq(text(meta, "verdict"), cases[_i].verdict), "%s: %s", cases[_i].name,
		      text(meta, "verdict"));
	ck_assert_msg(any_reason_says(meta, "no analysis: etalond ended") ==
			      (cases[_i].q_loaded == 0),
		      "%s", cases[_i].name);
	/* It is as complete as it was. */
	ck_assert_str_eq(text(meta, "status"), "complete");
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(meta, "ledger"), "received")),
		POINTS);
	ck_assert_ptr_null(json_object_get(meta, "recovered"));
}
END_TEST

START_TEST(what_speaks_against_a_run_counts_without_an_analysis_too)
{
	int64_t run = write_unjudged();
	_cleanup_json_ json_t *meta = NULL;

	change(run, "meta = json_set(meta, '$.flags', json('{\"unsettled\": 9}'))");
	meta = start_again(run);
	ck_assert_str_eq(text(meta, "verdict"), "untrustworthy");
	ck_assert(any_reason_says(meta, "9 points were taken before their source had settled"));
}
END_TEST

START_TEST(a_request_that_cannot_be_read_is_never_a_pass)
{
	int64_t run = write_unjudged();
	_cleanup_json_ json_t *meta = NULL;

	add_analysis(run, 50000);
	change(run, "request = '{'");
	meta = start_again(run);
	ck_assert_str_eq(text(meta, "verdict"), "untrustworthy");
	ck_assert(any_reason_says(meta, "what was asked of it cannot be read"));
}
END_TEST

START_TEST(a_verdict_that_was_given_stays)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	_cleanup_json_ json_t *meta = NULL;

	change(run, "verdict = 'fail', meta = json_set(meta, '$.verdict', 'fail')");
	meta = start_again(run);
	ck_assert_str_eq(text(meta, "verdict"), "fail");
	ck_assert_ptr_null(json_object_get(meta, "reasons"));
}
END_TEST

static int64_t count(const char *condition)
{
	_cleanup_free_ char *sql = asprintf_or_null("SELECT count(*) FROM run WHERE %s", condition);
	int64_t n = -1;

	ck_assert_ptr_nonnull(sql);
	ck_assert_int_eq(store_query_integer(t.store, sql, &n), 0);
	return n;
}

START_TEST(one_that_cannot_be_understood_does_not_stop_the_others)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	int64_t damaged = write_unjudged();

	for (int i = 0; i < 3; i++)
		write_unjudged();
	write_run(t.store, t.board, &p, &(struct writing_options){.leave_running = true});
	change(damaged, "meta = '{'");
	temp_store_reopen(&t);
	/* The judged ones were finished before: only the unfinished one became partial. */
	ck_assert_int_eq(store_recover(t.store), 1);
	ck_assert_int_eq(count("status = 'complete' AND verdict = 'measured'"), 3);
	ck_assert_int_eq(count("status = 'partial' AND verdict = 'untrustworthy'"), 2);
	ck_assert_int_eq(store_recover(t.store), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_judge");
	TCase *c = tcase_create("store_judge");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_finished_run_without_a_verdict_is_judged_at_the_next_start, 0,
			    ARRAY_SIZE(cases));
	tcase_add_test(c, what_speaks_against_a_run_counts_without_an_analysis_too);
	tcase_add_test(c, a_request_that_cannot_be_read_is_never_a_pass);
	tcase_add_test(c, a_verdict_that_was_given_stays);
	tcase_add_test(c, one_that_cannot_be_understood_does_not_stop_the_others);
	suite_add_tcase(s, c);
	return run_suite(s);
}
