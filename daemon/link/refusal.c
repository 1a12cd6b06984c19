// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A board's refusals and trip causes as sentences for a person. Words only: what to do
 * about them is decided elsewhere.
 */
#include "base/util.h"
#include "link/link.h"
#include "link/quantity.h"

static const struct etalon_hw_source *source_of(const struct description *d, uint32_t number)
{
	return number < d->head.source_count ? &d->source[number] : NULL;
}

static char *limit_message(const struct description *d, const struct link_refusal *r)
{
	const struct etalon_hw_source *s = source_of(d, r->detail);
	struct quantity_text low, high, asked;

	if (!s)
		return asprintf_or_null("source %u is beyond its limits", r->detail);
	low = source_quantity(s->kind, r->low);
	high = source_quantity(s->kind, r->high);
	asked = source_quantity(s->kind, r->asked);
	if (r->has_asked && r->asked > r->high)
		return asprintf_or_null("%s is above %s's %s; allowed %s to %s", asked.text,
					s->name, high.text, low.text, high.text);
	if (r->has_asked && r->asked < r->low)
		return asprintf_or_null("%s is below %s's %s; allowed %s to %s", asked.text,
					s->name, low.text, low.text, high.text);
	return asprintf_or_null("%s is beyond its limits; allowed %s to %s", s->name, low.text,
				high.text);
}

static char *resolution_message(const struct description *d, const struct link_refusal *r)
{
	const struct etalon_hw_source *s = source_of(d, r->detail);

	if (!s)
		return asprintf_or_null("source %u can not be set that finely", r->detail);
	if (r->has_asked && r->low > 0 && r->low < INT64_MAX / 4 && r->asked > INT64_MIN / 2 &&
	    r->asked < INT64_MAX / 2) {
		int64_t below = r->asked - ((r->asked % r->low) + r->low) % r->low;

		return asprintf_or_null(
			"%s is set in steps of %s: the nearest values are %s and %s", s->name,
			source_distance(s->kind, r->low).text, source_quantity(s->kind, below).text,
			source_quantity(s->kind, below + r->low).text);
	}
	return asprintf_or_null("%s is set in steps of %s: use a multiple of it", s->name,
				source_distance(s->kind, r->low).text);
}

static char *cause_message(const struct link_refusal *r)
{
	_cleanup_free_ char *causes = link_causes_text(r->detail);

	return asprintf_or_null("not while a trip cause is active: %s; remove it, then clear",
				causes && *causes ? causes : "unknown");
}

static char *unwritten_message(const struct description *d, const struct link_refusal *r)
{
	const struct etalon_hw_source *s = source_of(d, r->detail);

	if (!s)
		return asprintf_or_null("the limits of source %u are not written", r->detail);
	return asprintf_or_null("the limits of %s are not written: no light before that", s->name);
}

static char *between(const char *what, const struct link_refusal *r)
{
	return asprintf_or_null("%s; allowed %s to %s", what,
				duration_quantity((uint64_t)r->low).text,
				duration_quantity((uint64_t)r->high).text);
}

char *link_refusal_message(const struct description *d, const struct link_refusal *r)
{
	switch (r->result) {
	case ETALON_HW_RESULT_OK:
		return asprintf_or_null("nothing was refused");
	case ETALON_HW_REFUSED_STATE:
		return asprintf_or_null("the board does not do this in its present state");
	case ETALON_HW_REFUSED_LIMIT:
		return limit_message(d, r);
	case ETALON_HW_REFUSED_CAUSE:
		return cause_message(r);
	case ETALON_HW_REFUSED_WATCHDOG:
		return between("the watchdog period is out of bounds", r);
	case ETALON_HW_REFUSED_LIMITS_UNWRITTEN:
		return unwritten_message(d, r);
	case ETALON_HW_REFUSED_PROGRAM:
		return asprintf_or_null("the board finds the program malformed at byte %u",
					r->detail);
	case ETALON_HW_REFUSED_TIMING:
		return between(r->detail == 1
				       ? "the aperture is out of bounds"
				       : "the period is out of bounds, or delay and aperture "
					 "do not fit it",
			       r);
	case ETALON_HW_REFUSED_MODE:
		return asprintf_or_null("axis %u: its source can not be swept in this mode",
					r->detail);
	case ETALON_HW_REFUSED_SPEED:
		return asprintf_or_null("axis %u: the ramp's speed is out of bounds", r->detail);
	case ETALON_HW_REFUSED_LIST:
		return asprintf_or_null("axis %u: its list is missing or of another length",
					r->detail);
	case ETALON_HW_REFUSED_RATE:
		return asprintf_or_null("too many records for this link: at most %s a second; use "
					"a longer period",
					quantity_count((uint64_t)r->high).text);
	case ETALON_HW_REFUSED_EMISSION:
		return asprintf_or_null("the program needs light, and the laser is not on");
	case ETALON_HW_REFUSED_CHANNEL:
		return asprintf_or_null("the board has no channel or range %u", r->detail);
	case ETALON_HW_REFUSED_RESOLUTION:
		return resolution_message(d, r);
	case ETALON_HW_REFUSED_UPLOAD:
		return asprintf_or_null("the upload was too long or damaged on its way");
	case ETALON_HW_REFUSED_DMA:
		return asprintf_or_null("the board can not use the memory it was given");
	}
	return asprintf_or_null("the board refused for a reason unknown to this program (%u)",
				r->result);
}

char *link_causes_text(uint32_t causes)
{
	static const struct {
		uint32_t bit;
		const char *text;
	} names[] = {
		{ETALON_HW_CAUSE_INTERLOCK, "interlock open"},
		{ETALON_HW_CAUSE_KEY, "key off"},
		{ETALON_HW_CAUSE_WATCHDOG, "watchdog: nobody kicked it in time"},
		{ETALON_HW_CAUSE_LINK, "link lost"},
		{ETALON_HW_CAUSE_OVER_TEMPERATURE, "over-temperature"},
		{ETALON_HW_CAUSE_COMPARATOR, "comparator"},
		{ETALON_HW_CAUSE_COMPLIANCE, "compliance"},
		{ETALON_HW_CAUSE_FAULT, "board fault"},
		{ETALON_HW_CAUSE_LOCAL_RESET, "waiting for the reset at the board"},
		{ETALON_HW_CAUSE_HOST, "turned off by the host"},
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	uint32_t known = 0;

	if (!f)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		known |= names[i].bit;
		if (causes & names[i].bit)
			fprintf(f, "%s%s", ftell(f) > 0 ? ", " : "", names[i].text);
	}
	if (causes & ~known)
		fprintf(f, "%sunknown cause %#x", ftell(f) > 0 ? ", " : "", causes & ~known);
	fclose(f);
	return text;
}
