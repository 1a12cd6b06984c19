// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Requests that are refused before there is any light, over a socketpair with a scripted link: each in words
 * that say why, and with the board as free as before.
 */
#include <string.h>

#include "base/util.h"
#include "pair_job.h"

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

START_TEST(one_job_at_a_time_on_a_board)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = pair_running_sweep(&pair);

	ck_assert_int_lt(pair_try_sweep(&pair, error, NULL), 0);
	ck_assert_str_eq(error, "Busy");
	/* Nor may its sources be moved. */
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Set", error, NULL, "a{sx}", 1,
				   "laser.power", INT64_C(1000000000000)),
			 0);
	ck_assert_str_eq(error, "Busy");
	ck_assert_int_lt(pair_call(&pair, "/org/etalon1", "org.etalon1.Manager", "DeleteRun", error,
				   NULL, "x", INT64_C(1)),
			 0);
	ck_assert_str_eq(error, "Busy");
	pair_job_cancel(&pair, job);
	ck_assert(pair_job_done(&pair, job));
}
END_TEST

START_TEST(a_sweep_without_a_lease_is_refused)
{
	ck_assert_int_lt(pair_try_sweep(&pair, error, NULL), 0);
	ck_assert_str_eq(error, "LeaseRequired");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	pair_run_is_unknown(&pair, 1);
}
END_TEST

/* Is there a reason? */
static bool why_dark(void)
{
	sd_bus_message *reply = NULL;
	bool any;

	ck_assert_int_ge(sd_bus_get_property(pair.client, NULL, pair.board_path, IFACE, "WhyDark",
					     NULL, &reply, "as"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "s"), 0);
	any = sd_bus_message_at_end(reply, 0) == 0;
	sd_bus_message_unref(reply);
	return any;
}

START_TEST(a_sweep_is_refused_while_the_interlock_is_open)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	fake_link_cause(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
	while (!why_dark())
		;
	ck_assert_int_lt(pair_try_sweep(&pair, error, NULL), 0);
	ck_assert_str_eq(error, "Interlock");
}
END_TEST

static const struct {
	const char *key; /* replaces or adds this to a good request */
	const char *type;
	const char *text;
	int64_t number;
	const char *error;
} bad_requests[] = {
	{"kind", "s", "dance", 0, "InvalidArgument"},
	{"kind", "x", NULL, 3, "InvalidArgument"},
	{"detectors", "s", "eye", 0, NULL},
	{"stop_fm", "x", NULL, 1700000000, "OutOfRange"},
	{"points", "x", NULL, -5, "InvalidArgument"},
	{"points", "x", NULL, 0, NULL},
	{"points", "x", NULL, 1000000000000, NULL},
	{"speed_fm_per_s", "x", NULL, 1, "OutOfRange"},
	{"power_fw", "x", NULL, 1, "OutOfRange"},
	{"colour", "s", "blue", 0, "InvalidArgument"},
	{"expectations", "s", "good", 0, "InvalidArgument"},
	{"reference", "x", NULL, 77, NULL},
};

static int ask(const char *method, size_t i)
{
	sd_bus_message *m = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	static const struct {
		const char *key;
		int64_t value;
	} good[] = {{"start_fm", 1549000000}, {"stop_fm", 1551000000}, {"points", 2001}};
	int r;

	ck_assert_int_ge(sd_bus_message_new_method_call(pair.client, &m, NULL, pair.board_path,
							IFACE, method),
			 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
	for (size_t g = 0; g < ARRAY_SIZE(good); g++)
		if (!streq(good[g].key, bad_requests[i].key))
			sd_bus_message_append(m, "{sv}", good[g].key, "x", good[g].value);
	if (!streq(bad_requests[i].key, "kind"))
		sd_bus_message_append(m, "{sv}", "kind", "s", "wavelength-sweep");
	if (!streq(bad_requests[i].key, "detectors"))
		sd_bus_message_append(m, "{sv}", "detectors", "as", 1, "pd1");
	if (bad_requests[i].text)
		sd_bus_message_append(m, "{sv}", bad_requests[i].key, "s", bad_requests[i].text);
	else
		sd_bus_message_append(m, "{sv}", bad_requests[i].key, "x", bad_requests[i].number);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	r = sd_bus_call(pair.client, m, 0, &e, NULL);
	snprintf(error, sizeof(error), "%s",
		 r < 0 && e.name ? e.name + strlen("org.etalon1.Error.") : "");
	if (r < 0)
		ck_assert_msg(e.message && strlen(e.message) > 10, "%s: \"%s\"", error, e.message);
	sd_bus_error_free(&e);
	sd_bus_message_unref(m);
	return r;
}

START_TEST(a_bad_request_is_refused_in_words_before_any_light)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_lt(ask("Measure", (size_t)_i), 0);
	if (bad_requests[_i].error)
		ck_assert_msg(streq(error, bad_requests[_i].error), "%s: %s", bad_requests[_i].key,
			      error);
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	/* The dry run says the same, but for what only the store knows. */
	if (!streq(bad_requests[_i].key, "reference"))
		ck_assert_int_lt(ask("Plan", (size_t)_i), 0);
	/* And the board is free. */
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job_refusals");
	TCase *tcase = tcase_create("refusals");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, one_job_at_a_time_on_a_board);
	tcase_add_test(tcase, a_sweep_without_a_lease_is_refused);
	tcase_add_test(tcase, a_sweep_is_refused_while_the_interlock_is_open);
	tcase_add_loop_test(tcase, a_bad_request_is_refused_in_words_before_any_light, 0,
			    (int)ARRAY_SIZE(bad_requests));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
