// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The table of resonances. Random parts stand beside the values, the part common to the
 * axis below. See run.h.
 */
#include "cli/run.h"

#include <math.h>

#include "cli/print.h"

/* The flags a reader must see, short. */
static void print_flags(struct grid *g, const json_t *resonance)
{
	char text[128] = "";
	const json_t *flag;
	size_t i;

	json_array_foreach(member_at(resonance, "flags"), i, flag) {
		if (strlen(text) + strlen(json_string_value(flag)) + 3 > sizeof(text))
			break;
		strcat(text, *text ? ", " : "");
		strcat(text, json_string_value(flag));
	}
	grid_cell(g, "%s", text);
}

/* A width that the resolution limits gives a lower bound of Q. */
static void print_q(struct grid *g, const json_t *resonance)
{
	bool bound = member_flag(resonance, "q_is_bound");
	double sigma = bound ? NAN : member_value(resonance, "q_loaded_random");

	grid_cell(g, "%s%s", bound ? ">" : "",
		  uncertain_kilo(member_value(resonance, "q_loaded"), sigma).text);
}

static bool any_interesting(const json_t *resonances)
{
	const json_t *r;
	size_t i;

	json_array_foreach(resonances, i, r) {
		if (json_array_size(member_at(r, "flags")) > 0 ||
		    !streq(member_text(r, "model"), "lorentzian"))
			return true;
	}
	return false;
}

/* Decimals that the best random uncertainty of the list is worth, at least 0.1 pm. */
static int wavelength_digits(const json_t *list)
{
	double best = 0.1;
	const json_t *r;
	size_t i;

	json_array_foreach(list, i, r) {
		double sigma = member_value(r, "wavelength_random_pm");

		if (sigma > 0 && sigma < best)
			best = sigma;
	}
	return MIN(3 + (int)ceil(-log10(best)), 6);
}

/* Two digits of it. */
static struct text sigma_text(double sigma)
{
	if (!(sigma > 0))
		return decimals(sigma, 2);
	return decimals(sigma, MAX(1 - (int)floor(log10(sigma)), 0));
}

static void resonance_row(struct grid *g, size_t number, const json_t *r, int digits, bool details)
{
	grid_cell(g, "%zu", number);
	grid_cell(g, "%s", decimals(member_value(r, "wavelength_nm"), digits).text);
	grid_cell(g, "%s", sigma_text(member_value(r, "wavelength_random_pm")).text);
	grid_cell(g, "%s",
		  uncertain(member_value(r, "fwhm_pm"), member_value(r, "fwhm_random_pm"), 2).text);
	print_q(g, r);
	grid_cell(g, "%s",
		  uncertain(member_value(r, "extinction_db"),
			    member_value(r, "extinction_random_db"), 1)
			  .text);
	if (!details)
		return;
	grid_cell(g, "%s", member_text(r, "model"));
	print_flags(g, r);
}

static void print_families(FILE *to, const json_t *values)
{
	const json_t *family;
	size_t i;

	json_array_foreach(member_at(values, "families"), i, family) {
		double at = member_value(family, "at_nm");

		if (isnan(member_value(family, "fsr_nm")))
			continue;
		fprintf(to, "FSR %s nm",
			uncertain(member_value(family, "fsr_nm"),
				  member_value(family, "fsr_random_nm"), 4)
				.text);
		if (!isnan(at))
			fprintf(to, " at %s nm", decimals(at, 1).text);
		if (json_array_size(member_at(values, "families")) > 1)
			fprintf(to, "  (family %lld, %zu resonances)",
				(long long)member_number(family, "family", 0),
				json_array_size(member_at(family, "members")));
		fputc('\n', to);
	}
	if (json_array_size(member_at(values, "families")) == 0 && *member_text(values, "fsr_text"))
		fprintf(to, "FSR %s\n", member_text(values, "fsr_text"));
}

static void print_axis(FILE *to, const json_t *values, const json_t *run)
{
	double systematic = member_value(values, "axis.systematic_pm");

	if (isnan(systematic))
		systematic = member_value(run, "Metadata.axis.systematic_pm");
	if (isnan(systematic))
		return;
	fprintf(to, "axis: %s pm common to all wavelengths, cancels in FSR.\n",
		decimals(systematic, 1).text);
}

static void print_warnings(FILE *to, const json_t *warnings)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning) {
		fprintf(to, "note: %s\n", json_string_value(warning));
	}
}

void report_resonances(struct cli *cli, FILE *to, const json_t *analysis, const json_t *run)
{
	const json_t *values = member_at(analysis, "values"),
		     *list = member_at(values, "resonances"), *r;
	bool details = any_interesting(list);
	int digits = wavelength_digits(list);
	struct grid g;
	size_t i;

	(void)cli;
	if (!analysis)
		return;
	if (json_array_size(list) == 0) {
		fprintf(to, "no resonances in %s\n", member_text(values, "channel"));
		print_warnings(to, member_at(values, "warnings"));
		return;
	}
	grid_begin(&g, details ? "rrrrrrll" : "rrrrrr");
	grid_heading(&g, details ? "#|wavelength nm|random pm|FWHM pm|Q loaded|ER dB|model|flags"
				 : "#|wavelength nm|random pm|FWHM pm|Q loaded|ER dB");
	json_array_foreach(list, i, r) {
		resonance_row(&g, i + 1, r, digits, details);
	}
	grid_print(&g, to, 1);
	print_families(to, values);
	print_axis(to, values, run);
	print_warnings(to, member_at(values, "warnings"));
}
