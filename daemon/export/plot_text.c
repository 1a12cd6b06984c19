// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a picture says about its run, out of the description; in ASCII, for a machine without
 * fonts has no other characters. Layer: export.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"
#include "data/meta.h"
#include "export/plot.h"

/* Appends "<separator><text>"; the separator only between parts. */
static void add(char text[static PLOT_TEXT_MAX], const char *separator, const char *format, ...)
	_printf_(3, 4);

static void add(char text[static PLOT_TEXT_MAX], const char *separator, const char *format, ...)
{
	size_t used = strlen(text);
	va_list ap;

	used += (size_t)snprintf(text + used, PLOT_TEXT_MAX - used, "%s", used ? separator : "");
	if (used >= PLOT_TEXT_MAX)
		return;
	va_start(ap, format);
	vsnprintf(text + used, PLOT_TEXT_MAX - used, format, ap);
	va_end(ap);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && *value ? value : NULL;
}

static bool number_of(const json_t *object, const char *key, double *ret)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		return false;
	*ret = json_number_value(value);
	return true;
}

void plot_title(const struct table *table, const struct plot_options *options,
		char text[static PLOT_TEXT_MAX])
{
	static const char *const names[] = {"label", "device", "wafer", "die"};
	static const char *const words[] = {"", "", "wafer ", "die "};
	const char *created = string_of(table->meta, META_CREATED);
	double run;

	text[0] = '\0';
	if (options->title) {
		snprintf(text, PLOT_TEXT_MAX, "%s", options->title);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (string_of(table->meta, names[i]))
			add(text, ", ", "%s%.64s", words[i], string_of(table->meta, names[i]));
	if (number_of(table->meta, META_RUN, &run))
		add(text, ", ", "run %.0f", run);
	if (created) /* to the minute: 2026-03-02T14:05 */
		add(text, ", ", "%.10s%s%.5s", created, strlen(created) >= 16 ? " " : "",
		    strlen(created) >= 16 ? created + 11 : "");
}

void plot_ledger_line(const struct table *table, char text[static PLOT_TEXT_MAX])
{
	static const char *const counts[] = {"produced", "received", "dropped"};
	static const char *const marks[] = {"saturated", "below_floor"};
	const json_t *ledger = json_object_get(table->meta, META_LEDGER);
	const char *verdict = string_of(table->meta, META_VERDICT);
	double n;

	text[0] = '\0';
	if (verdict)
		add(text, "; ", "%.32s", verdict);
	if (json_is_false(json_object_get(ledger, "complete")))
		add(text, "; ", "PARTIAL RUN");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (number_of(ledger, counts[i], &n))
			add(text, i ? ", " : "; ", "%s %.0f", counts[i], n);
	if (string_of(ledger, "crc"))
		add(text, ", ", "CRC %.16s", string_of(ledger, "crc"));
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (number_of(ledger, marks[i], &n) && n > 0)
			add(text, ", ", "%s %.0f", i ? "below floor" : "saturated", n);
}

void plot_axis_line(const struct table *table, char text[static PLOT_TEXT_MAX])
{
	const json_t *axis = json_object_get(table->meta, META_AXIS);
	const json_t *settings = json_object_get(table->meta, META_SETTINGS);
	double n;

	text[0] = '\0';
	if (string_of(axis, "provenance"))
		add(text, "; ", "axis %.32s (vacuum)", string_of(axis, "provenance"));
	if (number_of(axis, "random_pm", &n))
		add(text, ", ", "random %.2g pm", n);
	if (number_of(axis, "systematic_pm", &n))
		add(text, ", ", "systematic %.2g pm", n);
	if (number_of(settings, "power_w", &n))
		add(text, "; ", "%.3g mW at the port", n * 1e3);
	if (number_of(settings, "speed_nm_per_s", &n))
		add(text, "; ", "%.3g nm/s", n);
	if (number_of(settings, "aperture_ns", &n))
		add(text, "; ", "aperture %.3g us", n * 1e-3);
}
