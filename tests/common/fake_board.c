// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The description of the fake board and programs for it. Its records are in fake_records.c.
 */
#include "fake_board.h"

#include <math.h>
#include <string.h>

#include "base/util.h"
#include "measure/plan_count.h"

#define NM_FM 1000000
#define UA_FA 1000000000LL
#define CALIBRATION_POINTS 21 /* 1500 to 1600 nm in 5 nm */
#define RANGES (3 * 3 + 3)

struct window {
	struct etalon_hw_description head;
	struct etalon_hw_source source[FAKE_SOURCES];
	struct etalon_hw_detector detector[FAKE_DETECTORS];
	struct etalon_hw_range range[RANGES];
	struct etalon_hw_calibration_point calibration[9 * CALIBRATION_POINTS + 3];
};

double fake_responsivity(double wavelength_nm)
{
	return 0.8 + 0.3 * (wavelength_nm - 1500) / 100;
}

double fake_dark_a(unsigned int detector)
{
	return (detector + 1) * 0.25e-9;
}

static void name(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void set_sources(struct window *w)
{
	struct etalon_hw_source *s = w->source;

	for (unsigned int i = 0; i < FAKE_SOURCES; i++) {
		s[i].gate = s[i].belongs_to = ETALON_HW_NO_CHANNEL;
		for (int k = 0; k < 4; k++)
			s[i].readback[k] = ETALON_HW_NO_CHANNEL;
		s[i].modes = ETALON_HW_MODE_STEP;
		s[i].resolution = 1;
	}
	name(s[FAKE_WAVELENGTH].name, ETALON_HW_NAME_MAX, "laser.wavelength");
	s[FAKE_WAVELENGTH].kind = ETALON_HW_SOURCE_WAVELENGTH;
	s[FAKE_WAVELENGTH].modes |= ETALON_HW_MODE_RAMP;
	s[FAKE_WAVELENGTH].emits = s[FAKE_WAVELENGTH].port = 1;
	s[FAKE_WAVELENGTH].gate = s[FAKE_POWER].gate = FAKE_GATE;
	s[FAKE_WAVELENGTH].safe_action = s[FAKE_POWER].safe_action = ETALON_HW_SAFE_GATE;
	s[FAKE_WAVELENGTH].readback[0] = FAKE_WLOG;
	s[FAKE_WAVELENGTH].min = 1500LL * NM_FM;
	s[FAKE_WAVELENGTH].max = 1600LL * NM_FM;
	s[FAKE_WAVELENGTH].resolution = 100;
	s[FAKE_WAVELENGTH].ramp_speed_min = NM_FM / 2;
	s[FAKE_WAVELENGTH].ramp_speed_max = 100LL * NM_FM;
	s[FAKE_WAVELENGTH].ramp_speed_default = 20LL * NM_FM;
	s[FAKE_WAVELENGTH].run_in_min = 90000;
	s[FAKE_WAVELENGTH].run_in_ns = 25000000;
	s[FAKE_WAVELENGTH].flyback_speed = 100LL * NM_FM;

	name(s[FAKE_POWER].name, ETALON_HW_NAME_MAX, "laser.power");
	s[FAKE_POWER].kind = ETALON_HW_SOURCE_POWER;
	s[FAKE_POWER].emits = s[FAKE_POWER].port = 1;
	s[FAKE_POWER].belongs_to = FAKE_WAVELENGTH;
	s[FAKE_POWER].readback[0] = FAKE_MON;
	s[FAKE_POWER].min = 100000000000; /* -10 dBm */
	s[FAKE_POWER].max = 10000000000000; /* 10 dBm */

	name(s[FAKE_GATE].name, ETALON_HW_NAME_MAX, "gate");
	s[FAKE_GATE].kind = ETALON_HW_SOURCE_SELECTOR;
	s[FAKE_GATE].is_gate = 1;
	s[FAKE_GATE].max = 1;

	name(s[FAKE_TEC].name, ETALON_HW_NAME_MAX, "tec1");
	s[FAKE_TEC].kind = ETALON_HW_SOURCE_TEMPERATURE;
	s[FAKE_TEC].modes |= ETALON_HW_MODE_WAIT;
	s[FAKE_TEC].readback[0] = FAKE_TEC_T;
	s[FAKE_TEC].min = 283150000;
	s[FAKE_TEC].max = 353150000;

	name(s[FAKE_HEATER].name, ETALON_HW_NAME_MAX, "h1");
	s[FAKE_HEATER].kind = ETALON_HW_SOURCE_VOLTAGE;
	s[FAKE_HEATER].safe_action = ETALON_HW_SAFE_RAMP_ZERO;
	s[FAKE_HEATER].readback[0] = FAKE_HEATER_I;
	s[FAKE_HEATER].max = 12000000000; /* 12 V */
}

static struct etalon_hw_detector *set_detector(struct window *w, unsigned int i, const char *text,
					       uint16_t kind, uint16_t role, uint16_t source)
{
	struct etalon_hw_detector *d = &w->detector[i];

	name(d->name, sizeof(d->name), text);
	d->kind = kind;
	d->role = role;
	d->source = source;
	d->input = (uint16_t)i;
	d->range_first = (uint16_t)w->head.range_count;
	return d;
}

static struct etalon_hw_range *add_range(struct window *w, struct etalon_hw_detector *d,
					 const char *text)
{
	struct etalon_hw_range *r = &w->range[w->head.range_count++];

	name(r->name, sizeof(r->name), text);
	r->calibration_first = w->head.calibration_count;
	r->bandwidth_mhz = 200000000;
	r->aperture_min_ns = 2000;
	d->range_count++;
	return r;
}

static void set_photodiode(struct window *w, unsigned int i, const char *text, uint16_t role,
			   uint16_t source, double tap)
{
	static const struct {
		const char *name;
		int64_t full_scale, density_e3;
		uint64_t bandwidth_mhz;
	} ranges[] = {
		{"2 mA", 2000 * UA_FA, 4059000, 200000000},
		{"100 uA", 100 * UA_FA, 907000, 200000000},
		{"10 uA", 10 * UA_FA, 287000, 100000000},
	};
	struct etalon_hw_detector *d =
		set_detector(w, i, text, ETALON_HW_DETECTOR_PHOTOCURRENT, role, source);

	d->range_default = FAKE_RANGE_100UA;
	for (size_t k = 0; k < ARRAY_SIZE(ranges); k++) {
		struct etalon_hw_range *r = add_range(w, d, ranges[k].name);

		r->full_scale = ranges[k].full_scale;
		r->step_q16 = ranges[k].full_scale / (1 << 17) * 65536 +
			      ranges[k].full_scale % (1 << 17) / 2;
		r->noise_density_e3 = ranges[k].density_e3;
		r->bandwidth_mhz = ranges[k].bandwidth_mhz;
		r->group_delay_ns = (uint64_t)llround(1e12 / (2 * M_PI * (double)r->bandwidth_mhz));
		for (int n = 0; n < CALIBRATION_POINTS; n++)
			w->calibration[w->head.calibration_count++] =
				(struct etalon_hw_calibration_point){
					.wavelength_fm = (1500LL + 5 * n) * NM_FM,
					.responsivity_na_per_w = llround(
						1e9 * tap * fake_responsivity(1500 + 5 * n)),
					.gain_ppb = 300000 + 1000 * i,
					.offset = r->full_scale / 50000,
				};
		r->calibration_count = CALIBRATION_POINTS;
	}
}

static void set_plain(struct window *w, struct etalon_hw_detector *d, const char *range,
		      int64_t full_scale, int64_t step_q16, int64_t offset)
{
	struct etalon_hw_range *r = add_range(w, d, range);

	r->full_scale = full_scale;
	r->step_q16 = step_q16;
	r->offset = offset;
	r->calibration_count = 1;
	w->head.calibration_count++;
}

static void set_detectors(struct window *w)
{
	struct etalon_hw_detector *d;

	set_photodiode(w, FAKE_PD1, "pd1", ETALON_HW_ROLE_SIGNAL, ETALON_HW_NO_CHANNEL, 1);
	set_photodiode(w, FAKE_PD2, "pd2", ETALON_HW_ROLE_SIGNAL, ETALON_HW_NO_CHANNEL, 1);
	set_photodiode(w, FAKE_MON, "mon", ETALON_HW_ROLE_POWER_MONITOR, FAKE_POWER, FAKE_TAP);
	d = set_detector(w, FAKE_WLOG, "wlog", ETALON_HW_DETECTOR_WAVELENGTH,
			 ETALON_HW_ROLE_WAVELENGTH_LOG, FAKE_WAVELENGTH);
	d->systematic_fm = 1700;
	d->sweep_fm = 300;
	d->point_fm = 50;
	set_plain(w, d, "vacuum", 1610LL * NM_FM, 100 * 65536, 1550LL * NM_FM);
	d = set_detector(w, FAKE_TEC_T, "tec1.t", ETALON_HW_DETECTOR_TEMPERATURE,
			 ETALON_HW_ROLE_TEMPERATURE, FAKE_TEC);
	d->flags = ETALON_HW_DETECTOR_SLOW;
	set_plain(w, d, "NTC", 400000000, 100 * 65536, 298150000);
	d = set_detector(w, FAKE_HEATER_I, "h1.i", ETALON_HW_DETECTOR_CURRENT,
			 ETALON_HW_ROLE_SENSE_CURRENT, FAKE_HEATER);
	set_plain(w, d, "30 mA", 30000 * UA_FA, (30000 * UA_FA >> 17) * 65536, 0);
}

static void set_head(struct window *w)
{
	struct etalon_hw_description *h = &w->head;

	h->magic = ETALON_HW_MAGIC;
	h->version = ETALON_HW_VERSION;
	h->size = sizeof(*w);
	name(h->model, sizeof(h->model), "FAKE-1");
	name(h->serial, sizeof(h->serial), FAKE_BOARD_SERIAL);
	name(h->firmware, sizeof(h->firmware), "1.0");
	name(h->laser_class, sizeof(h->laser_class), "1M");
	h->capabilities = ETALON_HW_CAP_RAMP | ETALON_HW_CAP_LISTS | ETALON_HW_CAP_GATE |
			  ETALON_HW_CAP_WAIT | ETALON_HW_CAP_EMULATED;
	h->source_count = FAKE_SOURCES;
	h->source_offset = offsetof(struct window, source);
	h->detector_count = FAKE_DETECTORS;
	h->detector_offset = offsetof(struct window, detector);
	h->range_offset = offsetof(struct window, range);
	h->calibration_offset = offsetof(struct window, calibration);
	h->tick_ps = 10000;
	h->aux_lines = 4;
	h->fifo_records = 1 << 18;
	h->list_points_max = 1 << 20;
	h->period_min_ns = 10000;
	h->aperture_min_ns = 2000;
	h->watchdog_min_ns = 50000000;
	h->watchdog_max_ns = 1000000000;
	h->emission_delay_ns = 3000000000;
	h->off_gate_ns = 1000000;
	h->off_port_ns = 2000000;
	h->off_current_ns = 10000000;
	h->conversion_ns = 1000;
	h->calibration_time = 1735689600;
	h->calibration_temperature_uk = 298150000;
}

struct description *fake_board_calibrated(uint32_t generation)
{
	struct window *w = calloc(1, sizeof(*w));
	struct description *d = NULL;
	char *message = NULL;

	if (!w)
		abort();
	set_head(w);
	w->head.calibration_generation = generation;
	set_sources(w);
	set_detectors(w);
	w->head.crc = crc32c(0, w, sizeof(*w));
	if (description_parse(w, sizeof(*w), &d, &message) < 0) {
		fprintf(stderr, "fake board: %s\n", message);
		abort();
	}
	free(w);
	return d;
}

struct description *fake_board(void)
{
	return fake_board_calibrated(1);
}

/* ---- programs ---- */

static struct etalon_hw_program program(uint32_t points)
{
	return (struct etalon_hw_program){
		.magic = ETALON_HW_PROGRAM_MAGIC,
		.size = sizeof(struct etalon_hw_program),
		.generation = 7,
		.run_key = 0x1234,
		.axis_count = 1,
		.axis[0] = {.points = points,
			    .shape = ETALON_HW_AXIS_LINEAR,
			    .mode = ETALON_HW_MODE_STEP},
		.detector_count = 4,
		.detector = {{.detector = FAKE_PD1, .range = FAKE_RANGE_100UA},
			     {.detector = FAKE_PD2, .range = FAKE_RANGE_100UA},
			     {.detector = FAKE_MON, .range = FAKE_RANGE_10UA},
			     {.detector = FAKE_WLOG}},
		.period_ns = 50000,
		.delay_ns = 5000,
		.aperture_ns = 40000,
		.gate = ETALON_HW_GATE_SHUT,
	};
}

struct etalon_hw_program fake_sweep(double start_nm, double stop_nm, uint32_t points)
{
	struct etalon_hw_program p = program(points);

	p.gate = ETALON_HW_GATE_OPEN;
	p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	p.axis[0].mode = ETALON_HW_MODE_RAMP;
	p.axis[0].gang_count = 1;
	p.axis[0].gang[0] = (struct etalon_hw_gang){.source = FAKE_WAVELENGTH,
						    .start = llround(start_nm * NM_FM),
						    .stop = llround(stop_nm * NM_FM)};
	return p;
}

struct etalon_hw_program fake_dark(uint32_t points)
{
	return program(points);
}

void fake_repeat(struct etalon_hw_program *p, uint32_t passes)
{
	memmove(&p->axis[1], &p->axis[0], sizeof(p->axis[0]));
	p->axis[0] = (struct etalon_hw_axis){
		.points = passes, .shape = ETALON_HW_AXIS_LINEAR, .mode = ETALON_HW_MODE_STEP};
	p->axis_count = 2;
}

/* ---- a plan ---- */

static json_t *channels(const struct description *d, const struct etalon_hw_program *p)
{
	static const char *const column[] = {"through",	   "drop",   "mon",
					     "wavelength", "tec1.t", "h1.i"};
	static const char *const role[] = {"signal",	 "signal",	"monitor",
					   "wavelength", "temperature", "sense"};
	static const char *const unit[] = {"W", "W", "W", "nm", "C", "A"};
	json_t *all = json_array();

	for (unsigned int i = 0; i < p->detector_count; i++) {
		unsigned int k = p->detector[i].detector;

		if (k == FAKE_WLOG)
			continue;
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "column", column[k], "detector",
				  d->detector[k].name, "unit", unit[k], "role", role[k], "range",
				  description_range_of(d, k, p->detector[i].range)->name));
	}
	return all;
}

static json_t *settings(const struct etalon_hw_program *p)
{
	const struct etalon_hw_axis *inner = &p->axis[p->axis_count - 1];
	double start_nm = (double)inner->gang[0].start / NM_FM;
	double stop_nm = (double)inner->gang[0].stop / NM_FM;

	return json_pack(
		"{s:f, s:f, s:s, s:b, s:i, s:f, s:f, s:I, s:I}", "power_w", 1e-3, "speed_nm_per_s",
		fabs(stop_nm - start_nm) / (inner->points - 1) / ((double)p->period_ns * 1e-9),
		"mode", inner->mode == ETALON_HW_MODE_RAMP ? "ramp" : "step", "both_ways",
		inner->direction == ETALON_HW_UP_DOWN, "average",
		p->axis_count > 1 && p->axis[0].gang_count == 0 ? (int)p->axis[0].points : 1,
		"start_nm", start_nm, "stop_nm", stop_nm, "points", (json_int_t)inner->points,
		"period_ns", (json_int_t)p->period_ns);
}

struct plan *fake_plan(const struct description *d, const struct etalon_hw_program *main)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct etalon_hw_program dark = fake_dark(200);

	if (!plan)
		abort();
	dark.detector_count = main->detector_count;
	memcpy(dark.detector, main->detector, sizeof(dark.detector));
	plan->segment_count = 3;
	plan->segments = calloc(3, sizeof(*plan->segments));
	if (!plan->segments)
		abort();
	plan->segments[0] =
		(struct segment){.purpose = SEGMENT_DARK_BEFORE, .program = dark, .points = 200};
	plan->segments[1] = (struct segment){
		.purpose = SEGMENT_MAIN, .program = *main, .points = program_points(main)};
	plan->segments[2] =
		(struct segment){.purpose = SEGMENT_DARK_AFTER, .program = dark, .points = 200};
	plan->points = plan->segments[1].points;
	plan->needs_emission = true;
	plan->request = json_pack("{s:s, s:[s, s]}", "kind", "wavelength-sweep", "detectors",
				  "through", "drop");
	plan->meta = json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:s, s:s}, s:o, s:s}", "kind",
			       "wavelength-sweep", "board", "model", d->head.model, "serial",
			       d->head.serial, "settings", settings(main), "axis", "column",
			       "wavelength", "provenance", "wavemeter", "channels",
			       channels(d, main), "monitor", "mon");
	return plan;
}
