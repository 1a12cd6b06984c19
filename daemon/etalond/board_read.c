// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Live readings. See board.h. Those that change the aperture or a range wait for each other and
 * for two apertures to pass; the rest is answered at once. Changes no light.
 */
#include "etalond/board.h"

#include <math.h>

#include "base/util.h"
#include "calibrate/convert.h"
#include "etalond/refusal.h"

#define READS_MAX 16U
#define APERTURE_POWER_ON_NS (20 * NSEC_PER_MSEC)
#define APERTURE_MIN_NS NSEC_PER_USEC
#define APERTURE_MAX_NS NSEC_PER_SEC

struct read {
	struct command command;
	struct read *next;
	struct board *board;
	struct facts *facts;
	struct zero zero; /* as it was when asked */
	bool prepares; /* changes aperture or ranges first */
	uint64_t aperture_ns;
	double wavelength_m;
	struct range_choice *ranges;
	size_t range_count;
	board_read_done_t done;
	void *userdata;
	size_t count;
	struct reading readings[];
};

/* Reads that change something: one at a time, in order. */
struct board_reads {
	struct read *first, **end;
	unsigned int count;
	sd_event_source *timer;
};

static void next_read(struct board *b);

static struct read *read_of(struct command *c)
{
	return container_of(c, struct read, command);
}

/* ---- on the I/O thread ---- */

static int run_prepare(struct command *c, struct link *link)
{
	struct read *read = read_of(c);
	int r = 0;

	for (size_t i = 0; i < read->range_count && r == 0; i++)
		r = link->ops->set_range(link, read->ranges[i].detector, read->ranges[i].range,
					 &c->refusal);
	return r < 0 ? r : link->ops->set_live_aperture(link, (uint32_t)read->aperture_ns);
}

/* A dark current has a sign: what is left is signed, too. */
static void take_off_dark(const struct zero *zero, struct reading *reading)
{
	const struct zero_level *level = zero_find(zero, reading->detector, reading->range);

	if (!level)
		return;
	reading->zero = *level;
	reading->value -= level->dark_a;
	reading->sigma = hypot(reading->sigma, level->dark_sigma_a);
}

static int convert(const struct read *read, const struct etalon_hw_live *live,
		   struct reading *reading)
{
	struct conversion conversion;
	int r;

	reading->range = live->range;
	reading->raw_q8 = live->mean_q8;
	reading->saturated = live->flags & ETALON_HW_SAMPLE_SATURATED;
	reading->settling =
		live->flags & (ETALON_HW_SAMPLE_SETTLING | ETALON_HW_SAMPLE_OVERLOAD_RECOVERY |
			       ETALON_HW_SAMPLE_RANGE_SWITCHED);
	r = conversion_make(read->facts->description, reading->detector, live->range,
			    read->aperture_ns, read->wavelength_m, read->wavelength_m, &conversion);
	if (r < 0)
		return r;
	reading->value = convert_raw(&conversion, live->mean_q8);
	reading->sigma = conversion.noise;
	take_off_dark(&read->zero, reading);
	reading->power_w =
		conversion.to_power ? reading->value * conversion.inverse_responsivity[0] : NAN;
	return 0;
}

static int run_live(struct command *c, struct link *link)
{
	struct read *read = read_of(c);
	unsigned int all = read->facts->description->head.detector_count;
	_cleanup_free_ struct etalon_hw_live *live = calloc(all + 1, sizeof(*live));
	int r;

	if (!live)
		return -ENOMEM;
	r = link->ops->live(link, live, all);
	for (size_t i = 0; i < read->count && r == 0; i++)
		r = convert(read, &live[read->readings[i].detector], &read->readings[i]);
	return r;
}

/* ---- main loop ---- */

static void read_free(struct read *read)
{
	facts_unref(read->facts);
	free(read->ranges);
	free(read->command.message);
	free(read);
}

static void answer(struct read *read)
{
	struct command *c = &read->command;
	const char *message = NULL;
	int error = c->error;

	if (error < 0) {
		if (c->refusal.result != ETALON_HW_RESULT_OK && !c->message)
			c->message = link_refusal_message(read->facts->description, &c->refusal);
		error = refusal_error(&c->refusal, error);
		message = c->message ? c->message : "the board is gone: check its cable and power";
	}
	read->done(error, message, read->facts, read->readings, read->count, read->userdata);
	read_free(read);
}

static struct read *pop(struct board *b)
{
	struct board_reads *reads = b->reads;
	struct read *read = reads->first;

	reads->first = read->next;
	if (!reads->first)
		reads->end = &reads->first;
	reads->count--;
	return read;
}

static void live_done(struct command *c)
{
	struct read *read = read_of(c);
	struct board *b = read->board;

	if (read->prepares) {
		pop(b);
		answer(read);
		next_read(b);
	} else {
		answer(read);
	}
}

static void submit_live(struct read *read)
{
	read->command.run = run_live;
	read->command.done = live_done;
	read->command.class = COMMAND_NORMAL;
	board_io_submit(read->board->io, &read->command);
}

static int on_aperture_over(_unused_ sd_event_source *source, _unused_ uint64_t usec,
			    void *userdata)
{
	struct board *b = userdata;

	submit_live(b->reads->first);
	return 0;
}

static void prepare_done(struct command *c)
{
	struct read *read = read_of(c);
	struct board *b = read->board;
	/* Two apertures: one may have begun before the change. */
	uint64_t wait_us = 2 * read->aperture_ns / NSEC_PER_USEC + 1000;

	if (c->error == 0) {
		b->live_aperture_ns = read->aperture_ns;
		sd_event_source_disable_unref(b->reads->timer);
		b->reads->timer = NULL;
		c->error = sd_event_add_time(b->context->event, &b->reads->timer, CLOCK_MONOTONIC,
					     now_ns() / NSEC_PER_USEC + wait_us, 1000,
					     on_aperture_over, b);
		if (c->error >= 0)
			return;
	}
	pop(b);
	answer(read);
	next_read(b);
}

static void next_read(struct board *b)
{
	struct read *read = b->reads->first;

	if (!read)
		return;
	read->command.run = run_prepare;
	read->command.done = prepare_done;
	read->command.class = COMMAND_NORMAL;
	board_io_submit(b->io, &read->command);
}

static int enqueue(struct board *b, struct read *read, char **ret_message)
{
	if (!b->reads) {
		b->reads = calloc(1, sizeof(*b->reads));
		if (!b->reads)
			return -ENOMEM;
		b->reads->end = &b->reads->first;
	}
	if (b->reads->count >= READS_MAX)
		return fail(ret_message, -EBUSY,
			    "%u readings with an aperture of their own are waiting; try again",
			    READS_MAX);
	*b->reads->end = read;
	b->reads->end = &read->next;
	if (b->reads->count++ == 0)
		next_read(b);
	return 0;
}

static double wavelength_m(const struct board *b)
{
	const struct description *d = b->facts->description;

	for (unsigned int i = 0; i < d->head.source_count; i++)
		if (d->source[i].kind == ETALON_HW_SOURCE_WAVELENGTH)
			return (double)b->setpoints[i] * 1e-15;
	return NAN;
}

static struct read *read_new(struct board *b, const unsigned int *detectors, size_t count,
			     uint64_t aperture_ns, const struct range_choice *ranges,
			     size_t range_count)
{
	struct read *read = calloc(1, sizeof(*read) + count * sizeof(read->readings[0]));

	if (!read)
		return NULL;
	read->ranges = calloc(range_count + 1, sizeof(*ranges));
	if (!read->ranges) {
		free(read);
		return NULL;
	}
	if (range_count > 0)
		memcpy(read->ranges, ranges, range_count * sizeof(*ranges));
	read->range_count = range_count;
	read->board = b;
	read->facts = facts_ref(b->facts);
	read->zero = b->zero;
	read->aperture_ns = aperture_ns		  ? aperture_ns
			    : b->live_aperture_ns ? b->live_aperture_ns
						  : APERTURE_POWER_ON_NS;
	read->prepares = range_count > 0 || (aperture_ns && aperture_ns != b->live_aperture_ns);
	read->wavelength_m = wavelength_m(b);
	read->count = count;
	for (size_t i = 0; i < count; i++)
		read->readings[i].detector = detectors[i];
	return read;
}

int board_take_readings(struct board *b, const unsigned int *detectors, size_t count,
			uint64_t aperture_ns, const struct range_choice *ranges, size_t range_count,
			board_read_done_t done, void *userdata, char **ret_message)
{
	struct read *read;
	int r;

	if (!b->present)
		return fail(ret_message, -ENODEV, "the board is gone: check its cable and power");
	if (aperture_ns && (aperture_ns < APERTURE_MIN_NS || aperture_ns > APERTURE_MAX_NS))
		return fail(ret_message, -ERANGE,
			    "an aperture of %llu ns is not within 1 us to 1 s",
			    (unsigned long long)aperture_ns);
	if (range_count > 0 && b->job)
		return fail(ret_message, -EBUSY,
			    "a job runs on this board and has chosen the ranges; "
			    "wait for its end, or read without ranges");
	read = read_new(b, detectors, count, aperture_ns, ranges, range_count);
	if (!read)
		return -ENOMEM;
	read->done = done;
	read->userdata = userdata;
	if (!read->prepares) {
		submit_live(read);
		return 0;
	}
	r = enqueue(b, read, ret_message);
	if (r < 0)
		read_free(read);
	return r;
}

struct board_reads *board_reads_free(struct board *b)
{
	if (!b->reads)
		return NULL;
	sd_event_source_disable_unref(b->reads->timer);
	while (b->reads->first) {
		struct read *read = pop(b);

		read->command.error = -ENODEV;
		answer(read);
	}
	free(b->reads);
	b->reads = NULL;
	return NULL;
}
