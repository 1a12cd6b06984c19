// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Keys, defaults and ranges of the reference board's electronics. See erb1_parameters.h.
 */
#include "emulator/erb1_parameters.h"

#include <errno.h>

#include "base/util.h"
#include "emulator/parameters.h"
#include "emulator/trigger.h"

#define P(key, member, scale, value, min, max)                                        \
	{                                                                             \
		key, offsetof(struct erb1_parameters, member), scale, value, min, max \
	}

#define RANGE(prefix, member, ua, ohm, khz, settle_us, aperture_us)               \
	P(prefix "_ua", member.full_scale_a, 1e-6, ua, 1e-4, 1e6),                \
		P(prefix "_ohm", member.transimpedance_ohm, 1, ohm, 1, 1e12),     \
		P(prefix "_khz", member.bandwidth_hz, 1e3, khz, 1e-3, 1e6),       \
		P(prefix "_settle_us", member.settle_s, 1e-6, settle_us, 0, 1e7), \
		P(prefix "_aperture_us", member.aperture_min_s, 1e-6, aperture_us, 1, 1e6)

static const struct parameter erb1_table[] = {
	P("emission_delay_ms", emission_delay_s, 1e-3, 3000, 0, 60000),
	P("watchdog_min_ms", watchdog_min_s, 1e-3, 50, 1, 4000),
	P("watchdog_max_ms", watchdog_max_s, 1e-3, 1000, 1, 4000),
	P("gate_ms", gate_s, 1e-3, 0.8, 0, 1),
	P("gate_shut_db", gate_transmission_db, -1, 75, 60, 120),
	P("laser_off_ms", laser_off_s, 1e-3, 1.2, 0, 1.5),
	P("reset_input", reset_input, 1, 0, 0, 1),
	P("tick_ns", tick_s, 1e-9, 10, 1, 1000),
	P("period_min_us", period_min_s, 1e-6, 10, 2, 1e6),
	P("aperture_min_us", aperture_min_s, 1e-6, 2, 1, 1e6),
	P("list_points_max", list_points_max, 1, 1 << 20, 2, 1 << 20),
	P("fifo_records", fifo_records, 1, 1 << 18, 8, 1 << 20),
	P("trigger_inputs", trigger_inputs, 1, 2, 0, TRIGGER_INPUTS_MAX),
	P("trigger_outputs", trigger_outputs, 1, 2, 0, TRIGGER_OUTPUTS_MAX),
	P("record_rate_max", record_rate_max, 1, 1e6, 1, 1e7),
	P("pcie_record_rate_max", pcie_record_rate_max, 1, 2e5, 1, 1e7),
	P("high_speed_record_rate_max", high_speed_record_rate_max, 1, 8e4, 1, 1e7),
	P("super_speed_record_rate_max", super_speed_record_rate_max, 1, 8e5, 1, 1e7),
	P("laser_min_nm", wavelength_min_m, 1e-9, 1480, 400, 4000),
	P("laser_max_nm", wavelength_max_m, 1e-9, 1640, 400, 4000),
	P("laser_step_pm", wavelength_step_m, 1e-12, 0.1, 0.001, 1000),
	P("laser_settle_ms", wavelength_settle_s, 1e-3, 100, 0, 10000),
	P("sweep_min_nm_s", sweep_min, 1e-9, 0.5, 0.001, 1000),
	P("sweep_max_nm_s", sweep_max, 1e-9, 100, 0.001, 1000),
	P("sweep_default_nm_s", sweep_default, 1e-9, 20, 0.001, 1000),
	P("flyback_nm_s", flyback, 1e-9, 100, 0.001, 10000),
	P("run_in_pm", run_in_m, 1e-12, 90, 0, 1e6),
	P("run_in_ms", run_in_s, 1e-3, 25, 0, 1e4),
	P("power_min_dbm", power_min_dbm, 1, -10, -60, 30),
	P("power_max_dbm", power_max_dbm, 1, 10, -60, 30),
	P("power_settle_ms", power_settle_s, 1e-3, 10, 0, 1e4),
	P("ld_max_ma", ld_max_a, 1e-3, 500, 1, 5000),
	P("ld_step_ua", ld_step_a, 1e-6, 10, 0.001, 1000),
	P("ld_slew_ma_ms", ld_slew, 1, 100, 0.001, 500),
	P("ld_slew_max_ma_ms", ld_slew_max, 1, 500, 250, 1e4),
	P("ld_noise_ua", ld_noise_a, 1e-6, 2, 0, 1000),
	P("ld_compliance_v", ld_compliance_v, 1, 3, 0.1, 20),
	P("ld_compliance_max_v", ld_compliance_max_v, 1, 6, 0.1, 20),
	P("cur_max_ma", cur_max_a, 1e-3, 150, 1, 5000),
	P("cur_step_ua", cur_step_a, 1e-6, 2.5, 0.001, 1000),
	P("cur_slew_ma_ms", cur_slew, 1, 100, 0.001, 150),
	P("cur_slew_max_ma_ms", cur_slew_max, 1, 150, 75, 1e4),
	P("cur_compliance_v", cur_compliance_v, 1, 3, 0.1, 20),
	P("heater_max_v", heater_max_v, 1, 12, 0.1, 60),
	P("heater_step_uv", heater_step_v, 1e-6, 200, 0.001, 1e6),
	P("heater_slew_v_ms", heater_slew, 1e3, 12, 0.001, 1e4),
	P("heater_slew_max_v_ms", heater_slew_max, 1e3, 1200, 0.001, 1e4),
	P("heater_max_ma", heater_max_a, 1e-3, 30, 0.1, 1000),
	P("heater_settle_us", heater_settle_s, 1e-6, 100, 0, 1e6),
	P("bias_min_v", bias_min_v, 1, -10, -100, 0),
	P("bias_max_v", bias_max_v, 1, 5, 0, 100),
	P("bias_step_uv", bias_step_v, 1e-6, 250, 0.001, 1e6),
	P("bias_max_ma", bias_max_a, 1e-3, 10, 0.1, 100),
	P("tec_min_k", tec_min_k, 1, 283.15, 200, 400),
	P("tec_max_k", tec_max_k, 1, 353.15, 200, 400),
	P("tec_step_mk", tec_step_k, 1e-3, 0.1, 0.001, 100),
	P("tec_resolution_noise_mk", tec_noise_k, 1e-3, 2, 0, 1000),
	P("ntc_ohm", ntc_ohm, 1, 10e3, 100, 1e6),
	P("position_max_um", position_max_m, 1e-6, 50, 1, 1e4),
	P("position_step_nm", position_step_m, 1e-9, 1, 1, 1e4),
	P("position_um_s", position_speed, 1e-6, 1000, 1, 1e6),
	P("adc_bits", adc_bits, 1, 18, 8, 22),
	P("adc_noise_steps", adc_noise_steps, 1, 1, 0, 100),
	P("conversion_ns", conversion_s, 1e-9, 1000, 10, 1e6),
	RANGE("pd_r1", pd[0], 2000, 1e3, 200, 50, 2),
	RANGE("pd_r2", pd[1], 100, 20e3, 200, 50, 2),
	RANGE("pd_r3", pd[2], 10, 200e3, 100, 200, 2),
	RANGE("pd_r4", pd[3], 1, 2e6, 20, 1000, 2),
	RANGE("ipd_r1", ipd[0], 10000, 200, 200, 50, 2),
	RANGE("ipd_r2", ipd[1], 100, 20e3, 100, 200, 2),
	RANGE("ipd_r3", ipd[2], 1, 2e6, 20, 1000, 2),
	RANGE("ipd_r4", ipd[3], 0.01, 41e6, 0.5, 10000, 100),
	P("overload_recovery_us", overload_recovery_s, 1e-6, 200, 0, 1e6),
	P("overload_tail_percent", overload_tail, 0.01, 1, 0, 100),
	P("gain_spread_ppm", gain_spread, 1e-6, 1000, 0, 1e5),
	P("offset_spread_steps", offset_spread_steps, 1, 3, 0, 1000),
	P("wlog_step_pm", wlog_step_m, 1e-12, 0.1, 0.001, 100),
};

/* Keys of the plant that the description repeats: read here, checked there. */
static const struct parameter erb1_shared[] = {
	P("wlog_systematic_pm", wlog_systematic_m, 1e-12, 1.7, 0, 1000),
	P("wlog_sweep_pm", wlog_sweep_m, 1e-12, 0.3, 0, 1000),
	P("wlog_point_pm", wlog_point_m, 1e-12, 0.05, 0, 1000),
	P("gas_systematic_pm", gas_systematic_m, 1e-12, 0.2, 0, 1000),
	P("laser_rin_db_per_hz", rin_db_per_hz, 1, -145, -300, -60),
	P("monitor_tap_percent", monitor_tap, 0.01, 1, 0, 100),
	P("pd_responsivity_a_per_w", pd_responsivity, 1, 1, 0.001, 10),
	P("pd_band_edge_pm", pd_band.edge_m, 1e-12, 1646920, 1.2e6, 4e6),
	P("pd_band_softness_pm", pd_band.softness_m, 1e-12, 15000, 5000, 1e6),
};

static bool listed(const struct parameter *table, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (streq(table[i].key, key))
			return true;
	return false;
}

static int check(const struct erb1_parameters *p, bool unsafe_fast_arming, char **ret_message)
{
	if (p->emission_delay_s < ERB1_EMISSION_DELAY_MIN_S && !unsafe_fast_arming)
		return fail(
			ret_message, -EINVAL,
			"emission_delay_ms = %g is below the hardware's minimum of %g; a test that needs less says "
			"--unsafe-fast-arming",
			p->emission_delay_s * 1e3, ERB1_EMISSION_DELAY_MIN_S * 1e3);
	if (p->watchdog_min_s > p->watchdog_max_s || p->wavelength_min_m >= p->wavelength_max_m ||
	    p->sweep_min > p->sweep_max || p->power_min_dbm > p->power_max_dbm ||
	    p->tec_min_k >= p->tec_max_k)
		return fail(
			ret_message, -EINVAL,
			"a minimum (watchdog, laser, sweep, power or tec) is above its maximum");
	return 0;
}

int erb1_parameters_take(json_t *object, bool unsafe_fast_arming, struct erb1_parameters *ret,
			 char **ret_message)
{
	const struct parameter_group groups[] = {
		{erb1_table, ARRAY_SIZE(erb1_table), ret},
		{erb1_shared, ARRAY_SIZE(erb1_shared), ret},
	};
	json_t *own = json_object(), *value;
	const char *key;
	void *next;
	int r;

	memset(ret, 0, sizeof(*ret));
	json_object_foreach_safe(object, next, key, value)
	{
		if (listed(erb1_shared, ARRAY_SIZE(erb1_shared), key))
			json_object_set(own, key, value);
		if (!listed(erb1_table, ARRAY_SIZE(erb1_table), key))
			continue;
		json_object_set(own, key, value);
		json_object_del(object, key);
	}
	r = parameters_read(own, groups, ARRAY_SIZE(groups), NULL, 0, ret_message);
	json_decref(own);
	return r < 0 ? r : check(ret, unsafe_fast_arming, ret_message);
}

void erb1_parameters_print(FILE *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(erb1_table); i++)
		fprintf(f, "  %-24s %-10.8g (%.8g to %.8g)\n", erb1_table[i].key,
			erb1_table[i].value, erb1_table[i].min, erb1_table[i].max);
}
