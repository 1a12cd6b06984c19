/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A device under test as the plant sees it: power transmission from the input to named
 * output ports over wavelength, for a state of the chip. Layer: emulator, inside the plant.
 *
 * A device knows nothing of lasers, couplers, detectors or noise.
 */
#ifndef ETALON_EMULATOR_DEVICE_H
#define ETALON_EMULATOR_DEVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "emulator/parameters.h"

#define DEVICE_PORTS_MAX 8
#define DEVICE_REFERENCE_WAVELENGTH_M 1550e-9 /* where group and effective index are given */
#define DEVICE_REFERENCE_TEMPERATURE_K 298.15

struct aperture;
struct device;

struct chip {
	double temperature_k;
	double heater_phase_rad; /* of h1 and what leaks from its neighbours, at the device */
};

/* What stays the same during one point: optical phase = a / wavelength + b. */
struct device_phase {
	double a;
	double b;
};

struct device_ops {
	void (*prepare)(const struct device *device, const struct chip *chip,
			struct device_phase *ret);
	/* Power transmission to each port at one wavelength. */
	void (*transmission)(const struct device *device, const struct device_phase *phase,
			     double wavelength_m, double *ret);
	/*
	 * NULL for devices that are smooth on the scale of feature_m. Else the exact mean over an
	 * aperture centred on wavelength_m, and the mean of (wavelength - its mean) x
	 * transmission, for each port.
	 */
	void (*mean)(const struct device *device, const struct aperture *aperture,
		     double wavelength_m, double slope_m_per_s, double *ret_mean,
		     double *ret_moment);
	/* Adds what the device truly is to `truth`, a JSON object. */
	int (*truth)(const struct device *device, double start_m, double stop_m,
		     double temperature_k, json_t *truth);
	void (*free)(struct device *device);
};

struct device {
	const struct device_ops *ops;
	size_t port_count;
	double feature_m; /* width of the narrowest feature */
	double start_m; /* it is known in this span only; 0, 0: everywhere */
	double stop_m;
};

struct device *device_free(struct device *device);
DEFINE_CLEANUP(struct device *, device_free, device_freep);

/* Whether a list of resonances between these wavelengths has an end. */
bool device_span_is_sane(double start_m, double stop_m);

/* A device that is built from parameters. */
struct device_class {
	const char *name;
	const char *const *ports; /* NULL-terminated */
	const struct parameter *parameters;
	size_t parameter_count;
	size_t config_size;
	int (*create)(const void *config, struct device **ret);
};

extern const struct device_class ring_add_drop_class;
extern const struct device_class ring_all_pass_class;
extern const struct device_class mzi_class;
extern const struct device_class straight_class;
extern const struct device_class phase_shifter_class;

#endif
