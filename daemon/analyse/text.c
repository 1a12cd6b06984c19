// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The result of an analysis for a person: the table of resonances, free spectral ranges, axis and
 * warnings. Takes the JSON object apart; fits nothing.
 */
#include <math.h>

#include "analyse/analyse.h"
#include "base/figures.h"
#include "base/util.h"

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static void put_uncertain(FILE *out, int width, double value, double sigma)
{
	fprintf(out, "%*s", width, uncertain(value, sigma, 2).text);
}

/* Decimals that the random uncertainty is worth, at least 0.1 pm. */
static int wavelength_digits(double random_pm)
{
	return random_pm > 0 && random_pm < 0.1 ? MIN(3 + (int)ceil(-log10(random_pm)), 6) : 4;
}

static void put_q(FILE *out, const json_t *r)
{
	const bool bound = json_is_true(json_object_get(r, "q_is_bound"));
	const double sigma = bound ? NAN : number(r, "q_loaded_random");
	char buffer[80];

	snprintf(buffer, sizeof(buffer), "%s%s", bound ? ">" : "",
		 uncertain_kilo(number(r, "q_loaded"), sigma).text);
	fprintf(out, " %12s", buffer);
}

static void put_flags(FILE *out, const json_t *r)
{
	const json_t *flag;
	size_t i;

	fprintf(out, "  %s %s", text(r, "model"), text(r, "kind"));
	json_array_foreach(json_object_get(r, "flags"), i, flag)
		fprintf(out, "%s%s", i ? ", " : "  ", json_string_value(flag));
}

static void put_resonance(FILE *out, size_t i, const json_t *r)
{
	double random_pm = number(r, "wavelength_random_pm");

	fprintf(out, "%2zu %13.*f %10.2g", i + 1, wavelength_digits(random_pm),
		number(r, "wavelength_nm"), random_pm);
	put_uncertain(out, 15, number(r, "fwhm_pm"), number(r, "fwhm_random_pm"));
	put_q(out, r);
	put_uncertain(out, 13, number(r, "extinction_db"), number(r, "extinction_random_db"));
	put_flags(out, r);
	fputc('\n', out);
}

static void put_fsr(FILE *out, const json_t *result)
{
	const json_t *fsr = json_object_get(result, "fsr"), *family;
	size_t i;

	if (json_is_object(fsr)) {
		fprintf(out, "FSR");
		put_uncertain(out, 14, number(fsr, "fsr_nm"), number(fsr, "fsr_random_nm"));
		fprintf(out, " nm at %.1f nm\n", number(fsr, "at_nm"));
		return;
	}
	fprintf(out, "FSR: %s\n", text(result, "fsr_text"));
	json_array_foreach(json_object_get(result, "families"), i, family) {
		fprintf(out, "  family %zu: %zu resonances, FSR", i,
			json_array_size(json_object_get(family, "members")));
		put_uncertain(out, 14, number(family, "fsr_nm"), number(family, "fsr_random_nm"));
		fprintf(out, " nm at %.1f nm\n", number(family, "at_nm"));
	}
}

static void put_axis(FILE *out, const json_t *axis)
{
	double systematic = number(axis, "systematic_pm");

	if (isfinite(systematic))
		fprintf(out, "axis: %s, %.1f pm common to all wavelengths, cancels in FSR.\n",
			*text(axis, "provenance") ? text(axis, "provenance") : "unknown",
			systematic);
	else
		fprintf(out, "axis: its systematic error is not stated.\n");
	if (isfinite(number(axis, "direction_lag_pm")))
		fprintf(out, "axis: rising lies %.2f pm above falling.\n",
			number(axis, "direction_lag_pm"));
}

static void put_all(FILE *out, const json_t *result)
{
	const json_t *r, *warning;
	size_t i;

	if (json_array_size(json_object_get(result, "resonances")) == 0) {
		fprintf(out, "no resonances in %s\n", text(result, "channel"));
	} else {
		fprintf(out, " # %13s %10s %14s %12s %12s  model\n", "wavelength nm", "random pm",
			"FWHM pm", "Q loaded", "ER dB");
		json_array_foreach(json_object_get(result, "resonances"), i, r)
			put_resonance(out, i, r);
		put_fsr(out, result);
	}
	put_axis(out, json_object_get(result, "axis"));
	json_array_foreach(json_object_get(result, "warnings"), i, warning)
		fprintf(out, "note: %s\n", json_string_value(warning));
}

char *analyse_to_text(const json_t *result)
{
	char *buffer = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buffer, &size);

	if (!out)
		return NULL;
	put_all(out, result);
	if (fclose(out) != 0) {
		free(buffer);
		return NULL;
	}
	return buffer;
}
