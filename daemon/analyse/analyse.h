/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analysis of measured tables: what the program etalon-analyse calls, and tests. Layer:
 * analyse (above data; knows no file format, no bus and no board).
 *
 * Random parts (they differ from point to point and from resonance to resonance) and
 * systematic parts (common to the whole axis) of every uncertainty stay apart; all are 1 sigma.
 */
#ifndef ETALON_ANALYSE_ANALYSE_H
#define ETALON_ANALYSE_ANALYSE_H

#include "analyse/team.h"
#include "data/table.h"

#define ANALYSE_METHOD_RESONANCES "resonances"
#define ANALYSE_RESONANCES_VERSION "1"

struct analyse_options {
	double min_extinction_db; /* shallower features are not resonances; 0: ANALYSE_MIN_EXTINCTION_DB */
	struct team *team; /* shares the fits; NULL: the caller's thread alone, the same result */
};

#define ANALYSE_MIN_EXTINCTION_DB 0.1

/*
 * Finds and fits the resonances of one channel. `channel` NULL: the first signal channel;
 * `options` NULL: defaults. The result is a new object:
 *
 *  method, version, channel, points, points_used
 *  resonances  [{wavelength_nm, wavelength_random_pm, fwhm_pm, fwhm_random_pm, q_loaded,
 *              q_loaded_random, extinction_db, extinction_random_db, kind: "dip"|"peak",
 *              model: "lorentzian"|"fano"|"split", fano_q, fano_q_random, splitting_pm,
 *              splitting_random_pm, extreme_nm (where the curve is lowest, for a peak highest),
 *              samples_per_fwhm, resolution_limited, q_is_bound, chi2_reduced, window_nm: [from, to],
 *              family: n|null, flags}]
 *              flags: "edge" (near an end of the span), "model-misfit" (no model describes it: its
 *              wavelength is where the points are lowest), "resolution-limited" (below 6 samples
 *              per FWHM), "overlaps" (with a neighbour), "kernel-wide" (aperture or bandwidth blur
 *              it as much as it is wide), "short-span" (below 300 widths, in which slow ripple cannot
 *              be told from the resonance's tails: the random parts have in them what any ripple of
 *              0.9 dB peak to peak and a period from four widths could do)
 *  families    [{family, fsr_nm, fsr_random_nm, at_nm, members: [index]}]
 *  fsr         {family, fsr_nm, fsr_random_nm, at_nm} or null; then fsr_text says why
 *  axis        {provenance, systematic_pm, random_pm: as stated, random_seen_pm: by the residuals,
 *              random_used_pm, direction_lag_pm: rising above falling, step_pm}
 *  baseline    {level, unit, ripple: [{period_nm, peak_to_peak_db}]}
 *  warnings    [text]
 *
 * A dip as wide as a twentieth of the span is reported only if it has a resonance's very shape, and none
 * as wide as 15 % of it: such a dip may be a fringe. A warning says so where one was left out.
 *
 * A number that there is not is null: a property of another model, an extinction that reaches
 * below zero.
 *
 * A periodic lineshape (Airy) is fitted where the family's free spectral range is known; extinction
 * is then highest over lowest transmission, elsewhere the fitted baseline over the lowest. The width is
 * that of the Airy function or Lorentzian at half its height, as a drop port shows it.
 *
 * -EINVAL, -ENOENT, -ENODATA with a message for a person when the table cannot be analysed.
 */
int analyse_resonances(const struct table *table, const char *channel,
		       const struct analyse_options *options, json_t **ret_result,
		       char **ret_message);

/* The same for a person: a table of the resonances, then axis, FSR and warnings. malloc'ed, NULL: no memory. */
char *analyse_to_text(const json_t *result);

#endif
