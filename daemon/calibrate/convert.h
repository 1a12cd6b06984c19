/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw counts to physical quantities, signed and linear. Layer: calibrate (description below).
 *
 * reading = offset + mean_q8/256 x step; corrected by the range's gain and offset calibration;
 * photocurrent less the dark current (gate shut, laser warm, same range and aperture, mean of
 * before and after, their drift an uncertainty); divided by responsivity at the point's wavelength.
 * dBm is a view that others make.
 */
#ifndef ETALON_CALIBRATE_CONVERT_H
#define ETALON_CALIBRATE_CONVERT_H

#include "link/description.h"

#define CONVERT_TABLE 257 /* responsivity is tabulated over the axis for speed */

/* Constants of one detector in one range, SI units. */
struct conversion {
	double scale; /* SI per 1/256 step, gain applied */
	double offset; /* SI */
	double dark; /* SI, subtracted after scale and offset */
	double dark_before, dark_after, dark_sigma; /* NaN: not taken */
	double noise; /* expected 1-sigma of one point with no light, SI */
	double floor; /* 3 x noise and dark drift: below it a reading is flagged */
	bool to_power; /* divide by responsivity */
	double responsivity_start_m, responsivity_step_m; /* of the table */
	double inverse_responsivity[CONVERT_TABLE]; /* W/A */
};

/* SI factor of a detector kind's unit: fA -> A 1e-15 ... */
double detector_si(unsigned int kind);
int conversion_make(const struct description *d, unsigned int detector, unsigned int range,
		    uint64_t aperture_ns, double axis_start_m, double axis_stop_m,
		    struct conversion *ret);

/*
 * Dark before and after in SI (NaN: not taken) with their standard errors: the mean is subtracted;
 * dark_sigma holds both errors and the drift, taken as equally likely anywhere between the two.
 */
void conversion_set_dark(struct conversion *c, double before, double before_sigma, double after,
			 double after_sigma);
/* Equivalent noise bandwidth of a box aperture behind a one-pole response: 1/(2 aperture) for long
 * apertures. */
double noise_bandwidth_hz(uint64_t aperture_ns, double bandwidth_hz);
/*
 * What to subtract from a logged wavelength so that it is the one that the signal saw: signed speed
 * x (delay of the signal's range - delay of the log's).
 */
static inline double axis_delay_shift_m(double speed_m_per_s, uint64_t signal_delay_ns,
					uint64_t log_delay_ns)
{
	return speed_m_per_s * ((double)signal_delay_ns - (double)log_delay_ns) * 1e-9;
}

static inline double convert_raw(const struct conversion *c, int32_t mean_q8)
{
	return (double)mean_q8 * c->scale + c->offset;
}

/* W/A at a wavelength; NaN where nothing was calibrated. */
static inline double convert_inverse_responsivity(const struct conversion *c, double axis_m)
{
	double x = (axis_m - c->responsivity_start_m) / c->responsivity_step_m;
	int i;

	if (!(x > 0))
		return x != x ? x : c->inverse_responsivity[0];
	if (x >= CONVERT_TABLE - 1)
		return c->inverse_responsivity[CONVERT_TABLE - 1];
	i = (int)x;
	return c->inverse_responsivity[i] +
	       (x - i) * (c->inverse_responsivity[i + 1] - c->inverse_responsivity[i]);
}

/* Dark from the POINT records of one segment with the gate shut: mean and standard error over the
 * records. */
int dark_from_records(const struct conversion *c, const void *records, size_t bytes,
		      uint32_t stride, unsigned int sample_index, double *ret_mean,
		      double *ret_sigma);

#endif
