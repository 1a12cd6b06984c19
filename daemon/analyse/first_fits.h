/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first fit of each candidate, and what is left of them: what fits nothing, what is wider than this
 * part of the span and what two fits found goes, two that overlap become one split resonance. Layer:
 * analyse.
 */
#ifndef ETALON_ANALYSE_FIRST_FITS_H
#define ETALON_ANALYSE_FIRST_FITS_H

#include "analyse/resonances.h"

/* Sorted by wavelength. -ENOMEM. */
int first_fits(struct resonances *all, struct team *team, double widest_part);

#endif
