// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is wrong with a run, as its user meets it: a board that drops records, a detector without light, a
 * temperature that does not settle, a value too near to its limit. Each has its words and its exit code.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "board_end.h"
#include "runs.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1549nm 1550nm --step 1pm -d through,drop --no-plot"
/* A second of the board's time: long enough for a temperature to go astray. */
#define SLOW_SWEEP SWEEP " --speed 1nm/s --expect count=1"
#define STOPPED_MS 1500 /* of three seconds */

/* What the board has room for until somebody reads: 0.2 s of what is taken here. */
static const char *const short_fifo[] = {"--set", "fifo_records=4096", NULL};
static const struct session_options forgetful = {
	.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
	.emulator_arguments = short_fifo,
};

/* ---- dropped records ---- */

/* As the host found them, by the points' numbers; there is room for all that a test makes. */
static uint64_t count_missing(const json_t *ledger)
{
	const json_t *gaps = json_object_get(ledger, "gaps"), *gap;
	uint64_t sum = 0;
	size_t i;

	ck_assert_int_eq(json_integer_value(json_object_get(ledger, "gap_count")),
			 json_array_size(gaps));
	json_array_foreach(gaps, i, gap)
		sum += (uint64_t)json_integer_value(json_object_get(gap, "count"));
	return sum;
}

/* Did GAP records admit as much, no word would be lost on them. */
static void only_drops_are_told(const json_t *ledger, uint64_t dropped)
{
	_cleanup_free_ char *drops =
		asprintf_or_null("the board dropped %llu points", (unsigned long long)dropped);
	const json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(ledger, "why"), i, reason) {
		const char *why = json_string_value(reason);

		ck_assert_msg(streq(why, drops) || strncmp(why, "dark ", 5) == 0, "%s", why);
	}
	ck_assert_uint_ge(i, 1);
}

/* Three counts that do not know of each other: the board's log, the stored ledger, the data. */
static void counts_agree(const struct session *s, unsigned int segment)
{
	json_t *log = session_log(s), *ledger;
	sd_bus *bus = session_bus(s);
	struct board_end end = {0};

	ck_assert(board_end_find(log, 1, segment, &end));
	ck_assert_uint_gt(end.dropped, 0);
	ck_assert_uint_eq(run_ledger(bus, 1, "dropped"), end.dropped);
	ck_assert_uint_eq(run_ledger(bus, 1, "produced"), end.produced);
	ck_assert_uint_eq(run_ledger(bus, 1, "received"), end.produced - end.dropped);
	ck_assert_uint_eq(run_data(bus, 1, NULL), end.produced - end.dropped);
	ledger = run_whole_ledger(bus, 1);
	ck_assert_uint_eq(count_missing(ledger), end.dropped);
	only_drops_are_told(ledger, end.dropped);
	printf("COUNT %llu of %llu points dropped by the board, all in gaps of the ledger\n",
	       (unsigned long long)end.dropped, (unsigned long long)end.produced);
	json_decref(ledger);
	sd_bus_flush_close_unref(bus);
	json_decref(log);
}

START_TEST(records_that_nobody_reads_in_time_are_gaps_and_no_complete_run)
{
	struct session s;

	session_start(&s, &forgetful);
	/* Beyond the points of a dark, and longer than there is room for. */
	session_fault(&s, "{\"fault\": \"stall-records\", \"at_point\": 3000}");
	session_fault(&s, "{\"fault\": \"resume-records\", \"at_point\": 9000}");
	typed(&s, 5, "partial  untrustworthy",
	      "sweep wavelength 1545nm 1555nm --step 1pm --speed 20nm/s -d through --no-plot");
	counts_agree(&s, BOARD_MAIN_SEGMENT);
	typed(&s, 0, "gap in the ledger: ", "show 1");
	session_stop(&s);
}
END_TEST

/* It needs no light: no watchdog ends it while its daemon does not listen. */
START_TEST(a_daemon_that_is_stopped_for_a_moment_tells_what_it_missed)
{
	static const char *const through[] = {"through", NULL};
	_cleanup_free_ char *job = NULL;
	char *board;
	uint64_t done = 0;
	struct session s;
	sd_bus *bus;

	session_open(&s, &forgetful, &bus, &board);
	job = measure_dark(bus, board, 60000, 50000, 40000, through);
	ck_assert_ptr_nonnull(job);
	while (done == 0)
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job,
							     "org.etalon1.Job", "PointsDone", NULL,
							     't', &done),
				 0);
	kill(s.daemon, SIGSTOP);
	poll(NULL, 0, STOPPED_MS);
	kill(s.daemon, SIGCONT);
	typed(&s, 5, "run 1", "wait job 1 --timeout 60s");
	counts_agree(&s, 0);
	typed(&s, 0, "gap in the ledger: ", "show 1");
	session_close(&s, bus, board);
}
END_TEST

/* ---- faults of what is measured ---- */

static const struct {
	const char *fault;
	const char *says;
	const char *mend;
} faults[] = {
	{"{\"fault\": \"detector-uncoupled\", \"detector\": \"pd1\"}", "through is not coupled",
	 "{\"fault\": \"detector-coupled\", \"detector\": \"pd1\"}"},
	{"{\"fault\": \"tec-never-settles\"}", "the chip's temperature was not settled",
	 "{\"fault\": \"tec-settles\"}"},
};

START_TEST(a_run_that_cannot_be_trusted_says_why)
{
	_cleanup_free_ char *text = NULL;
	struct session s;

	session_start(&s, &typing_fast);
	session_fault(&s, faults[_i].fault);
	text = typed_text(&s, 3, "complete  untrustworthy", SLOW_SWEEP);
	ck_assert_msg(strstr(text, faults[_i].says) != NULL, "%s", text);
	typed(&s, 0, faults[_i].says, "show 1");
	session_fault(&s, faults[_i].mend);
	typed(&s, 0, "complete  pass", SLOW_SWEEP);
	session_stop(&s);
}
END_TEST

START_TEST(a_wait_for_a_temperature_that_never_settles_ends_with_that_reason)
{
	_cleanup_free_ char *job = NULL;
	char *board;
	struct session s;
	sd_bus *bus;

	session_open(&s, &typing_fast, &bus, &board);
	session_fault(&s, "{\"fault\": \"tec-never-settles\", \"at_point\": 1}");
	job = measure_request(
		bus, board,
		"{'kind': 'sweep', 'detectors': ['through'], 'aperture_ns': 40000, "
		"'axes': [{'sources': [{'source': 'tec1', 'start': 298150000, 'stop': "
		"299150000}], 'points': 3, 'mode': 'wait', 'window': 5000, 'hold_ns': "
		"1000000000, 'slope': 1000, 'timeout_ns': 5000000000}]}");
	ck_assert_ptr_nonnull(job);
	typed(&s, 5, "run 1  partial", "wait job 1 --timeout 60s");
	typed(&s, 0, "the temperature never settled within its time-out", "show 1");
	session_close(&s, bus, board);
}
END_TEST

/* The wavelength of the first resonance as a table has it: "1549.392482". */
static char *first_wavelength(const char *table)
{
	const char *row = strstr(table, "\n 1 ");
	char text[32];

	ck_assert_ptr_nonnull(row);
	ck_assert_int_eq(sscanf(row, " 1 %31s", text), 1);
	return strdup(text);
}

/* The axis is known to 1.7 pm: of a limit at the very value nobody can say that it is kept, or not. */
START_TEST(a_value_within_the_guard_band_of_its_limit_is_marginal)
{
	_cleanup_free_ char *first = NULL, *wavelength = NULL, *command = NULL, *second = NULL;
	struct session s;

	session_start(&s, &typing_fast);
	first = typed_text(&s, 0, "complete", SWEEP);
	wavelength = first_wavelength(first);
	command = asprintf_or_null(SWEEP " --expect wavelength=..%snm", wavelength);
	second = typed_text(&s, 1, "complete  marginal", command);
	ck_assert_msg(strstr(second, "within the guard band") != NULL, "%s", second);
	typed(&s, 0, "marginal", "runs --verdict marginal");
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-trust");
	TCase *tcase = tcase_create("trust");

	tcase_set_timeout(tcase, 180);
	tcase_add_test(tcase, records_that_nobody_reads_in_time_are_gaps_and_no_complete_run);
	tcase_add_test(tcase, a_daemon_that_is_stopped_for_a_moment_tells_what_it_missed);
	tcase_add_loop_test(tcase, a_run_that_cannot_be_trusted_says_why, 0,
			    (int)ARRAY_SIZE(faults));
	tcase_add_test(tcase, a_wait_for_a_temperature_that_never_settles_ends_with_that_reason);
	tcase_add_test(tcase, a_value_within_the_guard_band_of_its_limit_is_marginal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
