// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two-arm interferometers: the unbalanced Mach-Zehnder ("mzi") and the balanced one that makes a
 * phase shifter visible ("heater"). The phase between the arms is linear in 1/wavelength, as a
 * ring's.
 */
#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "emulator/device.h"

struct mzi_config {
	double fsr_m; /* at the reference wavelength; 0: balanced arms */
	double extinction_db;
	double loss_db;
	double group_index;
	double effective_index;
	double thermo_m_per_k;
	double bias_rad;
};

struct mzi {
	struct device device;
	struct mzi_config config;
	double length_m; /* difference of the arms */
	double dispersion_per_m;
	double index_per_k;
	double visibility;
	double loss;
};

#define PARAMETER(key, field, scale, value, min, max)                           \
	{                                                                       \
		key, offsetof(struct mzi_config, field), scale, value, min, max \
	}
static const struct parameter mzi_parameters[] = {
	PARAMETER("fsr_nm", fsr_m, 1e-9, 5, 0.001, 1000),
	PARAMETER("extinction_db", extinction_db, 1, 25, 0.01, 100),
	PARAMETER("loss_db", loss_db, 1, 1, 0, 100),
	PARAMETER("group_index", group_index, 1, 4.18, 1, 10),
	PARAMETER("effective_index", effective_index, 1, 2.4406, 1, 10),
	PARAMETER("thermo_pm_per_k", thermo_m_per_k, 1e-12, 75, -1000, 1000),
	PARAMETER("phase_rad", bias_rad, 1, 0, -1000, 1000),
};
static const struct parameter phase_shifter_parameters[] = {
	PARAMETER("extinction_db", extinction_db, 1, 25, 0.01, 100),
	PARAMETER("loss_db", loss_db, 1, 1, 0, 100),
	PARAMETER("phase_rad", bias_rad, 1, 0, -1000, 1000),
};

static const char *const mzi_ports[] = {"through", "cross", NULL};

static const struct mzi *to_mzi(const struct device *device)
{
	return (const struct mzi *)device;
}

static void mzi_prepare(const struct device *device, const struct chip *chip,
			struct device_phase *ret)
{
	const struct mzi *mzi = to_mzi(device);
	double warm = chip->temperature_k - DEVICE_REFERENCE_TEMPERATURE_K;
	double index = mzi->config.group_index + mzi->index_per_k * warm;

	ret->a = 2 * M_PI * mzi->length_m * index;
	ret->b = 2 * M_PI * mzi->length_m * mzi->dispersion_per_m + mzi->config.bias_rad +
		 chip->heater_phase_rad;
}

static void mzi_transmission(const struct device *device, const struct device_phase *phase,
			     double wavelength_m, double *ret)
{
	const struct mzi *mzi = to_mzi(device);
	double fringe = mzi->visibility * cos(phase->a / wavelength_m + phase->b);

	ret[0] = mzi->loss * (1 + fringe) / 2;
	ret[1] = mzi->loss * (1 - fringe) / 2;
}

/* Minima of the through port, where the phase is an odd multiple of pi. */
static json_t *minima(const struct device_phase *phase, double start_m, double stop_m)
{
	double last = ceil(((phase->a / stop_m + phase->b) / M_PI - 1) / 2);
	json_t *list = json_array();

	for (double k = floor(((phase->a / start_m + phase->b) / M_PI - 1) / 2); k >= last; k--)
		json_array_append_new(list,
				      json_real(phase->a / (M_PI * (2 * k + 1) - phase->b) * 1e9));
	return list;
}

static int mzi_truth(const struct device *device, double start_m, double stop_m,
		     double temperature_k, json_t *truth)
{
	const struct mzi *mzi = to_mzi(device);
	struct chip chip = {.temperature_k = temperature_k};
	double centre = (start_m + stop_m) / 2;
	struct device_phase phase;

	json_object_set_new(truth, "extinction_db", json_real(mzi->config.extinction_db));
	json_object_set_new(truth, "loss_db", json_real(mzi->config.loss_db));
	if (!(mzi->length_m > 0) || !device_span_is_sane(start_m, stop_m))
		return 0;
	mzi_prepare(device, &chip, &phase);
	json_object_set_new(
		truth, "fsr_nm",
		json_real(centre * centre / (mzi->config.group_index * mzi->length_m) * 1e9));
	return json_object_set_new(truth, "minima_nm", minima(&phase, start_m, stop_m)) < 0
		       ? -ENOMEM
		       : 0;
}

static void mzi_free(struct device *device)
{
	free(device);
}

static const struct device_ops mzi_ops = {
	.prepare = mzi_prepare,
	.transmission = mzi_transmission,
	.truth = mzi_truth,
	.free = mzi_free,
};

static int mzi_create(const void *config, struct device **ret)
{
	const double wavelength = DEVICE_REFERENCE_WAVELENGTH_M;
	struct mzi *mzi = calloc(1, sizeof(*mzi));
	const struct mzi_config *c;
	double ratio;

	if (!mzi)
		return -ENOMEM;
	mzi->config = *(const struct mzi_config *)config;
	c = &mzi->config;
	if (c->fsr_m > 0) {
		mzi->length_m = wavelength * wavelength / (c->group_index * c->fsr_m);
		mzi->dispersion_per_m = -(c->group_index - c->effective_index) / wavelength;
		mzi->index_per_k = c->group_index * c->thermo_m_per_k / wavelength;
	}
	ratio = pow(10, c->extinction_db / 10);
	mzi->visibility = (ratio - 1) / (ratio + 1);
	mzi->loss = pow(10, -c->loss_db / 10);
	mzi->device = (struct device){
		.ops = &mzi_ops,
		.port_count = 2,
		.feature_m = c->fsr_m > 0 ? c->fsr_m / 3 : INFINITY,
	};
	*ret = &mzi->device;
	return 0;
}

const struct device_class mzi_class = {
	.name = "mzi",
	.ports = mzi_ports,
	.parameters = mzi_parameters,
	.parameter_count = ARRAY_SIZE(mzi_parameters),
	.config_size = sizeof(struct mzi_config),
	.create = mzi_create,
};

/* Without an FSR parameter the arms stay balanced. */
const struct device_class phase_shifter_class = {
	.name = "heater",
	.ports = mzi_ports,
	.parameters = phase_shifter_parameters,
	.parameter_count = ARRAY_SIZE(phase_shifter_parameters),
	.config_size = sizeof(struct mzi_config),
	.create = mzi_create,
};
