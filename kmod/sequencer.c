// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs against the description and the limits; see sequencer.h. In the order in which a board
 * looks: form, timing, axes, detectors, comparators, speeds, limits, resolution.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/stddef.h>

#include "sequencer.h"
#include "wide.h"

#define POINTS_MAX 0x4000000000000000ULL
#define DURATION_MAX_NS 0x2000000000000000ULL
#define PERIOD_MAX_NS 40000000000LL /* aperture_ticks has 32 bits */
#define NS_PER_S 1000000000ULL
#define RUN_IN_MAX 0x2000000000000000ULL

/* DETAIL of REFUSED_TIMING */
#define TIMING_PERIOD 0
#define TIMING_APERTURE 1

#define AT(member) offsetof(struct etalon_hw_program, member)
#define AT_AXIS(n, member) \
	(AT(axis) + (n) * sizeof(struct etalon_hw_axis) + offsetof(struct etalon_hw_axis, member))
#define AT_GANG(n, m, member)                                     \
	(AT_AXIS(n, gang) + (m) * sizeof(struct etalon_hw_gang) + \
	 offsetof(struct etalon_hw_gang, member))
#define AT_DETECTOR(n, member)                                            \
	(AT(detector) + (n) * sizeof(struct etalon_hw_program_detector) + \
	 offsetof(struct etalon_hw_program_detector, member))
#define AT_COMPARATOR(n, member)                                      \
	(AT(comparator) + (n) * sizeof(struct etalon_hw_comparator) + \
	 offsetof(struct etalon_hw_comparator, member))

int etalon_refuse(struct etalon_refusal *refusal, __u32 result, __u32 detail, __s64 low, __s64 high)
{
	*refusal = (struct etalon_refusal){result, detail, low, high};
	return etalon_hw_result_errno(result);
}

static int malformed(struct etalon_refusal *refusal, size_t offset)
{
	return etalon_refuse(refusal, ETALON_HW_REFUSED_PROGRAM, (__u32)offset, 0, 0);
}

static int check_clocks(const struct etalon_hw_description *h, const struct etalon_hw_program *p,
			struct etalon_refusal *refusal)
{
	if (p->start_source > ETALON_HW_START_EDGE)
		return malformed(refusal, AT(start_source));
	if (p->start_source == ETALON_HW_START_EDGE && p->start_input >= h->trigger_inputs)
		return malformed(refusal, AT(start_input));
	if (p->point_clock > ETALON_HW_CLOCK_SOURCE)
		return malformed(refusal, AT(point_clock));
	if (p->point_clock == ETALON_HW_CLOCK_EDGE && p->clock_input >= h->trigger_inputs)
		return malformed(refusal, AT(clock_input));
	return 0;
}

static int check_head(const struct etalon_hw_description *h, const struct etalon_hw_program *p,
		      struct etalon_refusal *refusal)
{
	const __u32 known = ETALON_HW_PROGRAM_NEEDS_EMISSION | ETALON_HW_PROGRAM_STOP_ON_OVERFLOW;
	size_t i;
	int ret;

	if (p->magic != ETALON_HW_PROGRAM_MAGIC)
		return malformed(refusal, AT(magic));
	if (p->size != sizeof(*p))
		return malformed(refusal, AT(size));
	if (!p->generation)
		return malformed(refusal, AT(generation));
	if (p->flags & ~known)
		return malformed(refusal, AT(flags));
	if (p->axis_count < 1 || p->axis_count > ETALON_HW_AXES_MAX)
		return malformed(refusal, AT(axis_count));
	if (p->detector_count < 1 || p->detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX)
		return malformed(refusal, AT(detector_count));
	if (p->gate > ETALON_HW_GATE_OPEN)
		return malformed(refusal, AT(gate));
	ret = check_clocks(h, p, refusal);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(p->output); i++)
		if (p->output[i] > ETALON_HW_OUTPUT_EMISSION ||
		    (p->output[i] && i >= h->trigger_outputs))
			return malformed(refusal, AT(output) + i);
	if (p->reserved0)
		return malformed(refusal, AT(reserved0));
	if (p->pulse_base_aperture_ns && !(h->capabilities & ETALON_HW_CAP_PULSE))
		return malformed(refusal, AT(pulse_base_aperture_ns));
	for (i = 0; i < ARRAY_SIZE(p->reserved); i++)
		if (p->reserved[i])
			return malformed(refusal, AT(reserved) + i * sizeof(p->reserved[0]));
	return 0;
}

static int check_timing(const struct etalon_program_context *c, const struct etalon_hw_program *p,
			struct etalon_refusal *refusal)
{
	const struct etalon_hw_description *h = c->description->head;
	__u64 least = h->period_min_ns;

	if (p->aperture_ns < h->aperture_min_ns || p->aperture_ns > PERIOD_MAX_NS)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_TIMING, TIMING_APERTURE,
				     h->aperture_min_ns, PERIOD_MAX_NS);
	if (p->delay_ns <= PERIOD_MAX_NS)
		least = max(least, p->delay_ns + p->aperture_ns);
	if (p->delay_ns > PERIOD_MAX_NS || p->period_ns < least || p->period_ns > PERIOD_MAX_NS)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_TIMING, TIMING_PERIOD,
				     min_t(__s64, (__s64)least, PERIOD_MAX_NS), PERIOD_MAX_NS);
	if (etalon_wide_compare(etalon_wide_multiply(p->period_ns, c->record_rate_max),
				(struct etalon_wide){0, NS_PER_S}) < 0)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_RATE, 0, 0,
				     (__s64)c->record_rate_max);
	return 0;
}

static int check_wait(const struct etalon_hw_axis *a, unsigned int n,
		      struct etalon_refusal *refusal)
{
	if (!a->gang_count)
		return malformed(refusal, AT_AXIS(n, gang_count));
	if (a->wait_window <= 0)
		return malformed(refusal, AT_AXIS(n, wait_window));
	if (a->wait_slope <= 0)
		return malformed(refusal, AT_AXIS(n, wait_slope));
	if (!a->wait_timeout_ns || a->wait_timeout_ns < a->wait_hold_ns ||
	    a->wait_timeout_ns > DURATION_MAX_NS)
		return malformed(refusal, AT_AXIS(n, wait_timeout_ns));
	return 0;
}

static int check_pulse(const struct etalon_hw_description *h, const struct etalon_hw_program *p,
		       unsigned int n, struct etalon_refusal *refusal)
{
	const struct etalon_hw_axis *a = &p->axis[n];

	if (!(h->capabilities & ETALON_HW_CAP_PULSE) || n != p->axis_count - 1)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_MODE, n, 0, 0);
	if (a->gang_count != 1) /* there is one base */
		return malformed(refusal, AT_AXIS(n, gang_count));
	if (a->pulse_width_ns < p->aperture_ns || a->pulse_width_ns > p->period_ns)
		return malformed(refusal, AT_AXIS(n, pulse_width_ns));
	if (p->delay_ns) /* the pulse's end says when the aperture is */
		return malformed(refusal, AT(delay_ns));
	return 0;
}

/* The innermost axis has passed: a pulse is not longer than the period. */
static int check_base_level(const struct etalon_hw_description *h,
			    const struct etalon_hw_program *p, struct etalon_refusal *refusal)
{
	const struct etalon_hw_axis *a = &p->axis[p->axis_count - 1];

	if (!p->pulse_base_aperture_ns)
		return 0;
	if (a->mode != ETALON_HW_MODE_PULSE ||
	    p->pulse_base_aperture_ns > p->period_ns - a->pulse_width_ns)
		return malformed(refusal, AT(pulse_base_aperture_ns));
	if (p->pulse_base_aperture_ns < h->aperture_min_ns)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_TIMING, TIMING_APERTURE,
				     h->aperture_min_ns, PERIOD_MAX_NS);
	return 0;
}

static int check_axis_mode(const struct etalon_hw_description *h, const struct etalon_hw_program *p,
			   unsigned int n, struct etalon_refusal *refusal)
{
	const struct etalon_hw_axis *a = &p->axis[n];

	switch (a->mode) {
	case ETALON_HW_MODE_STEP:
		return 0;
	case ETALON_HW_MODE_WAIT:
		return check_wait(a, n, refusal);
	case ETALON_HW_MODE_RAMP:
		if (n != p->axis_count - 1 || a->shape != ETALON_HW_AXIS_LINEAR || !a->gang_count)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_MODE, n, 0, 0);
		return a->points < 2 ? malformed(refusal, AT_AXIS(n, points)) : 0;
	case ETALON_HW_MODE_PULSE:
		return check_pulse(h, p, n, refusal);
	default:
		return malformed(refusal, AT_AXIS(n, mode));
	}
}

static int check_axis_form(const struct etalon_hw_description *h, const struct etalon_hw_program *p,
			   unsigned int n, struct etalon_refusal *refusal)
{
	const struct etalon_hw_axis *a = &p->axis[n];

	if (a->points < 1 || a->points > ETALON_HW_AXIS_POINTS_MAX)
		return malformed(refusal, AT_AXIS(n, points));
	if (a->shape != ETALON_HW_AXIS_LINEAR && a->shape != ETALON_HW_AXIS_LIST)
		return malformed(refusal, AT_AXIS(n, shape));
	if (a->direction > ETALON_HW_UP_DOWN)
		return malformed(refusal, AT_AXIS(n, direction));
	if (a->gang_count > ETALON_HW_GANG_MAX)
		return malformed(refusal, AT_AXIS(n, gang_count));
	if (a->settle_ns > DURATION_MAX_NS)
		return malformed(refusal, AT_AXIS(n, settle_ns));
	return check_axis_mode(h, p, n, refusal);
}

static int check_gang(const struct etalon_program_context *c, const struct etalon_hw_program *p,
		      unsigned int n, bool *used, struct etalon_refusal *refusal)
{
	const struct etalon_description_view *d = c->description;
	const struct etalon_hw_axis *a = &p->axis[n];
	unsigned int m;

	for (m = 0; m < a->gang_count; m++) {
		const __u16 source = a->gang[m].source, list = a->gang[m].list;

		if (source >= d->head->source_count)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, source, 0,
					     (__s64)d->head->source_count - 1);
		if (used[source]) /* one source, one axis */
			return malformed(refusal, AT_GANG(n, m, source));
		used[source] = true;
		if (!(d->source[source].modes & a->mode))
			return etalon_refuse(refusal, ETALON_HW_REFUSED_MODE, n, 0, 0);
		if (a->shape != ETALON_HW_AXIS_LIST)
			continue;
		if (list >= ETALON_HW_LISTS_MAX)
			return malformed(refusal, AT_GANG(n, m, list));
		if (c->lists[list].points != a->points)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_LIST, n, a->points,
					     a->points);
	}
	return 0;
}

static int count_points(const struct etalon_hw_program *p, __u64 *ret,
			struct etalon_refusal *refusal)
{
	__u64 points = 1;
	unsigned int n;

	for (n = 0; n < p->axis_count; n++) {
		const struct etalon_hw_axis *a = &p->axis[n];
		const __u64 pass = (__u64)a->points * (a->direction == ETALON_HW_UP_DOWN ? 2 : 1);

		if (points > div64_u64(POINTS_MAX, pass))
			return malformed(refusal, AT_AXIS(n, points));
		points *= pass;
	}
	if (etalon_wide_compare(etalon_wide_multiply(points, p->period_ns),
				(struct etalon_wide){0, DURATION_MAX_NS}) > 0)
		return malformed(refusal, AT_AXIS(0, points));
	*ret = points;
	return 0;
}

static int check_axes(const struct etalon_program_context *c, const struct etalon_hw_program *p,
		      struct etalon_refusal *refusal)
{
	bool used[ETALON_HW_SOURCES_MAX] = {false};
	unsigned int n;
	int ret;

	for (n = 0; n < p->axis_count; n++) {
		ret = check_axis_form(c->description->head, p, n, refusal);
		if (!ret)
			ret = check_gang(c, p, n, used, refusal);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_detectors(const struct etalon_description_view *d,
			   const struct etalon_hw_program *p, struct etalon_refusal *refusal)
{
	bool used[2][ETALON_HW_DETECTORS_MAX] = {{false}};
	__u32 i;

	for (i = 0; i < p->detector_count; i++) {
		const struct etalon_hw_program_detector *use = &p->detector[i];
		const __u64 aperture_ns = use->at_base ? p->pulse_base_aperture_ns : p->aperture_ns;
		const struct etalon_hw_detector *t;
		const struct etalon_hw_range *r;

		if (use->detector >= d->head->detector_count)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, use->detector, 0,
					     (__s64)d->head->detector_count - 1);
		if (use->at_base > 1 || (use->at_base && !p->pulse_base_aperture_ns))
			return malformed(refusal, AT_DETECTOR(i, at_base));
		if (used[use->at_base][use->detector])
			return malformed(refusal, AT_DETECTOR(i, detector));
		used[use->at_base][use->detector] = true;
		t = &d->detector[use->detector];
		if (use->range >= t->range_count)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, use->detector, 0,
					     (__s64)t->range_count - 1);
		r = etalon_description_range(d, use->detector, use->range);
		if (!(t->flags & ETALON_HW_DETECTOR_SLOW) && aperture_ns < r->aperture_min_ns)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_TIMING, TIMING_APERTURE,
					     (__s64)r->aperture_min_ns, PERIOD_MAX_NS);
	}
	return 0;
}

static int check_comparators(const struct etalon_description_view *d,
			     const struct etalon_hw_program *p, struct etalon_refusal *refusal)
{
	size_t i;

	for (i = 0; i < ETALON_HW_COMPARATORS_MAX; i++) {
		const struct etalon_hw_comparator *c = &p->comparator[i];

		if (c->kind == ETALON_HW_COMPARATOR_NONE)
			continue;
		if (c->kind > ETALON_HW_COMPARATOR_FALLS)
			return malformed(refusal, AT_COMPARATOR(i, kind));
		if (c->action > ETALON_HW_COMPARATOR_TRIP)
			return malformed(refusal, AT_COMPARATOR(i, action));
		if (c->detector >= d->head->detector_count)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, c->detector, 0,
					     (__s64)d->head->detector_count - 1);
		if (c->kind == ETALON_HW_COMPARATOR_FALLS &&
		    (c->threshold <= 0 || c->threshold >= 1000000))
			return malformed(refusal, AT_COMPARATOR(i, threshold));
	}
	return 0;
}

static __u64 distance(const struct etalon_hw_gang *g)
{
	return g->stop < g->start ? (__u64)g->start - (__u64)g->stop
				  : (__u64)g->stop - (__u64)g->start;
}

/* From the first point of a pass to the last. */
static __u64 pass_ns(const struct etalon_hw_program *p)
{
	return (__u64)(p->axis[p->axis_count - 1].points - 1) * p->period_ns;
}

static int check_speed(const struct etalon_description_view *d, const struct etalon_hw_program *p,
		       struct etalon_refusal *refusal)
{
	const unsigned int n = p->axis_count - 1;
	const struct etalon_hw_axis *a = &p->axis[n];
	const __u64 time = pass_ns(p);
	unsigned int m;

	if (a->mode != ETALON_HW_MODE_RAMP)
		return 0;
	for (m = 0; m < a->gang_count; m++) {
		const struct etalon_hw_source *s = &d->source[a->gang[m].source];
		const __u64 span = distance(&a->gang[m]);
		const struct etalon_wide way = etalon_wide_multiply(span, NS_PER_S);
		const struct etalon_wide slow = etalon_wide_multiply(s->ramp_speed_min, time);
		const struct etalon_wide fast = etalon_wide_multiply(s->ramp_speed_max, time);

		if (etalon_wide_compare(way, slow) < 0 || etalon_wide_compare(way, fast) > 0)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_SPEED, n, s->ramp_speed_min,
					     s->ramp_speed_max);
	}
	return 0;
}

/* The way that a ramp needs outside its span, each side. */
static __u64 run_in(const struct etalon_hw_program *p, const struct etalon_hw_gang *g,
		    const struct etalon_hw_source *s)
{
	const __u64 way = distance(g), time = pass_ns(p);
	__u64 ns = s->run_in_ns;

	if (!way)
		return 0;
	ns = max(ns, etalon_wide_multiply_divide_up((__u64)s->run_in_min, time, way));
	return min(etalon_wide_multiply_divide_up(way, ns, time), RUN_IN_MAX);
}

static struct etalon_span setpoints_of_list(const struct etalon_list *list)
{
	struct etalon_span s = {list->values[0], list->values[0]};
	__u32 i;

	for (i = 1; i < list->points; i++) {
		s.low = min(s.low, list->values[i]);
		s.high = max(s.high, list->values[i]);
	}
	return s;
}

static struct etalon_span setpoints_of_line(const struct etalon_hw_axis *a,
					    const struct etalon_hw_gang *g)
{
	const __s64 last = a->points > 1 ? g->stop : g->start;

	return (struct etalon_span){min(g->start, last), max(g->start, last)};
}

static void find_extents(const struct etalon_program_context *c, const struct etalon_hw_program *p,
			 struct etalon_program_facts *ret)
{
	unsigned int n, m;

	ret->extent_count = 0;
	for (n = 0; n < p->axis_count; n++) {
		const struct etalon_hw_axis *a = &p->axis[n];

		for (m = 0; m < a->gang_count; m++) {
			const struct etalon_hw_gang *g = &a->gang[m];
			struct etalon_extent *e = &ret->extent[ret->extent_count++];

			e->source = g->source;
			e->setpoints = a->shape == ETALON_HW_AXIS_LIST
					       ? setpoints_of_list(&c->lists[g->list])
					       : setpoints_of_line(a, g);
			e->run_in = 0;
			if (a->mode == ETALON_HW_MODE_RAMP)
				e->run_in = run_in(p, g, &c->description->source[g->source]);
			if (a->mode == ETALON_HW_MODE_PULSE) {
				e->setpoints.low = min(e->setpoints.low, a->pulse_base);
				e->setpoints.high = max(e->setpoints.high, a->pulse_base);
			}
		}
	}
}

int etalon_program_check_limits(const struct etalon_span *limits,
				const struct etalon_program_facts *facts,
				struct etalon_refusal *refusal)
{
	__u32 i;

	for (i = 0; i < facts->extent_count; i++) {
		const struct etalon_extent *e = &facts->extent[i];
		const __s64 low = limits[e->source].low + (__s64)e->run_in;
		const __s64 high = limits[e->source].high - (__s64)e->run_in;

		if (e->setpoints.low < low || e->setpoints.high > high)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_LIMIT, e->source, low,
					     high);
	}
	return 0;
}

static __s64 remainder_of(__s64 value, __s64 divisor)
{
	__s64 rest;

	etalon_hw_divide(value, divisor, &rest);
	return rest;
}

static bool list_on_grid(const struct etalon_list *list, __s64 grid)
{
	__u32 i;

	for (i = 0; i < list->points; i++)
		if (remainder_of(list->values[i], grid))
			return false;
	return true;
}

/* A ramp passes between its points, so only its ends have to be multiples. */
static bool line_on_grid(const struct etalon_hw_axis *a, const struct etalon_hw_gang *g, __s64 grid)
{
	__s64 rest;

	if (remainder_of(g->start, grid) || (a->points > 1 && remainder_of(g->stop, grid)))
		return false;
	if (a->mode == ETALON_HW_MODE_RAMP || a->points < 2)
		return true;
	return !remainder_of(etalon_hw_divide(g->stop - g->start, grid, &rest),
			     (__s64)a->points - 1);
}

static int check_resolution(const struct etalon_program_context *c,
			    const struct etalon_hw_program *p, struct etalon_refusal *refusal)
{
	unsigned int n, m;

	for (n = 0; n < p->axis_count; n++) {
		const struct etalon_hw_axis *a = &p->axis[n];

		for (m = 0; m < a->gang_count; m++) {
			const struct etalon_hw_gang *g = &a->gang[m];
			const __s64 grid = c->description->source[g->source].resolution;
			const bool on_grid = a->shape == ETALON_HW_AXIS_LIST
						     ? list_on_grid(&c->lists[g->list], grid)
						     : line_on_grid(a, g, grid);

			if (!on_grid)
				return etalon_refuse(refusal, ETALON_HW_REFUSED_RESOLUTION,
						     g->source, grid, grid);
		}
	}
	return 0;
}

int etalon_program_check(const struct etalon_program_context *c, const struct etalon_hw_program *p,
			 struct etalon_program_facts *ret, struct etalon_refusal *refusal)
{
	struct etalon_program_facts facts = {0};
	int r;

	r = check_head(c->description->head, p, refusal);
	if (!r)
		r = check_timing(c, p, refusal);
	if (!r)
		r = check_axes(c, p, refusal);
	if (!r)
		r = count_points(p, &facts.points, refusal);
	if (!r)
		r = check_base_level(c->description->head, p, refusal);
	if (!r)
		r = check_detectors(c->description, p, refusal);
	if (!r)
		r = check_comparators(c->description, p, refusal);
	if (!r)
		r = check_speed(c->description, p, refusal);
	if (r)
		return r;
	find_extents(c, p, &facts);
	r = etalon_program_check_limits(c->limits, &facts, refusal);
	if (!r)
		r = check_resolution(c, p, refusal);
	if (r)
		return r;
	facts.stride = etalon_record_stride(p->detector_count);
	*ret = facts;
	return 0;
}

int etalon_setpoint_check(const struct etalon_hw_source *source, __u32 number,
			  const struct etalon_span *limits, __s64 value,
			  struct etalon_refusal *refusal)
{
	if (value < limits->low || value > limits->high)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_LIMIT, number, limits->low,
				     limits->high);
	if (remainder_of(value, source->resolution))
		return etalon_refuse(refusal, ETALON_HW_REFUSED_RESOLUTION, number,
				     source->resolution, source->resolution);
	return 0;
}
