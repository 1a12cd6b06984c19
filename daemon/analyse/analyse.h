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

#include "data/table.h"

#define ANALYSE_METHOD_RESONANCES "resonances"
#define ANALYSE_RESONANCES_VERSION "1"

struct analyse_options {
	double min_extinction_db; /* shallower features are not resonances; 0: ANALYSE_MIN_EXTINCTION_DB */
};

#define ANALYSE_MIN_EXTINCTION_DB 0.1

/*
 * Finds and fits the resonances of one channel. `channel` NULL: the first signal channel;
 * `options` NULL: defaults. The result is a new object:
 *
 *  method, version, channel, unit (of the baseline), points, points_used
 *  resonances  [{wavelength_nm, wavelength_random_pm, fwhm_pm, fwhm_random_pm, q_loaded,
 *              q_loaded_random, extinction_db, extinction_random_db, kind: "dip"|"peak",
 *              model: "lorentzian"|"fano"|"split", fano_q, splitting_pm (null where the model has
 *              none), minimum_nm (of a dip; maximum of a peak: where the curve is extreme),
 *              samples_per_fwhm, resolution_limited, q_is_bound, chi2_reduced, family: n|null,
 *              flags: ["edge", "model-misfit", "resolution-limited", "overlaps", "kernel-wide"]}]
 *  families    [{family, fsr_nm, fsr_random_nm, at_nm, members: [index]}]
 *  fsr         {fsr_nm, fsr_random_nm, at_nm, family} or null, then fsr_text says why
 *  axis        {provenance, systematic_pm, random_pm, random_seen_pm, direction_lag_pm}
 *  baseline    {level, ripple: [{period_nm, peak_to_peak_db}]}
 *  warnings    [text]
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
