// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the sequencer's records contain: START, POINT, STATUS, GAP, END, and the ledger of
 * what was produced and dropped.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

#define STATUS_NS (100 * (int64_t)NSEC_PER_MSEC)

static size_t find_channel(const struct sequencer *s, uint16_t detector)
{
	for (size_t i = 0; i < s->channel_count; i++)
		if (s->channel[i] == detector)
			return i;
	return s->channel_count;
}

static size_t add_channel(struct board *b, uint16_t detector, uint8_t range)
{
	struct sequencer *s = &b->sequencer;
	const size_t i = s->channel_count++;

	s->channel[i] = (enum erb1_detector)detector;
	reading_prepare(b, detector, range, s->program->image.aperture_ns, &s->front_end[i]);
	if (b->detector_state[detector].range != range)
		b->detector_state[detector].switched_ns = s->now_ns;
	return i;
}

void sequencer_begin_channels(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *p = &s->program->image;

	s->channel_count = 0;
	for (uint32_t i = 0; i < p->detector_count; i++)
		add_channel(b, p->detector[i].detector, p->detector[i].range);
	for (size_t i = 0; i < ETALON_HW_COMPARATORS_MAX; i++) {
		const uint16_t detector = p->comparator[i].detector;
		size_t channel;

		if (p->comparator[i].kind == ETALON_HW_COMPARATOR_NONE)
			continue;
		channel = find_channel(s, detector);
		if (channel == s->channel_count)
			channel = add_channel(b, detector, b->detector_state[detector].range);
		s->comparator_channel[i] = (uint8_t)channel;
		s->comparator_max[i] = 0;
	}
	for (unsigned int n = 0; n < b->description->detector_count; n++) {
		b->detector_state[n].overload_ns = INT64_MIN;
		b->detector_state[n].slow_number = -1;
	}
}

bool sequencer_has_room(const struct board *b)
{
	/* GAP and the record itself */
	return !b->config.speed_max || records_room(b->records, 2);
}

static void write_gap(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	struct etalon_hw_record_gap *gap;

	if (!s->gap_count)
		return;
	gap = records_append(b->records, ETALON_HW_RECORD_GAP, s->program->stride,
			     s->program->image.generation);
	gap->first = s->gap_first;
	gap->count = s->gap_count;
	gap->points = s->gap_points;
	s->gap_count = s->gap_points = 0;
}

/* A place for a POINT or STATUS record, or NULL: dropped, and counted. */
static void *place(struct board *b, enum etalon_hw_record_type type)
{
	struct sequencer *s = &b->sequencer;

	if (records_room(b->records, s->gap_count ? 2 : 1)) {
		write_gap(b);
		return records_append(b->records, type, s->program->stride,
				      s->program->image.generation);
	}
	if (!s->gap_count)
		s->gap_first = records_sequence(b->records);
	s->gap_count++;
	if (type == ETALON_HW_RECORD_POINT) {
		s->gap_points++;
		s->dropped++;
	}
	records_lose(b->records);
	return NULL;
}

void sequencer_record_start(struct board *b, uint64_t duration_ns)
{
	const struct sequencer *s = &b->sequencer;
	const struct program *p = s->program;
	struct etalon_hw_record_start *r;

	r = records_append(b->records, ETALON_HW_RECORD_START, p->stride, p->image.generation);
	r->program_crc = p->crc;
	r->calibration_generation = b->description->calibration_generation;
	r->run_key = p->image.run_key;
	r->tick = board_tick(b, s->now_ns);
	r->clock_ns = (uint64_t)s->now_ns;
	r->points = p->points;
	r->duration_ns = duration_ns;
	r->detector_count = p->image.detector_count;
	r->tick_ps = b->description->tick_ps;
}

void sequencer_record_end(struct board *b, enum etalon_hw_end_cause cause)
{
	struct sequencer *s = &b->sequencer;
	struct etalon_hw_record_end *r;

	for (size_t i = 0; i < s->program->image.detector_count; i++)
		if (b->detector_state[s->channel[i]].range != s->front_end[i].range)
			b->detector_state[s->channel[i]].switched_ns = s->now_ns;
	write_gap(b);
	r = records_append(b->records, ETALON_HW_RECORD_END, s->program->stride,
			   s->program->image.generation);
	r->produced = s->produced;
	r->dropped = s->dropped;
	r->tick = board_tick(b, s->now_ns);
	r->cause = cause;
	r->causes = cause == ETALON_HW_END_TRIPPED ? b->safety.latched : 0;
	r->crc = s->crc;
	r->edges_missed = s->edges_missed;
	r->edges_early = s->edges_early;
	faults_end(b->faults, r);
}

/* Exact setpoints of a ramp: what the motion interpolates, without its rounding. */
static void exact_ramp(struct board *b, struct plant_conditions *c)
{
	const struct sequencer *s = &b->sequencer;
	const struct etalon_hw_axis *a = program_innermost(s->program);
	const unsigned int axis = s->program->image.axis_count - 1;
	bool reverse;
	const uint32_t index = walk_index(&s->walk, axis, s->leg.done, &reverse);

	if (a->mode != ETALON_HW_MODE_RAMP || s->program->image.point_clock == ETALON_HW_CLOCK_EDGE)
		return;
	for (unsigned int i = 0; i < a->gang_count; i++) {
		const uint16_t n = a->gang[i].source;

		c->value[n] =
			(double)program_setpoint(s->program, axis, i, index) * b->source_si[n];
	}
}

static uint32_t source_flags(const struct board *b)
{
	const struct sequencer *s = &b->sequencer;
	uint32_t flags = 0;

	for (unsigned int n = 0; n < b->description->source_count; n++) {
		if (b->source_state[n].in_compliance &&
		    b->source[n].kind == ETALON_HW_SOURCE_VOLTAGE)
			flags |= ETALON_HW_POINT_CLAMP;
		if (s->program->steps[n] && b->motions.settled_ns[n] > s->aperture_ns)
			flags |= ETALON_HW_POINT_UNSETTLED;
	}
	return flags;
}

static uint32_t point_flags(struct board *b, bool reverse)
{
	struct sequencer *s = &b->sequencer;
	const int64_t end = s->aperture_ns + (int64_t)s->program->image.aperture_ns;
	uint32_t flags = source_flags(b);

	if (s->aperture_ns < s->leg.ramp_begin_ns || end > s->leg.ramp_end_ns)
		flags |= ETALON_HW_POINT_RUN_IN;
	if (!gate_is_open(b, s->aperture_ns))
		flags |= ETALON_HW_POINT_GATE_CLOSED;
	if (b->safety.state != ETALON_HW_STATE_EMITTING)
		flags |= ETALON_HW_POINT_EMISSION_OFF;
	if (b->safety.live & (ETALON_HW_CAUSE_INTERLOCK | ETALON_HW_CAUSE_KEY))
		flags |= ETALON_HW_POINT_INTERLOCK;
	if (reverse)
		flags |= ETALON_HW_POINT_REVERSE;
	if (s->edge_missed)
		flags |= ETALON_HW_POINT_TRIGGER_MISSED;
	if (s->edge_early)
		flags |= ETALON_HW_POINT_TRIGGER_EARLY;
	s->edge_missed = s->edge_early = false;
	return flags;
}

/* Slow detectors do not convert in every aperture. */
static void slow_channels(struct board *b, struct etalon_hw_sample *samples)
{
	struct sequencer *s = &b->sequencer;

	for (size_t i = 0; i < s->channel_count; i++) {
		bool fresh;

		if (!(b->detector[s->channel[i]].flags & ETALON_HW_DETECTOR_SLOW))
			continue;
		samples[i] = reading_slow(b, s->channel[i], s->now_ns,
					  (int64_t)s->program->image.aperture_ns, &fresh);
		if (!fresh)
			samples[i].flags |= ETALON_HW_SAMPLE_STALE;
	}
}

static void measure(struct board *b, struct etalon_hw_sample *samples, uint32_t *flags)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *p = &s->program->image;
	const int64_t center = s->aperture_ns + (int64_t)p->aperture_ns / 2;
	struct plant_conditions c;
	uint32_t plant_flags = 0;

	board_plant_advance(b, center);
	board_conditions(b, center, &c);
	exact_ramp(b, &c);
	c.aperture_s = (double)p->aperture_ns * 1e-9;
	c.run_key = p->run_key;
	c.point = s->number;
	compliance_apply(b, &c);
	reading_take(b, &c, s->channel, s->front_end, s->channel_count, s->now_ns, s->number,
		     samples, &plant_flags);
	slow_channels(b, samples);
	/* The plant speaks of the laser; the log's validity is the point's affair if it is in the program. */
	*flags |= plant_flags & ~ETALON_HW_POINT_WAVELENGTH_INVALID;
	for (size_t i = 0; i < p->detector_count; i++)
		if (b->detector[s->channel[i]].role == ETALON_HW_ROLE_WAVELENGTH_LOG &&
		    samples[i].flags & ETALON_HW_SAMPLE_INVALID)
			*flags |= ETALON_HW_POINT_WAVELENGTH_INVALID;
}

static void write_point(struct board *b, const struct etalon_hw_sample *samples, uint32_t flags,
			const uint32_t *index)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *p = &s->program->image;
	struct etalon_hw_record_point *r;

	faults_before_point(b->faults, b->records, s->number);
	r = place(b, ETALON_HW_RECORD_POINT);
	if (!r)
		return;
	r->number = s->number;
	memcpy(r->index, index, sizeof(r->index));
	r->flags = flags;
	r->tick = board_tick(b, s->aperture_ns);
	r->aperture_ticks = (uint32_t)(p->aperture_ns * 1000 / b->description->tick_ps);
	r->conversions = (uint32_t)s->front_end[0].conversions;
	memcpy(r->sample, samples, p->detector_count * sizeof(*samples));
	s->crc = crc32c(s->crc, (uint8_t *)r + sizeof(r->head),
			s->program->stride - sizeof(r->head));
	faults_after_point(b->faults, b->records, r, s->number);
}

static bool drives_light(const struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++)
		if (b->sequencer.program->drives[n] && b->source[n].emits &&
		    b->source[n].safe_action == ETALON_HW_SAFE_RAMP_ZERO)
			return true;
	return false;
}

unsigned int sequencer_point(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *p = &s->program->image;
	struct etalon_hw_sample samples[SEQUENCER_CHANNELS];
	uint32_t index[ETALON_HW_AXES_MAX] = {0};
	uint32_t flags = 0;
	unsigned int action;
	bool reverse = false, room;

	for (unsigned int a = 0; a < p->axis_count; a++)
		index[a] = walk_index(&s->walk, a, s->leg.done, &reverse);
	measure(b, samples, &flags);
	flags |= point_flags(b, reverse);
	action = comparators_judge(b, samples, &flags);
	room = records_room(b->records, s->gap_count ? 2 : 1);
	write_point(b, samples, flags, index);
	s->produced++;
	s->number++;
	s->budget -= (int64_t)s->channel_count;
	if (drives_light(b))
		light_check(b, s->now_ns);
	faults_at_point(b, s->number);
	if (action == ETALON_HW_COMPARATOR_TRIP + 1) {
		safety_trip(b, ETALON_HW_CAUSE_COMPARATOR, board_real(b, s->now_ns));
		/* Nothing was armed: the program ends all the same. */
		sequencer_stop(b, ETALON_HW_END_COMPARATOR, s->now_ns);
	} else if (!room && p->flags & ETALON_HW_PROGRAM_STOP_ON_OVERFLOW) {
		sequencer_stop(b, ETALON_HW_END_OVERFLOW, s->now_ns);
	}
	return action;
}

static void status_entry(struct board *b, struct etalon_hw_record_status *r, unsigned int detector)
{
	struct etalon_hw_status_entry *e = &r->entry[r->entry_count++];
	bool fresh;
	const struct etalon_hw_sample sample =
		reading_slow(b, detector, b->sequencer.now_ns, STATUS_NS, &fresh);

	e->detector = (uint16_t)detector;
	e->range = sample.range;
	e->flags = sample.flags;
	e->mean_q8 = sample.mean_q8;
}

void sequencer_status(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	unsigned int n = 0;

	s->status_due_ns += STATUS_NS;
	board_plant_advance(b, s->now_ns);
	do {
		struct etalon_hw_record_status *r = place(b, ETALON_HW_RECORD_STATUS);

		if (!r)
			return;
		r->tick = board_tick(b, s->now_ns);
		r->state = b->safety.state;
		r->causes_live = b->safety.live;
		for (; n < b->description->detector_count &&
		       r->entry_count < ETALON_HW_STATUS_ENTRIES;
		     n++)
			if (b->detector[n].flags & ETALON_HW_DETECTOR_SLOW)
				status_entry(b, r, n);
		while (n < b->description->detector_count &&
		       !(b->detector[n].flags & ETALON_HW_DETECTOR_SLOW))
			n++;
	} while (n < b->description->detector_count);
}
