/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plant: laser, fibre, chip, heaters, TEC and photodiodes behind the emulated board,
 * in SI units. Layer: emulator, below the board model; knows no registers, no codes.
 *
 * Plant time is seconds since START. A point is a pure function of (configuration, seed, run
 * key, conditions) but for the slow states (TEC, heaters), which start at the steady state of
 * the setpoints in plant_begin() and follow plant_advance().
 */
#ifndef ETALON_EMULATOR_PLANT_H
#define ETALON_EMULATOR_PLANT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "emulator/erb1.h"

struct plant;

/*
 * Effects that can be switched off, by name, for tests:
 *
 * "rin" "shot"		noise of light and of photocurrents
 * "jitter"		of the wavelength, from sweep to sweep and from point to point
 * "tuning"		error of the commanded wavelength, constant and smooth
 * "ripple"		flatness, ripple and repeatability of the laser's power
 * "ase"		spontaneous emission
 * "mode-hops"		only with the parameter mode_hops_per_nm above 0
 * "envelope" "fabry-perot"	of the couplers
 * "wlog-noise" "wlog-sweep" "wlog-systematic"	errors of the wavelength log
 * "gas-systematic"	of the positions of the gas cell's lines
 * "tec-noise"		of readings of the chip's temperature
 * "crosstalk"		between heaters
 * "source-noise"	of the current source behind a laser diode
 * "rollover"		of a laser diode: what its own heat does
 * "t0" "t1"		of a laser diode: threshold, slope over temperature
 * "series-resistance"	of a laser diode
 * "chip-temperature"	what the chip's temperature does to the device: its lines stay where they are at 25 C
 * "johnson" "adc"	noise of the board's front end
 * "bandwidth"		of the front end's ranges: its description tells what is switched off all the same
 * "saturation"		of its converters: they go on to the greatest number of a record
 * "overload"		what a saturated converter leaves behind
 */
struct plant_config {
	uint64_t seed;
	/*
	 * "add-drop" (NULL: this), "all-pass", "mzi", "straight", "laser-diode", "photodiode",
	 * "heater", or the path of a measured spectrum.
	 */
	const char *device;
	const char
		*device_channel; /* for a file: a column's name; NULL: the first in dB, dBm or W */
	json_t *parameters; /* {"radius_um": 40, ...}; NULL: the reference board's numbers */
	const char *disabled_effects; /* comma-separated, or NULL */
};

/* Sources as they really are during one aperture, and what is asked. SI: m, W, A, V, K, 1. */
struct plant_conditions {
	double time_s; /* of the aperture's centre, since START */
	double aperture_s;
	double value[ERB1_SOURCES]; /* commanded and slewed, at the aperture's centre */
	double slope[ERB1_SOURCES]; /* per s; that of laser.wavelength while it ramps counts */
	bool emitting; /* laser on */
	double gate; /* transmission of the gate: 1 open, <= 1e-6 shut */
	uint64_t run_key;
	uint64_t point;
	double compliance[ERB1_SOURCES]; /* V for currents; 0: the plant's default */
};

struct plant_reading {
	double mean; /* averaged over the aperture through the range's one-pole response */
	/*
	 * Of white fluctuations of one conversion, in the response's bandwidth: the
	 * signal-dependent part of the variance in the aperture. The mean contains its share.
	 */
	double rms;
	/*
	 * Of what the signal itself does in the aperture while the laser ramps: also in the
	 * variance of the conversions, but no noise of the mean.
	 */
	double ramp_rms;
};

/* Negative errno with a message when the configuration is not possible. */
int plant_new(const struct plant_config *config, struct plant **ret, char **ret_message);
struct plant *plant_free(struct plant *plant);
DEFINE_CLEANUP(struct plant *, plant_free, plant_freep);

/* Slow states to the steady state of `c` (at START, and when a source jumps while idle). */
void plant_begin(struct plant *plant, const struct plant_conditions *c);
/*
 * Slow states to c->time_s (not decreasing within a program), with the values of `c` held
 * since the last call.
 */
void plant_advance(struct plant *plant, const struct plant_conditions *c);

/*
 * One aperture: readings[i] for detectors[i], at most ETALON_HW_DETECTORS_MAX of them, all
 * physical noise included (shot, RIN, jitter, wavelength log; NOT the amplifier's Johnson noise,
 * ADC noise, quantisation, saturation: those are the board's front end). bandwidth_hz[i] is
 * the one-pole bandwidth of the range in use, 0: none. *ret_flags: ETALON_HW_POINT_MODE_HOP,
 * _WAVELENGTH_INVALID (laser off; wlog then reads 0), _COMPLIANCE, _CLAMP.
 *
 * mon taps what leaves the port, behind the gate; wlog, etalon and gas look before it.
 */
void plant_point(struct plant *plant, const struct plant_conditions *c,
		 const enum erb1_detector *detectors, const double *bandwidth_hz, size_t count,
		 struct plant_reading *readings, uint32_t *ret_flags);

/* Light leaving by any port, W, emitting currents' diodes included: for the light log. */
double plant_port_power(struct plant *plant, const struct plant_conditions *c);

/*
 * What the device truly is, printed before and stored with a demo: {"device": "add-drop",
 * "resonances": [{"wavelength_nm", "fwhm_pm", "q_loaded", "q_intrinsic", "extinction_db"}...],
 * "fsr_nm": ...}. For the chip at `temperature_k` within [start_m, stop_m]. New reference.
 */
json_t *plant_truth(const struct plant *plant, double start_m, double stop_m, double temperature_k);
/*
 * Sum of the axis errors of the run (systematic + sweep), m: logged = true + this (+ noise of
 * each point). For tests of the fits.
 */
double plant_axis_error(const struct plant *plant, uint64_t run_key);

/*
 * Span in which the device is known (a measured file's own); false: everywhere. Outside, no
 * light arrives.
 */
bool plant_span(const struct plant *plant, double *ret_start_m, double *ret_stop_m);
bool plant_effect_enabled(const struct plant *plant, const char *effect);
/* True responsivity of detector pd1..pd4 or mon over the nominal one. */
double plant_responsivity_ratio(const struct plant *plant, enum erb1_detector detector);

/* Faults: no light on one detector; a temperature loop that hunts for ever. */
void plant_set_uncoupled(struct plant *plant, enum erb1_detector detector, bool uncoupled);
void plant_set_tec_unstable(struct plant *plant, bool unstable);

/*
 * Every numeric parameter of this device (NULL: the default device) with its default and range:
 * {"radius_um": {"default", "min", "max"}, ...}. New reference, NULL when there is no such
 * device. Besides, "pd1".."pd4" name the port that each photodiode looks at, or "none".
 */
json_t *plant_parameters(const char *device);

#endif
