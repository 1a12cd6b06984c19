// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Draws a spectrum with cairo: text above, frame and ticks, marks, curves. What is drawn is
 * decided in plot.c. Layer: export.
 */
#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "data/meta.h"
#include "export/svg.h"

#define MARGIN_LEFT 78.0
#define MARGIN_RIGHT 26.0
#define MARGIN_BOTTOM 54.0
#define TITLE_Y 30.0
#define LINE_HEIGHT 16.0
#define MARK_ROWS_MAX 3
#define MARK_ROW_HEIGHT 13.0
#define MARK_FONT 10.5
#define BINS_PER_PX 2

/* Okabe and Ito's palette: told apart by everyone, also in print. */
static const double palette[PLOT_SERIES_MAX][3] = {
	{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
	{0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.45, 0.45, 0.45}, {0.00, 0.00, 0.00},
};

struct frame {
	double left, right, top, bottom;
};

struct drawing {
	cairo_t *cr;
	const struct table *table;
	const struct plot_options *options;
	const struct plot *plot;
	struct frame frame;
};

enum anchor { LEFT, MIDDLE, RIGHT };

/* ---- basics ---- */

static void grey(cairo_t *cr, double level)
{
	cairo_set_source_rgb(cr, level, level, level);
}

static void font(cairo_t *cr, double size, bool bold)
{
	cairo_font_extents_t extents;

	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
	cairo_font_extents(cr, &extents);
	/* A machine without fonts still has cairo's built-in one. */
	if (!(extents.height > 0)) {
		cairo_select_font_face(cr, "@cairo:", CAIRO_FONT_SLANT_NORMAL,
				       CAIRO_FONT_WEIGHT_NORMAL);
		cairo_set_font_size(cr, size);
	}
}

static double text_width(cairo_t *cr, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cr, text, &extents);
	return extents.x_advance;
}

static void put_text(cairo_t *cr, double x, double y, enum anchor anchor, const char *text)
{
	double width = text_width(cr, text);

	cairo_move_to(cr, x - (anchor == LEFT ? 0 : anchor == MIDDLE ? width / 2 : width), y);
	cairo_show_text(cr, text);
}

static void line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
	cairo_move_to(cr, x1, y1);
	cairo_line_to(cr, x2, y2);
	cairo_stroke(cr);
}

static double x_of(const struct drawing *d, double nm)
{
	return d->frame.left + (nm - d->plot->x_low) / (d->plot->x_high - d->plot->x_low) *
				       (d->frame.right - d->frame.left);
}

static double y_of(const struct drawing *d, double value)
{
	double y = d->frame.bottom - (value - d->plot->y_low) / (d->plot->y_high - d->plot->y_low) *
					     (d->frame.bottom - d->frame.top);

	/* Far below the picture the clip cuts it; keep the numbers small. */
	return fmin(fmax(y, d->frame.top - 50), d->frame.bottom + 50);
}

/* ---- text above ---- */

static void draw_legend(const struct drawing *d)
{
	double x = d->frame.right;

	font(d->cr, 12, false);
	for (size_t i = d->plot->series_count; i-- > 0;) {
		const double *c = palette[i];

		grey(d->cr, 0.15);
		put_text(d->cr, x, TITLE_Y, RIGHT, d->plot->series[i].name);
		x -= text_width(d->cr, d->plot->series[i].name) + 6;
		cairo_set_source_rgb(d->cr, c[0], c[1], c[2]);
		cairo_set_line_width(d->cr, 3);
		line(d->cr, x - 18, TITLE_Y - 4, x, TITLE_Y - 4);
		x -= 18 + 16;
	}
}

static bool is_trusted(const struct table *table)
{
	const char *verdict = json_string_value(json_object_get(table->meta, META_VERDICT));
	const json_t *ledger = json_object_get(table->meta, META_LEDGER);

	return !(verdict && (streq(verdict, "untrustworthy") || streq(verdict, "fail"))) &&
	       !json_is_false(json_object_get(ledger, "complete"));
}

static double draw_header(const struct drawing *d)
{
	char text[PLOT_TEXT_MAX];
	double y = TITLE_Y;

	plot_title(d->table, d->options, text);
	font(d->cr, 16, true);
	grey(d->cr, 0.1);
	put_text(d->cr, d->frame.left, y, LEFT, text[0] ? text : "spectrum");
	font(d->cr, 11, false);
	plot_ledger_line(d->table, text);
	if (text[0]) {
		grey(d->cr, 0.35);
		if (!is_trusted(d->table))
			cairo_set_source_rgb(d->cr, 0.75, 0.1, 0.1);
		put_text(d->cr, d->frame.left, y += LINE_HEIGHT + 2, LEFT, text);
	}
	plot_axis_line(d->table, text);
	if (text[0]) {
		grey(d->cr, 0.35);
		put_text(d->cr, d->frame.left, y += LINE_HEIGHT, LEFT, text);
	}
	return y;
}

/* ---- axes ---- */

static void draw_x_axis(const struct drawing *d)
{
	struct plot_tick ticks[PLOT_TICKS_MAX];
	size_t count = plot_ticks(d->plot->x_low, d->plot->x_high, 10, ticks);

	font(d->cr, 12, false);
	for (size_t i = 0; i < count; i++) {
		double x = x_of(d, ticks[i].value);

		grey(d->cr, 0.9);
		cairo_set_line_width(d->cr, 1);
		line(d->cr, x, d->frame.top, x, d->frame.bottom);
		grey(d->cr, 0.25);
		line(d->cr, x, d->frame.bottom, x, d->frame.bottom + 5);
		put_text(d->cr, x, d->frame.bottom + 19, MIDDLE, ticks[i].text);
	}
	put_text(d->cr, (d->frame.left + d->frame.right) / 2, d->frame.bottom + 40, MIDDLE,
		 "Vacuum wavelength, nm");
}

static void draw_y_axis(const struct drawing *d)
{
	struct plot_tick ticks[PLOT_TICKS_MAX];
	size_t count = plot_ticks(d->plot->y_low, d->plot->y_high, 9, ticks);
	char title[64];

	font(d->cr, 12, false);
	for (size_t i = 0; i < count; i++) {
		double y = y_of(d, ticks[i].value);

		grey(d->cr, 0.9);
		cairo_set_line_width(d->cr, 1);
		line(d->cr, d->frame.left, y, d->frame.right, y);
		grey(d->cr, 0.25);
		line(d->cr, d->frame.left - 5, y, d->frame.left, y);
		put_text(d->cr, d->frame.left - 9, y + 4, RIGHT, ticks[i].text);
	}
	snprintf(title, sizeof(title), "%s%s%s", d->plot->y_title, d->plot->y_unit[0] ? ", " : "",
		 d->plot->y_unit);
	cairo_save(d->cr);
	cairo_translate(d->cr, 20, (d->frame.top + d->frame.bottom) / 2);
	cairo_rotate(d->cr, -M_PI / 2);
	put_text(d->cr, 0, 0, MIDDLE, title);
	cairo_restore(d->cr);
}

static void draw_frame(const struct drawing *d)
{
	grey(d->cr, 0.25);
	cairo_set_line_width(d->cr, 1);
	cairo_rectangle(d->cr, d->frame.left, d->frame.top, d->frame.right - d->frame.left,
			d->frame.bottom - d->frame.top);
	cairo_stroke(d->cr);
}

/* ---- marks ---- */

/* The lowest row in which the label does not run into its neighbour's. */
static size_t mark_row(double left, double right, double ends[static MARK_ROWS_MAX])
{
	for (size_t row = 0; row < MARK_ROWS_MAX; row++)
		if (left > ends[row]) {
			ends[row] = right + 4;
			return row;
		}
	return MARK_ROWS_MAX;
}

/* Where the mark's label goes; MARK_ROWS_MAX when there is no room, or it is outside. */
static size_t place_mark(const struct drawing *d, size_t index, double ends[static MARK_ROWS_MAX],
			 char text[static 24])
{
	double x = x_of(d, d->options->marks[index].wavelength_nm), half;

	if (!(x >= d->frame.left && x <= d->frame.right))
		return MARK_ROWS_MAX;
	plot_mark_label(d->options, index, text);
	half = text_width(d->cr, text) / 2;
	return mark_row(x - half, x + half, ends);
}

static double height_of_marks(const struct drawing *d)
{
	double ends[MARK_ROWS_MAX] = {};
	size_t rows = 0;
	char text[24];

	font(d->cr, MARK_FONT, false);
	for (size_t i = 0; i < d->options->mark_count; i++) {
		size_t row = place_mark(d, i, ends, text);

		if (row < MARK_ROWS_MAX)
			rows = MAX(rows, row + 1);
	}
	return (double)rows * MARK_ROW_HEIGHT;
}

static void draw_mark(const struct drawing *d, size_t index, double ends[static MARK_ROWS_MAX])
{
	double x = x_of(d, d->options->marks[index].wavelength_nm);
	char text[24];
	size_t row;

	if (!(x >= d->frame.left && x <= d->frame.right))
		return;
	row = place_mark(d, index, ends, text);
	grey(d->cr, 0.72);
	cairo_set_line_width(d->cr, 0.8);
	line(d->cr, x, d->frame.top, x, d->frame.bottom);
	cairo_set_source_rgb(d->cr, 0.75, 0.1, 0.1);
	cairo_move_to(d->cr, x - 3.5, d->frame.top - 7);
	cairo_line_to(d->cr, x + 3.5, d->frame.top - 7);
	cairo_line_to(d->cr, x, d->frame.top - 1);
	cairo_close_path(d->cr);
	cairo_fill(d->cr);
	/* Where three rows are not enough, the triangles still count. */
	if (row < MARK_ROWS_MAX)
		put_text(d->cr, x, d->frame.top - 11 - (double)row * MARK_ROW_HEIGHT, MIDDLE, text);
}

static void draw_marks(const struct drawing *d)
{
	double ends[MARK_ROWS_MAX] = {};

	font(d->cr, MARK_FONT, false);
	for (size_t i = 0; i < d->options->mark_count; i++)
		draw_mark(d, i, ends);
}

/* ---- curves ---- */

struct pen {
	bool down;
	double y;
};

static void draw_to(const struct drawing *d, struct pen *pen, double x, double y)
{
	if (pen->down)
		cairo_line_to(d->cr, x, y);
	else
		cairo_move_to(d->cr, x, y);
	pen->down = true;
	pen->y = y;
}

static void draw_bin(const struct drawing *d, struct pen *pen, const struct plot_bin *bin,
		     double middle)
{
	double low, high, x = bin->points == 1 ? x_of(d, bin->x) : middle;

	if (bin->points == 0)
		return; /* the points are further apart than the bins */
	if (bin->valid == 0) {
		pen->down = false;
		return;
	}
	low = y_of(d, bin->low);
	high = y_of(d, bin->high);
	if (bin->valid == 1 || low == high) {
		draw_to(d, pen, x, low);
		return;
	}
	/* Nearer end first: the line then turns back as little as it can. */
	if (pen->down && fabs(pen->y - low) < fabs(pen->y - high)) {
		draw_to(d, pen, x, low);
		draw_to(d, pen, x, high);
	} else {
		draw_to(d, pen, x, high);
		draw_to(d, pen, x, low);
	}
}

static void draw_series(const struct drawing *d, size_t index)
{
	const struct plot_series *series = &d->plot->series[index];
	double width = (d->frame.right - d->frame.left) / (double)d->plot->bin_count;
	struct pen pen = {};

	cairo_set_source_rgb(d->cr, palette[index][0], palette[index][1], palette[index][2]);
	cairo_set_line_width(d->cr, 1.2);
	for (size_t i = 0; i < d->plot->bin_count; i++)
		draw_bin(d, &pen, &series->bins[i], d->frame.left + ((double)i + 0.5) * width);
	cairo_stroke(d->cr);
}

static void draw_curves(const struct drawing *d)
{
	cairo_save(d->cr);
	cairo_rectangle(d->cr, d->frame.left, d->frame.top, d->frame.right - d->frame.left,
			d->frame.bottom - d->frame.top);
	cairo_clip(d->cr);
	cairo_set_line_join(d->cr, CAIRO_LINE_JOIN_ROUND);
	/* The first channel on top. */
	for (size_t i = d->plot->series_count; i-- > 0;)
		draw_series(d, i);
	cairo_restore(d->cr);
}

int svg_draw(cairo_t *cr, const struct table *table, const struct plot_options *options,
	     char **ret_message)
{
	const struct plot_options defaults = {};
	_cleanup_plot_ struct plot *plot = NULL;
	struct drawing d = {
		.cr = cr,
		.table = table,
		.options = options ? options : &defaults,
		.frame = {MARGIN_LEFT, SVG_WIDTH - MARGIN_RIGHT, 0, SVG_HEIGHT - MARGIN_BOTTOM},
	};
	int r;

	r = plot_new(table, d.options, (size_t)((d.frame.right - d.frame.left) * BINS_PER_PX),
		     &plot, ret_message);
	if (r < 0)
		return r;
	d.plot = plot;
	grey(cr, 1);
	cairo_paint(cr);
	d.frame.top = draw_header(&d) + 22 + height_of_marks(&d);
	draw_legend(&d);
	draw_x_axis(&d);
	draw_y_axis(&d);
	draw_marks(&d);
	draw_curves(&d);
	draw_frame(&d);
	return 0;
}
