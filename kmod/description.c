// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The description that a board says of itself: hostile until every rule here holds.
 * What the numbers mean for a measurement is for user space to judge.
 */
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "description.h"

#define VALUE_MAX 0x2000000000000000LL /* of any unit: two of them can be added */
#define TIME_MAX_NS (3600 * 1000000000ULL) /* to settle, move or recover */
#define PERIOD_MAX_NS 4000000000U

#define MODES \
	(ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP | ETALON_HW_MODE_WAIT | ETALON_HW_MODE_PULSE)

struct rule {
	bool holds;
	const char *otherwise;
};

static const char *first_broken(const struct rule *rules, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!rules[i].holds)
			return rules[i].otherwise;
	return NULL;
}

static bool is_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size), i;

	if (!length || length == size)
		return false;
	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static bool is_name(const char *name, size_t size)
{
	size_t i;

	if (!is_text(name, size))
		return false;
	for (i = 0; name[i]; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
		    name[i] != '.' && name[i] != '_')
			return false;
	return true;
}

static bool is_value(__s64 value)
{
	return value >= -VALUE_MAX && value <= VALUE_MAX;
}

static bool is_length(__s64 value)
{
	return value >= 0 && value <= VALUE_MAX;
}

static bool is_channel(__u16 number, __u32 count)
{
	return number == ETALON_HW_NO_CHANNEL || number < count;
}

static bool fits(__u32 bytes, __u32 count, __u32 offset, size_t each)
{
	return offset >= sizeof(struct etalon_hw_description) && offset % 8 == 0 &&
	       offset <= bytes && (__u64)count * each <= bytes - offset;
}

static __u32 crc_of(const struct etalon_hw_description *h)
{
	const size_t at = offsetof(struct etalon_hw_description, crc), after = at + sizeof(h->crc);
	const __u32 zero = 0;
	__u32 crc = ~0U;

	crc = crc32c(crc, h, at);
	crc = crc32c(crc, &zero, sizeof(zero));
	return ~crc32c(crc, (const char *)h + after, h->size - after);
}

static const char *fault_of_frame(const struct etalon_hw_description *h, __u32 bytes)
{
	if (bytes < sizeof(*h) || bytes > ETALON_DESCRIPTION_BYTES_MAX)
		return "impossible size";
	if (h->magic != ETALON_HW_MAGIC)
		return "wrong magic";
	if (h->version >> 16 != ETALON_HW_VERSION >> 16)
		return "made for another version of the contract";
	if (h->size != bytes)
		return "size is not what the register says";
	if (crc_of(h) != h->crc)
		return "wrong CRC";
	return NULL;
}

static const char *fault_of_head(const struct etalon_hw_description *h)
{
	const struct rule rules[] = {
		{is_text(h->model, sizeof(h->model)), "model is no text"},
		{is_text(h->serial, sizeof(h->serial)), "serial is no text"},
		{is_text(h->firmware, sizeof(h->firmware)), "firmware is no text"},
		{strnlen(h->laser_class, sizeof(h->laser_class)) < sizeof(h->laser_class),
		 "laser_class has no end"},
		{h->source_count <= ETALON_HW_SOURCES_MAX, "too many sources"},
		{h->detector_count > 0 && h->detector_count <= ETALON_HW_DETECTORS_MAX,
		 "no detector, or too many"},
		{fits(h->size, h->source_count, h->source_offset, sizeof(struct etalon_hw_source)),
		 "source table outside"},
		{fits(h->size, h->detector_count, h->detector_offset,
		      sizeof(struct etalon_hw_detector)),
		 "detector table outside"},
		{fits(h->size, h->range_count, h->range_offset, sizeof(struct etalon_hw_range)),
		 "range table outside"},
		{fits(h->size, h->calibration_count, h->calibration_offset,
		      sizeof(struct etalon_hw_calibration_point)),
		 "calibration table outside"},
		{h->tick_ps > 0 && h->tick_ps <= 1000000000, "tick_ps"},
		{h->fifo_records > 0, "fifo_records is 0"},
		{h->list_points_max <= (1U << 24), "list_points_max"},
		{h->aux_lines <= 32, "aux_lines"},
		{h->period_min_ns > 0 && h->period_min_ns <= PERIOD_MAX_NS, "period_min_ns"},
		{h->aperture_min_ns > 0 && h->aperture_min_ns <= PERIOD_MAX_NS, "aperture_min_ns"},
		{h->watchdog_min_ns > 0 && h->watchdog_min_ns <= h->watchdog_max_ns,
		 "watchdog limits"},
		{h->emission_delay_ns <= TIME_MAX_NS, "emission_delay_ns"},
		{h->comparators <= ETALON_HW_COMPARATORS_MAX, "comparators"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static bool ramp_is_possible(const struct etalon_hw_source *s)
{
	if (!(s->modes & ETALON_HW_MODE_RAMP))
		return true;
	return s->ramp_speed_min > 0 && s->ramp_speed_min <= s->ramp_speed_max &&
	       is_length(s->ramp_speed_max) && is_length(s->run_in_min) &&
	       s->run_in_ns <= TIME_MAX_NS && s->flyback_speed > 0 && is_length(s->flyback_speed);
}

static bool gate_is_one(const struct etalon_description_view *d, const struct etalon_hw_source *s)
{
	if (s->gate == ETALON_HW_NO_CHANNEL)
		return s->is_gate || s->safe_action != ETALON_HW_SAFE_GATE;
	return s->gate < d->head->source_count && d->source[s->gate].is_gate == 1;
}

static bool readback_exists(const struct etalon_description_view *d,
			    const struct etalon_hw_source *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s->readback); i++)
		if (!is_channel(s->readback[i], d->head->detector_count))
			return false;
	return true;
}

static const char *fault_of_source(const struct etalon_description_view *d, __u32 number)
{
	const struct etalon_hw_source *s = &d->source[number];
	const struct rule rules[] = {
		{is_name(s->name, sizeof(s->name)), "name"},
		{s->kind >= ETALON_HW_SOURCE_WAVELENGTH && s->kind <= ETALON_HW_SOURCE_SELECTOR,
		 "kind"},
		{!(s->modes & ~MODES), "modes"},
		{s->emits <= 1 && s->is_gate <= 1, "emits or is_gate"},
		{!s->is_gate || s->kind == ETALON_HW_SOURCE_SELECTOR, "gate is no selector"},
		{s->safe_action <= ETALON_HW_SAFE_RAMP_ZERO, "safe_action"},
		{!s->emits || s->safe_action != ETALON_HW_SAFE_HOLD,
		 "emits, and its safe action is to hold"},
		{gate_is_one(d, s), "gate"},
		{is_channel(s->belongs_to, d->head->source_count), "belongs_to"},
		{readback_exists(d, s), "readback"},
		{is_value(s->min) && is_value(s->max) && s->min <= s->max, "min and max"},
		{s->resolution > 0 && is_value(s->resolution), "resolution"},
		{is_length(s->max_slew), "max_slew"},
		{s->settle_ns <= TIME_MAX_NS, "settle_ns"},
		{ramp_is_possible(s), "ramp speeds, run-in or fly-back"},
		{is_value(s->compliance_min) && is_value(s->compliance_max) &&
			 s->compliance_min <= s->compliance_max,
		 "compliance limits"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static const char *fault_of_detector(const struct etalon_description_view *d, __u32 number)
{
	const struct etalon_hw_detector *t = &d->detector[number];
	const struct rule rules[] = {
		{is_name(t->name, sizeof(t->name)), "name"},
		{t->kind >= ETALON_HW_DETECTOR_PHOTOCURRENT &&
			 t->kind <= ETALON_HW_DETECTOR_WAVELENGTH,
		 "kind"},
		{t->role >= ETALON_HW_ROLE_SIGNAL && t->role <= ETALON_HW_ROLE_TEMPERATURE, "role"},
		{is_channel(t->source, d->head->source_count), "source"},
		{t->range_count >= 1 && t->range_count <= ETALON_HW_RANGES_MAX, "range_count"},
		{t->range_first <= d->head->range_count &&
			 t->range_count <= d->head->range_count - t->range_first,
		 "ranges outside the table"},
		{t->range_default < t->range_count, "range_default"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static const char *fault_of_range(const struct etalon_description_view *d, __u32 number)
{
	const struct etalon_hw_range *r = &d->range[number];
	const struct rule rules[] = {
		{is_text(r->name, sizeof(r->name)), "name"},
		{r->full_scale > 0 && is_value(r->full_scale), "full_scale"},
		{r->step_q16 > 0 && is_value(r->step_q16), "step_q16"},
		{is_value(r->offset), "offset"},
		{r->settle_ns <= TIME_MAX_NS && r->aperture_min_ns <= TIME_MAX_NS,
		 "settle_ns or aperture_min_ns"},
		{r->calibration_first <= d->head->calibration_count &&
			 r->calibration_count <= d->head->calibration_count - r->calibration_first,
		 "calibration outside the table"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static int refuse(struct etalon_description_fault *fault, const char *what, const char *table,
		  __u32 number)
{
	*fault = (struct etalon_description_fault){what, table, number};
	return -EBADMSG;
}

typedef const char *fault_of(const struct etalon_description_view *d, __u32 number);

static int check_table(const struct etalon_description_view *d, __u32 count, const char *table,
		       fault_of *look, struct etalon_description_fault *fault)
{
	__u32 i;

	for (i = 0; i < count; i++) {
		const char *what = look(d, i);

		if (what)
			return refuse(fault, what, table, i);
	}
	return 0;
}

int etalon_description_check(const void *blob, __u32 bytes, struct etalon_description_view *ret,
			     struct etalon_description_fault *fault)
{
	const struct etalon_hw_description *h = blob;
	struct etalon_description_view d;
	const char *what = fault_of_frame(h, bytes);
	int r;

	if (!what)
		what = fault_of_head(h);
	if (what)
		return refuse(fault, what, "", 0);
	d = (struct etalon_description_view){
		.head = h,
		.source = blob + h->source_offset,
		.detector = blob + h->detector_offset,
		.range = blob + h->range_offset,
		.calibration = blob + h->calibration_offset,
	};
	r = check_table(&d, h->source_count, "source", fault_of_source, fault);
	if (!r)
		r = check_table(&d, h->detector_count, "detector", fault_of_detector, fault);
	if (!r)
		r = check_table(&d, h->range_count, "range", fault_of_range, fault);
	if (!r)
		*ret = d;
	return r;
}

__u32 etalon_record_stride(__u32 detectors)
{
	const __u32 bytes =
		sizeof(struct etalon_hw_record_point) + detectors * sizeof(struct etalon_hw_sample);

	return max_t(__u32, (bytes + 7) & ~7U, ETALON_HW_STRIDE_MIN);
}
