// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The list of a run's columns: names, units, order. See read.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/read.h"
#include "store/sheet.h"

#define SAME_AXIS_NM \
	1e-9 /* delays that differ by less share an axis: a hundredth of the log's own step */

/* Each channel has at most four columns. */
static size_t most_columns(const struct sheet *sheet)
{
	return 4 + sheet->source_count + 4 * (size_t)sheet->segment.program.detector_count;
}

static bool taken(const struct sheet *sheet, const char *name)
{
	for (size_t i = 0; i < sheet->count; i++)
		if (streq(sheet->column[i].name, name))
			return true;
	return false;
}

static void add(struct sheet *sheet, struct rule rule, enum column_type type, const char *unit,
		const char *name, const char *suffix)
{
	struct table_column *c = &sheet->column[sheet->count];

	/* The suffix tells columns of one channel apart: it must not be cut off. */
	snprintf(c->name, sizeof(c->name), "%.*s%s", (int)(sizeof(c->name) - 1 - strlen(suffix)),
		 name, suffix);
	/* A site may have called a detector "time". */
	for (int n = 2; taken(sheet, c->name) && n < 100; n++)
		snprintf(c->name, sizeof(c->name), "%.*s%s %d",
			 (int)(sizeof(c->name) - 4 - strlen(suffix)), name, suffix, n);
	snprintf(c->unit, sizeof(c->unit), "%s", unit);
	c->type = type;
	sheet->rule[sheet->count++] = rule;
}

static const char *source_column_unit(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
		return "nm";
	case ETALON_HW_SOURCE_POWER:
		return "W";
	case ETALON_HW_SOURCE_CURRENT:
		return "A";
	case ETALON_HW_SOURCE_VOLTAGE:
		return "V";
	case ETALON_HW_SOURCE_TEMPERATURE:
		return "K";
	case ETALON_HW_SOURCE_POSITION:
		return "um";
	case ETALON_HW_SOURCE_ATTENUATION:
		return "dB";
	default:
		return "";
	}
}

/* Without a log the setpoints are all there is: the axis says so by its provenance. */
static void add_axis(struct sheet *sheet)
{
	if (sheet->log_channel >= 0 || sheet->laser >= 0)
		add(sheet, (struct rule){.kind = RULE_WAVELENGTH}, COLUMN_F64, "nm", "wavelength",
		    "");
	for (unsigned int i = 0; i < sheet->source_count; i++) {
		const struct sheet_source *from = &sheet->source[i];
		const struct etalon_hw_source *source =
			&sheet->description->source[from->gang->source];
		bool laser = (int)i == sheet->laser;

		add(sheet, (struct rule){.kind = RULE_NOMINAL, .index = i}, COLUMN_F64,
		    source_column_unit(source->kind), laser ? "wavelength" : source->name,
		    " nominal");
	}
}

static bool is_signal(const struct sheet *sheet, unsigned int channel)
{
	return sheet->description->detector[sheet->channel[channel].detector].role ==
	       ETALON_HW_ROLE_SIGNAL;
}

static void add_channel(struct sheet *sheet, unsigned int i)
{
	const struct sheet_channel *c = &sheet->channel[i];
	bool signal = is_signal(sheet, i);

	if ((int)i == sheet->log_channel)
		return;
	add(sheet, (struct rule){.kind = RULE_VALUE, .index = i}, COLUMN_F64, c->unit, c->name, "");
	add(sheet, (struct rule){.kind = RULE_CHANNEL_FLAGS, .index = i}, COLUMN_U32, "", c->name,
	    ".flags");
	if (signal && sheet->log_channel >= 0 &&
	    fabs(c->delay_shift_nm - sheet->channel[sheet->first_signal].delay_shift_nm) >
		    SAME_AXIS_NM)
		add(sheet, (struct rule){.kind = RULE_CHANNEL_WAVELENGTH, .index = i}, COLUMN_F64,
		    "nm", c->name, " wavelength");
	if (signal && sheet->reference > 0 && streq(c->unit, "W"))
		add(sheet, (struct rule){.kind = RULE_LOSS, .index = i}, COLUMN_F64, "dB", c->name,
		    " loss");
}

int sheet_list_columns(struct sheet *sheet)
{
	size_t most = most_columns(sheet);

	sheet->rule = calloc(most, sizeof(*sheet->rule));
	sheet->column = calloc(most, sizeof(*sheet->column));
	if (!sheet->rule || !sheet->column)
		return -ENOMEM;
	add_axis(sheet);
	for (unsigned int i = 0; i < sheet->segment.program.detector_count; i++)
		add_channel(sheet, i);
	add(sheet, (struct rule){.kind = RULE_FLAGS}, COLUMN_U32, "", "flags", "");
	add(sheet, (struct rule){.kind = RULE_TIME}, COLUMN_F64, "s", "time", "");
	add(sheet, (struct rule){.kind = RULE_POINT}, COLUMN_F64, "", "point", "");
	return 0;
}

int store_columns(struct store *s, int64_t run, json_t **ret, char **ret_message)
{
	_cleanup_sheet_ struct sheet *sheet = NULL;
	_cleanup_json_ json_t *all = json_array();
	int r = sheet_make(s, run, &sheet, ret_message);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sheet->count; i++)
		json_array_append_new(all, json_pack("{s:s, s:s}", "name", sheet->column[i].name,
						     "unit", sheet->column[i].unit));
	*ret = take_ptr(all);
	return 0;
}
