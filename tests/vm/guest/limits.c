// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * SET_LIMITS can make the board's limits narrower and nothing else; what it says holds in SET_SOURCE, in LOAD for axes and
 * for each value of a list, and in START.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define LIST_POINTS 1000
#define LOW_FM INT64_C(1540000000)
#define HIGH_FM INT64_C(1550000000)
#define STEP_FM INT64_C(100) /* of the laser's setpoints */

static const struct etalon_hw_source *source(const struct client *c, uint32_t number)
{
	return (const void *)((const char *)c->description + c->description->source_offset +
			      number * sizeof(struct etalon_hw_source));
}

static void expect(const char *what, long long got, long long expected)
{
	if (got != expected)
		die("%s: %lld, not %lld", what, got, expected);
}

static int set_limits(struct client *c, uint32_t number, int64_t low, int64_t high,
		      struct etalon_refusal *ret)
{
	struct etalon_limits l = {.size = sizeof(l), .source = number, .low = low, .high = high};
	const int r = call(c->control, ETALON_IOC_SET_LIMITS, &l);

	*ret = l.refusal;
	return r;
}

/* Of each source that the board has. */
static void cannot_widen(struct client *c)
{
	struct etalon_refusal refusal;

	for (uint32_t n = 0; n < c->description->source_count; n++) {
		const int64_t min = source(c, n)->min, max = source(c, n)->max;

		expect("below", set_limits(c, n, min - 1, max, &refusal), -ERANGE);
		expect("from", refusal.low, min);
		expect("above", set_limits(c, n, min, max + 1, &refusal), -ERANGE);
		expect("up to", refusal.high, max);
		expect("everything", set_limits(c, n, INT64_MIN, INT64_MAX, &refusal), -ERANGE);
		expect("why", refusal.result, ETALON_HW_REFUSED_LIMIT);
		expect("upside down", set_limits(c, n, max, min - (min == max), &refusal), -ERANGE);
		expect("as they are", set_limits(c, n, min, max, &refusal), 0);
	}
	expect("of no source", set_limits(c, c->description->source_count, 0, 0, &refusal),
	       -EINVAL);
	printf("%u sources\n", c->description->source_count);
}

static int set(struct client *c, uint32_t number, int64_t value)
{
	struct etalon_value v = {.size = sizeof(v), .channel = number, .value = value};
	const int r = call(c->control, ETALON_IOC_SET_SOURCE, &v);

	if (r == -ERANGE)
		expect("why", v.refusal.result, ETALON_HW_REFUSED_LIMIT);
	return r;
}

static void hold_for_setpoints(struct client *c, uint32_t laser)
{
	expect("at the low end", set(c, laser, LOW_FM), 0);
	expect("at the high end", set(c, laser, HIGH_FM), 0);
	expect("below", set(c, laser, LOW_FM - STEP_FM), -ERANGE);
	expect("above", set(c, laser, HIGH_FM + STEP_FM), -ERANGE);
}

static int upload(struct client *c, const void *data, uint32_t bytes, uint16_t kind)
{
	struct etalon_upload u = {
		.size = sizeof(u), .data = (uintptr_t)data, .bytes = bytes, .kind = kind};

	return call(c->control, ETALON_IOC_UPLOAD, &u);
}

static int load(struct client *c, const struct etalon_hw_program *program)
{
	struct etalon_load l = {.size = sizeof(l)};
	int r;

	expect("UPLOAD", upload(c, program, sizeof(*program), ETALON_HW_UPLOAD_PROGRAM), 0);
	r = call(c->control, ETALON_IOC_LOAD, &l);
	if (r == -ERANGE)
		expect("why", l.refusal.result, ETALON_HW_REFUSED_LIMIT);
	return r;
}

/* A dark program that steps the laser through these. */
static struct etalon_hw_program stepping(struct client *c, uint32_t laser, int64_t start,
					 int64_t stop)
{
	const struct sweep sweep = {
		.points = LIST_POINTS, .period_ns = 50000, .detectors = 1, .generation = 1};
	struct etalon_hw_program program;
	struct etalon_hw_axis *axis = &program.axis[0];

	sweep_program(&sweep, c->description, &program);
	axis->gang_count = 1;
	axis->gang[0] =
		(struct etalon_hw_gang){.source = (uint16_t)laser, .start = start, .stop = stop};
	if (start != stop) /* to multiples of the step */
		axis->points = (uint32_t)((stop - start) / STEP_FM / 100) + 1;
	return program;
}

static void hold_for_axes(struct client *c, uint32_t laser)
{
	struct etalon_hw_program p = stepping(c, laser, LOW_FM, HIGH_FM);

	expect("an axis between them", load(c, &p), 0);
	p = stepping(c, laser, LOW_FM, HIGH_FM + 100 * STEP_FM);
	expect("an axis that ends above", load(c, &p), -ERANGE);
	p = stepping(c, laser, LOW_FM - 100 * STEP_FM, HIGH_FM);
	expect("an axis that begins below", load(c, &p), -ERANGE);
}

static void hold_for_lists(struct client *c, uint32_t laser)
{
	struct etalon_hw_program p = stepping(c, laser, 0, 0);
	int64_t list[LIST_POINTS];

	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	for (int i = 0; i < LIST_POINTS; i++)
		list[i] = LOW_FM + i * STEP_FM;
	expect("UPLOAD", upload(c, list, sizeof(list), ETALON_HW_UPLOAD_LIST), 0);
	expect("a list between them", load(c, &p), 0);
	list[LIST_POINTS / 2] = HIGH_FM + STEP_FM;
	expect("UPLOAD", upload(c, list, sizeof(list), ETALON_HW_UPLOAD_LIST), 0);
	expect("a list with one value above", load(c, &p), -ERANGE);
	list[LIST_POINTS / 2] = LOW_FM - STEP_FM;
	expect("UPLOAD", upload(c, list, sizeof(list), ETALON_HW_UPLOAD_LIST), 0);
	expect("a list with one value below", load(c, &p), -ERANGE);
}

static void hold_for_start(struct client *c, uint32_t laser)
{
	struct etalon_hw_program p = stepping(c, laser, LOW_FM, HIGH_FM);
	struct etalon_command start = {.size = sizeof(start)};
	struct etalon_refusal refusal;

	expect("LOAD", load(c, &p), 0);
	expect("narrower", set_limits(c, laser, LOW_FM + STEP_FM, HIGH_FM, &refusal), 0);
	expect("START", call(c->control, ETALON_IOC_START, &start), -ERANGE);
	expect("why", start.refusal.result, ETALON_HW_REFUSED_LIMIT);
	expect("of which", start.refusal.detail, laser);
	expect("from", start.refusal.low, LOW_FM + STEP_FM);
	expect("as it was", set_limits(c, laser, LOW_FM, HIGH_FM, &refusal), 0);
	expect("START", call(c->control, ETALON_IOC_START, &start), 0);
}

int main(void)
{
	struct etalon_refusal refusal;
	struct client c;
	uint32_t laser;

	client_open(&c);
	client_open_control(&c);
	laser = sweep_source(c.description, "laser.wavelength");
	cannot_widen(&c);
	expect("narrower", set_limits(&c, laser, LOW_FM, HIGH_FM, &refusal), 0);
	hold_for_setpoints(&c, laser);
	hold_for_axes(&c, laser);
	hold_for_lists(&c, laser);
	hold_for_start(&c, laser);
	close(c.control);
	client_open_control(&c);
	expect("for the next holder", set(&c, laser, HIGH_FM + STEP_FM), 0);
	client_close(&c);
	return 0;
}
