// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ring resonators, add-drop and all-pass: the closed form of the product of the couplers' and
 * waveguides' transfer matrices, with dispersion, loss, temperature, a heater and, if asked,
 * backscatter. Not the line shape that an analysis fits: resonances are periodic in 1/wavelength
 * and see each other.
 *
 * Lengths in m, phases in rad. With linear dispersion neff = n0 + s (wavelength - wavelength0) the
 * round-trip phase is 2 pi L ((ng + dn) / wavelength + s): exactly linear in 1/wavelength, so
 * resonances have a closed form as well.
 */
#include <complex.h>
#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "emulator/device.h"

struct ring_config {
	double radius_m;
	double group_index;
	double effective_index;
	double loss_db_per_m;
	double coupling; /* power, of the input bus */
	double coupling_drop; /* power, of the drop bus; 0 for all-pass */
	double thermo_m_per_k; /* shift of a resonance at the reference wavelength */
	double backscatter; /* power reflected in one round trip */
};

struct ring {
	struct device device;
	struct ring_config config;
	double length_m;
	double dispersion_per_m; /* d neff / d wavelength */
	double index_per_k;
	double t; /* self-coupling of the input bus, amplitude */
	double q; /* self-coupling of the drop bus times round-trip amplitude */
	double drop_amplitude; /* cross-couplings times half a round trip */
	double split_rad; /* half distance of split resonances in phase */
};

#define RING_PARAMETER(key, field, scale, value, min, max)                       \
	{                                                                        \
		key, offsetof(struct ring_config, field), scale, value, min, max \
	}
#define RING_COMMON                                                                        \
	RING_PARAMETER("radius_um", radius_m, 1e-6, 40, 1, 10000),                         \
		RING_PARAMETER("group_index", group_index, 1, 4.18, 1, 10),                \
		RING_PARAMETER("effective_index", effective_index, 1, 2.4406, 1, 10),      \
		RING_PARAMETER("loss_db_per_cm", loss_db_per_m, 100, 3, 0, 1000),          \
		RING_PARAMETER("coupling", coupling, 1, 0.02, 1e-6, 0.999),                \
		RING_PARAMETER("thermo_pm_per_k", thermo_m_per_k, 1e-12, 75, -1000, 1000), \
		RING_PARAMETER("backscatter", backscatter, 1, 0, 0, 0.1)

static const struct parameter add_drop_parameters[] = {
	RING_COMMON,
	RING_PARAMETER("coupling_drop", coupling_drop, 1, 0.02, 1e-6, 0.999),
};
static const struct parameter all_pass_parameters[] = {RING_COMMON};

static const char *const add_drop_ports[] = {"through", "drop", NULL};
static const char *const all_pass_ports[] = {"through", NULL};

static const struct ring *to_ring(const struct device *device)
{
	return (const struct ring *)device;
}

static void ring_prepare(const struct device *device, const struct chip *chip,
			 struct device_phase *ret)
{
	const struct ring *ring = to_ring(device);
	double warm = chip->temperature_k - DEVICE_REFERENCE_TEMPERATURE_K;
	double index = ring->config.group_index + ring->index_per_k * warm;

	ret->a = 2 * M_PI * ring->length_m * index;
	ret->b = 2 * M_PI * ring->length_m * ring->dispersion_per_m + chip->heater_phase_rad;
}

/* Differences are formed before squares, so that a critically coupled ring is dark to rounding. */
static void transmission_plain(const struct ring *ring, double phase, double *ret)
{
	double half_sine = sin(phase / 2);
	double s = 4 * half_sine * half_sine;
	double p = ring->t * ring->q;
	double airy = 1 / ((1 - p) * (1 - p) + p * s);

	ret[0] = ((ring->t - ring->q) * (ring->t - ring->q) + p * s) * airy;
	ret[1] = ring->drop_amplitude * ring->drop_amplitude * airy;
}

/*
 * A weak lossless reflector in the ring couples both senses of rotation; their sum and difference
 * see the round trip with phase +- asin(amplitude reflectivity), and light enters both alike.
 */
static void transmission_split(const struct ring *ring, double phase, double *ret)
{
	double complex upper = cexp(I * (phase + ring->split_rad));
	double complex lower = cexp(I * (phase - ring->split_rad));
	double p = ring->t * ring->q;
	double complex through, drop;

	through = (ring->t - ring->q * upper) / (1 - p * upper) +
		  (ring->t - ring->q * lower) / (1 - p * lower);
	drop = ring->drop_amplitude * (1 / (1 - p * upper) + 1 / (1 - p * lower));
	ret[0] = 0.25 * (creal(through) * creal(through) + cimag(through) * cimag(through));
	ret[1] = 0.25 * (creal(drop) * creal(drop) + cimag(drop) * cimag(drop));
}

static void ring_transmission(const struct device *device, const struct device_phase *phase,
			      double wavelength_m, double *ret)
{
	const struct ring *ring = to_ring(device);
	double round_trip = phase->a / wavelength_m + phase->b;

	if (ring->split_rad > 0)
		transmission_split(ring, round_trip, ret);
	else
		transmission_plain(ring, round_trip, ret);
}

/*
 * Phase from the resonance to where Airy's function, 1 / (1 + F sin^2), is one half: the drop port
 * at half its peak, the through port half way between its least value and the level that it would
 * have far from every resonance.
 */
static double half_width_rad(const struct ring *ring)
{
	double p = ring->t * ring->q;

	return 2 * asin(fmin(1, (1 - p) / (2 * sqrt(p))));
}

static double wavelength_at(const struct device_phase *phase, double round_trip_rad)
{
	return phase->a / (round_trip_rad - phase->b);
}

static json_t *resonance_truth(const struct ring *ring, const struct device_phase *phase,
			       double centre_rad)
{
	double wavelength = wavelength_at(phase, centre_rad), half = half_width_rad(ring);
	double fwhm =
		wavelength_at(phase, centre_rad - half) - wavelength_at(phase, centre_rad + half);
	double loss_per_m = ring->config.loss_db_per_m * log(10) / 10;
	double dark[2], bright[2];
	json_t *json;

	transmission_plain(ring, 0, dark);
	transmission_plain(ring, M_PI, bright);
	json = json_pack("{s:f, s:f, s:f}", "wavelength_nm", wavelength * 1e9, "fwhm_pm",
			 fwhm * 1e12, "q_loaded", wavelength / fwhm);
	if (loss_per_m > 0)
		json_object_set_new(
			json, "q_intrinsic",
			json_real(2 * M_PI * ring->config.group_index / (wavelength * loss_per_m)));
	if (dark[0] > 0)
		json_object_set_new(json, "extinction_db",
				    json_real(10 * log10(bright[0] / dark[0])));
	if (ring->drop_amplitude > 0)
		json_object_set_new(json, "drop_peak_db", json_real(10 * log10(dark[1])));
	if (ring->split_rad > 0)
		json_object_set_new(json, "split_pm",
				    json_real((wavelength_at(phase, centre_rad - ring->split_rad) -
					       wavelength_at(phase, centre_rad + ring->split_rad)) *
					      1e12));
	return json;
}

static int ring_truth(const struct device *device, double start_m, double stop_m,
		      double temperature_k, json_t *truth)
{
	const struct ring *ring = to_ring(device);
	struct chip chip = {.temperature_k = temperature_k};
	struct device_phase phase;
	double first, fsr_m, centre_m = (start_m + stop_m) / 2;
	json_t *list = json_array();

	json_object_set_new(truth, "group_index", json_real(ring->config.group_index));
	if (json_object_set_new(truth, "resonances", list) < 0)
		return -ENOMEM;
	if (!device_span_is_sane(start_m, stop_m))
		return 0;
	ring_prepare(device, &chip, &phase);
	first = ceil((phase.a / stop_m + phase.b) / (2 * M_PI));
	/* From the shortest wavelength, which is the highest order, upwards. */
	for (double order = floor((phase.a / start_m + phase.b) / (2 * M_PI)); order >= first;
	     order--)
		json_array_append_new(list, resonance_truth(ring, &phase, 2 * M_PI * order));
	fsr_m = centre_m * centre_m / (ring->config.group_index * ring->length_m);
	return json_object_set_new(truth, "fsr_nm", json_real(fsr_m * 1e9)) < 0 ? -ENOMEM : 0;
}

static void ring_free(struct device *device)
{
	free(device);
}

static const struct device_ops ring_ops = {
	.prepare = ring_prepare,
	.transmission = ring_transmission,
	.truth = ring_truth,
	.free = ring_free,
};

static int ring_create(const void *config, struct device **ret)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	double round_trip, drop_self, wavelength = DEVICE_REFERENCE_WAVELENGTH_M;
	struct ring_config *c;

	if (!ring)
		return -ENOMEM;
	ring->config = *(const struct ring_config *)config;
	c = &ring->config;
	ring->length_m = 2 * M_PI * c->radius_m;
	ring->dispersion_per_m = -(c->group_index - c->effective_index) / wavelength;
	ring->index_per_k = c->group_index * c->thermo_m_per_k / wavelength;
	round_trip = pow(10, -c->loss_db_per_m * ring->length_m / 20);
	drop_self = sqrt(1 - c->coupling_drop);
	ring->t = sqrt(1 - c->coupling);
	ring->q = drop_self * round_trip;
	ring->drop_amplitude = sqrt(c->coupling * c->coupling_drop * round_trip);
	ring->split_rad = asin(sqrt(c->backscatter));
	ring->device = (struct device){
		.ops = &ring_ops,
		.port_count = c->coupling_drop > 0 ? 2 : 1,
		.feature_m = half_width_rad(ring) / M_PI * wavelength * wavelength /
			     (c->group_index * ring->length_m),
	};
	*ret = &ring->device;
	return 0;
}

const struct device_class ring_add_drop_class = {
	.name = "add-drop",
	.ports = add_drop_ports,
	.parameters = add_drop_parameters,
	.parameter_count = ARRAY_SIZE(add_drop_parameters),
	.config_size = sizeof(struct ring_config),
	.create = ring_create,
};

/* Without a drop parameter its coupling stays 0. */
const struct device_class ring_all_pass_class = {
	.name = "all-pass",
	.ports = all_pass_ports,
	.parameters = all_pass_parameters,
	.parameter_count = ARRAY_SIZE(all_pass_parameters),
	.config_size = sizeof(struct ring_config),
	.create = ring_create,
};
