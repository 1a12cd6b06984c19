// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Description and front end: tables that a host can trust, dark noise of each range as the data
 * sheet says, readings that the calibration block turns back into the truth, saturation and
 * recovery.
 */
#include "board_bench.h"
#include "emulator/board_internal.h"
#include "emulator/effects.h"
#include "emulator/front_end.h"
#include "emulator/photodiode.h"
#include "link/description.h"

static struct front_end prepared(const struct bench *t, unsigned int detector, unsigned int range,
				 uint64_t aperture_ns, bool noise)
{
	const struct etalon_hw_description *d = board_description(t->b);
	const struct etalon_hw_detector *det = bench_detector(t, detector);
	const struct etalon_hw_range *r = bench_range(t, det->range_first + range);
	const struct etalon_hw_calibration_point *c =
		(const void *)((const uint8_t *)d + d->calibration_offset);
	const struct front_end_setup setup = {
		.detector = det,
		.range = r,
		.constants = &c[r->calibration_first],
		.range_number = (uint8_t)range,
		.aperture_ns = aperture_ns,
		.conversion_ns = d->conversion_ns,
		.adc_bits = t->parameters.adc_bits,
		.adc_noise_steps = t->parameters.adc_noise_steps,
		.effects = noise ? UINT32_MAX : ~(uint32_t)(EFFECT_JOHNSON | EFFECT_ADC),
	};
	struct front_end f;

	front_end_prepare(&f, &setup);
	return f;
}

START_TEST(the_description_passes_the_checks_of_the_link)
{
	struct bench *t = bench_open(&(struct bench_options){.seed = (uint64_t)_i});
	const struct etalon_hw_description *h = board_description(t->b);
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(description_parse(h, h->size, &d, &message) == 0, "%s", message);
	ck_assert_str_eq(d->head.model, "ERB-1");
	ck_assert_str_eq(d->head.serial, "BENCH-1");
	ck_assert_uint_eq(d->head.source_count, ERB1_SOURCES);
	ck_assert_uint_eq(d->head.detector_count, ERB1_DETECTORS);
	bench_close(t);
}
END_TEST

static const struct {
	const char *source, *detector;
	int source_number, detector_number;
} names[] = {
	{"laser.wavelength", "pd1", ERB1_LASER_WAVELENGTH, ERB1_PD1},
	{"laser.power", "pd4", ERB1_LASER_POWER, ERB1_PD1 + 3},
	{"gate", "mon", ERB1_GATE, ERB1_MON},
	{"ld1", "wlog", ERB1_LD1, ERB1_WLOG},
	{"cur4", "etalon", ERB1_CUR1 + 3, ERB1_ETALON},
	{"h8", "gas", ERB1_H1 + 7, ERB1_GAS},
	{"bias2", "ipd2", ERB1_BIAS1 + 1, ERB1_IPD1 + 1},
	{"tec1", "ld1.i", ERB1_TEC1, ERB1_LD1_I},
	{"pos_x", "h8.i", ERB1_POS_X, ERB1_H1_V + 15},
	{"pos_y", "tec1.t", ERB1_POS_Y, ERB1_TEC1_T},
};

START_TEST(channels_have_the_names_of_the_reference_board)
{
	struct bench *t = bench_default();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_str_eq(bench_source(t, (unsigned int)names[i].source_number)->name,
				 names[i].source);
		ck_assert_str_eq(bench_detector(t, (unsigned int)names[i].detector_number)->name,
				 names[i].detector);
	}
	bench_close(t);
}
END_TEST

/* reference-board: rms in the dark */
static const struct {
	unsigned int detector, range;
	const char *name;
	uint64_t aperture_ns;
	double rms_a, tolerance;
} darks[] = {
	{ERB1_PD1, 0, "2 mA", 40000, 2.5e-9, 0.03},
	{ERB1_PD1, 1, "100 uA", 40000, 0.16e-9, 0.03},
	{ERB1_PD1 + 3, 2, "10 uA", 40000, 34e-12, 0.03},
	{ERB1_MON, 3, "1 uA", 40000, 10e-12, 0.1},
	{ERB1_IPD1, 3, "10 nA", 20000000, 0.1e-12, 0.05},
};

START_TEST(dark_noise_is_what_the_data_sheet_says)
{
	struct bench *t = bench_default();
	const unsigned int n = darks[_i].detector;
	const struct front_end f = prepared(t, n, darks[_i].range, darks[_i].aperture_ns, true);
	const struct plant_reading dark = {0};
	const double step_a = f.unit_per_step * 1e-15;
	double sum = 0, square = 0;
	const int count = 20000;

	ck_assert_str_eq(bench_range(t, bench_detector(t, n)->range_first + darks[_i].range)->name,
			 darks[_i].name);
	for (int i = 0; i < count; i++) {
		struct etalon_hw_sample s;

		front_end_sample(&f, &dark, (struct noise_key){.seed = 9, .point = (uint64_t)i},
				 &s);
		ck_assert_uint_eq(s.flags, 0);
		sum += s.mean_q8 / 256.0 * step_a;
		square += pow(s.mean_q8 / 256.0 * step_a, 2);
	}
	ck_assert_double_eq_tol(sqrt(square / count - pow(sum / count, 2)) / darks[_i].rms_a, 1,
				darks[_i].tolerance);
	ck_assert_double_eq_tol(f.sigma_mean * step_a / darks[_i].rms_a, 1, darks[_i].tolerance);
	bench_close(t);
}
END_TEST

START_TEST(the_calibration_block_turns_readings_back_into_the_truth)
{
	static const double currents_a[] = {-1e-6, 0, 1.234567e-6, 50e-6, 95e-6};
	struct bench *t = bench_open(&(struct bench_options){.seed = (uint64_t)_i});
	const struct etalon_hw_description *d = board_description(t->b);
	const struct etalon_hw_range *r =
		bench_range(t, bench_detector(t, ERB1_PD1 + 1)->range_first + 1);
	const struct etalon_hw_calibration_point *c =
		(const struct etalon_hw_calibration_point *)(const void *)((const uint8_t *)d +
									   d->calibration_offset) +
		r->calibration_first;
	const struct front_end f = prepared(t, ERB1_PD1 + 1, 1, 40000, false);

	ck_assert_int_ne(c->gain_ppb, 0);
	ck_assert_int_ne(c->offset, 0);
	for (size_t i = 0; i < ARRAY_SIZE(currents_a); i++) {
		const struct plant_reading reading = {.mean = currents_a[i]};
		struct etalon_hw_sample s;
		double read_fa;

		front_end_sample(&f, &reading, (struct noise_key){0}, &s);
		read_fa = s.mean_q8 / 256.0 * (double)r->step_q16 / 65536 + (double)r->offset;
		read_fa = read_fa * (1 + (double)c->gain_ppb * 1e-9) + (double)c->offset;
		/* half of 1/256 step */
		ck_assert_double_eq_tol(read_fa, currents_a[i] * 1e15,
					(double)r->step_q16 / 65536 / 500);
		ck_assert_uint_eq(s.variance_q4, 0);
	}
	bench_close(t);
}
END_TEST

START_TEST(responsivity_is_calibrated_over_the_whole_span)
{
	struct bench *t = bench_default();
	const struct etalon_hw_description *d = board_description(t->b);
	const struct etalon_hw_calibration_point *c =
		(const void *)((const uint8_t *)d + d->calibration_offset);
	const bool monitor = _i;
	const struct etalon_hw_detector *det = bench_detector(t, monitor ? ERB1_MON : ERB1_PD1);

	for (uint32_t k = 0; k < det->range_count; k++) {
		const struct etalon_hw_range *r = bench_range(t, det->range_first + k);

		c = (const struct etalon_hw_calibration_point
			     *)(const void *)((const uint8_t *)d + d->calibration_offset) +
		    r->calibration_first;
		ck_assert_int_le(c[0].wavelength_fm, 1480000000);
		ck_assert_int_ge(c[r->calibration_count - 1].wavelength_fm, 1640000000);
		for (uint32_t i = 0; i < r->calibration_count; i++) {
			const double truth =
				photodiode_response(&t->parameters.pd_band,
						    (double)c[i].wavelength_fm * 1e-15) *
				(monitor ? 0.01 : 1);

			ck_assert_double_eq_tol((double)c[i].responsivity_na_per_w * 1e-9, truth,
						1e-9);
			if (i)
				ck_assert_int_gt(c[i].wavelength_fm, c[i - 1].wavelength_fm);
		}
	}
	bench_close(t);
}
END_TEST

START_TEST(the_description_repeats_what_is_set_of_the_plant)
{
	struct bench *t = bench_open(&(struct bench_options){
		.parameters =
			"{\"wlog_systematic_pm\": 5, \"gas_systematic_pm\": 0.4, \"ntc_ohm\": 5000, "
			"\"wlog_sweep_pm\": 0.5, \"wlog_point_pm\": 0.25, "
			"\"laser_rin_db_per_hz\": -150, \"pd_r2_ua\": 250}"});
	const struct etalon_hw_detector *log = bench_detector(t, ERB1_WLOG);

	ck_assert_int_eq(log->systematic_fm, 5000);
	ck_assert_int_eq(log->sweep_fm, 500);
	ck_assert_int_eq(bench_detector(t, ERB1_GAS)->systematic_fm, 400);
	ck_assert_str_eq(bench_range(t, bench_detector(t, ERB1_TEC1_T)->range_first)->name,
			 "NTC 5 kohm");
	ck_assert_int_eq(log->point_fm, 250);
	ck_assert_int_eq(bench_source(t, ERB1_LASER_POWER)->rin_mdb_per_hz, -150000);
	ck_assert_str_eq(bench_range(t, 1)->name, "250 uA");
	bench_close(t);
}
END_TEST

START_TEST(the_calibration_tells_the_responsivity_that_is_set)
{
	struct bench *t = bench_open(&(struct bench_options){
		.parameters = "{\"pd_responsivity_a_per_w\": 0.8, \"pd_band_edge_pm\": 1700000, "
			      "\"pd_band_softness_pm\": 20000, \"monitor_tap_percent\": 2}"});
	const struct etalon_hw_description *d = board_description(t->b);
	const struct etalon_hw_calibration_point *all =
		(const void *)((const uint8_t *)d + d->calibration_offset);
	const struct photodiode_band band = {.edge_m = 1700e-9, .softness_m = 20e-9};
	const struct {
		unsigned int detector;
		double at_1550;
	} cases[] = {{ERB1_PD1, 0.8}, {ERB1_PD1 + 3, 0.8}, {ERB1_MON, 0.016}};

	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		const struct etalon_hw_range *r =
			bench_range(t, bench_detector(t, cases[k].detector)->range_first);

		for (uint32_t i = 0; i < r->calibration_count; i++) {
			const struct etalon_hw_calibration_point *c =
				&all[r->calibration_first + i];

			ck_assert_double_eq_tol(
				(double)c->responsivity_na_per_w * 1e-9,
				cases[k].at_1550 * photodiode_response(
							   &band, (double)c->wavelength_fm * 1e-15),
				1e-9);
		}
	}
	bench_close(t);
}
END_TEST

START_TEST(every_board_has_its_own_gains_the_same_seed_the_same)
{
	struct bench *a = bench_open(&(struct bench_options){.seed = 1});
	struct bench *b = bench_open(&(struct bench_options){.seed = 1});
	struct bench *c = bench_open(&(struct bench_options){.seed = 2});
	const uint32_t size = board_description(a->b)->size;

	ck_assert_mem_eq(board_description(a->b), board_description(b->b), size);
	ck_assert_uint_ne(board_description(a->b)->crc, board_description(c->b)->crc);
	bench_close(a);
	bench_close(b);
	bench_close(c);
}
END_TEST

START_TEST(the_variance_tells_the_noise_of_one_conversion)
{
	struct bench *t = bench_default();
	const struct front_end f = prepared(t, ERB1_PD1, 1, 4000000, true);
	const double johnson = 0.9072e-12 * sqrt(M_PI / 2 * 200e3) / (f.unit_per_step * 1e-15);
	const double signal = 3; /* steps rms */
	const struct plant_reading reading = {.mean = 10e-6, .rms = signal / f.per_step};
	double sum = 0;

	for (uint64_t i = 0; i < 200; i++) {
		struct etalon_hw_sample s;

		front_end_sample(&f, &reading, (struct noise_key){.seed = 3, .point = i}, &s);
		sum += s.variance_q4 / 16.0;
	}
	ck_assert_double_eq_tol(sum / 200 / (1 + johnson * johnson + signal * signal), 1, 0.02);
	bench_close(t);
}
END_TEST

static const struct {
	double part; /* of full scale */
	bool saturated;
} loads[] = {{-1.2, true},  {-0.9, false},  {0, false}, {0.9, false},
	     {0.99, false}, {1.0005, true}, {5, true}};

START_TEST(a_reading_beyond_full_scale_is_flagged_and_held_at_the_rail)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"gain_spread_ppm\": 0}"});
	const struct front_end f = prepared(t, ERB1_PD1, 1, 40000, true);
	const struct plant_reading reading = {.mean = loads[_i].part * 100e-6};
	struct etalon_hw_sample s;

	front_end_sample(&f, &reading, (struct noise_key){.seed = 1}, &s);
	ck_assert_int_eq(!!(s.flags & ETALON_HW_SAMPLE_SATURATED), loads[_i].saturated);
	ck_assert_int_le(abs(s.mean_q8), 131071 * 256);
	if (fabs(loads[_i].part) > 1.1) {
		ck_assert_int_eq(abs(s.mean_q8), 131071 * 256);
		ck_assert_uint_eq(s.variance_q4, 0);
	}
	bench_close(t);
}
END_TEST

START_TEST(one_saturated_conversion_flags_the_sample)
{
	struct bench *t = bench_open(&(struct bench_options){
		.parameters = "{\"gain_spread_ppm\": 0, \"offset_spread_steps\": 0}"});
	const struct front_end f = prepared(t, ERB1_PD1, 1, 40000, true);
	/* 1.5 of the noise's sigmas below the rail: some of 40 conversions touch it. */
	const double sigma = sqrt(f.variance_conversion);
	const struct plant_reading reading = {.mean = (131071 - 1.5 * sigma) / f.per_step};
	struct etalon_hw_sample s;

	front_end_sample(&f, &reading, (struct noise_key){.seed = 1}, &s);
	ck_assert_uint_eq(s.flags, ETALON_HW_SAMPLE_SATURATED);
	bench_close(t);
}
END_TEST

/* The laser at +10 dBm drives pd1 into saturation on 1 uA; then the gate shuts. */
START_TEST(an_overload_is_followed_by_recovery)
{
	struct bench *t = bench_open(&(struct bench_options){.device = "straight"});
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 2), ERB1_GATE, 1, 0);
	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 20);
	p.detector[0].range = 3;
	p.period_ns = 50000;
	p.delay_ns = 0;
	bench_emit(t);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_POWER, 10000000000000), ETALON_HW_RESULT_OK);
	bench_run(t, &p);
	for (size_t n = 0; n < 20; n++)
		ck_assert_uint_ne(bench_point(t, n)->sample[0].flags & ETALON_HW_SAMPLE_SATURATED,
				  0);
	/* The gate takes 0.8 ms, recovery 0.2 ms: dark points are clean again at once. */
	ck_assert_uint_eq(bench_point(t, 20)->sample[0].flags, 0);
	bench_close(t);
	t = bench_open(&(struct bench_options){.device = "straight",
					       .parameters = "{\"overload_recovery_us\": 1500}"});
	bench_emit(t);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_POWER, 10000000000000), ETALON_HW_RESULT_OK);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_point(t, 20)->sample[0].flags, ETALON_HW_SAMPLE_OVERLOAD_RECOVERY);
	ck_assert_uint_eq(bench_point(t, 39)->sample[0].flags, 0);
	ck_assert_int_gt(bench_point(t, 20)->sample[0].mean_q8,
			 bench_point(t, 39)->sample[0].mean_q8 + 256);
	bench_close(t);
}
END_TEST

/* 5 % of 1 uA at once; of it exp(-5 t / recovery) is left later. */
START_TEST(the_tail_of_an_overload_is_as_set)
{
	static const double tails[] = {0, 1, 5};
	double first[ARRAY_SIZE(tails)];

	for (size_t k = 0; k < ARRAY_SIZE(tails); k++) {
		_cleanup_free_ char *parameters = asprintf_or_null(
			"{\"overload_recovery_us\": 20000, \"overload_tail_percent\": %g}",
			tails[k]);
		struct bench *t = bench_open(&(struct bench_options){
			.device = "straight", .parameters = parameters, .seed = 4});
		struct etalon_hw_program p = bench_program();

		bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 2), ERB1_GATE, 1,
			   0);
		bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 2);
		p.detector[0].range = 3;
		bench_emit(t);
		bench_run(t, &p);
		ck_assert_uint_eq(bench_point(t, 2)->sample[0].flags,
				  ETALON_HW_SAMPLE_OVERLOAD_RECOVERY);
		first[k] = bench_point(t, 2)->sample[0].mean_q8 / 256.0 / 131071;
		bench_close(t);
	}
	/* The gate takes 0.8 of 4 ms, the time constant of the recovery. */
	ck_assert_double_eq_tol(first[1] - first[0], 0.01 * exp(-0.8 / 4), 0.0005);
	ck_assert_double_eq_tol((first[2] - first[0]) / (first[1] - first[0]), 5, 0.01);
}
END_TEST

/* Noise of the amplifier alone, steps, of the mean of 40 us on 100 uA. */
START_TEST(without_bandwidth_the_amplifier_s_noise_is_white)
{
	struct bench *t = bench_open(&(struct bench_options){.disabled = "adc,bandwidth"});
	const struct etalon_hw_detector *d = bench_detector(t, ERB1_PD1);
	struct front_end f = prepared(t, ERB1_PD1, 1, 40000, true);
	const double density = (double)bench_range(t, d->range_first + 1)->noise_density_e3 * 1e-3 /
			       f.unit_per_step;
	const double adc = 1 / sqrt(40.0);

	ck_assert(f.bandwidth_hz > 0);
	reading_prepare(t->b, ERB1_PD1, 1, 40000, &f);
	ck_assert(f.bandwidth_hz == 0);
	ck_assert_double_eq_tol(f.sigma_mean, density / sqrt(2 * 40e-6), 1e-9);
	ck_assert_double_eq_tol(f.variance_conversion, f.sigma_mean * f.sigma_mean, 1e-9);
	ck_assert(prepared(t, ERB1_PD1, 1, 40000, true).sigma_mean < hypot(f.sigma_mean, adc));
	bench_close(t);
}
END_TEST

/* pd1 on 1 uA, 20 kHz, where the laser ramps across a line: what one pole does, or not. */
static void ramp_over_a_line(const char *disabled, double *ret_codes, size_t count)
{
	struct bench *t = bench_open(&(struct bench_options){.disabled = disabled,
							     .parameters = "{\"pd_r4_ua\": 1000}"});
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_RAMP, ETALON_HW_FORWARD, (uint32_t)count),
		   ERB1_LASER_WAVELENGTH, 1549300000, 1549300000 + 4000 * (int64_t)(count - 1));
	p.gate = ETALON_HW_GATE_OPEN;
	p.detector[0].range = 3;
	bench_emit(t);
	bench_run(t, &p);
	for (size_t n = 0; n < count; n++)
		ret_codes[n] = bench_point(t, n)->sample[0].mean_q8 / 256.0;
	bench_close(t);
}

#define QUIET "johnson,adc,shot,rin,jitter,fabry-perot,ripple"

START_TEST(without_bandwidth_a_ramp_is_not_smeared)
{
	enum { COUNT = 60 };
	double smeared[COUNT], sharp[COUNT], steepest = 0;
	const double lag_points = 1 / (2 * M_PI * 20e3) / 100e-6;
	size_t at = 1;

	ramp_over_a_line(QUIET, smeared, COUNT);
	ramp_over_a_line(QUIET ",bandwidth", sharp, COUNT);
	for (size_t n = 1; n + 1 < COUNT; n++)
		if (fabs(sharp[n + 1] - sharp[n - 1]) > steepest) {
			steepest = fabs(sharp[n + 1] - sharp[n - 1]);
			at = n;
		}
	ck_assert(steepest > 100);
	/* One pole delays by its time constant. */
	ck_assert_double_eq_tol((sharp[at] - smeared[at]) / ((sharp[at + 1] - sharp[at - 1]) / 2),
				lag_points, 0.2 * lag_points);
}
END_TEST

START_TEST(without_saturation_a_reading_goes_on_beyond_full_scale)
{
	static const double parts[] = {-40, -1.2, 0.5, 5, 60};
	struct bench *t = bench_open(&(struct bench_options){
		.disabled = "johnson,adc,saturation",
		.parameters = "{\"gain_spread_ppm\": 0, \"offset_spread_steps\": 0}"});
	const struct noise_key key = {.seed = 1};
	struct etalon_hw_sample s;
	struct front_end f;

	reading_prepare(t->b, ERB1_PD1, 1, 40000, &f);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct plant_reading reading = {.mean = parts[i] * 100e-6};

		front_end_sample(&f, &reading, key, &s);
		ck_assert_uint_eq(s.flags, 0);
		ck_assert_double_eq_tol(front_end_value(&f, &s) / (parts[i] * 100e9), 1, 1e-5);
	}
	/* What a record has no room for is not told as if it were true. */
	front_end_sample(&f, &(struct plant_reading){.mean = 100 * 100e-6}, key, &s);
	ck_assert_uint_eq(s.flags, ETALON_HW_SAMPLE_SATURATED);
	ck_assert_int_gt(s.mean_q8, INT32_MAX - 256);
	bench_close(t);
}
END_TEST

START_TEST(without_overload_a_saturated_converter_is_clean_at_once)
{
	struct bench *t = bench_open(&(struct bench_options){
		.device = "straight",
		.disabled = "overload",
		.parameters = "{\"overload_recovery_us\": 20000, \"overload_tail_percent\": 50}"});
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 2), ERB1_GATE, 1, 0);
	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 10);
	p.detector[0].range = 3;
	bench_emit(t);
	bench_run(t, &p);
	for (size_t n = 0; n < 10; n++)
		ck_assert_uint_ne(bench_point(t, n)->sample[0].flags & ETALON_HW_SAMPLE_SATURATED,
				  0);
	for (size_t n = 10; n < 20; n++) {
		ck_assert_uint_eq(bench_point(t, n)->sample[0].flags, 0);
		ck_assert_int_lt(abs(bench_point(t, n)->sample[0].mean_q8), 131072 * 256 / 100);
	}
	bench_close(t);
}
END_TEST

START_TEST(effects_of_the_front_end_can_be_switched_off)
{
	struct bench *t = bench_open(&(struct bench_options){
		.disabled = "johnson,adc,shot,rin,jitter", .device = "straight"});
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 5);
	bench_run(t, &p);
	for (size_t n = 0; n < 5; n++) {
		ck_assert_int_eq(bench_point(t, n)->sample[0].mean_q8,
				 bench_point(t, 0)->sample[0].mean_q8);
		ck_assert_uint_eq(bench_point(t, n)->sample[0].variance_q4, 0);
	}
	bench_close(t);
}
END_TEST

START_TEST(a_heater_beyond_its_current_limit_is_clamped_and_says_so)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	/* 1.2 kohm: 5 mA at 6 V */
	wr64(t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_COMPLIANCE, 5000000000000);
	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 11), ERB1_H1, 0,
		   10000000000);
	p.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_H1_V + 1};
	p.period_ns = MS;
	p.delay_ns = 500000;
	bench_run(t, &p);
	for (size_t n = 0; n < 11; n++) {
		const bool clamped = bench_point(t, n)->flags & ETALON_HW_POINT_CLAMP;

		ck_assert_int_eq(clamped, n > 6);
		if (clamped)
			ck_assert_double_eq_tol(bench_point(t, n)->sample[0].mean_q8 / 256.0 *
							30e-3 / 131072,
						5e-3, 2e-5);
	}
	bench_close(t);
}
END_TEST

START_TEST(a_laser_diode_beyond_its_voltage_limit_says_so)
{
	struct bench *t = bench_open(&(struct bench_options){.device = "laser-diode"});
	struct etalon_hw_program p = bench_program();

	wr64(t, ETALON_REG_SOURCE(ERB1_LD1) + ETALON_SOURCE_COMPLIANCE, 1300000000);
	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 11), ERB1_LD1, 0,
		   500000000000000);
	p.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_LD1_V};
	p.period_ns = 10 * MS;
	p.delay_ns = MS;
	bench_emit(t);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_point(t, 0)->flags & ETALON_HW_POINT_COMPLIANCE, 0);
	ck_assert_uint_ne(bench_point(t, 10)->flags & ETALON_HW_POINT_COMPLIANCE, 0);
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("board front end");
	TCase *c = tcase_create("front end");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, the_description_passes_the_checks_of_the_link, 0, 5);
	tcase_add_test(c, channels_have_the_names_of_the_reference_board);
	tcase_add_loop_test(c, dark_noise_is_what_the_data_sheet_says, 0, ARRAY_SIZE(darks));
	tcase_add_loop_test(c, the_calibration_block_turns_readings_back_into_the_truth, 1, 5);
	tcase_add_loop_test(c, responsivity_is_calibrated_over_the_whole_span, 0, 2);
	tcase_add_test(c, the_description_repeats_what_is_set_of_the_plant);
	tcase_add_test(c, the_calibration_tells_the_responsivity_that_is_set);
	tcase_add_test(c, every_board_has_its_own_gains_the_same_seed_the_same);
	tcase_add_test(c, the_variance_tells_the_noise_of_one_conversion);
	tcase_add_loop_test(c, a_reading_beyond_full_scale_is_flagged_and_held_at_the_rail, 0,
			    ARRAY_SIZE(loads));
	tcase_add_test(c, one_saturated_conversion_flags_the_sample);
	tcase_add_test(c, an_overload_is_followed_by_recovery);
	tcase_add_test(c, the_tail_of_an_overload_is_as_set);
	tcase_add_test(c, without_bandwidth_the_amplifier_s_noise_is_white);
	tcase_add_test(c, without_bandwidth_a_ramp_is_not_smeared);
	tcase_add_test(c, without_saturation_a_reading_goes_on_beyond_full_scale);
	tcase_add_test(c, without_overload_a_saturated_converter_is_clean_at_once);
	tcase_add_test(c, effects_of_the_front_end_can_be_switched_off);
	tcase_add_test(c, a_heater_beyond_its_current_limit_is_clamped_and_says_so);
	tcase_add_test(c, a_laser_diode_beyond_its_voltage_limit_says_so);
	suite_add_tcase(s, c);
	return run_suite(s);
}
