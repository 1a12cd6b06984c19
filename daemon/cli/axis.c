// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading the wavelength axis. See axis.h.
 */
#include "cli/axis.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/quantity.h"
#include "base/util.h"

#define SEARCH_MAX 10000000 /* intervals looked at for a step that divides: a blink */

/* ---- ends ---- */

static int read_ends(const struct axis_wish *w, struct axis *a, char **ret_message)
{
	bool frequency = quantity_is_frequency(w->from);
	int64_t first, last;
	int r;

	r = quantity_parse(w->from, QUANTITY_WAVELENGTH, &first, ret_message);
	if (r >= 0)
		r = quantity_parse(w->to, QUANTITY_WAVELENGTH, &last, ret_message);
	if (r < 0)
		return r;
	if (frequency != quantity_is_frequency(w->to))
		return fail(ret_message, -EINVAL,
			    "start is %s and stop is %s: give both as wavelengths, "
			    "%s %s, or both as frequencies",
			    w->from, w->to, quantity_typed(QUANTITY_WAVELENGTH, first).text,
			    quantity_typed(QUANTITY_WAVELENGTH, last).text);
	/* A frequency that rises is a wavelength that falls: order means nothing there. */
	if (first == last)
		return fail(ret_message, -EINVAL,
			    "start and stop are both %s: a sweep needs a span", w->from);
	if (first > last && !frequency)
		return fail(ret_message, -EINVAL,
			    "start %s is above stop %s; a sweep runs upwards: %s %s "
			    "(--both-ways comes back as well)",
			    w->from, w->to, w->to, w->from);
	a->start_fm = MIN(first, last);
	a->stop_fm = MAX(first, last);
	a->from_frequency = frequency;
	return 0;
}

static int read_centre_frequency(const struct axis_wish *w, struct axis *a, char **ret_message)
{
	int64_t centre, span;
	int r;

	r = quantity_parse(w->centre, QUANTITY_FREQUENCY, &centre, ret_message);
	if (r >= 0)
		r = quantity_parse(w->span, QUANTITY_FREQUENCY, &span, ret_message);
	if (r < 0)
		return r;
	if (span <= 0 || span / 2 >= centre)
		return fail(ret_message, -EINVAL, "a span of %s around %s is not possible", w->span,
			    w->centre);
	r = wavelength_of_frequency(centre + span / 2, &a->start_fm);
	if (r >= 0)
		r = wavelength_of_frequency(centre - span / 2, &a->stop_fm);
	if (r < 0 || a->start_fm >= a->stop_fm)
		return fail(ret_message, -EINVAL, "a span of %s around %s is not possible", w->span,
			    w->centre);
	a->from_frequency = true;
	return 0;
}

static int read_centre(const struct axis_wish *w, struct axis *a, char **ret_message)
{
	int64_t centre, span;
	int r;

	if (quantity_is_frequency(w->centre))
		return read_centre_frequency(w, a, ret_message);
	r = quantity_parse(w->centre, QUANTITY_WAVELENGTH, &centre, ret_message);
	if (r >= 0)
		r = quantity_parse(w->span, QUANTITY_WAVELENGTH_SPAN, &span, ret_message);
	if (r < 0)
		return r;
	if (span <= 0 || span / 2 >= centre)
		return fail(ret_message, -EINVAL, "a span of %s around %s is not possible", w->span,
			    w->centre);
	a->start_fm = centre - span / 2;
	if (__builtin_add_overflow(a->start_fm, span, &a->stop_fm))
		return fail(ret_message, -EINVAL, "a span of %s around %s is not possible", w->span,
			    w->centre);
	return 0;
}

/* ---- points ---- */

static bool divides(int64_t span, int64_t intervals, int64_t resolution)
{
	return intervals > 0 && span % intervals == 0 &&
	       (resolution <= 0 || span / intervals % resolution == 0);
}

/* The step nearest to the wanted one that divides the span; 0: none found. */
static int64_t nearest_step(int64_t span, int64_t step, int64_t resolution)
{
	int64_t below = 0, above = 0, n = span / step; /* fewer intervals, larger step */

	for (int64_t i = n; i >= 1 && n - i < SEARCH_MAX && !above; i--)
		above = divides(span, i, resolution) ? span / i : 0;
	for (int64_t i = n + 1; i <= span && i - n < SEARCH_MAX && !below; i++)
		below = divides(span, i, resolution) ? span / i : 0;
	if (!above || !below)
		return MAX(above, below);
	return above - step < step - below ? above : below;
}

static int refuse_step(const struct axis *a, int64_t step, int64_t resolution, char **ret_message)
{
	int64_t span = a->stop_fm - a->start_fm, nearest = nearest_step(span, step, resolution);
	int64_t intervals = MAX((span + step / 2) / step, (int64_t)1);
	struct quantity_text wide = quantity_format(QUANTITY_WAVELENGTH_SPAN, span);
	struct quantity_text fine = quantity_format(QUANTITY_WAVELENGTH_SPAN, step);

	if (!nearest)
		nearest = nearest_step(span, step, 0);
	/* A span that came from frequencies divides by nothing that anybody would type. */
	if (a->from_frequency || !nearest || nearest == span)
		return fail(ret_message, -EINVAL,
			    "%s is not a multiple of %s; nearest: --points %lld", wide.text,
			    fine.text, (long long)intervals + 1);
	return fail(ret_message, -EINVAL,
		    "%s is not a multiple of %s; nearest: --step %s or --points %lld", wide.text,
		    fine.text, quantity_typed(QUANTITY_WAVELENGTH_SPAN, nearest).text,
		    (long long)intervals + 1);
}

/* As fine on average: points are equidistant in wavelength. */
static int refuse_frequency_step(const struct axis_wish *w, const struct axis *a,
				 char **ret_message)
{
	const double light_fm_millihz = (double)LIGHT_M_PER_S * 1e18;
	double span_millihz =
		light_fm_millihz / (double)a->start_fm - light_fm_millihz / (double)a->stop_fm;
	int64_t step_millihz;
	int r = quantity_parse(w->step, QUANTITY_FREQUENCY, &step_millihz, ret_message);

	if (r < 0)
		return r;
	if (step_millihz <= 0 || (double)step_millihz > span_millihz)
		return fail(ret_message, -EINVAL,
			    "a step of %s does not fit into the span; give it in pm, or --points N",
			    w->step);
	return fail(
		ret_message, -EINVAL,
		"'%s' is a frequency: points are equidistant in wavelength; as fine on average: "
		"--points %.0f",
		w->step, span_millihz / (double)step_millihz + 1);
}

static int read_step(const struct axis_wish *w, int64_t resolution, struct axis *a,
		     char **ret_message)
{
	int64_t span = a->stop_fm - a->start_fm, step;
	int r;

	if (quantity_is_frequency(w->step))
		return refuse_frequency_step(w, a, ret_message);
	r = quantity_parse(w->step, QUANTITY_WAVELENGTH_SPAN, &step, ret_message);
	if (r < 0)
		return r;
	if (step <= 0)
		return fail(ret_message, -EINVAL,
			    "a step of %s leads nowhere; for instance --step 1pm", w->step);
	if (step > span)
		return fail(ret_message, -EINVAL,
			    "a step of %s is wider than the span of %s; at most --step %s", w->step,
			    quantity_format(QUANTITY_WAVELENGTH_SPAN, span).text,
			    quantity_typed(QUANTITY_WAVELENGTH_SPAN, span).text);
	if (span % step != 0)
		return refuse_step(a, step, resolution, ret_message);
	a->points = (uint64_t)(span / step) + 1;
	return 0;
}

static int read_points(const struct axis_wish *w, struct axis *a, char **ret_message)
{
	int64_t points;
	int r = quantity_parse(w->points, QUANTITY_COUNT, &points, ret_message);

	if (r < 0)
		return r;
	if (points < 2)
		return fail(ret_message, -EINVAL,
			    "--points %s: a sweep has at least 2, both ends included", w->points);
	a->points = (uint64_t)points;
	return 0;
}

/* No frequency is a whole number of femtometres: the laser takes what is nearest. */
static void settle_ends(struct axis *a, int64_t resolution)
{
	if (!a->from_frequency || resolution <= 1 || a->stop_fm > INT64_MAX - resolution)
		return;
	a->start_fm = (a->start_fm + resolution / 2) / resolution * resolution;
	a->stop_fm = (a->stop_fm + resolution / 2) / resolution * resolution;
}

int axis_read(const struct axis_wish *w, int64_t resolution_fm, struct axis *ret,
	      char **ret_message)
{
	struct axis a = {0};
	int r;

	if (w->from && !w->to &&
	    quantity_parse(w->from, QUANTITY_WAVELENGTH, &a.start_fm, ret_message) < 0)
		return -EINVAL;
	if (w->from && !w->to)
		return fail(ret_message, -EINVAL,
			    "a start of %s and no stop; for instance %s 1560nm --step 1pm", w->from,
			    w->from);
	if (w->from && (w->centre || w->span))
		return fail(ret_message, -EINVAL,
			    "start and stop, or --centre and --span: not both");
	if (!w->from && !(w->centre && w->span))
		return fail(ret_message, -EINVAL,
			    "from where to where? for instance 1540nm 1560nm --step 1pm, "
			    "or --centre 1550nm --span 20nm --step 1pm");
	if (!w->step && !w->points)
		return fail(ret_message, -EINVAL,
			    "how fine? --step 1pm or --points 20001, for instance");
	if (w->step && w->points)
		return fail(ret_message, -EINVAL,
			    "--step says how fine, --points as well: give one of them");
	r = w->from ? read_ends(w, &a, ret_message) : read_centre(w, &a, ret_message);
	settle_ends(&a, resolution_fm);
	if (r >= 0 && a.start_fm >= a.stop_fm)
		r = fail(ret_message, -EINVAL, "the span is narrower than one step of this laser");
	if (r >= 0)
		r = w->step ? read_step(w, resolution_fm, &a, ret_message)
			    : read_points(w, &a, ret_message);
	if (r < 0)
		return -EINVAL;
	*ret = a;
	return 0;
}
