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

/* Effects that can be switched, by name, for tests: "rin", "shot", "jitter", "tuning", "ripple" (laser),
 * "fabry-perot", "envelope", "wlog-noise", "wlog-sweep", "wlog-systematic", "johnson", "adc", "ase", "mode-hops",
 * "tec-noise", "crosstalk", "source-noise". "jitter" is that of the wavelength, from sweep to sweep and from point to
 * point; "ripple" is flatness, ripple and repeatability of the laser's power. All are on by default, but mode hops
 * need a rate besides: parameter mode_hops_per_nm. */
struct plant_config {
	uint64_t seed;
	const char *device; /* "add-drop", "all-pass", "mzi", "straight", "laser-diode", "photodiode", "heater", or a file's path;
			       NULL: "add-drop" */
	const char *device_channel; /* for a file: name of the column, NULL: the first dB/dBm column */
	json_t *parameters; /* {"radius_um": 40, ...} of the device and plant; NULL: defaults of reference board */
	const char *disabled_effects; /* comma-separated, or NULL */
};

/* Sources as they really are during one aperture, and what is asked. */
struct plant_conditions {
	double time_s; /* of the aperture's centre, since START */
	double aperture_s;
	double value[ERB1_SOURCES]; /* SI (m, W, A, V, K, 1), commanded and slewed, at the aperture's centre */
	double slope[ERB1_SOURCES]; /* SI/s: laser.wavelength while it ramps */
	bool emitting; /* laser on */
	double gate; /* transmission of the gate: 1 open, <= 1e-6 shut */
	uint64_t run_key;
	uint64_t point;
	double compliance[ERB1_SOURCES]; /* V for currents; 0: the plant's default */
};

struct plant_reading {
	double mean; /* SI unit of the detector, averaged over the aperture through the range's one-pole response */
	double rms; /* of white fluctuations of this very reading beyond what the mean already contains: what the
		       board model uses as signal-dependent part of the variance in the aperture */
	double ramp_rms; /* of what the signal itself does in the aperture while a source ramps: also in the variance of the
			    conversions, but no noise of the mean */
};

/* NULL with a message when the configuration is not possible. */
int plant_new(const struct plant_config *config, struct plant **ret, char **ret_message);
struct plant *plant_free(struct plant *plant);
DEFINE_CLEANUP(struct plant *, plant_free, plant_freep);

/* Slow states to the steady state of `c` (called at START and when a source jumps while idle). */
void plant_begin(struct plant *plant, const struct plant_conditions *c);
/* Slow states to c->time_s (not decreasing within a program), with the values of `c` held since the last call. */
void plant_advance(struct plant *plant, const struct plant_conditions *c);

/*
 * One aperture: readings[i] for detectors[i], all physical noise included (shot, RIN, jitter, wavelength log noise;
 * NOT the amplifier's Johnson noise, ADC noise, quantisation, saturation: those are the board's front end).
 * bandwidth_hz[i] is the one-pole bandwidth of the range in use. Sets *ret_flags to ETALON_HW_POINT_MODE_HOP etc.
 */
void plant_point(struct plant *plant, const struct plant_conditions *c, const enum erb1_detector *detectors,
		 const double *bandwidth_hz, size_t count, struct plant_reading *readings, uint32_t *ret_flags);

/* Light leaving by any port, W, for the light log and the safety of tests; includes emitting currents' diodes. */
double plant_port_power(struct plant *plant, const struct plant_conditions *c);
/* Temperature in K, volts and amperes of what is connected to heater or diode n: through plant_point's detectors. */

/* What the device truly is, printed before and stored with a demo: {"device": "add-drop", "resonances":
 * [{"wavelength_nm", "fwhm_pm", "q_loaded", "q_intrinsic", "extinction_db"}...], "fsr_nm": ...}. New reference.
 * For the chip at `temperature_k` within [start_m, stop_m]. */
json_t *plant_truth(const struct plant *plant, double start_m, double stop_m, double temperature_k);
/* Sum of the axis errors of the run (systematic + sweep), m: logged = true + this (+ per-point noise). For tests of the fits. */
double plant_axis_error(const struct plant *plant, uint64_t run_key);

/* Span in which the device is known (a measured file's own); false: everywhere. Outside, no light arrives. */
bool plant_span(const struct plant *plant, double *ret_start_m, double *ret_stop_m);
/* Whether an effect of that name is on: "johnson" and "adc" are the board's to apply. */
bool plant_effect_enabled(const struct plant *plant, const char *effect);
/* True responsivity of detector pd1..pd4 or mon over the nominal one of photodiode.h. */
double plant_responsivity_ratio(const struct plant *plant, enum erb1_detector detector);

/* Faults: no light on one detector; a temperature loop that hunts for ever. */
void plant_set_uncoupled(struct plant *plant, enum erb1_detector detector, bool uncoupled);
void plant_set_tec_unstable(struct plant *plant, bool unstable);

/*
 * Every parameter of this device (NULL: the default device) with its default and range, as a JSON object
 * {"radius_um": {"default", "min", "max"}, ...}. New reference, NULL when there is no such device.
 */
json_t *plant_parameters(const char *device);

#endif
