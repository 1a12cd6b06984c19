/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a range's one-pole response and the mean over an aperture do to a signal: one kernel, the
 * convolution of a rectangle and a decaying exponential. Layer: emulator, mathematics only.
 *
 * Time u counts from the aperture's centre; the kernel reaches from minus infinity to aperture / 2.
 * A rule is a set of nodes and weights (sum 1) for the integral of kernel x signal, tight enough
 * for signals with Lorentzian features of a given width: 1e-9 of such a feature's height.
 */
#ifndef ETALON_EMULATOR_APERTURE_H
#define ETALON_EMULATOR_APERTURE_H

#include <stddef.h>

#include "base/cleanup.h"

struct aperture {
	double aperture_s;
	double tau_s; /* of the one-pole response; 0: none */
	double noise_hz; /* equivalent one-sided noise bandwidth of the mean */
	double conversion_hz; /* ... of one conversion; without a response that of the mean */
	size_t count;
	double *u_s;
	double *w;
};

struct aperture_cache;

/*
 * The rule for this aperture and bandwidth (0: no one-pole response) and for a signal that passes
 * `features_per_s` of its narrowest features each second; 0: constant, one node. It stays valid
 * until the next call; the same arguments give the same rule whatever was asked before. NULL: out
 * of memory.
 */
const struct aperture *aperture_get(struct aperture_cache *cache, double aperture_s,
				    double bandwidth_hz, double features_per_s);

struct aperture_cache *aperture_cache_new(void);
struct aperture_cache *aperture_cache_free(struct aperture_cache *cache);
DEFINE_CLEANUP(struct aperture_cache *, aperture_cache_free, aperture_cache_freep);

/* Nodes x in (-1, 1) and weights (sum 2) of Gauss and Legendre's rule. */
void gauss_legendre(size_t count, double *ret_x, double *ret_w);

#endif
