/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The programs that the driver's tests run, and what of their records has to be equal on every transport. Shared by the
 * guest, which knows the kernel's contract alone, and the host, which knows the daemon's links.
 */
#ifndef ETALON_TESTS_VM_SWEEP_PROGRAM_H
#define ETALON_TESTS_VM_SWEEP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hw.h"

#define SWEEP_RUN_KEY 0x5eedULL
#define SWEEP_START_FM INT64_C(1540000000)
#define SWEEP_STOP_FM INT64_C(1541000000)
#define SWEEP_POWER_FW INT64_C(1000000000000)

struct sweep {
	uint32_t points;
	uint32_t period_ns;
	uint32_t detectors; /* the first so many */
	uint32_t generation;
	uint32_t flags; /* ETALON_HW_PROGRAM_* */
	bool light; /* a ramp of the laser's wavelength with the gate open, else dark */
};

/* Number of the source or detector of that name; a wrong board is the end of the test. */
static inline uint16_t sweep_source(const struct etalon_hw_description *d, const char *name)
{
	const struct etalon_hw_source *s = (const void *)((const char *)d + d->source_offset);

	for (uint16_t i = 0; i < d->source_count; i++)
		if (strcmp(s[i].name, name) == 0)
			return i;
	return ETALON_HW_NO_CHANNEL;
}

static inline void sweep_program(const struct sweep *sweep, const struct etalon_hw_description *d,
				 struct etalon_hw_program *ret)
{
	struct etalon_hw_axis *axis = &ret->axis[0];
	uint32_t aperture = sweep->period_ns * 8 / 10;

	memset(ret, 0, sizeof(*ret));
	ret->magic = ETALON_HW_PROGRAM_MAGIC;
	ret->size = sizeof(*ret);
	ret->generation = sweep->generation;
	ret->flags = sweep->flags;
	ret->run_key = SWEEP_RUN_KEY;
	ret->axis_count = 1;
	ret->detector_count = sweep->detectors;
	ret->period_ns = sweep->period_ns;
	ret->aperture_ns = aperture - aperture % 1000;
	for (uint16_t i = 0; i < sweep->detectors; i++) {
		ret->detector[i].detector = i;
		ret->detector[i].range = 1;
	}
	axis->points = sweep->points;
	axis->shape = ETALON_HW_AXIS_LINEAR;
	axis->mode = ETALON_HW_MODE_STEP;
	ret->gate = ETALON_HW_GATE_SHUT;
	if (!sweep->light)
		return;
	axis->mode = ETALON_HW_MODE_RAMP;
	axis->gang_count = 1;
	axis->gang[0].source = sweep_source(d, "laser.wavelength");
	axis->gang[0].start = SWEEP_START_FM;
	axis->gang[0].stop = SWEEP_STOP_FM;
	ret->gate = ETALON_HW_GATE_OPEN;
	ret->flags |= ETALON_HW_PROGRAM_NEEDS_EMISSION;
}

/* A POINT without what tells when it was: its place in the sequence and its tick. */
static inline void sweep_keep(FILE *file, const void *record, uint32_t stride)
{
	const struct etalon_hw_record *head = record;
	const size_t after_tick = offsetof(struct etalon_hw_record_point, aperture_ticks);

	if (!file || head->type != ETALON_HW_RECORD_POINT)
		return;
	fwrite((const char *)record + sizeof(*head), 1,
	       offsetof(struct etalon_hw_record_point, tick) - sizeof(*head), file);
	fwrite((const char *)record + after_tick, 1, stride - after_tick, file);
}

#endif
