/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Light from the fibre to the chip and back: loss, envelope over wavelength, Fabry-Perot ripple
 * between the facets and the position of the fibres. Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_COUPLING_H
#define ETALON_EMULATOR_COUPLING_H

#include <stdint.h>

#include "emulator/logarithm.h"
#include "emulator/parameters.h"

struct coupling_config {
	double coupler_db; /* loss of one coupler at the peak */
	double peak_m;
	double envelope_m; /* full width at -3 dB of the pair */
	double fabry_perot_db; /* peak to peak */
	double fabry_perot_period_m; /* at the peak */
	double radius_m; /* 1/e^2 of the pair's transmission over the position */
	double position_x_m; /* of best coupling */
	double position_y_m;
};

struct coupling {
	struct coupling_config config;
	double loss; /* of one coupler at the peak, neper, negative */
	double curvature; /* of the pair's envelope, neper/m^2, negative */
	double ripple; /* amplitude, neper */
	double path_m; /* round trip times 2 pi */
	double phase;
};

extern const struct parameter coupling_parameters[];
extern const size_t coupling_parameter_count;

void coupling_init(struct coupling *coupling, uint64_t seed, uint32_t effects);
/*
 * Logarithm of the transmission of 1 or 2 couplers around a wavelength, ripple and position apart.
 */
struct log_parabola coupling_at(const struct coupling *coupling, unsigned int couplers,
				double wavelength_m);
double coupling_ripple(const struct coupling *coupling, double wavelength_m);
/* Transmission of 1 or 2 couplers for fibres at a place, 1 at the best. */
double coupling_position(const struct coupling *coupling, unsigned int couplers, double x_m,
			 double y_m);
double coupling_feature_m(const struct coupling *coupling);

#endif
