// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The records that a program would yield on the fake board. See fake_board.h.
 */
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "fake_board.h"
#include "measure/plan_count.h"

enum stage {
	STAGE_START,
	STAGE_POINTS,
	STAGE_END,
	STAGE_DONE,
};

double fake_power_w(unsigned int detector, double wavelength_nm, void *userdata)
{
	double x = (wavelength_nm - 1550) / 0.025, line = 1 / (1 + x * x);

	(void)userdata;
	switch (detector) {
	case FAKE_PD1:
		return 50e-6 * (1 - 0.9 * line);
	case FAKE_PD2:
		return 40e-6 * line;
	default:
		return 0.9e-3; /* FAKE_MON: at the port */
	}
}

void fake_run_begin(struct fake_run *run, const struct description *d,
		    const struct etalon_hw_program *program, uint64_t sequence)
{
	*run = (struct fake_run){
		.d = d,
		.program = *program,
		.stride = (uint32_t)record_stride(program->detector_count),
		.power_w = fake_power_w,
		.drop_first = UINT64_MAX,
		.saturate_point = UINT64_MAX,
		.stop_after = UINT64_MAX,
		.temperature_c = 25,
		.sequence = sequence,
		.tick = 1000000,
		.points = program_points(program),
		.seed = 1,
	};
}

/* Roughly Gaussian, repeatable. */
static double noise(struct fake_run *run)
{
	double sum = 0;

	for (int i = 0; i < 12; i++) {
		run->seed = run->seed * 1664525U + 1013904223U;
		sum += run->seed / 4294967296.0;
	}
	return sum - 6;
}

static const struct etalon_hw_axis *inner_axis(const struct fake_run *run)
{
	return &run->program.axis[run->program.axis_count - 1];
}

static double setpoint_nm(const struct fake_run *run, uint64_t number)
{
	const struct etalon_hw_axis *axis = inner_axis(run);
	uint32_t i = program_axis_index(&run->program, run->program.axis_count - 1, number);

	if (axis->gang_count == 0 || axis->gang[0].source != FAKE_WAVELENGTH)
		return 1550;
	return (double)etalon_hw_setpoint(axis->gang[0].start, axis->gang[0].stop, axis->points,
					  i) *
	       1e-6;
}

double fake_logged_nm(const struct fake_run *run, uint64_t number)
{
	return setpoint_nm(run, number) + FAKE_TUNING_NM;
}

static int32_t encode(const struct etalon_hw_range *range,
		      const struct etalon_hw_calibration_point *cal, double value, double steps)
{
	double reading = (value - (double)cal->offset) / (1 + (double)cal->gain_ppb * 1e-9);

	return (int32_t)llround(
		((reading - (double)range->offset) / ((double)range->step_q16 / 65536) + steps) *
		256);
}

static double true_value(const struct fake_run *run, unsigned int detector, double logged_nm)
{
	bool shut = run->program.gate == ETALON_HW_GATE_SHUT;
	double tap = detector == FAKE_MON ? FAKE_TAP : 1;

	switch (detector) {
	case FAKE_WLOG:
		return logged_nm * 1e6;
	case FAKE_TEC_T:
		return (run->temperature_c + 273.15) * 1e6;
	case FAKE_HEATER_I:
		return 5e12; /* 5 mA */
	default:
		return 1e15 * (fake_dark_a(detector) + run->extra_dark_a +
			       (shut ? 0
				     : tap * fake_responsivity(logged_nm) *
						run->power_w(detector, logged_nm, run->userdata)));
	}
}

static void head(struct fake_run *run, void *at, uint16_t type)
{
	memset(at, 0, run->stride);
	*(struct etalon_hw_record *)at = (struct etalon_hw_record){
		.magic = ETALON_HW_RECORD_MAGIC,
		.type = type,
		.size = (uint16_t)run->stride,
		.generation = run->program.generation,
		.sequence = run->sequence++,
	};
}

static void put_start(struct fake_run *run, void *at)
{
	struct etalon_hw_record_start *start = at;

	head(run, at, ETALON_HW_RECORD_START);
	start->program_crc = crc32c(0, &run->program, sizeof(run->program));
	start->calibration_generation = run->d->head.calibration_generation;
	start->run_key = run->program.run_key;
	start->tick = run->tick;
	start->points = run->points;
	start->detector_count = run->program.detector_count;
	start->tick_ps = run->d->head.tick_ps;
}

static void put_samples(struct fake_run *run, struct etalon_hw_record_point *point)
{
	double nm = fake_logged_nm(run, run->number);

	for (unsigned int i = 0; i < run->program.detector_count; i++) {
		unsigned int detector = run->program.detector[i].detector;
		unsigned int range = run->program.detector[i].range;
		const struct etalon_hw_range *r = description_range_of(run->d, detector, range);
		double steps = run->noise_steps > 0 && detector <= FAKE_MON
				       ? run->noise_steps * noise(run)
				       : 0;

		point->sample[i].mean_q8 = encode(r, &run->d->calibration[r->calibration_first],
						  true_value(run, detector, nm), steps);
		point->sample[i].range = (uint8_t)range;
		if (detector == FAKE_PD1 && run->number == run->saturate_point)
			point->sample[i].flags = ETALON_HW_SAMPLE_SATURATED;
	}
}

static bool reverse(const struct fake_run *run)
{
	const struct etalon_hw_axis *axis = inner_axis(run);
	uint64_t step =
		run->number % (axis->points * (axis->direction == ETALON_HW_UP_DOWN ? 2 : 1));

	return (axis->direction == ETALON_HW_UP_DOWN && step >= axis->points) ||
	       axis->direction == ETALON_HW_REVERSE ||
	       (axis->direction == ETALON_HW_SERPENTINE && run->number / axis->points % 2 == 1);
}

static void put_point(struct fake_run *run, void *at)
{
	struct etalon_hw_record_point *point = at;

	head(run, at, ETALON_HW_RECORD_POINT);
	point->number = run->number;
	for (unsigned int a = 0; a < run->program.axis_count; a++)
		point->index[a] = program_axis_index(&run->program, a, run->number);
	point->flags =
		(run->program.gate == ETALON_HW_GATE_SHUT ? ETALON_HW_POINT_GATE_CLOSED : 0) |
		(reverse(run) ? ETALON_HW_POINT_REVERSE : 0);
	point->tick =
		run->tick + run->number * run->program.period_ns * 1000 / run->d->head.tick_ps;
	point->aperture_ticks = (uint32_t)(run->program.aperture_ns * 1000 / run->d->head.tick_ps);
	point->conversions = (uint32_t)(run->program.aperture_ns / run->d->head.conversion_ns);
	put_samples(run, point);
	run->number++;
	run->crc = crc32c(run->crc, (char *)at + sizeof(struct etalon_hw_record),
			  run->stride - sizeof(struct etalon_hw_record));
}

static void put_status(struct fake_run *run, void *at)
{
	struct etalon_hw_record_status *status = at;
	const struct etalon_hw_range *r = description_range_of(run->d, FAKE_TEC_T, 0);

	run->next_status = run->number + run->status_every;
	head(run, at, ETALON_HW_RECORD_STATUS);
	status->state = ETALON_HW_STATE_EMITTING;
	status->entry_count = 1;
	status->entry[0].detector = FAKE_TEC_T;
	status->entry[0].mean_q8 = encode(r, &run->d->calibration[r->calibration_first],
					  true_value(run, FAKE_TEC_T, 0), 0);
}

/* One GAP record for all that are lost; it takes the number after them. */
static void put_gap(struct fake_run *run, void *at)
{
	uint64_t lost = MIN(run->drop_count, run->points - run->number);
	uint64_t first = run->sequence;
	struct etalon_hw_record_gap *gap = at;

	run->sequence += lost;
	head(run, at, ETALON_HW_RECORD_GAP);
	gap->first = first;
	gap->count = gap->points = lost;
	run->number += lost;
	run->dropped += lost;
}

static void put_end(struct fake_run *run, void *at)
{
	struct etalon_hw_record_end *end = at;

	head(run, at, ETALON_HW_RECORD_END);
	end->produced = run->number;
	end->dropped = run->dropped;
	end->crc = run->crc;
	end->cause = run->number < run->points ? ETALON_HW_END_STOPPED : ETALON_HW_END_DONE;
}

static bool put_record(struct fake_run *run, void *at)
{
	switch (run->stage) {
	case STAGE_START:
		put_start(run, at);
		run->stage = STAGE_POINTS;
		return true;
	case STAGE_POINTS:
		if (run->number == run->drop_first && run->dropped == 0 && run->drop_count > 0)
			put_gap(run, at);
		else if (run->status_every > 0 && run->number >= run->next_status)
			put_status(run, at);
		else
			put_point(run, at);
		if (run->number >= MIN(run->points, run->stop_after))
			run->stage = run->no_end ? STAGE_DONE : STAGE_END;
		return true;
	case STAGE_END:
		put_end(run, at);
		run->stage = STAGE_DONE;
		return true;
	default:
		return false;
	}
}

size_t fake_records(struct fake_run *run, void *buffer, size_t max_bytes)
{
	size_t used = 0;

	while (used + run->stride <= max_bytes && put_record(run, (char *)buffer + used))
		used += run->stride;
	return used;
}
