// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One axis of a program: its gang, as a line where all setpoints fall on the sources' grids or
 * are passed on the fly, else as uploaded lists. Every setpoint is checked against the limits.
 */
#include <errno.h>

#include "measure/plan_build.h"

void plan_repeat_axis(struct segment *s, unsigned int axis, uint32_t points)
{
	s->program.axis[axis] = (struct etalon_hw_axis){
		.points = points,
		.shape = ETALON_HW_AXIS_LINEAR,
		.mode = ETALON_HW_MODE_STEP,
		.direction = ETALON_HW_FORWARD,
	};
}

/* Does every setpoint of the line fall on the grid, as boards check it? */
static bool on_grid(const struct etalon_hw_source *s, const struct axis_member *m, uint32_t points)
{
	return points < 2 || (m->stop - m->start) / s->resolution % (points - 1) == 0;
}

static int check_ends(struct plan_build *b, struct axis_member *m, uint32_t points,
		      unsigned int mode, uint64_t period_ns)
{
	const struct etalon_hw_source *s = &b->d->source[m->source];
	int64_t margin = 0;
	int r;

	/* Onto the grid first: the run-in depends on the span. */
	r = plan_check_setpoint(b, m->source, 0, &m->start);
	if (r == 0)
		r = plan_check_setpoint(b, m->source, 0, &m->stop);
	if (r < 0)
		return r;
	if (mode == ETALON_HW_MODE_RAMP)
		margin = ramp_run_in(s, m->stop - m->start, points, period_ns);
	if (margin == 0)
		return 0;
	r = plan_check_setpoint(b, m->source, margin, &m->start);
	return r < 0 ? r : plan_check_setpoint(b, m->source, margin, &m->stop);
}

static int64_t *new_list(struct plan_build *b, struct segment *s, uint32_t points,
			 uint16_t *ret_number)
{
	uint32_t most = b->d->head.list_points_max;
	struct link_list *more;
	int64_t *values;

	if (!(b->d->head.capabilities & ETALON_HW_CAP_LISTS)) {
		fail(b->message, -ENOTSUP,
		     "this board takes no lists of setpoints: choose steps that are multiples of "
		     "the source's own");
		return NULL;
	}
	if (points > most || s->list_count == ETALON_HW_LISTS_MAX) {
		fail(b->message, -ERANGE,
		     "this board takes %d lists of %s setpoints; this needs one more of %s",
		     ETALON_HW_LISTS_MAX, quantity_count(most).text, quantity_count(points).text);
		return NULL;
	}
	values = malloc(points * sizeof(*values));
	more = reallocarray(s->lists, s->list_count + 1, sizeof(*more));
	if (!values || !more) {
		if (more)
			s->lists = more;
		free(values);
		fail(b->message, -ENOMEM, "no memory for a list of setpoints");
		return NULL;
	}
	s->lists = more;
	s->lists[s->list_count] = (struct link_list){values, points};
	*ret_number = (uint16_t)s->list_count++;
	return values;
}

static int fill_list(struct plan_build *b, struct segment *s, const struct axis_member *m,
		     uint32_t points, uint16_t *ret_number)
{
	const struct etalon_hw_source *source = &b->d->source[m->source];
	int64_t *values = new_list(b, s, points, ret_number);
	int r;

	if (!values)
		return -ERANGE;
	for (uint32_t i = 0; i < points; i++) {
		if (!m->values) {
			values[i] = plan_on_grid(source,
						 etalon_hw_setpoint(m->start, m->stop, points, i));
			continue;
		}
		values[i] = m->values[i];
		r = plan_check_setpoint(b, m->source, 0, &values[i]);
		if (r < 0)
			return r;
	}
	if (!m->values)
		plan_warn(b, "setpoints of %s are rounded to its steps of %s", source->name,
			  source_distance(source->kind, source->resolution).text);
	return 0;
}

/* A step below the source's own would set the same value twice. */
static int check_step(struct plan_build *b, const struct axis_member *m, uint32_t points,
		      unsigned int mode)
{
	const struct etalon_hw_source *s = &b->d->source[m->source];
	int64_t way = m->stop > m->start ? m->stop - m->start : m->start - m->stop;
	int64_t least = mode == ETALON_HW_MODE_RAMP ? 1 : s->resolution;

	if (points < 2 || way / (points - 1) >= least)
		return 0;
	if (way == 0)
		return fail(b->message, -EINVAL, "%s: start and stop are both %s, in %s points",
			    s->name, source_quantity(s->kind, m->start).text,
			    quantity_count(points).text);
	return fail(b->message, -ERANGE,
		    "%s: %s points over %s are finer than its steps of %s; at most %s points",
		    s->name, quantity_count(points).text, source_distance(s->kind, way).text,
		    source_distance(s->kind, least).text,
		    quantity_count((uint64_t)(way / least) + 1).text);
}

int plan_set_axis(struct plan_build *b, struct segment *s, unsigned int axis,
		  struct axis_member *members, unsigned int count, uint32_t points,
		  unsigned int mode)
{
	struct etalon_hw_axis *a = &s->program.axis[axis];
	bool lists = false;
	int r = 0;

	a->points = points;
	a->mode = (uint8_t)mode;
	a->gang_count = (uint8_t)count;
	for (unsigned int i = 0; i < count; i++) {
		struct axis_member *m = &members[i];

		if (!m->values)
			r = check_ends(b, m, points, mode, s->program.period_ns);
		if (r == 0 && !m->values)
			r = check_step(b, m, points, mode);
		if (r < 0)
			return r;
		lists = lists || m->values ||
			(mode != ETALON_HW_MODE_RAMP &&
			 !on_grid(&b->d->source[m->source], m, points));
	}
	if (lists && mode == ETALON_HW_MODE_RAMP)
		return fail(b->message, -EINVAL, "a ramp runs from start to stop, not over values");
	a->shape = lists ? ETALON_HW_AXIS_LIST : ETALON_HW_AXIS_LINEAR;
	for (unsigned int i = 0; i < count; i++) {
		a->gang[i].source = (uint16_t)members[i].source;
		if (lists) {
			r = fill_list(b, s, &members[i], points, &a->gang[i].list);
			if (r < 0)
				return r;
		} else {
			a->gang[i].start = members[i].start;
			a->gang[i].stop = points > 1 ? members[i].stop : members[i].start;
		}
	}
	return 0;
}
