/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the columns of a stored run are and how each comes from a record. Private to this folder.
 * A sheet is made once for a reading; extract.h fills rows from it.
 */
#ifndef ETALON_STORE_SHEET_H
#define ETALON_STORE_SHEET_H

#include "calibrate/convert.h"
#include "data/table.h"
#include "store/store_private.h"

enum rule_kind {
	RULE_WAVELENGTH, /* of the axis */
	RULE_NOMINAL, /* setpoint of a swept source */
	RULE_VALUE, /* of a channel */
	RULE_CHANNEL_FLAGS,
	RULE_CHANNEL_WAVELENGTH,
	RULE_LOSS,
	RULE_FLAGS,
	RULE_TIME,
	RULE_POINT,
};

struct rule {
	enum rule_kind kind;
	unsigned int index; /* in `source` for RULE_NOMINAL, in `channel` for what belongs to one */
};

/* Constants of one range for the innermost loop: current = mean_q8 x scale + offset, dark taken
 * off. */
struct range_constants {
	double scale, offset, floor;
	const double *inverse_responsivity; /* of CONVERT_TABLE, NULL: not to power */
};

struct sheet_channel {
	unsigned int detector;
	struct conversion *conversion; /* of every range, owned */
	struct range_constants range[ETALON_HW_RANGES_MAX]; /* NaN where there is none */
	double delay_shift_nm; /* to take off the logged wavelength while it runs forward */
	char name[TABLE_NAME_MAX];
	char unit[TABLE_UNIT_MAX];
	const char *role; /* of meta, or "" */
};

struct sheet_source { /* a swept source */
	unsigned int axis, member;
	const struct etalon_hw_gang *gang;
	const int64_t *list; /* or NULL: linear */
	size_t list_points;
	double per_unit; /* contract units in one unit of the column */
};

struct sheet {
	int64_t run;
	json_t *meta; /* owned: of the run, as frames carry it */
	struct description *description; /* owned */
	struct stored_segment segment; /* the main one; dark not owned */
	struct stored_segment *segments; /* owned */
	size_t segment_count;
	bool finished;
	int64_t points_stored; /* of a finished run */

	struct sheet_channel *channel; /* program.detector_count, owned */
	struct sheet_source source[ETALON_HW_AXES_MAX * ETALON_HW_GANG_MAX];
	unsigned int source_count;
	void *lists[ETALON_HW_AXES_MAX * ETALON_HW_GANG_MAX]; /* owned */
	int log_channel; /* wavelength log, or -1 */
	int laser; /* swept wavelength source in `source`, or -1 */
	int monitor; /* channel of the power monitor, or -1 */
	int first_signal; /* or -1 */
	double fixed_nm; /* wavelength where nothing is swept nor logged; NaN: unknown */
	double table_start_nm, table_step_nm; /* of the responsivity tables; step 0: none */
	int64_t reference; /* run, 0: none */

	uint64_t group; /* rows of one averaged pass; 0: not averaged */
	struct rule *rule; /* of every column, owned */
	struct table_column *column; /* name, unit, type; owned */
	size_t count;
};

int sheet_make(struct store *s, int64_t run, struct sheet **ret, char **ret_message);
struct sheet *sheet_free(struct sheet *sheet);
DEFINE_CLEANUP(struct sheet *, sheet_free, sheet_freep);
#define _cleanup_sheet_ _cleanup_(sheet_freep)

/* Place of a column by its name, -ENOENT with a message that lists them. */
int sheet_find(const struct sheet *sheet, const char *name, char **ret_message);
/* Channel that reads this detector, -1: none. */
int sheet_channel_of(const struct sheet *sheet, const char *detector);
/* Fills rule, column and count (columns.c). */
int sheet_list_columns(struct sheet *sheet);
/* Constants of every channel: dark, calibration, delays (channels.c). */
int sheet_make_channels(struct store *s, struct sheet *sheet);

#endif
