// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs for the tests of the driver's checks; see kmod_program.h.
 */
#include "kmod_program.h"

#include <check.h>
#include <string.h>

#define FM_PER_NM INT64_C(1000000)
#define FA_PER_MA INT64_C(1000000000000)
#define NV_PER_MV INT64_C(1000000)

const int64_t kmod_list[KMOD_LIST_POINTS] = {
	0,
	10 * FA_PER_MA,
	20 * FA_PER_MA,
	30 * FA_PER_MA,
	25 * FA_PER_MA,
	15 * FA_PER_MA,
	5 * FA_PER_MA,
	0,
	50 * FA_PER_MA,
	1 * FA_PER_MA,
	2 * FA_PER_MA,
};

uint16_t kmod_source(const struct etalon_hw_description *d, const char *name)
{
	const struct etalon_hw_source *s = (const void *)((const char *)d + d->source_offset);

	for (uint16_t i = 0; i < d->source_count; i++)
		if (strcmp(s[i].name, name) == 0)
			return i;
	ck_abort_msg("the reference board has no %s", name);
}

static struct etalon_hw_program frame(uint32_t axes, uint32_t detectors)
{
	struct etalon_hw_program p = {
		.magic = ETALON_HW_PROGRAM_MAGIC,
		.size = sizeof(p),
		.generation = 1,
		.axis_count = axes,
		.detector_count = detectors,
		.period_ns = 50000,
		.aperture_ns = 40000,
	};

	for (uint16_t i = 0; i < detectors; i++) {
		p.detector[i].detector = i;
		p.detector[i].range = 1;
	}
	return p;
}

struct etalon_hw_program kmod_ramp(const struct etalon_hw_description *d)
{
	struct etalon_hw_program p = frame(1, 2);

	p.axis[0] = (struct etalon_hw_axis){
		.points = 20001,
		.shape = ETALON_HW_AXIS_LINEAR,
		.mode = ETALON_HW_MODE_RAMP,
		.gang_count = 1,
		.gang = {{
			.source = kmod_source(d, "laser.wavelength"),
			.start = 1540 * FM_PER_NM,
			.stop = 1560 * FM_PER_NM,
		}},
	};
	p.gate = ETALON_HW_GATE_OPEN;
	return p;
}

struct etalon_hw_program kmod_nest(const struct etalon_hw_description *d)
{
	struct etalon_hw_program p = frame(3, 4);

	p.axis[0] = (struct etalon_hw_axis){
		.points = 3,
		.shape = ETALON_HW_AXIS_LINEAR,
		.mode = ETALON_HW_MODE_WAIT,
		.gang_count = 1,
		.gang = {{
			.source = kmod_source(d, "tec1"),
			.start = 298150000,
			.stop = 308150000,
		}},
		.wait_window = 10000,
		.wait_hold_ns = 1000000000,
		.wait_slope = 1000,
		.wait_timeout_ns = 60000000000,
	};
	p.axis[1] = (struct etalon_hw_axis){
		.points = KMOD_LIST_POINTS,
		.shape = ETALON_HW_AXIS_LIST,
		.mode = ETALON_HW_MODE_STEP,
		.direction = ETALON_HW_UP_DOWN,
		.gang_count = 1,
		.gang = {{.source = kmod_source(d, "ld1"), .list = 0}},
	};
	p.axis[2] = (struct etalon_hw_axis){
		.points = 101,
		.shape = ETALON_HW_AXIS_LINEAR,
		.mode = ETALON_HW_MODE_STEP,
		.direction = ETALON_HW_SERPENTINE,
		.gang_count = 2,
		.gang = {{.source = kmod_source(d, "h1"), .stop = 0},
			 {.source = kmod_source(d, "h2"), .stop = 0}},
	};
	return p;
}
