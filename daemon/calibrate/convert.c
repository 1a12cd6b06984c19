// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The constants of one detector in one range, from the board's own calibration. Reads no
 * records and knows nothing of runs.
 */
#include "calibrate/convert.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define ADC_RMS_STEPS 1.0 /* of one conversion, quantisation included */
#define FLOOR_SIGMAS 3.0
#define RESPONSIVITY_HOLD_M 1e-9 /* the outermost calibration point holds this far beyond itself \
				  */
#define SPAN_LEAST_M 1e-9

double detector_si(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_DETECTOR_VOLTAGE:
		return 1e-9;
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return 1e-6;
	default:
		return 1e-15; /* fA, fm */
	}
}

double noise_bandwidth_hz(uint64_t aperture_ns, double bandwidth_hz)
{
	double t = (double)aperture_ns * 1e-9;
	double x = 2 * M_PI * bandwidth_hz * t; /* aperture in time constants */

	if (!(bandwidth_hz > 0))
		return t > 0 ? 1 / (2 * t) : 0;
	if (x < 1e-4) /* the series: the exact form loses its digits here */
		return M_PI_2 * bandwidth_hz * (1 - x / 3);
	return (1 + expm1(-x) / x) / (2 * t);
}

/* ---- responsivity ---- */

struct curve {
	const struct etalon_hw_calibration_point *point;
	unsigned int count;
};

static double responsivity_at(const struct curve *c, double axis_m)
{
	double fm = axis_m * 1e15;
	const struct etalon_hw_calibration_point *low, *high;
	unsigned int i = 1;

	if (fm < (double)c->point[0].wavelength_fm - RESPONSIVITY_HOLD_M * 1e15 ||
	    fm > (double)c->point[c->count - 1].wavelength_fm + RESPONSIVITY_HOLD_M * 1e15)
		return NAN;
	while (i < c->count - 1 && (double)c->point[i].wavelength_fm < fm)
		i++;
	if (c->count == 1)
		return (double)c->point[0].responsivity_na_per_w * 1e-9;
	low = &c->point[i - 1];
	high = &c->point[i];
	fm = fmin(fmax(fm, (double)low->wavelength_fm), (double)high->wavelength_fm);
	return 1e-9 * ((double)low->responsivity_na_per_w +
		       (double)(high->responsivity_na_per_w - low->responsivity_na_per_w) *
			       (fm - (double)low->wavelength_fm) /
			       (double)(high->wavelength_fm - low->wavelength_fm));
}

static bool has_responsivity(const struct curve *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		if (c->point[i].responsivity_na_per_w <= 0)
			return false;
	return c->count > 0;
}

/* An unknown axis (NaN) asks for the table over all that is calibrated. */
static void tabulate(const struct curve *c, double start_m, double stop_m, struct conversion *ret)
{
	double low = fmin(start_m, stop_m), high = fmax(start_m, stop_m);

	if (!isfinite(low) || !isfinite(high)) {
		low = (double)c->point[0].wavelength_fm * 1e-15;
		high = (double)c->point[c->count - 1].wavelength_fm * 1e-15;
	}
	if (high - low < SPAN_LEAST_M) {
		low -= SPAN_LEAST_M / 2;
		high += SPAN_LEAST_M / 2;
	}
	ret->to_power = true;
	ret->responsivity_start_m = low;
	ret->responsivity_step_m = (high - low) / (CONVERT_TABLE - 1);
	for (int i = 0; i < CONVERT_TABLE; i++)
		ret->inverse_responsivity[i] =
			1 / responsivity_at(c, low + i * ret->responsivity_step_m);
}

/* ---- gain, offset, noise ---- */

static void set_scale(struct conversion *c, const struct etalon_hw_range *range,
		      const struct curve *curve, double si)
{
	/* Gain and offset belong to the amplifier; the middle point speaks for all wavelengths. */
	const struct etalon_hw_calibration_point *point =
		curve->count > 0 ? &curve->point[curve->count / 2] : NULL;
	double gain = 1 + (point ? (double)point->gain_ppb * 1e-9 : 0);
	double correction = point ? (double)point->offset : 0;

	c->scale = (double)range->step_q16 / 65536 / 256 * gain * si;
	c->offset = ((double)range->offset * gain + correction) * si;
}

static double point_noise(const struct description *d, const struct etalon_hw_detector *detector,
			  const struct etalon_hw_range *range, uint64_t aperture_ns, double si)
{
	double step = (double)range->step_q16 / 65536;
	double density = (double)range->noise_density_e3 * 1e-3;
	double conversions =
		fmax(1, (double)(aperture_ns / MAX(d->head.conversion_ns, (uint32_t)1)));
	double bandwidth = noise_bandwidth_hz(aperture_ns, (double)range->bandwidth_mhz * 1e-3);

	if (detector->kind == ETALON_HW_DETECTOR_WAVELENGTH)
		return (double)detector->point_fm * si;
	return hypot(density * sqrt(bandwidth), ADC_RMS_STEPS * step / sqrt(conversions)) * si;
}

int conversion_make(const struct description *d, unsigned int detector, unsigned int range,
		    uint64_t aperture_ns, double axis_start_m, double axis_stop_m,
		    struct conversion *ret)
{
	const struct etalon_hw_range *r;
	struct curve curve;
	double si;

	if (detector >= d->head.detector_count || range >= d->detector[detector].range_count)
		return -ENOENT;
	r = &d->range[d->detector[detector].range_first + range];
	si = detector_si(d->detector[detector].kind);
	curve = (struct curve){.point = d->calibration + r->calibration_first,
			       .count = r->calibration_count};

	*ret = (struct conversion){.dark_before = NAN, .dark_after = NAN, .dark_sigma = NAN};
	set_scale(ret, r, &curve, si);
	ret->noise = point_noise(d, &d->detector[detector], r, aperture_ns, si);
	if (d->detector[detector].kind == ETALON_HW_DETECTOR_PHOTOCURRENT) {
		ret->floor = FLOOR_SIGMAS * ret->noise;
		if (has_responsivity(&curve))
			tabulate(&curve, axis_start_m, axis_stop_m, ret);
	}
	return 0;
}

void conversion_set_dark(struct conversion *c, double before, double before_sigma, double after,
			 double after_sigma)
{
	bool have_before = isfinite(before), have_after = isfinite(after);

	c->dark_before = before;
	c->dark_after = after;
	if (!have_before && !have_after)
		return;
	if (have_before && have_after) {
		/* Uniform between the two: the drift's standard deviation is its width / sqrt(12).
		 */
		c->dark = (before + after) / 2;
		c->dark_sigma =
			hypot(hypot(before_sigma, after_sigma) / 2, (after - before) / sqrt(12));
	} else {
		c->dark = have_before ? before : after;
		c->dark_sigma = have_before ? before_sigma : after_sigma;
	}
	if (c->floor > 0)
		c->floor = FLOOR_SIGMAS * hypot(c->noise, c->dark_sigma);
}
