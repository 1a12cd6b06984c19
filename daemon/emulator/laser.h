/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tunable laser: what comes out for what is commanded, and the instruments that watch its
 * wavelength (log, fibre interferometer, gas cell). Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_LASER_H
#define ETALON_EMULATOR_LASER_H

#include <stdbool.h>
#include <stdint.h>

#include "emulator/logarithm.h"
#include "emulator/parameters.h"

#define LASER_WAVES 3 /* cosines that make a smooth random curve */
#define GAS_LINES 53

struct laser_config {
	double offset_m; /* of the tuning error, +- */
	double smooth_m; /* of the tuning error, +- */
	double sweep_jitter_m; /* sigma from sweep to sweep */
	double point_jitter_m; /* sigma from point to point */
	double flatness_db; /* +- */
	double ripple_db; /* peak to peak */
	double ripple_period_m;
	double repeatability_db; /* sigma from sweep to sweep */
	double rin_db_per_hz;
	double ase_db; /* total, below the line */
	double hops_per_m; /* mode hops; 0: none */
	double hop_m; /* how far a hop jumps */
	double hop_span_m; /* commanded distance until the laser hops back */
	double span_start_m; /* where spontaneous emission is */
	double span_stop_m;
	double wlog_systematic_m; /* sigmas */
	double wlog_sweep_m;
	double wlog_point_m;
	double etalon_a; /* photocurrent at 0 dBm at the port, at a maximum */
	double etalon_fsr_m; /* at the reference wavelength */
	double etalon_visibility;
	double gas_a; /* photocurrent at 0 dBm at the port, beside the lines */
	double gas_depth; /* of the strongest line */
	double gas_width_m; /* FWHM */
	double gas_systematic_m; /* sigma, common to all lines of a cell */
};

struct wave {
	double amplitude;
	double per_m; /* rad/m */
	double phase;
};

struct gas_line {
	double wavelength_m;
	double absorbance; /* at its centre */
};

/* Drawn once for each program. */
struct laser_sweep {
	uint64_t run_key;
	bool valid;
	double wavelength_m; /* common shift */
	double gain; /* of power */
	double wlog_m; /* error of the wavelength log, systematic part included */
};

struct laser {
	struct laser_config config;
	uint64_t seed;
	uint32_t effects;
	double tuning_offset_m;
	struct wave tuning[LASER_WAVES];
	struct wave flatness[LASER_WAVES];
	struct wave ripple; /* in neper; periodic in 1/wavelength, per_m in rad m */
	double rin_per_hz;
	double ase;
	double wlog_systematic_m;
	double etalon_path_m; /* optical path difference times 2 pi */
	double etalon_phase;
	struct gas_line gas[GAS_LINES];
	double gas_systematic_m;
	struct laser_sweep sweep;
};

/* The line during one aperture. */
struct laser_line {
	double wavelength_m; /* true, at the aperture's centre */
	double slope_m_per_s; /* true */
	double commanded_m;
	double shift_m; /* of the true wavelength, all but the smooth tuning error */
	double power_w; /* at the port, flatness and ripple apart */
	bool hopped;
};

/* Lines of which the strongest absorbs `depth` of the light. */
void gas_init(struct gas_line *lines, double depth);
double gas_transmission(const struct gas_line *lines, double width_m, double wavelength_m);

extern const struct parameter laser_parameters[];
extern const size_t laser_parameter_count;

/* Draws what belongs to the board from its seed. `laser->config` is filled. */
void laser_init(struct laser *laser, uint64_t seed, uint32_t effects);
void laser_line(struct laser *laser, uint64_t run_key, uint64_t point, double commanded_m,
		double slope_m_per_s, double power_w, struct laser_line *ret);
/* True wavelength when the commanded one is `distance_m` from that of the line. */
double laser_line_at(const struct laser *laser, const struct laser_line *line, double distance_m);
/* Logarithm of the power's smooth deviation around a wavelength. */
struct log_parabola laser_flatness(const struct laser *laser, double wavelength_m);
/* Repeatability and shift of a program; stays valid until the next call. */
const struct laser_sweep *laser_sweep(struct laser *laser, uint64_t run_key);

/* Width of the narrowest of ripple, interferometer fringe and gas line, as a Lorentzian's. */
double laser_feature_m(const struct laser *laser);
/* Logarithm of the ripple of the power at a wavelength. */
double laser_ripple(const struct laser *laser, double wavelength_m);
/* Photocurrents per watt at the port. */
double laser_etalon(const struct laser *laser, double wavelength_m);
double laser_gas(const struct laser *laser, double wavelength_m);
/* Error of the wavelength log that all points of a program share, m. */
double laser_log_error(const struct laser *laser, uint64_t run_key);
#endif
