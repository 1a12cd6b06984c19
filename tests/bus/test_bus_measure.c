// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sweeps over a real bus on the emulated board: what is measured, how it is judged, and what becomes of it
 * when something ends it early.
 */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "etalond/strv.h"
#include "holder.h"
#include "runs.h"
#include "session.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"
#define JOB "org.etalon1.Job"
#define RUN "org.etalon1.Run"
#define NM 1000000LL
#define NO_ANALYSIS "/nonexistent/etalon-analyse"

static struct session session;
static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};
static const struct session_options without_analysis = {
	.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
	.config =
		"default_power: 0 dBm\naliases:\n  - {name: through, channel: pd1}\nanalyse: " NO_ANALYSIS
		"\n",
};
static sd_bus *bus;
static char *board, error[64];

static const char *const through[] = {"through", NULL};

static void start(void)
{
	session_open(&session, &patient, &bus, &board);
}

static void start_without_analysis(void)
{
	session_open(&session, &without_analysis, &bus, &board);
}

static void stop(void)
{
	session_close(&session, bus, board);
}

static char *text_of(const char *path, const char *interface, const char *property)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	char *text = NULL;

	ck_assert_msg(sd_bus_get_property_string(bus, "org.etalon1", path, interface, property, &e,
						 &text) >= 0,
		      "%s: %s", property, e.message);
	return text;
}

static pid_t parent_of(const char *pid)
{
	_cleanup_free_ char *path = asprintf_or_null("/proc/%s/status", pid);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];
	int parent = -1;

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "PPid: %d", &parent) != 1)
		;
	return parent;
}

static unsigned int count_children(pid_t of)
{
	unsigned int count = 0;
	DIR *all = opendir("/proc");
	struct dirent *entry;

	ck_assert_ptr_nonnull(all);
	while ((entry = readdir(all)))
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			 parent_of(entry->d_name) == of;
	closedir(all);
	return count;
}

/* 2 nm in 1 pm at 20 nm/s: a tenth of a second. */
static char *short_sweep(void)
{
	char *job = measure_wavelength(bus, board, 1549 * NM, 1551 * NM, 2001, 20 * NM, through);

	ck_assert_ptr_nonnull(job);
	return job;
}

/* 20 nm at 2 nm/s: ten seconds, which nobody waits for. */
static char *long_sweep(void)
{
	char *job = measure_wavelength(bus, board, 1540 * NM, 1560 * NM, 20001, 2 * NM, through);
	uint64_t done = 0, until = now_ns() + 20 * NSEC_PER_SEC;

	ck_assert_ptr_nonnull(job);
	while (done < 2000 && now_ns() < until)
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job, JOB,
							     "PointsDone", NULL, 't', &done),
				 0);
	ck_assert_uint_ge(done, 2000);
	return job;
}

static void ends_as(const char *job, const char *result)
{
	_cleanup_free_ char *is = job_wait(bus, job, NULL, 60000);
	_cleanup_free_ char *message = text_of(job, JOB, "Message");

	ck_assert_msg(is && streq(is, result), "%s (%s), not %s", is ? is : "nothing", message,
		      result);
}

START_TEST(a_sweep_is_complete_analysed_and_dark_afterwards)
{
	_cleanup_free_ char *job = NULL, *verdict = NULL;
	sd_bus_message *reply = NULL;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	job = short_sweep();
	ends_as(job, "complete");
	verdict = text_of(job, JOB, "Verdict");
	ck_assert_str_eq(verdict, "measured");
	ck_assert(session_wait_state(bus, board, "off", 5000));
	ck_assert_uint_eq(run_ledger(bus, 1, "received"), 2001);
	ck_assert_uint_eq(run_data(bus, 1, NULL), 2001);
	ck_assert_int_ge(sd_bus_get_property(bus, "org.etalon1", "/org/etalon1/run/1", RUN,
					     "Analyses", NULL, &reply, "aa{sv}"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "a{sv}"), 0);
	ck_assert_int_eq(sd_bus_message_at_end(reply, 0), 0);
	sd_bus_message_unref(reply);
	holder_end(&h);
}
END_TEST

START_TEST(a_sweep_outlives_an_analysis_that_is_not_there)
{
	_cleanup_free_ char *job = NULL, *status = NULL, *verdict = NULL;
	_cleanup_(strv_freep) char **reasons = NULL;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	job = short_sweep();
	ends_as(job, "complete");
	verdict = text_of(job, JOB, "Verdict");
	ck_assert_str_eq(verdict, "measured");
	status = run_status(bus, 1);
	ck_assert_str_eq(status, "complete");
	ck_assert_int_ge(sd_bus_get_property_strv(bus, "org.etalon1", "/org/etalon1/run/1", RUN,
						  "Reasons", NULL, &reasons),
			 0);
	ck_assert(reasons && reasons[0]);
	ck_assert_ptr_nonnull(strstr(reasons[0], "no analysis: the analysis " NO_ANALYSIS
						 " could not be started"));
	ck_assert_uint_eq(count_children(session.daemon), 0);
	holder_end(&h);
}
END_TEST

START_TEST(a_warm_laser_needs_no_new_delay_and_stays_warm)
{
	_cleanup_free_ char *job = NULL, *again = NULL;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	job = short_sweep();
	ends_as(job, "complete");
	ck_assert(session_wait_state(bus, board, "emitting", 100));
	again = short_sweep();
	ends_as(again, "complete");
	ck_assert(session_wait_state(bus, board, "emitting", 100));
	holder_end(&h);
	ck_assert(session_wait_state(bus, board, "off", 10000));
}
END_TEST

static const struct {
	const char *quantity;
	double low, high;
	const char *verdict;
} expectations[] = {
	{"q_loaded", 60000, 90000, "pass"},
	{"q_loaded", 100000, 200000, "fail"},
	{"fsr_nm", 2, 3, NULL}, /* one resonance: there is none */
};

START_TEST(expectations_are_judged)
{
	_cleanup_free_ char *verdict = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *job;
	struct holder h;
	int r;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	r = sd_bus_call_method(bus, "org.etalon1", board, BOARD, "Measure", &e, &reply, "a{sv}", 7,
			       "kind", "s", "wavelength-sweep", "detectors", "as", 1, "through",
			       "start_fm", "x", INT64_C(1549000000), "stop_fm", "x",
			       INT64_C(1551000000), "points", "t", UINT64_C(2001), "power_fw", "x",
			       INT64_C(1000000000000), "expectations", "aa{sv}", 1, 3, "quantity",
			       "s", expectations[_i].quantity, "low", "d", expectations[_i].low,
			       "high", "d", expectations[_i].high);
	ck_assert_msg(r >= 0, "%s", e.message);
	ck_assert_int_gt(sd_bus_message_read(reply, "o", &job), 0);
	ends_as(job, "complete");
	verdict = text_of(job, JOB, "Verdict");
	if (expectations[_i].verdict)
		ck_assert_str_eq(verdict, expectations[_i].verdict);
	else
		ck_assert_str_ne(verdict, "pass");
	sd_bus_message_unref(reply);
	holder_end(&h);
}
END_TEST

static void cancel(struct holder *h, const char *job)
{
	(void)h;
	ck_assert_int_eq(holder_call(bus, job, JOB, "Cancel", error, ""), 0);
}

static void turn_off(struct holder *h, const char *job)
{
	(void)h;
	(void)job;
	ck_assert_int_eq(holder_call(bus, board, BOARD, "Off", error, ""), 0);
}

static void kill_holder(struct holder *h, const char *job)
{
	(void)job;
	session_kill(&h->pid, SIGKILL);
}

static void open_interlock(struct holder *h, const char *job)
{
	(void)h;
	(void)job;
	session_fault(&session, "{\"fault\":\"interlock-open\"}");
}

static void turn_key(struct holder *h, const char *job)
{
	(void)h;
	(void)job;
	session_fault(&session, "{\"fault\":\"key-off\"}");
}

static void cut_cable(struct holder *h, const char *job)
{
	(void)h;
	(void)job;
	session_fault(&session, "{\"fault\":\"cable\"}");
}

static void lie(struct holder *h, const char *job)
{
	(void)h;
	session_fault(&session, "{\"fault\":\"lying-end\",\"field\":\"produced\"}");
	ck_assert_int_eq(holder_call(bus, job, JOB, "Cancel", error, ""), 0);
}

static const struct {
	const char *name;
	void (*act)(struct holder *h, const char *job);
	const char *error;
	const char *message;
} endings[] = {
	{"cancel", cancel, "Cancelled", "cancelled by :1."},
	{"off", turn_off, "Cancelled", "turned off by :1."},
	{"holder killed", kill_holder, "LeaseRequired", "lease holder"},
	{"interlock", open_interlock, "Interlock", "interlock"},
	{"key", turn_key, "Interlock", "key"},
	{"cable", cut_cable, "BoardGone", "gone"},
	{"lying END", lie, "Cancelled", "cancelled"},
};

/* Its analysis waits meanwhile, for a frame that does not come. */
START_TEST(whatever_ends_a_sweep_its_points_are_kept_with_the_cause)
{
	_cleanup_free_ char *job = NULL, *name = NULL, *message = NULL, *status = NULL;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	job = long_sweep();
	ck_assert_uint_eq(count_children(session.daemon), 1);
	endings[_i].act(&h, job);
	ends_as(job, "partial");
	ck_assert_uint_eq(count_children(session.daemon), 0);
	name = text_of(job, JOB, "Error");
	ck_assert_msg(strstr(name, endings[_i].error) != NULL, "%s: %s", endings[_i].name, name);
	message = text_of(job, JOB, "Message");
	ck_assert_msg(strstr(message, endings[_i].message) != NULL, "%s: %s", endings[_i].name,
		      message);
	status = run_status(bus, 1);
	ck_assert_str_eq(status, "partial");
	ck_assert_uint_ge(run_data(bus, 1, NULL), 1500); /* the rest were dark */
	holder_end(&h);
}
END_TEST

static uint64_t number_of(const char *job, const char *property)
{
	uint64_t value = 0;

	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job, JOB, property, NULL,
						     't', &value),
			 0);
	return value;
}

/* The darks around it are a small part of ten seconds, and so is what is done between two questions. */
START_TEST(the_estimate_falls_with_what_is_left_of_the_plan)
{
	const uint64_t sweep_ns = 10 * NSEC_PER_SEC;
	_cleanup_free_ char *job = NULL;
	uint64_t eta, before = UINT64_MAX, done = 0;
	unsigned int samples = 0;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	job = long_sweep();
	while (done < 12000) {
		double left;

		done = number_of(job, "PointsDone");
		eta = number_of(job, "EtaNs");
		left = (1 - (double)done / 20001) * (double)sweep_ns;
		ck_assert_msg(eta < before, "%.2f s left, before that %.2f s", (double)eta * 1e-9,
			      (double)before * 1e-9);
		ck_assert_msg(fabs((double)eta - left) <= 0.3 * left,
			      "point %llu: %.2f s, not %.2f s", (unsigned long long)done,
			      (double)eta * 1e-9, left * 1e-9);
		before = eta;
		samples++;
		poll(NULL, 0, 200);
	}
	ck_assert_uint_ge(samples, 5);
	cancel(&h, job);
	ends_as(job, "partial");
	ck_assert_uint_eq(number_of(job, "EtaNs"), 0);
	holder_end(&h);
}
END_TEST

START_TEST(a_cancelled_sweep_leaves_a_warm_laser_warm_behind_a_shut_gate)
{
	_cleanup_free_ char *job = NULL;
	struct holder h;
	int open = 1;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	job = long_sweep();
	ck_assert_int_eq(holder_call(bus, job, JOB, "Cancel", error, ""), 0);
	ends_as(job, "partial");
	ck_assert(!session_wait_state(bus, board, "off", 300));
	ck_assert(session_wait_state(bus, board, "emitting", 100));
	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", board, BOARD, "GateOpen",
						     NULL, 'b', &open),
			 0);
	ck_assert_int_eq(open, 0);
	holder_end(&h);
}
END_TEST

START_TEST(dropped_records_are_counted_and_never_pass_as_complete)
{
	_cleanup_free_ char *job = NULL, *verdict = NULL;
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	session_fault(&session, "{\"fault\":\"drop-record\",\"at_point\":1000,\"count\":3}");
	job = short_sweep();
	ends_as(job, "partial");
	verdict = text_of(job, JOB, "Verdict");
	ck_assert_str_eq(verdict, "untrustworthy");
	holder_end(&h);
}
END_TEST

START_TEST(a_full_store_ends_the_sweep_dark_and_keeps_what_is_there)
{
	struct session small;
	struct session_options options = {.config = "default_power: 0 dBm\nquota: 2 MB\n",
					  .speed_max = true};
	_cleanup_free_ char *job = NULL, *result = NULL, *name = NULL, *path = NULL, *status = NULL;
	static const char *const pd1[] = {"pd1", NULL};
	uint64_t rows;
	sd_bus *own;

	session_start(&small, &options);
	own = session_bus(&small);
	path = session_board_path(own);
	job = measure_dark(own, path, 1000000, 10000, 8000, pd1);
	ck_assert_ptr_nonnull(job);
	result = job_wait(own, job, NULL, 60000);
	ck_assert_str_eq(result, "partial");
	ck_assert_int_ge(
		sd_bus_get_property_string(own, "org.etalon1", job, JOB, "Error", NULL, &name), 0);
	ck_assert_str_eq(name, "org.etalon1.Error.NoSpace");
	/* The daemon lives, and says what it has. */
	ck_assert(session_wait_state(own, path, "off", 5000));
	ck_assert_int_eq(runs_newest(own), 1);
	status = run_status(own, 1);
	ck_assert_str_eq(status, "partial");
	rows = run_data(own, 1, NULL);
	ck_assert_uint_gt(rows, 0);
	ck_assert_uint_lt(rows, 1000000);
	ck_assert_uint_eq(run_ledger(own, 1, "received"), rows);
	sd_bus_flush_close_unref(own);
	session_stop(&small);
}
END_TEST

START_TEST(beyond_a_limit_nothing_is_started)
{
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	ck_assert_ptr_null(
		measure_wavelength(bus, board, 1400 * NM, 1560 * NM, 20001, 20 * NM, through));
	ck_assert_ptr_null(
		measure_wavelength(bus, board, 1540 * NM, 1560 * NM, 20001, 2000 * NM, through));
	ck_assert_ptr_null(measure_wavelength(bus, board, 1540 * NM, 1560 * NM,
					      UINT64_C(1000000000000), 20 * NM, through));
	ck_assert(session_wait_state(bus, board, "off", 100));
	holder_end(&h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_measure");
	TCase *tc = tcase_create("measure"), *without = tcase_create("without analysis");

	tcase_set_timeout(tc, 180);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_sweep_is_complete_analysed_and_dark_afterwards);
	tcase_add_test(tc, a_warm_laser_needs_no_new_delay_and_stays_warm);
	tcase_add_loop_test(tc, expectations_are_judged, 0, (int)ARRAY_SIZE(expectations));
	tcase_add_loop_test(tc, whatever_ends_a_sweep_its_points_are_kept_with_the_cause, 0,
			    (int)ARRAY_SIZE(endings));
	tcase_add_test(tc, the_estimate_falls_with_what_is_left_of_the_plan);
	tcase_add_test(tc, a_cancelled_sweep_leaves_a_warm_laser_warm_behind_a_shut_gate);
	tcase_add_test(tc, dropped_records_are_counted_and_never_pass_as_complete);
	tcase_add_test(tc, a_full_store_ends_the_sweep_dark_and_keeps_what_is_there);
	tcase_add_test(tc, beyond_a_limit_nothing_is_started);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(without, 180);
	tcase_add_checked_fixture(without, start_without_analysis, stop);
	tcase_add_test(without, a_sweep_outlives_an_analysis_that_is_not_there);
	suite_add_tcase(suite, without);
	return run_suite(suite);
}
