// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * When points are taken: apertures that ranges allow, ramps and their run-in, and how long a
 * program takes by the rules of hw.h section 3. The move to the first setpoint is not in it: only
 * the board knows from where.
 */
#include <errno.h>
#include <stdlib.h>

#include "measure/plan_build.h"

static bool slow(const struct plan_build *b, const struct column *c)
{
	return b->d->detector[c->detector].flags & ETALON_HW_DETECTOR_SLOW;
}

uint64_t plan_aperture_min(const struct plan_build *b, const char **ret_whose)
{
	uint64_t least = b->d->head.aperture_min_ns;

	*ret_whose = "the board";
	for (unsigned int i = 0; i < b->column_count; i++) {
		const struct column *c = &b->column[i];
		const struct etalon_hw_range *g = description_range_of(b->d, c->detector, c->range);

		if (slow(b, c) || g->aperture_min_ns <= least)
			continue;
		least = g->aperture_min_ns;
		*ret_whose = c->name;
	}
	return least;
}

int plan_check_timing(struct plan_build *b, const struct timing *t)
{
	const struct etalon_hw_description *h = &b->d->head;
	uint64_t aperture_max = (uint64_t)UINT32_MAX * h->tick_ps / 1000, needed;
	const char *whose;
	uint64_t least = plan_aperture_min(b, &whose);

	if (t->aperture_ns < least)
		return fail(b->message, -ERANGE,
			    "aperture %s is shorter than the %s that %s needs: at least %s",
			    duration_quantity(t->aperture_ns).text, duration_quantity(least).text,
			    whose, duration_quantity(least).text);
	if (t->aperture_ns > aperture_max)
		return fail(b->message, -ERANGE,
			    "aperture %s is longer than the board counts: at "
			    "most %s",
			    duration_quantity(t->aperture_ns).text,
			    duration_quantity(aperture_max).text);
	needed = sum_or_max(t->delay_ns, t->aperture_ns);
	if (needed > t->period_ns)
		return fail(b->message, -ERANGE,
			    "delay %s and aperture %s do not fit the period %s: at least %s",
			    duration_quantity(t->delay_ns).text,
			    duration_quantity(t->aperture_ns).text,
			    duration_quantity(t->period_ns).text, duration_quantity(needed).text);
	if (t->period_ns < h->period_min_ns)
		return fail(b->message, -ERANGE,
			    "period %s is shorter than this board's %s: at least %s",
			    duration_quantity(t->period_ns).text,
			    duration_quantity(h->period_min_ns).text,
			    duration_quantity(h->period_min_ns).text);
	return 0;
}

static unsigned __int128 distance(int64_t span)
{
	return span < 0 ? 0 - (unsigned __int128)span : (unsigned __int128)span;
}

uint64_t ramp_period_ns(const struct etalon_hw_source *s, int64_t span, uint32_t points,
			int64_t speed)
{
	unsigned __int128 way = distance(span) * NSEC_PER_SEC;
	unsigned __int128 steps = (unsigned __int128)(points - 1) * (uint64_t)speed;
	unsigned __int128 period = (way + steps / 2) / steps;

	/* Rounding to whole ns must not lead out of the speeds that the source has. */
	if (way > (unsigned __int128)s->ramp_speed_max * (points - 1) * period)
		period++;
	if (way < (unsigned __int128)s->ramp_speed_min * (points - 1) * period)
		period--;
	if (period == 0 || period > INT64_MAX ||
	    way > (unsigned __int128)s->ramp_speed_max * (points - 1) * period)
		return 0;
	return (uint64_t)period;
}

/* Time from the start of motion to the first setpoint, as the board counts it. */
static uint64_t run_in_ns(const struct etalon_hw_source *s, int64_t span, uint32_t points,
			  uint64_t period_ns)
{
	unsigned __int128 way = distance(span);
	unsigned __int128 ns;

	if (way == 0)
		return s->run_in_ns;
	ns = ((unsigned __int128)s->run_in_min * (points - 1) * period_ns + way - 1) / way;
	return MAX((uint64_t)MIN(ns, (unsigned __int128)INT64_MAX), s->run_in_ns);
}

int64_t ramp_run_in(const struct etalon_hw_source *s, int64_t span, uint32_t points,
		    uint64_t period_ns)
{
	unsigned __int128 sweep = (unsigned __int128)(points - 1) * period_ns;
	unsigned __int128 way =
		(distance(span) * run_in_ns(s, span, points, period_ns) + sweep - 1) / sweep;

	return (int64_t)MIN(way, (unsigned __int128)INT64_MAX / 4);
}

static uint64_t move_ns(int64_t way, int64_t speed)
{
	if (speed <= 0)
		return 0;
	return (uint64_t)((distance(way) * NSEC_PER_SEC + (uint64_t)speed - 1) / (uint64_t)speed);
}

static int64_t longest_jump(const struct etalon_hw_source *s, const int64_t *values,
			    uint32_t points)
{
	int64_t longest = 0;

	for (uint32_t i = 1; i < points; i++)
		longest = MAX(longest,
			      llabs(plan_on_grid(s, values[i]) - plan_on_grid(s, values[i - 1])));
	return longest;
}

/* Of a pass; setpoints are rounded to the source's grid, so no step of a line is longer than this. */
static int64_t longest_step(const struct etalon_hw_source *s, const struct axis_member *m,
			    uint32_t points)
{
	int64_t grid, span;

	if (points < 2)
		return 0;
	if (m->values)
		return longest_jump(s, m->values, points);
	grid = MAX(s->resolution, 1) * (int64_t)(points - 1);
	span = llabs(m->stop - m->start);
	return (span / grid + (span % grid != 0)) * MAX(s->resolution, 1);
}

uint64_t step_settle_ns(const struct etalon_hw_source *s, const struct axis_member *m,
			uint32_t points)
{
	return sum_or_max(move_ns(longest_step(s, m, points), s->default_slew), s->settle_ns);
}

/* One direction of the innermost axis, from standing ready to the end of the last period. */
static uint64_t leg_ns(const struct description *d, const struct etalon_hw_program *p)
{
	const struct etalon_hw_axis *a = &p->axis[p->axis_count - 1];
	uint64_t to_center = p->delay_ns + p->aperture_ns / 2;
	uint64_t lead = to_center, tail = p->period_ns - to_center;

	if (a->mode == ETALON_HW_MODE_WAIT)
		return product_or_max(a->points, sum_or_max(p->period_ns, a->wait_hold_ns));
	if (a->mode != ETALON_HW_MODE_RAMP)
		return product_or_max(program_axis_length(p, p->axis_count - 1), p->period_ns);
	for (unsigned int g = 0; g < a->gang_count; g++) {
		uint64_t run =
			run_in_ns(&d->source[a->gang[g].source], a->gang[g].stop - a->gang[g].start,
				  a->points, p->period_ns);

		lead = MAX(lead, run);
		tail = MAX(tail, run);
	}
	return sum_or_max(sum_or_max(lead, tail), product_or_max(a->points - 1, p->period_ns));
}

/* From the end of a leg to where the next stands ready. */
static uint64_t return_ns(const struct description *d, const struct etalon_hw_program *p)
{
	const struct etalon_hw_axis *a = &p->axis[p->axis_count - 1];
	bool turns = a->direction == ETALON_HW_SERPENTINE || a->direction == ETALON_HW_UP_DOWN;
	uint64_t longest = 0;

	for (unsigned int g = 0; g < a->gang_count; g++) {
		const struct etalon_hw_source *s = &d->source[a->gang[g].source];
		int64_t way = a->gang[g].stop - a->gang[g].start;
		int64_t run_in = a->mode == ETALON_HW_MODE_RAMP
					 ? ramp_run_in(s, way, a->points, p->period_ns)
					 : 0;
		uint64_t ns;

		if (a->shape == ETALON_HW_AXIS_LIST || turns)
			way = run_in = 0;
		ns = a->mode == ETALON_HW_MODE_RAMP
			     ? sum_or_max(move_ns(way, s->flyback_speed),
					  2 * move_ns(run_in, s->flyback_speed))
			     : sum_or_max(move_ns(way, s->default_slew), s->settle_ns);
		longest = MAX(longest, ns);
	}
	return longest;
}

/* Of one step of a line; where lists jump to, the program alone does not say. */
static uint64_t step_move_ns(const struct etalon_hw_source *s, const struct etalon_hw_axis *a,
			     const struct etalon_hw_gang *g)
{
	if (a->shape == ETALON_HW_AXIS_LIST || a->points < 2)
		return 0;
	return move_ns((g->stop - g->start) / (int64_t)(a->points - 1), s->default_slew);
}

/* Way and settling of one step of an outer axis. */
static uint64_t step_ns(const struct description *d, const struct etalon_hw_axis *a)
{
	uint64_t settle = a->mode == ETALON_HW_MODE_WAIT ? a->wait_hold_ns : 0;

	for (unsigned int i = 0; i < a->gang_count && a->mode == ETALON_HW_MODE_STEP; i++) {
		const struct etalon_hw_source *s = &d->source[a->gang[i].source];

		settle = MAX(settle, sum_or_max(step_move_ns(s, a, &a->gang[i]), s->settle_ns));
	}
	return sum_or_max(settle, a->settle_ns);
}

static uint64_t gate_ns(const struct description *d, const struct etalon_hw_program *p)
{
	for (uint32_t i = 0; i < d->head.source_count; i++)
		if (d->source[i].is_gate && p->gate == ETALON_HW_GATE_OPEN)
			return 2 * d->source[i].settle_ns; /* opens and shuts */
	return 0;
}

uint64_t program_duration_ns(const struct description *d, const struct etalon_hw_program *p)
{
	unsigned int inner = p->axis_count - 1;
	const struct etalon_hw_axis *a = &p->axis[inner];
	uint64_t legs = inner > 0 ? program_axis_steps(p, inner - 1) : 1;
	uint64_t all = gate_ns(d, p);

	if (a->mode == ETALON_HW_MODE_RAMP && a->direction == ETALON_HW_UP_DOWN)
		legs = product_or_max(legs, 2);
	all = sum_or_max(all, product_or_max(legs, leg_ns(d, p)));
	all = sum_or_max(all, product_or_max(legs - 1, return_ns(d, p)));
	if (a->mode == ETALON_HW_MODE_STEP)
		all = sum_or_max(all, step_ns(d, a)); /* the very first point settles, too */
	for (unsigned int outer = 0; outer < inner; outer++)
		all = sum_or_max(all, product_or_max(program_axis_steps(p, outer),
						     step_ns(d, &p->axis[outer])));
	return all;
}
