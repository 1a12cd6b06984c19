/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The description of the reference board while it is being built: shared by erb1*.c only.
 */
#ifndef ETALON_EMULATOR_ERB1_TABLES_H
#define ETALON_EMULATOR_ERB1_TABLES_H

#include "emulator/erb1.h"
#include "emulator/erb1_parameters.h"

#define ERB1_RANGES_TOTAL 96
#define ERB1_CALIBRATION_TOTAL 1300

struct erb1_tables {
	struct etalon_hw_source source[ERB1_SOURCES];
	struct etalon_hw_detector detector[ERB1_DETECTORS];
	struct etalon_hw_range range[ERB1_RANGES_TOTAL];
	struct etalon_hw_calibration_point calibration[ERB1_CALIBRATION_TOTAL];
	uint32_t source_count, detector_count, range_count, calibration_count;
	uint64_t seed;
};

void erb1_sources(struct erb1_tables *t, const struct erb1_parameters *p);
void erb1_detectors(struct erb1_tables *t, const struct erb1_parameters *p);

#endif
