// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The axes of a general sweep's request: sources that exist and can do what is asked, each in
 * one place only. What becomes of them is in plan_sweep.c.
 */
#include <errno.h>

#include "measure/plan_sweep.h"

void sweep_clear(struct sweep *w)
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
		int r = request_number(item, where, "values", &a->values[m][i], b->message);

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

int sweep_read_axes(struct plan_build *b, struct sweep *w)
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
