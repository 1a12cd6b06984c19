/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the board model, shared by the files that make it up and by nobody else.
 *
 * Two clocks: real time (CLOCK_MONOTONIC ns, given by the front end) rules safety; board time (ns since
 * power-on, ticks divided by the tick) rules sources, programs and records. They differ by `skew_ns`, which
 * grows only when a program runs faster than real time (--speed max).
 */
#ifndef ETALON_EMULATOR_BOARD_INTERNAL_H
#define ETALON_EMULATOR_BOARD_INTERNAL_H

#include "emulator/board.h"
#include "emulator/dma.h"
#include "emulator/faults.h"
#include "emulator/front_end.h"
#include "emulator/hostile.h"
#include "emulator/motion.h"
#include "emulator/program.h"
#include "emulator/records.h"
#include "emulator/sequencer.h"

#define NEVER_NS INT64_MAX
#define LISTS ETALON_HW_LISTS_MAX
#define BLADE_OPEN 1000000 /* travel of the gate's blade */
#define RUN_KEY_LIVE 0x11feULL /* keys the noise of what no program measures */

/* Setpoint generators: what the statement of a program's duration copies and plays through. */
struct motions {
	struct motion motion[ETALON_HW_SOURCES_MAX];
	int64_t settled_ns[ETALON_HW_SOURCES_MAX];
};

struct source_state {
	int64_t setpoint;
	int64_t staged_low; /* LIMIT_LOW written, LIMIT_HIGH not yet */
	bool limits_written;
	int64_t slew;
	int64_t compliance;
	bool in_compliance;
	double judged_v, judged_share; /* what compliance.c last found */
};

struct detector_state {
	uint8_t range;
	int64_t switched_ns; /* board time of the last range switch */
	int64_t overload_ns; /* end of the last saturated aperture; INT64_MIN: none */
	/* slow detectors: their last conversion */
	int64_t slow_number;
	struct etalon_hw_sample slow;
};

struct safety {
	enum etalon_hw_state state;
	uint32_t live, latched, last_off_cause;
	uint64_t last_off_tick;
	uint32_t watchdog_ns;
	uint64_t watchdog_deadline; /* real time; UINT64_MAX: not running */
	uint64_t emission_ready; /* real time; UINT64_MAX: not in DELAY */
	int64_t laser_until_ns; /* board time until which the laser still shines after Off */
	bool key_on, interlock_closed;
	uint64_t kicks;
};

struct live {
	uint32_t aperture_ns;
	int64_t begin_ns; /* board time of the first aperture */
	int64_t latched; /* number of the aperture in the window, -1 none */
	struct etalon_hw_live window[ETALON_HW_DETECTORS_MAX];
};

struct aux {
	uint32_t direction, out, in, edges;
};

struct upload {
	bool have_program, torn;
	struct etalon_hw_program program;
	struct uploaded_list list[LISTS];
};

struct wide_access { /* of 64-bit registers, by words */
	uint32_t read_address, write_address;
	uint32_t read_high, write_low;
};

struct board {
	struct board_config config;
	struct erb1_parameters parameters;
	uint32_t effects; /* that are on */
	struct event_log *log;
	struct plant *plant;
	struct etalon_hw_description *description; /* owned, tables behind it */
	size_t description_size;
	const struct etalon_hw_source *source;
	const struct etalon_hw_detector *detector;
	double source_si[ETALON_HW_SOURCES_MAX];
	int sense[ETALON_HW_SOURCES_MAX]; /* detector of its current, -1 none */

	uint64_t power_on_ns; /* real */
	uint64_t real_ns; /* real time up to which everything was done */
	uint64_t
		given_ns; /* the latest time the front end told; ahead of real_ns while a kick may be waiting */
	int64_t skew_ns;
	int64_t epoch_ns; /* board time at which the plant's time is 0 */
	int64_t advanced_ns; /* board time to which the plant's slow states were brought */

	bool link_up;
	struct safety safety;
	struct motions motions;
	struct motion blade; /* of the gate */
	int gate; /* number of the gate source, -1 none */
	struct source_state source_state[ETALON_HW_SOURCES_MAX];
	int64_t limit_low[ETALON_HW_SOURCES_MAX], limit_high[ETALON_HW_SOURCES_MAX];
	struct detector_state detector_state[ETALON_HW_DETECTORS_MAX];
	struct live live;
	struct aux aux;
	bool port_lit;
	uint32_t scratch;
	struct wide_access wide;
	struct refusal result;
	struct upload upload;
	struct records *records;
	struct sequencer sequencer;
	struct faults *faults;
	struct dma dma;
	struct hostile hostile;
};

/* ---- board.c: time ---- */
int64_t board_time(const struct board *b, uint64_t real_ns);
uint64_t board_real(const struct board *b, int64_t board_ns);
uint64_t board_tick(const struct board *b, int64_t board_ns);
int64_t board_now(const struct board *b); /* board time of now */
/* A program has run ahead to board_ns: the board's clock follows. */
void board_clock_follows(struct board *b, int64_t board_ns);
void board_notify(struct board *b, uint32_t events);
void board_result(struct board *b, uint32_t result, uint32_t detail, int64_t low, int64_t high);
uint64_t board_record_rate_max(const struct board *b); /* of the link in use, records/s */

/* ---- registers.c ---- */
/*
 * One word of a 64-bit register that holds `current`: the low word waits for the high one. True: *ret is the
 * whole value.
 */
bool registers_join(struct board *b, uint32_t address, uint32_t value, uint64_t current,
		    uint64_t *ret);

/* ---- registers.c ---- */
uint32_t board_status_bits(const struct board *b); /* ETALON_HW_STATUS_* */

/* ---- sources.c ---- */
void sources_reset(struct board *b);
/* Limits, slews and compliances as at power-on; setpoints stay. */
void sources_reset_settings(struct board *b);
/* Moves a generator of `m`; returns when it arrives. Speed 0: at once. */
int64_t sources_turn(const struct board *b, struct motions *m, unsigned int n, int64_t to,
		     int64_t speed, int64_t t_ns);
/* Commands a setpoint on the board itself: also the gate's blade, the log. */
void source_command(struct board *b, unsigned int n, int64_t to, int64_t speed, int64_t t_ns);
void gate_command(struct board *b, bool open, int64_t t_ns);
/* Light goes off: gate shuts, RAMP_ZERO sources go to zero. */
void sources_off(struct board *b, int64_t t_ns);
double blade_transmission(const struct board *b, int64_t t_ns);
bool gate_is_open(const struct board *b, int64_t t_ns);
void board_conditions(const struct board *b, int64_t t_ns, struct plant_conditions *c);
/* Slow states of the plant to board time t_ns. */
void board_plant_advance(struct board *b, int64_t t_ns);
/* Slow states to the steady state of the setpoints; plant time 0 is t_ns. */
void board_plant_begin(struct board *b, int64_t t_ns);
void source_write(struct board *b, unsigned int n, uint32_t offset, int64_t value);
int64_t source_read(struct board *b, unsigned int n, uint32_t offset);
uint32_t source_status(const struct board *b, unsigned int n);

/* ---- compliance.c ---- */
void compliance_reset(struct board *b);
/* Lowers voltages in `c` whose current is beyond the source's compliance; the sources concerned are marked. */
void compliance_apply(struct board *b, struct plant_conditions *c);

/* ---- light.c: the light log ---- */
void light_off(struct board *b, int64_t t_ns);
/* Logs when the current of an emitting source that is on its way to 0 gets there. */
void light_current_zero(struct board *b, unsigned int n, int64_t t_ns);
/* After anything that may change the light: logs crossings of -40 dBm. */
void light_check(struct board *b, int64_t t_ns);

/* ---- safety.c ---- */
void safety_reset(struct board *b);
uint64_t safety_deadline(const struct board *b);
/* Acts on the deadline that safety_deadline() told. */
void safety_expire(struct board *b);
void safety_command(struct board *b, uint32_t command);
void safety_kick(struct board *b);
/* A cause without level: watchdog, comparator. */
void safety_trip(struct board *b, uint32_t cause, uint64_t real_ns);
/* A cause's level input changed. */
void safety_level(struct board *b, uint32_t cause, bool active, uint64_t real_ns);
bool safety_armed(const struct board *b);
uint32_t safety_status_bits(const struct board *b);

/* ---- reading.c ---- */
/* One detector in one range at one aperture. */
void reading_prepare(const struct board *b, unsigned int detector, unsigned int range,
		     uint64_t aperture_ns, struct front_end *ret);
/*
 * Readings of `count` detectors with conditions c, whose aperture ends at end_ns; flags and recovery
 * included. ret_plant_flags may be NULL.
 */
void reading_take(struct board *b, const struct plant_conditions *c,
		  const enum erb1_detector *detectors, const struct front_end *front_ends,
		  size_t count, int64_t end_ns, uint64_t key_point,
		  struct etalon_hw_sample *samples, uint32_t *ret_plant_flags);
/* Last conversion of a slow detector at t_ns; *ret_fresh: made within the last `within_ns`. */
struct etalon_hw_sample reading_slow(struct board *b, unsigned int detector, int64_t t_ns,
				     int64_t within_ns, bool *ret_fresh);

/* ---- live.c ---- */
void live_restart(struct board *b, uint32_t aperture_ns);
void live_latch(struct board *b);

#endif
