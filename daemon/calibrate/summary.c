// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sums over the records of a run. The floor depends on the dark reading taken after the run, so
 * raw counts near zero are kept as a histogram and judged at the end. See summary.h.
 */
#include "calibrate/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "calibrate/dark.h"
#include "data/meta.h"

#define NEAR_STEPS 32 /* the histogram reaches so many ADC steps to either side of dark */
#define NEAR_BINS (2 * NEAR_STEPS * 256)
#define POINT_FLAGS 11 /* flags that speak of trouble: all below ETALON_HW_POINT_REVERSE */

struct channel {
	unsigned int detector;
	unsigned int range;
	struct moments dark[2]; /* before, after */
	struct moments rest; /* of the measurement itself, where no light reached the port */
	uint64_t readings;
	uint64_t saturated;
	int64_t near_first; /* raw count of bin 0 */
	uint32_t *near; /* NEAR_BINS, or NULL: this channel has no floor */
};

struct summary {
	const struct description *description;
	unsigned int part;
	uint32_t stride;
	unsigned int channel_count;
	struct channel channel[ETALON_HW_PROGRAM_DETECTORS_MAX]; /* of the main segment */
	int map[ETALON_HW_PROGRAM_DETECTORS_MAX]; /* sample of this segment -> channel or -1 */
	unsigned int sample_count;
	uint64_t aperture_ns;
	uint64_t points, saturated_points;
	uint64_t flags[POINT_FLAGS];
	int thermometer; /* detector, or -1 */
	bool temperature_swept; /* then it varies because it shall */
	struct moments temperature;
};

/* The thermometer of a temperature-controlled source: the chip's. Any other if there is none. */
static int find_thermometer(const struct description *d)
{
	int found = -1;

	for (unsigned int i = 0; i < d->head.detector_count; i++) {
		const struct etalon_hw_detector *detector = &d->detector[i];

		if (detector->role != ETALON_HW_ROLE_TEMPERATURE)
			continue;
		if (detector->source < d->head.source_count &&
		    d->source[detector->source].kind == ETALON_HW_SOURCE_TEMPERATURE)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

int summary_new(const struct description *d, struct summary **ret)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->description = d;
	s->thermometer = find_thermometer(d);
	*ret = s;
	return 0;
}

struct summary *summary_free(struct summary *s)
{
	if (!s)
		return NULL;
	for (unsigned int i = 0; i < s->channel_count; i++)
		free(s->channel[i].near);
	free(s);
	return NULL;
}

/* ---- segments ---- */

static int find_channel(const struct summary *s, unsigned int detector, unsigned int range)
{
	for (unsigned int i = 0; i < s->channel_count; i++)
		if (s->channel[i].detector == detector && s->channel[i].range == range)
			return (int)i;
	return -1;
}

static int add_channel(struct summary *s, unsigned int detector, unsigned int range)
{
	int found = find_channel(s, detector, range);

	if (found >= 0 || s->channel_count == ARRAY_SIZE(s->channel))
		return found;
	s->channel[s->channel_count] = (struct channel){.detector = detector, .range = range};
	return (int)s->channel_count++;
}

static int prepare_near(struct summary *s, struct channel *c)
{
	struct conversion conversion;
	double zero;
	int r;

	r = conversion_make(s->description, c->detector, c->range, s->aperture_ns, NAN, NAN,
			    &conversion);
	if (r < 0 || conversion.floor <= 0 || c->near)
		return r;
	zero = c->dark[0].count > 0 ? moments_mean(&c->dark[0])
				    : -conversion.offset / conversion.scale;
	if (!(fabs(zero) < 1e9))
		return 0;
	c->near_first = llround(zero) - NEAR_BINS / 2;
	c->near = calloc(NEAR_BINS, sizeof(*c->near));
	return c->near ? 0 : -ENOMEM;
}

static bool sweeps(const struct etalon_hw_program *program, unsigned int source)
{
	for (unsigned int a = 0; a < MIN(program->axis_count, (uint32_t)ETALON_HW_AXES_MAX); a++) {
		const struct etalon_hw_axis *axis = &program->axis[a];

		for (unsigned int g = 0;
		     g < MIN(axis->gang_count, (unsigned int)ETALON_HW_GANG_MAX); g++)
			if (axis->gang[g].source == source)
				return true;
	}
	return false;
}

int summary_begin(struct summary *s, unsigned int part, const struct etalon_hw_program *program,
		  uint32_t stride)
{
	if (program->detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX ||
	    stride < sizeof(struct etalon_hw_record_point) +
			     program->detector_count * sizeof(struct etalon_hw_sample) ||
	    stride < ETALON_HW_STRIDE_MIN || stride % 8 != 0)
		return -EINVAL;
	s->part = part;
	s->stride = stride;
	s->sample_count = program->detector_count;
	if (part == SUMMARY_MAIN) {
		s->aperture_ns = program->aperture_ns;
		s->temperature_swept =
			s->thermometer >= 0 &&
			sweeps(program, s->description->detector[s->thermometer].source);
	}
	for (unsigned int i = 0; i < s->sample_count; i++) {
		const struct etalon_hw_program_detector *d = &program->detector[i];
		int r;

		if (d->detector >= s->description->head.detector_count ||
		    d->range >= s->description->detector[d->detector].range_count)
			return -EINVAL;
		s->map[i] = add_channel(s, d->detector, d->range);
		if (part != SUMMARY_MAIN || s->map[i] < 0)
			continue;
		r = prepare_near(s, &s->channel[s->map[i]]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void feed_dark(struct summary *s, const struct etalon_hw_record_point *point)
{
	unsigned int which = s->part == SUMMARY_DARK_AFTER;

	for (unsigned int i = 0; i < s->sample_count; i++) {
		const struct etalon_hw_sample *sample = &point->sample[i];
		struct channel *c = s->map[i] < 0 ? NULL : &s->channel[s->map[i]];

		if (c && sample->range == c->range && dark_usable(point, sample))
			moments_add(&c->dark[which], sample->mean_q8);
	}
}

static void feed_main(struct summary *s, const struct etalon_hw_record_point *point)
{
	bool saturated = false;

	s->points++;
	for (uint32_t left = point->flags & ((1U << POINT_FLAGS) - 1); left; left &= left - 1)
		s->flags[__builtin_ctz(left)]++;
	for (unsigned int i = 0; i < s->sample_count; i++) {
		const struct etalon_hw_sample *sample = &point->sample[i];
		struct channel *c = s->map[i] < 0 ? NULL : &s->channel[s->map[i]];
		uint64_t bin;

		if (!c)
			continue;
		c->readings++;
		if (dark_usable(point, sample) && sample->range == c->range)
			moments_add(&c->rest, sample->mean_q8);
		if (sample->flags & ETALON_HW_SAMPLE_SATURATED) {
			c->saturated++;
			saturated = true;
		}
		bin = (uint64_t)(sample->mean_q8 - c->near_first);
		if (c->near && bin < NEAR_BINS && sample->range == c->range)
			c->near[bin]++;
		if ((int)c->detector == s->thermometer && !(sample->flags & ETALON_HW_SAMPLE_STALE))
			moments_add(&s->temperature, sample->mean_q8);
	}
	s->saturated_points += saturated;
}

static void feed_status(struct summary *s, const struct etalon_hw_record_status *status)
{
	uint32_t count = MIN(status->entry_count, (uint32_t)ETALON_HW_STATUS_ENTRIES);

	for (uint32_t i = 0; i < count; i++) {
		const struct etalon_hw_status_entry *e = &status->entry[i];

		if (e->detector == s->thermometer && e->range == 0 &&
		    !(e->flags & (ETALON_HW_SAMPLE_INVALID | ETALON_HW_SAMPLE_SATURATED)))
			moments_add(&s->temperature, e->mean_q8);
	}
}

void summary_feed(struct summary *s, const void *records, size_t bytes)
{
	for (size_t at = 0; at + s->stride <= bytes; at += s->stride) {
		const struct etalon_hw_record *head = (const void *)((const char *)records + at);

		if (head->type == ETALON_HW_RECORD_STATUS)
			feed_status(s, (const void *)head);
		else if (head->type == ETALON_HW_RECORD_POINT && s->part == SUMMARY_MAIN)
			feed_main(s, (const void *)head);
		else if (head->type == ETALON_HW_RECORD_POINT)
			feed_dark(s, (const void *)head);
	}
}

/* ---- dark ---- */

json_t *summary_dark(const struct summary *s, unsigned int part)
{
	json_t *all;

	if (part == SUMMARY_MAIN)
		return NULL;
	all = json_array();
	for (unsigned int i = 0; all && i < s->channel_count; i++) {
		const struct channel *c = &s->channel[i];
		const struct moments *m = &c->dark[part == SUMMARY_DARK_AFTER];

		if (m->count < 2)
			continue;
		json_array_append_new(
			all, json_pack("{s:i, s:i, s:I, s:f, s:f}", "detector", (int)c->detector,
				       "range", (int)c->range, "count", (json_int_t)m->count,
				       "mean_q8", moments_mean(m), "error_q8", moments_error(m)));
	}
	return all;
}

static void find_dark(const json_t *all, unsigned int detector, unsigned int range,
		      const struct conversion *c, double *ret_mean, double *ret_error)
{
	size_t i;
	json_t *one;

	*ret_mean = *ret_error = NAN;
	json_array_foreach(all, i, one) {
		if (json_integer_value(json_object_get(one, "detector")) != detector ||
		    json_integer_value(json_object_get(one, "range")) != range)
			continue;
		*ret_mean = dark_mean(c, json_number_value(json_object_get(one, "mean_q8")));
		*ret_error = dark_error(c, json_number_value(json_object_get(one, "error_q8")));
	}
}

void summary_apply_dark(const json_t *before, const json_t *after, unsigned int detector,
			unsigned int range, struct conversion *c)
{
	double mean[2], error[2];

	find_dark(before, detector, range, c, &mean[0], &error[0]);
	find_dark(after, detector, range, c, &mean[1], &error[1]);
	conversion_set_dark(c, mean[0], error[0], mean[1], error[1]);
}

/* ---- meta ---- */

static void set_number(json_t *object, const char *key, double value)
{
	if (isfinite(value))
		json_object_set_new(object, key, json_real(value));
}

/* Exact while the floor lies within the histogram, which NEAR_STEPS is chosen for. */
static uint64_t count_below(const struct channel *c, const struct conversion *conversion)
{
	uint64_t count = 0;

	for (int i = 0; c->near && i < NEAR_BINS; i++) {
		double value;

		if (c->near[i] == 0)
			continue;
		value = convert_raw(conversion, (int32_t)(c->near_first + i)) - conversion->dark;
		if (fabs(value) < conversion->floor)
			count += c->near[i];
	}
	return count;
}

/* One reading has no standard error and is no dark. */
static void set_dark(const struct channel *c, struct conversion *conversion)
{
	double mean[2], error[2];

	for (int i = 0; i < 2; i++) {
		bool usable = c->dark[i].count > 1;

		mean[i] = usable ? dark_mean(conversion, moments_mean(&c->dark[i])) : NAN;
		error[i] = usable ? dark_error(conversion, moments_error(&c->dark[i])) : NAN;
	}
	conversion_set_dark(conversion, mean[0], error[0], mean[1], error[1]);
}

/* A measurement of the dark current: it is the result, and no light is sought above it. */
static void dark_run_meta(const struct channel *c, const struct conversion *conversion,
			  json_t *channel)
{
	if (c->rest.count < 2)
		return;
	set_number(channel, "dark_a", dark_mean(conversion, moments_mean(&c->rest)));
	set_number(channel, "dark_random_a", dark_error(conversion, moments_error(&c->rest)));
}

static int channel_meta(const struct summary *s, const struct channel *c, bool dark_run,
			json_t *channel, uint64_t *below)
{
	struct conversion conversion;
	int r = conversion_make(s->description, c->detector, c->range, s->aperture_ns, NAN, NAN,
				&conversion);

	if (r < 0)
		return r;
	json_object_set_new(channel, "saturated", json_integer((json_int_t)c->saturated));
	if (s->description->detector[c->detector].kind != ETALON_HW_DETECTOR_PHOTOCURRENT)
		return 0;
	set_dark(c, &conversion);
	set_number(channel, "noise_a", conversion.noise);
	if (dark_run) {
		dark_run_meta(c, &conversion, channel);
		return 0;
	}
	set_number(channel, "dark_before_a", conversion.dark_before);
	set_number(channel, "dark_after_a", conversion.dark_after);
	set_number(channel, "dark_sigma_a", conversion.dark_sigma);
	*below = count_below(c, &conversion);
	json_object_set_new(channel, "below_floor", json_integer((json_int_t)*below));
	return 0;
}

static const struct channel *main_channel(const struct summary *s, const char *name)
{
	for (unsigned int i = 0; name && i < s->channel_count; i++)
		if (s->channel[i].readings > 0 &&
		    streq(s->description->detector[s->channel[i].detector].name, name))
			return &s->channel[i];
	return NULL;
}

static void environment_meta(const struct summary *s, json_t *meta)
{
	struct conversion c;
	json_t *environment = json_object_get(meta, META_ENVIRONMENT);

	if (s->thermometer < 0 || s->temperature.count == 0 ||
	    conversion_make(s->description, (unsigned int)s->thermometer, 0, 1, NAN, NAN, &c) < 0)
		return;
	if (!json_is_object(environment)) {
		environment = json_object();
		json_object_set_new(meta, META_ENVIRONMENT, environment);
	}
	set_number(environment, "chip_temperature_c",
		   moments_mean(&s->temperature) * c.scale + c.offset - 273.15);
	if (!s->temperature_swept)
		set_number(environment, "chip_temperature_sigma_c",
			   moments_deviation(&s->temperature) * c.scale);
}

static void flags_meta(const struct summary *s, json_t *meta)
{
	static const char *const name[POINT_FLAGS] = {
		"unsettled",	  "run-in",	  "wavelength-invalid", "mode-hop",
		"gate-closed",	  "emission-off", "compliance",		"clamp",
		"trigger-missed", "comparator",	  "interlock",
	};
	json_t *flags = json_object();

	for (int i = 0; i < POINT_FLAGS; i++)
		if (s->flags[i] > 0)
			json_object_set_new(flags, name[i], json_integer((json_int_t)s->flags[i]));
	json_object_set_new(meta, META_FLAGS, flags);
}

int summary_meta(const struct summary *s, json_t *meta)
{
	json_t *ledger = json_object_get(meta, META_LEDGER), *channel;
	const char *kind = json_string_value(json_object_get(meta, META_KIND));
	bool dark_run = kind && streq(kind, "dark");
	uint64_t below_total = 0;
	size_t i;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel) {
		const struct channel *c =
			main_channel(s, json_string_value(json_object_get(channel, "detector")));
		const char *role = json_string_value(json_object_get(channel, "role"));
		uint64_t below = 0;
		int r = c ? channel_meta(s, c, dark_run, channel, &below) : 0;

		if (r < 0)
			return r;
		if (role && streq(role, "signal"))
			below_total += below;
	}
	if (json_is_object(ledger)) {
		json_object_set_new(ledger, "saturated",
				    json_integer((json_int_t)s->saturated_points));
		json_object_set_new(ledger, "below_floor", json_integer((json_int_t)below_total));
	}
	environment_meta(s, meta);
	flags_meta(s, meta);
	return 0;
}
