// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Limits of setpoints: the least of what hardware, site and job allow, and the grid of the
 * source. Refuses by name; never clamps.
 */
#include <errno.h>

#include "measure/plan_build.h"

struct limit {
	int64_t min, max;
	const char *min_by, *max_by; /* who set it */
};

static void narrow(struct limit *l, int64_t min, int64_t max, const char *by)
{
	if (min > l->min) {
		l->min = min;
		l->min_by = by;
	}
	if (max < l->max) {
		l->max = max;
		l->max_by = by;
	}
}

/* The request's own limits: {source: {min, max, by}}. */
static int narrow_by_job(struct plan_build *b, unsigned int source, struct limit *l)
{
	static const char *const keys[] = {"min", "max", "by"};
	const char *name = b->d->source[source].name, *by = "this job";
	const json_t *o = json_object_get(json_object_get(b->request, "limits"), name);
	int64_t min = l->min, max = l->max;
	int r;

	if (!o)
		return 0;
	r = request_check_keys(o, "limits", NAMES(keys), b->message);
	if (r >= 0)
		r = request_integer(o, name, "min", &min, b->message);
	if (r >= 0)
		r = request_integer(o, name, "max", &max, b->message);
	if (r >= 0)
		r = request_text(o, name, "by", &by, b->message);
	if (r < 0)
		return r;
	narrow(l, min, max, by);
	return 0;
}

static int effective_limit(struct plan_build *b, unsigned int source, struct limit *ret)
{
	const struct etalon_hw_source *s = &b->d->source[source];
	int r;

	*ret = (struct limit){s->min, s->max, "the board", "the board"};
	for (size_t i = 0; i < b->site->limit_count; i++)
		if (streq(b->site->limits[i].source, s->name))
			narrow(ret, b->site->limits[i].min, b->site->limits[i].max, "the site");
	r = narrow_by_job(b, source, ret);
	if (r < 0)
		return r;
	if (ret->min > ret->max)
		return fail(b->message, -ERANGE,
			    "%s: no value is allowed: %s asks for at least %s, %s for at most %s",
			    s->name, ret->min_by, source_quantity(s->kind, ret->min).text,
			    ret->max_by, source_quantity(s->kind, ret->max).text);
	return 0;
}

static int beyond(struct plan_build *b, const struct etalon_hw_source *s, const struct limit *l,
		  int64_t margin, int64_t value)
{
	bool above = value > l->max - margin;
	struct quantity_text low = source_quantity(s->kind, l->min + margin);
	struct quantity_text high = source_quantity(s->kind, l->max - margin);
	_cleanup_free_ char *run_in = NULL;

	if (l->min + margin > l->max - margin)
		return fail(
			b->message, -ERANGE,
			"%s: a run-in of %s on each side leaves nothing of %s to %s: sweep more "
			"slowly",
			s->name, source_distance(s->kind, margin).text,
			source_quantity(s->kind, l->min).text,
			source_quantity(s->kind, l->max).text);
	if (margin > 0)
		run_in = asprintf_or_null(", which leaves %s for the run-in",
					  source_distance(s->kind, margin).text);
	return fail(b->message, -ERANGE, "%s is %s %s's %s, set by %s%s; allowed %s to %s",
		    source_quantity(s->kind, value).text, above ? "above" : "below", s->name,
		    above ? high.text : low.text, above ? l->max_by : l->min_by,
		    run_in ? run_in : "", low.text, high.text);
}

int64_t plan_on_grid(const struct etalon_hw_source *s, int64_t value)
{
	int64_t rest = ((value % s->resolution) + s->resolution) % s->resolution;

	return rest > s->resolution / 2 ? value - rest + s->resolution : value - rest;
}

/* A step that people can type multiples of: 1, 2 or 5 times a power of ten. */
static bool decimal_step(int64_t step)
{
	while (step % 10 == 0)
		step /= 10;
	return step == 1 || step == 2 || step == 5;
}

static int put_on_grid(struct plan_build *b, const struct etalon_hw_source *s,
		       const struct limit *l, int64_t margin, int64_t *value)
{
	int64_t asked = *value, near = plan_on_grid(s, asked);
	int64_t below = near > asked ? near - s->resolution : near;

	if (near == asked)
		return 0;
	if (s->kind != ETALON_HW_SOURCE_POWER && decimal_step(s->resolution))
		return fail(b->message, -EINVAL,
			    "%s: %s is set in steps of %s; the nearest are %s and %s",
			    source_quantity(s->kind, asked).text, s->name,
			    source_distance(s->kind, s->resolution).text,
			    source_quantity(s->kind, below).text,
			    source_quantity(s->kind, below + s->resolution).text);
	/* Rounding may not lead over a limit. */
	if (near > l->max - margin)
		near -= s->resolution;
	if (near < l->min + margin)
		near += s->resolution;
	*value = near;
	return 0;
}

int plan_check_setpoint(struct plan_build *b, unsigned int source, int64_t margin, int64_t *value)
{
	const struct etalon_hw_source *s = &b->d->source[source];
	struct limit l;
	int r = effective_limit(b, source, &l);

	if (r < 0)
		return r;
	if (*value < l.min + margin || *value > l.max - margin)
		return beyond(b, s, &l, margin, *value);
	return put_on_grid(b, s, &l, margin, value);
}

struct names plan_source_names(const struct plan_build *b, const char **space)
{
	for (uint32_t i = 0; i < b->d->head.source_count; i++)
		space[i] = b->d->source[i].name;
	return (struct names){space, b->d->head.source_count};
}

int plan_find_source(struct plan_build *b, const char *name)
{
	const char *space[ETALON_HW_SOURCES_MAX];
	int source = description_source(b->d, name);

	if (source < 0)
		return unknown_name(b->message, -ENOENT, "source", name, "this board has",
				    plan_source_names(b, space));
	return source;
}

/* A limit that silently applies to nothing would be worse than none. */
int plan_check_limit_names(struct plan_build *b)
{
	json_t *limits = json_object_get(b->request, "limits"), *value;
	const char *key;
	int r;

	for (size_t i = 0; i < b->site->limit_count; i++) {
		_cleanup_free_ char *message = NULL;
		char **outer = b->message;

		b->message = &message;
		r = plan_find_source(b, b->site->limits[i].source);
		b->message = outer;
		if (r < 0)
			return fail(b->message, r, "limits of the site: %s", message);
	}
	if (limits && !json_is_object(limits))
		return fail(b->message, -EINVAL, "limits must be an object of sources");
	json_object_foreach(limits, key, value) {
		r = plan_find_source(b, key);
		if (r < 0)
			return r;
	}
	return 0;
}
