// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What etalonctl leaves behind for programs and for tomorrow, on a whole Etalon: files that are
 * whole measurements, a JSON document on each line of what goes on, progress in a log.
 */
#include <hdf5.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "data/table.h"
#include "export/file_read.h"
#include "exported.h"
#include "session.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_NS (20 * NSEC_PER_SEC)

static const struct session_options fast = {
	.speed_max = true,
	.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
};
static const struct session_options real_time = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

static void ended(pid_t pid, int code)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %#x", status);
}

/* ---- files ---- */

static double number_in(const json_t *meta, const char *part, const char *key)
{
	const json_t *value = json_object_get(json_object_get(meta, part), key);

	ck_assert_msg(json_is_number(value), "no %s.%s", part, key);
	return json_number_value(value);
}

/* Of the sweep below: 1001 points of 1 pm at 0 dBm. */
static void is_a_whole_measurement(const char *path)
{
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ char *message = NULL;
	const json_t *axis;

	ck_assert_msg(table_read_file(path, &t, &message) == 0, "%s: %s", path, message);
	ck_assert_uint_eq(t->rows, 1001);
	ck_assert_ptr_nonnull(table_find(t, "flags"));

	ck_assert(json_is_true(json_object_get(json_object_get(t->meta, "ledger"), "complete")));
	ck_assert_double_eq(number_in(t->meta, "ledger", "produced"), 1001);
	ck_assert_double_eq(number_in(t->meta, "ledger", "received"), 1001);
	ck_assert_double_eq(number_in(t->meta, "ledger", "dropped"), 0);

	axis = json_object_get(t->meta, "axis");
	ck_assert_pstr_eq(json_string_value(json_object_get(axis, "provenance")), "wavemeter");
	ck_assert_double_gt(number_in(t->meta, "axis", "random_pm"), 0);
	ck_assert_double_gt(number_in(t->meta, "axis", "systematic_pm"), 0);
	ck_assert_ptr_nonnull(json_object_get(axis, "calibration_id"));

	ck_assert_double_eq_tol(number_in(t->meta, "settings", "power_w"), 1e-3, 1e-9);
	ck_assert_double_eq(number_in(t->meta, "settings", "points"), 1001);
	ck_assert_double_eq(number_in(t->meta, "settings", "start_nm"), 1549);
	ck_assert_double_gt(number_in(t->meta, "settings", "aperture_ns"), 0);
}

/* Readers drop the legend, which is no part of the run: the file itself must have it. */
static void text_explains_its_flags(const char *path)
{
	_cleanup_free_ char *text = bytes_of(path, NULL);
	const char *legend = strstr(text, "flags_legend:\n"),
		   *table = strstr(text, "\"wavelength, nm\"");

	ck_assert_msg(legend && table && legend < table, "%s has no legend above its table", path);
	ck_assert_ptr_nonnull(strstr(legend, "saturated: 65536\n"));
}

static void hdf5_explains_its_flags(const char *path)
{
	hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t attribute =
		H5Aopen_by_name(file, "/flags_legend", "saturated", H5P_DEFAULT, H5P_DEFAULT);
	long long mask = 0;

	ck_assert_msg(file >= 0 && attribute >= 0, "%s has no legend", path);
	ck_assert_int_ge(H5Aread(attribute, H5T_NATIVE_LLONG, &mask), 0);
	ck_assert_int_eq(mask, 65536);
	H5Aclose(attribute);
	H5Fclose(file);
}

START_TEST(each_exported_file_is_a_whole_measurement)
{
	static const char *const names[] = {"ring.csv", "ring.oedf", "ring.h5"};
	_cleanup_free_ char *output = NULL, *exported = NULL;
	char *paths[ARRAY_SIZE(names)];
	struct session s;
	int code;

	session_start(&s, &fast);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		paths[i] = path_in(s.dir, names[i]);
	code = session_ctl(&s, &output, "sweep", "wavelength", "1549nm", "1550nm", "--step", "1pm",
			   "-d", "through,drop", "--power", "0dBm", "--no-plot", NULL);
	ck_assert_msg(code == 0, "%s", output);
	code = session_ctl(&s, &exported, "export", "1", paths[0], paths[1], paths[2], NULL);
	ck_assert_msg(code == 0, "%s", exported);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		is_a_whole_measurement(paths[i]);
	text_explains_its_flags(paths[0]);
	text_explains_its_flags(paths[1]);
	hdf5_explains_its_flags(paths[2]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		free(paths[i]);
	session_stop(&s);
}
END_TEST

/* ---- a document on each line ---- */

static void is_said(const struct session *s, const char *name, const char *wanted)
{
	_cleanup_free_ char *path = path_in(s->dir, name);
	uint64_t until = now_ns() + PATIENCE_NS;

	for (;; poll(NULL, 0, 20)) {
		bool begun = access(path, F_OK) == 0;
		_cleanup_free_ char *text = begun ? bytes_of(path, NULL) : strdup("");

		if (strstr(text, wanted))
			return;
		ck_assert_msg(now_ns() < until, "never said: %s; instead: %s", wanted, text);
	}
}

/* Each line is one object with this key; returns how many there are. */
static size_t documents_of(char *text, const char *key)
{
	size_t count = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), count++) {
		json_t *document = json_loads(line, 0, NULL);

		ck_assert_msg(json_object_get(document, key), "%s", line);
		json_decref(document);
	}
	return count;
}

START_TEST(monitor_and_meter_print_one_document_a_line)
{
	static const char *const monitor[] = {"etalonctl", "monitor", "--json", NULL};
	_cleanup_free_ char *text = NULL, *path = NULL, *output = NULL;
	struct session s;
	pid_t pid;

	session_start(&s, &fast);
	pid = session_spawn(&s, "monitor.out", monitor);
	is_said(&s, "monitor.out", "\"present,\"");
	ck_assert_int_eq(session_ctl(&s, &output, "set", "h1", "2V", NULL), 0);
	is_said(&s, "monitor.out", "\"h1\"");
	kill(pid, SIGINT);
	ended(pid, 0);
	path = path_in(s.dir, "monitor.out");
	text = bytes_of(path, NULL);
	ck_assert_uint_ge(documents_of(text, "property"), 2);

	free(take_ptr(output));
	ck_assert_int_eq(session_ctl(&s, &output, "meter", "through", "--json", "--count", "3",
				     "--interval", "20ms", NULL),
			 0);
	ck_assert_uint_eq(documents_of(output, "readings"), 3);
	session_stop(&s);
}
END_TEST

/* ---- progress ---- */

/* "  5 %  600/12001  5.9 s  LIGHT ON": how many, and they never go back. */
static unsigned int progress_lines(const char *text)
{
	unsigned int lines = 0;
	double before = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		long long done, total;
		double percent;

		line += *line == '\n';
		if (sscanf(line, "%lf %% %lld/%lld", &percent, &done, &total) != 3)
			continue;
		ck_assert_msg(percent >= before && done <= total, "%s", text);
		before = percent;
		lines++;
	}
	ck_assert_msg(before == 100, "%s", text);
	return lines;
}

#define SWEEP_S 6 /* 12 nm at 2 nm/s */

START_TEST(without_a_terminal_progress_is_a_line_a_second)
{
	_cleanup_free_ char *output = NULL;
	uint64_t began;
	unsigned int lines;
	double seconds;
	struct session s;
	int code;

	session_start(&s, &real_time);
	began = now_ns();
	code = session_ctl(&s, &output, "sweep", "wavelength", "1540nm", "1552nm", "--step", "1pm",
			   "--speed", "2nm/s", "-d", "through", "--no-plot", NULL);
	seconds = (double)(now_ns() - began) * 1e-9;
	ck_assert_msg(code == 0, "%s", output);
	lines = progress_lines(output);
	printf("%u lines of progress in %.1f s\n", lines, seconds);
	ck_assert_double_ge(seconds, SWEEP_S);
	/* The first and the last come at once; in between never sooner, later when the machine is busy. */
	ck_assert_msg(lines >= SWEEP_S && lines <= seconds + 2, "%u in %.1f s", lines, seconds);
	ck_assert_ptr_null(strpbrk(output, "\r\x1b"));
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-output");
	TCase *tcase = tcase_create("cli-output");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, each_exported_file_is_a_whole_measurement);
	tcase_add_test(tcase, monitor_and_meter_print_one_document_a_line);
	tcase_add_test(tcase, without_a_terminal_progress_is_a_line_a_second);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
