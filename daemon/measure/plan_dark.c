// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Dark readings: the gate shut, the same ranges and aperture as the measurement that they
 * serve. As segments before and after another plan, and as a request of its own.
 */
#include <errno.h>

#include "measure/plan_build.h"

/* Enough points that the mean's error is below 5 % of one point's noise, unless that takes too long. */
#define DARK_NS (25 * NSEC_PER_MSEC)
#define DARK_POINTS_LEAST 400
#define DARK_POINTS_MOST 2000
#define DARK_NS_MOST NSEC_PER_SEC
#define DARK_POINTS_SLOW 25 /* of apertures so long that even those take over a second */

static uint32_t dark_points(uint64_t period_ns)
{
	uint64_t points = DARK_NS / period_ns;

	points = MIN(MAX(points, (uint64_t)DARK_POINTS_LEAST), (uint64_t)DARK_POINTS_MOST);
	if (points * period_ns > DARK_NS_MOST)
		points = MAX(DARK_NS_MOST / period_ns, (uint64_t)DARK_POINTS_SLOW);
	return (uint32_t)points;
}

int plan_add_dark(struct plan_build *b, enum segment_purpose purpose, const struct timing *t,
		  bool warm)
{
	struct timing dark = *t;
	struct segment *s;

	/* Long delays are for sources to settle, and none moves here. */
	if (dark.delay_ns > 0) {
		dark.delay_ns = 0;
		dark.period_ns = MAX(dark.aperture_ns, (uint64_t)b->d->head.period_min_ns);
	}
	s = plan_add_segment(b, purpose, &dark);
	if (!s)
		return -ENOMEM;
	s->program.gate = ETALON_HW_GATE_SHUT;
	if (warm) /* its stray light belongs to the reading */
		s->program.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	plan_repeat_axis(s, 0, dark_points(dark.period_ns));
	return plan_finish_segment(b, s);
}

#define DEFAULT_APERTURE_NS (40 * NSEC_PER_USEC)

static int dark_timing(struct plan_build *b, struct timing *t)
{
	int64_t aperture = 0, period = 0;
	const char *whose;
	int r;

	r = request_within(b->request, "request", "aperture_ns", 1, INT64_MAX, &aperture,
			   b->message);
	if (r >= 0)
		r = request_within(b->request, "request", "period_ns", 1, INT64_MAX, &period,
				   b->message);
	if (r < 0)
		return r;
	t->aperture_ns = aperture ? (uint64_t)aperture
				  : MAX(plan_aperture_min(b, &whose), DEFAULT_APERTURE_NS);
	t->period_ns = period ? (uint64_t)period
			      : MAX(t->aperture_ns / 4 * 5, (uint64_t)b->d->head.period_min_ns);
	json_object_set_new(b->request, "aperture_ns", json_integer((json_int_t)t->aperture_ns));
	json_object_set_new(b->request, "period_ns", json_integer((json_int_t)t->period_ns));
	return plan_check_timing(b, t);
}

int plan_dark(struct plan_build *b)
{
	struct timing t = {};
	struct segment *s;
	int64_t points;
	int r;

	r = plan_add_role(b, ETALON_HW_ROLE_TEMPERATURE, -1);
	if (r == 0)
		r = plan_ranges(b);
	if (r == 0)
		r = dark_timing(b, &t);
	if (r < 0)
		return r;
	points = dark_points(t.period_ns);
	r = request_within(b->request, "request", "points", 2, (int64_t)REQUEST_POINTS_MAX, &points,
			   b->message);
	if (r < 0)
		return r;
	json_object_set_new(b->request, "points", json_integer(points));
	s = plan_add_segment(b, SEGMENT_MAIN, &t);
	if (!s)
		return -ENOMEM;
	/* Off is dark, too: no light is asked for. */
	s->program.gate = b->d->head.capabilities & ETALON_HW_CAP_GATE ? ETALON_HW_GATE_SHUT
								       : ETALON_HW_GATE_KEEP;
	plan_repeat_axis(s, 0, (uint32_t)points);
	r = plan_finish_segment(b, s);
	if (r < 0)
		return r;
	r = plan_meta(b, "dark",
		      json_pack("{s:I, s:I, s:I, s:s, s:I}", "period_ns", (json_int_t)t.period_ns,
				"aperture_ns", (json_int_t)t.aperture_ns, "delay_ns", (json_int_t)0,
				"mode", "step", "points", (json_int_t)points),
		      -1, 0, 0);
	if (r < 0)
		return r;
	plan_summary(b, "gate shut");
	return 0;
}
