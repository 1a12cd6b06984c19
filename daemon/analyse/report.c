// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Key by key what analyse.h promises. No number is made here but distances to the ends.
 */
#include "analyse/report.h"

#include <math.h>

#include "analyse/analyse.h"
#include "base/util.h"

#define RESOLVED 6.0 /* samples per width: below, the width is a bound */
#define EDGE_WIDTHS 3.0 /* from an end of the span */
#define KERNEL_WIDE 0.3 /* rms of the blur over the width */
#define LEAST_CHANGE_DB 1.0 /* of the light, to be worth a word where no resonance is */
#define SINGLE_FAMILY 0.8 /* of all resonances */

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void put(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, number(value));
}

/* Neither has a value where the shape has no such parameter. */
static void put_estimate(json_t *object, const char *key, const char *random_key,
			 const struct estimate *e, double factor)
{
	put(object, key, e->value * factor);
	put(object, random_key, isfinite(e->value) ? e->sigma * factor : NAN);
}

static const char *shape_name(const struct resonance *r)
{
	switch (r->shape) {
	case SHAPE_LORENTZIAN:
		return "lorentzian";
	case SHAPE_FANO:
		return "fano";
	case SHAPE_SPLIT:
		return "split";
	}
	return "";
}

static bool is_at_edge(const struct spectrum *s, const struct resonance *r)
{
	return fmin(r->centre_nm - s->x_nm[0], s->x_nm[s->n - 1] - r->centre_nm) <
	       EDGE_WIDTHS * r->fwhm_nm;
}

static json_t *flags(const struct report *p, const struct resonance *r, double samples)
{
	json_t *list = json_array();
	const struct {
		bool set;
		const char *name;
	} all[] = {
		{is_at_edge(p->spectrum, r), "edge"},
		{r->misfit, "model-misfit"},
		{samples < RESOLVED, "resolution-limited"},
		{r->overlaps, "overlaps"},
		{kernel_rms_nm(&p->all->noise.blur) > KERNEL_WIDE * r->fwhm_nm, "kernel-wide"},
		{r->unseen_per_nm > 0, "short-span"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].set)
			json_array_append_new(list, json_string(all[i].name));
	return list;
}

static json_t *resonance(const struct report *p, const struct resonance *r)
{
	double samples = r->fwhm_nm / p->spectrum->step_nm;
	bool limited =
		samples < RESOLVED || kernel_rms_nm(&p->all->noise.blur) > KERNEL_WIDE * r->fwhm_nm;
	json_t *o = json_object();

	put(o, "wavelength_nm", r->wavelength_nm.value);
	put(o, "wavelength_random_pm", 1e3 * r->wavelength_nm.sigma);
	put_estimate(o, "fwhm_pm", "fwhm_random_pm", &r->width_nm, 1e3);
	put_estimate(o, "q_loaded", "q_loaded_random", &r->q, 1);
	put_estimate(o, "extinction_db", "extinction_random_db", &r->extinction_db, 1);
	json_object_set_new(o, "kind", json_string(r->peak ? "peak" : "dip"));
	json_object_set_new(o, "model", json_string(shape_name(r)));
	put_estimate(o, "fano_q", "fano_q_random", &r->fano_q, 1);
	put_estimate(o, "splitting_pm", "splitting_random_pm", &r->split_nm, 1e3);
	put(o, "extreme_nm", r->extreme_nm);
	put(o, "samples_per_fwhm", samples);
	json_object_set_new(o, "resolution_limited", json_boolean(samples < RESOLVED));
	json_object_set_new(o, "q_is_bound", json_boolean(limited));
	put(o, "chi2_reduced", fit_chi2_reduced(&r->fit));
	json_object_set_new(
		o, "window_nm",
		json_pack("[f, f]", r->origin_nm - r->half_nm, r->origin_nm + r->half_nm));
	json_object_set_new(o, "family", r->family >= 0 ? json_integer(r->family) : json_null());
	json_object_set_new(o, "flags", flags(p, r, samples));
	return o;
}

static json_t *resonances(const struct report *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->all->count; i++)
		json_array_append_new(list, resonance(p, &p->all->list[i]));
	return list;
}

/* ---- families ---- */

static json_t *family(const struct report *p, size_t k)
{
	const struct family *f = &p->families[k];
	json_t *o = json_object(), *members = json_array();

	json_object_set_new(o, "family", json_integer((json_int_t)k));
	put(o, "fsr_nm", f->fsr_nm);
	put(o, "fsr_random_nm", f->fsr_sigma_nm);
	put(o, "at_nm", f->at_nm);
	for (size_t i = 0; i < p->all->count; i++)
		if (p->all->list[i].family == (int)k)
			json_array_append_new(members, json_integer((json_int_t)i));
	json_object_set_new(o, "members", members);
	return o;
}

static void put_families(json_t *o, const struct report *p)
{
	json_t *list = json_array();
	bool single = p->family_count == 1 &&
		      (double)p->families[0].count >= SINGLE_FAMILY * (double)p->all->count;

	for (size_t k = 0; k < p->family_count; k++)
		json_array_append_new(list, family(p, k));
	json_object_set_new(o, "families", list);
	if (single) {
		json_t *fsr = family(p, 0);

		json_object_del(fsr, "members");
		json_object_set_new(o, "fsr", fsr);
		return;
	}
	json_object_set_new(o, "fsr", json_null());
	json_object_set_new(o, "fsr_text",
			    json_string(p->all->count == 0   ? "no resonance"
					: p->all->count == 1 ? "one resonance only"
							     : "no single family"));
}

/* ---- axis and baseline ---- */

static double mean_lag_nm(const struct resonances *all)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct fit *f = &all->list[i].fit;
		double variance;

		if (f->lag_column < 0)
			continue;
		variance = f->covariance[f->lag_column][f->lag_column];
		if (!(variance > 0))
			continue;
		sum += f->lag_nm / variance;
		weights += 1 / variance;
	}
	return weights > 0 ? sum / weights : NAN;
}

static json_t *axis(const struct report *p)
{
	const struct spectrum_description *d = &p->spectrum->description;
	json_t *o = json_object();

	json_object_set_new(o, "provenance",
			    d->provenance ? json_string(d->provenance) : json_null());
	put(o, "systematic_pm", 1e3 * d->systematic_nm);
	put(o, "random_pm", 1e3 * d->sigma_x_nm);
	put(o, "random_seen_pm", p->noise.seen ? 1e3 * p->noise.sigma_x_nm : NAN);
	put(o, "random_used_pm", 1e3 * p->all->noise.blur.sigma_x_nm);
	put(o, "direction_lag_pm", 1e3 * mean_lag_nm(p->all));
	put(o, "step_pm", 1e3 * p->spectrum->step_nm);
	return o;
}

/* Relative amplitude, peak to peak. */
static double amplitude_db(double amplitude)
{
	return 10 * log10((1 + amplitude) / fmax(1 - amplitude, 1e-9));
}

static json_t *baseline(const struct report *p)
{
	double at = p->spectrum->x_nm[p->spectrum->n / 2];
	json_t *o = json_object(), *lines = json_array();

	put(o, "level", p->level);
	json_object_set_new(o, "unit", json_string(p->spectrum->unit));
	for (size_t k = 0; k < p->ripple->count; k++) {
		const struct ripple_line *l = &p->ripple->line[k];
		json_t *line = json_object();

		put(line, "period_nm", ripple_period_nm(l, at));
		put(line, "peak_to_peak_db", amplitude_db(l->amplitude));
		json_array_append_new(lines, line);
	}
	json_object_set_new(o, "ripple", lines);
	return o;
}

/* ---- warnings ---- */

static void warn(json_t *list, char *text)
{
	if (text)
		json_array_append_new(list, json_string(text));
	free(text);
}

static size_t count_misfits(const struct resonances *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->count; i++)
		n += all->list[i].misfit;
	return n;
}

static void warn_about_noise(json_t *list, const struct report *p)
{
	double stated = p->spectrum->description.sigma_x_nm, seen = p->noise.sigma_x_nm;

	if (!(stated > 0))
		warn(list,
		     asprintf_or_null(
			     "the table does not state the axis' random error; it was taken from "
			     "the residuals"));
	else if (p->noise.seen &&
		 fabs(seen - stated) > 4 * p->noise.sigma_x_error_nm + 0.2 * stated)
		warn(list,
		     asprintf_or_null("the axis scatters by %.3g pm where %.3g pm are stated; the "
				      "stated random parts follow the data",
				      1e3 * seen, 1e3 * stated));
	if (p->noise_from_data)
		warn(list,
		     asprintf_or_null("the table does not state the detector's noise; it was taken "
				      "from the data's scatter"));
}

static void warn_about_fits(json_t *list, const struct report *p)
{
	size_t misfits = count_misfits(p->all);
	double fastest = 0;

	for (size_t i = 0; i < p->all->count; i++)
		fastest = fmax(fastest, p->all->list[i].unseen_per_nm);
	if (fastest > 0)
		warn(list,
		     asprintf_or_null(
			     "the span is too short to show what ripple there is; random parts "
			     "allow for any of %.1f dB peak to peak with periods from %.3g pm",
			     amplitude_db(WINDOW_UNSEEN_AMPLITUDE), 1e3 / fastest));
	if (misfits)
		warn(list, asprintf_or_null(
				   "%zu of %zu resonances are not described by their model within "
				   "the noise; their random parts were enlarged",
				   misfits, p->all->count));
}

static void warn_about_left_out(json_t *list, const struct report *p)
{
	const struct spectrum *s = p->spectrum;
	size_t edges = p->left_out_at_edges, fringes = p->left_out_as_fringes;

	if (edges)
		warn(list,
		     asprintf_or_null("%zu resonance%s cut by an end of the span %s left out",
				      edges, edges > 1 ? "s" : "", edges > 1 ? "were" : "was"));
	if (fringes)
		warn(list,
		     asprintf_or_null(
			     "%zu feature%s may be a fringe as well as a resonance and %s left "
			     "out; sweep a wider span to tell",
			     fringes, fringes > 1 ? "s" : "", fringes > 1 ? "were" : "was"));
	else if (!edges && p->change_db > LEAST_CHANGE_DB)
		warn(list, asprintf_or_null(
				   "the light changes by %.1f dB, but as slowly as a fringe or a "
				   "coupler does; a resonance is told from those in a span of at "
				   "least seven of its widths with six points in each",
				   p->change_db));
	if (s->n < s->rows)
		warn(list,
		     asprintf_or_null("%zu of %zu points were not used (flags, or not a number)",
				      s->rows - s->n, s->rows));
	if (s->open_end)
		warn(list,
		     asprintf_or_null("the file's last line has no line end: should it be cut "
				      "short there, the last of its %zu rows is wrong",
				      s->rows));
}

static json_t *warnings(const struct report *p)
{
	json_t *list = json_array();

	warn_about_noise(list, p);
	warn_about_fits(list, p);
	warn_about_left_out(list, p);
	return list;
}

json_t *report_make(const struct report *p)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	json_object_set_new(o, "method", json_string(ANALYSE_METHOD_RESONANCES));
	json_object_set_new(o, "version", json_string(ANALYSE_RESONANCES_VERSION));
	json_object_set_new(o, "channel", json_string(p->spectrum->channel));
	json_object_set_new(o, "points", json_integer((json_int_t)p->spectrum->rows));
	json_object_set_new(o, "points_used", json_integer((json_int_t)p->spectrum->n));
	json_object_set_new(o, "resonances", resonances(p));
	put_families(o, p);
	json_object_set_new(o, "axis", axis(p));
	json_object_set_new(o, "baseline", baseline(p));
	json_object_set_new(o, "warnings", warnings(p));
	return o;
}
