// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A measured spectrum as the device: its own grid and span, linear in power, nothing beyond. The
 * spectra beside the checkout are each tried; where they are absent that is said and counted.
 */
#include <stdio.h>
#include <unistd.h>

#include "emulator/photodiode.h"
#include "plant_bench.h"

#define BARE "{\"pd_dark_na\": 0, \"pd_gain_error_percent\": 0}"

struct file {
	char path[64];
};

static void file_remove(struct file *file)
{
	unlink(file->path);
}

static struct file file_with(const char *text)
{
	struct file file = {"/tmp/etalon-spectrum-XXXXXX"};
	int fd = mkstemp(file.path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
	close(fd);
	return file;
}

static double transmission(struct plant *plant, double wavelength_m, int pd)
{
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_LASER_WAVELENGTH] = wavelength_m;
	return bench_mean(plant, &c, BENCH_PD(pd)) / (1e-3 * bench_responsivity(wavelength_m));
}

static const char steps[] = "\"wavelength, nm\",\"one, dBm\",\"two, dBm\"\n"
			    "1550.000,-10,-40\n"
			    "1550.010,-20,-30\n"
			    "1550.030,-10,-40\n"
			    "1550.040,-13.0103,-40\n";

START_TEST(power_is_linear_between_the_file_s_points)
{
	_cleanup_(file_remove) struct file file = file_with(steps);
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, NULL,
			  "{\"pd2\": \"two\", \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0}",
			  BENCH_ALL, 1, NULL);

	ck_assert_ptr_nonnull(plant);
	ck_assert_near(transmission(plant, 1550.000e-9, 1), 0.1, 1e-9);
	ck_assert_near(transmission(plant, 1550.005e-9, 1), 0.055, 1e-9);
	ck_assert_near(transmission(plant, 1550.010e-9, 1), 0.01, 1e-9);
	ck_assert_near(transmission(plant, 1550.025e-9, 1), 0.0775, 1e-9);
	ck_assert_near(transmission(plant, 1550.040e-9, 1), 0.05, 1e-8);
	ck_assert_near(transmission(plant, 1550.005e-9, 2), 0.00055, 1e-9);
	ck_assert_near(transmission(plant, 1550.005e-9, 3), 0, 0);
}
END_TEST

START_TEST(nothing_is_known_or_seen_outside_the_file_s_span)
{
	_cleanup_(file_remove) struct file file = file_with(steps);
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, NULL, BARE, BENCH_ALL, 1, NULL);
	_cleanup_(plant_freep) struct plant *ring = bench_plant(NULL, NULL, NULL, 1);
	json_t *truth = plant_truth(plant, 1540e-9, 1560e-9, 298.15);
	double start = 0, stop = 0;

	ck_assert(plant_span(plant, &start, &stop));
	ck_assert_near(start, 1550.000e-9, 1e-18);
	ck_assert_near(stop, 1550.040e-9, 1e-18);
	ck_assert(!plant_span(ring, &start, &stop));
	ck_assert_near(transmission(plant, 1549.9999e-9, 1), 0, 0);
	ck_assert_near(transmission(plant, 1550.0401e-9, 1), 0, 0);
	ck_assert_str_eq(json_string_value(json_object_get(truth, "device")), "file");
	ck_assert_int_eq(json_integer_value(json_object_get(truth, "points")), 4);
	ck_assert_near(bench_number(truth, "start_nm"), 1550.000, 1e-9);
	ck_assert_near(bench_number(truth, "stop_nm"), 1550.040, 1e-9);
	ck_assert_ptr_null(json_object_get(truth, "resonances"));
	json_decref(truth);
}
END_TEST

START_TEST(empty_fields_and_repeated_wavelengths_have_a_meaning)
{
	_cleanup_(file_remove) struct file file = file_with("\"wavelength, nm\",\"p, dBm\"\n"
							    "1550.00,-10\n"
							    "1550.01,\n"
							    "1550.02,-10\n"
							    "1550.02,-20\n");
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, "p", BARE, BENCH_ALL, 1, NULL);

	ck_assert_ptr_nonnull(plant);
	/* A power that was not positive is none */
	ck_assert_near(transmission(plant, 1550.01e-9, 1), 0, 1e-9);
	ck_assert_near(transmission(plant, 1550.02e-9, 1), 0.055, 1e-9);
}
END_TEST

START_TEST(power_in_watts_is_what_became_of_0_dbm)
{
	/* As this project's own exports have it: dBm is a view beside it, empty where there is none. */
	_cleanup_(file_remove) struct file file =
		file_with("\"wavelength, nm\",\"through, W\",\"through, dBm\",\"drop, uW\"\n"
			  "1550.00,1e-4,-10,5\n"
			  "1550.01,-2e-9,,10\n"
			  "1550.02,5e-5,-13.0103,20\n");
	_cleanup_(plant_freep) struct plant *through =
		bench_try(file.path, NULL, BARE, BENCH_ALL, 1, NULL);
	_cleanup_(plant_freep) struct plant *drop =
		bench_try(file.path, "drop", BARE, BENCH_ALL, 1, NULL);

	ck_assert_ptr_nonnull(through);
	ck_assert_ptr_nonnull(drop);
	ck_assert_near(transmission(through, 1550.00e-9, 1), 0.1, 1e-9);
	ck_assert_near(transmission(through, 1550.01e-9, 1), 0, 1e-9);
	ck_assert_near(transmission(through, 1550.02e-9, 1), 0.05, 1e-9);
	ck_assert_near(transmission(drop, 1550.01e-9, 1), 0.01, 1e-9);
}
END_TEST

START_TEST(the_truth_names_the_column_and_the_others)
{
	_cleanup_(file_remove) struct file file = file_with(steps);
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, "two", BARE, BENCH_ALL, 1, NULL);
	json_t *truth = plant_truth(plant, 1540e-9, 1560e-9, 298.15);
	const json_t *channels = json_object_get(truth, "channels");

	ck_assert_str_eq(json_string_value(json_object_get(truth, "channel")), "two");
	ck_assert_uint_eq(json_array_size(channels), 2);
	ck_assert_str_eq(json_string_value(json_array_get(channels, 0)), "one");
	json_decref(truth);
}
END_TEST

#define OPENEPDA                                                             \
	"# openEPDA DATA FORMAT\n_timestamp: '2018-09-12T09:59:19.310182'\n" \
	"_openEPDA_version: '0.2'\nproject: OpenPICs\n"

static const char *const epda_ends[] = {"...\n", "---\n"};

START_TEST(an_openepda_file_is_the_device_that_its_table_is_as_csv)
{
	_cleanup_free_ char *text = asprintf_or_null(OPENEPDA "%s%s", epda_ends[_i], steps);
	_cleanup_(file_remove) struct file file = file_with(text), csv = file_with(steps);
	_cleanup_free_ char *message = NULL;
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, "two", NULL, NULL, 7, &message);
	_cleanup_(plant_freep) struct plant *same = bench_try(csv.path, "two", NULL, NULL, 7, NULL);
	struct plant_conditions c = bench_conditions();
	json_t *truth, *same_truth;

	if (!plant)
		ck_abort_msg("%s", message);
	truth = plant_truth(plant, 1540e-9, 1560e-9, 298.15);
	same_truth = plant_truth(same, 1540e-9, 1560e-9, 298.15);
	ck_assert(json_equal(truth, same_truth));
	json_decref(truth);
	json_decref(same_truth);
	c.slope[ERB1_LASER_WAVELENGTH] = 20e-9;
	for (c.point = 0; c.point < 50; c.point++) {
		c.value[ERB1_LASER_WAVELENGTH] = 1549.995e-9 + 1e-12 * (double)c.point;
		ck_assert(bench_mean(plant, &c, BENCH_PD(1)) == bench_mean(same, &c, BENCH_PD(1)));
	}
	ck_assert_near(10 * log10(bench_mean(plant, &c, BENCH_PD(1)) / 1e-3), -40, 1);
}
END_TEST

#define HEAD "\"wavelength, nm\",\"p, dBm\"\n"
/* 30 pm back in the fourth row: more than any axis wavers. */
#define DISORDER HEAD "1550.00,-1\n1550.01,-2\n1550.05,-3\n1550.02,-4\n1550.06,-5\n1550.07,-6\n"

static const struct {
	const char *text;
	const char *channel;
	const char *message; /* must be in it */
} refused[] = {
	{DISORDER, NULL, "row 4: 1550.020000 nm comes after 1550.050000 nm (row 3)"},
	{OPENEPDA "...\n" DISORDER, NULL,
	 "row 4: 1550.020000 nm comes after 1550.050000 nm (row 3)"},
	{HEAD "1550.00,-1\nnan,-2\n1550.02,-3\n", NULL, "row 2"},
	{OPENEPDA "...\n" HEAD "1550.00,-1\n1550.01,-2\nNaN,-3\n", NULL, "row 3"},
	{HEAD "1550.00,-1\n,-2\n1550.02,-3\n", NULL, "row 2"},
	{OPENEPDA HEAD "1550.00,-1\n1550.01,-2\n", NULL, "the line \"...\""},
	{steps, "three", "it has: one, two"},
	{"\"wavelength, nm\",\"p, A\"\n1550,1\n1551,1\n", NULL, "no column in dB, dBm or W"},
	{"\"wavelength, nm\",\"p, dBm\"\n1550,-1\n", NULL, "at least 2"},
	{"\"position, um\",\"p, dBm\"\n1,-1\n2,-1\n", NULL, "wavelength"},
	{"", NULL, ""},
};

START_TEST(files_that_are_no_spectrum_are_refused_with_the_reason)
{
	_cleanup_(file_remove) struct file file = file_with(refused[_i].text);
	_cleanup_free_ char *message = NULL;

	ck_assert_ptr_null(bench_try(file.path, refused[_i].channel, NULL, NULL, 1, &message));
	ck_assert_ptr_nonnull(message);
	if (!strstr(message, refused[_i].message) || !strstr(message, file.path))
		ck_abort_msg("message '%s' without '%s' or the file", message, refused[_i].message);
}
END_TEST

START_TEST(missing_file_is_refused_with_the_devices_that_exist)
{
	_cleanup_free_ char *message = NULL;

	ck_assert_ptr_null(bench_try("/nonexistent/x.csv", NULL, NULL, NULL, 1, &message));
	ck_assert_ptr_nonnull(strstr(message, "/nonexistent/x.csv"));
	ck_assert_ptr_nonnull(strstr(message, "add-drop, all-pass"));
}
END_TEST

/* ---- apertures across kinks ---- */

/* A rough spectrum on a 4 pm grid, as measured ones are. */
static struct file rough_file(void)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "\"wavelength, nm\",\"p, dBm\"\n");
	for (int i = 0; i < 2000; i++)
		fprintf(f, "%.4f,%.3f\n", 1549 + 0.004 * i,
			-20 + 3 * sin(i * 0.7) + 4 * sin(i * i * 0.37));
	fclose(f);
	return file_with(text);
}

static const struct {
	double aperture_s, bandwidth_hz, speed; /* nm/s */
	double tolerance;
} ramps[] = {
	{40e-6, 200e3, 20, 1e-6}, {40e-6, 200e3, -20, 1e-6}, {40e-6, 0, 20, 1e-6},
	{2e-6, 20e3, 100, 1e-6},  {80e-6, 200e3, 100, 1e-6}, {200e-6, 5e3, 20, 1e-6},
	{200e-6, 5e3, -20, 1e-6}, {1e-3, 2e3, 100, 2e-4},
};

START_TEST(mean_over_the_aperture_is_exact_across_kinks)
{
	_cleanup_(file_remove) struct file file = rough_file();
	_cleanup_(plant_freep) struct plant *plant =
		bench_try(file.path, NULL, NULL, BENCH_RANDOM, 5, NULL);
	double speed = ramps[_i].speed * 1e-9, a = ramps[_i].aperture_s;
	double tau = ramps[_i].bandwidth_hz > 0 ? 1 / (2 * M_PI * ramps[_i].bandwidth_hz) : 0;
	const int steps_inside = 40000, lead = tau > 0 ? 40000 : 0;

	for (int place = 0; place < 5; place++) {
		struct plant_conditions c = bench_conditions(), still = c;
		double centre = 1552e-9 + place * 1.1e-12, y = 0, y_start = 0, before = 0, sum = 0;

		for (int i = 0; i <= lead + steps_inside; i++) {
			bool inside = i > lead;
			double h = inside ? a / steps_inside : 40 * tau / MAX(lead, 1);
			double t = inside ? -a / 2 + h * (i - lead) : -a / 2 - h * (lead - i);
			double ratio = tau > 0 ? h / tau : INFINITY, gain = -expm1(-ratio), now;

			still.value[ERB1_LASER_WAVELENGTH] = centre + speed * t;
			now = bench_read(plant, &still, BENCH_PD(1), 0).mean;
			y = i ? exp(-ratio) * y + gain * before +
					    (now - before) * (1 - gain / ratio)
			      : now;
			if (i == lead)
				y_start = y;
			if (inside)
				sum += (before + now) / 2 / steps_inside;
			before = now;
		}
		c.value[ERB1_LASER_WAVELENGTH] = centre;
		c.slope[ERB1_LASER_WAVELENGTH] = speed;
		c.aperture_s = a;
		ck_assert_near(bench_read(plant, &c, BENCH_PD(1), ramps[_i].bandwidth_hz).mean /
				       (sum - tau / a * (y - y_start)),
			       1, ramps[_i].tolerance);
	}
}
END_TEST

/* ---- the spectra beside the checkout ---- */

static const struct {
	const char *name;
	const char *channel;
} measured[] = {
	{"ring-r10um-gap140nm.csv", "channel_1"},
	{"ring-r10um-gap70nm.csv", "channel_1"},
	{"ring-r6um-gap140nm.csv", "channel_1"},
	{"mzi-a.csv", "channel_2"},
	{"mzi-b.csv", "channel_2"},
	{"loopback-calibration.csv", "channel_2"},
};

/* The n-th field of a line of numbers. */
static double field(const char *line, int n)
{
	while (n-- > 0)
		line = strchr(line, ',') + 1;
	return strtod(line, NULL);
}

START_TEST(measured_spectra_come_back_point_by_point)
{
	const char *data = getenv("ETALON_DATA");
	_cleanup_free_ char *path =
		asprintf_or_null("%s/%s", data ? data : "../shared/data", measured[_i].name);
	int column = measured[_i].channel[8] - '0', rows = 0;
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_(plant_freep) struct plant *plant = NULL;
	_cleanup_free_ char *message = NULL;
	char line[256];

	if (!f) {
		printf("SKIP %s is not beside the checkout\n", path);
		return;
	}
	plant = bench_try(path, measured[_i].channel, BARE, BENCH_ALL, 1, &message);
	if (!plant)
		ck_abort_msg("%s", message);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f)) {
		double nm = strtod(line, NULL), dbm = field(line, column);

		ck_assert_near(10 * log10(transmission(plant, nm * 1e-9, 1)), dbm, 1e-4);
		rows++;
	}
	ck_assert_int_eq(rows, 20000);
}
END_TEST

static Suite *spectrum_suite(void)
{
	Suite *s = suite_create("measured spectrum");
	TCase *t = tcase_create("spectrum");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, power_is_linear_between_the_file_s_points);
	tcase_add_test(t, nothing_is_known_or_seen_outside_the_file_s_span);
	tcase_add_test(t, empty_fields_and_repeated_wavelengths_have_a_meaning);
	tcase_add_test(t, power_in_watts_is_what_became_of_0_dbm);
	tcase_add_test(t, the_truth_names_the_column_and_the_others);
	tcase_add_loop_test(t, an_openepda_file_is_the_device_that_its_table_is_as_csv, 0,
			    ARRAY_SIZE(epda_ends));
	tcase_add_loop_test(t, files_that_are_no_spectrum_are_refused_with_the_reason, 0,
			    ARRAY_SIZE(refused));
	tcase_add_test(t, missing_file_is_refused_with_the_devices_that_exist);
	tcase_add_loop_test(t, mean_over_the_aperture_is_exact_across_kinks, 0, ARRAY_SIZE(ramps));
	tcase_add_loop_test(t, measured_spectra_come_back_point_by_point, 0, ARRAY_SIZE(measured));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(spectrum_suite());
}
