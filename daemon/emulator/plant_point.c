// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One aperture: what each detector reads, with its physical noise. A pure function of the plant's
 * state, the conditions and the key (seed, run, point); nothing is remembered but quadrature rules.
 */
#include <math.h>

#include "base/util.h"
#include "emulator/effects.h"
#include "emulator/light_quadrature.h"
#include "emulator/noise.h"

#define ELECTRON_C 1.602176634e-19
#define IPD2 (ERB1_IPD1 + 1)
#define PLUG_OHM 1.0 /* what ld1 drives when no laser diode is connected */

struct point {
	struct plant *plant;
	const struct plant_conditions *c;
	struct light_point light;
	struct chip chip;
	double temperature_k; /* of the chip */
	double rin; /* one draw of unit variance */
	double laser_w; /* at the port with the gate open; 0 when the laser is off */
	double chip_gate; /* gate and position */
	size_t group_count;
	struct light_group groups[ETALON_HW_DETECTORS_MAX];
};

static double draw(const struct point *p, uint32_t channel, uint32_t number)
{
	return noise_gauss(
		&(struct noise_key){p->plant->seed, p->c->run_key, p->c->point, channel, number});
}

static int signal_of(const struct plant *plant, enum erb1_detector detector)
{
	int port;

	switch (detector) {
	case ERB1_MON:
		return SIGNAL_MONITOR;
	case ERB1_ETALON:
		return SIGNAL_ETALON;
	case ERB1_GAS:
		return SIGNAL_GAS;
	case ERB1_IPD1:
		return plant->kind == PLANT_PHOTODIODE ? SIGNAL_PORT : -1;
	default:
		if (detector >= ERB1_PD1 + PLANT_PDS || plant->kind == PLANT_LASER_DIODE)
			return -1;
		port = plant->port[detector - ERB1_PD1];
		return port == PLANT_NO_PORT ? -1 : SIGNAL_PORT + port;
	}
}

static struct light_group *group_for(struct point *p, double bandwidth_hz)
{
	struct light_group *g;

	for (size_t i = 0; i < p->group_count; i++)
		if (p->groups[i].bandwidth_hz == bandwidth_hz)
			return &p->groups[i];
	g = &p->groups[p->group_count++];
	g->bandwidth_hz = bandwidth_hz;
	g->needs = 0;
	memset(g->mean, 0, sizeof(g->mean));
	memset(g->square, 0, sizeof(g->square));
	return g;
}

static void prepare_light(struct light_point *light, struct plant *plant,
			  const struct plant_conditions *c, const struct chip *chip)
{
	light->plant = plant;
	light->aperture_s = c->aperture_s;
	light->speed = c->slope[ERB1_LASER_WAVELENGTH];
	laser_line(&plant->laser, c->run_key, c->point, c->value[ERB1_LASER_WAVELENGTH],
		   light->speed, c->value[ERB1_LASER_POWER], &light->line);
	light->lit = c->emitting && light->line.power_w > 0;
	light_path(plant, light->line.wavelength_m, &light->path);
	if (plant->device)
		plant->device->ops->prepare(plant->device, chip, &light->phase);
}

static void prepare(struct point *p, struct plant *plant, const struct plant_conditions *c)
{
	p->plant = plant;
	p->c = c;
	p->group_count = 0;
	plant_chip(plant, &p->chip);
	p->temperature_k = tec_temperature(&plant->tec, plant->time_s);
	prepare_light(&p->light, plant, c, &p->chip);
	p->laser_w = p->light.lit ? p->light.line.power_w : 0;
	p->chip_gate = c->gate * coupling_position(&plant->coupling, plant->positions,
						   c->value[ERB1_POS_X], c->value[ERB1_POS_Y]);
	p->rin = plant->laser.rin_per_hz > 0 ? draw(p, NOISE_LASER_RIN, 0) : 0;
}

/* Photocurrent with its own noise: `light` without any, `dark` the current beside it. */
static void read_photocurrent(const struct point *p, const struct light_group *g,
			      enum erb1_detector detector, double light_a, double dark_a,
			      double rin_per_hz, struct plant_reading *ret)
{
	double shot =
		p->plant->effects & EFFECT_SHOT ? 2 * ELECTRON_C * (light_a + fabs(dark_a)) : 0;

	ret->mean = light_a + dark_a;
	if (rin_per_hz > 0)
		ret->mean += light_a * sqrt(rin_per_hz * g->noise_hz) * p->rin;
	if (shot > 0)
		ret->mean += sqrt(shot * g->noise_hz) * draw(p, detector, 0);
	ret->rms = sqrt((shot + rin_per_hz * light_a * light_a) * g->conversion_hz);
}

/*
 * Factor from a signal to this detector's photocurrent, and the part of it that spontaneous
 * emission makes.
 */
static double detector_factor(const struct point *p, enum erb1_detector detector, int signal,
			      double *ret_ase)
{
	const struct plant *plant = p->plant;
	double ase = p->laser_w * plant->laser.ase, factor;

	switch (detector) {
	case ERB1_MON:
		factor = p->c->gate * plant->photodiode.monitor_tap * plant->gain[PLANT_MONITOR] *
			 plant->photodiode.responsivity;
		*ret_ase = ase * factor * plant->ase_flat;
		break;
	case ERB1_ETALON:
		factor = 1;
		*ret_ase = ase * plant->ase_flat * plant->laser.config.etalon_a / 1e-3 /
			   (1 + plant->laser.config.etalon_visibility);
		break;
	case ERB1_GAS:
		factor = 1;
		*ret_ase = ase * plant->ase_flat * plant->laser.config.gas_a / 1e-3;
		break;
	case ERB1_IPD1:
		factor = p->chip_gate *
			 chip_diode_collection(&plant->chip_diode, p->c->value[ERB1_BIAS1]);
		*ret_ase = ase * factor * plant->ase_port[0];
		break;
	default:
		factor = p->chip_gate * plant->gain[detector - ERB1_PD1] *
			 plant->photodiode.responsivity;
		*ret_ase = ase * factor * plant->ase_port[signal - SIGNAL_PORT];
	}
	return p->laser_w * factor;
}

static void read_optical(const struct point *p, const struct light_group *g,
			 enum erb1_detector detector, int signal, double dark_a,
			 struct plant_reading *ret)
{
	double ase = 0, light = 0, factor, variance;

	ret->ramp_rms = 0;
	if (signal >= 0 && p->laser_w > 0 && !p->plant->uncoupled[detector]) {
		factor = detector_factor(p, detector, signal, &ase);
		light = factor * g->mean[signal] + ase;
		variance = g->square[signal] - g->mean[signal] * g->mean[signal];
		if (variance > 0)
			ret->ramp_rms = factor * sqrt(variance);
	}
	read_photocurrent(p, g, detector, light, dark_a, p->plant->laser.rin_per_hz, ret);
}

static void read_wavelength(const struct point *p, const struct light_group *g,
			    struct plant_reading *ret)
{
	const struct plant *plant = p->plant;
	double slope = p->light.line.slope_m_per_s;

	*ret = (struct plant_reading){0};
	if (!p->c->emitting)
		return;
	ret->mean = p->light.line.wavelength_m - slope * g->tau_s +
		    laser_sweep(&p->plant->laser, p->c->run_key)->wlog_m;
	ret->ramp_rms = fabs(slope) * p->c->aperture_s / sqrt(12);
	if (!(plant->effects & EFFECT_WLOG_NOISE))
		return;
	ret->rms = plant->laser.config.wlog_point_m;
	ret->mean += ret->rms * draw(p, ERB1_WLOG, 0);
}

/* Current that really flows from ld1, and whether the compliance voltage holds it back. */
static double diode_current(const struct plant *plant, const struct plant_conditions *c,
			    bool *ret_held)
{
	const struct laser_diode_config *config = &plant->laser_diode;
	double limit_v =
		c->compliance[ERB1_LD1] > 0 ? c->compliance[ERB1_LD1] : config->compliance_v;
	double drive_a = c->value[ERB1_LD1], current_a;

	if (plant->kind != PLANT_LASER_DIODE) {
		*ret_held = false;
		return drive_a;
	}
	current_a = laser_diode_current(config, drive_a, limit_v);
	*ret_held = current_a < drive_a;
	return current_a;
}

/* The mean current of the aperture, the source's noise included. */
static double noisy_diode_current(const struct point *p, const struct light_group *g,
				  bool *ret_held)
{
	const struct laser_diode_config *config = &p->plant->laser_diode;
	double current_a = diode_current(p->plant, p->c, ret_held);

	if (!(p->plant->effects & EFFECT_SOURCE_NOISE) || p->plant->kind != PLANT_LASER_DIODE ||
	    !(current_a > 0))
		return current_a;
	current_a += config->noise_a * sqrt(fmin(1, g->noise_hz / config->noise_hz)) *
		     draw(p, NOISE_SOURCE, ERB1_LD1);
	return fmax(0, current_a);
}

static void read_diode(const struct point *p, const struct light_group *g,
		       enum erb1_detector detector, struct plant_reading *ret)
{
	bool held;
	double current_a = noisy_diode_current(p, g, &held);

	*ret = (struct plant_reading){.mean = current_a};
	if (detector != ERB1_LD1_V)
		return;
	ret->mean = p->plant->kind == PLANT_LASER_DIODE
			    ? laser_diode_voltage(&p->plant->laser_diode, current_a)
			    : current_a * PLUG_OHM;
}

/* Light of the laser diode on a photodiode of the board. */
static void read_diode_light(const struct point *p, const struct light_group *g,
			     enum erb1_detector detector, struct plant_reading *ret)
{
	const struct plant *plant = p->plant;
	const struct laser_diode_config *config = &plant->laser_diode;
	double light = 0;
	bool held;

	ret->ramp_rms = 0;
	if (plant->port[detector - ERB1_PD1] != PLANT_NO_PORT && !plant->uncoupled[detector])
		light = laser_diode_power(config, noisy_diode_current(p, g, &held),
					  p->temperature_k) *
			exp(-NEPER_PER_DB * config->collection_db) *
			photodiode_response(&plant->photodiode.band, config->wavelength_m) *
			plant->photodiode.responsivity * plant->gain[detector - ERB1_PD1];
	read_photocurrent(p, g, detector, light, plant->dark_a, plant->laser.rin_per_hz, ret);
}

static void read_heater(const struct point *p, enum erb1_detector detector,
			struct plant_reading *ret)
{
	size_t index = (size_t)(detector - ERB1_H1_V) / 2;
	double volts = p->c->value[ERB1_H1 + index];

	*ret = (struct plant_reading){.mean = volts};
	if ((detector - ERB1_H1_V) % 2)
		ret->mean = volts / heater_resistance(&p->plant->heaters, index);
}

static void read_temperature(const struct point *p, struct plant_reading *ret)
{
	const struct plant *plant = p->plant;

	*ret = (struct plant_reading){.mean = p->temperature_k};
	if (!(plant->effects & EFFECT_TEC_NOISE))
		return;
	ret->rms = plant->tec.config.noise_k;
	ret->mean += ret->rms * draw(p, NOISE_TEC, 0);
}

static double dark_of(const struct point *p, enum erb1_detector detector)
{
	const struct plant *plant = p->plant;

	if (detector != ERB1_IPD1 && detector != IPD2)
		return plant->dark_a;
	if (detector == IPD2 || plant->kind != PLANT_PHOTODIODE)
		return 0;
	return chip_diode_dark(&plant->chip_diode, p->c->value[ERB1_BIAS1], p->temperature_k);
}

static void read_detector(const struct point *p, const struct light_group *g,
			  enum erb1_detector detector, struct plant_reading *ret)
{
	if (detector == ERB1_WLOG)
		read_wavelength(p, g, ret);
	else if (detector == ERB1_LD1_V || detector == ERB1_LD1_I)
		read_diode(p, g, detector, ret);
	else if (detector >= ERB1_H1_V && detector < ERB1_TEC1_T)
		read_heater(p, detector, ret);
	else if (detector == ERB1_TEC1_T)
		read_temperature(p, ret);
	else if (p->plant->kind == PLANT_LASER_DIODE && detector < ERB1_PD1 + PLANT_PDS)
		read_diode_light(p, g, detector, ret);
	else
		read_optical(p, g, detector, signal_of(p->plant, detector), dark_of(p, detector),
			     ret);
}

static uint32_t point_flags(const struct point *p)
{
	const struct plant *plant = p->plant;
	uint32_t flags = 0;
	bool held;

	if (!p->c->emitting)
		flags |= ETALON_HW_POINT_WAVELENGTH_INVALID;
	else if (p->light.line.hopped)
		flags |= ETALON_HW_POINT_MODE_HOP;
	diode_current(plant, p->c, &held);
	if (held)
		flags |= ETALON_HW_POINT_COMPLIANCE;
	if (plant->kind == PLANT_PHOTODIODE &&
	    fabs(dark_of(p, ERB1_IPD1)) >= plant->chip_diode.clamp_a)
		flags |= ETALON_HW_POINT_CLAMP;
	return flags;
}

void plant_point(struct plant *plant, const struct plant_conditions *c,
		 const enum erb1_detector *detectors, const double *bandwidth_hz, size_t count,
		 struct plant_reading *readings, uint32_t *ret_flags)
{
	struct light_group *group_of[ETALON_HW_DETECTORS_MAX];
	struct point p;

	prepare(&p, plant, c);
	for (size_t i = 0; i < count; i++) {
		int signal = signal_of(plant, detectors[i]);

		group_of[i] = group_for(&p, bandwidth_hz[i]);
		if (signal >= 0)
			group_of[i]->needs |= 1U << MIN(signal, (int)SIGNAL_PORT);
	}
	for (size_t i = 0; i < p.group_count; i++)
		light_integrate(&p.light, &p.groups[i]);
	for (size_t i = 0; i < count; i++)
		read_detector(&p, group_of[i], detectors[i], &readings[i]);
	*ret_flags = point_flags(&p);
}

double plant_port_power(struct plant *plant, const struct plant_conditions *c)
{
	struct laser_line line;
	double power_w = 0, log_gain;
	bool held;

	if (c->emitting) {
		laser_line(&plant->laser, c->run_key, c->point, c->value[ERB1_LASER_WAVELENGTH], 0,
			   c->value[ERB1_LASER_POWER], &line);
		log_gain = laser_flatness(&plant->laser, line.wavelength_m).c0 +
			   laser_ripple(&plant->laser, line.wavelength_m);
		power_w = line.power_w * c->gate * (exp(log_gain) + plant->laser.ase);
	}
	if (plant->kind == PLANT_LASER_DIODE)
		power_w += laser_diode_power(&plant->laser_diode, diode_current(plant, c, &held),
					     tec_temperature(&plant->tec, plant->time_s));
	return power_w;
}

double plant_axis_error(const struct plant *plant, uint64_t run_key)
{
	return laser_log_error(&plant->laser, run_key);
}
