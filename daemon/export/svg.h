/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A spectrum as a picture: axes with units, one line per channel, resonances marked and
 * numbered, and above it what the run says of itself. The size of the file depends on the
 * picture, not on the run: each column of it shows the lowest and the highest value, so
 * that a dip of one point in 10^7 is drawn. Layer: export.
 */
#ifndef ETALON_EXPORT_SVG_H
#define ETALON_EXPORT_SVG_H

#include <cairo.h>
#include <stdio.h>

#include "export/plot.h"

#define SVG_WIDTH 960 /* px */
#define SVG_HEIGHT 560

/* Negative errno of the stream, -EINVAL with a message when there is nothing to draw. */
int svg_write(FILE *stream, const struct table *table, const struct plot_options *options,
	      char **ret_message);

/* The same onto any cairo surface, SVG_WIDTH x SVG_HEIGHT units large. */
int svg_draw(cairo_t *cr, const struct table *table, const struct plot_options *options,
	     char **ret_message);

#endif
