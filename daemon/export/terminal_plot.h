/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A spectrum in a terminal: Braille dots (2 x 4 per character) or plain ASCII, with axes,
 * channels and marks. Every column shows its lowest and highest value, so that no dip is
 * lost. Does not ask the terminal for its size or abilities: the caller does. Layer: export.
 */
#ifndef ETALON_EXPORT_TERMINAL_PLOT_H
#define ETALON_EXPORT_TERMINAL_PLOT_H

#include <stdio.h>

#include "export/plot.h"

#define TERMINAL_PLOT_WIDTH_MIN 40
#define TERMINAL_PLOT_HEIGHT_MIN 8

struct terminal_size {
	int width, height; /* characters, all of the picture; small ones are taken as the least */
	bool ascii; /* no UTF-8 */
	bool colour; /* ANSI colours per channel */
};

/* Negative errno of the stream, -EINVAL with a message when there is nothing to draw. */
int terminal_plot(FILE *stream, const struct table *table, const struct plot_options *options,
		  const struct terminal_size *size, char **ret_message);

#endif
