// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tables of any numbers on any axis: the analysis says something of each, and never crashes.
 * ETALON_DEEP=1: twenty-five times as many.
 */
#include <float.h>
#include <valgrind/valgrind.h>

#include "analyse_check.h"
#include "run_suite.h"

static double odd_number(uint64_t *state)
{
	static const double odd[] = {0,	 -0.0,	  NAN,	  INFINITY, -INFINITY, DBL_MAX,
				     -1, DBL_MIN, 1e-320, 1550,	    1e9,       -1e300};
	double u = synth_uniform(state);

	return u < 0.7 ? synth_gauss(state) : odd[(size_t)(synth_uniform(state) * ARRAY_SIZE(odd))];
}

/* A spectrum of some kind: noise, steps, combs, powers of ten, with nonsense strewn in. */
static double strange_value(unsigned int kind, size_t i, uint64_t *state)
{
	double x = (double)i;

	if (synth_uniform(state) < 0.003)
		return odd_number(state);
	switch (kind % 8) {
	case 0:
		return synth_gauss(state);
	case 1:
		return fabs(synth_gauss(state)) * 1e-9;
	case 2:
		return 1 + 0.5 * sin(x / 7) + 1e-6 * synth_gauss(state);
	case 3:
		return i % 50 < 3 ? 0.01 : 1;
	case 4:
		return pow(10, 6 * sin(x / 100));
	case 5:
		return 1 - 0.9 / (1 + pow((x - 100) / 0.5, 2)) + 1e-3 * synth_gauss(state);
	case 6:
		return floor(4 * synth_uniform(state));
	default:
		return 1 / (1 + pow(fmod(x, 37) - 18, 2)) + 1e-4 * synth_gauss(state);
	}
}

static double strange_axis(unsigned int kind, size_t i, size_t n, uint64_t *state)
{
	double x = (double)i;

	switch (kind % 6) {
	case 0:
		return 1550 + 1e-3 * x;
	case 1:
		return 1550 - 1e-3 * x;
	case 2:
		return 1550 + 1e-3 * (x + 0.9 * synth_uniform(state));
	case 3:
		return 1550 + 1e-6 * x * x;
	case 4:
		return 1550 + 1e-3 * (2 * i < n ? x : (double)n - x);
	default:
		return x < 40 ? 1500 + 1e-7 * x : 1600 + x;
	}
}

static unsigned int kinds(void)
{
	const char *deep = getenv("ETALON_DEEP");

	if (deep && streq(deep, "1"))
		return 1200;
	return RUNNING_ON_VALGRIND ? 8 : 48;
}

START_TEST(no_table_whatever_crashes_the_analysis)
{
	static const size_t sizes[] = {32, 33, 40, 64, 127, 300, 1000};
	uint64_t state = 1000U * (uint64_t)_i;

	for (unsigned int kind = 0; kind < kinds(); kind++) {
		size_t n = sizes[(kind + (unsigned int)_i) % ARRAY_SIZE(sizes)];
		_cleanup_table_ struct table *t = table_new(n, 3);
		_cleanup_free_ char *message = NULL;
		json_t *result = NULL;

		ck_assert_ptr_nonnull(t);
		table_set_column(t, 0, "wavelength", "nm", COLUMN_F64);
		table_set_column(t, 1, "y", "W", COLUMN_F64);
		table_set_column(t, 2, "mon", "W", COLUMN_F64);
		if (kind % 3 == 0)
			json_object_set_new(t->meta, "monitor", json_string("mon"));
		for (size_t i = 0; i < n; i++) {
			t->columns[0].f64[i] = strange_axis(kind, i, n, &state);
			t->columns[1].f64[i] = strange_value(kind, i, &state);
			t->columns[2].f64[i] = strange_value(kind / 8, i, &state);
		}
		if (analyse_resonances(t, "y", NULL, &result, &message) == 0) {
			_cleanup_free_ char *text = analyse_to_text(result);

			ck_assert_ptr_nonnull(text);
		} else {
			ck_assert_ptr_nonnull(message);
		}
		json_decref(result);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis of anything");
	TCase *tc = tcase_create("anything");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, no_table_whatever_crashes_the_analysis, 0, 8);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
