/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * May this result be believed, and does it keep its limits? Layer: calibrate. Pure: the final meta
 * of a run (data/meta.h), its analyses and its expectations in; verdict and sentences out.
 *
 * untrustworthy beats fail beats marginal beats pass; without expectations a run is "measured".
 */
#ifndef ETALON_CALIBRATE_TRUST_H
#define ETALON_CALIBRATE_TRUST_H

#include <jansson.h>

struct trust_limits {
	double reference_age_max_s;
	double temperature_sigma_max_c; /* of the chip during the run */
	double below_floor_max; /* part of a signal channel's points; more: not coupled */
	double dark_drift_max; /* |after - before| in units of one point's noise */
	double coverage; /* standard uncertainties in a guard band that is not given */
};

struct trust_limits trust_default_limits(void);

/*
 * `analyses`: array of {method, version, values} as the store gives them, newest first; NULL or
 * empty: none. `expectations`: array of {quantity, method, channel, low, high, unit, guard}
 * (measure/request.h) or NULL. A quantity is a key of the analysis or of each of its resonances
 * ("q_loaded", "fwhm_pm", also "fwhm"), all of which must keep the limits; "count" is the number of
 * resonances. A value within `guard` of a limit, on either side of it, is marginal; guard absent:
 * `coverage` x the value's standard uncertainty, random and systematic together. *ret_verdict is
 * one of the words of data/meta.h; *ret_reasons an array of sentences, empty when there is nothing
 * to say. -EINVAL with a message when an expectation is malformed.
 */
int trust_judge(const json_t *meta, const json_t *analyses, const json_t *expectations,
		const struct trust_limits *limits, const char **ret_verdict, json_t **ret_reasons,
		char **ret_message);

/* Checks expectations alone, before any light. -EINVAL with a message. */
int trust_check_expectations(const json_t *expectations, char **ret_message);

#endif
