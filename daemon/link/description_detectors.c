// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the detector, range and calibration tables of a description say: plausible, or
 * refused with the field's name.
 */
#include "link/description_check.h"

#include <errno.h>

#include "base/util.h"

#define PPB 1000000000

static bool positive(int64_t value)
{
	return value > 0 && value <= DESCRIPTION_VALUE_MAX;
}

static bool not_negative(int64_t value)
{
	return value >= 0 && value <= DESCRIPTION_VALUE_MAX;
}

static int check_detector(const struct description *d, uint32_t number, char **ret_message)
{
	const struct etalon_hw_detector *t = &d->detector[number];
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{t->kind >= ETALON_HW_DETECTOR_PHOTOCURRENT &&
			 t->kind <= ETALON_HW_DETECTOR_WAVELENGTH,
		 "kind is unknown"},
		{t->role >= ETALON_HW_ROLE_SIGNAL && t->role <= ETALON_HW_ROLE_TEMPERATURE,
		 "role is unknown"},
		{t->role != ETALON_HW_ROLE_WAVELENGTH_LOG ||
			 t->kind == ETALON_HW_DETECTOR_WAVELENGTH,
		 "logs wavelength but is of another kind"},
		{t->source == ETALON_HW_NO_CHANNEL || t->source < d->head.source_count,
		 "source is no source of this board"},
		{t->range_count >= 1 && t->range_count <= ETALON_HW_RANGES_MAX,
		 "range_count is not in 1..8"},
		{t->range_first < d->head.range_count &&
			 t->range_count <= d->head.range_count - t->range_first,
		 "its ranges lie outside the range table"},
		{t->range_default < t->range_count, "range_default is none of its ranges"},
		{not_negative(t->systematic_fm) && not_negative(t->sweep_fm) &&
			 not_negative(t->point_fm),
		 "an uncertainty is negative"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!rules[i].ok)
			return fail(ret_message, -EBADMSG, "description: detector %s: %s", t->name,
				    rules[i].what);
	return 0;
}

int description_check_detectors(const struct description *d, char **ret_message)
{
	int r;

	for (uint32_t i = 0; i < d->head.detector_count; i++)
		if (!description_name_ok(d->detector[i].name, sizeof(d->detector[i].name)))
			return fail(ret_message, -EBADMSG,
				    "description: detector %u: its name is not of [a-z0-9._]", i);
	for (uint32_t i = 0; i < d->head.detector_count; i++) {
		if (description_detector(d, d->detector[i].name) != (int)i)
			return fail(ret_message, -EBADMSG, "description: two detectors named %s",
				    d->detector[i].name);
		r = check_detector(d, i, ret_message);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Gains of about one, responsivity at every point or at none, wavelengths that rise. */
static const char *calibration_fault(const struct etalon_hw_calibration_point *c, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (c[i].responsivity_na_per_w < 0 ||
		    (c[i].responsivity_na_per_w == 0) != (c[0].responsivity_na_per_w == 0))
			return "responsivity is not positive everywhere";
		if (!not_negative(c[i].wavelength_fm))
			return "a calibration wavelength is negative";
		if (i > 0 && c[i].wavelength_fm <= c[i - 1].wavelength_fm)
			return "calibration wavelengths do not rise";
		if (c[i].gain_ppb <= -PPB || c[i].gain_ppb > PPB)
			return "gain calibration is beyond a factor of two";
		if (c[i].offset < -DESCRIPTION_VALUE_MAX || c[i].offset > DESCRIPTION_VALUE_MAX)
			return "offset calibration is out of bounds";
	}
	return NULL;
}

static const char *range_fault(const struct description *d, const struct etalon_hw_range *g)
{
	if (!positive(g->full_scale))
		return "full_scale is not above 0";
	if (!positive(g->step_q16))
		return "step_q16 is not above 0";
	if (g->offset < -DESCRIPTION_VALUE_MAX || g->offset > DESCRIPTION_VALUE_MAX)
		return "offset is out of bounds";
	if (g->bandwidth_mhz == 0 || g->bandwidth_mhz > (uint64_t)DESCRIPTION_VALUE_MAX)
		return "bandwidth_mhz is 0 or too large";
	if (g->group_delay_ns > DESCRIPTION_TIME_MAX_NS || g->settle_ns > DESCRIPTION_TIME_MAX_NS ||
	    g->overload_recovery_ns > DESCRIPTION_TIME_MAX_NS ||
	    g->aperture_min_ns > DESCRIPTION_TIME_MAX_NS)
		return "a delay, settling or aperture is too long";
	if (!not_negative(g->noise_density_e3))
		return "noise_density_e3 is negative";
	if (g->calibration_count == 0)
		return "has no calibration";
	if (g->calibration_first >= d->head.calibration_count ||
	    g->calibration_count > d->head.calibration_count - g->calibration_first)
		return "its calibration lies outside the table";
	return calibration_fault(&d->calibration[g->calibration_first], g->calibration_count);
}

static int check_range(const struct description *d, unsigned int detector, unsigned int range,
		       char **ret_message)
{
	const struct etalon_hw_range *g = description_range_of(d, detector, range);
	const char *name = d->detector[detector].name, *fault;

	if (!description_text_ok(g->name, sizeof(g->name)))
		return fail(ret_message, -EBADMSG,
			    "description: detector %s: the name of range %u is no text", name,
			    range);
	if (description_range(d, detector, g->name) != (int)range)
		return fail(ret_message, -EBADMSG,
			    "description: detector %s: two ranges named \"%s\"", name, g->name);
	if (range > 0 && g->full_scale > description_range_of(d, detector, range - 1)->full_scale)
		return fail(ret_message, -EBADMSG,
			    "description: detector %s: range \"%s\" is less sensitive than the one "
			    "before it",
			    name, g->name);
	fault = range_fault(d, g);
	if (fault)
		return fail(ret_message, -EBADMSG, "description: detector %s, range \"%s\": %s",
			    name, g->name, fault);
	return 0;
}

int description_check_ranges(const struct description *d, char **ret_message)
{
	int r;

	for (unsigned int i = 0; i < d->head.detector_count; i++) {
		/* Unterminated names would be read past their end by description_range(). */
		for (unsigned int k = 0; k < d->detector[i].range_count; k++) {
			const struct etalon_hw_range *g = description_range_of(d, i, k);

			if (strnlen(g->name, sizeof(g->name)) == sizeof(g->name))
				return fail(
					ret_message, -EBADMSG,
					"description: detector %s: the name of range %u has no end",
					d->detector[i].name, k);
		}
		for (unsigned int k = 0; k < d->detector[i].range_count; k++) {
			r = check_range(d, i, k, ret_message);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
