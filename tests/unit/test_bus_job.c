// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A job that succeeds, over a socketpair with a scripted link: what it does to the board and in which order,
 * and what it leaves.
 */
#include "base/util.h"
#include "bus/variant.h"
#include "data/frame.h"
#include "pair_job.h"
#include "runs.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define IFACE PAIR_BOARD_INTERFACE
#define RUN "org.etalon1.Run"

static struct daemon_pair pair;
static char error[64];

static void start(void)
{
	daemon_pair_start(&pair, "default_power: 0 dBm\n", NULL);
}

static void stop(void)
{
	daemon_pair_stop(&pair);
}

START_TEST(a_sweep_is_taken_stored_and_judged_and_light_is_off_after_it)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = pair_sweep(&pair);
	json_t *meta;

	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "complete");
	pair_job_says(&pair, job, "Verdict", "measured");
	pair_job_says(&pair, job, "Message", "");
	pair_job_says(&pair, job, "Error", "");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	pair_run_is(&pair, 1, "complete");
	ck_assert_uint_eq(run_ledger(pair.client, 1, "received"), PAIR_JOB_POINTS);
	ck_assert_uint_eq(run_ledger(pair.client, 1, "produced"), PAIR_JOB_POINTS);
	ck_assert_uint_eq(run_ledger(pair.client, 1, "dropped"), 0);
	meta = run_metadata(pair.client, 1);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "label")), "ring");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(meta, "board"), "link")),
			 "emulated");
	json_decref(meta);
}
END_TEST

START_TEST(the_order_is_arm_emit_dark_main_dark_off)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	fake_link_forget(pair.fake);
	job = pair_sweep(&pair);
	ck_assert(pair_job_done(&pair, job));
	ck_assert(fake_link_has_seen(pair.fake, "arm 250000000;emit;"));
	ck_assert(fake_link_has_seen(pair.fake, "load;start;load;start;load;start;off;"));
}
END_TEST

START_TEST(a_laser_that_was_warm_stays_warm_behind_a_shut_gate)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0),
			 0);
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	fake_link_forget(pair.fake);
	job = pair_sweep(&pair);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "complete");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert(!fake_link_has_seen(pair.fake, "off;"));
	ck_assert(fake_link_has_seen(pair.fake, "set gate 0;"));
}
END_TEST

START_TEST(what_needs_no_light_needs_no_lease_and_brings_none)
{
	sd_bus_message *reply = NULL;
	_cleanup_free_ char *job = NULL;

	ck_assert_msg(pair_call(&pair, pair.board_path, IFACE, "Measure", error, &reply, "a{sv}", 3,
				"kind", "s", "dark", "detectors", "as", 2, "pd1", "pd2", "points",
				"t", UINT64_C(100)) == 0,
		      "%s", error);
	job = pair_job_path(reply);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "complete");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert(!fake_link_has_seen(pair.fake, "emit"));
}
END_TEST

START_TEST(data_come_as_a_sealed_frame_and_in_pieces)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = pair_sweep(&pair), *message = NULL;
	_cleanup_table_ struct table *table = NULL;
	sd_bus_message *reply = NULL;
	json_t *info = NULL;
	int frame;

	ck_assert(pair_job_done(&pair, job));
	ck_assert_msg(pair_call(&pair, "/org/etalon1/run/1", RUN, "GetData", error, &reply,
				"ttta{sv}", UINT64_C(100), UINT64_C(50), UINT64_C(2), 1, "columns",
				"as", 2, "wavelength", "pd1") == 0,
		      "%s", error);
	ck_assert_int_ge(sd_bus_message_read(reply, "h", &frame), 0);
	ck_assert_int_eq(variant_read_dict(reply, &info, NULL), 0);
	ck_assert_msg(frame_to_table(frame, &table, &message) == 0, "%s", message);
	ck_assert_uint_eq(table->rows, 50);
	ck_assert_int_eq(json_integer_value(json_object_get(info, "rows")), 50);
	ck_assert_int_eq(json_integer_value(json_object_get(info, "next")), 200);
	ck_assert_ptr_nonnull(table_find(table, "pd1"));
	json_decref(info);
	sd_bus_message_unref(reply);
}
END_TEST

START_TEST(a_job_waits_for_the_end_of_the_delay)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->hold_delay = true;
	job = pair_sweep(&pair);
	ck_assert(pair_wait(&pair, job, PAIR_JOB_INTERFACE, "State", "delay"));
	ck_assert(!fake_link_has_seen(pair.fake, "start;"));
	fake_link_delay_over(pair.fake);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "complete");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job");
	TCase *tcase = tcase_create("job");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_sweep_is_taken_stored_and_judged_and_light_is_off_after_it);
	tcase_add_test(tcase, the_order_is_arm_emit_dark_main_dark_off);
	tcase_add_test(tcase, a_laser_that_was_warm_stays_warm_behind_a_shut_gate);
	tcase_add_test(tcase, what_needs_no_light_needs_no_lease_and_brings_none);
	tcase_add_test(tcase, data_come_as_a_sealed_frame_and_in_pieces);
	tcase_add_test(tcase, a_job_waits_for_the_end_of_the_delay);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
