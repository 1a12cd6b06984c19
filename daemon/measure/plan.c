// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From a request to a plan: the keys that every request has, then the part for its kind. No
 * board is touched; the same plan is shown by a dry run and run for real.
 */
#include <errno.h>
#include <stdarg.h>

#include "data/meta.h"
#include "measure/plan_build.h"

#define DAY_NS (24 * 3600 * NSEC_PER_SEC)
#define DURATION_MAX_NS (30 * DAY_NS)
#define TEXT_MAX 4096 /* bytes of a label or note */

static const char *const kinds[] = {"wavelength-sweep", "sweep", "dark"};

/* Keys that any request may have; those of its kind come besides. */
#define COMMON_KEYS \
	"kind", "detectors", "ranges", META_LABELS, "parent", "expectations", "analyse", "limits"

static const char *const wavelength_keys[] = {
	COMMON_KEYS, "start_fm",    "stop_fm", "points",    "power_fw",	 "speed_fm_per_s",
	"dwell_ns",  "aperture_ns", "average", "both_ways", "reference", "purpose",
};
static const char *const sweep_keys[] = {
	COMMON_KEYS,   "axes",
	"period_ns",   "delay_ns",
	"aperture_ns", "emission",
	"gate",	       "dark",
	"set",	       "comparators",
	"start_input", "clock",
	"clock_input", "clock_timeout_ns",
	"outputs",
};
static const char *const dark_keys[] = {COMMON_KEYS, "points", "period_ns", "aperture_ns"};

static const struct names keys_of_kind[] = {NAMES(wavelength_keys), NAMES(sweep_keys),
					    NAMES(dark_keys)};

static void add_text(json_t *texts, const char *format, va_list ap)
{
	_cleanup_free_ char *text = vasprintf_or_null(format, ap);

	if (text)
		json_array_append_new(texts, json_string(text));
}

void plan_line(struct plan_build *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_text(b->lines, format, ap);
	va_end(ap);
}

void plan_warn(struct plan_build *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_text(b->warnings, format, ap);
	va_end(ap);
}

struct segment *plan_add_segment(struct plan_build *b, enum segment_purpose purpose,
				 const struct timing *t)
{
	struct plan *plan = b->plan;
	struct segment *more, *s;

	more = reallocarray(plan->segments, plan->segment_count + 1, sizeof(*more));
	if (!more)
		return NULL;
	plan->segments = more;
	s = &more[plan->segment_count++];
	*s = (struct segment){.purpose = purpose};
	s->program.magic = ETALON_HW_PROGRAM_MAGIC;
	s->program.size = sizeof(s->program);
	s->program.axis_count = 1;
	s->program.period_ns = t->period_ns;
	s->program.delay_ns = t->delay_ns;
	s->program.aperture_ns = t->aperture_ns;
	s->program.detector_count = b->column_count;
	for (unsigned int i = 0; i < b->column_count; i++) {
		s->program.detector[i].detector = (uint16_t)b->column[i].detector;
		s->program.detector[i].range = (uint8_t)b->column[i].range;
	}
	return s;
}

int plan_finish_segment(struct plan_build *b, struct segment *s)
{
	s->points = program_points(&s->program);
	if (s->points > REQUEST_POINTS_MAX)
		return fail(
			b->message, -ERANGE, "%s points are more than one run may have; at most %s",
			quantity_count(s->points).text, quantity_count(REQUEST_POINTS_MAX).text);
	s->duration_ns = program_duration_ns(b->d, &s->program);
	if (s->duration_ns > DURATION_MAX_NS)
		return fail(b->message, -ERANGE,
			    "this takes %s days; a run may take at most %s: fewer points, or a "
			    "shorter period",
			    quantity_count(s->duration_ns / DAY_NS).text,
			    quantity_count(DURATION_MAX_NS / DAY_NS).text);
	if (s->purpose == SEGMENT_MAIN)
		b->plan->points = s->points;
	b->plan->duration_ns += s->duration_ns;
	if (s->program.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION)
		b->plan->needs_emission = true;
	return 0;
}

static int check_texts(struct plan_build *b)
{
	static const char *const texts[] = {META_LABELS};
	const char *text;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		r = request_text(b->request, "request", texts[i], &text, b->message);
		if (r < 0)
			return r;
		if (r > 0 && strlen(text) > TEXT_MAX)
			return fail(b->message, -EINVAL, "%s has %zu bytes; at most %d", texts[i],
				    strlen(text), TEXT_MAX);
	}
	return 0;
}

static int check_expectation(struct plan_build *b, const char *where, const json_t *o)
{
	static const char *const keys[] = {"quantity", "method", "channel", "low",
					   "high",     "unit",	 "guard"};
	static const char *const numbers[] = {"low", "high", "guard"};
	static const char *const texts[] = {"quantity", "method", "channel", "unit"};
	const char *text;
	int r = request_check_keys(o, where, NAMES(keys), b->message);

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
		r = request_text(o, where, texts[i], &text, b->message);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const json_t *value = json_object_get(o, numbers[i]);

		if (value && !json_is_number(value))
			return fail(b->message, -EINVAL, "%s: %s must be a number", where,
				    numbers[i]);
	}
	if (!json_object_get(o, "quantity"))
		return fail(b->message, -EINVAL, "%s: quantity is missing", where);
	if (!json_object_get(o, "low") && !json_object_get(o, "high"))
		return fail(b->message, -EINVAL, "%s: give low, high or both", where);
	if (json_object_get(o, "low") && json_object_get(o, "high") &&
	    json_number_value(json_object_get(o, "low")) >
		    json_number_value(json_object_get(o, "high")))
		return fail(b->message, -EINVAL, "%s: low is above high", where);
	return 0;
}

static int check_expectations(struct plan_build *b)
{
	const json_t *list = json_object_get(b->request, "expectations");
	const json_t *item, *channel;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return fail(b->message, -EINVAL, "expectations must be a list");
	json_array_foreach(list, i, item) {
		char where[40];
		int r;

		snprintf(where, sizeof(where), "expectations[%zu]", i);
		r = check_expectation(b, where, item);
		channel = json_object_get(item, "channel");
		if (r == 0 && channel)
			r = plan_find_column(b, json_string_value(channel));
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_parent(struct plan_build *b)
{
	int64_t parent;
	int r = request_within(b->request, "request", "parent", 1, INT64_MAX, &parent, b->message);

	return r < 0 ? r : 0;
}

static int analyse_wanted(struct plan_build *b, bool by_default)
{
	int r;

	b->plan->analyse = by_default;
	r = request_flag(b->request, "request", "analyse", &b->plan->analyse, b->message);
	return r < 0 ? r : 0;
}

static int build(struct plan_build *b)
{
	static int (*const parts[])(struct plan_build *) = {plan_wavelength_sweep, plan_sweep,
							    plan_dark};
	unsigned int kind;
	int r;

	if (!json_is_object(b->request))
		return fail(b->message, -EINVAL, "request: must be an object");
	r = request_choice(b->request, "request", "kind", NAMES(kinds), &kind, b->message);
	if (r == 0)
		return fail(b->message, -EINVAL,
			    "request: kind is missing; allowed: wavelength-sweep, sweep, dark");
	if (r < 0)
		return r;
	r = request_check_keys(b->request, "request", keys_of_kind[kind], b->message);
	if (r < 0)
		return r;
	r = check_texts(b);
	if (r < 0)
		return r;
	r = check_parent(b);
	if (r < 0)
		return r;
	r = analyse_wanted(b, kind == 0);
	if (r < 0)
		return r;
	r = plan_check_limit_names(b);
	if (r < 0)
		return r;
	r = plan_columns(b);
	if (r < 0)
		return r;
	r = parts[kind](b);
	if (r < 0)
		return r;
	return check_expectations(b);
}

int plan_make(const struct description *d, const struct site *site, const json_t *request,
	      struct plan **ret, char **ret_message)
{
	static const struct site nowhere;
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	_cleanup_free_ char *message = NULL;
	struct plan_build b = {
		.d = d, .site = site ? site : &nowhere, .message = &message, .plan = plan};
	int r;

	if (!plan)
		return fail(ret_message, -ENOMEM, "no memory for a plan");
	b.request = plan->request = json_deep_copy(request);
	plan->summary = json_pack("{s:[], s:[]}", "lines", "warnings");
	if (!plan->request || !plan->summary)
		return fail(ret_message, plan->summary ? -EINVAL : -ENOMEM,
			    "request: must be an object");
	b.lines = json_object_get(plan->summary, "lines");
	b.warnings = json_object_get(plan->summary, "warnings");
	r = build(&b);
	if (r < 0)
		return fail(ret_message, r, "%s", message ? message : strerror(-r));
	*ret = take_ptr(plan);
	return 0;
}

bool plan_asks_for(const struct plan *plan, size_t segment)
{
	if (plan->segments[segment].purpose == SEGMENT_MAIN)
		return true;
	for (size_t i = 0; i < plan->segment_count; i++)
		if (plan->segments[i].purpose == SEGMENT_MAIN)
			return false;
	return true;
}

uint64_t plan_points(const struct plan *plan)
{
	uint64_t points = 0;

	for (size_t i = 0; i < plan->segment_count; i++)
		if (plan_asks_for(plan, i))
			points += plan->segments[i].points;
	return points;
}

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->segment_count; i++) {
		for (unsigned int k = 0; k < plan->segments[i].list_count; k++)
			free((void *)(uintptr_t)plan->segments[i].lists[k].values);
		free(plan->segments[i].lists);
	}
	free(plan->segments);
	free(plan->setpoints);
	json_decref(plan->request);
	json_decref(plan->meta);
	json_decref(plan->summary);
	free(plan);
	return NULL;
}
