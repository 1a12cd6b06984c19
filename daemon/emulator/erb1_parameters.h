/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of the emulated reference board that belong to its electronics, not to its
 * plant: limits, speeds, ranges, timing. SI units. Layer: emulator.
 */
#ifndef ETALON_EMULATOR_ERB1_PARAMETERS_H
#define ETALON_EMULATOR_ERB1_PARAMETERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "emulator/photodiode.h"

#define ERB1_RANGES 4 /* of a photocurrent detector */
#define ERB1_EMISSION_DELAY_MIN_S 2.0 /* what the hardware would insist on */

struct erb1_range_parameters {
	double full_scale_a;
	double transimpedance_ohm; /* its Johnson noise is the noise of the range */
	double bandwidth_hz;
	double settle_s;
	double aperture_min_s;
};

struct erb1_parameters {
	/* safety and timing */
	double emission_delay_s, watchdog_min_s, watchdog_max_s;
	double gate_s, gate_transmission_db, laser_off_s;
	double reset_input; /* 1: key and interlock trips need a local act */
	double tick_s, period_min_s, aperture_min_s;
	double list_points_max, fifo_records;
	double trigger_inputs, trigger_outputs;
	double record_rate_max, pcie_record_rate_max; /* of the USB framing, of PCIe */
	/* Of USB: 40 and 400 MB/s, filled with the largest records. */
	double high_speed_record_rate_max, super_speed_record_rate_max;
	/* laser */
	double wavelength_min_m, wavelength_max_m, wavelength_step_m, wavelength_settle_s;
	double sweep_min, sweep_max, sweep_default, flyback; /* m/s */
	double run_in_m, run_in_s;
	double power_min_dbm, power_max_dbm, power_settle_s, rin_db_per_hz;
	/* currents, heaters, bias, temperature, position */
	double ld_max_a, ld_step_a, ld_slew, ld_slew_max, ld_noise_a, ld_compliance_v,
		ld_compliance_max_v;
	double cur_max_a, cur_step_a, cur_slew, cur_slew_max, cur_compliance_v;
	double heater_max_v, heater_step_v, heater_slew, heater_slew_max, heater_max_a,
		heater_settle_s;
	double bias_min_v, bias_max_v, bias_step_v, bias_max_a;
	double tec_min_k, tec_max_k, tec_step_k, tec_noise_k, ntc_ohm;
	double position_max_m, position_step_m, position_speed;
	/* detectors */
	double adc_bits, adc_noise_steps, conversion_s;
	struct erb1_range_parameters pd[ERB1_RANGES], ipd[ERB1_RANGES];
	double overload_recovery_s;
	double overload_tail; /* of full scale, right after an overload */
	double gain_spread, offset_spread_steps; /* rms of the factory's constants */
	double monitor_tap;
	double pd_responsivity; /* A/W at 1550 nm */
	struct photodiode_band pd_band;
	double wlog_step_m, wlog_systematic_m, wlog_sweep_m, wlog_point_m;
	double gas_systematic_m;
};

/*
 * Defaults, then what `object` says of the keys known here; those keys leave the object, the rest is
 * for the plant. An emission delay below the hardware's minimum only if `unsafe_fast_arming`.
 */
int erb1_parameters_take(json_t *object, bool unsafe_fast_arming, struct erb1_parameters *ret,
			 char **ret_message);

/* One line for each key with default and range, for --help. */
void erb1_parameters_print(FILE *f);

#endif
