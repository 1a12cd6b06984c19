// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Source table of the reference board: one function for each kind of source, integers in
 * the units of hw.h. Knows no detectors but by their numbers.
 */
#include "emulator/erb1_tables.h"

#include <math.h>

#include "base/util.h"

#define FM 1e15 /* of a metre */
#define FW 1e15
#define FA 1e15
#define NV 1e9
#define UK 1e6
#define NM 1e9

static int64_t units(double si, double per_si)
{
	return llround(si * per_si);
}

static uint64_t ns(double s)
{
	return (uint64_t)llround(s * 1e9);
}

static double dbm_w(double dbm)
{
	return 1e-3 * pow(10, dbm / 10);
}

static struct etalon_hw_source *next(struct erb1_tables *t, const char *name, uint16_t kind,
				     uint16_t modes)
{
	struct etalon_hw_source *s = &t->source[t->source_count++];

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->kind = kind;
	s->modes = modes;
	s->safe_action = ETALON_HW_SAFE_HOLD;
	s->gate = s->belongs_to = ETALON_HW_NO_CHANNEL;
	for (size_t i = 0; i < ARRAY_SIZE(s->readback); i++)
		s->readback[i] = ETALON_HW_NO_CHANNEL;
	return s;
}

static void span(struct etalon_hw_source *s, double min, double max, double step, double per_si)
{
	s->resolution = MAX(units(step, per_si), 1);
	/* Hard limits are setpoints, too: the nearest inside. */
	s->min = (int64_t)ceil(min * per_si / (double)s->resolution - 1e-6) * s->resolution;
	s->max = (int64_t)floor(max * per_si / (double)s->resolution + 1e-6) * s->resolution;
}

/* A source without inertia of its own ramps as fast as it slews and needs no run-in. */
static void slews(struct etalon_hw_source *s, double slew, double slew_max, double per_si)
{
	s->default_slew = units(MIN(slew, slew_max), per_si);
	s->max_slew = units(slew_max, per_si);
	if (!(s->modes & ETALON_HW_MODE_RAMP))
		return;
	s->ramp_speed_min = 1;
	s->ramp_speed_max = s->flyback_speed = s->max_slew;
	s->ramp_speed_default = s->default_slew;
}

static void laser(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_source *s;

	s = next(t, "laser.wavelength", ETALON_HW_SOURCE_WAVELENGTH,
		 ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
	span(s, p->wavelength_min_m, p->wavelength_max_m, p->wavelength_step_m, FM);
	slews(s, p->flyback, p->flyback, FM);
	s->emits = 1;
	s->port = 1;
	s->gate = ERB1_GATE;
	s->safe_action = ETALON_HW_SAFE_GATE;
	s->readback[0] = ERB1_WLOG;
	s->settle_ns = ns(p->wavelength_settle_s);
	s->ramp_speed_min = units(p->sweep_min, FM);
	s->ramp_speed_max = units(p->sweep_max, FM);
	s->ramp_speed_default = units(p->sweep_default, FM);
	s->run_in_min = units(p->run_in_m, FM);
	s->run_in_ns = ns(p->run_in_s);

	s = next(t, "laser.power", ETALON_HW_SOURCE_POWER, ETALON_HW_MODE_STEP);
	span(s, dbm_w(p->power_min_dbm), dbm_w(p->power_max_dbm), 1e-9, FW);
	s->emits = 1;
	s->port = 1;
	s->gate = ERB1_GATE;
	s->belongs_to = ERB1_LASER_WAVELENGTH;
	s->safe_action = ETALON_HW_SAFE_GATE;
	s->readback[0] = ERB1_MON;
	s->settle_ns = ns(p->power_settle_s);
	s->rin_mdb_per_hz = llround(p->rin_db_per_hz * 1e3);

	s = next(t, "gate", ETALON_HW_SOURCE_SELECTOR, ETALON_HW_MODE_STEP);
	s->is_gate = 1;
	s->port = 1;
	s->belongs_to = ERB1_LASER_WAVELENGTH;
	s->safe_action = ETALON_HW_SAFE_GATE;
	s->min = 0;
	s->max = 1;
	s->resolution = 1;
	s->settle_ns = ns(p->gate_s);
}

static void currents(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_source *s;

	s = next(t, "ld1", ETALON_HW_SOURCE_CURRENT, ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
	span(s, 0, p->ld_max_a, p->ld_step_a, FA);
	slews(s, p->ld_slew, p->ld_slew_max, FA);
	s->emits = 1;
	s->port = 2;
	s->safe_action = ETALON_HW_SAFE_RAMP_ZERO;
	s->readback[0] = ERB1_LD1_I;
	s->readback[1] = ERB1_LD1_V;
	s->settle_ns = 20000;
	s->compliance_min = units(0.1, NV);
	s->compliance_max = units(p->ld_compliance_max_v, NV);
	s->compliance_default = units(p->ld_compliance_v, NV);
	s->noise = units(p->ld_noise_a, FA);

	for (int i = 1; i <= 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "cur%d", i);
		s = next(t, name, ETALON_HW_SOURCE_CURRENT,
			 ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
		span(s, 0, p->cur_max_a, p->cur_step_a, FA);
		slews(s, p->cur_slew, p->cur_slew_max, FA);
		s->emits = 1;
		s->port = 2;
		s->safe_action = ETALON_HW_SAFE_RAMP_ZERO;
		s->settle_ns = 20000;
		s->compliance_min = units(0.1, NV);
		s->compliance_max = s->compliance_default = units(p->cur_compliance_v, NV);
		s->noise = units(p->ld_noise_a, FA);
	}
}

static void voltages(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_source *s;
	char name[8];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "h%d", i + 1);
		s = next(t, name, ETALON_HW_SOURCE_VOLTAGE,
			 ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
		span(s, 0, p->heater_max_v, p->heater_step_v, NV);
		slews(s, p->heater_slew, p->heater_slew_max, NV);
		s->safe_action = ETALON_HW_SAFE_RAMP_ZERO;
		s->readback[0] = (uint16_t)(ERB1_H1_V + 2 * i);
		s->readback[1] = (uint16_t)(ERB1_H1_V + 2 * i + 1);
		s->settle_ns = ns(p->heater_settle_s);
		s->compliance_min = units(1e-4, FA);
		s->compliance_max = s->compliance_default = units(p->heater_max_a, FA);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "bias%d", i + 1);
		s = next(t, name, ETALON_HW_SOURCE_VOLTAGE,
			 ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
		span(s, p->bias_min_v, p->bias_max_v, p->bias_step_v, NV);
		slews(s, 1e3, 1e3, NV);
		s->readback[0] = (uint16_t)(ERB1_IPD1 + i);
		s->settle_ns = 100000;
		s->compliance_min = units(1e-6, FA);
		s->compliance_max = s->compliance_default = units(p->bias_max_a, FA);
	}
}

static void temperature_and_position(struct erb1_tables *t, const struct erb1_parameters *p)
{
	struct etalon_hw_source *s;

	s = next(t, "tec1", ETALON_HW_SOURCE_TEMPERATURE,
		 ETALON_HW_MODE_STEP | ETALON_HW_MODE_WAIT);
	span(s, p->tec_min_k, p->tec_max_k, p->tec_step_k, UK);
	s->readback[0] = ERB1_TEC1_T;
	s->settle_ns = 60ULL * NSEC_PER_SEC;
	s->noise = units(p->tec_noise_k, UK);

	for (int i = 0; i < 2; i++) {
		s = next(t, i ? "pos_y" : "pos_x", ETALON_HW_SOURCE_POSITION,
			 ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP);
		span(s, -p->position_max_m, p->position_max_m, p->position_step_m, NM);
		slews(s, p->position_speed, p->position_speed, NM);
		s->settle_ns = 5 * NSEC_PER_MSEC;
	}
}

void erb1_sources(struct erb1_tables *t, const struct erb1_parameters *p)
{
	laser(t, p);
	currents(t, p);
	voltages(t, p);
	temperature_and_position(t, p);
}
