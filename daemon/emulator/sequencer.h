/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sequencer: runs the loaded program in board time and makes its records. Layer: emulator,
 * part of the board model. Times are board ns.
 */
#ifndef ETALON_EMULATOR_SEQUENCER_H
#define ETALON_EMULATOR_SEQUENCER_H

#include "emulator/front_end.h"
#include "emulator/program.h"
#include "emulator/trigger.h"
#include "emulator/walk.h"

struct board;

#define SEQUENCER_CHANNELS (ETALON_HW_PROGRAM_DETECTORS_MAX + ETALON_HW_COMPARATORS_MAX)

enum sequencer_phase {
	PHASE_START_EDGE, /* WAITING: not started yet */
	PHASE_WAIT, /* WAIT axes: polling the readback */
	PHASE_EDGE, /* for the point clock's edge */
	PHASE_SLOT, /* a slot begins: setpoint */
	PHASE_APERTURE, /* an aperture ends: point */
	PHASE_LEG_END, /* run-out and last period are over */
	PHASE_GATE, /* the gate shuts after the last point */
};

/* One leg: points that follow each other without a move in between. */
struct leg {
	int64_t slot_ns; /* of the current point */
	int64_t end_ns; /* known once it is placed */
	int64_t ramp_begin_ns, ramp_end_ns; /* constant speed lies in between */
	int64_t span_end_ns; /* of a ramp: no slot of an external clock begins later */
	uint64_t done; /* points */
};

#define WAIT_HISTORY 256

struct wait_history { /* readings of one source since its setpoint, the last of them */
	int64_t t_ns[WAIT_HISTORY];
	double value[WAIT_HISTORY];
	uint32_t count; /* ever */
};

/* Waiting for WAIT axes to settle. */
struct waiting {
	int64_t begin_ns, inside_since_ns, poll_ns;
	int64_t ready_ns; /* of everything else */
	struct wait_history history[ETALON_HW_AXES_MAX][ETALON_HW_GANG_MAX];
};

struct sequencer {
	enum etalon_hw_sequencer_state state;
	struct program *program;
	bool duration_is_bound;
	enum sequencer_phase phase;
	int64_t start_ns, now_ns, due_ns, status_due_ns;
	int64_t rest_ns; /* sources are back from the run-out of the last program */
	uint64_t status_number;
	struct walk walk;
	struct leg leg;
	int64_t aperture_ns; /* begin of the current aperture */
	struct waiting waiting;
	bool opened_gate;
	uint64_t number; /* of the next point */
	/* channels of the program, then those that only comparators need */
	enum erb1_detector channel[SEQUENCER_CHANNELS];
	struct front_end front_end[SEQUENCER_CHANNELS];
	size_t channel_count;
	double comparator_max[ETALON_HW_COMPARATORS_MAX];
	uint8_t comparator_channel[ETALON_HW_COMPARATORS_MAX];
	/* ledger */
	uint64_t produced, dropped;
	uint32_t crc;
	uint64_t gap_first, gap_count, gap_points; /* pending GAP */
	/* triggers */
	struct trigger trigger[TRIGGER_INPUTS_MAX];
	uint32_t edges_missed, edges_early;
	bool edge_missed, edge_early; /* to be flagged on the next point */
	int64_t edge_ns; /* the last edge, or since when one is waited for */
	struct trigger_output output[TRIGGER_OUTPUTS_MAX];
	int64_t budget; /* samples that may still be made in this slice */
};

/* ---- sequencer_load.c ---- */
void sequencer_load(struct board *b);
void sequencer_start(struct board *b);
/* The start edge has come, or none is waited for. */
void sequencer_begin(struct board *b, int64_t t_ns);
void sequencer_free(struct sequencer *s);

/* ---- sequencer.c ---- */
void sequencer_set_state(struct board *b, enum etalon_hw_sequencer_state state);
void sequencer_pulse(struct board *b, enum etalon_hw_output_function function, int64_t t_ns);
/* Moves to the first point of the leg that walk stands at; it begins not before floor_ns. */
void sequencer_begin_leg(struct board *b, int64_t floor_ns);
/* Ends the program at board time t_ns, if one is active. */
void sequencer_stop(struct board *b, enum etalon_hw_end_cause cause, int64_t t_ns);
bool sequencer_active(const struct board *b); /* WAITING or RUNNING */
/* Runs up to board time `until_ns` or until the slice is used up. */
void sequencer_run(struct board *b, int64_t until_ns);
/* Board time of the next step; INT64_MAX: none. */
int64_t sequencer_due(const struct board *b);
/* An edge on a trigger input at board time t_ns. */
void sequencer_edge(struct board *b, unsigned int input, int64_t t_ns);

/* ---- sequencer_time.c ---- */
struct leg_times {
	int64_t slot_ns, end_ns, ramp_begin_ns, ramp_end_ns;
};

struct motions;

/* Commands the moves of the axes that walk says changed; returns when all are there and settled but WAIT axes. */
int64_t leg_move(const struct board *b, const struct program *p, struct motions *m,
		 const struct walk *w, int64_t t_ns, bool *ret_waits);
/* Places the leg's slots after ready_ns and starts ramps. */
struct leg_times leg_place(const struct board *b, const struct program *p, struct motions *m,
			   const struct walk *w, int64_t ready_ns);
/* When the gate is where the program wants it, and ranges have settled, if commanded at t_ns. */
int64_t preparation_ready(const struct board *b, const struct program *p, int64_t t_ns);
int64_t gate_travel_ns(const struct board *b);
/* Duration as stated before a start at t_ns from where everything is; *ret_bound: a lower bound. */
uint64_t sequencer_duration_ns(const struct board *b, const struct program *p, int64_t t_ns,
			       bool *ret_bound);

/* ---- sequencer_wait.c ---- */
void wait_begin(struct board *b, int64_t ready_ns);
enum wait_verdict { WAIT_GOES_ON, WAIT_SETTLED, WAIT_TIMED_OUT };
/* Reads the readbacks now. */
enum wait_verdict wait_poll(struct board *b);
int64_t wait_next_ns(const struct board *b); /* time of the next poll */

/* ---- sequencer_point.c ---- */
void sequencer_begin_channels(struct board *b);
/* The point whose aperture ends now; returns what comparators_judge() does. */
unsigned int sequencer_point(struct board *b);
void sequencer_status(struct board *b);
void sequencer_record_start(struct board *b, uint64_t duration_ns);
void sequencer_record_end(struct board *b, enum etalon_hw_end_cause cause);
/* False: the FIFO is full and the board runs as fast as it can: hold on until there is room. */
bool sequencer_has_room(const struct board *b);

/* ---- comparator.c ---- */
/* Flags the point; returns the gravest action + 1 that struck, 0: none. */
unsigned int comparators_judge(struct board *b, const struct etalon_hw_sample *samples,
			       uint32_t *flags);

#endif
