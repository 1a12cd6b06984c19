// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The numerical parts of the analysis by themselves: blur, line shapes and their derivatives, smoothing,
 * ripple.
 */
#include "analyse/fit.h"
#include "analyse/kernel.h"
#include "analyse/lineshape.h"
#include "analyse/ripple.h"
#include "analyse/smooth.h"
#include "analyse_check.h"
#include "run_suite.h"

/* ---- blur ---- */

static const struct {
	struct blur blur;
	double half_width_nm;
} blurs[] = {
	{{0, 0, 0}, 0.01},	  {{0.8e-3, 0, 0}, 0.01},    {{0.8e-3, 1.6e-5, 5e-5}, 0.01},
	{{8e-3, 0, 0}, 0.01},	  {{40e-3, 0, 0}, 0.01},     {{0, 3e-3, 0}, 0.01},
	{{0, 20e-3, 0}, 0.01},	  {{2e-3, 0.8e-3, 0}, 0.01}, {{1e-3, 0.3e-3, 0}, 0.01},
	{{10e-3, 5e-3, 0}, 0.01}, {{0, 0, 1e-3}, 0.01},
};

START_TEST(a_kernel_has_the_moments_of_the_blur)
{
	const struct blur *b = &blurs[_i].blur;

	for (int direction = -1; direction <= 1; direction += 2) {
		struct kernel k = kernel_make(b, blurs[_i].half_width_nm, direction);
		double m[4] = {}, rms = kernel_rms_nm(b);

		for (unsigned int i = 0; i < k.count; i++)
			for (int p = 0; p < 4; p++)
				m[p] += k.weight[i] * pow(k.offset_nm[i], p);
		ck_assert_double_eq_tol(m[0], 1, 1e-12);
		ck_assert_double_eq_tol(m[1], 0, 1e-12);
		ck_assert_double_eq_tol(sqrt(m[2]), rms, 1e-5 * rms + 1e-15);
		ck_assert_double_eq_tol(m[3], direction * 2 * pow(b->tau_nm, 3),
					1e-4 * pow(rms, 3) + 1e-30);
	}
}
END_TEST

/* Blur by brute force: rectangle and exponential in small steps. */
static double brute(const struct blur *b, double h, double x)
{
	const int n = 400, tails = b->aperture_nm > 0 ? 2000 : 40000;
	double sum = 0, weights = 0;

	for (int i = 0; i < (b->aperture_nm > 0 ? n : 1); i++)
		for (int j = 0; j < (b->tau_nm > 0 ? tails : 1); j++) {
			double box = b->aperture_nm * ((i + 0.5) / n - 0.5);
			double u = 25.0 * (j + 0.5) / tails;
			double weight = b->tau_nm > 0 ? exp(-u) : 1;
			double at = x - (b->aperture_nm > 0 ? box : 0) -
				    (b->tau_nm > 0 ? b->tau_nm * (u - 1) : 0);

			sum += weight / (1 + at * at / (h * h));
			weights += weight;
		}
	return sum / weights;
}

START_TEST(a_blurred_lorentzian_is_what_integration_says)
{
	const struct blur *b = &blurs[_i].blur;
	double h = blurs[_i].half_width_nm;
	struct kernel k = kernel_make(b, h, 1);

	if (b->sigma_x_nm > 0)
		return; /* no Gaussian in the brute force */
	for (double x = -3 * h; x <= 3 * h; x += h) {
		double sum = 0;

		for (unsigned int i = 0; i < k.count; i++)
			sum += k.weight[i] / (1 + pow((x - k.offset_nm[i]) / h, 2));
		ck_assert_double_eq_tol(sum, brute(b, h, x), 6e-6);
	}
}
END_TEST

/* ---- line shapes ---- */

#define N 41

static const struct line lines[] = {
	{SHAPE_LORENTZIAN, false, 0, {0.001, 0.01, 0.8}},
	{SHAPE_LORENTZIAN, false, 0.5, {0.001, 0.01, 0.8}},
	{SHAPE_LORENTZIAN, true, 0.5, {-0.002, 0.012, -1}},
	{SHAPE_FANO, false, 0, {0.001, 0.01, 0.8, 0.3}},
	{SHAPE_FANO, false, 0.5, {0.001, 0.01, 0.8, -0.3}},
	{SHAPE_SPLIT, false, 0, {0.001, 0.01, 0.5, 0, 0.02, 0.4}},
	{SHAPE_SPLIT, true, 0.5, {0.001, 0.01, -1, 0, 0.02, -0.7}},
	{SHAPE_SPLIT, false, 0.5, {0.001, 0.01, 0.5, 0.2, 0.02, 0.4}},
};

struct evaluation {
	double s[N], sine[N], cosine[N], r[N], r_s[N], r_ss[N], r_p[LINE_PARAMETERS][N];
	signed char direction[N];
};

static void evaluate(const struct line *line, const struct kernel *kernel, double shift,
		     struct evaluation *e)
{
	struct line_points points = {N, e->s, e->sine, e->cosine, e->direction};
	struct line_values values = {.r = e->r, .r_s = e->r_s, .r_ss = e->r_ss};

	for (int p = 0; p < LINE_PARAMETERS; p++)
		values.r_p[p] = e->r_p[p];
	for (int i = 0; i < N; i++) {
		e->s[i] = 0.002 * (i - N / 2) + shift;
		e->direction[i] = i % 2 ? 1 : -1;
		if (line->period_nm > 0)
			sincos(M_PI * e->s[i] / line->period_nm, &e->sine[i], &e->cosine[i]);
	}
	line_evaluate(line, &points, kernel, kernel, &values);
}

START_TEST(derivatives_of_shapes_are_those_of_differences)
{
	const struct blur blur = {2e-3, 0, 0};
	const struct line *line = &lines[_i];
	struct kernel kernel = kernel_make(&blur, 0.01, 1);
	static struct evaluation at, up, down;
	const double step = 1e-6;

	evaluate(line, &kernel, 0, &at);
	evaluate(line, &kernel, step, &up);
	evaluate(line, &kernel, -step, &down);
	for (int i = 0; i < N; i++) {
		ck_assert_double_eq_tol(at.r_s[i], (up.r[i] - down.r[i]) / (2 * step), 1e-4);
		if (line->p[LINE_ASYMMETRY] == 0) /* the curvature of the odd part is left out */
			ck_assert_double_eq_tol(at.r_ss[i], (up.r_s[i] - down.r_s[i]) / (2 * step),
						1e-2);
	}
	for (int p = 0; p < LINE_PARAMETERS; p++) {
		struct line more = *line, less = *line;

		if (!line_has(line, p))
			continue;
		more.p[p] += step;
		less.p[p] -= step;
		evaluate(&more, &kernel, 0, &up);
		evaluate(&less, &kernel, 0, &down);
		for (int i = 0; i < N; i++)
			ck_assert_double_eq_tol(at.r_p[p][i], (up.r[i] - down.r[i]) / (2 * step),
						line->p[LINE_ASYMMETRY] != 0 ? 2 : 1e-4);
	}
}
END_TEST

START_TEST(an_airy_function_has_its_width_at_half_its_height)
{
	for (double part = 0.001; part < 0.5; part *= 1.7) {
		struct line line = {SHAPE_LORENTZIAN, true, 2.3, {0, 0, -1}};

		line.p[LINE_HALF_WIDTH] = line_half_width_nm(2.3 * part, 2.3);
		ck_assert_double_eq_tol(line_fwhm_nm(&line), 2.3 * part, 1e-12);
		ck_assert_double_eq_tol(line_response(&line, 2.3 * part / 2), 0.5, 1e-12);
		ck_assert_double_eq_tol(line_response(&line, 2.3), 1, 1e-12);
	}
}
END_TEST

/* ---- smoothing ---- */

START_TEST(a_spline_follows_cubics_and_sees_through_noise)
{
	enum { POINTS = 3000 };
	static double y[POINTS], smooth[POINTS];
	uint64_t state = 1;
	double rss, worst = 0;

	for (int i = 0; i < POINTS; i++) {
		double u = (double)i / POINTS;

		y[i] = 1 + u * (2 - u * (3 - u)) + 1e-3 * synth_gauss(&state);
	}
	ck_assert_int_eq(smooth_spline(y, NULL, POINTS, 300, smooth, &rss), 0);
	ck_assert_double_eq_tol(sqrt(rss / POINTS), 1e-3, 1e-4);
	for (int i = 0; i < POINTS; i++) {
		double u = (double)i / POINTS;

		worst = fmax(worst, fabs(smooth[i] - (1 + u * (2 - u * (3 - u)))));
	}
	ck_assert_double_lt(worst, 5e-4);
}
END_TEST

/* ---- ripple ---- */

static const struct {
	double period_nm[2], amplitude[2];
	bool in_frequency;
	double noise;
	size_t expected;
} ripples[] = {
	{{0.32, 0}, {0.02, 0}, false, 1e-4, 1},	     {{0.32, 0}, {0.02, 0}, true, 1e-4, 1},
	{{0.32, 0.7}, {0.02, 0.006}, true, 1e-4, 2}, {{0.05, 0}, {0.005, 0}, false, 1e-3, 1},
	{{0.32, 0}, {0, 0}, false, 1e-3, 0},
};

#define BINS 4001

START_TEST(ripple_is_found_with_its_period_everywhere)
{
	static double base[BINS], weight[BINS];
	const struct grid grid = {.n = BINS, .first_nm = 1540, .step_nm = 0.005};
	struct ripple found;
	uint64_t state = 9;

	for (size_t i = 0; i < BINS; i++) {
		double x = grid_x(&grid, i);

		base[i] = exp(-pow((x - 1552) / 24, 2)) *
			  (1 + ripples[_i].noise * synth_gauss(&state));
		for (int k = 0; k < 2 && ripples[_i].period_nm[k] > 0; k++) {
			double turns =
				ripples[_i].in_frequency ? 1550 - 1550.0 * 1550.0 / x : x - 1550;

			base[i] *= 1 + ripples[_i].amplitude[k] *
					       cos(2 * M_PI * turns / ripples[_i].period_nm[k] + k);
		}
		weight[i] = i % 450 < 20 ? 0 : 1;
	}
	ck_assert_int_eq(ripple_find(&grid, base, weight, INFINITY, &found), 0);
	ck_assert_uint_eq(found.count, ripples[_i].expected);
	for (size_t k = 0; k < found.count; k++)
		for (double x = 1541; x < 1560; x += 3) {
			double period = ripples[_i].period_nm[k] *
					(ripples[_i].in_frequency ? pow(x / 1550, 2) : 1);

			ck_assert_double_eq_tol(ripple_period_nm(&found.line[k], x), period,
						1e-3 * period);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis parts");
	TCase *tc = tcase_create("parts");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, a_kernel_has_the_moments_of_the_blur, 0, (int)ARRAY_SIZE(blurs));
	tcase_add_loop_test(tc, a_blurred_lorentzian_is_what_integration_says, 0,
			    (int)ARRAY_SIZE(blurs));
	tcase_add_loop_test(tc, derivatives_of_shapes_are_those_of_differences, 0,
			    (int)ARRAY_SIZE(lines));
	tcase_add_test(tc, an_airy_function_has_its_width_at_half_its_height);
	tcase_add_test(tc, a_spline_follows_cubics_and_sees_through_noise);
	tcase_add_loop_test(tc, ripple_is_found_with_its_period_everywhere, 0,
			    (int)ARRAY_SIZE(ripples));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
