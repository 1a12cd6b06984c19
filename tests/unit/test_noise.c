// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Counter-based noise: pure, evenly spread, normal, and unrelated between keys that differ in any
 * part. Keys are fixed, so the statistics are too: bounds are about five standard deviations of an
 * ideal generator.
 */
#include "emulator/noise.h"

#include "plant_bench.h"

#define DRAWS 400000
#define CELLS 64

/* The parts of a key, to step one at a time. */
enum part { SEED, RUN_KEY, POINT, CHANNEL, DRAW, PARTS };
static const char *const part_names[] = {"seed", "run_key", "point", "channel", "draw"};

static struct noise_key stepped(enum part part, uint64_t by)
{
	struct noise_key key = {12345, 99, 7, 3, 0};

	switch (part) {
	case SEED:
		key.seed += by;
		break;
	case RUN_KEY:
		key.run_key += by;
		break;
	case POINT:
		key.point += by;
		break;
	case CHANNEL:
		key.channel += (uint32_t)by;
		break;
	default:
		key.draw += (uint32_t)by;
	}
	return key;
}

START_TEST(same_key_gives_the_same_value)
{
	struct noise_key key = {1, 2, 3, 4, 5}, other = {9, 9, 9, 9, 9};
	uint64_t bits = noise_bits(&key);
	double gauss = noise_gauss(&key), uniform = noise_uniform(&key);

	noise_gauss(&other);
	ck_assert_uint_eq(noise_bits(&key), bits);
	ck_assert_double_eq(noise_gauss(&key), gauss);
	ck_assert_double_eq(noise_uniform(&key), uniform);
}
END_TEST

START_TEST(normal_values_have_the_moments_of_a_normal_distribution)
{
	double sum[5] = {0}, n = DRAWS;

	for (uint64_t i = 0; i < DRAWS; i++) {
		struct noise_key key = stepped((enum part)_i, i);
		double x = noise_gauss(&key), power = 1;

		for (int k = 1; k < 5; k++)
			sum[k] += power *= x;
	}
	ck_assert_near(sum[1] / n, 0, 5 / sqrt(n));
	ck_assert_near(sum[2] / n, 1, 5 * sqrt(2 / n));
	ck_assert_near(sum[3] / n, 0, 5 * sqrt(15 / n));
	ck_assert_near(sum[4] / n, 3, 5 * sqrt(96 / n));
}
END_TEST

/* Chi-squared with CELLS - 1 degrees of freedom: mean 63, sigma 11.2. */
static void check_cells(const double *count, double expected, const char *what)
{
	double chi = 0;

	for (int i = 0; i < CELLS; i++)
		chi += (count[i] - expected) * (count[i] - expected) / expected;
	if (chi > 63 + 5 * 11.2 || chi < 63 - 4 * 11.2)
		ck_abort_msg("%s: chi-squared %.1f with 63 degrees of freedom", what, chi);
}

START_TEST(values_fill_their_distribution_evenly)
{
	double uniform[CELLS] = {0}, normal[CELLS] = {0};

	for (uint64_t i = 0; i < DRAWS; i++) {
		struct noise_key key = stepped((enum part)_i, i);
		double u = noise_uniform(&key), p = erfc(-noise_gauss(&key) / sqrt(2)) / 2;

		ck_assert(u > 0 && u < 1);
		uniform[(int)(u * CELLS)]++;
		normal[MIN(CELLS - 1, (int)(p * CELLS))]++;
	}
	check_cells(uniform, (double)DRAWS / CELLS, "uniform");
	check_cells(normal, (double)DRAWS / CELLS, "normal");
}
END_TEST

START_TEST(neighbouring_keys_are_not_correlated)
{
	const double bound = 5 / sqrt(DRAWS);
	double lag1 = 0, lag2 = 0, squares = 0, cubes = 0;
	double before[2] = {0, 0};

	for (uint64_t i = 0; i < DRAWS; i++) {
		struct noise_key key = stepped((enum part)_i, i);
		double x = noise_gauss(&key);

		lag1 += x * before[0];
		lag2 += x * before[1];
		squares += (x * x - 1) * (before[0] * before[0] - 1) / 2;
		cubes += x * before[0] * before[0] / sqrt(3);
		before[1] = before[0];
		before[0] = x;
	}
	if (fabs(lag1) / DRAWS > bound || fabs(lag2) / DRAWS > bound ||
	    fabs(squares) / DRAWS > bound || fabs(cubes) / DRAWS > bound)
		ck_abort_msg("stepping %s: correlations %.2g %.2g %.2g %.2g, bound %.2g",
			     part_names[_i], lag1 / DRAWS, lag2 / DRAWS, squares / DRAWS,
			     cubes / DRAWS, bound);
}
END_TEST

/* Two parts stepped together must not cancel: (seed + 1, point - 1) and the like. */
START_TEST(keys_that_trade_one_part_for_another_are_not_correlated)
{
	for (int a = 0; a < PARTS; a++)
		for (int b = 0; b < PARTS; b++) {
			double sum = 0;
			int equal = 0;

			for (uint64_t i = 0; a != b && i < 20000; i++) {
				struct noise_key x = stepped((enum part)a, i + 1),
						 y = stepped((enum part)b, i + 1);

				sum += noise_gauss(&x) * noise_gauss(&y);
				equal += noise_bits(&x) == noise_bits(&y);
			}
			ck_assert_int_eq(equal, 0);
			ck_assert_near(sum / 20000, 0, 5 / sqrt(20000));
		}
}
END_TEST

START_TEST(one_bit_of_any_part_changes_half_of_the_bits)
{
	int width = _i >= CHANNEL ? 32 : 64;

	for (int bit = 0; bit < width; bit++) {
		double changed = 0;

		for (uint64_t i = 0; i < 200; i++) {
			struct noise_key a = stepped((enum part)_i, i * 77), b = a;

			switch (_i) {
			case SEED:
				b.seed ^= 1ULL << bit;
				break;
			case RUN_KEY:
				b.run_key ^= 1ULL << bit;
				break;
			case POINT:
				b.point ^= 1ULL << bit;
				break;
			case CHANNEL:
				b.channel ^= 1U << bit;
				break;
			default:
				b.draw ^= 1U << bit;
			}
			changed += __builtin_popcountll(noise_bits(&a) ^ noise_bits(&b));
		}
		/* 200 differences of 64 bits: sigma of the mean is 0.28 */
		ck_assert_near(changed / 200, 32, 1.5);
	}
}
END_TEST

static Suite *noise_suite(void)
{
	Suite *s = suite_create("noise");
	TCase *t = tcase_create("noise");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, same_key_gives_the_same_value);
	tcase_add_loop_test(t, normal_values_have_the_moments_of_a_normal_distribution, 0, PARTS);
	tcase_add_loop_test(t, values_fill_their_distribution_evenly, 0, PARTS);
	tcase_add_loop_test(t, neighbouring_keys_are_not_correlated, 0, PARTS);
	tcase_add_test(t, keys_that_trade_one_part_for_another_are_not_correlated);
	tcase_add_loop_test(t, one_bit_of_any_part_changes_half_of_the_bits, 0, PARTS);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(noise_suite());
}
