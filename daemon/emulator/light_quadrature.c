// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The optical path from the laser to the photodiodes at one wavelength, and its mean over an
 * aperture. No noise here.
 */
#include "emulator/light_quadrature.h"

#include <math.h>
#include <string.h>

#define SHORT_WAY_M 5e-12
#define TAIL_TAUS 8.0

void light_path(const struct plant *plant, double wavelength_m, struct light_path *ret)
{
	ret->wavelength_m = wavelength_m;
	ret->before =
		log_parabola_add(laser_flatness(&plant->laser, wavelength_m),
				 photodiode_log_response(&plant->photodiode.band, wavelength_m));
	if (plant->couplers)
		ret->couplers = coupling_at(&plant->coupling, plant->couplers, wavelength_m);
}

/* All signals at a distance from the wavelength of `path`. */
static void path_signals(const struct light_point *p, const struct light_path *path,
			 double distance_m, unsigned int needs, double *ret)
{
	const struct plant *plant = p->plant;
	double wavelength_m = path->wavelength_m + distance_m;
	double ripple = laser_ripple(&plant->laser, wavelength_m);
	double before = exp(log_parabola_at(&path->before, distance_m) + ripple);
	double chip;

	ret[SIGNAL_MONITOR] = before;
	if (needs & 1U << SIGNAL_ETALON)
		ret[SIGNAL_ETALON] = before * laser_etalon(&plant->laser, wavelength_m);
	if (needs & 1U << SIGNAL_GAS)
		ret[SIGNAL_GAS] = before * laser_gas(&plant->laser, wavelength_m);
	if (!(needs & 1U << SIGNAL_PORT) || plant->device->ops->mean)
		return;
	chip = before;
	if (plant->couplers)
		chip *= exp(log_parabola_at(&path->couplers, distance_m) +
			    coupling_ripple(&plant->coupling, wavelength_m));
	plant->device->ops->transmission(plant->device, &p->phase, wavelength_m, &ret[SIGNAL_PORT]);
	for (size_t k = 0; k < plant->device->port_count; k++)
		ret[SIGNAL_PORT + k] *= chip;
}

/*
 * All signals at a time from the aperture's centre. On a short way the smooth factors are parabolas
 * and the wavelength is linear in time, to 1e-7; on a long way everything is evaluated anew.
 */
static void at_node(const struct light_point *p, const struct aperture *a, double u_s,
		    unsigned int needs, double *ret)
{
	double speed = p->speed;
	struct light_path there;

	if (fabs(speed) * (a->aperture_s + TAIL_TAUS * a->tau_s) <= SHORT_WAY_M) {
		path_signals(p, &p->path, p->line.slope_m_per_s * u_s, needs, ret);
		return;
	}
	light_path(p->plant, laser_line_at(&p->plant->laser, &p->line, speed * u_s), &there);
	path_signals(p, &there, 0, needs, ret);
}

/*
 * A device with kinks gives its own exact mean; the light before it is smooth, so the mean of the
 * product is the product of the means and, to first order, light's slope x the device's first
 * moment. That is exact to 1e-6 while the laser passes less than 20 pm in an aperture, and to 2e-4
 * for 100 pm.
 */
static void add_kinked_device(const struct light_point *p, const struct aperture *a,
			      struct light_group *g)
{
	const struct device *device = p->plant->device;
	double mean[DEVICE_PORTS_MAX], moment[DEVICE_PORTS_MAX], out[SIGNALS];
	double spread = 0, cross = 0, slope = 0;

	for (size_t i = 0; i < a->count && a->count > 1; i++) {
		double x = p->line.slope_m_per_s * (a->u_s[i] + a->tau_s);

		at_node(p, a, a->u_s[i], 0, out);
		cross += a->w[i] * x * out[SIGNAL_MONITOR];
		spread += a->w[i] * x * x;
	}
	if (spread > 0)
		slope = cross / spread;
	device->ops->mean(device, a, p->line.wavelength_m, p->line.slope_m_per_s, mean, moment);
	for (size_t k = 0; k < device->port_count; k++) {
		double value = g->mean[SIGNAL_MONITOR] * mean[k] + slope * moment[k];
		double change = g->mean[SIGNAL_MONITOR] * moment[k];

		g->mean[SIGNAL_PORT + k] = value;
		g->square[SIGNAL_PORT + k] =
			value * value + (spread > 0 ? change * change / spread : 0);
	}
}

void light_integrate(const struct light_point *p, struct light_group *g)
{
	const struct plant *plant = p->plant;
	double out[SIGNALS] = {0};
	size_t last = SIGNAL_PORT + (plant->device ? plant->device->port_count : 0);
	const struct aperture *a;

	a = aperture_get(plant->apertures, p->aperture_s, g->bandwidth_hz,
			 fabs(p->line.slope_m_per_s) / plant->feature_m);
	if (!a)
		return;
	g->tau_s = a->tau_s;
	g->noise_hz = a->noise_hz;
	g->conversion_hz = a->conversion_hz;
	if (!g->needs || !p->lit)
		return;
	for (size_t i = 0; i < a->count; i++) {
		at_node(p, a, a->u_s[i], g->needs, out);
		for (size_t k = 0; k < last; k++) {
			g->mean[k] += a->w[i] * out[k];
			g->square[k] += a->w[i] * out[k] * out[k];
		}
	}
	if (g->needs & 1U << SIGNAL_PORT && plant->device->ops->mean)
		add_kinked_device(p, a, g);
}
