// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The fit against an independent one: check_fit_scipy.py fits the same points by scipy. Skipped,
 * visibly, where there is no scipy.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "analyse_check.h"
#include "exported.h"
#include "run_suite.h"

#define SCRIPT "tests/unit/check_fit_scipy.py"
#define NO_SCIPY 77

/* Columns of synth_table(): axis, signal and, where there is one, the monitor. */
static void write_table(const char *path, const struct table *t, const struct synth *s)
{
	const size_t columns = s->monitor ? 3 : 2;
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "# aperture_nm = %.17g\n", s->aperture_part * s->step_pm * 1e-3);
	fprintf(f, "# ripple_even_in = %s\n", s->ripple_in_frequency ? "frequency" : "wavelength");
	fprintf(f, "x,y%s\n", s->monitor ? ",monitor" : "");
	for (size_t i = 0; i < t->rows; i++)
		for (size_t c = 0; c < columns; c++)
			fprintf(f, "%.17g%c", t->columns[c].f64[i], c + 1 < columns ? ',' : '\n');
}

/* Its exit status. Debian's own python3 has Debian's scipy, whatever else comes first on the path. */
static int run_script(const char *table, const char *result)
{
	static const char *const pythons[] = {"python3", "/usr/bin/python3"};
	int status = NO_SCIPY;

	for (size_t i = 0; i < ARRAY_SIZE(pythons) && status == NO_SCIPY; i++) {
		_cleanup_free_ char *command =
			asprintf_or_null("%s %s %s %s%s", pythons[i], SCRIPT, table, result,
					 i + 1 < ARRAY_SIZE(pythons) ? " >/dev/null" : "");

		ck_assert_ptr_nonnull(command);
		status = WEXITSTATUS(system(command));
		if (status == 127)
			status = NO_SCIPY;
		if (status == 0 || status == 1)
			printf("compared by %s\n", pythons[i]);
	}
	return status;
}

/* Part of the demo's span behind ripple that is even in frequency, without monitor. */
static struct synth part_of_the_demo(uint64_t seed)
{
	struct synth s = synth_demo;

	s.seed = seed;
	s.start_nm = 1546;
	s.stop_nm = 1552.6;
	s.ripple_in_frequency = true;
	s.laser_ripple_db_pp = 0;
	s.monitor = false;
	return s;
}

/* Analysis and script on the same points; both must find as many resonances as there are. */
static void compare(const struct synth *s, size_t resonances)
{
	char *folder = make_folder();
	_cleanup_free_ char *table_path = path_in(folder, "table.csv");
	_cleanup_free_ char *result_path = path_in(folder, "result.json");
	_cleanup_table_ struct table *t = synth_table(s);
	json_t *result = analyse_table(t, "through");
	int status;

	ck_assert_uint_eq(json_array_size(resonances_of(result)), resonances);
	write_table(table_path, t, s);
	ck_assert_int_eq(json_dump_file(result, result_path, JSON_REAL_PRECISION(17)), 0);
	json_decref(result);
	status = run_script(table_path, result_path);
	remove_folder(folder);
	if (status == NO_SCIPY)
		printf("SKIP the fit is not compared with another one: no python3 with scipy\n");
	else
		ck_assert_int_eq(status, 0);
}

static const uint64_t seeds[] = {1, 2};

START_TEST(values_are_those_of_scipy_within_a_tenth_of_their_sigma)
{
	const struct synth s = part_of_the_demo(seeds[_i]);

	compare(&s, 3);
}
END_TEST

/* What bench_analyse.c times. */
START_TEST(so_are_all_nine_of_the_whole_demo)
{
	ck_assert_uint_eq(synth_points(&synth_demo), 20001);
	compare(&synth_demo, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis against scipy");
	TCase *tc = tcase_create("scipy");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, values_are_those_of_scipy_within_a_tenth_of_their_sigma, 0,
			    (int)ARRAY_SIZE(seeds));
	tcase_add_test(tc, so_are_all_nine_of_the_whole_demo);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
