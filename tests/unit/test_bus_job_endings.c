// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Jobs that end early, over a socketpair with a scripted link: every way leaves the board dark or warm, as it
 * should be, keeps what was taken and says why.
 */
#include <string.h>

#include "base/util.h"
#include "data/meta.h"
#include "pair_job.h"
#include "runs.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define IFACE PAIR_BOARD_INTERFACE

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

static bool is_lit(void)
{
	_cleanup_free_ char *state = pair_text(&pair, pair.board_path, IFACE, "State");

	return streq(state, "armed") || streq(state, "delay") || streq(state, "emitting");
}

enum ending {
	END_CANCEL,
	END_OFF,
	END_GATE,
	END_INTERLOCK,
	END_WATCHDOG,
	END_LEASE,
	END_UNPLUG,
};

static const struct {
	enum ending ending;
	const char *error;
	const char *message;
} endings[] = {
	{END_CANCEL, "Cancelled", "cancelled by"},
	{END_OFF, "Cancelled", "turned off by"},
	{END_GATE, "Cancelled", "gate was shut by"},
	{END_INTERLOCK, "Interlock", "interlock"},
	{END_WATCHDOG, "Interlock", "watchdog"},
	{END_LEASE, "LeaseRequired", "closed its lease"},
	{END_UNPLUG, "BoardGone", "gone"},
};

static void bring_about(enum ending ending, const char *job, int *lease)
{
	switch (ending) {
	case END_CANCEL:
		pair_job_cancel(&pair, job);
		break;
	case END_OFF:
		ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Off", error, NULL, ""),
				 0);
		break;
	case END_GATE:
		ck_assert_int_eq(
			pair_call(&pair, pair.board_path, IFACE, "SetGate", error, NULL, "b", 0),
			0);
		break;
	case END_INTERLOCK:
		fake_link_cause(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
		break;
	case END_WATCHDOG:
		fake_link_trip(pair.fake, ETALON_HW_CAUSE_WATCHDOG);
		break;
	case END_LEASE:
		close(take_fd(lease));
		break;
	case END_UNPLUG:
		fake_link_unplug(pair.fake);
		break;
	}
}

START_TEST(whatever_ends_a_run_keeps_what_was_taken_and_says_why)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = pair_running_sweep(&pair);
	json_t *meta;

	bring_about(endings[_i].ending, job, &fd);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "partial");
	pair_job_says(&pair, job, "Error", endings[_i].error);
	pair_job_says(&pair, job, "Message", endings[_i].message);
	pair_run_is(&pair, 1, "partial");
	ck_assert_uint_eq(run_ledger(pair.client, 1, "received"), PAIR_JOB_POINTS / 2);
	meta = run_metadata(pair.client, 1);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(meta, META_ENDED_EARLY)),
				     endings[_i].message));
	ck_assert(json_is_false(json_object_get(json_object_get(meta, "ledger"), "complete")));
	json_decref(meta);
	if (endings[_i].ending != END_UNPLUG)
		ck_assert(!is_lit());
}
END_TEST

START_TEST(what_ends_a_run_on_a_warm_laser_shuts_the_gate)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0),
			 0);
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	job = pair_running_sweep(&pair);
	fake_link_forget(pair.fake);
	pair_job_cancel(&pair, job);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "partial");
	ck_assert(fake_link_has_seen(pair.fake, "set gate 0;"));
	ck_assert(!fake_link_has_seen(pair.fake, "off;"));
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
}
END_TEST

START_TEST(a_job_cancelled_before_light_leaves_nothing)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->hold_delay = true;
	job = pair_sweep(&pair);
	ck_assert(pair_wait(&pair, job, PAIR_JOB_INTERFACE, "State", "delay"));
	pair_job_cancel(&pair, job);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "failed");
	pair_job_says(&pair, job, "Error", "Cancelled");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	pair_run_is_unknown(&pair, 1);
}
END_TEST

START_TEST(an_end_that_lies_makes_the_run_partial)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->end_lies = true;
	job = pair_sweep(&pair);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "partial");
	pair_job_says(&pair, job, "Verdict", "untrustworthy");
	pair_run_is(&pair, 1, "partial");
	ck_assert_uint_eq(run_ledger(pair.client, 1, "received"), PAIR_JOB_POINTS);
	ck_assert_uint_eq(run_ledger(pair.client, 1, "produced"), PAIR_JOB_POINTS + 1);
}
END_TEST

START_TEST(a_program_that_the_board_refuses_leaves_nothing_and_no_light)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	fake_link_refuse(pair.fake, "load",
			 (struct link_refusal){.result = ETALON_HW_REFUSED_RATE, .high = 10});
	job = pair_sweep(&pair);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "failed");
	pair_job_says(&pair, job, "Error", "OutOfRange");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	fake_link_refuse(pair.fake, NULL, (struct link_refusal){.result = 0});
}
END_TEST

START_TEST(a_daemon_that_is_stopped_goes_dark_first_and_keeps_the_run)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *job = NULL;
	struct store *store = NULL;
	json_t *meta = NULL;

	start();
	fd = pair_lease(&pair, 10000);
	job = pair_running_sweep(&pair);
	fake_link_forget(pair.fake);
	ck_assert_int_eq(store_open(pair.store, STORE_READ, &store, NULL), 0);
	daemon_pair_begin_stop(&pair);
	ck_assert(fake_link_has_seen(pair.fake, "off;"));
	ck_assert_int_eq(store_run_get(store, 1, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), "partial");
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(meta, META_ENDED_EARLY)),
				     "etalond was stopped"));
	json_decref(meta);
	store_close(store);
	daemon_pair_end_stop(&pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job_endings");
	TCase *own = tcase_create("stop");
	TCase *job = tcase_create("job");

	tcase_set_timeout(own, 60);
	tcase_add_test(own, a_daemon_that_is_stopped_goes_dark_first_and_keeps_the_run);
	suite_add_tcase(suite, own);
	tcase_set_timeout(job, 60);
	tcase_add_checked_fixture(job, start, stop);
	tcase_add_loop_test(job, whatever_ends_a_run_keeps_what_was_taken_and_says_why, 0,
			    (int)ARRAY_SIZE(endings));
	tcase_add_test(job, what_ends_a_run_on_a_warm_laser_shuts_the_gate);
	tcase_add_test(job, a_job_cancelled_before_light_leaves_nothing);
	tcase_add_test(job, an_end_that_lies_makes_the_run_partial);
	tcase_add_test(job, a_program_that_the_board_refuses_leaves_nothing_and_no_light);
	suite_add_tcase(suite, job);
	return run_suite(suite);
}
