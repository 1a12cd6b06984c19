// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the device truly is, from its exact model: printed beside a demo's result and held against
 * the fits by the tests. Without aperture, ripple and envelope.
 */
#include <errno.h>

#include "base/util.h"
#include "emulator/effects.h"
#include "emulator/plant_internal.h"

static int device_truth(const struct plant *plant, double start_m, double stop_m,
			double temperature_k, json_t *truth)
{
	int r = 0;

	if (plant->device)
		r = plant->device->ops->truth(plant->device, start_m, stop_m,
					      plant->effects & EFFECT_CHIP_TEMPERATURE
						      ? temperature_k
						      : DEVICE_REFERENCE_TEMPERATURE_K,
					      truth);
	if (r == 0 && plant->kind == PLANT_LASER_DIODE)
		r = laser_diode_truth(&plant->laser_diode, temperature_k, truth);
	if (r == 0 && plant->kind == PLANT_PHOTODIODE)
		r = chip_diode_truth(&plant->chip_diode, temperature_k, truth);
	if (r == 0 && streq(plant->device_name, "heater"))
		r = heater_truth(&plant->heaters, truth);
	return r;
}

json_t *plant_truth(const struct plant *plant, double start_m, double stop_m, double temperature_k)
{
	json_t *truth = json_pack("{s:s, s:f}", "device",
				  plant->kind == PLANT_FILE ? "file" : plant->device_name,
				  "temperature_c", temperature_k - 273.15);

	if (!truth)
		return NULL;
	if (device_truth(plant, start_m, stop_m, temperature_k, truth) < 0) {
		json_decref(truth);
		return NULL;
	}
	return truth;
}
