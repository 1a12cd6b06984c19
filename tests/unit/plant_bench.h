/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plant on a bench, for the tests of the emulator: made from a few words, read one detector
 * at a time.
 */
#ifndef ETALON_TESTS_PLANT_BENCH_H
#define ETALON_TESTS_PLANT_BENCH_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "emulator/photodiode.h"
#include "emulator/plant.h"
#include "run_suite.h"

/* Everything that differs from point to point. */
#define BENCH_RANDOM "rin,shot,jitter,wlog-noise,tec-noise,source-noise"
/* Everything but the device, couplers' loss and what is left of a laser. */
#define BENCH_ALL                                                                     \
	"rin,shot,jitter,tuning,ripple,fabry-perot,envelope,wlog-noise,wlog-sweep,"   \
	"wlog-systematic,johnson,adc,ase,mode-hops,tec-noise,crosstalk,source-noise," \
	"gas-systematic"
#define BENCH_BAND ((const struct photodiode_band){.edge_m = 1646.92e-9, .softness_m = 15e-9})
#define BENCH_PD(n) ((enum erb1_detector)(ERB1_PD1 + (n)-1))

/* Of the board's photodiodes by default, A/W. */
static inline double bench_responsivity(double wavelength_m)
{
	return photodiode_response(&BENCH_BAND, wavelength_m);
}

/* NULL and a message where the plant is not possible. */
static inline struct plant *bench_try(const char *device, const char *channel,
				      const char *parameters, const char *disabled, uint64_t seed,
				      char **ret_message)
{
	struct plant_config config = {.seed = seed,
				      .device = device,
				      .device_channel = channel,
				      .disabled_effects = disabled};
	struct plant *plant = NULL;

	if (parameters) {
		config.parameters = json_loads(parameters, JSON_DECODE_ANY, NULL);
		ck_assert_ptr_nonnull(config.parameters);
	}
	if (plant_new(&config, &plant, ret_message) < 0)
		ck_assert_ptr_null(plant);
	json_decref(config.parameters);
	return plant;
}

static inline struct plant *bench_plant(const char *device, const char *parameters,
					const char *disabled, uint64_t seed)
{
	char *message = NULL;
	struct plant *plant = bench_try(device, NULL, parameters, disabled, seed, &message);

	if (!plant)
		ck_abort_msg("no plant: %s", message ? message : "?");
	return plant;
}

/* Laser on at 1550 nm and 0 dBm, gate open, chip at 25 C, 40 us, nothing moves. */
static inline struct plant_conditions bench_conditions(void)
{
	struct plant_conditions c = {
		.aperture_s = 40e-6, .emitting = true, .gate = 1, .run_key = 1};

	c.value[ERB1_LASER_WAVELENGTH] = 1550e-9;
	c.value[ERB1_LASER_POWER] = 1e-3;
	c.value[ERB1_TEC1] = 298.15;
	return c;
}

static inline struct plant_reading bench_read(struct plant *plant, const struct plant_conditions *c,
					      enum erb1_detector detector, double bandwidth_hz)
{
	struct plant_reading reading;
	uint32_t flags;

	plant_point(plant, c, &detector, &bandwidth_hz, 1, &reading, &flags);
	return reading;
}

static inline double bench_mean(struct plant *plant, const struct plant_conditions *c,
				enum erb1_detector detector)
{
	return bench_read(plant, c, detector, 200e3).mean;
}

static inline uint32_t bench_flags(struct plant *plant, const struct plant_conditions *c)
{
	uint32_t flags;

	plant_point(plant, c, NULL, NULL, 0, NULL, &flags);
	return flags;
}

static inline double bench_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		ck_abort_msg("no number '%s'", key);
	return json_number_value(value);
}

#define ck_assert_near(value, expected, tolerance)                                               \
	do {                                                                                     \
		double near_value = (value), near_expected = (expected);                         \
		double near_tolerance = (tolerance);                                             \
		if (!(fabs(near_value - near_expected) <= near_tolerance))                       \
			ck_abort_msg("%s = %.12g, expected %.12g within %g", #value, near_value, \
				     near_expected, near_tolerance);                             \
	} while (0)

#endif
