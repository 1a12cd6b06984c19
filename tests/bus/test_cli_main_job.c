// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The main job as a user types it: a run is measured, found again, compared, exported and judged; a reference
 * makes losses of powers, a zero is taken off.
 */
#include "typing.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "cli/sweep.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1549nm 1550nm --step 1pm -d through,drop --no-plot"

/* The width of the first resonance as a table has it, "20.763(4)". */
static void first_width(const char *table, char width[32])
{
	const char *row = strstr(table, "\n 1 ");

	ck_assert_ptr_nonnull(row);
	ck_assert_int_eq(sscanf(row, " 1 %*s %*s %31s", width), 1);
	ck_assert_ptr_nonnull(strchr(width, '('));
}

/* " 3  1544.8357  +0.341(6)  1.2 sigma  ..." */
static double worst_off_mean(const char *table)
{
	double worst = -1, sigmas;

	for (const char *line = table; line; line = strchr(line + 1, '\n')) {
		int whole = 0;

		sscanf(line, " %*d %*f %*s %lf sigma%n", &sigmas, &whole);
		if (whole > 0 && sigmas > worst)
			worst = sigmas;
	}
	ck_assert_double_ge(worst, 0);
	return worst;
}

START_TEST(a_run_is_measured_found_repeated_named_compared_and_exported)
{
	static const char *const files[] = {"ring.csv", "ring.oedf", "ring.h5", "ring.svg"};
	_cleanup_free_ char *first = NULL, *csv = NULL, *file = NULL, *compared = NULL;
	char widths[2][32];
	struct session s;

	session_start(&s, &typing_fast);
	first = typed_text(
		&s, 0, "run 1  ring40  complete  measured (no limits)",
		"sweep wavelength 1540nm 1560nm --step 1pm -d through,drop --label ring40 --save %s/ring.csv --save "
		"%s/x.oedf");
	ck_assert_ptr_nonnull(strstr(first, "produced 20001  received 20001  dropped 0  crc ok"));
	ck_assert_ptr_nonnull(strstr(first, "\n 9  "));
	ck_assert_ptr_null(strstr(first, "\n 10  "));
	ck_assert_ptr_nonnull(
		strstr(first, "axis: 1.7 pm common to all wavelengths, cancels in FSR."));
	typed(&s, 0, "again   run 1", "again --label warm --no-plot");
	typed(&s, 0, "warm", "runs --label warm --since 1h");
	typed(&s, 0, "no run fits", "runs --label cold");
	typed(&s, 0, "ring40", "runs --label ring*");
	typed(&s, 0, "repeats run 1", "show last");
	compared = typed_text(&s, 0, "9 in common", "compare 1 2");
	ck_assert_double_lt(worst_off_mean(compared), 4.5); /* nothing moved */
	typed(&s, 0, "run 1  ring41  device R40", "label 1 ring41 --device R40");
	typed(&s, 0, "through", "plot 1 --from 1549nm --to 1550nm");
	typed(&s, 0, "FSR", "analyse 1 --channel drop");
	typed(&s, 2, "exists; it is not overwritten", "export 1 %s/ring.csv");
	typed(&s, 0, "wrote", "export 1 %s/ring.csv --force");
	typed(&s, 0, "wrote", "export 1 %s/ring.oedf");
	typed(&s, 0, "wrote", "export last %s/ring.h5");
	typed(&s, 0, "wrote", "export last %s/ring.svg");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = asprintf_or_null("%s/%s", s.dir, files[i]);
		struct stat st;

		ck_assert_msg(stat(path, &st) == 0 && st.st_size > 1000, "%s", path);
	}
	file = typed_text(&s, 0, "FSR", "analyse %s/ring.csv");
	first_width(first, widths[0]);
	first_width(file, widths[1]);
	ck_assert_str_eq(widths[0], widths[1]); /* one number, written in one way */
	csv = typing_output(&s, "ring.csv");
	ck_assert_ptr_nonnull(strstr(
		csv,
		"\"wavelength, nm\",\"wavelength nominal, nm\",\"through, W\",\"through, dBm\""));
	typed(&s, 0, "ring41", "plot %s/ring.csv");
	session_stop(&s);
}
END_TEST

/* "120ms" of "120ms: the laser stops ...", as the help has it. */
static char *example_of(const char *option)
{
	for (const struct option_spec *s = sweep_options; s->name; s++)
		if (streq(s->name, option))
			return strndup(s->help, strcspn(s->help, ":"));
	return NULL;
}

START_TEST(the_help_s_examples_of_speed_and_dwell_work)
{
	static const char *const options[] = {"speed", "dwell"};
	struct session s;

	session_start(&s, &typing_fast);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		_cleanup_free_ char *example = example_of(options[i]), *command = NULL;

		ck_assert_ptr_nonnull(example);
		command = asprintf_or_null("sweep wavelength 1549nm 1550nm --step 10pm -d through "
					   "--dry-run --%s %s",
					   options[i], example);
		typed(&s, 0, "101 points", command);
	}
	typed(&s, 4, "dwell 100 ms is too short",
	      "sweep wavelength 1549nm 1550nm --step 10pm -d through --dry-run --dwell 100ms");
	session_stop(&s);
}
END_TEST

START_TEST(the_verdict_is_the_exit_code)
{
	struct session s;

	session_start(&s, &typing_fast);
	typed(&s, 0, "complete  pass", SWEEP " --expect fwhm=19pm..23pm --expect count=1");
	typed(&s, 1, "complete  fail", SWEEP " --expect fwhm=..19pm");
	typed(&s, 3, "complete  untrustworthy", SWEEP " --range 1uA");
	typed(&s, 2, "furlong", SWEEP " --expect fwhm=1furlong..2furlong");
	typed(&s, 0, "pass", "runs --verdict pass");
	session_stop(&s);
}
END_TEST

START_TEST(a_reference_turns_power_into_loss)
{
	struct session s;

	session_start(&s, &typing_fast);
	typed(&s, 0, "complete", "reference take 1548nm 1551nm --step 1pm -d through --no-plot");
	typed(&s, 0, "(reference)", "reference list");
	typed(&s, 0, "run 1", "reference show");
	typed(&s, 0, "loss    against reference run 1",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --no-plot");
	typed(&s, 2, "run 2 is not a reference", "reference show 2");
	/* A dry run knows as well, and what was asked for by name is not left out silently. */
	typed(&s, 0, "reference  run 1, 0.0 h old",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --dry-run");
	typed(&s, 0, "reference  none fits: power, not loss",
	      "sweep wavelength 1539nm 1540nm --step 1pm -d through --dry-run");
	typed(&s, 2, "the newest is run 1: the reference spans 1548.000 to 1551.000 nm",
	      "sweep wavelength 1539nm 1540nm --step 1pm -d through --reference latest");
	typed(&s, 2, "there is no run 17",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --reference 17 --dry-run");
	typed(&s, 0, "what is not covered has no loss",
	      "sweep wavelength 1547nm 1550nm --step 1pm -d through --reference 1 --dry-run");
	session_stop(&s);
}
END_TEST

static double number_in(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_number(value), "no %s", key);
	return json_number_value(value);
}

/* The one reading of a `read ... --json`; to be freed. */
static json_t *reading_of(const struct session *s, const char *command)
{
	_cleanup_free_ char *text = typed_text(s, 0, NULL, command);
	json_t *readings = json_loads(text, 0, NULL),
	       *first = json_incref(json_array_get(readings, 0));

	ck_assert_ptr_nonnull(first);
	json_decref(readings);
	return first;
}

/* Signal against raw counts is a line: what was taken off moved it by just that. */
START_TEST(a_zero_is_taken_off_live_readings)
{
	static const char through[] = "read through --json";
	json_t *plain, *first, *second, *other;
	double slope, expected;
	struct session s;

	session_start(&s, &typing_fast);
	plain = reading_of(&s, through);
	ck_assert_ptr_null(json_object_get(plain, "dark_a"));
	typed(&s, 0, NULL, "zero through");
	typed(&s, 0, "A (run 1, ", "read through");
	first = reading_of(&s, through);
	do
		second = reading_of(&s, through);
	while (number_in(second, "raw") == number_in(first, "raw"));
	slope = (number_in(second, "value") - number_in(first, "value")) /
		(number_in(second, "raw") - number_in(first, "raw"));
	expected = number_in(plain, "value") +
		   slope * (number_in(first, "raw") - number_in(plain, "raw")) -
		   number_in(first, "dark_a");
	ck_assert_double_eq_tol(number_in(first, "value"), expected, 1e-3 * fabs(slope));
	ck_assert_double_gt(number_in(first, "sigma"), number_in(plain, "sigma"));
	/* Another range has another dark. */
	other = reading_of(&s, "read through --range through=1uA --json");
	ck_assert_ptr_null(json_object_get(other, "dark_a"));
	json_decref(other);
	json_decref(plain);
	json_decref(first);
	json_decref(second);
	session_stop(&s);
}
END_TEST

START_TEST(dark_is_measured_without_light)
{
	struct session s;

	session_start(&s, &typing_fast);
	typed(&s, 0, "dark    through 0.", "zero through drop");
	ck_assert(!typing_ever_lit(&s));
	typed(&s, 0, "(dark)", "runs");
	typed(&s, 2, "not a wavelength sweep", "again");
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-main-job");
	TCase *tcase = tcase_create("main_job");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_run_is_measured_found_repeated_named_compared_and_exported);
	tcase_add_test(tcase, the_help_s_examples_of_speed_and_dwell_work);
	tcase_add_test(tcase, the_verdict_is_the_exit_code);
	tcase_add_test(tcase, a_reference_turns_power_into_loss);
	tcase_add_test(tcase, a_zero_is_taken_off_live_readings);
	tcase_add_test(tcase, dark_is_measured_without_light);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
