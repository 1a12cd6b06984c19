// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a general sweep does besides its axes: setpoints before it, comparators, triggers.
 */
#include <errno.h>

#include "measure/plan_build.h"

int plan_set_sources(struct plan_build *b)
{
	json_t *set = json_object_get(b->request, "set"), *unused;
	struct plan *plan = b->plan;
	const char *name;
	int64_t value;
	int source, r;

	if (!set)
		return 0;
	if (!json_is_object(set))
		return fail(b->message, -EINVAL, "set must be an object of sources and values");
	plan->setpoints = calloc(json_object_size(set) + 1, sizeof(*plan->setpoints));
	if (!plan->setpoints)
		return -ENOMEM;
	json_object_foreach(set, name, unused) {
		source = plan_find_source(b, name);
		if (source < 0)
			return source;
		if (b->d->source[source].is_gate)
			return fail(b->message, -EINVAL,
				    "set: say \"gate\": \"open\" or \"shut\" instead of %s", name);
		r = request_integer(set, "set", name, &value, b->message);
		if (r >= 0)
			r = plan_check_setpoint(b, (unsigned int)source, 0, &value);
		if (r < 0)
			return r;
		plan->setpoints[plan->setpoint_count++] =
			(struct plan_setpoint){(unsigned int)source, value};
	}
	return 0;
}

static int needed_choice(struct plan_build *b, const json_t *o, const char *where, const char *key,
			 struct names choices, unsigned int *ret)
{
	_cleanup_free_ char *list = NULL;
	int r = request_choice(o, where, key, choices, ret, b->message);

	if (r != 0)
		return r < 0 ? r : 0;
	list = names_list(choices);
	return fail(b->message, -EINVAL, "%s: %s is missing; allowed: %s", where, key,
		    list ? list : "");
}

static int comparator(struct plan_build *b, const json_t *o, const char *where,
		      struct etalon_hw_comparator *ret)
{
	static const char *const keys[] = {"detector", "kind", "action", "threshold"};
	static const char *const kinds[] = {"none", "above", "below", "falls"};
	static const char *const actions[] = {"flag", "end-axis", "end-program", "trip"};
	const char *name = NULL;
	unsigned int kind, action;
	int64_t threshold;
	int column, r;

	r = request_check_keys(o, where, NAMES(keys), b->message);
	if (r >= 0)
		r = request_text(o, where, "detector", &name, b->message);
	if (r < 0)
		return r;
	if (!name)
		return fail(b->message, -EINVAL, "%s: detector is missing", where);
	column = plan_find_column(b, name);
	if (column < 0)
		return column;
	r = needed_choice(b, o, where, "kind", NAMES(kinds), &kind);
	if (r == 0)
		r = needed_choice(b, o, where, "action", NAMES(actions), &action);
	if (r == 0)
		r = request_integer(o, where, "threshold", &threshold, b->message);
	if (r < 0)
		return r;
	if (r == 0)
		return fail(b->message, -EINVAL, "%s: threshold is missing", where);
	if (kind == ETALON_HW_COMPARATOR_FALLS && (threshold <= 0 || threshold >= 1000000))
		return fail(b->message, -EINVAL,
			    "%s: threshold of \"falls\" is in 1e-6 of the maximum: 1 to 999999",
			    where);
	*ret = (struct etalon_hw_comparator){.detector = (uint16_t)b->column[column].detector,
					     .kind = (uint8_t)kind,
					     .action = (uint8_t)action,
					     .threshold = threshold};
	return 0;
}

int plan_comparators(struct plan_build *b, struct etalon_hw_program *p)
{
	const json_t *list = json_object_get(b->request, "comparators"), *o;
	uint32_t most = b->d->head.comparators;
	size_t i;
	int r;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return fail(b->message, -EINVAL, "comparators must be a list");
	if (!(b->d->head.capabilities & ETALON_HW_CAP_COMPARATORS))
		most = 0;
	if (json_array_size(list) > most)
		return fail(b->message, -ENOTSUP, "%zu comparators; this board has %u",
			    json_array_size(list), most);
	json_array_foreach(list, i, o) {
		char where[40];

		snprintf(where, sizeof(where), "comparators[%zu]", i);
		r = comparator(b, o, where, &p->comparator[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int outputs(struct plan_build *b, struct etalon_hw_program *p)
{
	static const char *const functions[] = {"low",	    "start", "point",	"aperture",
						"axis-end", "end",   "emission"};
	const json_t *list = json_object_get(b->request, "outputs"), *o;
	size_t i, most = MIN((size_t)b->d->head.trigger_outputs, ARRAY_SIZE(p->output));

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > most)
		return fail(b->message, -EINVAL, "outputs must be a list of at most %zu texts",
			    most);
	json_array_foreach(list, i, o) {
		_cleanup_(json_decrefp) json_t *one = json_pack("{s:O}", "outputs", o);
		unsigned int function;
		int r = request_choice(one, "request", "outputs", NAMES(functions), &function,
				       b->message);

		if (r < 0)
			return r;
		p->output[i] = (uint8_t)function;
	}
	return 0;
}

/* An input by its number: 1 there, 0 absent. */
static int input(struct plan_build *b, const char *key, uint8_t *ret)
{
	int64_t value, last = (int64_t)b->d->head.trigger_inputs - 1;
	int r;

	if (!json_object_get(b->request, key))
		return 0;
	if (last < 0)
		return fail(b->message, -ENOTSUP, "%s: this board has no trigger inputs", key);
	r = request_within(b->request, "request", key, 0, last, &value, b->message);
	if (r > 0)
		*ret = (uint8_t)value;
	return r;
}

int plan_triggers(struct plan_build *b, struct etalon_hw_program *p)
{
	static const char *const clocks[] = {"internal", "edge", "source"};
	unsigned int clock = ETALON_HW_CLOCK_INTERNAL;
	int64_t timeout = 0;
	int r = input(b, "start_input", &p->start_input);

	if (r > 0)
		p->start_source = ETALON_HW_START_EDGE;
	if (r >= 0)
		r = request_choice(b->request, "request", "clock", NAMES(clocks), &clock,
				   b->message);
	if (r < 0)
		return r;
	r = input(b, "clock_input", &p->clock_input);
	if (r < 0)
		return r;
	if (clock == ETALON_HW_CLOCK_EDGE && r == 0)
		return fail(b->message, -EINVAL, "clock \"edge\" needs clock_input");
	if (clock != ETALON_HW_CLOCK_EDGE && r > 0)
		return fail(b->message, -EINVAL, "clock_input goes with clock \"edge\"");
	r = request_within(b->request, "request", "clock_timeout_ns", 0, INT64_MAX, &timeout,
			   b->message);
	if (r < 0)
		return r;
	p->point_clock = (uint8_t)clock;
	p->clock_timeout_ns = (uint64_t)timeout;
	return outputs(b, p);
}
