// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * General sweeps: any program over any sources and detectors of the board. What drives light
 * has to say so; every swept source brings the detectors that read it back.
 */
#include <errno.h>

#include "measure/plan_sweep.h"
#include "data/meta.h"

/* ---- light ---- */

static bool is_ungated_emitter(const struct etalon_hw_source *s)
{
	return s->emits && s->safe_action == ETALON_HW_SAFE_RAMP_ZERO;
}

static int read_light(struct plan_build *b, struct sweep *w)
{
	static const char *const gates[] = {"keep", "shut",
					    "open"}; /* enum etalon_hw_gate_policy */
	const struct etalon_hw_source *ungated = NULL, *gated = NULL;
	bool has_gate = b->d->head.capabilities & ETALON_HW_CAP_GATE;
	int r, said;

	for (uint32_t i = 0; i < b->d->head.source_count; i++) {
		if (w->used[i] && is_ungated_emitter(&b->d->source[i]))
			ungated = &b->d->source[i];
		if (w->used[i] && b->d->source[i].gate != ETALON_HW_NO_CHANNEL)
			gated = &b->d->source[i];
	}
	r = request_flag(b->request, "request", "emission", &w->emission, b->message);
	if (r >= 0)
		r = request_flag(b->request, "request", "dark", &w->dark, b->message);
	if (r < 0)
		return r;
	if (ungated && !w->emission)
		return fail(b->message, -EINVAL,
			    "%s emits light: ask for it with \"emission\": true", ungated->name);
	w->gate = w->emission && has_gate && (gated || !ungated) ? ETALON_HW_GATE_OPEN
								 : ETALON_HW_GATE_KEEP;
	said = request_choice(b->request, "request", "gate", NAMES(gates), &w->gate, b->message);
	if (said < 0)
		return said;
	if (said && w->gate != ETALON_HW_GATE_KEEP && !has_gate)
		return fail(b->message, -ENOTSUP, "this board has no gate: say \"keep\"");
	if (w->gate == ETALON_HW_GATE_OPEN && !w->emission)
		return fail(b->message, -EINVAL,
			    "an open gate lets light out: ask for it with \"emission\": true");
	if (w->dark && !has_gate)
		return fail(b->message, -ENOTSUP, "this board has no gate: no dark readings");
	if (w->dark && ungated)
		return fail(b->message, -ENOTSUP,
			    "dark readings shut the gate, and that does not darken %s: leave dark "
			    "out",
			    ungated->name);
	json_object_set_new(b->request, "emission", json_boolean(w->emission));
	json_object_set_new(b->request, "gate", json_string(gates[w->gate]));
	return 0;
}

/* ---- time ---- */

/* What is computed from setpoints must not overflow: first they are checked. */
static int check_setpoints(struct plan_build *b, struct sweep_axis *a, unsigned int member)
{
	struct axis_member *m = &a->member[member];
	int r = 0;

	for (int64_t i = 0; m->values && r == 0 && i < a->points; i++)
		r = plan_check_setpoint(b, m->source, 0, &a->values[member][i]);
	if (m->values)
		return r;
	r = plan_check_setpoint(b, m->source, 0, &m->start);
	return r < 0 ? r : plan_check_setpoint(b, m->source, 0, &m->stop);
}

/* How long the slowest source of the innermost axis takes for its longest step. */
static int innermost_settle(struct plan_build *b, struct sweep *w, uint64_t *ret)
{
	struct sweep_axis *a = &w->axis[w->axis_count - 1];

	*ret = 0;
	for (unsigned int i = 0; i < a->member_count && a->mode == ETALON_HW_MODE_STEP; i++) {
		const struct axis_member *m = &a->member[i];
		int r = check_setpoints(b, a, i);

		if (r < 0)
			return r;
		*ret = MAX(*ret, step_settle_ns(&b->d->source[m->source], m, (uint32_t)a->points));
	}
	return 0;
}

static int read_time(struct plan_build *b, struct sweep *w)
{
	const bool ramp = w->axis[w->axis_count - 1].mode == ETALON_HW_MODE_RAMP;
	int64_t period = 0, delay, aperture = 0;
	uint64_t settle;
	int r = innermost_settle(b, w, &settle);

	if (r < 0)
		return r;
	delay = (int64_t)MIN(settle, (uint64_t)INT64_MAX);
	r = request_within(b->request, "request", "period_ns", 1, INT64_MAX, &period, b->message);
	if (r >= 0)
		r = request_within(b->request, "request", "delay_ns", 0, INT64_MAX, &delay,
				   b->message);
	if (r >= 0)
		r = request_within(b->request, "request", "aperture_ns", 1, INT64_MAX, &aperture,
				   b->message);
	if (r < 0)
		return r;
	if (ramp && period == 0)
		return fail(b->message, -EINVAL,
			    "request: a ramp needs period_ns: it makes the speed");
	if (ramp && aperture == 0)
		aperture = period / 5 * 4;
	if (aperture == 0)
		return fail(b->message, -EINVAL, "request: aperture_ns is missing");
	if (period == 0)
		period = delay > INT64_MAX - aperture
				 ? INT64_MAX
				 : MAX(delay + aperture, (int64_t)b->d->head.period_min_ns);
	if ((uint64_t)delay < settle)
		plan_warn(
			b,
			"delay %s is shorter than the sources move and settle, %s: points will be "
			"flagged",
			duration_quantity((uint64_t)delay).text, duration_quantity(settle).text);
	w->timing = (struct timing){(uint64_t)period, (uint64_t)delay, (uint64_t)aperture};
	json_object_set_new(b->request, "period_ns", json_integer(period));
	json_object_set_new(b->request, "delay_ns", json_integer(delay));
	json_object_set_new(b->request, "aperture_ns", json_integer(aperture));
	plan_drop_slow_columns(b, w->timing.aperture_ns);
	return plan_check_timing(b, &w->timing);
}

/* Before the run-in is asked for, which at a wrong speed is longer than anything. */
static int check_ramp_speed(struct plan_build *b, const struct sweep *w, const struct sweep_axis *a,
			    struct axis_member *m)
{
	const struct etalon_hw_source *s = &b->d->source[m->source];
	unsigned __int128 time = (unsigned __int128)(a->points - 1) * w->timing.period_ns, way;
	int r;

	r = plan_check_setpoint(b, m->source, 0, &m->start);
	if (r == 0)
		r = plan_check_setpoint(b, m->source, 0, &m->stop);
	if (r < 0)
		return r;
	way = (unsigned __int128)(m->stop > m->start ? m->stop - m->start : m->start - m->stop) *
	      NSEC_PER_SEC;
	if (way >= (unsigned __int128)s->ramp_speed_min * time &&
	    way <= (unsigned __int128)s->ramp_speed_max * time)
		return 0;
	return fail(b->message, -ERANGE,
		    "%s would ramp at %s; allowed %s to %s: change period_ns, points or the span",
		    s->name, source_speed(s->kind, (int64_t)(way / time)).text,
		    source_speed(s->kind, s->ramp_speed_min).text,
		    source_speed(s->kind, s->ramp_speed_max).text);
}

static int check_ramp(struct plan_build *b, struct sweep *w)
{
	struct sweep_axis *a = &w->axis[w->axis_count - 1];
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < a->member_count && a->mode == ETALON_HW_MODE_RAMP;
	     i++)
		if (!a->member[i].values)
			r = check_ramp_speed(b, w, a, &a->member[i]);
	return r;
}

/* ---- the plan ---- */

static int add_detectors(struct plan_build *b, const struct sweep *w)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < b->d->head.source_count; i++) {
		if (!w->used[i])
			continue;
		r = plan_add_readbacks(b, i);
		if (r == 0 && b->d->source[i].kind == ETALON_HW_SOURCE_WAVELENGTH)
			r = plan_add_role(b, ETALON_HW_ROLE_POWER_MONITOR, (int)i);
		if (r == 0 && b->d->source[i].kind == ETALON_HW_SOURCE_WAVELENGTH)
			r = plan_add_role(b, ETALON_HW_ROLE_WAVELENGTH_LOG, (int)i);
	}
	if (r == 0)
		r = plan_add_role(b, ETALON_HW_ROLE_TEMPERATURE, -1);
	return r < 0 ? r : plan_ranges(b);
}

static int fill_axis(struct plan_build *b, struct sweep *w, struct segment *s, unsigned int n)
{
	struct sweep_axis *from = &w->axis[n];
	struct etalon_hw_axis *a = &s->program.axis[n];
	int r = 0;

	if (from->member_count == 0)
		plan_repeat_axis(s, n, (uint32_t)from->points);
	else
		r = plan_set_axis(b, s, n, from->member, from->member_count, (uint32_t)from->points,
				  from->mode);
	a->direction = (uint8_t)from->direction;
	a->settle_ns = (uint64_t)from->settle_ns;
	if (from->mode == ETALON_HW_MODE_WAIT) {
		a->wait_window = from->window;
		a->wait_hold_ns = (uint64_t)from->hold_ns;
		a->wait_slope = from->slope;
		a->wait_timeout_ns = (uint64_t)from->timeout_ns;
	}
	return r;
}

static int add_main(struct plan_build *b, struct sweep *w)
{
	struct segment *s = plan_add_segment(b, SEGMENT_MAIN, &w->timing);
	int r;

	if (!s)
		return -ENOMEM;
	s->program.axis_count = w->axis_count;
	s->program.gate = (uint8_t)w->gate;
	if (w->emission)
		s->program.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	r = check_ramp(b, w);
	for (unsigned int n = 0; r == 0 && n < w->axis_count; n++)
		r = fill_axis(b, w, s, n);
	if (r == 0)
		r = plan_comparators(b, &s->program);
	if (r == 0)
		r = plan_triggers(b, &s->program);
	return r < 0 ? r : plan_finish_segment(b, s);
}

static int add_meta(struct plan_build *b, const struct sweep *w)
{
	static const char *const modes[] = {[ETALON_HW_MODE_STEP] = "step",
					    [ETALON_HW_MODE_RAMP] = "ramp",
					    [ETALON_HW_MODE_WAIT] = "wait"};
	const struct sweep_axis *a = &w->axis[w->axis_count - 1];
	const struct etalon_hw_source *s =
		a->member_count > 0 ? &b->d->source[a->member[0].source] : NULL;
	json_t *settings = json_pack(
		"{s:I, s:I, s:I, s:s, s:I, s:O}", "period_ns", (json_int_t)w->timing.period_ns,
		"aperture_ns", (json_int_t)w->timing.aperture_ns, "delay_ns",
		(json_int_t)w->timing.delay_ns, "mode", modes[a->mode], "points",
		(json_int_t)b->plan->points, "axes", json_object_get(b->request, "axes"));
	bool wavelength = s && s->kind == ETALON_HW_SOURCE_WAVELENGTH && !a->member[0].values;
	int r = plan_meta(b, "sweep", settings, wavelength ? (int)a->member[0].source : -1,
			  a->member[0].start, a->member[0].stop);

	if (r == 0 && s && !wavelength)
		json_object_set_new(
			b->plan->meta, META_AXIS,
			json_pack("{s:s, s:s}", "column", s->name, "provenance", "nominal"));
	return r;
}

static char *how(const struct plan_build *b, const struct sweep *w)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s points: ", quantity_count(b->plan->points).text);
	for (unsigned int n = 0; n < w->axis_count; n++) {
		const struct sweep_axis *a = &w->axis[n];

		fprintf(f, "%s", n > 0 ? " x " : "");
		for (unsigned int i = 0; i < a->member_count; i++)
			fprintf(f, "%s%s", i > 0 ? " + " : "",
				b->d->source[a->member[i].source].name);
		fprintf(f, "%s%s", a->member_count > 0 ? " " : "repeated ",
			quantity_count((uint64_t)a->points).text);
	}
	fprintf(f, "; period %s", duration_quantity(w->timing.period_ns).text);
	fprintf(f, ", aperture %s", duration_quantity(w->timing.aperture_ns).text);
	fclose(f);
	return text;
}

static int make(struct plan_build *b, struct sweep *w)
{
	_cleanup_free_ char *first_line = NULL;
	int r = sweep_read_axes(b, w);

	if (r == 0)
		r = add_detectors(b, w);
	if (r == 0)
		r = read_light(b, w);
	if (r == 0)
		r = read_time(b, w);
	if (r == 0)
		r = plan_set_sources(b);
	if (r == 0 && w->dark)
		r = plan_add_dark(b, SEGMENT_DARK_BEFORE, &w->timing, w->emission);
	if (r == 0)
		r = add_main(b, w);
	if (r == 0 && w->dark)
		r = plan_add_dark(b, SEGMENT_DARK_AFTER, &w->timing, w->emission);
	if (r == 0)
		r = add_meta(b, w);
	if (r < 0)
		return r;
	first_line = how(b, w);
	plan_summary(b, first_line ? first_line : "");
	return 0;
}

int plan_sweep(struct plan_build *b)
{
	struct sweep w = {};
	int r = make(b, &w);

	sweep_clear(&w);
	return r;
}
