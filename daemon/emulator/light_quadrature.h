/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The optical path from the laser to the photodiodes, and its mean over an aperture: for
 * plant_point.c only. Layer: emulator, inside the plant.
 *
 * Light before the chip is power x flatness x ripple; the monitor's tap and the chip lie behind the
 * gate, the wavelength instruments before it. Detectors with the same bandwidth share one
 * quadrature.
 */
#ifndef ETALON_EMULATOR_LIGHT_QUADRATURE_H
#define ETALON_EMULATOR_LIGHT_QUADRATURE_H

#include "emulator/plant_internal.h"

/* Photocurrents per W of setpoint, gate and position apart. */
enum light_signal {
	SIGNAL_MONITOR, /* A/W, tap apart */
	SIGNAL_ETALON,
	SIGNAL_GAS,
	SIGNAL_PORT, /* .. + DEVICE_PORTS_MAX */
	SIGNALS = SIGNAL_PORT + DEVICE_PORTS_MAX,
};

/* Detectors that share a bandwidth. */
struct light_group {
	double bandwidth_hz;
	unsigned int needs; /* bits of enum light_signal; any port: bit SIGNAL_PORT */
	double tau_s;
	double noise_hz;
	double conversion_hz;
	double mean[SIGNALS];
	double square[SIGNALS]; /* mean of the square */
};

/* Smooth factors of the way of the light around one wavelength. */
struct light_path {
	double wavelength_m;
	struct log_parabola before; /* flatness and responsivity */
	struct log_parabola couplers;
};

/* What one point's groups have in common. */
struct light_point {
	struct plant *plant;
	double aperture_s;
	double speed; /* commanded, m/s */
	bool lit;
	struct laser_line line;
	struct light_path path; /* at the aperture's centre */
	struct device_phase phase;
};

void light_path(const struct plant *plant, double wavelength_m, struct light_path *ret);
/* Fills a group whose bandwidth and needs are set and whose sums are zero. */
void light_integrate(const struct light_point *p, struct light_group *g);

#endif
