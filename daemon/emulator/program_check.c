// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Refusals of a program, in the order in which they are found: form, channels, modes, lists,
 * timing, speed, rate; then each setpoint. See section 3 of hw.h.
 */
#include "emulator/program_check.h"

#include "base/util.h"

#define POINTS_MAX (1ULL << 62)
#define DURATION_MAX_NS (1ULL << 61)

/* DETAIL of REFUSED_TIMING */
#define TIMING_PERIOD 0
#define TIMING_APERTURE 1

static int refuse(struct refusal *ret, uint32_t result, uint32_t detail, int64_t low, int64_t high)
{
	*ret = (struct refusal){result, detail, low, high};
	return -EINVAL;
}

static int malformed(struct refusal *ret, size_t offset)
{
	return refuse(ret, ETALON_HW_REFUSED_PROGRAM, (uint32_t)offset, 0, 0);
}

#define AT(member) offsetof(struct etalon_hw_program, member)
#define AT_AXIS(n, member) \
	(AT(axis) + (n) * sizeof(struct etalon_hw_axis) + offsetof(struct etalon_hw_axis, member))
#define AT_GANG(n, m, member)                                     \
	(AT_AXIS(n, gang) + (m) * sizeof(struct etalon_hw_gang) + \
	 offsetof(struct etalon_hw_gang, member))
#define AT_COMPARATOR(n, member)                                      \
	(AT(comparator) + (n) * sizeof(struct etalon_hw_comparator) + \
	 offsetof(struct etalon_hw_comparator, member))

static int check_head(const struct etalon_hw_description *d, const struct etalon_hw_program *p,
		      struct refusal *ret)
{
	const uint32_t known =
		ETALON_HW_PROGRAM_NEEDS_EMISSION | ETALON_HW_PROGRAM_STOP_ON_OVERFLOW;

	if (p->magic != ETALON_HW_PROGRAM_MAGIC)
		return malformed(ret, AT(magic));
	if (p->size != sizeof(*p))
		return malformed(ret, AT(size));
	if (!p->generation)
		return malformed(ret, AT(generation));
	if (p->flags & ~known)
		return malformed(ret, AT(flags));
	if (p->axis_count < 1 || p->axis_count > ETALON_HW_AXES_MAX)
		return malformed(ret, AT(axis_count));
	if (p->detector_count < 1 || p->detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX)
		return malformed(ret, AT(detector_count));
	if (p->gate > ETALON_HW_GATE_OPEN)
		return malformed(ret, AT(gate));
	if (p->start_source > ETALON_HW_START_EDGE)
		return malformed(ret, AT(start_source));
	if (p->start_source == ETALON_HW_START_EDGE && p->start_input >= d->trigger_inputs)
		return malformed(ret, AT(start_input));
	if (p->point_clock > ETALON_HW_CLOCK_SOURCE)
		return malformed(ret, AT(point_clock));
	if (p->point_clock == ETALON_HW_CLOCK_EDGE && p->clock_input >= d->trigger_inputs)
		return malformed(ret, AT(clock_input));
	for (size_t i = 0; i < ARRAY_SIZE(p->output); i++)
		if (p->output[i] > ETALON_HW_OUTPUT_EMISSION ||
		    (p->output[i] && i >= d->trigger_outputs))
			return malformed(ret, AT(output) + i);
	if (p->reserved0)
		return malformed(ret, AT(reserved0));
	if (p->pulse_base_aperture_ns) /* of an absent capability, as at_base is */
		return malformed(ret, AT(pulse_base_aperture_ns));
	for (size_t i = 0; i < ARRAY_SIZE(p->reserved); i++)
		if (p->reserved[i])
			return malformed(ret, AT(reserved) + i * sizeof(p->reserved[0]));
	return 0;
}

static int check_wait(const struct etalon_hw_axis *a, unsigned int n, struct refusal *ret)
{
	if (a->wait_window <= 0)
		return malformed(ret, AT_AXIS(n, wait_window));
	if (a->wait_slope <= 0)
		return malformed(ret, AT_AXIS(n, wait_slope));
	if (!a->wait_timeout_ns || a->wait_timeout_ns < a->wait_hold_ns ||
	    a->wait_timeout_ns > DURATION_MAX_NS)
		return malformed(ret, AT_AXIS(n, wait_timeout_ns));
	return 0;
}

static int check_axis_form(const struct etalon_hw_program *p, unsigned int n, struct refusal *ret)
{
	const struct etalon_hw_axis *a = &p->axis[n];

	if (a->points < 1 || a->points > ETALON_HW_AXIS_POINTS_MAX)
		return malformed(ret, AT_AXIS(n, points));
	if (a->shape != ETALON_HW_AXIS_LINEAR && a->shape != ETALON_HW_AXIS_LIST)
		return malformed(ret, AT_AXIS(n, shape));
	if (a->direction > ETALON_HW_UP_DOWN)
		return malformed(ret, AT_AXIS(n, direction));
	if (a->gang_count > ETALON_HW_GANG_MAX)
		return malformed(ret, AT_AXIS(n, gang_count));
	if (a->settle_ns > DURATION_MAX_NS)
		return malformed(ret, AT_AXIS(n, settle_ns));
	switch (a->mode) {
	case ETALON_HW_MODE_STEP:
		return 0;
	case ETALON_HW_MODE_WAIT:
		return a->gang_count ? check_wait(a, n, ret)
				     : malformed(ret, AT_AXIS(n, gang_count));
	case ETALON_HW_MODE_RAMP:
		if (n != p->axis_count - 1 || a->shape != ETALON_HW_AXIS_LINEAR || !a->gang_count)
			return refuse(ret, ETALON_HW_REFUSED_MODE, n, 0, 0);
		return a->points < 2 ? malformed(ret, AT_AXIS(n, points)) : 0;
	case ETALON_HW_MODE_PULSE: /* an absent capability */
		return refuse(ret, ETALON_HW_REFUSED_MODE, n, 0, 0);
	default:
		return malformed(ret, AT_AXIS(n, mode));
	}
}

static int check_list(const struct program_context *c, const struct etalon_hw_axis *a,
		      unsigned int n, unsigned int member, struct refusal *ret)
{
	const uint16_t list = a->gang[member].list;

	if (list >= ETALON_HW_LISTS_MAX)
		return malformed(ret, AT_GANG(n, member, list));
	if (c->lists[list].points != a->points)
		return refuse(ret, ETALON_HW_REFUSED_LIST, n, a->points, a->points);
	return 0;
}

static int check_gang(const struct program_context *c, const struct etalon_hw_program *p,
		      unsigned int n, bool *used, struct refusal *ret)
{
	const struct etalon_hw_axis *a = &p->axis[n];

	for (unsigned int m = 0; m < a->gang_count; m++) {
		const uint16_t source = a->gang[m].source;
		int r;

		if (source >= c->description->source_count)
			return refuse(ret, ETALON_HW_REFUSED_CHANNEL, source, 0,
				      c->description->source_count - 1);
		if (used[source]) /* one source, one axis */
			return malformed(ret, AT_GANG(n, m, source));
		used[source] = true;
		if (!(hw_sources(c->description)[source].modes & a->mode))
			return refuse(ret, ETALON_HW_REFUSED_MODE, n, 0, 0);
		r = a->shape == ETALON_HW_AXIS_LIST ? check_list(c, a, n, m, ret) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_axes(const struct program_context *c, const struct etalon_hw_program *p,
		      struct refusal *ret)
{
	bool used[ETALON_HW_SOURCES_MAX] = {false};
	unsigned __int128 points = 1;

	for (unsigned int n = 0; n < p->axis_count; n++) {
		int r = check_axis_form(p, n, ret);

		if (r < 0)
			return r;
		r = check_gang(c, p, n, used, ret);
		if (r < 0)
			return r;
		points *= program_pass_points(&p->axis[n]);
		if (points > POINTS_MAX)
			return malformed(ret, AT_AXIS(n, points));
	}
	if (points * p->period_ns > DURATION_MAX_NS)
		return malformed(ret, AT_AXIS(0, points));
	return 0;
}

static int check_detectors(const struct etalon_hw_description *d, const struct etalon_hw_program *p,
			   struct refusal *ret)
{
	bool used[ETALON_HW_DETECTORS_MAX] = {false};

	for (uint32_t i = 0; i < p->detector_count; i++) {
		const struct etalon_hw_program_detector *pd = &p->detector[i];
		const struct etalon_hw_detector *detector;
		const struct etalon_hw_range *range;

		if (pd->detector >= d->detector_count)
			return refuse(ret, ETALON_HW_REFUSED_CHANNEL, pd->detector, 0,
				      d->detector_count - 1);
		detector = &hw_detectors(d)[pd->detector];
		if (pd->at_base)
			return malformed(
				ret, AT(detector) + i * sizeof(*pd) +
					     offsetof(struct etalon_hw_program_detector, at_base));
		if (used[pd->detector])
			return malformed(ret, AT(detector) + i * sizeof(*pd));
		used[pd->detector] = true;
		if (pd->range >= detector->range_count)
			return refuse(ret, ETALON_HW_REFUSED_CHANNEL, pd->detector, 0,
				      detector->range_count - 1);
		range = &hw_ranges(d)[detector->range_first + pd->range];
		if (!(detector->flags & ETALON_HW_DETECTOR_SLOW) &&
		    p->aperture_ns < range->aperture_min_ns)
			return refuse(ret, ETALON_HW_REFUSED_TIMING, TIMING_APERTURE,
				      (int64_t)range->aperture_min_ns, PERIOD_MAX_NS);
	}
	return 0;
}

static int check_comparators(const struct etalon_hw_description *d,
			     const struct etalon_hw_program *p, struct refusal *ret)
{
	for (size_t i = 0; i < ETALON_HW_COMPARATORS_MAX; i++) {
		const struct etalon_hw_comparator *c = &p->comparator[i];

		if (c->kind == ETALON_HW_COMPARATOR_NONE)
			continue;
		if (c->kind > ETALON_HW_COMPARATOR_FALLS)
			return malformed(ret, AT_COMPARATOR(i, kind));
		if (c->action > ETALON_HW_COMPARATOR_TRIP)
			return malformed(ret, AT_COMPARATOR(i, action));
		if (c->detector >= d->detector_count)
			return refuse(ret, ETALON_HW_REFUSED_CHANNEL, c->detector, 0,
				      d->detector_count - 1);
		if (c->kind == ETALON_HW_COMPARATOR_FALLS &&
		    (c->threshold <= 0 || c->threshold >= 1000000))
			return malformed(ret, AT_COMPARATOR(i, threshold));
	}
	return 0;
}

static int check_timing(const struct program_context *c, const struct etalon_hw_program *p,
			struct refusal *ret)
{
	const struct etalon_hw_description *d = c->description;
	const uint64_t least = MAX(d->period_min_ns, p->delay_ns + p->aperture_ns);

	if (p->aperture_ns < d->aperture_min_ns || p->aperture_ns > PERIOD_MAX_NS)
		return refuse(ret, ETALON_HW_REFUSED_TIMING, TIMING_APERTURE, d->aperture_min_ns,
			      PERIOD_MAX_NS);
	if (p->delay_ns > PERIOD_MAX_NS || p->period_ns < least || p->period_ns > PERIOD_MAX_NS)
		return refuse(ret, ETALON_HW_REFUSED_TIMING, TIMING_PERIOD,
			      (int64_t)MIN(least, PERIOD_MAX_NS), PERIOD_MAX_NS);
	if (p->period_ns * c->record_rate_max < NSEC_PER_SEC)
		return refuse(ret, ETALON_HW_REFUSED_RATE, 0, 0, (int64_t)c->record_rate_max);
	return 0;
}

/* |stop - start| / ((points - 1) x period) within the speeds of each source that ramps. */
static int check_speed(const struct program_context *c, const struct etalon_hw_program *p,
		       struct refusal *ret)
{
	const unsigned int n = p->axis_count - 1;
	const struct etalon_hw_axis *a = &p->axis[n];

	for (unsigned int m = 0; a->mode == ETALON_HW_MODE_RAMP && m < a->gang_count; m++) {
		const struct etalon_hw_source *s = &hw_sources(c->description)[a->gang[m].source];
		__int128 span = (__int128)a->gang[m].stop - a->gang[m].start;
		const __int128 time = (__int128)(a->points - 1) * p->period_ns;

		span = (span < 0 ? -span : span) * (__int128)NSEC_PER_SEC;
		if (span < s->ramp_speed_min * time || span > s->ramp_speed_max * time)
			return refuse(ret, ETALON_HW_REFUSED_SPEED, n, s->ramp_speed_min,
				      s->ramp_speed_max);
	}
	return 0;
}

int program_check(const struct program_context *c, const struct etalon_hw_program *p,
		  struct refusal *ret)
{
	int r;

	r = check_head(c->description, p, ret);
	if (r < 0)
		return r;
	r = check_timing(c, p, ret);
	if (r < 0)
		return r;
	r = check_axes(c, p, ret);
	if (r < 0)
		return r;
	r = check_detectors(c->description, p, ret);
	if (r < 0)
		return r;
	r = check_comparators(c->description, p, ret);
	if (r < 0)
		return r;
	return check_speed(c, p, ret);
}

/* Least and greatest setpoint of a member, with the run-in of a ramp. */
static void extent(const struct program_context *c, const struct program *p, unsigned int axis,
		   unsigned int member, int64_t *ret_low, int64_t *ret_high, int64_t *ret_run_in)
{
	const struct etalon_hw_axis *a = &p->image.axis[axis];
	const struct etalon_hw_gang *g = &a->gang[member];

	const int64_t last = a->points > 1 ? g->stop : g->start;

	*ret_run_in = 0;
	*ret_low = MIN(g->start,
		       last); /* as they are: nothing is computed from values not checked yet */
	*ret_high = MAX(g->start, last);
	if (a->shape == ETALON_HW_AXIS_LIST)
		*ret_low = *ret_high = p->values[axis][member][0];
	for (uint32_t i = 1; a->shape == ETALON_HW_AXIS_LIST && i < a->points; i++) {
		*ret_low = MIN(*ret_low, p->values[axis][member][i]);
		*ret_high = MAX(*ret_high, p->values[axis][member][i]);
	}
	if (a->mode == ETALON_HW_MODE_RAMP)
		*ret_run_in =
			program_run_in_distance(p, &hw_sources(c->description)[g->source], member);
}

static int check_limits_of(const struct program_context *c, const struct program *p,
			   unsigned int axis, unsigned int member, struct refusal *ret)
{
	const uint16_t source = p->image.axis[axis].gang[member].source;
	int64_t low, high, run_in, allowed_low, allowed_high;

	/* A setpoint beyond the hard limits makes no sense of a run-in either: look at it first. */
	extent(c, p, axis, member, &low, &high, &run_in);
	allowed_low = c->limit_low[source] + run_in;
	allowed_high = c->limit_high[source] - run_in;
	if (low < allowed_low || high > allowed_high)
		return refuse(ret, ETALON_HW_REFUSED_LIMIT, source, allowed_low, allowed_high);
	return 0;
}

int program_check_limits(const struct program_context *c, const struct program *p,
			 struct refusal *ret)
{
	for (unsigned int a = 0; a < p->image.axis_count; a++)
		for (unsigned int m = 0; m < p->image.axis[a].gang_count; m++) {
			int r = check_limits_of(c, p, a, m, ret);

			if (r < 0)
				return r;
		}
	return 0;
}

/* Setpoints are multiples of the resolution; a ramp passes between, so only its ends are. */
static bool on_grid(const struct program *p, unsigned int axis, unsigned int member, int64_t grid)
{
	const struct etalon_hw_axis *a = &p->image.axis[axis];
	const struct etalon_hw_gang *g = &a->gang[member];

	if (a->shape == ETALON_HW_AXIS_LIST) {
		for (uint32_t i = 0; i < a->points; i++)
			if (p->values[axis][member][i] % grid)
				return false;
		return true;
	}
	if (g->start % grid || (a->points > 1 && g->stop % grid))
		return false;
	return a->mode == ETALON_HW_MODE_RAMP || a->points < 2 ||
	       (g->stop - g->start) / grid % (a->points - 1) == 0;
}

int program_check_setpoints(const struct program_context *c, const struct program *p,
			    struct refusal *ret)
{
	int r = program_check_limits(c, p, ret);

	if (r < 0)
		return r;
	for (unsigned int a = 0; a < p->image.axis_count; a++)
		for (unsigned int m = 0; m < p->image.axis[a].gang_count; m++) {
			const uint16_t n = p->image.axis[a].gang[m].source;
			const int64_t grid = hw_sources(c->description)[n].resolution;

			if (!on_grid(p, a, m, grid))
				return refuse(ret, ETALON_HW_REFUSED_RESOLUTION, n, grid, grid);
		}
	return 0;
}
