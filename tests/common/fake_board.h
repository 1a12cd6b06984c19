/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small board for tests: a plausible description, and the records that a program would yield,
 * with known truth. No link, no timing, no safety: the emulator has those.
 *
 * Photodiodes: responsivity 0.8 A/W at 1500 nm to 1.1 A/W at 1600 nm (a line), gain and offset
 * calibration not trivial, dark current fake_dark_a(). The wavelength log adds FAKE_TUNING_NM to
 * what was asked for.
 */
#ifndef ETALON_TESTS_FAKE_BOARD_H
#define ETALON_TESTS_FAKE_BOARD_H

#include "link/description.h"
#include "measure/plan.h"

enum fake_source {
	FAKE_WAVELENGTH,
	FAKE_POWER,
	FAKE_GATE,
	FAKE_TEC,
	FAKE_HEATER,
	FAKE_SOURCES,
};

enum fake_detector {
	FAKE_PD1,
	FAKE_PD2,
	FAKE_MON,
	FAKE_WLOG,
	FAKE_TEC_T,
	FAKE_HEATER_I,
	FAKE_DETECTORS,
};

/* Photodiode ranges; PD ranges differ in group delay. */
#define FAKE_RANGE_2MA 0
#define FAKE_RANGE_100UA 1
#define FAKE_RANGE_10UA 2

#define FAKE_TUNING_NM 0.012
#define FAKE_TAP 0.01 /* of the monitor photodiode */
#define FAKE_BOARD_SERIAL "0001"

struct description *fake_board(void);
/* The same with another calibration generation: another CRC. */
struct description *fake_board_calibrated(uint32_t generation);

double fake_responsivity(double wavelength_nm); /* A/W, of pd1 and pd2 */
double fake_dark_a(unsigned int detector);

/* A RAMP of the laser with pd1, pd2, mon and wlog, period 50 us: at a step of 1 pm 20 nm/s. */
struct etalon_hw_program fake_sweep(double start_nm, double stop_nm, uint32_t points);
struct etalon_hw_program fake_dark(uint32_t points);
/* Repeats everything `passes` times. */
void fake_repeat(struct etalon_hw_program *p, uint32_t passes);

/* Dark, main, dark for a sweep, with request and meta as a planner would write them. */
struct plan *fake_plan(const struct description *d, const struct etalon_hw_program *main);

struct fake_run {
	const struct description *d;
	struct etalon_hw_program program;
	uint32_t stride;
	/* What may be changed before the first fake_records(): */
	double (*power_w)(unsigned int detector, double wavelength_nm,
			  void *userdata); /* at the detector */
	void *userdata;
	double noise_steps; /* rms of a reading's mean; 0: none */
	double extra_dark_a; /* added to every photodiode's dark current */
	uint64_t drop_first, drop_count; /* points that never arrive: a GAP stands for them */
	uint64_t saturate_point; /* pd1 is saturated there; UINT64_MAX: nowhere */
	uint64_t status_every; /* points between STATUS records, 0: none */
	uint64_t stop_after; /* points until the program is stopped; UINT64_MAX: never */
	bool no_end;
	double temperature_c;
	/* state */
	uint64_t sequence, number, tick, points, dropped, next_status;
	uint32_t crc, seed;
	int stage;
};

/* sequence: of the first record. Default power: a ring's dip in pd1 and peak in pd2 at 1550 nm, 50
 * pm wide; 1 mW at mon. */
void fake_run_begin(struct fake_run *run, const struct description *d,
		    const struct etalon_hw_program *program, uint64_t sequence);
/* Whole records into the buffer; 0 at the end. */
size_t fake_records(struct fake_run *run, void *buffer, size_t max_bytes);
/* The wavelength that point `number` has in the log, before any correction. */
double fake_logged_nm(const struct fake_run *run, uint64_t number);
/* What the default power_w says. */
double fake_power_w(unsigned int detector, double wavelength_nm, void *userdata);

#endif
