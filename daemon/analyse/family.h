/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode families: resonances at nearly equal steps of optical frequency and of similar width. Layer:
 * analyse.
 */
#ifndef ETALON_ANALYSE_FAMILY_H
#define ETALON_ANALYSE_FAMILY_H

#include <stddef.h>

#define FAMILY_MAX 16

/* What is known of a resonance; sorted by wavelength. */
struct member {
	double wavelength_nm, sigma_nm, fwhm_nm;
	/* results */
	int family; /* -1: none */
	int order; /* within the family, rising with wavelength */
	double period_nm; /* free spectral range at the resonance, 0 without a family */
};

struct family {
	size_t count;
	double fsr_nm, fsr_sigma_nm, at_nm;
};

/*
 * Sorts the members into families, largest first. A family is only what would hardly come
 * about by accident among so many resonances. Returns how many; -ENOMEM.
 */
int family_find(struct member *members, size_t count, struct family ret[FAMILY_MAX]);

#endif
