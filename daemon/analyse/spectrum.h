/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One channel of a table as points that can be fitted: usable ones only, linear, sorted by
 * wavelength, with what the description says about noise and blur. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_SPECTRUM_H
#define ETALON_ANALYSE_SPECTRUM_H

#include "data/table.h"

#define SPECTRUM_MIN_POINTS 32
#define SPECTRUM_SAMPLE 16384 /* points that a median of all is as well known by */

/* Every so-manieth of n points makes such a sample. */
static inline size_t spectrum_sample(size_t n)
{
	return n / SPECTRUM_SAMPLE > 1 ? n / SPECTRUM_SAMPLE : 1;
}

/* What blurs a point and how noisy it should be. NaN: the table does not say. */
struct spectrum_description {
	double sigma_x_nm; /* random error of one logged wavelength */
	double systematic_nm; /* of the axis */
	double aperture_nm; /* way of the laser during one aperture, 0 when it stands */
	double tau_nm; /* way of the laser during the detector's time constant */
	double read_variance; /* of one point without light, y squared */
	double shot_variance; /* per y */
	double rin_variance; /* per y squared */
	const char *provenance; /* of the axis, belongs to the table; NULL */
};

struct spectrum {
	size_t n, rows, n_falling;
	double *x_nm; /* execution order until spectrum_sort(), then rising */
	double *y; /* linear; times `scale` it is in `unit` */
	double *monitor; /* NULL, or power monitor at the same points */
	double *white; /* variance of y that does not come from the axis */
	signed char *direction; /* +1 or -1: the way the laser went */
	double scale;
	double step_nm; /* median distance of neighbours in one direction */
	char channel[TABLE_NAME_MAX], unit[TABLE_UNIT_MAX];
	bool open_end; /* of the table */
	struct spectrum_description description;
};

/* Points in execution order. -ENOENT: no such channel, -ENODATA: too few usable points, -EINVAL. */
int spectrum_load(const struct table *table, const char *channel, struct spectrum *ret,
		  char **ret_message);
void spectrum_clear(struct spectrum *spectrum);
#define _cleanup_spectrum_ _cleanup_(spectrum_clear)

/*
 * Finds the direction of every point and the step. A table with real disorder is refused with
 * -EINVAL, naming the row; steps back within the axis' random error are none. `row` maps points
 * to rows of the table, `reverse` is what the rows' flags say or NULL.
 */
int spectrum_find_directions(struct spectrum *spectrum, const size_t *row, const bool *reverse,
			     char **ret_message);
/* Merges the directions into one rising axis. */
int spectrum_sort(struct spectrum *spectrum);
/* Index of the first point at or above x, n when there is none. Sorted spectra only. */
size_t spectrum_lower_bound(const struct spectrum *spectrum, double x_nm);

/* Gives every point a variance: from the description, else from the data's own scatter (then
 * *ret_from_data is true). Execution order. */
int spectrum_estimate_white(struct spectrum *spectrum, bool *ret_from_data);

/* Divides y by the monitor, smoothed as far as it is smooth. Execution order. */
int spectrum_divide_by_monitor(struct spectrum *spectrum);

#endif
