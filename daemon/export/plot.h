/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pictures of a spectrum have in common, on paper and in a terminal: which channels,
 * in which unit, what range, and each channel reduced to the lowest and highest value
 * per column of the picture, so that no dip is lost. Draws nothing. Layer: export.
 */
#ifndef ETALON_EXPORT_PLOT_H
#define ETALON_EXPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "data/table.h"

#define PLOT_SERIES_MAX 8
#define PLOT_TICKS_MAX 16
#define PLOT_DB_SPAN_MAX 90.0 /* below its highest value a picture in dB ends */

enum plot_scale {
	PLOT_DB, /* dBm, or dB of a ratio; currents stay linear */
	PLOT_LINEAR,
};

/* A resonance, for example. */
struct plot_mark {
	double wavelength_nm;
	char label[16]; /* "" is its number from 1 */
};

struct plot_options {
	enum plot_scale scale;
	const char *const *channels; /* column names, NULL-terminated; NULL: all signals */
	const struct plot_mark *marks;
	size_t mark_count;
	const char *title; /* NULL: label, run and date of meta */
	double from_nm, to_nm; /* both 0: the whole axis */
};

/* One column of the picture. */
struct plot_bin {
	size_t points; /* of the table that fall into it */
	size_t valid; /* of them that have a value on this scale */
	double low, high;
	double x; /* of the last point, nm */
};

struct plot_series {
	char name[TABLE_NAME_MAX];
	struct plot_bin *bins;
};

struct plot {
	double x_low, x_high; /* nm */
	double y_low, y_high; /* in y_unit */
	char y_title[32]; /* "Power" */
	char y_unit[8]; /* "dBm" */
	size_t bin_count;
	size_t series_count;
	struct plot_series series[PLOT_SERIES_MAX];
	size_t left_out; /* channels that could not be drawn: too many, another unit, no value */
};

struct plot_tick {
	double value;
	char text[24];
};

/*
 * The table needs a "wavelength" column in nm (axis_check.h). -EINVAL with a message when a
 * named channel does not exist or nothing can be drawn.
 */
int plot_new(const struct table *table, const struct plot_options *options, size_t bin_count,
	     struct plot **ret, char **ret_message);
struct plot *plot_free(struct plot *plot); /* returns NULL */
DEFINE_CLEANUP(struct plot *, plot_free, plot_freep);
#define _cleanup_plot_ _cleanup_(plot_freep)

/* Round values in [low, high], at most `most` (<= PLOT_TICKS_MAX); returns how many. */
size_t plot_ticks(double low, double high, size_t most, struct plot_tick *ticks);

/* The bin of a wavelength; negative or >= bin_count when it is outside. */
long plot_bin_of(const struct plot *plot, double nm);

/* Label, run and date; ledger and verdict; axis. Empty strings when meta has none. */
#define PLOT_TEXT_MAX 256
void plot_title(const struct table *table, const struct plot_options *options,
		char text[static PLOT_TEXT_MAX]);
void plot_ledger_line(const struct table *table, char text[static PLOT_TEXT_MAX]);
void plot_axis_line(const struct table *table, char text[static PLOT_TEXT_MAX]);
/* "1", "2" ... or the mark's own. */
void plot_mark_label(const struct plot_options *options, size_t index, char text[static 24]);

#endif
