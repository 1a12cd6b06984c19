// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads a board's description: layout, counts, offsets and CRC here, what the tables say
 * in description_check*.c. Nothing of a description is used before all of it was checked.
 */
#include "link/description.h"

#include <errno.h>

#include "base/util.h"
#include "link/description_check.h"

#define CALIBRATION_MAX 65536U

struct table_span {
	const char *name;
	uint32_t count;
	uint32_t count_max;
	uint32_t offset;
	size_t row;
};

static int check_span(const struct table_span *t, uint32_t size, char **ret_message)
{
	if (t->count > t->count_max)
		return fail(ret_message, -EBADMSG, "description: %u %s, at most %u are possible",
			    t->count, t->name, t->count_max);
	if (t->count == 0)
		return 0;
	if (t->offset % 8 != 0 || t->offset < sizeof(struct etalon_hw_description) ||
	    t->offset > size || (uint64_t)t->count * t->row > size - t->offset)
		return fail(ret_message, -EBADMSG,
			    "description: %u %s at offset %u do not fit its %u bytes", t->count,
			    t->name, t->offset, size);
	return 0;
}

static bool spans_overlap(const struct table_span *a, const struct table_span *b)
{
	uint64_t a_end = a->offset + (uint64_t)a->count * a->row;
	uint64_t b_end = b->offset + (uint64_t)b->count * b->row;

	return a->count > 0 && b->count > 0 && a->offset < b_end && b->offset < a_end;
}

static int check_layout(const struct etalon_hw_description *h, char **ret_message)
{
	const struct table_span spans[] = {
		{"sources", h->source_count, ETALON_HW_SOURCES_MAX, h->source_offset,
		 sizeof(struct etalon_hw_source)},
		{"detectors", h->detector_count, ETALON_HW_DETECTORS_MAX, h->detector_offset,
		 sizeof(struct etalon_hw_detector)},
		{"ranges", h->range_count, ETALON_HW_DETECTORS_MAX * ETALON_HW_RANGES_MAX,
		 h->range_offset, sizeof(struct etalon_hw_range)},
		{"calibration points", h->calibration_count, CALIBRATION_MAX, h->calibration_offset,
		 sizeof(struct etalon_hw_calibration_point)},
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		r = check_span(&spans[i], h->size, ret_message);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (spans_overlap(&spans[k], &spans[i]))
				return fail(ret_message, -EBADMSG,
					    "description: the tables of %s and %s overlap",
					    spans[k].name, spans[i].name);
	}
	return 0;
}

static int check_window(const void *raw, size_t size, struct etalon_hw_description *ret,
			char **ret_message)
{
	struct etalon_hw_description h, zeroed;
	uint32_t crc;

	if (size < sizeof(h))
		return fail(ret_message, -EBADMSG,
			    "description: %zu bytes, a description has at least %zu", size,
			    sizeof(h));
	memcpy(&h, raw, sizeof(h));
	if (h.magic != ETALON_HW_MAGIC)
		return fail(ret_message, -EBADMSG, "description: magic %08x, not %08x", h.magic,
			    ETALON_HW_MAGIC);
	if (h.version >> 16 != ETALON_HW_VERSION >> 16)
		return fail(ret_message, -EBADMSG,
			    "description: board contract version %u.%u, this program knows %u.x",
			    h.version >> 16, h.version & 0xffff, ETALON_HW_VERSION >> 16);
	if (h.size < sizeof(h) || h.size > size)
		return fail(ret_message, -EBADMSG,
			    "description: says it has %u bytes, the window has %zu", h.size, size);
	zeroed = h;
	zeroed.crc = 0;
	crc = crc32c(0, &zeroed, sizeof(zeroed));
	crc = crc32c(crc, (const char *)raw + sizeof(h), h.size - sizeof(h));
	if (crc != h.crc)
		return fail(ret_message, -EBADMSG,
			    "description: CRC is %08x, its bytes have %08x: read it again", h.crc,
			    crc);
	*ret = h;
	return check_layout(&h, ret_message);
}

static void point_at_tables(struct description *d)
{
	const char *base = d->raw;

	d->source = (const void *)(base + d->head.source_offset);
	d->detector = (const void *)(base + d->head.detector_offset);
	d->range = (const void *)(base + d->head.range_offset);
	d->calibration = (const void *)(base + d->head.calibration_offset);
}

int description_parse(const void *raw, size_t size, struct description **ret, char **ret_message)
{
	_cleanup_(description_freep) struct description *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	r = check_window(raw, size, &d->head, ret_message);
	if (r < 0)
		return r;
	d->raw_size = d->head.size;
	d->raw = malloc(d->raw_size);
	if (!d->raw)
		return -ENOMEM;
	memcpy(d->raw, raw, d->raw_size);
	point_at_tables(d);
	r = description_check_head(d, ret_message);
	if (r < 0)
		return r;
	r = description_check_sources(d, ret_message);
	if (r < 0)
		return r;
	r = description_check_detectors(d, ret_message);
	if (r < 0)
		return r;
	r = description_check_ranges(d, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(d);
	return 0;
}

struct description *description_free(struct description *d)
{
	if (d)
		free(d->raw);
	free(d);
	return NULL;
}

int description_source(const struct description *d, const char *name)
{
	for (uint32_t i = 0; i < d->head.source_count; i++)
		if (streq(d->source[i].name, name))
			return (int)i;
	return -ENOENT;
}

int description_detector(const struct description *d, const char *name)
{
	for (uint32_t i = 0; i < d->head.detector_count; i++)
		if (streq(d->detector[i].name, name))
			return (int)i;
	return -ENOENT;
}

/* The next character of a range's name: spaces do not count, both micro signs are u. */
static char range_letter(const char **p)
{
	const char *s = *p;
	char c;

	while (*s == ' ')
		s++;
	if (strncmp(s, "\xc2\xb5", 2) == 0 || strncmp(s, "\xce\xbc", 2) == 0) {
		*p = s + 2;
		return 'u';
	}
	c = *s;
	*p = c ? s + 1 : s;
	return c;
}

static bool range_names_match(const char *a, const char *b)
{
	for (;;) {
		char x = range_letter(&a), y = range_letter(&b);

		if (x != y)
			return false;
		if (x == '\0')
			return true;
	}
}

int description_range(const struct description *d, unsigned int detector, const char *name)
{
	if (detector >= d->head.detector_count)
		return -ENOENT;
	for (unsigned int i = 0; i < d->detector[detector].range_count; i++)
		if (range_names_match(description_range_of(d, detector, i)->name, name))
			return (int)i;
	return -ENOENT;
}

const struct etalon_hw_range *description_range_of(const struct description *d,
						   unsigned int detector, unsigned int range)
{
	if (detector >= d->head.detector_count || range >= d->detector[detector].range_count)
		return NULL;
	return &d->range[d->detector[detector].range_first + range];
}

const char *source_unit(unsigned int kind)
{
	static const char *const units[] = {
		[ETALON_HW_SOURCE_WAVELENGTH] = "fm",	[ETALON_HW_SOURCE_POWER] = "fW",
		[ETALON_HW_SOURCE_CURRENT] = "fA",	[ETALON_HW_SOURCE_VOLTAGE] = "nV",
		[ETALON_HW_SOURCE_TEMPERATURE] = "uK",	[ETALON_HW_SOURCE_POSITION] = "nm",
		[ETALON_HW_SOURCE_ATTENUATION] = "ndB",
	};

	return kind < ARRAY_SIZE(units) && units[kind] ? units[kind] : "";
}

const char *detector_unit(unsigned int kind)
{
	static const char *const units[] = {
		[ETALON_HW_DETECTOR_PHOTOCURRENT] = "fA", [ETALON_HW_DETECTOR_VOLTAGE] = "nV",
		[ETALON_HW_DETECTOR_CURRENT] = "fA",	  [ETALON_HW_DETECTOR_TEMPERATURE] = "uK",
		[ETALON_HW_DETECTOR_WAVELENGTH] = "fm",
	};

	return kind < ARRAY_SIZE(units) && units[kind] ? units[kind] : "";
}

size_t record_stride(unsigned int detectors)
{
	size_t size =
		sizeof(struct etalon_hw_record_point) + detectors * sizeof(struct etalon_hw_sample);

	size = (size + 7) & ~(size_t)7;
	return MAX(size, (size_t)ETALON_HW_STRIDE_MIN);
}
