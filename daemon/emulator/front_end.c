// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From a physical reading to the mean and variance of an aperture's conversions. The
 * conversions themselves are never made one by one: their mean and variance are drawn from
 * the distributions that they would have.
 */
#include "emulator/front_end.h"

#include <math.h>

#include "base/util.h"
#include "emulator/effects.h"

#define RECORD_CODE_MAX 8388607 /* steps that mean_q8 has room for */

double source_unit_si(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
	case ETALON_HW_SOURCE_POWER:
	case ETALON_HW_SOURCE_CURRENT:
		return 1e-15;
	case ETALON_HW_SOURCE_TEMPERATURE:
		return 1e-6;
	case ETALON_HW_SOURCE_SELECTOR:
		return 1;
	default:
		return 1e-9;
	}
}

double detector_unit_si(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_DETECTOR_PHOTOCURRENT:
	case ETALON_HW_DETECTOR_CURRENT:
	case ETALON_HW_DETECTOR_WAVELENGTH:
		return 1e-15;
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return 1e-6;
	default:
		return 1e-9;
	}
}

static bool digital(const struct etalon_hw_detector *d)
{
	return d->kind == ETALON_HW_DETECTOR_WAVELENGTH ||
	       d->kind == ETALON_HW_DETECTOR_TEMPERATURE;
}

/* Variance of the mean over T of one-pole noise with the one-sided density n: n^2/(2T) x what the pole takes. */
static double johnson_mean(double density, double bandwidth_hz, double aperture_s)
{
	const double x = 2 * M_PI * bandwidth_hz * aperture_s; /* apertures per time constant */
	const double white = density * density / (2 * aperture_s);

	return x > 0 ? white * (1 - (1 - exp(-x)) / x) : white;
}

static void noise(struct front_end *f, const struct front_end_setup *s)
{
	/* What a digital detector's noise is comes with its reading. */
	const double density =
		digital(s->detector) ? 0
				     : (double)s->range->noise_density_e3 * 1e-3 / f->unit_per_step;
	const double adc =
		s->effects & EFFECT_ADC && !digital(s->detector) ? s->adc_noise_steps : 0;
	double mean = 0;

	f->variance_conversion = adc * adc;
	mean = adc * adc / f->conversions;
	if (s->effects & EFFECT_JOHNSON && density > 0) {
		const double of_mean =
			johnson_mean(density, f->bandwidth_hz, (double)s->aperture_ns * 1e-9);

		mean += of_mean;
		/* Without a bandwidth one conversion has no noise of its own but that of the mean. */
		f->variance_conversion += f->bandwidth_hz > 0
						  ? density * density * M_PI / 2 * f->bandwidth_hz
						  : of_mean;
	}
	f->sigma_mean = sqrt(mean);
}

static void codes(struct front_end *f, const struct front_end_setup *s)
{
	const double full = (double)s->range->full_scale;

	if (!(s->effects & EFFECT_SATURATION)) {
		f->code_max = RECORD_CODE_MAX;
		f->code_min = -f->code_max;
		return;
	}
	if (digital(s->detector)) {
		f->code_max = (full - f->offset) / f->unit_per_step;
		f->code_min = -f->code_max;
		return;
	}
	f->code_max = MIN(pow(2, s->adc_bits - 1) - 1, full / f->unit_per_step);
	f->code_min = -f->code_max;
}

void front_end_prepare(struct front_end *f, const struct front_end_setup *s)
{
	const double unit_si = detector_unit_si(s->detector->kind);
	double gain;

	*f = (struct front_end){
		.range = s->range_number,
		.bandwidth_hz =
			s->effects & EFFECT_BANDWIDTH ? (double)s->range->bandwidth_mhz * 1e-3 : 0,
		.recovery_ns = s->effects & EFFECT_OVERLOAD ? s->range->overload_recovery_ns : 0,
		.unit_per_step = (double)s->range->step_q16 / 65536,
		.offset = (double)s->range->offset,
	};
	f->conversions = (double)MAX(s->aperture_ns / MAX(s->conversion_ns, 1U), 1ULL);
	/* The greatest of N conversions lies about so many sigmas above their mean. */
	f->reach = sqrt(2 * log(f->conversions + 1));
	/* true = reading x (1 + gain) + offset, with reading = range.offset + steps x step. */
	gain = 1 + (double)s->constants->gain_ppb * 1e-9;
	f->per_step = 1 / (unit_si * gain * f->unit_per_step);
	f->at_zero = -((double)s->constants->offset / gain + f->offset) / f->unit_per_step;
	noise(f, s);
	codes(f, s);
}

static uint32_t variance_q4(double variance)
{
	const double q4 = variance * 16;

	return q4 >= 4294967295.0 ? UINT32_MAX : (uint32_t)llround(MAX(q4, 0.0));
}

/* Mean of a normal distribution (m, s) whose values above `limit` read as `limit`. */
static double clipped_mean(double m, double s, double limit)
{
	const double z = (limit - m) / s;
	const double above = 0.5 * erfc(z * M_SQRT1_2);

	return m * (1 - above) + limit * above - s * exp(-z * z / 2) / sqrt(2 * M_PI);
}

void front_end_sample(const struct front_end *f, const struct plant_reading *reading,
		      struct noise_key key, struct etalon_hw_sample *ret)
{
	const double signal_rms = reading->rms * f->per_step;
	const double ramp_rms = reading->ramp_rms * f->per_step;
	double code = reading->mean * f->per_step + f->at_zero;
	double variance = f->variance_conversion + signal_rms * signal_rms + ramp_rms * ramp_rms;
	const double sigma = sqrt(variance), reach = sigma * f->reach;

	*ret = (struct etalon_hw_sample){.range = f->range};
	if (!isfinite(code)) {
		ret->flags = ETALON_HW_SAMPLE_INVALID;
		return;
	}
	if (code + reach > f->code_max || code - reach < f->code_min)
		ret->flags |= ETALON_HW_SAMPLE_SATURATED;
	if (code - reach >= f->code_max || code + reach <= f->code_min) {
		code = code > 0 ? f->code_max : f->code_min; /* at the rail, and nothing moves */
		variance = 0;
	} else {
		if (ret->flags)
			code = code > 0 ? clipped_mean(code, sigma, f->code_max)
					: -clipped_mean(-code, sigma, -f->code_min);
		if (f->sigma_mean > 0)
			code += f->sigma_mean * noise_gauss(&key);
		code = MIN(MAX(code, f->code_min), f->code_max);
	}
	key.draw++;
	if (f->conversions > 1.5 && variance > 0)
		variance *= MAX(1 + sqrt(2 / (f->conversions - 1)) * noise_gauss(&key), 0.0);
	ret->mean_q8 = (int32_t)llround(code * 256);
	ret->variance_q4 = variance_q4(variance);
}

double front_end_value(const struct front_end *f, const struct etalon_hw_sample *sample)
{
	return (double)sample->mean_q8 / 256 * f->unit_per_step + f->offset;
}
