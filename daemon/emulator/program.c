// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a program means: setpoints, ramps, sizes; and the memory it is kept in. The checks are
 * in program_check.c.
 */
#include "emulator/program.h"

#include "base/util.h"
#include "emulator/program_check.h"
#include "emulator/records.h"

const struct etalon_hw_source *hw_sources(const struct etalon_hw_description *d)
{
	return (const void *)((const uint8_t *)d + d->source_offset);
}

const struct etalon_hw_detector *hw_detectors(const struct etalon_hw_description *d)
{
	return (const void *)((const uint8_t *)d + d->detector_offset);
}

const struct etalon_hw_range *hw_ranges(const struct etalon_hw_description *d)
{
	return (const void *)((const uint8_t *)d + d->range_offset);
}

const struct etalon_hw_calibration_point *hw_calibration(const struct etalon_hw_description *d)
{
	return (const void *)((const uint8_t *)d + d->calibration_offset);
}

uint64_t program_pass_points(const struct etalon_hw_axis *axis)
{
	return (uint64_t)axis->points * (axis->direction == ETALON_HW_UP_DOWN ? 2 : 1);
}

int64_t program_setpoint(const struct program *p, unsigned int axis, unsigned int member,
			 uint32_t index)
{
	const struct etalon_hw_axis *a = &p->image.axis[axis];
	const struct etalon_hw_gang *g = &a->gang[member];

	if (a->shape == ETALON_HW_AXIS_LIST)
		return p->values[axis][member][index];
	return etalon_hw_setpoint(g->start, g->stop, a->points, index);
}

static uint64_t span_of(const struct etalon_hw_gang *g)
{
	return g->stop < g->start ? (uint64_t)g->start - (uint64_t)g->stop
				  : (uint64_t)g->stop - (uint64_t)g->start;
}

uint64_t program_run_in_ns(const struct program *p, const struct etalon_hw_source *s,
			   unsigned int member)
{
	const struct etalon_hw_axis *a = program_innermost(p);
	const uint64_t span = span_of(&a->gang[member]);
	unsigned __int128 numerator;

	if (!span)
		return s->run_in_ns;
	/* run_in_min at the ramp's speed, span / ((points - 1) x period), rounded up */
	numerator = (unsigned __int128)s->run_in_min * (a->points - 1) * p->image.period_ns;
	return MAX((uint64_t)((numerator + span - 1) / span), s->run_in_ns);
}

int64_t program_run_in_distance(const struct program *p, const struct etalon_hw_source *s,
				unsigned int member)
{
	const struct etalon_hw_axis *a = program_innermost(p);
	const uint64_t ns = program_run_in_ns(p, s, member);
	const unsigned __int128 divisor = (unsigned __int128)(a->points - 1) * p->image.period_ns;

	return (int64_t)(((unsigned __int128)span_of(&a->gang[member]) * ns + divisor - 1) /
			 divisor);
}

static int keep_lists(const struct program_context *context, struct program *p)
{
	for (unsigned int a = 0; a < p->image.axis_count; a++) {
		const struct etalon_hw_axis *axis = &p->image.axis[a];

		for (unsigned int m = 0; axis->shape == ETALON_HW_AXIS_LIST && m < axis->gang_count;
		     m++) {
			const struct uploaded_list *list = &context->lists[axis->gang[m].list];

			p->values[a][m] = malloc(list->points * sizeof(int64_t));
			if (!p->values[a][m])
				return -ENOMEM;
			memcpy(p->values[a][m], list->values, list->points * sizeof(int64_t));
		}
	}
	return 0;
}

static bool reaches(const struct program *p, unsigned int axis, unsigned int member)
{
	const struct etalon_hw_gang *g = &p->image.axis[axis].gang[member];

	if (p->image.axis[axis].shape == ETALON_HW_AXIS_LINEAR)
		return g->start || g->stop;
	for (uint32_t i = 0; i < p->image.axis[axis].points; i++)
		if (p->values[axis][member][i])
			return true;
	return false;
}

/* What the program does to light: decided once, at LOAD. */
static void consider_emission(const struct program_context *context, struct program *p)
{
	const struct etalon_hw_source *sources = hw_sources(context->description);

	p->needs_emitting = p->image.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION ||
			    p->image.gate == ETALON_HW_GATE_OPEN;
	for (unsigned int a = 0; a < p->image.axis_count; a++)
		for (unsigned int m = 0; m < p->image.axis[a].gang_count; m++) {
			const uint16_t n = p->image.axis[a].gang[m].source;
			const bool ramps_zero = sources[n].safe_action == ETALON_HW_SAFE_RAMP_ZERO;

			p->drives[n] = true;
			p->steps[n] = p->image.axis[a].mode == ETALON_HW_MODE_STEP;
			p->drives_ramp_zero |= ramps_zero;
			if ((sources[n].is_gate || (sources[n].emits && ramps_zero)) &&
			    reaches(p, a, m))
				p->needs_emitting = true;
		}
}

int program_load(const struct program_context *context, const struct etalon_hw_program *image,
		 struct program **ret, struct refusal *ret_refusal)
{
	_cleanup_(program_freep) struct program *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->image = *image;
	r = program_check(context, image, ret_refusal);
	if (r < 0)
		return r;
	r = keep_lists(context, p);
	if (r < 0)
		return r;
	r = program_check_setpoints(context, p, ret_refusal);
	if (r < 0)
		return r;
	p->crc = crc32c(0, image, sizeof(*image));
	p->stride = records_stride(image->detector_count);
	p->points = 1;
	for (unsigned int a = 0; a < image->axis_count; a++)
		p->points *= program_pass_points(&image->axis[a]);
	consider_emission(context, p);
	*ret = take_ptr(p);
	return 0;
}

struct program *program_free(struct program *p)
{
	if (p) {
		for (size_t a = 0; a < ETALON_HW_AXES_MAX; a++)
			for (size_t m = 0; m < ETALON_HW_GANG_MAX; m++)
				free(p->values[a][m]);
		free(p);
	}
	return NULL;
}
