// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What finding and fitting costs, the library on one core and the worker process from start to end with
 * its frame, as a ratio against 5 % of the time that the board needs for the demo sweep, and against what
 * a job of 60 000 points may take beyond the board's time (50 ms + 2 %), of which analysing is a part.
 * Prints "name ratio limit ok|MISSED", exits with 1 when one is missed. That the values are right is
 * the business of the unit tests (scipy and truth).
 */
#include "../unit/analyse_program.h"
#include "claims.h"
#include "run_suite.h"

#define REPEATS 15

struct bench_case {
	const char *name;
	double step_pm, speed_nm_per_s, allowed_s, limit;
};

static const struct bench_case bench_cases[] = {
	{"20 001 points in 1.0 s", 1, 20, 0.05 * 1.0, 1},
	{"60 001 points in 0.6 s", 1.0 / 3, 100.0 / 3, 0.05 + 0.02 * 0.6, 0.75},
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return timespec_ns(t);
}

static void assert_nine(const json_t *result)
{
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 9);
}

static double library_s(const struct table *t)
{
	double taken_s[REPEATS];

	for (int i = 0; i < REPEATS; i++) {
		uint64_t from = cpu_ns();
		json_t *result = analyse_table(t, "through");

		taken_s[i] = (double)(cpu_ns() - from) * 1e-9;
		assert_nine(result);
		json_decref(result);
	}
	return median(taken_s, REPEATS);
}

static double process_s(int frame)
{
	double taken_s[REPEATS];

	for (int i = 0; i < REPEATS; i++) {
		uint64_t from = now_ns();
		struct outcome o = run_analyse(
			(const char *[]){"--frame-fd", "3", "--channel", "through", NULL}, frame);
		json_t *result;

		taken_s[i] = (double)(now_ns() - from) * 1e-9;
		ck_assert_msg(o.status == 0, "%s", o.err);
		result = json_loads(o.out, 0, NULL);
		assert_nine(result);
		json_decref(result);
		outcome_clear(&o);
	}
	return median(taken_s, REPEATS);
}

static bool bench(const struct bench_case *c)
{
	_cleanup_free_ char *library = asprintf_or_null("analysis, %s", c->name);
	_cleanup_free_ char *process = asprintf_or_null("worker process, %s", c->name);
	_cleanup_free_ char *library_text = NULL, *process_text = NULL;
	struct synth s = synth_demo;
	_cleanup_table_ struct table *t = NULL;
	double in_library_s, in_process_s;
	bool ok;
	int frame;

	s.step_pm = c->step_pm;
	s.speed_nm_per_s = c->speed_nm_per_s;
	t = synth_table(&s);
	frame = table_to_frame(t);
	ck_assert_int_ge(frame, 0);
	in_library_s = library_s(t);
	in_process_s = process_s(frame);
	close(frame);
	library_text =
		asprintf_or_null("%.1f ms of %.0f ms", in_library_s * 1e3, c->allowed_s * 1e3);
	process_text =
		asprintf_or_null("%.1f ms of %.0f ms", in_process_s * 1e3, c->allowed_s * 1e3);
	ok = claim_at_most(library, in_library_s / c->allowed_s, c->limit, library_text);
	return claim_at_most(process, in_process_s / c->allowed_s, c->limit, process_text) && ok;
}

START_TEST(speed)
{
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(bench_cases); i++)
		ok = bench(&bench_cases[i]) && ok;
	ck_assert(ok);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis speed");
	TCase *tc = tcase_create("speed");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, speed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
