// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * General sweeps: any program over any sources and detectors of the board. What drives light
 * has to say so; every swept source brings the detectors that read it back.
 */
#include <errno.h>

#include "measure/plan_build.h"

struct sweep_axis {
	struct axis_member member[ETALON_HW_GANG_MAX];
	int64_t *values[ETALON_HW_GANG_MAX]; /* owned; member[].values points here */
	unsigned int member_count;
	int64_t points; /* 0: not said */
	unsigned int mode; /* ETALON_HW_MODE_* */
	unsigned int direction;
	int64_t settle_ns, window, hold_ns, slope, timeout_ns;
};

struct sweep {
	struct sweep_axis axis[ETALON_HW_AXES_MAX];
	unsigned int axis_count;
	bool used[ETALON_HW_SOURCES_MAX];
	bool emission;
	bool dark;
	unsigned int gate;
	struct timing timing;
};

static void sweep_clear(struct sweep *w)
{
	for (size_t a = 0; a < ARRAY_SIZE(w->axis); a++)
		for (size_t m = 0; m < ARRAY_SIZE(w->axis[a].values); m++)
			free(w->axis[a].values[m]);
}

static int read_values(struct plan_build *b, const char *where, const json_t *list,
		       struct sweep_axis *a)
{
	unsigned int m = a->member_count;
	size_t n = json_array_size(list), i;
	json_t *item;

	if (!json_is_array(list) || n == 0)
		return fail(b->message, -EINVAL, "%s: values must be a list of numbers", where);
	if (n > b->d->head.list_points_max)
		return fail(b->message, -ERANGE,
			    "%s: %zu values; a list of this board has at most %u", where, n,
			    b->d->head.list_points_max);
	a->values[m] = malloc(n * sizeof(int64_t));
	if (!a->values[m])
		return -ENOMEM;
	json_array_foreach(list, i, item) {
		_cleanup_(json_decrefp) json_t *one = json_pack("{s:O}", "values", item);
		int r = request_integer(one, where, "values", &a->values[m][i], b->message);

		if (r < 0)
			return r;
	}
	a->member[m].values = a->values[m];
	if (a->points == 0)
		a->points = (int64_t)n;
	if (a->points != (int64_t)n)
		return fail(b->message, -EINVAL, "%s: %zu values where the axis has %lld points",
			    where, n, (long long)a->points);
	return 0;
}

static int check_use(struct plan_build *b, struct sweep *w, const struct sweep_axis *a,
		     unsigned int source)
{
	static const struct {
		unsigned int mode;
		const char *name;
	} modes[] = {{ETALON_HW_MODE_STEP, "step"},
		     {ETALON_HW_MODE_RAMP, "ramp"},
		     {ETALON_HW_MODE_WAIT, "wait"}};
	const struct etalon_hw_source *s = &b->d->source[source];
	const char *wanted = "", *has[ARRAY_SIZE(modes)];
	_cleanup_free_ char *list = NULL;
	size_t n = 0;

	if (s->is_gate)
		return fail(b->message, -EINVAL,
			    "%s is no source to sweep: say \"gate\": \"open\" or \"shut\"",
			    s->name);
	if (w->used[source])
		return fail(b->message, -EINVAL, "%s is swept twice in one program", s->name);
	w->used[source] = true;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (s->modes & modes[i].mode)
			has[n++] = modes[i].name;
		if (a->mode == modes[i].mode)
			wanted = modes[i].name;
	}
	if (s->modes & a->mode)
		return 0;
	list = names_list((struct names){has, n});
	return fail(b->message, -ENOTSUP, "%s can not be swept in mode %s; it has: %s", s->name,
		    wanted, list ? list : "");
}

static int read_member(struct plan_build *b, struct sweep *w, struct sweep_axis *a,
		       const char *where, const json_t *o)
{
	static const char *const keys[] = {"source", "start", "stop", "values"};
	struct axis_member *m = &a->member[a->member_count];
	const char *name = NULL;
	int source, r, stop;

	r = request_check_keys(o, where, NAMES(keys), b->message);
	if (r >= 0)
		r = request_text(o, where, "source", &name, b->message);
	if (r < 0)
		return r;
	if (!name)
		return fail(b->message, -EINVAL, "%s: source is missing", where);
	source = plan_find_source(b, name);
	if (source < 0)
		return source;
	m->source = (unsigned int)source;
	r = check_use(b, w, a, m->source);
	if (r < 0)
		return r;
	r = request_integer(o, where, "start", &m->start, b->message);
	stop = r < 0 ? r : request_integer(o, where, "stop", &m->stop, b->message);
	if (stop < 0)
		return stop;
	if (json_object_get(o, "values")) {
		if (r > 0 || stop > 0)
			return fail(b->message, -EINVAL,
				    "%s: values and start or stop exclude each other", where);
		r = read_values(b, where, json_object_get(o, "values"), a);
	} else if (r == 0 || stop == 0) {
		r = fail(b->message, -EINVAL, "%s: give start and stop, or values", where);
	}
	if (r < 0)
		return r;
	a->member_count++;
	return 0;
}

static int check_mode(struct plan_build *b, const struct sweep_axis *a, const char *where,
		      bool innermost)
{
	uint64_t capabilities = b->d->head.capabilities;

	if (a->mode == ETALON_HW_MODE_RAMP && !innermost)
		return fail(b->message, -EINVAL, "%s: only the innermost axis can ramp", where);
	if (a->mode != ETALON_HW_MODE_STEP && a->member_count == 0)
		return fail(b->message, -EINVAL, "%s: this mode needs a source", where);
	if (a->mode == ETALON_HW_MODE_RAMP && a->points < 2)
		return fail(b->message, -EINVAL, "%s: a ramp has at least 2 points", where);
	if (a->mode == ETALON_HW_MODE_RAMP && !(capabilities & ETALON_HW_CAP_RAMP))
		return fail(b->message, -ENOTSUP, "%s: this board has no mode ramp", where);
	if (a->mode != ETALON_HW_MODE_WAIT)
		return 0;
	if (!(capabilities & ETALON_HW_CAP_WAIT))
		return fail(b->message, -ENOTSUP, "%s: this board has no mode wait", where);
	if (a->window <= 0 || a->slope <= 0 || a->timeout_ns <= 0)
		return fail(b->message, -EINVAL,
			    "%s: mode wait needs window, slope and timeout_ns, all above 0", where);
	if (a->timeout_ns < a->hold_ns)
		return fail(b->message, -EINVAL, "%s: timeout_ns is shorter than hold_ns", where);
	return 0;
}

static int read_members(struct plan_build *b, struct sweep *w, struct sweep_axis *a,
			const char *where, const json_t *list)
{
	json_t *o;
	size_t i;

	if (list && !json_is_array(list))
		return fail(b->message, -EINVAL, "%s: sources must be a list", where);
	if (json_array_size(list) > ETALON_HW_GANG_MAX)
		return fail(b->message, -EINVAL, "%s: at most %d sources move together", where,
			    ETALON_HW_GANG_MAX);
	json_array_foreach(list, i, o) {
		char inner[64];
		int r;

		snprintf(inner, sizeof(inner), "%s.sources[%zu]", where, i);
		r = read_member(b, w, a, inner, o);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_axis(struct plan_build *b, struct sweep *w, const json_t *o, const char *where)
{
	static const char *const keys[] = {"sources", "points",	 "mode",  "direction", "settle_ns",
					   "window",  "hold_ns", "slope", "timeout_ns"};
	static const char *const modes[] = {"step", "ramp", "wait"};
	static const char *const directions[] = {"forward", "reverse", "serpentine", "up-down"};
	struct sweep_axis *a = &w->axis[w->axis_count];
	const struct {
		const char *key;
		int64_t low, high;
		int64_t *ret;
	} numbers[] = {
		{"points", 1, (int64_t)REQUEST_POINTS_MAX, &a->points},
		{"settle_ns", 0, INT64_MAX, &a->settle_ns},
		{"window", 1, INT64_MAX, &a->window},
		{"hold_ns", 0, INT64_MAX, &a->hold_ns},
		{"slope", 1, INT64_MAX, &a->slope},
		{"timeout_ns", 1, INT64_MAX, &a->timeout_ns},
	};
	unsigned int mode = 0;
	int r = request_check_keys(o, where, NAMES(keys), b->message);

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
		r = request_within(o, where, numbers[i].key, numbers[i].low, numbers[i].high,
				   numbers[i].ret, b->message);
	if (r >= 0)
		r = request_choice(o, where, "mode", NAMES(modes), &mode, b->message);
	if (r >= 0)
		r = request_choice(o, where, "direction", NAMES(directions), &a->direction,
				   b->message);
	if (r < 0)
		return r;
	a->mode = 1U << mode; /* the order is that of ETALON_HW_MODE_* */
	r = read_members(b, w, a, where, json_object_get(o, "sources"));
	if (r < 0)
		return r;
	if (a->points == 0)
		return fail(b->message, -EINVAL, "%s: points is missing", where);
	return 0;
}

static int read_axes(struct plan_build *b, struct sweep *w)
{
	const json_t *list = json_object_get(b->request, "axes");
	json_t *o;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n < 1 || n > ETALON_HW_AXES_MAX)
		return fail(b->message, -EINVAL,
			    "axes must be a list of 1 to %d axes, outermost first",
			    ETALON_HW_AXES_MAX);
	json_array_foreach(list, i, o) {
		char where[32];
		int r;

		snprintf(where, sizeof(where), "axes[%zu]", i);
		r = read_axis(b, w, o, where);
		if (r == 0)
			r = check_mode(b, &w->axis[i], where, i == n - 1);
		if (r < 0)
			return r;
		w->axis_count++;
	}
	return 0;
}

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

static uint64_t innermost_settle(const struct plan_build *b, const struct sweep *w)
{
	const struct sweep_axis *a = &w->axis[w->axis_count - 1];
	uint64_t settle = 0;

	if (a->mode != ETALON_HW_MODE_STEP)
		return 0;
	for (unsigned int i = 0; i < a->member_count; i++)
		settle = MAX(settle, b->d->source[a->member[i].source].settle_ns);
	return settle;
}

static int read_time(struct plan_build *b, struct sweep *w)
{
	const bool ramp = w->axis[w->axis_count - 1].mode == ETALON_HW_MODE_RAMP;
	uint64_t settle = innermost_settle(b, w);
	int64_t period = 0, delay = (int64_t)settle, aperture = 0;
	int r;

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
		plan_warn(b,
			  "delay %s is shorter than the sources settle, %s: points will be "
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
			b->plan->meta, "axis",
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
	int r = read_axes(b, w);

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
