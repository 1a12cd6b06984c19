/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analogue front end: what amplifier and converter make of a physical reading. Johnson
 * noise, converter noise and steps, saturation. Layer: emulator, between plant and records;
 * knows no time and no program.
 */
#ifndef ETALON_EMULATOR_FRONT_END_H
#define ETALON_EMULATOR_FRONT_END_H

#include <stdbool.h>
#include <stdint.h>

#include "emulator/noise.h"
#include "emulator/plant.h"
#include "hw.h"

/* One detector in one range at one aperture, ready for use. */
struct front_end {
	uint8_t range;
	double bandwidth_hz; /* for the plant; 0: none */
	uint64_t recovery_ns;
	/* steps = (reading in SI x per_step) + at_zero, as this very board makes them */
	double per_step;
	double at_zero;
	double sigma_mean; /* amplifier and converter, steps, of the mean of the aperture */
	double variance_conversion; /* steps^2, of one conversion */
	double code_min, code_max;
	double conversions;
	double reach; /* sigmas between the mean and the greatest of them */
	/* back to the detector's unit, as the description tells it */
	double unit_per_step;
	double offset;
};

struct front_end_setup {
	const struct etalon_hw_detector *detector;
	const struct etalon_hw_range *range;
	const struct etalon_hw_calibration_point *constants;
	uint8_t range_number;
	uint64_t aperture_ns;
	uint32_t conversion_ns;
	double adc_bits, adc_noise_steps;
	uint32_t effects; /* that are on */
};

/* SI value of one unit of a detector's or source's kind. */
double detector_unit_si(unsigned int kind);
double source_unit_si(unsigned int kind);

void front_end_prepare(struct front_end *f, const struct front_end_setup *setup);
/* `key` names board, run, point and channel; two draws from `key.draw` on are used. */
void front_end_sample(const struct front_end *f, const struct plant_reading *reading,
		      struct noise_key key, struct etalon_hw_sample *ret);
/* A sample in the detector's unit by the nominal scale: what comparators see. */
double front_end_value(const struct front_end *f, const struct etalon_hw_sample *sample);

#endif
