// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Switches, keys and configuration of the plant: an effect that is off is exactly absent, a point
 * is a pure function of its key, and what is not possible is refused with what is.
 */
#include "plant_bench.h"

static const enum erb1_detector everything[] = {
	BENCH_PD(1), BENCH_PD(2),
	BENCH_PD(3), BENCH_PD(4),
	ERB1_MON,    ERB1_WLOG,
	ERB1_ETALON, ERB1_GAS,
	ERB1_IPD1,   (enum erb1_detector)(ERB1_IPD1 + 1),
	ERB1_LD1_V,  ERB1_LD1_I,
	ERB1_H1_V,   (enum erb1_detector)(ERB1_H1_V + 1),
	ERB1_TEC1_T,
};
#define EVERYTHING ARRAY_SIZE(everything)

static const char *const devices[] = {"add-drop",    "all-pass",   "mzi",   "straight",
				      "laser-diode", "photodiode", "heater"};

static void read_all_detectors(struct plant *plant, const struct plant_conditions *c,
			       struct plant_reading *ret, uint32_t *ret_flags)
{
	static const double bandwidth[] = {200e3, 200e3, 20e3,	200e3, 100e3, 200e3, 200e3, 200e3,
					   20e3,  20e3,	 100e3, 100e3, 100e3, 100e3, 10};

	_Static_assert(ARRAY_SIZE(bandwidth) == EVERYTHING, "one bandwidth each");
	plant_point(plant, c, everything, bandwidth, EVERYTHING, ret, ret_flags);
}

static struct plant_conditions busy(uint64_t point)
{
	struct plant_conditions c = bench_conditions();

	c.point = point;
	c.time_s = 50e-6 * (double)point + 25e-6;
	c.value[ERB1_LASER_WAVELENGTH] = 1549.35e-9 + 1e-12 * (double)point;
	c.slope[ERB1_LASER_WAVELENGTH] = 20e-9;
	c.value[ERB1_LD1] = 0.03;
	c.value[ERB1_H1] = 0.4;
	c.value[ERB1_H1 + 1] = 3;
	c.value[ERB1_BIAS1] = -2;
	c.value[ERB1_POS_X] = 1e-6;
	return c;
}

/* ---- keys ---- */

START_TEST(same_seed_and_program_repeat_bit_for_bit_in_any_order)
{
	_cleanup_(plant_freep) struct plant *a = bench_plant(devices[_i], NULL, NULL, 42);
	_cleanup_(plant_freep) struct plant *b = bench_plant(devices[_i], NULL, NULL, 42);
	struct plant_reading forward[100][EVERYTHING], backward[EVERYTHING];
	struct plant_conditions c = busy(0);
	uint32_t flags[100], flag;

	plant_begin(a, &c);
	plant_begin(b, &c);
	for (uint64_t i = 0; i < 100; i++) {
		c = busy(i);
		read_all_detectors(a, &c, forward[i], &flags[i]);
	}
	/* The other way round, with other programs and speeds between */
	for (uint64_t i = 100; i-- > 0;) {
		c = busy(i);
		c.run_key = 99;
		c.slope[ERB1_LASER_WAVELENGTH] = 1e-9 * (double)i;
		read_all_detectors(b, &c, backward, &flag);
		c = busy(i);
		read_all_detectors(b, &c, backward, &flag);
		ck_assert_mem_eq(forward[i], backward, sizeof(backward));
		ck_assert_uint_eq(flags[i], flag);
	}
}
END_TEST

START_TEST(seed_program_and_point_each_give_other_noise)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant("straight", NULL, NULL, 1);
	_cleanup_(plant_freep) struct plant *other = bench_plant("straight", NULL, NULL, 2);
	struct plant_conditions c = bench_conditions();
	double first = bench_mean(plant, &c, BENCH_PD(1));

	ck_assert(bench_mean(other, &c, BENCH_PD(1)) != first);
	c.run_key = 2;
	ck_assert(bench_mean(plant, &c, BENCH_PD(1)) != first);
	c.run_key = 1;
	c.point = 1;
	ck_assert(bench_mean(plant, &c, BENCH_PD(1)) != first);
	c.point = 0;
	ck_assert(bench_mean(plant, &c, BENCH_PD(1)) == first);
}
END_TEST

/* ---- switches ---- */

static const struct {
	const char *effect;
	const char *device;
	const char
		*parameters; /* that make the effect nothing: must equal the effect switched off */
	const char *strong; /* parameters under which the effect must show */
	enum erb1_detector shows;
} switches[] = {
	{"rin", "straight", NULL, "{\"laser_rin_db_per_hz\": -100}", BENCH_PD(1)},
	{"shot", "straight", NULL, "{}", BENCH_PD(1)},
	{"jitter", "add-drop", "{\"laser_sweep_jitter_pm\": 0, \"laser_point_jitter_pm\": 0}", "{}",
	 ERB1_WLOG},
	{"tuning", "add-drop", "{\"laser_tuning_offset_pm\": 0, \"laser_tuning_smooth_pm\": 0}",
	 "{}", ERB1_WLOG},
	{"ripple", "straight",
	 "{\"laser_flatness_db\": 0, \"laser_ripple_db\": 0, \"laser_repeatability_db\": 0}", "{}",
	 ERB1_MON},
	{"fabry-perot", "straight", "{\"fabry_perot_db\": 0}", "{}", BENCH_PD(1)},
	{"envelope", "straight", NULL, "{}", BENCH_PD(1)},
	{"wlog-noise", "add-drop", "{\"wlog_point_pm\": 0}", "{}", ERB1_WLOG},
	{"wlog-sweep", "add-drop", "{\"wlog_sweep_pm\": 0}", "{}", ERB1_WLOG},
	{"wlog-systematic", "add-drop", "{\"wlog_systematic_pm\": 0}", "{}", ERB1_WLOG},
	{"ase", "add-drop", NULL, "{}", BENCH_PD(1)},
	{"mode-hops", "add-drop", "{\"mode_hops_per_nm\": 0}",
	 "{\"mode_hops_per_nm\": 1, \"mode_hop_span_pm\": 1000}", ERB1_WLOG},
	{"gas-systematic", "add-drop", "{\"gas_systematic_pm\": 0}", "{}", ERB1_GAS},
	{"tec-noise", "add-drop", "{\"tec_noise_mk\": 0}", "{}", ERB1_TEC1_T},
	{"crosstalk", "add-drop", "{\"heater_crosstalk\": 0}", "{}", BENCH_PD(1)},
	{"source-noise", "laser-diode", "{\"noise_ua\": 0}", "{}", ERB1_LD1_I},
	{"rollover", "laser-diode", "{\"thermal_k_per_w\": 0}", "{}", BENCH_PD(1)},
	{"t0", "laser-diode", NULL, "{}", BENCH_PD(1)},
	{"t1", "laser-diode", NULL, "{}", BENCH_PD(1)},
	{"series-resistance", "laser-diode", NULL, "{}", ERB1_LD1_V},
};

/*
 * Whether two plants read the same everywhere, to the last bit; *ret_shows: whether one detector's
 * mean differs.
 */
static bool same(struct plant *a, struct plant *b, enum erb1_detector detector, bool *ret_shows)
{
	struct plant_reading ra[EVERYTHING], rb[EVERYTHING];
	struct plant_conditions c = busy(0);
	bool equal = true;
	uint32_t fa, fb;

	*ret_shows = false;
	plant_begin(a, &c);
	plant_begin(b, &c);
	for (uint64_t i = 0; i < 200; i++) {
		c = busy(i * 5);
		read_all_detectors(a, &c, ra, &fa);
		read_all_detectors(b, &c, rb, &fb);
		equal = equal && memcmp(ra, rb, sizeof(ra)) == 0 && fa == fb;
		for (size_t k = 0; k < EVERYTHING; k++)
			if (everything[k] == detector)
				*ret_shows = *ret_shows || ra[k].mean != rb[k].mean;
	}
	return equal;
}

START_TEST(effect_that_is_off_is_exactly_absent)
{
	const char *name = switches[_i].effect;
	_cleanup_(plant_freep) struct plant *on =
		bench_plant(switches[_i].device, switches[_i].strong, NULL, 7);
	_cleanup_(plant_freep) struct plant *off =
		bench_plant(switches[_i].device, switches[_i].strong, name, 7);
	bool shows;

	ck_assert(plant_effect_enabled(on, name));
	ck_assert(!plant_effect_enabled(off, name));
	same(on, off, switches[_i].shows, &shows);
	if (!shows)
		ck_abort_msg("%s off or on makes no difference", name);
	if (switches[_i].parameters) {
		_cleanup_(plant_freep) struct plant *none =
			bench_plant(switches[_i].device, switches[_i].parameters, NULL, 7);
		_cleanup_(plant_freep) struct plant *without =
			bench_plant(switches[_i].device, NULL, name, 7);

		if (!same(none, without, switches[_i].shows, &shows))
			ck_abort_msg("%s off is not the same as none of it", name);
	}
}
END_TEST

START_TEST(without_any_effect_light_is_the_plain_product)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(
		"straight", "{\"length_mm\": 0, \"pd_gain_error_percent\": 0, \"pd_dark_na\": 0}",
		BENCH_ALL, 3);
	struct plant_conditions c = bench_conditions();
	struct plant_reading r;

	for (c.point = 0; c.point < 100; c.point++) {
		c.run_key = c.point;
		r = bench_read(plant, &c, BENCH_PD(1), 200e3);
		ck_assert_near(r.mean, 1e-3 * pow(10, -1.2), 1e-18);
		ck_assert(r.rms == 0 && r.ramp_rms == 0);
		ck_assert_near(bench_mean(plant, &c, ERB1_MON), 10e-6, 1e-19);
		ck_assert(bench_mean(plant, &c, ERB1_WLOG) == 1550e-9);
	}
}
END_TEST

START_TEST(unknown_effect_is_refused_with_those_that_exist)
{
	_cleanup_free_ char *message = NULL;

	ck_assert_ptr_null(bench_try(NULL, NULL, NULL, "rin,shott", 1, &message));
	ck_assert_ptr_nonnull(strstr(message, "'shott'"));
	ck_assert_ptr_nonnull(strstr(message, "rin, shot, jitter"));
}
END_TEST

/* ---- light on and off ---- */

START_TEST(light_ends_with_emission_gate_and_coupling)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant("straight", NULL, BENCH_ALL, 1);
	struct plant_conditions c = bench_conditions();
	double dark, open;

	open = bench_mean(plant, &c, BENCH_PD(1));
	c.emitting = false;
	dark = bench_mean(plant, &c, BENCH_PD(1));
	ck_assert_near(dark, 0.5e-9, 1e-18);
	ck_assert(bench_mean(plant, &c, ERB1_WLOG) == 0);
	ck_assert_uint_eq(bench_flags(plant, &c), ETALON_HW_POINT_WAVELENGTH_INVALID);
	/*
	 * The gate is in front of the port: chip and monitor go dark, the wavelength is still
	 * logged
	 */
	c.emitting = true;
	c.gate = 1e-6;
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)) - dark, (open - dark) * 1e-6, 1e-16);
	ck_assert_near(bench_mean(plant, &c, ERB1_MON),
		       dark + 10e-6 * 1e-6 * plant_responsivity_ratio(plant, ERB1_MON), 1e-16);
	ck_assert(bench_mean(plant, &c, ERB1_WLOG) == 1550e-9);
	ck_assert(bench_mean(plant, &c, ERB1_ETALON) > dark);
	ck_assert_uint_eq(bench_flags(plant, &c), 0);
	c.gate = 1;
	plant_set_uncoupled(plant, BENCH_PD(1), true);
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)), dark, 0);
	ck_assert(bench_mean(plant, &c, ERB1_MON) > 9e-6);
	plant_set_uncoupled(plant, BENCH_PD(1), false);
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)), open, 0);
}
END_TEST

START_TEST(ports_go_where_the_parameters_say)
{
	_cleanup_(plant_freep) struct plant *plain = bench_plant("add-drop", NULL, BENCH_ALL, 1);
	_cleanup_(plant_freep) struct plant *moved = bench_plant(
		"add-drop", "{\"pd1\": \"none\", \"pd2\": \"through\", \"pd4\": \"drop\"}",
		BENCH_ALL, 1);
	struct plant_conditions c = bench_conditions();
	double through, drop;

	c.value[ERB1_LASER_WAVELENGTH] = 1549.41e-9;
	through = bench_mean(plain, &c, BENCH_PD(1)) - 0.5e-9;
	drop = bench_mean(plain, &c, BENCH_PD(2)) - 0.5e-9;
	ck_assert_near(bench_mean(moved, &c, BENCH_PD(1)), 0.5e-9, 1e-18);
	ck_assert_near((bench_mean(moved, &c, BENCH_PD(2)) - 0.5e-9) / through, 1, 0.02);
	ck_assert_near((bench_mean(moved, &c, BENCH_PD(4)) - 0.5e-9) / drop, 1, 0.02);
	ck_assert_near(bench_mean(plain, &c, BENCH_PD(3)), 0.5e-9, 1e-18);
	/* Each channel has a small gain error of its own */
	ck_assert(plant_responsivity_ratio(plain, BENCH_PD(1)) !=
		  plant_responsivity_ratio(plain, BENCH_PD(2)));
	ck_assert_near(plant_responsivity_ratio(plain, BENCH_PD(1)), 1, 0.02);
	ck_assert(plant_responsivity_ratio(plain, ERB1_WLOG) == 1);
}
END_TEST

START_TEST(mode_hops_are_flagged_and_shift_the_wavelength)
{
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("add-drop", "{\"mode_hops_per_nm\": 0.2}",
			    "jitter,tuning,wlog-noise,wlog-sweep,wlog-systematic", 5);
	struct plant_conditions c = bench_conditions();
	int hopped = 0, upward = 0;

	for (double nm = 1500; nm < 1600; nm += 0.005) {
		double error;

		c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
		error = bench_mean(plant, &c, ERB1_WLOG) - nm * 1e-9;
		if (bench_flags(plant, &c) & ETALON_HW_POINT_MODE_HOP) {
			ck_assert_near(fabs(error), 8e-12, 1e-18);
			hopped++;
			upward += error > 0;
		} else {
			ck_assert_near(error, 0, 1e-18);
		}
	}
	/* About 20 of 100 nm have one, 50 pm wide */
	ck_assert_int_ge(hopped, 8 * 10);
	ck_assert_int_le(hopped, 35 * 10);
	ck_assert_int_gt(upward, 0);
	ck_assert_int_lt(upward, hopped);
}
END_TEST

/* ---- configuration ---- */

static const struct {
	const char *device;
	const char *channel;
	const char *parameters;
	const char *message[3]; /* must be in it */
} refused[] = {
	{"add-drop", NULL, "{\"radius\": 40}", {"'radius'", "radius_um", "coupling_drop"}},
	{"all-pass",
	 NULL,
	 "{\"coupling_drop\": 0.1}",
	 {"'coupling_drop'", "radius_um", "laser_rin_db_per_hz"}},
	{"mzi", NULL, "{\"radius_um\": 4}", {"'radius_um'", "fsr_nm", "pd1"}},
	{"add-drop", NULL, "{\"radius_um\": \"40\"}", {"radius_um", "number", "1 to 10000"}},
	{"add-drop", NULL, "{\"radius_um\": 0}", {"radius_um = 0", "1 to 10000", "default 40"}},
	{"add-drop", NULL, "{\"pd1\": \"cross\"}", {"pd1", "\"through\", \"drop\", \"none\"", ""}},
	{"add-drop", NULL, "{\"pd1\": 1}", {"pd1", "\"through\", \"drop\", \"none\"", ""}},
	{"add-drop", NULL, "[1]", {"JSON object", "", ""}},
	{"add-drop", NULL, "{\"laser_span_start_nm\": 1650}", {"laser_span_stop_nm", "1650", ""}},
	{"add-drop", "channel_1", NULL, {"add-drop", "channel", "measured file"}},
	{"ring", NULL, NULL, {"'ring'", "add-drop, all-pass", "file"}},
	{"/", NULL, NULL, {"/", "", ""}},
};

START_TEST(impossible_configuration_is_refused_with_what_is_allowed)
{
	_cleanup_free_ char *message = NULL;

	ck_assert_ptr_null(bench_try(refused[_i].device, refused[_i].channel,
				     refused[_i].parameters, NULL, 1, &message));
	ck_assert_ptr_nonnull(message);
	for (size_t k = 0; k < ARRAY_SIZE(refused[_i].message); k++)
		if (!strstr(message, refused[_i].message[k]))
			ck_abort_msg("message '%s' without '%s'", message, refused[_i].message[k]);
}
END_TEST

START_TEST(every_parameter_has_a_default_that_is_allowed_and_takes_its_limits)
{
	json_t *all = plant_parameters(devices[_i]), *entry;
	const char *key;

	ck_assert_ptr_nonnull(all);
	json_object_foreach(all, key, entry) {
		double value = bench_number(entry, "default");

		ck_assert(value >= bench_number(entry, "min") &&
			  value <= bench_number(entry, "max"));
		for (int limit = 0; limit < 2; limit++) {
			_cleanup_free_ char *parameters = asprintf_or_null(
				"{\"%s\": %.17g}", key, bench_number(entry, limit ? "max" : "min"));
			_cleanup_free_ char *message = NULL;
			_cleanup_(plant_freep) struct plant *plant =
				bench_try(devices[_i], NULL, parameters, NULL, 1, &message);
			struct plant_reading readings[EVERYTHING];
			struct plant_conditions c = busy(3);
			uint32_t flags;

			/* The laser's span alone can contradict itself */
			if (!plant && strstr(message, "laser_span"))
				continue;
			ck_assert_ptr_nonnull(plant);
			plant_begin(plant, &c);
			read_all_detectors(plant, &c, readings, &flags);
			for (size_t k = 0; k < EVERYTHING; k++)
				if (!isfinite(readings[k].mean) || !isfinite(readings[k].rms) ||
				    !isfinite(readings[k].ramp_rms))
					ck_abort_msg("%s: detector %d is not finite", parameters,
						     (int)everything[k]);
		}
	}
	json_decref(all);
	ck_assert_ptr_null(plant_parameters("no such device"));
}
END_TEST

static Suite *effects_suite(void)
{
	Suite *s = suite_create("plant effects");
	TCase *t = tcase_create("effects");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, same_seed_and_program_repeat_bit_for_bit_in_any_order, 0,
			    ARRAY_SIZE(devices));
	tcase_add_test(t, seed_program_and_point_each_give_other_noise);
	tcase_add_loop_test(t, effect_that_is_off_is_exactly_absent, 0, ARRAY_SIZE(switches));
	tcase_add_test(t, without_any_effect_light_is_the_plain_product);
	tcase_add_test(t, unknown_effect_is_refused_with_those_that_exist);
	tcase_add_test(t, light_ends_with_emission_gate_and_coupling);
	tcase_add_test(t, ports_go_where_the_parameters_say);
	tcase_add_test(t, mode_hops_are_flagged_and_shift_the_wavelength);
	tcase_add_loop_test(t, impossible_configuration_is_refused_with_what_is_allowed, 0,
			    ARRAY_SIZE(refused));
	tcase_add_loop_test(t, every_parameter_has_a_default_that_is_allowed_and_takes_its_limits,
			    0, ARRAY_SIZE(devices));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(effects_suite());
}
