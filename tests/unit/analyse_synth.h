/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Synthetic sweeps for the tests of the analysis: rings by transfer matrix with dispersion, not by
 * the line shape that is fitted, behind grating couplers and a Fabry-Perot, swept by a laser whose
 * true wavelength only its noisy log knows. The truth is found numerically on the same matrix.
 */
#ifndef ETALON_TESTS_ANALYSE_SYNTH_H
#define ETALON_TESTS_ANALYSE_SYNTH_H

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/frame.h"
#include "data/table.h"

struct synth {
	uint64_t seed;
	/* device: a ring, or any response over wavelength */
	double (*response)(const void *data, double x_nm);
	const void *response_data;
	double radius_um, group_index, index_1550, loss_db_per_cm, coupling_1, coupling_2;
	bool drop; /* port */
	double envelope_db, envelope_centre_nm, envelope_3db_nm;
	double ripple_db_pp, ripple_period_nm, ripple_turns; /* turns: phase at 1550 nm */
	bool ripple_in_frequency; /* constant period in optical frequency, else in wavelength */
	/* sweep */
	double start_nm, stop_nm; /* start > stop: falling */
	double step_pm, speed_nm_per_s, aperture_part; /* of the period */
	double bandwidth_hz;
	double tuning_offset_pm, tuning_smooth_pm, log_random_pm, log_step_pm;
	bool both_ways;
	double lag_pm; /* rising above falling */
	/* noise */
	double power_w, rin_db_per_hz, read_a, responsivity;
	bool shot, monitor;
	double laser_ripple_db_pp, laser_ripple_period_nm;
	unsigned int subsamples; /* of an aperture; with a bandwidth: per period in time */
};

static const struct synth synth_demo = {
	.radius_um = 40,
	.group_index = 4.18,
	.index_1550 = 2.4406,
	.loss_db_per_cm = 3,
	.coupling_1 = 0.02,
	.coupling_2 = 0.02,
	.envelope_db = 12,
	.envelope_centre_nm = 1552,
	.envelope_3db_nm = 40,
	.ripple_db_pp = 0.2,
	.ripple_period_nm = 0.32,
	.start_nm = 1540,
	.stop_nm = 1560,
	.step_pm = 1,
	.speed_nm_per_s = 20,
	.aperture_part = 0.8,
	.tuning_offset_pm = 20,
	.tuning_smooth_pm = 10,
	.log_random_pm = 0.05,
	.power_w = 1e-3,
	.rin_db_per_hz = -145,
	.read_a = 0.16e-9,
	.responsivity = 1,
	.shot = true,
	.laser_ripple_db_pp = 0.05,
	.laser_ripple_period_nm = 0.7,
	.monitor = true,
	.subsamples = 4,
};

/* ---- random numbers: a counter through a mixer, two of them a Gaussian ---- */

static inline uint64_t synth_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline double synth_uniform(uint64_t *state)
{
	*state += 1;
	return ((double)(synth_mix(*state) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double synth_gauss(uint64_t *state)
{
	double u = synth_uniform(state), v = synth_uniform(state);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* ---- device ---- */

static inline double synth_phase(const struct synth *s, double x_nm)
{
	double slope = (s->index_1550 - s->group_index) / 1550.0;
	double index = s->index_1550 + slope * (x_nm - 1550.0);

	return 2 * M_PI * index * 2 * M_PI * s->radius_um * 1e3 / x_nm;
}

static inline double synth_ring(const struct synth *s, double x_nm)
{
	double t1 = sqrt(1 - s->coupling_1), t2 = sqrt(1 - s->coupling_2);
	double length_cm = 2 * M_PI * s->radius_um * 1e-4;
	double a = pow(10, -s->loss_db_per_cm * length_cm / 20), phase = synth_phase(s, x_nm);
	double complex round_trip = a * cexp(I * phase), field;

	if (s->response)
		return s->response(s->response_data, x_nm);
	if (s->drop)
		field = sqrt(s->coupling_1 * s->coupling_2 * a) / (1 - t1 * t2 * round_trip);
	else
		field = (t1 - t2 * round_trip) / (1 - t1 * t2 * round_trip);
	return creal(field * conj(field));
}

static inline double synth_path(const struct synth *s, double x_nm)
{
	double away = (x_nm - s->envelope_centre_nm) / (s->envelope_3db_nm / 2);
	double turns = s->ripple_in_frequency ? -1550.0 * 1550.0 / s->ripple_period_nm / x_nm
					      : (x_nm - 1550.0) / s->ripple_period_nm;
	double db = -s->envelope_db - 3.0103 * away * away;

	if (s->ripple_db_pp > 0)
		db += s->ripple_db_pp / 2 * cos(2 * M_PI * (turns + s->ripple_turns));
	return pow(10, db / 10);
}

/* ---- truth ---- */

struct synth_truth {
	double wavelength_nm, fwhm_pm, extinction_db;
};

static inline double synth_crossing(const struct synth *s, double level, double inside,
				    double outside)
{
	bool above = synth_ring(s, inside) > level;

	for (int i = 0; i < 200; i++) {
		double middle = (inside + outside) / 2;

		if ((synth_ring(s, middle) > level) == above)
			inside = middle;
		else
			outside = middle;
	}
	return inside;
}

static inline double synth_phase_inverse(const struct synth *s, double phase, double low,
					 double high)
{
	for (int i = 0; i < 200; i++) {
		double middle = (low + high) / 2;

		if (synth_phase(s, middle) > phase)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Resonances within the span, rising wavelength; returns how many. */
static inline size_t synth_truths(const struct synth *s, struct synth_truth *ret, size_t max)
{
	double low = fmin(s->start_nm, s->stop_nm), high = fmax(s->start_nm, s->stop_nm);
	double far_low = low - 100, far_high = high + 100;
	double order = floor(synth_phase(s, low) / (2 * M_PI));
	size_t n = 0;

	for (; n < max; n++, order--) {
		double x = synth_phase_inverse(s, 2 * M_PI * order, far_low, far_high);
		double left = synth_phase_inverse(s, 2 * M_PI * (order + 0.5), far_low, far_high);
		double right = synth_phase_inverse(s, 2 * M_PI * (order - 0.5), far_low, far_high);
		double at = synth_ring(s, x), away = synth_ring(s, right);
		/* The width is taken half-way to where no resonance is near, which no order reaches. */
		double half = (at + (s->drop ? 0 : 1)) / 2;

		if (x > high)
			break;
		ret[n].wavelength_nm = x;
		ret[n].extinction_db = fabs(10 * log10(away / at));
		ret[n].fwhm_pm = 1e3 * (synth_crossing(s, half, x, right) -
					synth_crossing(s, half, x, left));
	}
	return n;
}

/* ---- sweep ---- */

struct synth_sweep {
	double offset_pm, wave_pm, wave_period_nm, wave_phase; /* of the tuning */
};

static inline double synth_laser(const struct synth *s, const struct synth_sweep *w, double nominal)
{
	(void)s;
	return nominal +
	       1e-3 * (w->offset_pm +
		       w->wave_pm * sin(2 * M_PI * nominal / w->wave_period_nm + w->wave_phase));
}

static inline double synth_light(const struct synth *s, double x_nm)
{
	double ripple =
		s->laser_ripple_db_pp / 2 * sin(2 * M_PI * x_nm / s->laser_ripple_period_nm);

	return s->power_w * pow(10, ripple / 10);
}

static inline double synth_power(const struct synth *s, double x_nm)
{
	return synth_light(s, x_nm) * synth_path(s, x_nm) * synth_ring(s, x_nm);
}

/* Mean over the aperture around the nominal wavelength. */
static inline double synth_aperture(const struct synth *s, const struct synth_sweep *w,
				    double nominal)
{
	unsigned int n = s->subsamples > 0 ? s->subsamples : 1;
	double way_nm = s->aperture_part * s->step_pm * 1e-3, sum = 0;

	for (unsigned int k = 0; k < n; k++) {
		double at = ((double)k + 0.5) / n - 0.5;

		/* Midpoints spread so that their second moment is that of the box. */
		at *= n > 1 ? sqrt(1.0 / (1.0 - 1.0 / ((double)n * n))) : 0;
		sum += synth_power(s, synth_laser(s, w, nominal + at * way_nm));
	}
	return sum / n;
}

static inline json_t *synth_meta(const struct synth *s)
{
	double period_ns = s->step_pm * 1e-3 / s->speed_nm_per_s * 1e9;
	json_t *channel =
		json_pack("{s:s, s:s, s:s, s:f, s:f}", "column", "through", "unit", "W", "role",
			  "signal", "noise_a", s->read_a, "responsivity_a_per_w", s->responsivity);
	json_t *meta;

	if (s->bandwidth_hz > 0)
		json_object_set_new(channel, "bandwidth_hz", json_real(s->bandwidth_hz));
	meta = json_pack(
		"{s:s, s:{s:f, s:f, s:f, s:s, s:b}, s:{s:s, s:s, s:f, s:f}, s:[o], s:{s:f}}",
		"kind", "wavelength-sweep", "settings", "speed_nm_per_s", s->speed_nm_per_s,
		"period_ns", period_ns, "aperture_ns", s->aperture_part * period_ns, "mode", "ramp",
		"both_ways", s->both_ways, "axis", "column", "wavelength", "provenance",
		"wavemeter", "random_pm", s->log_random_pm, "systematic_pm", 1.7, "channels",
		channel, "laser", "rin_db_per_hz", s->rin_db_per_hz);
	if (s->monitor)
		json_object_set_new(meta, "monitor", json_string("mon"));
	return meta;
}

static inline size_t synth_points(const struct synth *s)
{
	return (size_t)llround(fabs(s->stop_nm - s->start_nm) / (s->step_pm * 1e-3)) + 1;
}

static inline double synth_noise(const struct synth *s, double power_w, double period_s, double rin,
				 uint64_t *state)
{
	double aperture_s = s->aperture_part * period_s, variance = s->read_a * s->read_a;

	if (s->shot)
		variance += 1.602176634e-19 * power_w * s->responsivity / aperture_s;
	return power_w * (1 + rin) + sqrt(variance) / s->responsivity * synth_gauss(state);
}

/* Signal seen through a one-pole front end, with its mean delay taken off, in fine time steps. */
static inline void synth_filter(const struct synth *s, const struct synth_sweep *w, double sign,
				double first, size_t n, double *ret)
{
	unsigned int fine = s->subsamples > 8 ? s->subsamples : 64;
	double period_s = s->step_pm * 1e-3 / s->speed_nm_per_s, dt = period_s / fine;
	double tau = 1 / (2 * M_PI * s->bandwidth_hz), keep = exp(-dt / tau), state = 0;
	long lead = (long)(20 * tau / dt) + (long)fine, at = -lead;
	long half = lround(s->aperture_part * fine / 2), delay = (long)(tau / dt);
	/* Half a fine step of the filter's own delay is made up for by the mean of k, -1/2. */
	double part = tau / dt - (double)delay;
	long total = (long)n * fine + delay + (long)fine;
	double *trace = calloc((size_t)(total + lead), sizeof(*trace));

	for (; at < total; at++) {
		double nominal = first + sign * (double)at * dt * s->speed_nm_per_s;
		double power = synth_power(s, synth_laser(s, w, nominal));

		state = at == -lead ? power : keep * state + (1 - keep) * power;
		trace[at + lead] = state;
	}
	/* The axis has the mean delay taken off, which is no whole number of fine steps. */
	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		for (long k = -half; k < half; k++) {
			double *t = trace + (long)i * fine + delay + k + lead;

			sum += (1 - part) * t[0] + part * t[1];
		}
		ret[i] = sum / (double)(2 * half);
	}
	free(trace);
}

static inline void synth_one_way(const struct synth *s, const struct synth_sweep *w, bool reverse,
				 struct table *t, size_t row, uint64_t *state)
{
	double *x = t->columns[0].f64 + row, *y = t->columns[1].f64 + row;
	double *mon = t->columns[2].f64 + row, period_s = s->step_pm * 1e-3 / s->speed_nm_per_s;
	double rin = sqrt(pow(10, s->rin_db_per_hz / 10) / (2 * s->aperture_part * period_s));
	double sign = (s->stop_nm >= s->start_nm ? 1 : -1) * (reverse ? -1 : 1);
	double first = reverse ? s->stop_nm : s->start_nm;
	double shift_pm = sign * 0.5 * s->lag_pm;
	size_t n = synth_points(s);

	if (s->bandwidth_hz > 0)
		synth_filter(s, w, sign, first, n, y);
	for (size_t i = 0; i < n; i++) {
		double nominal = first + sign * (double)i * s->step_pm * 1e-3, common;

		common = isfinite(rin) ? rin * synth_gauss(state) : 0;
		if (!(s->bandwidth_hz > 0))
			y[i] = synth_aperture(s, w, nominal);
		y[i] = synth_noise(s, y[i], period_s, common, state);
		x[i] = synth_laser(s, w, nominal) +
		       1e-3 * (shift_pm + s->log_random_pm * synth_gauss(state));
		if (s->log_step_pm > 0)
			x[i] = round(x[i] / (s->log_step_pm * 1e-3)) * s->log_step_pm * 1e-3;
		mon[i] = synth_noise(s, 0.01 * synth_light(s, synth_laser(s, w, nominal)), period_s,
				     common, state);
		if (reverse)
			t->columns[3].u32[row + i] = FRAME_POINT_REVERSE;
	}
}

/* Columns: wavelength, through, mon, flags, through.flags. The axis has no error but random_pm. */
static inline struct table *synth_table(const struct synth *s)
{
	uint64_t state = synth_mix(s->seed) ^ 0x5eedULL << 32;
	struct synth_sweep w = {
		.offset_pm = s->tuning_offset_pm * (2 * synth_uniform(&state) - 1),
		.wave_pm = s->tuning_smooth_pm,
		.wave_period_nm = 17 + 10 * synth_uniform(&state),
		.wave_phase = 2 * M_PI * synth_uniform(&state),
	};
	size_t n = synth_points(s);
	struct table *t = table_new(s->both_ways ? 2 * n : n, 5);

	table_set_column(t, 0, "wavelength", "nm", COLUMN_F64);
	table_set_column(t, 1, "through", "W", COLUMN_F64);
	table_set_column(t, 2, "mon", "W", COLUMN_F64);
	table_set_column(t, 3, "flags", "", COLUMN_U32);
	table_set_column(t, 4, "through.flags", "", COLUMN_U32);
	json_decref(t->meta);
	t->meta = synth_meta(s);
	synth_one_way(s, &w, false, t, 0, &state);
	if (s->both_ways)
		synth_one_way(s, &w, true, t, n, &state);
	return t;
}

#endif
