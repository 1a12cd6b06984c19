// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The tunable laser and the instruments that watch its wavelength. What belongs to the board
 * (tuning error, flatness) is drawn once from the seed, what belongs to a program from its run key.
 */
#include "emulator/laser.h"

#include <math.h>

#include "base/util.h"
#include "emulator/device.h"
#include "emulator/effects.h"
#include "emulator/noise.h"

#define PARAMETER(key, field, scale, value, min, max)                             \
	{                                                                         \
		key, offsetof(struct laser_config, field), scale, value, min, max \
	}

const struct parameter laser_parameters[] = {
	PARAMETER("laser_tuning_offset_pm", offset_m, 1e-12, 20, 0, 10000),
	PARAMETER("laser_tuning_smooth_pm", smooth_m, 1e-12, 10, 0, 10000),
	PARAMETER("laser_sweep_jitter_pm", sweep_jitter_m, 1e-12, 1, 0, 1000),
	PARAMETER("laser_point_jitter_pm", point_jitter_m, 1e-12, 0.1, 0, 1000),
	PARAMETER("laser_flatness_db", flatness_db, 1, 0.2, 0, 10),
	PARAMETER("laser_ripple_db", ripple_db, 1, 0.05, 0, 10),
	PARAMETER("laser_ripple_period_nm", ripple_period_m, 1e-9, 0.7, 0.001, 1000),
	PARAMETER("laser_repeatability_db", repeatability_db, 1, 0.02, 0, 10),
	PARAMETER("laser_rin_db_per_hz", rin_db_per_hz, 1, -145, -300, -60),
	PARAMETER("laser_ase_db", ase_db, 1, -60, -300, -10),
	PARAMETER("laser_span_start_nm", span_start_m, 1e-9, 1480, 400, 3000),
	PARAMETER("laser_span_stop_nm", span_stop_m, 1e-9, 1640, 400, 3000),
	PARAMETER("mode_hops_per_nm", hops_per_m, 1e9, 0, 0, 1),
	PARAMETER("mode_hop_pm", hop_m, 1e-12, 8, 0, 1000),
	PARAMETER("mode_hop_span_pm", hop_span_m, 1e-12, 50, 0, 1000),
	PARAMETER("wlog_systematic_pm", wlog_systematic_m, 1e-12, 1.7, 0, 1000),
	PARAMETER("wlog_sweep_pm", wlog_sweep_m, 1e-12, 0.3, 0, 1000),
	PARAMETER("wlog_point_pm", wlog_point_m, 1e-12, 0.05, 0, 1000),
	PARAMETER("etalon_ua", etalon_a, 1e-6, 10, 0, 1000),
	PARAMETER("etalon_fsr_pm", etalon_fsr_m, 1e-12, 100, 1, 100000),
	PARAMETER("etalon_visibility", etalon_visibility, 1, 0.96, 0, 1),
	PARAMETER("gas_ua", gas_a, 1e-6, 10, 0, 1000),
	PARAMETER("gas_depth", gas_depth, 1, 0.5, 0, 0.999),
	PARAMETER("gas_width_pm", gas_width_m, 1e-12, 10, 0.1, 1000),
	PARAMETER("gas_systematic_pm", gas_systematic_m, 1e-12, 0.2, 0, 1000),
};
const size_t laser_parameter_count = ARRAY_SIZE(laser_parameters);

static double board_uniform(const struct laser *laser, uint32_t channel, uint32_t draw)
{
	return noise_uniform(&(struct noise_key){laser->seed, 0, 0, channel, draw});
}

static double sweep_gauss(const struct laser *laser, uint64_t run_key, uint32_t channel,
			  uint32_t draw)
{
	return noise_gauss(&(struct noise_key){laser->seed, run_key, UINT64_MAX, channel, draw});
}

/* A smooth curve that stays within +-amplitude: cosines of periods between the two given. */
static void waves_draw(const struct laser *laser, uint32_t channel, uint32_t draw, double amplitude,
		       double shortest_m, double longest_m, struct wave *waves)
{
	double share[LASER_WAVES], sum = 0;

	for (uint32_t i = 0; i < LASER_WAVES; i++) {
		double u = board_uniform(laser, channel, draw + 3 * i);

		waves[i].per_m = 2 * M_PI / (shortest_m * pow(longest_m / shortest_m, u));
		waves[i].phase = 2 * M_PI * board_uniform(laser, channel, draw + 3 * i + 1);
		share[i] = 0.2 + board_uniform(laser, channel, draw + 3 * i + 2);
		sum += share[i];
	}
	for (uint32_t i = 0; i < LASER_WAVES; i++)
		waves[i].amplitude = amplitude * share[i] / sum;
}

static struct log_parabola waves_at(const struct wave *waves, double wavelength_m)
{
	struct log_parabola p = {0};

	for (size_t i = 0; i < LASER_WAVES; i++) {
		double sine, cosine;

		sincos(waves[i].per_m * wavelength_m + waves[i].phase, &sine, &cosine);
		p.c0 += waves[i].amplitude * cosine;
		p.c1 -= waves[i].amplitude * waves[i].per_m * sine;
		p.c2 -= waves[i].amplitude * waves[i].per_m * waves[i].per_m * cosine / 2;
	}
	return p;
}

/* Path whose interference has this period at the reference wavelength, times 2 pi. */
static double interference_path(double period_m)
{
	return 2 * M_PI * DEVICE_REFERENCE_WAVELENGTH_M * DEVICE_REFERENCE_WAVELENGTH_M / period_m;
}

static void laser_init_tuning(struct laser *laser)
{
	const struct laser_config *c = &laser->config;
	double on = laser->effects & EFFECT_TUNING ? 1 : 0;

	laser->tuning_offset_m =
		on * c->offset_m * (2 * board_uniform(laser, NOISE_LASER_TUNING, 0) - 1);
	waves_draw(laser, NOISE_LASER_TUNING, 1, on * c->smooth_m, 12e-9, 60e-9, laser->tuning);
}

static void laser_init_power(struct laser *laser)
{
	const struct laser_config *c = &laser->config;
	double on = laser->effects & EFFECT_RIPPLE ? NEPER_PER_DB : 0;

	waves_draw(laser, NOISE_LASER_RIPPLE, 1, on * c->flatness_db, 30e-9, 150e-9,
		   laser->flatness);
	laser->ripple.amplitude = on * c->ripple_db / 2;
	laser->ripple.per_m = interference_path(c->ripple_period_m);
	laser->ripple.phase = 2 * M_PI * board_uniform(laser, NOISE_LASER_RIPPLE, 0);
	laser->rin_per_hz = laser->effects & EFFECT_RIN ? pow(10, c->rin_db_per_hz / 10) : 0;
	laser->ase = laser->effects & EFFECT_ASE ? pow(10, c->ase_db / 10) : 0;
}

void laser_init(struct laser *laser, uint64_t seed, uint32_t effects)
{
	const struct noise_key systematic = {seed, 0, 0, NOISE_WLOG_SYSTEMATIC, 0};
	const struct noise_key gas_systematic = {seed, 0, 0, NOISE_GAS_SYSTEMATIC, 0};

	laser->seed = seed;
	laser->effects = effects;
	laser_init_tuning(laser);
	laser_init_power(laser);
	if (effects & EFFECT_WLOG_SYSTEMATIC)
		laser->wlog_systematic_m =
			laser->config.wlog_systematic_m * noise_gauss(&systematic);
	laser->etalon_path_m = interference_path(laser->config.etalon_fsr_m);
	laser->etalon_phase = 2 * M_PI * board_uniform(laser, NOISE_LASER_TUNING, 100);
	if (effects & EFFECT_GAS_SYSTEMATIC)
		laser->gas_systematic_m =
			laser->config.gas_systematic_m * noise_gauss(&gas_systematic);
	gas_init(laser->gas, laser->config.gas_depth);
}

static double wlog_sweep_error(const struct laser *laser, uint64_t run_key)
{
	if (!(laser->effects & EFFECT_WLOG_SWEEP))
		return 0;
	return laser->config.wlog_sweep_m * sweep_gauss(laser, run_key, NOISE_WLOG_SWEEP, 0);
}

const struct laser_sweep *laser_sweep(struct laser *laser, uint64_t run_key)
{
	const struct laser_config *c = &laser->config;
	struct laser_sweep *s = &laser->sweep;
	double gain_db;

	if (s->valid && s->run_key == run_key)
		return s;
	*s = (struct laser_sweep){.run_key = run_key, .valid = true, .gain = 1};
	if (laser->effects & EFFECT_JITTER)
		s->wavelength_m =
			c->sweep_jitter_m * sweep_gauss(laser, run_key, NOISE_LASER_SWEEP, 0);
	if (laser->effects & EFFECT_RIPPLE) {
		gain_db = c->repeatability_db * sweep_gauss(laser, run_key, NOISE_LASER_SWEEP, 1);
		s->gain = exp(NEPER_PER_DB * gain_db);
	}
	s->wlog_m = laser->wlog_systematic_m + wlog_sweep_error(laser, run_key);
	return s;
}

/* Each nanometre of commanded wavelength holds at most one excursion to another mode. */
static double hop_at(const struct laser *laser, uint64_t run_key, double commanded_m)
{
	const struct laser_config *c = &laser->config;
	double bin = floor(commanded_m * 1e9), inside_m = commanded_m - bin * 1e-9;
	struct noise_key key = {laser->seed, run_key, (uint64_t)(int64_t)bin, NOISE_MODE_HOP, 0};
	double start_m;

	if (!(laser->effects & EFFECT_MODE_HOPS) || c->hops_per_m <= 0 ||
	    noise_uniform(&key) >= c->hops_per_m * 1e-9)
		return 0;
	key.draw = 1;
	start_m = noise_uniform(&key) * (1e-9 - c->hop_span_m);
	if (inside_m < start_m || inside_m >= start_m + c->hop_span_m)
		return 0;
	key.draw = 2;
	return noise_uniform(&key) < 0.5 ? -c->hop_m : c->hop_m;
}

void laser_line(struct laser *laser, uint64_t run_key, uint64_t point, double commanded_m,
		double slope_m_per_s, double power_w, struct laser_line *ret)
{
	const struct noise_key jitter = {laser->seed, run_key, point, NOISE_LASER_JITTER, 0};
	struct log_parabola tuning = waves_at(laser->tuning, commanded_m);
	const struct laser_sweep *sweep = laser_sweep(laser, run_key);
	double hop_m = hop_at(laser, run_key, commanded_m);

	ret->commanded_m = commanded_m;
	ret->shift_m = laser->tuning_offset_m + sweep->wavelength_m + hop_m;
	if (laser->effects & EFFECT_JITTER)
		ret->shift_m += laser->config.point_jitter_m * noise_gauss(&jitter);
	ret->wavelength_m = commanded_m + ret->shift_m + tuning.c0;
	ret->slope_m_per_s = slope_m_per_s * (1 + tuning.c1);
	ret->power_w = power_w * sweep->gain;
	ret->hopped = hop_m != 0;
}

double laser_line_at(const struct laser *laser, const struct laser_line *line, double distance_m)
{
	double commanded_m = line->commanded_m + distance_m;

	return commanded_m + line->shift_m + waves_at(laser->tuning, commanded_m).c0;
}

struct log_parabola laser_flatness(const struct laser *laser, double wavelength_m)
{
	return waves_at(laser->flatness, wavelength_m);
}

double laser_feature_m(const struct laser *laser)
{
	/* A cosine is as easy to integrate as a Lorentzian of a third of its period. */
	double period = fmin(laser->config.ripple_period_m, laser->config.etalon_fsr_m);

	return fmin(period / 3, laser->config.gas_width_m);
}

double laser_ripple(const struct laser *laser, double wavelength_m)
{
	return laser->ripple.amplitude *
	       cos(laser->ripple.per_m / wavelength_m + laser->ripple.phase);
}

double laser_etalon(const struct laser *laser, double wavelength_m)
{
	double v = laser->config.etalon_visibility;
	double fringe = cos(laser->etalon_path_m / wavelength_m + laser->etalon_phase);

	return laser->config.etalon_a / 1e-3 * (1 + v * fringe) / (1 + v);
}

double laser_gas(const struct laser *laser, double wavelength_m)
{
	/* The lines of this cell lie that far above their published places. */
	double transmission = gas_transmission(laser->gas, laser->config.gas_width_m,
					       wavelength_m - laser->gas_systematic_m);

	return laser->config.gas_a / 1e-3 * transmission;
}

double laser_log_error(const struct laser *laser, uint64_t run_key)
{
	return laser->wlog_systematic_m + wlog_sweep_error(laser, run_key);
}
