// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads a reference run as curves, one for each direction, and divides. What may be divided by what
 * is decided in calibrate/reference.h.
 */
#include "store/loss.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "calibrate/reference.h"
#include "data/frame.h"
#include "store/read.h"

struct curves {
	struct reference *forward, *backward; /* NULL: not taken that way */
};

static void curves_clear(struct curves *c)
{
	reference_free(c->forward);
	reference_free(c->backward);
}

/* ---- the reference's own columns ---- */

struct reference_columns {
	const char *name[4];
	size_t count;
	int power, axis, monitor; /* places in name; monitor -1: none */
};

static const char *column_of_rule(const struct sheet *sheet, enum rule_kind kind, int index)
{
	for (size_t i = 0; i < sheet->count; i++)
		if (sheet->rule[i].kind == kind && sheet->rule[i].index == (unsigned int)index)
			return sheet->column[i].name;
	return NULL;
}

static bool find_columns(const struct sheet *reference, const char *detector, bool want_monitor,
			 struct reference_columns *ret)
{
	int channel = sheet_channel_of(reference, detector);
	const char *power, *axis, *monitor;

	if (channel < 0)
		return false;
	power = column_of_rule(reference, RULE_VALUE, channel);
	axis = column_of_rule(reference, RULE_CHANNEL_WAVELENGTH, channel);
	if (!axis)
		axis = column_of_rule(reference, RULE_WAVELENGTH, 0);
	monitor = reference->monitor < 0
			  ? NULL
			  : column_of_rule(reference, RULE_VALUE, reference->monitor);
	if (!power || !axis || (want_monitor && !monitor))
		return false;
	*ret = (struct reference_columns){
		.name = {"flags", axis, power, monitor},
		.count = want_monitor ? 4 : 3,
		.axis = 1,
		.power = 2,
		.monitor = want_monitor ? 3 : -1,
	};
	return true;
}

static int make_curve(const struct table *t, const struct reference_columns *c, bool backward,
		      struct reference **ret)
{
	_cleanup_free_ uint8_t *use = malloc(MAX(t->rows, (size_t)1));
	const uint32_t *flags = t->columns[0].u32;
	int r;

	if (!use)
		return -ENOMEM;
	for (size_t i = 0; i < t->rows; i++)
		use[i] = !(flags[i] & FRAME_POINT_REVERSE) == !backward;
	r = reference_make(t->columns[c->axis].f64, t->columns[c->power].f64,
			   c->monitor < 0 ? NULL : t->columns[c->monitor].f64, use, t->rows, ret);
	return r == -ENODATA ? 0 : r;
}

/* All of the reference in one frame: a long one is thinned out. */
static int read_reference(struct store *s, int64_t run, const struct reference_columns *c,
			  struct table **ret)
{
	struct read_request q = {.stride = 1, .columns = c->name, .column_count = c->count};
	struct read_info info;
	_cleanup_close_ int fd = -1;
	int r = store_read_frame(s, run, &q, &info, &fd, NULL);

	if (r == 0 && info.next != UINT64_MAX) {
		closep(&fd);
		fd = -1;
		q.stride = info.total_rows / info.rows + 1;
		r = store_read_frame(s, run, &q, &info, &fd, NULL);
	}
	return r < 0 ? r : frame_to_table(fd, ret, NULL);
}

static int load_curves(struct store *s, const struct sheet *sheet, unsigned int channel,
		       struct curves *ret)
{
	const char *detector = sheet->description->detector[sheet->channel[channel].detector].name;
	_cleanup_sheet_ struct sheet *reference = NULL;
	_cleanup_table_ struct table *table = NULL;
	struct reference_columns columns;
	int r = sheet_make(s, sheet->reference, &reference, NULL);

	if (r == 0 && !find_columns(reference, detector, sheet->monitor >= 0, &columns))
		return 0;
	if (r == 0)
		r = read_reference(s, sheet->reference, &columns, &table);
	if (r == 0)
		r = make_curve(table, &columns, false, &ret->forward);
	if (r == 0)
		r = make_curve(table, &columns, true, &ret->backward);
	/* A reference that is gone covers nothing. */
	return r == -ENOENT || r == -ENODATA ? 0 : r;
}

/* ---- this run's columns ---- */

static const struct table_column *find(const struct table_column *columns, const struct rule *rules,
				       size_t count, enum rule_kind kind, int index)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].kind == kind && rules[i].index == (unsigned int)index)
			return &columns[i];
	return NULL;
}

static int fill_one(struct store *s, const struct sheet *sheet, const struct table_column *columns,
		    const struct rule *rules, size_t count, size_t which, uint64_t rows)
{
	const int channel = (int)rules[which].index;
	const struct table_column *power = find(columns, rules, count, RULE_VALUE, channel);
	const struct table_column *axis =
		find(columns, rules, count, RULE_CHANNEL_WAVELENGTH, channel);
	const struct table_column *flags = find(columns, rules, count, RULE_FLAGS, 0);
	const struct table_column *monitor = NULL;
	_cleanup_(curves_clear) struct curves curves = {0};
	int r = load_curves(s, sheet, rules[which].index, &curves);

	if (!axis)
		axis = find(columns, rules, count, RULE_WAVELENGTH, 0);
	if (sheet->monitor >= 0)
		monitor = find(columns, rules, count, RULE_VALUE, sheet->monitor);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < rows; i++) {
		const struct reference *reference = flags && (flags->u32[i] & FRAME_POINT_REVERSE)
							    ? curves.backward
							    : curves.forward;

		columns[which].f64[i] =
			reference && axis && power
				? reference_loss_db(reference, axis->f64[i], power->f64[i],
						    monitor ? monitor->f64[i] : 1)
				: NAN;
	}
	return 0;
}

int loss_fill(struct store *s, const struct sheet *sheet, const struct table_column *columns,
	      const struct rule *rules, size_t count, uint64_t rows)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (rules[i].kind == RULE_LOSS)
			r = fill_one(s, sheet, columns, rules, count, i, rows);
	return r;
}
