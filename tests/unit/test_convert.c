// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Conversion of raw counts: scale, calibration, responsivity, noise, dark, delay. Truth is worked
 * out here from the numbers of the fake board, not with the code under test.
 */
#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "calibrate/convert.h"
#include "../common/fake_board.h"
#include "run_suite.h"

#include <check.h>

static struct description *board;

static void setup(void)
{
	board = fake_board();
}

static void teardown(void)
{
	description_free(board);
}

#define APERTURE 40000
#define START_M 1540e-9
#define STOP_M 1560e-9

static struct conversion make(unsigned int detector, unsigned int range)
{
	struct conversion c;

	ck_assert_int_eq(conversion_make(board, detector, range, APERTURE, START_M, STOP_M, &c), 0);
	return c;
}

#define ck_close(a, b, relative) ck_assert_double_le(fabs((a) - (b)), (relative)*fabs(b))

START_TEST(a_code_becomes_the_current_that_made_it)
{
	static const double codes[] = {0, 1, -1, 1000, -1000, 131071, -131072};
	struct conversion c = make(FAKE_PD1, FAKE_RANGE_100UA);
	const struct etalon_hw_range *r = description_range_of(board, FAKE_PD1, FAKE_RANGE_100UA);
	const struct etalon_hw_calibration_point *cal = &board->calibration[r->calibration_first];

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		double reading_fa = codes[i] * (double)r->step_q16 / 65536 + (double)r->offset;
		double true_a =
			(reading_fa * (1 + (double)cal->gain_ppb * 1e-9) + (double)cal->offset) *
			1e-15;

		ck_assert_double_le(fabs(convert_raw(&c, (int32_t)(codes[i] * 256)) - true_a),
				    1e-12 * 100e-6);
	}
}
END_TEST

START_TEST(currents_keep_their_sign)
{
	struct conversion c = make(FAKE_PD1, FAKE_RANGE_10UA);

	ck_assert_double_lt(convert_raw(&c, -100 * 256), 0);
	ck_assert_double_gt(convert_raw(&c, 100 * 256), 0);
}
END_TEST

START_TEST(a_wavelength_log_is_exact_to_a_femtometre)
{
	struct conversion c = make(FAKE_WLOG, 0);

	/* step 0.1 pm around 1550 nm: code 12345.5 is 1234.55 pm above */
	ck_assert_double_le(fabs(convert_raw(&c, 12345 * 256 + 128) - 1551.23455e-9), 1e-21);
	ck_assert(!c.to_power);
	ck_assert(c.floor == 0);
}
END_TEST

START_TEST(responsivity_follows_the_wavelength)
{
	struct conversion c = make(FAKE_PD1, FAKE_RANGE_100UA);

	ck_assert(c.to_power);
	for (double nm = 1540; nm <= 1560; nm += 0.37)
		ck_close(convert_inverse_responsivity(&c, nm * 1e-9), 1 / fake_responsivity(nm),
			 1e-6);
}
END_TEST

START_TEST(a_tap_counts_as_power_at_the_port)
{
	struct conversion c = make(FAKE_MON, FAKE_RANGE_10UA);
	double current = 1e-3 * FAKE_TAP * fake_responsivity(1550);

	ck_close(current * convert_inverse_responsivity(&c, 1550e-9), 1e-3, 1e-6);
}
END_TEST

START_TEST(nothing_is_known_outside_the_calibrated_span)
{
	struct conversion c;

	ck_assert_int_eq(conversion_make(board, FAKE_PD1, 1, APERTURE, 1590e-9, 1630e-9, &c), 0);
	ck_assert(isfinite(convert_inverse_responsivity(&c, 1600e-9)));
	ck_assert(isnan(convert_inverse_responsivity(&c, 1602e-9)));
	ck_assert(isnan(convert_inverse_responsivity(&c, NAN)));
	/* An axis that is not known: everything that is calibrated. */
	ck_assert_int_eq(conversion_make(board, FAKE_PD1, 1, APERTURE, NAN, NAN, &c), 0);
	ck_close(convert_inverse_responsivity(&c, 1507.5e-9), 1 / fake_responsivity(1507.5), 2e-6);
	ck_close(convert_inverse_responsivity(&c, 1600e-9), 1 / fake_responsivity(1600), 1e-6);
	/* A fixed wavelength. */
	ck_assert_int_eq(conversion_make(board, FAKE_PD1, 1, APERTURE, 1550e-9, 1550e-9, &c), 0);
	ck_close(convert_inverse_responsivity(&c, 1550e-9), 1 / fake_responsivity(1550), 1e-6);
}
END_TEST

/* Numeric truth: variance of a box mean of one-pole noise, by summing its autocorrelation. */
static double bandwidth_by_sum(double aperture_s, double bandwidth_hz)
{
	double a = 2 * M_PI * bandwidth_hz, sum = 0;
	const int n = 200000;

	for (int i = 0; i < n; i++) {
		double tau = (i + 0.5) * aperture_s / n;

		sum += (aperture_s - tau) * a / 4 * exp(-a * tau);
	}
	return 2 * sum / n / aperture_s;
}

static const struct {
	uint64_t aperture_ns;
	double bandwidth_hz;
} bandwidths[] = {{40000, 200e3}, {2000, 200e3}, {2000, 20e3}, {1000000, 1e6}, {1000, 1e3}};

START_TEST(noise_bandwidth_is_that_of_a_box_behind_one_pole)
{
	double is = noise_bandwidth_hz(bandwidths[_i].aperture_ns, bandwidths[_i].bandwidth_hz);

	ck_close(is,
		 bandwidth_by_sum((double)bandwidths[_i].aperture_ns * 1e-9,
				  bandwidths[_i].bandwidth_hz),
		 1e-4);
	/* The two limits that people know. */
	ck_assert_double_le(is, 0.5e9 / (double)bandwidths[_i].aperture_ns);
	ck_assert_double_le(is, M_PI_2 * bandwidths[_i].bandwidth_hz);
}
END_TEST

START_TEST(noise_bandwidth_of_a_vanishing_aperture_is_the_pole_s)
{
	ck_close(noise_bandwidth_hz(1, 10), M_PI_2 * 10, 1e-6);
	ck_close(noise_bandwidth_hz(40000, 0), 12500.0, 1e-12);
}
END_TEST

START_TEST(expected_noise_is_what_the_board_promises)
{
	/* 100 uA: 0.16 nA; 2 mA: 2.5 nA; 10 uA: 34 pA at 40 us */
	ck_close(make(FAKE_PD1, FAKE_RANGE_100UA).noise, 0.16e-9, 0.05);
	ck_close(make(FAKE_PD1, FAKE_RANGE_2MA).noise, 2.5e-9, 0.05);
	ck_close(make(FAKE_PD1, FAKE_RANGE_10UA).noise, 34e-12, 0.05);
}
END_TEST

START_TEST(dark_is_the_mean_and_its_drift_is_an_uncertainty)
{
	struct conversion c = make(FAKE_PD1, FAKE_RANGE_100UA);

	conversion_set_dark(&c, 0.50e-9, 3e-12, 0.56e-9, 4e-12);
	ck_close(c.dark, 0.53e-9, 1e-9);
	ck_close(c.dark_sigma, sqrt(2.5e-12 * 2.5e-12 + 60e-12 * 60e-12 / 12), 1e-9);
	ck_close(c.floor, 3 * hypot(c.noise, c.dark_sigma), 1e-9);
}
END_TEST

START_TEST(one_dark_alone_is_used_and_none_leaves_zero)
{
	struct conversion c = make(FAKE_PD1, FAKE_RANGE_100UA);

	conversion_set_dark(&c, NAN, NAN, NAN, NAN);
	ck_assert(c.dark == 0 && isnan(c.dark_sigma));
	ck_close(c.floor, 3 * c.noise, 1e-9);
	conversion_set_dark(&c, 0.5e-9, 3e-12, NAN, NAN);
	ck_close(c.dark, 0.5e-9, 1e-12);
	ck_close(c.dark_sigma, 3e-12, 1e-12);
	conversion_set_dark(&c, NAN, NAN, 0.7e-9, 5e-12);
	ck_close(c.dark, 0.7e-9, 1e-12);
	ck_close(c.dark_sigma, 5e-12, 1e-12);
}
END_TEST

START_TEST(the_axis_is_moved_to_what_the_signal_saw)
{
	/* Rising at 20 nm/s, signal 800 ns late: it saw a shorter wavelength than the log says. */
	ck_close(axis_delay_shift_m(20e-9, 800, 0), 16e-15, 1e-12);
	ck_close(axis_delay_shift_m(-20e-9, 800, 0), -16e-15, 1e-12);
	ck_close(axis_delay_shift_m(20e-9, 0, 800), -16e-15, 1e-12);
	ck_assert(axis_delay_shift_m(0, 800, 0) == 0);
}
END_TEST

START_TEST(a_channel_that_does_not_exist_is_refused)
{
	struct conversion c;

	ck_assert_int_eq(conversion_make(board, FAKE_DETECTORS, 0, APERTURE, 0, 0, &c), -ENOENT);
	ck_assert_int_eq(conversion_make(board, FAKE_PD1, 3, APERTURE, 0, 0, &c), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("convert");
	TCase *t = tcase_create("convert");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_code_becomes_the_current_that_made_it);
	tcase_add_test(t, currents_keep_their_sign);
	tcase_add_test(t, a_wavelength_log_is_exact_to_a_femtometre);
	tcase_add_test(t, responsivity_follows_the_wavelength);
	tcase_add_test(t, a_tap_counts_as_power_at_the_port);
	tcase_add_test(t, nothing_is_known_outside_the_calibrated_span);
	tcase_add_loop_test(t, noise_bandwidth_is_that_of_a_box_behind_one_pole, 0,
			    ARRAY_SIZE(bandwidths));
	tcase_add_test(t, noise_bandwidth_of_a_vanishing_aperture_is_the_pole_s);
	tcase_add_test(t, expected_noise_is_what_the_board_promises);
	tcase_add_test(t, dark_is_the_mean_and_its_drift_is_an_uncertainty);
	tcase_add_test(t, one_dark_alone_is_used_and_none_leaves_zero);
	tcase_add_test(t, the_axis_is_moved_to_what_the_signal_saw);
	tcase_add_test(t, a_channel_that_does_not_exist_is_refused);
	suite_add_tcase(s, t);
	return run_suite(s);
}
