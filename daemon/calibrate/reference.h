/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Insertion loss against a reference: loss = (P/Pmon)_ref / (P/Pmon)_dut in linear power, the
 * reference interpolated onto the device's own measured axis. Layer: calibrate. Pure.
 */
#ifndef ETALON_CALIBRATE_REFERENCE_H
#define ETALON_CALIBRATE_REFERENCE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct reference;

/*
 * From n points of a reference run. `monitor` may be NULL. Points that are not finite, whose
 * monitor is not positive or whose `use` is 0 are left out (`use` NULL: all). Order does not
 * matter: points that step back within the axis' random error are sorted, points at the same place
 * averaged. -ENODATA with fewer than two points left.
 */
int reference_make(const double *axis_nm, const double *power, const double *monitor,
		   const uint8_t *use, size_t n, struct reference **ret);
struct reference *reference_free(struct reference *r);
DEFINE_CLEANUP(struct reference *, reference_free, reference_freep);

/* P/Pmon of the reference at a wavelength; NaN outside its span and inside a hole of its axis. */
double reference_ratio(const struct reference *r, double axis_nm);
/* dB; NaN where either side is not covered or not positive. monitor is 1 where there is none. */
double reference_loss_db(const struct reference *r, double axis_nm, double power, double monitor);

struct reference_rules {
	double age_max_s;
	double temperature_tolerance_c;
	double power_tolerance; /* relative */
	double speed_tolerance; /* relative */
	double span_margin_nm; /* by which tuning errors may leave a reference of the same span
				  short */
};

struct reference_rules reference_default_rules(void);

/*
 * What speaks against using the run `reference` for the run `dut` (both meta of data/meta.h): an
 * array of sentences, empty when nothing does. Same board, detectors, path, power, speed,
 * direction; temperature within the tolerance where both are known; young enough; whole span
 * covered; itself complete and trusted. NULL without memory.
 */
json_t *reference_match(const json_t *dut, const json_t *reference, double age_s,
			const struct reference_rules *rules);

#endif
