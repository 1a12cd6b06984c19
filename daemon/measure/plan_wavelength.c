// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Wavelength sweeps: a ramp with points on the fly, or steps with a dwell; power monitor,
 * wavelength log and chip temperature besides what was asked for; dark before and after.
 */
#include <errno.h>
#include <inttypes.h>

#include "measure/plan_build.h"

#define AVERAGE_MAX 1000

struct wavelength_sweep {
	unsigned int laser;
	int power; /* source, or -1 */
	int64_t power_fw;
	bool power_by_site;
	int64_t start_fm, stop_fm;
	uint32_t points;
	int64_t average;
	bool both_ways;
	bool ramp;
	int64_t speed; /* fm/s, ramp */
	struct timing timing;
};

static int find_laser(struct plan_build *b, struct wavelength_sweep *w)
{
	int found = -1;

	for (uint32_t i = 0; i < b->d->head.source_count && found < 0; i++)
		if (b->d->source[i].kind == ETALON_HW_SOURCE_WAVELENGTH)
			found = (int)i;
	if (found < 0)
		return fail(b->message, -ENOTSUP, "this board has no tunable laser");
	w->laser = (unsigned int)found;
	w->power = -1;
	for (uint32_t i = 0; i < b->d->head.source_count && w->power < 0; i++)
		if (b->d->source[i].kind == ETALON_HW_SOURCE_POWER &&
		    (b->d->source[i].belongs_to == w->laser ||
		     b->d->source[w->laser].belongs_to == i))
			w->power = (int)i;
	return 0;
}

static int needed_integer(struct plan_build *b, const char *key, int64_t low, int64_t high,
			  int64_t *ret)
{
	int r = request_within(b->request, "request", key, low, high, ret, b->message);

	if (r == 0)
		return fail(b->message, -EINVAL, "request: %s is missing", key);
	return r < 0 ? r : 0;
}

static int read_span(struct plan_build *b, struct wavelength_sweep *w)
{
	int64_t points;
	int r;

	r = needed_integer(b, "start_fm", INT64_MIN, INT64_MAX, &w->start_fm);
	if (r == 0)
		r = needed_integer(b, "stop_fm", INT64_MIN, INT64_MAX, &w->stop_fm);
	if (r == 0)
		r = needed_integer(b, "points", 2, (int64_t)REQUEST_POINTS_MAX, &points);
	if (r < 0)
		return r;
	w->points = (uint32_t)points;
	/* Both ends at once: what is computed from the span must not overflow. */
	r = plan_check_setpoint(b, w->laser, 0, &w->start_fm);
	if (r == 0)
		r = plan_check_setpoint(b, w->laser, 0, &w->stop_fm);
	if (r == 0 && w->start_fm == w->stop_fm)
		r = fail(b->message, -EINVAL, "start and stop are both %s: a sweep needs a span",
			 source_quantity(ETALON_HW_SOURCE_WAVELENGTH, w->start_fm).text);
	return r;
}

static int read_passes(struct plan_build *b, struct wavelength_sweep *w)
{
	int r;

	w->average = 1;
	r = request_within(b->request, "request", "average", 1, AVERAGE_MAX, &w->average,
			   b->message);
	if (r >= 0)
		r = request_flag(b->request, "request", "both_ways", &w->both_ways, b->message);
	if (r < 0)
		return r;
	json_object_set_new(b->request, "average", json_integer(w->average));
	json_object_set_new(b->request, "both_ways", json_boolean(w->both_ways));
	return 0;
}

static int read_power(struct plan_build *b, struct wavelength_sweep *w)
{
	int r;

	w->power_fw = b->site->default_power_fw;
	r = request_integer(b->request, "request", "power_fw", &w->power_fw, b->message);
	if (r < 0)
		return r;
	if (w->power < 0) {
		if (r > 0)
			return fail(b->message, -ENOTSUP,
				    "the power of this board's laser can not "
				    "be set: leave power_fw out");
		return 0;
	}
	w->power_by_site = r == 0;
	if (w->power_by_site && w->power_fw == 0)
		return fail(
			b->message, -EINVAL,
			"how much power? Say it with --power (power_fw) or as the site's default_power; "
			"allowed %s to %s",
			source_quantity(ETALON_HW_SOURCE_POWER, b->d->source[w->power].min).text,
			source_quantity(ETALON_HW_SOURCE_POWER, b->d->source[w->power].max).text);
	r = plan_check_setpoint(b, (unsigned int)w->power, 0, &w->power_fw);
	if (r < 0)
		return r;
	json_object_set_new(b->request, "power_fw", json_integer(w->power_fw));
	return 0;
}

static int add_setpoint(struct plan_build *b, const struct wavelength_sweep *w)
{
	if (w->power < 0)
		return 0;
	b->plan->setpoints = calloc(1, sizeof(*b->plan->setpoints));
	if (!b->plan->setpoints)
		return -ENOMEM;
	b->plan->setpoints[0] = (struct plan_setpoint){(unsigned int)w->power, w->power_fw};
	b->plan->setpoint_count = 1;
	return 0;
}

/* The period would be shorter than the board's: name the speed and the number of points that would do. */
static int too_fast(struct plan_build *b, const struct wavelength_sweep *w)
{
	const struct etalon_hw_source *s = &b->d->source[w->laser];
	uint64_t least = b->d->head.period_min_ns;
	unsigned __int128 way =
		(unsigned __int128)(w->stop_fm > w->start_fm ? w->stop_fm - w->start_fm
							     : w->start_fm - w->stop_fm) *
		NSEC_PER_SEC;
	int64_t fastest = (int64_t)(way / (w->points - 1) / least);
	uint64_t most = (uint64_t)(way / (uint64_t)w->speed / least) + 1;
	_cleanup_free_ char *slower = NULL;

	if (fastest >= s->ramp_speed_min)
		slower = asprintf_or_null("at most %s, or ", source_speed(s->kind, fastest).text);
	return fail(
		b->message, -ERANGE,
		"%s points at %s come faster than this board's period of %s: %sat most %s points",
		quantity_count(w->points).text, source_speed(s->kind, w->speed).text,
		duration_quantity(least).text, slower ? slower : "", quantity_count(most).text);
}

static int check_speed(struct plan_build *b, const struct wavelength_sweep *w)
{
	const struct etalon_hw_source *s = &b->d->source[w->laser];

	if (w->speed >= s->ramp_speed_min && w->speed <= s->ramp_speed_max)
		return 0;
	return fail(b->message, -ERANGE, "%s is %s %s's %s; allowed %s to %s",
		    source_speed(s->kind, w->speed).text,
		    w->speed > s->ramp_speed_max ? "above" : "below", s->name,
		    source_speed(s->kind, w->speed > s->ramp_speed_max ? s->ramp_speed_max
								       : s->ramp_speed_min)
			    .text,
		    source_speed(s->kind, s->ramp_speed_min).text,
		    source_speed(s->kind, s->ramp_speed_max).text);
}

static int read_aperture(struct plan_build *b, struct timing *t, uint64_t by_default)
{
	int64_t aperture;
	int r = request_within(b->request, "request", "aperture_ns", 1, INT64_MAX, &aperture,
			       b->message);

	if (r < 0)
		return r;
	t->aperture_ns = r > 0 ? (uint64_t)aperture : by_default;
	json_object_set_new(b->request, "aperture_ns", json_integer((json_int_t)t->aperture_ns));
	return 0;
}

static int ramp_timing(struct plan_build *b, struct wavelength_sweep *w)
{
	const struct etalon_hw_source *s = &b->d->source[w->laser];
	uint64_t longest = (uint64_t)UINT32_MAX * b->d->head.tick_ps / 1000;
	int r;

	if (!(s->modes & ETALON_HW_MODE_RAMP) || !(b->d->head.capabilities & ETALON_HW_CAP_RAMP))
		return fail(b->message, -ENOTSUP,
			    "%s can not sweep at a constant speed: give a dwell instead", s->name);
	r = check_speed(b, w);
	if (r < 0)
		return r;
	w->timing.period_ns = ramp_period_ns(s, w->stop_fm - w->start_fm, w->points, w->speed);
	if (w->timing.period_ns < b->d->head.period_min_ns)
		return too_fast(b, w);
	json_object_set_new(b->request, "speed_fm_per_s", json_integer(w->speed));
	r = read_aperture(b, &w->timing, MIN(w->timing.period_ns / 5 * 4, longest));
	return r < 0 ? r : plan_check_timing(b, &w->timing);
}

static struct axis_member laser_member(const struct wavelength_sweep *w)
{
	return (struct axis_member){.source = w->laser, .start = w->start_fm, .stop = w->stop_fm};
}

static int step_timing(struct plan_build *b, struct wavelength_sweep *w, uint64_t dwell_ns)
{
	const struct etalon_hw_source *s = &b->d->source[w->laser];
	const char *whose;
	const struct axis_member laser = laser_member(w);
	uint64_t settle = step_settle_ns(s, &laser, w->points);
	uint64_t least = settle + plan_aperture_min(b, &whose);
	int r;

	if (dwell_ns < least)
		return fail(b->message, -ERANGE,
			    "dwell %s is too short: %s moves and settles for %s and %s needs an "
			    "aperture of %s; at least %s",
			    duration_quantity(dwell_ns).text, s->name,
			    duration_quantity(settle).text, whose,
			    duration_quantity(least - settle).text, duration_quantity(least).text);
	w->timing.period_ns = dwell_ns;
	r = read_aperture(b, &w->timing, dwell_ns - settle);
	if (r < 0)
		return r;
	if (w->timing.aperture_ns > dwell_ns - settle)
		return fail(b->message, -ERANGE,
			    "aperture %s does not fit the dwell of %s after %s of moving and "
			    "settling: at most %s",
			    duration_quantity(w->timing.aperture_ns).text,
			    duration_quantity(dwell_ns).text, duration_quantity(settle).text,
			    duration_quantity(dwell_ns - settle).text);
	w->timing.delay_ns = dwell_ns - w->timing.aperture_ns;
	return plan_check_timing(b, &w->timing);
}

static int read_timing(struct plan_build *b, struct wavelength_sweep *w)
{
	int64_t dwell = 0;
	int stepped, r;

	w->speed = b->d->source[w->laser].ramp_speed_default;
	r = request_within(b->request, "request", "speed_fm_per_s", 1, INT64_MAX, &w->speed,
			   b->message);
	if (r < 0)
		return r;
	stepped =
		request_within(b->request, "request", "dwell_ns", 1, INT64_MAX, &dwell, b->message);
	if (stepped < 0)
		return stepped;
	if (r > 0 && stepped > 0)
		return fail(b->message, -EINVAL,
			    "speed_fm_per_s and dwell_ns exclude each other: sweep or step");
	w->ramp = !stepped;
	return w->ramp ? ramp_timing(b, w) : step_timing(b, w, (uint64_t)dwell);
}

static int check_reference(struct plan_build *b)
{
	static const char *const words[] = {"none", "latest"};
	static const char *const purposes[] = {"reference"};
	const json_t *reference = json_object_get(b->request, "reference");
	unsigned int unused;
	int64_t run;
	int r = 0;

	if (json_is_string(reference))
		r = request_choice(b->request, "request", "reference", NAMES(words), &unused,
				   b->message);
	else if (reference)
		r = request_within(b->request, "request", "reference", 1, INT64_MAX, &run,
				   b->message);
	if (r >= 0)
		r = request_choice(b->request, "request", "purpose", NAMES(purposes), &unused,
				   b->message);
	return r < 0 ? r : 0;
}

static int add_main(struct plan_build *b, const struct wavelength_sweep *w, bool gated)
{
	struct axis_member laser = laser_member(w);
	struct segment *s = plan_add_segment(b, SEGMENT_MAIN, &w->timing);
	unsigned int inner = w->average > 1 ? 1 : 0;
	int r;

	if (!s)
		return -ENOMEM;
	s->program.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	s->program.gate = gated ? ETALON_HW_GATE_OPEN : ETALON_HW_GATE_KEEP;
	s->program.axis_count = inner + 1;
	if (inner > 0)
		plan_repeat_axis(s, 0, (uint32_t)w->average);
	r = plan_set_axis(b, s, inner, &laser, 1, w->points,
			  w->ramp ? ETALON_HW_MODE_RAMP : ETALON_HW_MODE_STEP);
	if (r < 0)
		return r;
	s->program.axis[inner].direction = w->both_ways ? ETALON_HW_UP_DOWN : ETALON_HW_FORWARD;
	return plan_finish_segment(b, s);
}

static int add_segments(struct plan_build *b, const struct wavelength_sweep *w)
{
	bool gated = b->d->head.capabilities & ETALON_HW_CAP_GATE;
	int r = 0;

	if (!gated)
		plan_warn(b, "this board has no gate: no dark current is taken");
	if (gated)
		r = plan_add_dark(b, SEGMENT_DARK_BEFORE, &w->timing, true);
	if (r == 0)
		r = add_main(b, w, gated);
	if (r == 0 && gated)
		r = plan_add_dark(b, SEGMENT_DARK_AFTER, &w->timing, true);
	return r;
}

/* Speed as it will be: whole ns of period may move the one that was asked for a little. */
static double speed_nm_per_s(const struct wavelength_sweep *w)
{
	double span_nm = (double)(w->stop_fm - w->start_fm) * 1e-6;

	return (span_nm < 0 ? -span_nm : span_nm) /
	       ((double)(w->points - 1) * (double)w->timing.period_ns * 1e-9);
}

static json_t *settings(const struct wavelength_sweep *w)
{
	double span_nm = (double)(w->stop_fm - w->start_fm) * 1e-6;
	json_t *o = json_pack(
		"{s:I, s:I, s:I, s:s, s:b, s:I, s:f, s:f, s:I, s:f}", "period_ns",
		(json_int_t)w->timing.period_ns, "aperture_ns", (json_int_t)w->timing.aperture_ns,
		"delay_ns", (json_int_t)w->timing.delay_ns, "mode", w->ramp ? "ramp" : "step",
		"both_ways", w->both_ways, "average", (json_int_t)w->average, "start_nm",
		(double)w->start_fm * 1e-6, "stop_nm", (double)w->stop_fm * 1e-6, "points",
		(json_int_t)w->points, "span_nm", span_nm < 0 ? -span_nm : span_nm);

	if (o && w->power >= 0)
		json_object_set_new(o, "power_w", json_real((double)w->power_fw * 1e-15));
	if (o && w->ramp)
		json_object_set_new(o, "speed_nm_per_s", json_real(speed_nm_per_s(w)));
	return o;
}

static char *how(const struct wavelength_sweep *w)
{
	_cleanup_free_ char *passes = NULL;

	if (w->average > 1)
		passes = asprintf_or_null(", %" PRId64 " passes", w->average);
	return asprintf_or_null("%s points%s%s, %s%s, aperture %s", quantity_count(w->points).text,
				w->both_ways ? " there and back" : "", passes ? passes : "",
				w->ramp ? "" : "dwell ",
				w->ramp ? source_speed(ETALON_HW_SOURCE_WAVELENGTH, w->speed).text
					: duration_quantity(w->timing.period_ns).text,
				duration_quantity(w->timing.aperture_ns).text);
}

static int read_request(struct plan_build *b, struct wavelength_sweep *w)
{
	int r = check_reference(b);

	if (r == 0)
		r = read_span(b, w);
	if (r == 0)
		r = read_passes(b, w);
	if (r == 0)
		r = read_timing(b, w);
	if (r == 0)
		r = read_power(b, w);
	return r;
}

static int add_detectors(struct plan_build *b, const struct wavelength_sweep *w)
{
	int r = plan_add_role(b, ETALON_HW_ROLE_POWER_MONITOR, (int)w->laser);

	if (r == 0)
		r = plan_add_role(b, ETALON_HW_ROLE_WAVELENGTH_LOG, (int)w->laser);
	if (r == 0)
		r = plan_add_role(b, ETALON_HW_ROLE_TEMPERATURE, -1);
	return r < 0 ? r : plan_ranges(b);
}

int plan_wavelength_sweep(struct plan_build *b)
{
	struct wavelength_sweep w = {};
	_cleanup_free_ char *first_line = NULL;
	int r;

	r = find_laser(b, &w);
	if (r == 0)
		r = add_detectors(b, &w);
	if (r == 0)
		r = read_request(b, &w);
	if (r == 0)
		r = add_segments(b, &w);
	if (r == 0)
		r = add_setpoint(b, &w);
	if (r == 0)
		r = plan_meta(b, "wavelength-sweep", settings(&w), (int)w.laser, w.start_fm,
			      w.stop_fm);
	if (r < 0)
		return r;
	first_line = how(&w);
	plan_summary(b, first_line ? first_line : "");
	if (w.power >= 0)
		plan_line(b, "power   %s%s",
			  source_quantity(ETALON_HW_SOURCE_POWER, w.power_fw).text,
			  w.power_by_site ? " (default of this site)" : "");
	return 0;
}
