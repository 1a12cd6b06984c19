// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Makes a sheet: the run's main program, what it sweeps, which detectors log or monitor, what is
 * averaged. Channels are in channels.c, columns in columns.c.
 */
#include "store/sheet.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "data/meta.h"
#include "measure/plan_count.h"

struct sheet *sheet_free(struct sheet *sheet)
{
	if (!sheet)
		return NULL;
	for (unsigned int i = 0; sheet->channel && i < sheet->segment.program.detector_count; i++)
		free(sheet->channel[i].conversion);
	for (size_t i = 0; i < ARRAY_SIZE(sheet->lists); i++)
		free(sheet->lists[i]);
	free(sheet->channel);
	free(sheet->rule);
	free(sheet->column);
	store_segments_free(sheet->segments, sheet->segment_count);
	description_free(sheet->description);
	json_decref(sheet->meta);
	free(sheet);
	return NULL;
}

/* ---- the run ---- */

static int load_run(struct store *s, struct sheet *sheet)
{
	const json_t *status;
	int r = store_run_get(s, sheet->run, &sheet->meta);

	if (r == 0)
		r = store_run_description(s, sheet->run, &sheet->description);
	if (r < 0)
		return r;
	status = json_object_get(sheet->meta, "status");
	sheet->finished = !streq(json_string_value(status), "running");
	sheet->points_stored = json_integer_value(json_object_get(sheet->meta, "points"));
	sheet->reference = json_integer_value(
		json_object_get(json_object_get(sheet->meta, META_REFERENCE), META_RUN));
	return 0;
}

static int load_main_segment(struct store *s, struct sheet *sheet)
{
	int r = store_segments(s, sheet->run, &sheet->segments, &sheet->segment_count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sheet->segment_count; i++) {
		if (sheet->segments[i].purpose != SEGMENT_MAIN)
			continue;
		sheet->segment = sheet->segments[i];
		return 0;
	}
	return store_fail(s, -ENODATA, "run %" PRId64 " has no data%s", sheet->run,
			  sheet->finished ? "" : " yet");
}

static int check_program(struct store *s, const struct sheet *sheet)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	const struct description *d = sheet->description;
	bool fits = true;

	for (unsigned int i = 0; i < p->detector_count; i++)
		fits = fits && p->detector[i].detector < d->head.detector_count &&
		       p->detector[i].range < d->detector[p->detector[i].detector].range_count;
	for (unsigned int a = 0; a < p->axis_count; a++) {
		fits = fits && p->axis[a].gang_count <= ETALON_HW_GANG_MAX && p->axis[a].points > 0;
		for (unsigned int m = 0; fits && m < p->axis[a].gang_count; m++)
			fits = p->axis[a].gang[m].source < d->head.source_count;
	}
	return fits ? 0
		    : store_fail(s, -EUCLEAN,
				 "%s is damaged: the program of run %" PRId64
				 " does not fit its board",
				 s->path, sheet->run);
}

/* ---- what is swept ---- */

static double contract_units(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
		return 1e6; /* fm in a nm */
	case ETALON_HW_SOURCE_POWER:
	case ETALON_HW_SOURCE_CURRENT:
		return 1e15; /* fW in a W, fA in an A */
	case ETALON_HW_SOURCE_VOLTAGE:
	case ETALON_HW_SOURCE_ATTENUATION:
		return 1e9; /* nV in a V, ndB in a dB */
	case ETALON_HW_SOURCE_TEMPERATURE:
		return 1e6; /* uK in a K */
	case ETALON_HW_SOURCE_POSITION:
		return 1e3; /* nm in a um */
	default:
		return 1;
	}
}

static int load_list(struct store *s, const struct sheet *sheet, unsigned int number, void **ret,
		     size_t *ret_points)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	size_t bytes;
	int result,
		r = store_prepare(
			s, "SELECT points FROM list WHERE run = ? AND segment = ? AND number = ?",
			&row);

	if (r < 0)
		return r;
	sqlite3_bind_int64(row, 1, sheet->run);
	sqlite3_bind_int64(row, 2, sheet->segment.number);
	sqlite3_bind_int64(row, 3, number);
	result = sqlite3_step(row);
	if (result == SQLITE_DONE)
		return store_fail(s, -EUCLEAN,
				  "%s is damaged: run %" PRId64 " has no setpoint list %u", s->path,
				  sheet->run, number);
	r = store_sql_error(s, result, "reading setpoints");
	if (r < 0)
		return r;
	bytes = (size_t)sqlite3_column_bytes(row, 0);
	*ret = malloc(MAX(bytes, (size_t)1));
	if (!*ret)
		return -ENOMEM;
	if (bytes > 0)
		memcpy(*ret, sqlite3_column_blob(row, 0), bytes);
	*ret_points = bytes / sizeof(int64_t);
	return 0;
}

static int add_source(struct store *s, struct sheet *sheet, unsigned int axis, unsigned int member)
{
	const struct etalon_hw_axis *a = &sheet->segment.program.axis[axis];
	unsigned int n = sheet->source_count++;
	struct sheet_source *to = &sheet->source[n];
	unsigned int kind = sheet->description->source[a->gang[member].source].kind;
	int r;

	*to = (struct sheet_source){
		.axis = axis,
		.member = member,
		.gang = &a->gang[member],
		.per_unit = contract_units(kind),
	};
	if (kind == ETALON_HW_SOURCE_WAVELENGTH && sheet->laser < 0)
		sheet->laser = (int)n;
	if (a->shape != ETALON_HW_AXIS_LIST)
		return 0;
	r = load_list(s, sheet, a->gang[member].list, &sheet->lists[n], &to->list_points);
	to->list = sheet->lists[n];
	return r;
}

static int find_sources(struct store *s, struct sheet *sheet)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	int r = 0;

	for (unsigned int a = 0; r == 0 && a < p->axis_count; a++)
		for (unsigned int m = 0; r == 0 && m < p->axis[a].gang_count; m++)
			r = add_source(s, sheet, a, m);
	return r;
}

/* ---- what is averaged ---- */

static bool may_end_an_axis(const struct etalon_hw_program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->comparator); i++)
		if (p->comparator[i].kind != ETALON_HW_COMPARATOR_NONE &&
		    p->comparator[i].action == ETALON_HW_COMPARATOR_END_AXIS)
			return true;
	return false;
}

/*
 * Passes of an outermost axis that drives nothing are averaged when the run says so. Where a
 * comparator may shorten passes, points of one number belong to different setpoints: then rows stay
 * apart.
 */
static uint64_t averaged_group(const struct sheet *sheet)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	const json_t *average =
		json_object_get(json_object_get(sheet->meta, META_SETTINGS), "average");
	uint64_t group = 1;

	if (json_integer_value(average) < 2 || p->axis_count < 2 || p->axis[0].gang_count > 0 ||
	    may_end_an_axis(p))
		return 0;
	for (unsigned int a = 1; a < p->axis_count; a++)
		if (__builtin_mul_overflow(group, program_axis_length(p, a), &group))
			return 0;
	/* Back and forth in turns: a way there and a way back are one group. */
	if (p->axis[p->axis_count - 1].direction == ETALON_HW_SERPENTINE)
		group *= 2;
	return group;
}

static int make(struct store *s, struct sheet *sheet)
{
	int r = load_run(s, sheet);

	if (r == 0)
		r = load_main_segment(s, sheet);
	if (r == 0)
		r = check_program(s, sheet);
	if (r == 0)
		r = find_sources(s, sheet);
	if (r < 0)
		return r;
	sheet->group = averaged_group(sheet);
	r = sheet_make_channels(s, sheet);
	return r < 0 ? r : sheet_list_columns(sheet);
}

int sheet_make(struct store *s, int64_t run, struct sheet **ret, char **ret_message)
{
	_cleanup_sheet_ struct sheet *sheet = calloc(1, sizeof(*sheet));
	int r;

	if (!sheet)
		return fail(ret_message, -ENOMEM, "no memory for the columns of a run");
	sheet->run = run;
	sheet->log_channel = sheet->laser = sheet->monitor = sheet->first_signal = -1;
	sheet->fixed_nm = NAN;
	r = make(s, sheet);
	if (r < 0)
		return fail(ret_message, r, "%s",
			    *store_message(s) ? store_message(s) : strerror(-r));
	*ret = take_ptr(sheet);
	return 0;
}

int sheet_find(const struct sheet *sheet, const char *name, char **ret_message)
{
	_cleanup_free_ char *all = strdup("");

	for (size_t i = 0; i < sheet->count; i++) {
		_cleanup_free_ char *before = all;

		if (streq(sheet->column[i].name, name)) {
			all = NULL;
			return (int)i;
		}
		all = asprintf_or_null("%s%s%s", before ? before : "", i > 0 ? ", " : "",
				       sheet->column[i].name);
	}
	return fail(ret_message, -ENOENT, "run %" PRId64 " has no column \"%s\"; it has %s",
		    sheet->run, name, all ? all : "others");
}

int sheet_channel_of(const struct sheet *sheet, const char *detector)
{
	for (unsigned int i = 0; i < sheet->segment.program.detector_count; i++)
		if (streq(sheet->description->detector[sheet->channel[i].detector].name, detector))
			return (int)i;
	return -1;
}
