/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One resonance from candidate to result: which window, which shape, which numbers. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_RESONANCE_H
#define ETALON_ANALYSE_RESONANCE_H

#include "analyse/find.h"
#include "analyse/fit.h"

/* A value with its random 1 sigma. */
struct estimate {
	double value, sigma;
};

struct resonance {
	size_t id; /* the same in copies */
	double centre_nm, fwhm_nm; /* best known so far */
	bool peak;
	enum shape shape;
	double splitting_nm; /* first value, of a resolved doublet */
	double period_nm; /* of its family at centre_nm, 0: not known */
	int family; /* -1: none */
	double half_nm; /* of the window in use */
	double origin_nm; /* centre of the window in use */
	double unseen_per_nm; /* of the window in use, see window.h */
	bool fitted, misfit, overlaps;
	bool crowded; /* another candidate is near: first fits are to know of each other */
	double model_error; /* of the depth, where no shape describes the points; else 0 */
	double lowest_nm; /* of the points themselves: highest for a peak */
	struct fit fit;
	double inflation; /* of the covariance, >= 1 */
	struct estimate wavelength_nm, width_nm, q, extinction_db, fano_q, split_nm;
	double extreme_nm;
};

struct resonances {
	const struct spectrum *spectrum;
	const struct ripple *ripple; /* NULL: not looked for yet */
	struct fit_noise noise; /* but for the model error, which each resonance has for itself */
	bool sigma_x_known;
	struct resonance *list;
	size_t count;
};

/* A Lorentzian in a narrow window; `fitted` stays false where none fits. -ENOMEM. */
int resonance_first_fit(const struct resonances *all, struct resonance *r);
/* The widest window whose baseline is described, then the fit. */
int resonance_fit(const struct resonances *all, struct resonance *r);
/* The same window again, from the last values: noise or neighbours have changed. */
int resonance_refit(const struct resonances *all, struct resonance *r);
/* Where even the best shape leaves a good part of the depth: the same with a model error. */
int resonance_allow_for_shape(const struct resonances *all, struct resonance *r);
/* Another shape where it describes the points far better than the one that is there. */
int resonance_choose_shape(const struct resonances *all, struct resonance *r);
/* Wavelength, width, Q, extinction and their random parts out of the fit. */
void resonance_derive(struct resonance *r);

/* Depth over its random part. */
double resonance_significance(const struct resonance *r);

#endif
