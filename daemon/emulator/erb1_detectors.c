// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Detector, range and calibration tables of the reference board. The factory's gains and
 * offsets are drawn from the seed; the calibration points tell them exactly.
 */
#include "emulator/erb1_tables.h"

#include <math.h>

#include "base/util.h"
#include "emulator/noise.h"
#include "emulator/photodiode.h"

#define BOLTZMANN 1.380649e-23
#define AMPLIFIER_K 298.15
#define CALIBRATION_GRID_M 5e-9
#define THERMISTOR_BANDWIDTH_HZ 5.0

static uint64_t ns(double s)
{
	return (uint64_t)llround(s * 1e9);
}

static struct etalon_hw_detector *next(struct erb1_tables *t, const char *name, uint16_t kind,
				       uint16_t role, uint16_t source)
{
	struct etalon_hw_detector *d = &t->detector[t->detector_count];

	snprintf(d->name, sizeof(d->name), "%s", name);
	d->kind = kind;
	d->role = role;
	d->source = source;
	d->input = (uint16_t)t->detector_count++;
	d->range_first = (uint16_t)t->range_count;
	return d;
}

/* "2 mA", "100 uA", "12 V": how people call a range. */
static void range_name(char *name, size_t size, double full_scale, const char *unit)
{
	static const char *const prefix[] = {"", "m", "u", "n", "p"};
	size_t i = 0;

	while (full_scale < 0.9999995 && i < ARRAY_SIZE(prefix) - 1) {
		full_scale *= 1e3;
		i++;
	}
	snprintf(name, size, "%.4g %s%s", full_scale, prefix[i], unit);
}

static struct etalon_hw_range *add_range(struct erb1_tables *t, struct etalon_hw_detector *d)
{
	struct etalon_hw_range *r = &t->range[t->range_count++];

	d->range_count++;
	r->calibration_first = t->calibration_count;
	return r;
}

/* A bipolar converter of `bits` over plus and minus full scale (in the unit of the detector). */
static void converter(struct etalon_hw_range *r, double full_scale, double bits)
{
	r->full_scale = llround(full_scale);
	r->step_q16 = llround(full_scale / pow(2, bits - 1) * 65536);
}

static void one_pole(struct etalon_hw_range *r, double bandwidth_hz)
{
	r->bandwidth_mhz = (uint64_t)llround(bandwidth_hz * 1e3);
	r->group_delay_ns = ns(1 / (2 * M_PI * bandwidth_hz));
}

static double factory_draw(const struct erb1_tables *t, const struct etalon_hw_detector *d,
			   uint32_t draw)
{
	const struct noise_key key = {
		.seed = t->seed,
		.run_key = 0xfac7, /* the factory's own draws */
		.channel = NOISE_FRONT_END + d->input,
		.draw = draw,
	};

	return noise_gauss(&key);
}

/* Calibration of one range: over wavelength when it is `scale` A/W at 1550 nm; 0: unknown. */
static void calibrate(struct erb1_tables *t, const struct erb1_parameters *p,
		      const struct etalon_hw_detector *d, struct etalon_hw_range *r, double scale)
{
	const uint32_t draw = 2U * d->range_count;
	const struct etalon_hw_calibration_point constants = {
		.gain_ppb = llround(p->gain_spread * 1e9 * factory_draw(t, d, draw)),
		.offset = llround(p->offset_spread_steps * (double)r->step_q16 / 65536 *
				  factory_draw(t, d, draw + 1)),
	};
	double first = ceil(p->wavelength_min_m / CALIBRATION_GRID_M - 1e-6) - 1;
	double last = floor(p->wavelength_max_m / CALIBRATION_GRID_M + 1e-6) + 1;

	if (scale <= 0)
		first = last = 0;
	for (double i = first; i <= last; i++) {
		struct etalon_hw_calibration_point *c = &t->calibration[t->calibration_count];

		if (t->calibration_count == ERB1_CALIBRATION_TOTAL)
			break; /* a span beyond all lasers: the outermost points stay uncalibrated */
		*c = constants;
		if (scale > 0) {
			const double response =
				photodiode_response(&p->pd_band, i * CALIBRATION_GRID_M);

			c->wavelength_fm = llround(i * CALIBRATION_GRID_M * 1e15);
			/* 0 would say that it is unknown */
			c->responsivity_na_per_w = MAX(llround(scale * 1e9 * response), 1LL);
		}
		t->calibration_count++;
		r->calibration_count++;
	}
}

static struct etalon_hw_detector *photocurrent(struct erb1_tables *t,
					       const struct erb1_parameters *p, const char *name,
					       uint16_t role, uint16_t source,
					       const struct erb1_range_parameters *ranges,
					       double scale)
{
	struct etalon_hw_detector *d = next(t, name, ETALON_HW_DETECTOR_PHOTOCURRENT, role, source);

	d->range_default = 1;
	for (int i = 0; i < ERB1_RANGES; i++) {
		const struct erb1_range_parameters *from = &ranges[i];
		struct etalon_hw_range *r = add_range(t, d);

		range_name(r->name, sizeof(r->name), from->full_scale_a, "A");
		converter(r, from->full_scale_a * 1e15, p->adc_bits);
		one_pole(r, from->bandwidth_hz);
		r->settle_ns = ns(from->settle_s);
		r->overload_recovery_ns = ns(p->overload_recovery_s);
		r->noise_density_e3 = llround(
			1e18 * sqrt(4 * BOLTZMANN * AMPLIFIER_K / from->transimpedance_ohm));
		r->aperture_min_ns = ns(from->aperture_min_s);
		calibrate(t, p, d, r, scale);
	}
	return d;
}

/* Four-wire sense of a source: one range; volts in nV or amperes in fA. */
static void sense(struct erb1_tables *t, const struct erb1_parameters *p, const char *name,
		  uint16_t source, bool current, double full_scale, double density)
{
	const double per_si = current ? 1e15 : 1e9;
	struct etalon_hw_detector *d =
		next(t, name, current ? ETALON_HW_DETECTOR_CURRENT : ETALON_HW_DETECTOR_VOLTAGE,
		     current ? ETALON_HW_ROLE_SENSE_CURRENT : ETALON_HW_ROLE_SENSE_VOLTAGE, source);
	struct etalon_hw_range *r = add_range(t, d);

	range_name(r->name, sizeof(r->name), full_scale, current ? "A" : "V");
	converter(r, full_scale * per_si, p->adc_bits);
	one_pole(r, 200e3);
	r->settle_ns = 20000;
	r->overload_recovery_ns = ns(p->overload_recovery_s);
	r->noise_density_e3 = llround(density * per_si * 1e3);
	r->aperture_min_ns = ns(p->aperture_min_s);
	calibrate(t, p, d, r, 0);
}

static void wavelength_log(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_detector *d = next(t, "wlog", ETALON_HW_DETECTOR_WAVELENGTH,
					    ETALON_HW_ROLE_WAVELENGTH_LOG, ERB1_LASER_WAVELENGTH);
	struct etalon_hw_range *r = add_range(t, d);

	d->systematic_fm = llround(p->wlog_systematic_m * 1e15);
	d->sweep_fm = llround(p->wlog_sweep_m * 1e15);
	d->point_fm = llround(p->wlog_point_m * 1e15);
	snprintf(r->name, sizeof(r->name), "vacuum");
	r->full_scale = llround(p->wavelength_max_m * 1e15) + 10000000; /* 10 nm beyond the laser */
	r->step_q16 = llround(p->wlog_step_m * 1e15 * 65536);
	r->offset = llround((p->wavelength_min_m + p->wavelength_max_m) / 2 * 1e15);
	one_pole(r, 1e6);
	r->aperture_min_ns = ns(p->aperture_min_s);
	r->calibration_count = 1;
	t->calibration_count++;
}

/* "NTC 10 kohm": by its resistance at 25 C. */
static void ohm_name(char *name, size_t size, double ohm)
{
	const bool kilo = ohm >= 999.95;
	char text[32];

	snprintf(text, sizeof(text), "NTC %.4g %sohm", kilo ? ohm * 1e-3 : ohm, kilo ? "k" : "");
	snprintf(name, size, "%.*s", (int)size - 1, text);
}

static void thermistor(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_detector *d = next(t, "tec1.t", ETALON_HW_DETECTOR_TEMPERATURE,
					    ETALON_HW_ROLE_TEMPERATURE, ERB1_TEC1);
	struct etalon_hw_range *r = add_range(t, d);

	d->flags = ETALON_HW_DETECTOR_SLOW;
	ohm_name(r->name, sizeof(r->name), p->ntc_ohm);
	r->full_scale = llround((p->tec_max_k + 20) * 1e6);
	r->step_q16 = llround(p->tec_step_k * 1e6 * 65536);
	r->offset = 298150000;
	r->bandwidth_mhz = llround(THERMISTOR_BANDWIDTH_HZ * 1e3);
	r->group_delay_ns = 32 * NSEC_PER_MSEC;
	/* No aperture of a sweep averages anything that is as slow as this. */
	r->noise_density_e3 =
		llround(p->tec_noise_k * 1e6 * 1e3 / sqrt(M_PI_2 * THERMISTOR_BANDWIDTH_HZ));
	r->aperture_min_ns = 100 * NSEC_PER_MSEC;
	r->calibration_count = 1;
	t->calibration_count++;
}

void erb1_detectors(struct erb1_tables *t, const struct erb1_parameters *p)
{
	char name[8];

	for (int i = 1; i <= 4; i++) {
		snprintf(name, sizeof(name), "pd%d", i);
		photocurrent(t, p, name, ETALON_HW_ROLE_SIGNAL, ETALON_HW_NO_CHANNEL, p->pd,
			     p->pd_responsivity);
	}
	photocurrent(t, p, "mon", ETALON_HW_ROLE_POWER_MONITOR, ERB1_LASER_POWER, p->pd,
		     p->monitor_tap * p->pd_responsivity);
	wavelength_log(t, p);
	photocurrent(t, p, "etalon", ETALON_HW_ROLE_ETALON, ERB1_LASER_WAVELENGTH, p->pd, 0);
	photocurrent(t, p, "gas", ETALON_HW_ROLE_GAS_CELL, ERB1_LASER_WAVELENGTH, p->pd, 0)
		->systematic_fm = llround(p->gas_systematic_m * 1e15);
	photocurrent(t, p, "ipd1", ETALON_HW_ROLE_SIGNAL, ERB1_BIAS1, p->ipd, 0);
	photocurrent(t, p, "ipd2", ETALON_HW_ROLE_SIGNAL, ERB1_BIAS1 + 1, p->ipd, 0);
	sense(t, p, "ld1.v", ERB1_LD1, false, p->ld_compliance_max_v, 50e-9);
	sense(t, p, "ld1.i", ERB1_LD1, true, p->ld_max_a, 10e-9);
	for (int i = 0; i < 8; i++) {
		const uint16_t heater = (uint16_t)(ERB1_H1 + i);

		snprintf(name, sizeof(name), "h%d.v", i + 1);
		sense(t, p, name, heater, false, p->heater_max_v, 50e-9);
		snprintf(name, sizeof(name), "h%d.i", i + 1);
		sense(t, p, name, heater, true, p->heater_max_a, 1e-9);
	}
	thermistor(t, p);
}
