// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A plain waveguide: loss and nothing else. The reference of every loss measurement, and the way to
 * a photodiode.
 */
#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "emulator/device.h"

struct straight_config {
	double length_m;
	double loss_db_per_m;
};

struct straight {
	struct device device;
	struct straight_config config;
	double transmission;
};

static const struct parameter straight_parameters[] = {
	{"length_mm", offsetof(struct straight_config, length_m), 1e-3, 1, 0, 10000},
	{"loss_db_per_cm", offsetof(struct straight_config, loss_db_per_m), 100, 3, 0, 1000},
};

static const char *const straight_ports[] = {"through", NULL};

static void straight_prepare(const struct device *device, const struct chip *chip,
			     struct device_phase *ret)
{
	(void)device;
	(void)chip;
	*ret = (struct device_phase){0};
}

static void straight_transmission(const struct device *device, const struct device_phase *phase,
				  double wavelength_m, double *ret)
{
	(void)phase;
	(void)wavelength_m;
	ret[0] = ((const struct straight *)device)->transmission;
}

static int straight_truth(const struct device *device, double start_m, double stop_m,
			  double temperature_k, json_t *truth)
{
	const struct straight *straight = (const struct straight *)device;
	double loss_db = straight->config.length_m * straight->config.loss_db_per_m;

	(void)start_m;
	(void)stop_m;
	(void)temperature_k;
	return json_object_set_new(truth, "loss_db", json_real(loss_db)) < 0 ? -ENOMEM : 0;
}

static void straight_free(struct device *device)
{
	free(device);
}

static const struct device_ops straight_ops = {
	.prepare = straight_prepare,
	.transmission = straight_transmission,
	.truth = straight_truth,
	.free = straight_free,
};

static int straight_create(const void *config, struct device **ret)
{
	struct straight *straight = calloc(1, sizeof(*straight));

	if (!straight)
		return -ENOMEM;
	straight->config = *(const struct straight_config *)config;
	straight->transmission =
		pow(10, -straight->config.length_m * straight->config.loss_db_per_m / 10);
	straight->device = (struct device){
		.ops = &straight_ops,
		.port_count = 1,
		.feature_m = INFINITY,
	};
	*ret = &straight->device;
	return 0;
}

const struct device_class straight_class = {
	.name = "straight",
	.ports = straight_ports,
	.parameters = straight_parameters,
	.parameter_count = ARRAY_SIZE(straight_parameters),
	.config_size = sizeof(struct straight_config),
	.create = straight_create,
};
