// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Mode families: which resonances belong together, and what free spectral range they have.
 */
#include "analyse/family.h"
#include "analyse_check.h"
#include "run_suite.h"

#define MOST 64

struct comb {
	double first_nm, group_index, dispersion, length_um; /* index falls with wavelength */
	double fwhm_nm;
};

/* Resonances of a resonator between two wavelengths, order by order. */
static size_t add_comb(const struct comb *c, double low_nm, double high_nm, struct member *m,
		       size_t n)
{
	double k = 1e3 / c->first_nm;

	while (1e3 / k < high_nm) {
		double x = 1e3 / k, index = c->group_index - c->dispersion * (x - 1550);

		if (x > low_nm)
			m[n++] = (struct member){
				.wavelength_nm = x, .sigma_nm = 1e-5, .fwhm_nm = c->fwhm_nm};
		k -= 1 / (index * c->length_um);
	}
	return n;
}

static int by_wavelength(const void *a, const void *b)
{
	const struct member *p = a, *q = b;

	return (p->wavelength_nm > q->wavelength_nm) - (p->wavelength_nm < q->wavelength_nm);
}

static double fsr_of(const struct comb *c, double at_nm)
{
	double index = c->group_index - c->dispersion * (at_nm - 1550);

	return at_nm * at_nm / (index * c->length_um * 1e3);
}

START_TEST(one_comb_is_one_family_with_its_free_spectral_range)
{
	const struct comb c = {1540.3, 4.18, 1e-4, 251.3, 0.02};
	struct member m[MOST];
	struct family f[FAMILY_MAX];
	size_t n = add_comb(&c, 1540, 1560, m, 0);

	ck_assert_int_eq(family_find(m, n, f), 1);
	ck_assert_uint_eq(f[0].count, n);
	ck_assert_double_eq_tol(f[0].fsr_nm, fsr_of(&c, f[0].at_nm), 2e-4);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(m[i].family, 0);
		ck_assert_int_eq(m[i].order, (int)i);
		ck_assert_double_eq_tol(m[i].period_nm, fsr_of(&c, m[i].wavelength_nm), 1e-3);
	}
}
END_TEST

START_TEST(interleaved_combs_are_told_apart)
{
	const struct comb te = {1500.7, 4.3, 2e-4, 62.8, 0.02},
			  tm = {1503.1, 3.7, 1e-4, 62.8, 0.03};
	struct member m[MOST];
	struct family f[FAMILY_MAX];
	size_t n = add_comb(&tm, 1500, 1580, m, add_comb(&te, 1500, 1580, m, 0));
	double a, b;

	qsort(m, n, sizeof(*m), by_wavelength);
	ck_assert_int_eq(family_find(m, n, f), 2);
	ck_assert_uint_eq(f[0].count + f[1].count, n);
	a = fabs(f[0].fsr_nm - fsr_of(&te, f[0].at_nm));
	b = fabs(f[0].fsr_nm - fsr_of(&tm, f[0].at_nm));
	ck_assert_double_lt(fmin(a, b), 5e-3);
	ck_assert_double_gt(fmax(a, b), 0.5);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(m[i].family, (m[i].fwhm_nm > 0.025) == (b < a) ? 0 : 1);
}
END_TEST

START_TEST(a_missing_member_is_stepped_over)
{
	const struct comb c = {1540.3, 4.18, 1e-4, 251.3, 0.02};
	struct member m[MOST];
	struct family f[FAMILY_MAX];
	size_t n = add_comb(&c, 1540, 1560, m, 0);

	memmove(&m[4], &m[5], (n - 5) * sizeof(*m));
	n--;
	ck_assert_int_eq(family_find(m, n, f), 1);
	ck_assert_uint_eq(f[0].count, n);
	ck_assert_int_eq(m[4].order, 5);
	ck_assert_double_eq_tol(f[0].fsr_nm, fsr_of(&c, f[0].at_nm), 2e-4);
}
END_TEST

/* Strewn at random: what looks like a family must be rare. */
START_TEST(accidents_are_no_families)
{
	uint64_t state = 7;
	unsigned int found = 0;

	for (int trial = 0; trial < 200; trial++) {
		size_t n = 3 + (size_t)trial % 22;
		struct member m[MOST];
		struct family f[FAMILY_MAX];

		for (size_t i = 0; i < n; i++)
			m[i] = (struct member){.wavelength_nm = 1500 + 80 * synth_uniform(&state),
					       .sigma_nm = 1e-4,
					       .fwhm_nm = 0.02 + 0.02 * synth_uniform(&state)};
		qsort(m, n, sizeof(*m), by_wavelength);
		found += family_find(m, n, f) > 0;
	}
	ck_assert_uint_le(found, 12);
}
END_TEST

START_TEST(two_alike_are_a_family_two_unlike_are_none)
{
	struct member m[] = {{.wavelength_nm = 1540, .sigma_nm = 1e-5, .fwhm_nm = 0.020},
			     {.wavelength_nm = 1545, .sigma_nm = 1e-5, .fwhm_nm = 0.021}};
	struct family f[FAMILY_MAX];

	ck_assert_int_eq(family_find(m, 2, f), 1);
	ck_assert_double_eq_tol(f[0].fsr_nm, 5, 5e-5);
	ck_assert_double_eq_tol(f[0].fsr_sigma_nm, 1e-5 * sqrt(2), 1e-7);
	m[1].fwhm_nm = 0.04;
	ck_assert_int_eq(family_find(m, 2, f), 0);
	ck_assert_int_eq(m[0].family, -1);
}
END_TEST

START_TEST(none_and_one_are_no_family)
{
	struct member m[] = {{.wavelength_nm = 1540, .sigma_nm = 1e-5, .fwhm_nm = 0.02}};
	struct family f[FAMILY_MAX];

	ck_assert_int_eq(family_find(m, 0, f), 0);
	ck_assert_int_eq(family_find(m, 1, f), 0);
	ck_assert_int_eq(m[0].family, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonance families");
	TCase *tc = tcase_create("families");

	tcase_add_test(tc, one_comb_is_one_family_with_its_free_spectral_range);
	tcase_add_test(tc, interleaved_combs_are_told_apart);
	tcase_add_test(tc, a_missing_member_is_stepped_over);
	tcase_add_test(tc, accidents_are_no_families);
	tcase_add_test(tc, two_alike_are_a_family_two_unlike_are_none);
	tcase_add_test(tc, none_and_one_are_no_family);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
