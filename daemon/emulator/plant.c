// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The plant's configuration, slow states and faults. What one aperture sees is in plant_point.c,
 * what the device truly is in truth.c.
 */
#include "emulator/plant.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "base/util.h"
#include "emulator/effects.h"
#include "emulator/plant_internal.h"
#include "emulator/spectrum.h"

#define ASE_SAMPLES 4001 /* not in step with the period of a device */

static const char *const laser_diode_ports[] = {"facet", NULL};

/* Devices that are not files. */
static const struct device_kind {
	const char *name;
	enum plant_kind kind;
	const struct device_class *class; /* NULL: no light through the chip */
} device_kinds[] = {
	{"add-drop", PLANT_OPTICAL, &ring_add_drop_class},
	{"all-pass", PLANT_OPTICAL, &ring_all_pass_class},
	{"mzi", PLANT_OPTICAL, &mzi_class},
	{"straight", PLANT_OPTICAL, &straight_class},
	{"laser-diode", PLANT_LASER_DIODE, NULL},
	{"photodiode", PLANT_PHOTODIODE, &straight_class},
	{"heater", PLANT_OPTICAL, &phase_shifter_class},
};

static const struct device_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_kinds); i++)
		if (streq(device_kinds[i].name, name))
			return &device_kinds[i];
	return NULL;
}

struct parameter_groups {
	struct parameter_group groups[8];
	size_t count;
};

static void add_group(struct parameter_groups *g, const struct parameter *parameters, size_t count,
		      void *base)
{
	g->groups[g->count++] = (struct parameter_group){parameters, count, base};
}

/* All tables that hold for a kind of device; `device_config` for those of its class. */
static void plant_groups(struct plant *plant, const struct device_kind *kind, void *device_config,
			 struct parameter_groups *g)
{
	*g = (struct parameter_groups){0};
	if (kind && kind->class)
		add_group(g, kind->class->parameters, kind->class->parameter_count, device_config);
	if (kind && kind->kind == PLANT_LASER_DIODE)
		add_group(g, laser_diode_parameters, laser_diode_parameter_count,
			  &plant->laser_diode);
	if (kind && kind->kind == PLANT_PHOTODIODE)
		add_group(g, chip_diode_parameters, chip_diode_parameter_count, &plant->chip_diode);
	add_group(g, laser_parameters, laser_parameter_count, &plant->laser.config);
	add_group(g, coupling_parameters, coupling_parameter_count, &plant->coupling.config);
	add_group(g, photodiode_parameters, photodiode_parameter_count, &plant->photodiode);
	add_group(g, heater_parameters, heater_parameter_count, &plant->heaters.config);
	add_group(g, tec_parameters, tec_parameter_count, &plant->tec.config);
}

/*
 * pd1 sees the first port and so on, unless the parameters say other; a file's pd1 sees the chosen
 * column only.
 */
static int read_parameters(struct plant *plant, const struct plant_config *config,
			   const struct device_kind *kind, const char *const *ports,
			   size_t first_port, void *device_config, char **ret_message)
{
	static const char *const keys[PLANT_PDS] = {"pd1", "pd2", "pd3", "pd4"};
	const char *choices[DEVICE_PORTS_MAX + 2];
	struct parameter_word words[PLANT_PDS];
	struct parameter_groups g;
	size_t count;
	int r;

	for (count = 0; ports[count]; count++)
		choices[count] = ports[count];
	choices[count] = "none";
	choices[count + 1] = NULL;
	for (size_t i = 0; i < PLANT_PDS; i++) {
		size_t port = kind ? MIN(i, count) : i == 0 ? first_port : count;

		if (kind && kind->kind == PLANT_PHOTODIODE)
			port = count;
		words[i] = (struct parameter_word){keys[i], choices[port], choices};
	}
	plant_groups(plant, kind, device_config, &g);
	r = parameters_read(config->parameters, g.groups, g.count, words, PLANT_PDS, ret_message);
	if (r < 0)
		return r;
	for (size_t i = 0; i < PLANT_PDS; i++) {
		plant->port[i] = PLANT_NO_PORT;
		for (size_t k = 0; k < count; k++)
			if (words[i].value == choices[k])
				plant->port[i] = (int)k;
	}
	return 0;
}

static int new_from_class(struct plant *plant, const struct plant_config *config,
			  const struct device_kind *kind, char **ret_message)
{
	const char *const *ports = kind->class ? kind->class->ports : laser_diode_ports;
	_cleanup_free_ void *device_config = NULL;
	int r;

	if (config->device_channel)
		return fail(
			ret_message, -EINVAL,
			"device %s has no channels; a channel names a column of a measured file",
			kind->name);
	device_config = calloc(1, kind->class ? kind->class->config_size : 1);
	if (!device_config)
		return -ENOMEM;
	r = read_parameters(plant, config, kind, ports, 0, device_config, ret_message);
	if (r < 0 || !kind->class)
		return r;
	return kind->class->create(device_config, &plant->device);
}

static int new_from_file(struct plant *plant, const struct plant_config *config, char **ret_message)
{
	size_t port;
	int r;

	r = spectrum_new(config->device, config->device_channel, &plant->device, &port,
			 ret_message);
	if (r < 0)
		return r;
	return read_parameters(plant, config, NULL, spectrum_ports(plant->device), port, NULL,
			       ret_message);
}

static int new_device(struct plant *plant, const struct plant_config *config, char **ret_message)
{
	const char *name = config->device ? config->device : "add-drop";
	const struct device_kind *kind = find_kind(name);
	struct stat st;

	plant->device_name = strdup(name);
	if (!plant->device_name)
		return -ENOMEM;
	if (kind) {
		plant->kind = kind->kind;
		plant->couplers = kind->kind == PLANT_OPTICAL ? 2 : 1;
		plant->positions = plant->couplers;
		return new_from_class(plant, config, kind, ret_message);
	}
	if (stat(name, &st) < 0)
		return fail(ret_message, -ENOENT,
			    "'%s' is neither a device (add-drop, all-pass, mzi, straight, "
			    "laser-diode, photodiode, heater) nor a file that can be read: %s",
			    name, strerror(errno));
	plant->kind = PLANT_FILE;
	plant->couplers = 0;
	plant->positions = 2;
	return new_from_file(plant, config, ret_message);
}

void plant_chip(const struct plant *plant, struct chip *ret)
{
	ret->temperature_k = plant->effects & EFFECT_CHIP_TEMPERATURE
				     ? tec_temperature(&plant->tec, plant->time_s)
				     : DEVICE_REFERENCE_TEMPERATURE_K;
	ret->heater_phase_rad = heaters_phase(&plant->heaters);
}

/*
 * Spontaneous emission is spread evenly over the laser's span; what arrives is a mean, the same for
 * every state of the chip.
 */
static void find_ase(struct plant *plant)
{
	const struct laser_config *c = &plant->laser.config;
	double step_m = (c->span_stop_m - c->span_start_m) / ASE_SAMPLES;
	double transmission[DEVICE_PORTS_MAX];
	struct device_phase phase;
	struct chip chip;

	plant_chip(plant, &chip);
	if (plant->device)
		plant->device->ops->prepare(plant->device, &chip, &phase);
	for (size_t i = 0; i < ASE_SAMPLES; i++) {
		double wavelength_m = c->span_start_m + step_m * ((double)i + 0.5);
		double share =
			photodiode_response(&plant->photodiode.band, wavelength_m) / ASE_SAMPLES;
		double chip_share =
			share *
			exp(coupling_at(&plant->coupling, plant->couplers, wavelength_m).c0);

		plant->ase_flat += share;
		if (!plant->device)
			continue;
		plant->device->ops->transmission(plant->device, &phase, wavelength_m, transmission);
		for (size_t k = 0; k < plant->device->port_count; k++)
			plant->ase_port[k] += chip_share * transmission[k];
	}
}

static int check_parameters(const struct plant *plant, char **ret_message)
{
	const struct laser_config *c = &plant->laser.config;

	if (!(c->span_stop_m > c->span_start_m))
		return fail(ret_message, -EINVAL,
			    "laser_span_stop_nm must be above laser_span_start_nm (%g)",
			    c->span_start_m * 1e9);
	return 0;
}

static void finish(struct plant *plant)
{
	laser_init(&plant->laser, plant->seed, plant->effects);
	coupling_init(&plant->coupling, plant->seed, plant->effects);
	laser_diode_init(&plant->laser_diode, plant->effects);
	if (!(plant->effects & EFFECT_CROSSTALK))
		plant->heaters.config.crosstalk = 0;
	for (uint32_t i = 0; i < ARRAY_SIZE(plant->gain); i++)
		plant->gain[i] = 1 + photodiode_gain_error(&plant->photodiode, plant->seed, i);
	plant->dark_a = photodiode_dark(&plant->photodiode);
	plant->tec.settled_k = DEVICE_REFERENCE_TEMPERATURE_K;
	plant->feature_m = laser_feature_m(&plant->laser);
	if (plant->couplers)
		plant->feature_m = fmin(plant->feature_m, coupling_feature_m(&plant->coupling));
	if (plant->device)
		plant->feature_m = fmin(plant->feature_m, plant->device->feature_m);
	find_ase(plant);
}

int plant_new(const struct plant_config *config, struct plant **ret, char **ret_message)
{
	_cleanup_(plant_freep) struct plant *plant = calloc(1, sizeof(*plant));
	int r;

	if (!plant)
		return -ENOMEM;
	plant->seed = config->seed;
	plant->apertures = aperture_cache_new();
	if (!plant->apertures)
		return -ENOMEM;
	r = effects_parse(config->disabled_effects, &plant->effects, ret_message);
	if (r < 0)
		return r;
	r = new_device(plant, config, ret_message);
	if (r < 0)
		return r;
	r = check_parameters(plant, ret_message);
	if (r < 0)
		return r;
	finish(plant);
	*ret = take_ptr(plant);
	return 0;
}

struct plant *plant_free(struct plant *plant)
{
	if (!plant)
		return NULL;
	device_free(plant->device);
	aperture_cache_free(plant->apertures);
	free(plant->device_name);
	free(plant);
	return NULL;
}

void plant_begin(struct plant *plant, const struct plant_conditions *c)
{
	plant->time_s = c->time_s;
	plant->tec.settled_k = c->value[ERB1_TEC1];
	heaters_settle(&plant->heaters, &c->value[ERB1_H1]);
}

void plant_advance(struct plant *plant, const struct plant_conditions *c)
{
	double dt_s = c->time_s - plant->time_s;

	if (!(dt_s > 0))
		return;
	plant->time_s = c->time_s;
	tec_advance(&plant->tec, c->value[ERB1_TEC1], dt_s);
	heaters_advance(&plant->heaters, &c->value[ERB1_H1], dt_s);
}

bool plant_span(const struct plant *plant, double *ret_start_m, double *ret_stop_m)
{
	if (!plant->device || !(plant->device->stop_m > 0))
		return false;
	*ret_start_m = plant->device->start_m;
	*ret_stop_m = plant->device->stop_m;
	return true;
}

bool plant_effect_enabled(const struct plant *plant, const char *effect)
{
	return plant->effects & effects_find(effect, strlen(effect));
}

double plant_responsivity_ratio(const struct plant *plant, enum erb1_detector detector)
{
	if (detector == ERB1_MON)
		return plant->gain[PLANT_MONITOR];
	return detector < ERB1_PD1 + PLANT_PDS ? plant->gain[detector - ERB1_PD1] : 1;
}

void plant_set_uncoupled(struct plant *plant, enum erb1_detector detector, bool uncoupled)
{
	plant->uncoupled[detector] = uncoupled;
}

void plant_set_tec_unstable(struct plant *plant, bool unstable)
{
	plant->tec.hunting = unstable;
}

json_t *plant_parameters(const char *device)
{
	const struct device_kind *kind = find_kind(device ? device : "add-drop");
	_cleanup_(plant_freep) struct plant *plant = calloc(1, sizeof(*plant));
	struct parameter_groups g;
	json_t *all;

	if (!plant || (device && !kind))
		return NULL;
	plant_groups(plant, kind, NULL, &g);
	all = json_object();
	for (size_t i = 0; i < g.count; i++)
		for (size_t k = 0; k < g.groups[i].count; k++) {
			const struct parameter *p = &g.groups[i].parameters[k];

			json_object_set_new(all, p->key,
					    json_pack("{s:f, s:f, s:f}", "default", p->value, "min",
						      p->min, "max", p->max));
		}
	return all;
}
