/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trigger lines: edges that come in (scripted, there is nobody at the connector) and pulses that go
 * out (logged). Layer: emulator, below the sequencer. Times are board ns.
 */
#ifndef ETALON_EMULATOR_TRIGGER_H
#define ETALON_EMULATOR_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#define TRIGGER_INPUTS_MAX 8 /* that a description can be made to have */
#define TRIGGER_OUTPUTS_MAX 2 /* that a program has room for */
#define TRIGGER_QUEUE 64

struct trigger_train {
	int64_t next_ns;
	bool from_start; /* next_ns counts from START of a program that has not started yet */
	int64_t period_ns;
	uint64_t left;
};

struct trigger {
	struct trigger_train train;
	int64_t edge[TRIGGER_QUEUE]; /* single edges, sorted */
	uint32_t edges;
};

struct trigger_output {
	uint64_t pulses;
};

/* False: the queue is full and the edge is lost. */
bool trigger_add(struct trigger *t, int64_t at_ns);
/* Replaces the train. */
void trigger_train(struct trigger *t, const struct trigger_train *train);
/* A program starts: what came before is forgotten, a train counted from START begins. */
void trigger_begin(struct trigger *t, int64_t start_ns);
/* Time of the oldest edge not taken, INT64_MAX: none. */
int64_t trigger_peek(const struct trigger *t);
void trigger_take(struct trigger *t);

#endif
