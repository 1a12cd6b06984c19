// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The inner loops of reading: one pass over a tile for each column. No decision here depends on
 * anything but the sheet and the record.
 */
#include "store/extract.h"

#include <math.h>

#include "base/util.h"
#include "data/frame.h"

_Static_assert(FRAME_POINT_REVERSE == ETALON_HW_POINT_REVERSE &&
		       FRAME_POINT_UNSETTLED == ETALON_HW_POINT_UNSETTLED &&
		       FRAME_POINT_INTERLOCK == ETALON_HW_POINT_INTERLOCK,
	       "flags of a point are those of its record");
_Static_assert(FRAME_CHANNEL_SATURATED == ETALON_HW_SAMPLE_SATURATED << 16 &&
		       FRAME_CHANNEL_INVALID == ETALON_HW_SAMPLE_INVALID << 16,
	       "flags of a channel are those of its sample, 16 bits up");

#define POINT_FLAGS (2 * FRAME_POINT_REVERSE - 1)
#define SAMPLE_FLAGS (2 * ETALON_HW_SAMPLE_INVALID - 1)

void targets_make(const struct table_column *columns, const struct rule *rules, size_t count,
		  struct targets *ret)
{
	*ret = (struct targets){0};
	for (size_t i = 0; i < count; i++) {
		const unsigned int index = rules[i].index;

		switch (rules[i].kind) {
		case RULE_WAVELENGTH:
			ret->wavelength = columns[i].f64;
			break;
		case RULE_NOMINAL:
			ret->nominal[index] = columns[i].f64;
			break;
		case RULE_VALUE:
			ret->channel[index].value = columns[i].f64;
			break;
		case RULE_CHANNEL_FLAGS:
			ret->channel[index].flags = columns[i].u32;
			break;
		case RULE_CHANNEL_WAVELENGTH:
			ret->channel[index].wavelength = columns[i].f64;
			break;
		case RULE_FLAGS:
			ret->flags = columns[i].u32;
			break;
		case RULE_TIME:
			ret->time = columns[i].f64;
			break;
		case RULE_POINT:
			ret->point = columns[i].f64;
			break;
		case RULE_LOSS:
			break;
		}
	}
}

/* ---- the axis ---- */

struct place { /* of each point of a tile on the axis */
	double nm[TILE_ROWS]; /* as logged, else as set, else as told; NaN: unknown */
	double logged_nm[TILE_ROWS]; /* NaN where it is not valid */
	int32_t cell[TILE_ROWS]; /* of the responsivity table */
	double part[TILE_ROWS];
};

static void fill_list(const struct sheet_source *source, const struct tile *tile, double *to)
{
	for (unsigned int i = 0; i < tile->count; i++) {
		uint32_t index = tile->point[i]->index[source->axis];

		to[i] = index < source->list_points ? (double)source->list[index] / source->per_unit
						    : NAN;
	}
}

/*
 * The setpoint rule of hw.h, start + q i + (r i)/(n-1): while the index counts up by one, the last
 * term's quotient and remainder count along, and its division is saved.
 */
static void fill_linear(const struct sheet_source *source, uint32_t points, const struct tile *tile,
			double *to)
{
	const int64_t start = source->gang->start, stop = source->gang->stop;
	const int64_t steps = points > 1 ? (int64_t)points - 1 : 1;
	const int64_t q = points > 1 ? (stop - start) / steps : 0;
	const int64_t r = points > 1 ? (stop - start) % steps : 0;
	const int64_t size = r < 0 ? -r : r, sign = r < 0 ? -1 : 1;
	int64_t last = -2, whole = 0, rest = 0;

	for (unsigned int i = 0; i < tile->count; i++) {
		const int64_t index = tile->point[i]->index[source->axis];

		if (index > steps) { /* against the contract: no setpoint of this axis */
			to[i] = NAN;
			last = -2;
			continue;
		}
		if (index == last + 1) {
			rest += size;
			whole += rest >= steps;
			rest -= rest >= steps ? steps : 0;
		} else {
			whole = size * index / steps;
			rest = size * index % steps;
		}
		last = index;
		to[i] = (double)(start + q * index + sign * whole) / source->per_unit;
	}
}

static void fill_nominal(const struct sheet_source *source, const struct etalon_hw_axis *axis,
			 const struct tile *tile, double *to)
{
	if (source->list)
		fill_list(source, tile, to);
	else
		fill_linear(source, axis->points, tile, to);
}

static void fill_logged(const struct sheet *sheet, const struct tile *tile, double *to)
{
	const struct range_constants *ranges = sheet->channel[sheet->log_channel].range;
	const unsigned int k = (unsigned int)sheet->log_channel;

	for (unsigned int i = 0; i < tile->count; i++) {
		const struct etalon_hw_sample *s = &tile->point[i]->sample[k];
		const struct range_constants *c = &ranges[s->range % ETALON_HW_RANGES_MAX];
		bool invalid = (s->flags & ETALON_HW_SAMPLE_INVALID) ||
			       (tile->point[i]->flags & ETALON_HW_POINT_WAVELENGTH_INVALID);

		to[i] = invalid ? NAN : s->mean_q8 * c->scale + c->offset;
	}
}

static void find_cells(const struct sheet *sheet, const struct tile *tile, struct place *place)
{
	const double start = sheet->table_start_nm, per_step = 1 / sheet->table_step_nm;

	for (unsigned int i = 0; i < tile->count; i++) {
		double x = (place->nm[i] - start) * per_step;

		/* NaN stays in `part`, and so makes the power NaN. */
		if (x < 0)
			x = 0;
		if (x > CONVERT_TABLE - 1)
			x = CONVERT_TABLE - 1;
		place->cell[i] = x == x ? (int32_t)x : 0;
		if (place->cell[i] > CONVERT_TABLE - 2)
			place->cell[i] = CONVERT_TABLE - 2;
		place->part[i] = x - place->cell[i];
	}
}

static void find_places(const struct sheet *sheet, const struct tile *tile, struct place *place)
{
	double nominal[TILE_ROWS];

	for (unsigned int i = 0; i < tile->count; i++)
		nominal[i] = sheet->fixed_nm;
	if (sheet->laser >= 0) {
		const struct sheet_source *laser = &sheet->source[sheet->laser];

		fill_nominal(laser, &sheet->segment.program.axis[laser->axis], tile, nominal);
	}
	if (sheet->log_channel >= 0)
		fill_logged(sheet, tile, place->logged_nm);
	for (unsigned int i = 0; i < tile->count; i++) {
		if (sheet->log_channel < 0)
			place->logged_nm[i] = nominal[i];
		place->nm[i] = place->logged_nm[i] == place->logged_nm[i] ? place->logged_nm[i]
									  : nominal[i];
	}
	if (sheet->table_step_nm > 0)
		find_cells(sheet, tile, place);
}

/* What the signal saw: earlier on the way, whichever way that was. */
static void fill_shifted(const struct tile *tile, const double *logged_nm, double shift_nm,
			 double *to)
{
	for (unsigned int i = 0; i < tile->count; i++)
		to[i] = tile->point[i]->flags & ETALON_HW_POINT_REVERSE ? logged_nm[i] + shift_nm
									: logged_nm[i] - shift_nm;
}

/* ---- channels ---- */

static void fill_currents(const struct sheet_channel *c, const struct tile *tile, unsigned int k,
			  double *to)
{
	for (unsigned int i = 0; i < tile->count; i++) {
		const struct etalon_hw_sample *s = &tile->point[i]->sample[k];
		const struct range_constants *range = &c->range[s->range % ETALON_HW_RANGES_MAX];
		double value = s->mean_q8 * range->scale + range->offset;

		to[i] = s->flags & ETALON_HW_SAMPLE_INVALID ? NAN : value;
	}
}

static void fill_powers(const struct sheet_channel *c, const struct tile *tile, unsigned int k,
			const double *current, const struct place *place, double *to)
{
	for (unsigned int i = 0; i < tile->count; i++) {
		const uint8_t range = tile->point[i]->sample[k].range % ETALON_HW_RANGES_MAX;
		const double *table = c->range[range].inverse_responsivity;
		double low, high;

		if (!table) {
			to[i] = NAN;
			continue;
		}
		low = table[place->cell[i]];
		high = table[place->cell[i] + 1];
		to[i] = current[i] * (low + place->part[i] * (high - low));
	}
}

static void fill_channel_flags(const struct sheet_channel *c, const struct tile *tile,
			       unsigned int k, const double *current, uint32_t *to)
{
	for (unsigned int i = 0; i < tile->count; i++) {
		const struct etalon_hw_sample *s = &tile->point[i]->sample[k];
		const double floor = c->range[s->range % ETALON_HW_RANGES_MAX].floor;
		uint32_t below = fabs(current[i]) < floor ? FRAME_CHANNEL_BELOW_FLOOR : 0;

		to[i] = (uint32_t)(s->flags & SAMPLE_FLAGS) << 16 | below;
	}
}

static void extract_channel(const struct sheet *sheet, const struct targets *to,
			    const struct tile *tile, size_t at, unsigned int k,
			    const struct place *place)
{
	const struct sheet_channel *c = &sheet->channel[k];
	double current[TILE_ROWS];

	if (to->channel[k].value || to->channel[k].flags)
		fill_currents(c, tile, k, current);
	if (to->channel[k].value && streq(c->unit, "W"))
		fill_powers(c, tile, k, current, place, to->channel[k].value + at);
	else if (to->channel[k].value)
		memcpy(to->channel[k].value + at, current, tile->count * sizeof(*current));
	if (to->channel[k].flags)
		fill_channel_flags(c, tile, k, current, to->channel[k].flags + at);
	if (to->channel[k].wavelength)
		fill_shifted(tile, place->logged_nm, c->delay_shift_nm,
			     to->channel[k].wavelength + at);
}

/* ---- the point itself ---- */

static void fill_times(const struct sheet *sheet, const struct tile *tile, double *to)
{
	const double ticks_per_s = 1e12 / sheet->description->head.tick_ps;
	const uint64_t start = sheet->segment.start_tick;

	for (unsigned int i = 0; i < tile->count; i++) {
		const struct etalon_hw_record_point *p = tile->point[i];

		to[i] = sheet->segment.has_start
				? ((double)(int64_t)(p->tick - start) + p->aperture_ticks / 2.0) /
					  ticks_per_s
				: NAN;
	}
}

void extract_tile(const struct sheet *sheet, const struct targets *to, const struct tile *tile,
		  size_t at)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	struct place place;

	find_places(sheet, tile, &place);
	if (to->wavelength)
		fill_shifted(tile, place.logged_nm,
			     sheet->first_signal >= 0
				     ? sheet->channel[sheet->first_signal].delay_shift_nm
				     : 0,
			     to->wavelength + at);
	for (unsigned int i = 0; i < sheet->source_count; i++)
		if (to->nominal[i])
			fill_nominal(&sheet->source[i], &p->axis[sheet->source[i].axis], tile,
				     to->nominal[i] + at);
	for (unsigned int k = 0; k < p->detector_count; k++)
		extract_channel(sheet, to, tile, at, k, &place);
	if (to->time)
		fill_times(sheet, tile, to->time + at);
	for (unsigned int i = 0; to->flags && i < tile->count; i++)
		to->flags[at + i] = tile->point[i]->flags & POINT_FLAGS;
	for (unsigned int i = 0; to->point && i < tile->count; i++)
		to->point[at + i] = (double)tile->point[i]->number;
}
