// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * LOAD and START: a program is checked, made ready, and begun at once or by an edge. What
 * happens from then on is in sequencer.c.
 */
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

static struct program_context context_of(struct board *b)
{
	return (struct program_context){
		.description = b->description,
		.limit_low = b->limit_low,
		.limit_high = b->limit_high,
		.lists = b->upload.list,
		.record_rate_max = board_record_rate_max(b),
	};
}

void sequencer_load(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct program_context context = context_of(b);
	struct refusal refusal = {0};
	int r;

	if (sequencer_active(b))
		return board_result(b, ETALON_HW_REFUSED_STATE, 0, 0, 0);
	s->program = program_free(s->program);
	sequencer_set_state(b, ETALON_HW_SEQUENCER_IDLE);
	if (b->upload.torn || !b->upload.have_program)
		return board_result(b, ETALON_HW_REFUSED_UPLOAD, 0, 0, 0);
	r = program_load(&context, &b->upload.program, &s->program, &refusal);
	if (r < 0)
		return board_result(b, refusal.result ? refusal.result : ETALON_HW_REFUSED_UPLOAD,
				    refusal.detail, refusal.low, refusal.high);
	sequencer_duration_ns(b, s->program, board_now(b), &s->duration_is_bound);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	sequencer_set_state(b, ETALON_HW_SEQUENCER_READY);
}

void sequencer_free(struct sequencer *s)
{
	s->program = program_free(s->program);
}

void sequencer_begin(struct board *b, int64_t t_ns)
{
	struct sequencer *s = &b->sequencer;
	const struct program *p = s->program;
	const int64_t tick_ns = b->description->tick_ps / 1000;
	bool bound;
	uint64_t duration;
	int64_t floor_ns;

	t_ns -= t_ns % tick_ns; /* START is on a tick, so that END - START is the duration */
	s->start_ns = s->now_ns = t_ns;
	duration = sequencer_duration_ns(b, p, t_ns, &bound);
	board_plant_begin(b, t_ns);
	floor_ns = preparation_ready(b, p, t_ns);
	sequencer_begin_channels(b);
	sequencer_record_start(b, duration);
	for (size_t i = 0; i < TRIGGER_INPUTS_MAX; i++)
		trigger_begin(&s->trigger[i], t_ns);
	event_log_line(b->log, board_real(b, t_ns), board_tick(b, t_ns), "program-start",
		       "\"generation\":%u,\"run_key\":%" PRIu64 ",\"points\":%" PRIu64
		       ",\"duration_ns\":%" PRIu64,
		       p->image.generation, (uint64_t)p->image.run_key, p->points, duration);
	sequencer_pulse(b, ETALON_HW_OUTPUT_START, t_ns);
	s->status_due_ns = t_ns + 100 * (int64_t)NSEC_PER_MSEC;
	sequencer_set_state(b, ETALON_HW_SEQUENCER_RUNNING);
	if (p->image.gate != ETALON_HW_GATE_KEEP) {
		gate_command(b, p->image.gate == ETALON_HW_GATE_OPEN, t_ns);
		s->opened_gate = p->image.gate == ETALON_HW_GATE_OPEN;
	}
	walk_begin(&s->walk, p);
	walk_next_leg(&s->walk);
	sequencer_begin_leg(b, floor_ns);
	faults_at_point(b, 0);
}

static void reset_run(struct sequencer *s)
{
	s->number = s->produced = s->dropped = s->status_number = 0;
	s->crc = 0;
	s->gap_count = s->gap_points = 0;
	s->edges_missed = s->edges_early = 0;
	s->edge_missed = s->edge_early = s->opened_gate = false;
	memset(s->output, 0, sizeof(s->output));
}

void sequencer_start(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct program_context context = context_of(b);
	struct refusal refusal = {0};

	if (s->state != ETALON_HW_SEQUENCER_READY && s->state != ETALON_HW_SEQUENCER_ENDED)
		return board_result(b, ETALON_HW_REFUSED_STATE, 0, 0, 0);
	if (s->program->needs_emitting && b->safety.state != ETALON_HW_STATE_EMITTING)
		return board_result(b, ETALON_HW_REFUSED_EMISSION, 0, 0, 0);
	if (program_check_limits(&context, s->program, &refusal) < 0)
		return board_result(b, refusal.result, refusal.detail, refusal.low, refusal.high);
	/* Of a host that takes no records away; GAP and END have their places, START needs one. */
	if (!records_room(b->records, 1))
		return board_result(b, ETALON_HW_REFUSED_STATE, 0, 0, 0);
	if (!dma_ready(b))
		return;
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	reset_run(s);
	s->now_ns = board_now(b);
	if (s->program->image.start_source == ETALON_HW_START_SOFTWARE)
		return sequencer_begin(b, s->now_ns);
	s->phase = PHASE_START_EDGE;
	s->edge_ns = s->now_ns;
	s->status_due_ns = NEVER_NS;
	while (trigger_peek(&s->trigger[s->program->image.start_input]) < s->now_ns)
		trigger_take(&s->trigger[s->program->image.start_input]);
	sequencer_set_state(b, ETALON_HW_SEQUENCER_WAITING);
}
