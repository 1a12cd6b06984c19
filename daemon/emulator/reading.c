// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Readings: plant, then front end, then the flags that only time can tell (range switches,
 * overload recovery, slow detectors).
 */
#include <math.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define TAIL_CONSTANTS 5 /* time constants in the recovery time */
#define SLOW_POINTS (1ULL << 63) /* numbers of slow conversions, apart from those of points */

void reading_prepare(const struct board *b, unsigned int detector, unsigned int range,
		     uint64_t aperture_ns, struct front_end *ret)
{
	const struct etalon_hw_detector *d = &b->detector[detector];
	const struct etalon_hw_range *r = &hw_ranges(b->description)[d->range_first + range];
	const struct front_end_setup setup = {
		.detector = d,
		.range = r,
		.constants = &hw_calibration(b->description)[r->calibration_first],
		.range_number = (uint8_t)range,
		.aperture_ns = aperture_ns,
		.conversion_ns = b->description->conversion_ns,
		.adc_bits = b->parameters.adc_bits,
		.adc_noise_steps = b->parameters.adc_noise_steps,
		.effects = b->effects,
	};

	front_end_prepare(ret, &setup);
}

static struct noise_key key_of(const struct board *b, const struct plant_conditions *c,
			       unsigned int detector, uint64_t point)
{
	return (struct noise_key){
		.seed = b->config.seed,
		.run_key = c->run_key,
		.point = point,
		.channel = NOISE_FRONT_END + detector,
	};
}

/* What an overload leaves behind for a while, and the flags of time. */
static void recover(struct board *b, unsigned int detector, const struct front_end *f,
		    int64_t begin_ns, struct plant_reading *reading, uint8_t *flags)
{
	const struct detector_state *state = &b->detector_state[detector];
	const struct etalon_hw_detector *d = &b->detector[detector];
	const struct etalon_hw_range *r = &hw_ranges(b->description)[d->range_first + f->range];
	const int64_t since = begin_ns - state->overload_ns;

	if (f->recovery_ns && state->overload_ns != INT64_MIN && since < (int64_t)f->recovery_ns) {
		*flags |= ETALON_HW_SAMPLE_OVERLOAD_RECOVERY;
		reading->mean +=
			b->parameters.overload_tail * f->code_max / f->per_step *
			exp(-TAIL_CONSTANTS * (double)MAX(since, 0) / (double)f->recovery_ns);
	}
	if (begin_ns < state->switched_ns)
		*flags |= ETALON_HW_SAMPLE_RANGE_SWITCHED;
	if (begin_ns - state->switched_ns < (int64_t)r->settle_ns)
		*flags |= ETALON_HW_SAMPLE_SETTLING;
}

void reading_take(struct board *b, const struct plant_conditions *c,
		  const enum erb1_detector *detectors, const struct front_end *front_ends,
		  size_t count, int64_t end_ns, uint64_t key_point,
		  struct etalon_hw_sample *samples, uint32_t *ret_plant_flags)
{
	const int64_t begin_ns = end_ns - llround(c->aperture_s * 1e9);
	struct plant_reading readings[ETALON_HW_DETECTORS_MAX];
	double bandwidth[ETALON_HW_DETECTORS_MAX];
	uint32_t plant_flags = 0;

	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		bandwidth[i] = front_ends[i].bandwidth_hz;
	plant_point(b->plant, c, detectors, bandwidth, count, readings, &plant_flags);
	for (size_t i = 0; i < count; i++) {
		const unsigned int n = detectors[i];
		uint8_t flags = 0;

		recover(b, n, &front_ends[i], begin_ns, &readings[i], &flags);
		front_end_sample(&front_ends[i], &readings[i], key_of(b, c, n, key_point),
				 &samples[i]);
		samples[i].flags |= flags;
		if (b->detector[n].role == ETALON_HW_ROLE_WAVELENGTH_LOG && !c->emitting)
			samples[i] = (struct etalon_hw_sample){
				.range = front_ends[i].range,
				.flags = ETALON_HW_SAMPLE_INVALID, /* no light, no wavelength */
			};
		if (samples[i].flags & ETALON_HW_SAMPLE_SATURATED)
			b->detector_state[n].overload_ns = end_ns;
	}
	if (ret_plant_flags)
		*ret_plant_flags = plant_flags;
}

struct etalon_hw_sample reading_slow(struct board *b, unsigned int detector, int64_t t_ns,
				     int64_t within_ns, bool *ret_fresh)
{
	struct detector_state *state = &b->detector_state[detector];
	const uint32_t range = b->detector[detector].range_first + state->range;
	const int64_t every = (int64_t)hw_ranges(b->description)[range].aperture_min_ns;
	const int64_t number = (t_ns - b->epoch_ns) / every;
	const enum erb1_detector one = (enum erb1_detector)detector;
	struct plant_conditions c;
	struct front_end f;

	*ret_fresh = t_ns - (b->epoch_ns + number * every) < within_ns;
	if (number == state->slow_number)
		return state->slow;
	board_conditions(b, t_ns, &c);
	c.aperture_s = (double)every * 1e-9;
	c.run_key = sequencer_active(b) ? b->sequencer.program->image.run_key : RUN_KEY_LIVE;
	c.point = SLOW_POINTS | (uint64_t)number;
	reading_prepare(b, detector, state->range, (uint64_t)every, &f);
	reading_take(b, &c, &one, &f, 1, t_ns, c.point, &state->slow, NULL);
	state->slow_number = number;
	return state->slow;
}
