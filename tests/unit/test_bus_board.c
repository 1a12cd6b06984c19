// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * org.etalon1.Board over a socketpair, with a scripted link: who may bring light, what brings
 * darkness, and what is said about it.
 */
#include <errno.h>
#include <poll.h>

#include "base/util.h"
#include "daemon_pair.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define IFACE PAIR_BOARD_INTERFACE

static struct daemon_pair pair;
static char error[64];

static const char config[] = "default_power: 0 dBm\n"
			     "limits:\n"
			     "  - {source: laser.power, max: 3 dBm}\n"
			     "  - {source: h1, max: 5 V}\n";

static int board_call(const char *method, const char *types)
{
	return pair_call(&pair, pair.board_path, IFACE, method, error, NULL, types);
}

static int emit_nothing(void)
{
	return pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0);
}

static int set_gate(bool open)
{
	return pair_call(&pair, pair.board_path, IFACE, "SetGate", error, NULL, "b", (int)open);
}

static char *text_of(const char *property)
{
	return pair_text(&pair, pair.board_path, IFACE, property);
}

static bool state_becomes(const char *state)
{
	return pair_wait(&pair, pair.board_path, IFACE, "State", state);
}

static void last_off_tells(const char *part)
{
	_cleanup_free_ char *cause = text_of("LastOffCause");

	ck_assert_msg(strstr(cause, part) != NULL, "LastOffCause is \"%s\", not \"...%s...\"",
		      cause, part);
}

static void start(void)
{
	daemon_pair_start(&pair, config, NULL);
}

static void stop(void)
{
	daemon_pair_stop(&pair);
}

/* ---- opening ---- */

START_TEST(a_board_gets_all_its_limits_before_anything_else)
{
	ck_assert(fake_link_has_seen(pair.fake, "limits laser.wavelength 1500000000 1600000000;"));
	/* 3 dBm is 1 995 262 314 969 fW: tighter than the board's own 10 dBm. */
	ck_assert(fake_link_has_seen(pair.fake, "limits laser.power 100000000000 1995262314969;"));
	/* Emits nothing, but the site limits it. */
	ck_assert(fake_link_has_seen(pair.fake, "limits h1 0 5000000000;"));
	ck_assert(!fake_link_has_seen(pair.fake, "limits tec1"));
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
}
END_TEST

static void lit_by_another(struct fake_link *f)
{
	f->status.state = ETALON_HW_STATE_EMITTING;
}

START_TEST(a_board_found_lit_is_turned_off_at_once)
{
	daemon_pair_start(&pair, config, lit_by_another);
	ck_assert(fake_link_has_seen(pair.fake, "off;limits"));
	ck_assert(state_becomes("off"));
	daemon_pair_stop(&pair);
}
END_TEST

static void tripped_by_watchdog(struct fake_link *f)
{
	f->status.state = ETALON_HW_STATE_TRIPPED;
	f->status.causes_latched = ETALON_HW_CAUSE_WATCHDOG;
	f->status.last_off_cause = ETALON_HW_CAUSE_WATCHDOG;
}

START_TEST(a_host_side_trip_found_at_opening_is_recorded_and_cleared)
{
	daemon_pair_start(&pair, config, tripped_by_watchdog);
	ck_assert(fake_link_has_seen(pair.fake, "clear;limits"));
	last_off_tells("watchdog");
	last_off_tells("found when the board was opened");
	ck_assert(state_becomes("off"));
	daemon_pair_stop(&pair);
}
END_TEST

static void tripped_by_interlock(struct fake_link *f)
{
	f->status.state = ETALON_HW_STATE_TRIPPED;
	f->status.causes_latched = ETALON_HW_CAUSE_INTERLOCK;
	f->status.last_off_cause = ETALON_HW_CAUSE_INTERLOCK;
}

START_TEST(an_interlock_trip_found_at_opening_waits_for_a_person)
{
	daemon_pair_start(&pair, config, tripped_by_interlock);
	ck_assert(!fake_link_has_seen(pair.fake, "clear"));
	ck_assert(state_becomes("tripped"));
	ck_assert_int_eq(board_call("ClearFault", ""), 0);
	/* Only now can the limits be written. */
	ck_assert(fake_link_has_seen(pair.fake, "clear;limits"));
	ck_assert(state_becomes("off"));
	daemon_pair_stop(&pair);
}
END_TEST

START_TEST(a_site_limit_that_does_not_fit_leaves_the_board_dark_and_says_why)
{
	sd_bus_message *reply = NULL;
	const char *why = NULL;
	int fd;

	daemon_pair_start(&pair, "limits:\n  - {source: nozzle, max: 3 dBm}\n", NULL);
	ck_assert_int_ge(sd_bus_get_property(pair.client, NULL, pair.board_path, IFACE, "WhyDark",
					     NULL, &reply, "as"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "s"), 0);
	ck_assert_int_gt(sd_bus_message_read(reply, "s", &why), 0);
	ck_assert_ptr_nonnull(strstr(why, "nozzle"));
	sd_bus_message_unref(reply);
	fd = pair_lease(&pair, 1000);
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 1,
				   "laser.power", INT64_C(1000000000000)),
			 0);
	ck_assert_str_eq(error, "Interlock");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	close(fd);
	daemon_pair_stop(&pair);
}
END_TEST

/* ---- lease and light ---- */

START_TEST(without_a_lease_nothing_brings_light)
{
	ck_assert_int_lt(emit_nothing(), 0);
	ck_assert_str_eq(error, "LeaseRequired");
	ck_assert_int_lt(set_gate(true), 0);
	ck_assert_str_eq(error, "LeaseRequired");
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Set", error, NULL, "a{sx}", 1,
				   "laser.power", INT64_C(1000000000000)),
			 0);
	ck_assert_str_eq(error, "LeaseRequired");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert(!fake_link_has_seen(pair.fake, "set "));
}
END_TEST

START_TEST(emit_sets_arms_and_emits_in_this_order_with_the_sites_default_power)
{
	_cleanup_close_ int fd = pair_lease(&pair, 1000);
	sd_bus_message *reply = NULL;
	const char *name;
	int64_t value, power = 0;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Emit", error, &reply, "a{sx}", 1,
				   "laser.wavelength", INT64_C(1551000000)),
			 0);
	ck_assert(fake_link_has_seen(pair.fake, "set laser.wavelength 1551000000;"
						"set laser.power 1000000000000;"
						"arm 250000000;emit;"));
	/* What is in force is said, the default too. */
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "{sx}"), 0);
	while (sd_bus_message_read(reply, "{sx}", &name, &value) > 0)
		if (streq(name, "laser.power"))
			power = value;
	ck_assert_int_eq(power, 1000000000000);
	sd_bus_message_unref(reply);
	ck_assert(state_becomes("emitting"));
}
END_TEST

START_TEST(kicks_come_while_the_lease_is_fresh_and_end_with_it)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	unsigned int kicks;

	ck_assert_uint_eq(fake_link_kicks(pair.fake), 0);
	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert(fake_link_wait_kicks(pair.fake, 2));
	close(take_fd(&fd));
	ck_assert(fake_link_saw(pair.fake, "off;"));
	ck_assert(state_becomes("off"));
	kicks = fake_link_kicks(pair.fake);
	/* Three watchdog periods of nothing; were there a kick it would be counted. */
	poll(NULL, 0, 750);
	ck_assert_uint_eq(fake_link_kicks(pair.fake), kicks);
	last_off_tells("closed its lease");
}
END_TEST

START_TEST(a_silent_holder_is_taken_for_dead)
{
	_cleanup_close_ int fd = pair_lease(&pair, 100);
	char line[256] = "";

	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert(fake_link_saw(pair.fake, "off;"));
	ck_assert(state_becomes("off"));
	last_off_tells("went silent");
	/* The daemon says why before it closes its end. */
	ck_assert_int_gt(read(fd, line, sizeof(line) - 1), 0);
	ck_assert_ptr_nonnull(strstr(line, "went silent"));
	ck_assert_int_eq(read(fd, line, sizeof(line)), 0);
}
END_TEST

START_TEST(a_second_lease_is_refused_unless_it_is_taken_over)
{
	_cleanup_close_ int first = pair_lease(&pair, 10000);
	sd_bus_message *reply = NULL;
	char line[256] = "";

	ck_assert_int_lt(
		pair_call(&pair, pair.board_path, IFACE, "Lease", error, NULL, "ua{sv}", 1000U, 0),
		0);
	ck_assert_str_eq(error, "LeaseHeld");
	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Lease", error, &reply, "ua{sv}",
				   10000U, 1, "take_over", "b", 1),
			 0);
	/* Another's light is not inherited. */
	ck_assert(fake_link_saw(pair.fake, "off;"));
	ck_assert_int_gt(read(first, line, sizeof(line) - 1), 0);
	ck_assert_ptr_nonnull(strstr(line, "taken over"));
	sd_bus_message_unref(reply);
}
END_TEST

START_TEST(a_lease_of_a_wrong_period_or_option_is_refused)
{
	ck_assert_int_lt(
		pair_call(&pair, pair.board_path, IFACE, "Lease", error, NULL, "ua{sv}", 99U, 0),
		0);
	ck_assert_str_eq(error, "OutOfRange");
	ck_assert_int_lt(
		pair_call(&pair, pair.board_path, IFACE, "Lease", error, NULL, "ua{sv}", 10001U, 0),
		0);
	ck_assert_str_eq(error, "OutOfRange");
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Lease", error, NULL, "ua{sv}",
				   0U, 1, "for_ever", "b", 1),
			 0);
	ck_assert_str_eq(error, "InvalidArgument");
}
END_TEST

START_TEST(off_needs_no_lease_and_is_told)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(board_call("Off", ""), 0); /* dark already: no failure */
	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert_int_eq(board_call("Off", ""), 0);
	ck_assert(state_becomes("off"));
	last_off_tells("turned off by");
}
END_TEST

START_TEST(the_gate_opens_only_while_emitting_and_shuts_always)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_lt(set_gate(true), 0);
	ck_assert_str_eq(error, "Interlock");
	ck_assert_int_eq(set_gate(false), 0);
	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert(state_becomes("emitting"));
	ck_assert_int_eq(set_gate(true), 0);
	ck_assert(fake_link_has_seen(pair.fake, "set gate 1;"));
	ck_assert_int_eq(set_gate(false), 0);
	ck_assert(state_becomes("emitting"));
}
END_TEST

START_TEST(a_gate_that_will_not_shut_turns_light_off)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(emit_nothing(), 0);
	fake_link_refuse(pair.fake, "set_source",
			 (struct link_refusal){.result = ETALON_HW_REFUSED_STATE});
	ck_assert_int_eq(set_gate(false), 0);
	/* A program might own it: it is stopped first. */
	ck_assert(fake_link_has_seen(pair.fake, "set gate 0;stop;set gate 0;off;"));
	fake_link_refuse(pair.fake, NULL, (struct link_refusal){.result = 0});
}
END_TEST

/* ---- setpoints ---- */

static const struct {
	const char *source;
	int64_t value;
	const char *error;
} bad_setpoints[] = {
	{"laser.wavelength", 1700000000, "OutOfRange"},
	{"laser.wavelength", 1400000000, "OutOfRange"},
	{"laser.wavelength", 1550000050, "OutOfRange"}, /* not a step of 0.1 pm */
	{"laser.power", 2000000000000, "OutOfRange"}, /* the site's limit */
	{"h1", 5000000001, "OutOfRange"},
	{"h1", -1, "OutOfRange"},
	{"nonsense", 1, "NoSuchChannel"},
};

START_TEST(a_setpoint_beyond_a_limit_is_refused_and_nothing_is_set)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Set", error, NULL, "a{sx}", 2,
				   "tec1", INT64_C(300000000), bad_setpoints[_i].source,
				   bad_setpoints[_i].value),
			 0);
	ck_assert_str_eq(error, bad_setpoints[_i].error);
	ck_assert(!fake_link_has_seen(pair.fake, "set "));
}
END_TEST

START_TEST(what_emits_nothing_needs_no_lease)
{
	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Set", error, NULL, "a{sx}", 1,
				   "tec1", INT64_C(300000000)),
			 0);
	ck_assert(fake_link_has_seen(pair.fake, "set tec1 300000000;"));
}
END_TEST

static const struct {
	uint32_t result;
	const char *error;
} refusals[] = {
	{ETALON_HW_REFUSED_LIMIT, "OutOfRange"},  {ETALON_HW_REFUSED_CAUSE, "Interlock"},
	{ETALON_HW_REFUSED_STATE, "Busy"},	  {ETALON_HW_REFUSED_WATCHDOG, "OutOfRange"},
	{ETALON_HW_REFUSED_MODE, "NotSupported"}, {ETALON_HW_REFUSED_LIMITS_UNWRITTEN, "Interlock"},
};

START_TEST(what_the_board_refuses_is_told_as_an_error_of_its_own)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	fake_link_refuse(pair.fake, "arm",
			 (struct link_refusal){.result = refusals[_i].result, .detail = 1});
	ck_assert_int_lt(emit_nothing(), 0);
	ck_assert_str_eq(error, refusals[_i].error);
	/* Half-way is no state to be left in. */
	ck_assert(fake_link_has_seen(pair.fake, "arm 250000000;off;"));
	ck_assert(state_becomes("off"));
	fake_link_refuse(pair.fake, NULL, (struct link_refusal){.result = 0});
}
END_TEST

/* ---- trips ---- */

static const struct {
	uint32_t cause;
	const char *told;
} trips[] = {
	{ETALON_HW_CAUSE_INTERLOCK, "interlock"}, {ETALON_HW_CAUSE_KEY, "key"},
	{ETALON_HW_CAUSE_WATCHDOG, "watchdog"},	  {ETALON_HW_CAUSE_OVER_TEMPERATURE, "too hot"},
	{ETALON_HW_CAUSE_FAULT, "faulty"},
};

START_TEST(a_trip_is_told_and_is_left_only_by_clearing_it)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert(state_becomes("emitting"));
	fake_link_trip(pair.fake, trips[_i].cause);
	ck_assert(state_becomes("tripped"));
	last_off_tells(trips[_i].told);
	ck_assert_int_lt(emit_nothing(), 0);
	ck_assert_int_eq(board_call("ClearFault", ""), 0);
	ck_assert(state_becomes("off"));
	/* Clearing never turns light on. */
	ck_assert(!fake_link_has_seen(pair.fake, "clear;arm"));
}
END_TEST

START_TEST(a_live_cause_can_not_be_cleared_and_is_named)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(emit_nothing(), 0);
	fake_link_cause(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
	ck_assert(state_becomes("tripped"));
	ck_assert_int_lt(board_call("ClearFault", ""), 0);
	ck_assert_str_eq(error, "Interlock");
	fake_link_cause_ends(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
	ck_assert_int_eq(board_call("ClearFault", ""), 0);
	ck_assert(state_becomes("off"));
}
END_TEST

START_TEST(the_cause_that_acted_is_kept_also_when_off_follows)
{
	int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(emit_nothing(), 0);
	fake_link_trip(pair.fake, ETALON_HW_CAUSE_KEY);
	close(fd);
	ck_assert(state_becomes("tripped"));
	last_off_tells("key");
}
END_TEST

/* ---- a board that goes ---- */

START_TEST(a_board_that_is_unplugged_is_gone_and_says_so)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	char line[256] = "";

	ck_assert_int_eq(emit_nothing(), 0);
	ck_assert(state_becomes("emitting"));
	fake_link_unplug(pair.fake);
	ck_assert(state_becomes("gone"));
	last_off_tells("gone");
	ck_assert_int_lt(emit_nothing(), 0);
	ck_assert_int_lt(board_call("Off", ""), 0);
	ck_assert_str_eq(error, "BoardGone");
	/* Its lease is over. */
	ck_assert_int_gt(read(fd, line, sizeof(line) - 1), 0);
}
END_TEST

START_TEST(a_board_that_comes_back_is_a_new_object_at_the_same_path)
{
	fake_link_unplug(pair.fake);
	ck_assert(state_becomes("gone"));
	ck_assert(fake_link_saw(pair.fake, "close;"));
	fake_link_plug(pair.fake);
	/* A second or so: it is looked for without being asked. */
	ck_assert(state_becomes("off"));
	ck_assert_uint_eq(pair.fake->opened, 2);
}
END_TEST

static const struct {
	const char *call;
	int error;
} breaks[] = {{"off", -ETIMEDOUT}, {"off", -EPROTO}, {"kick", -ETIMEDOUT}, {"off", -EIO}};

START_TEST(a_board_that_does_not_do_as_told_has_its_cable_pulled)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_eq(emit_nothing(), 0);
	fake_link_break(pair.fake, breaks[_i].call, breaks[_i].error);
	/* Kicks come by themselves while the lease lives; OFF comes with its end. */
	if (streq(breaks[_i].call, "off"))
		close(take_fd(&fd));
	ck_assert(fake_link_saw(pair.fake, "close;"));
	fake_link_break(pair.fake, NULL, 0);
	/* It is looked for again, and comes back dark. */
	ck_assert(state_becomes("off"));
}
END_TEST

/* ---- objects ---- */

START_TEST(objects_that_do_not_exist_are_unknown)
{
	static const char *const paths[] = {"/org/etalon1/board/NONE",
					    "/org/etalon1/job/1",
					    "/org/etalon1/run/1",
					    "/org/etalon1/run/01",
					    "/org/etalon1/run/18446744073709551617",
					    "/org/etalon1/run/x"};
	static const char *const interfaces[] = {IFACE,
						 "org.etalon1.Job",
						 "org.etalon1.Run",
						 "org.etalon1.Run",
						 "org.etalon1.Run",
						 "org.etalon1.Run"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		ck_assert_int_lt(pair_call(&pair, paths[i], "org.freedesktop.DBus.Properties",
					   "GetAll", error, NULL, "s", interfaces[i]),
				 0);
		ck_assert_str_eq(error, "org.freedesktop.DBus.Error.UnknownObject");
	}
}
END_TEST

START_TEST(readings_are_converted_and_named)
{
	sd_bus_message *reply = NULL;
	int count = 0;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Read", error, &reply, "asa{sv}",
				   2, "pd1", "mon", 0),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "a{sv}"), 0);
	while (sd_bus_message_skip(reply, "a{sv}") > 0 && ++count < 10)
		if (sd_bus_message_at_end(reply, 0))
			break;
	ck_assert_int_eq(count, 2);
	sd_bus_message_unref(reply);
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Read", error, NULL, "asa{sv}", 1,
				   "eye", 0),
			 0);
	ck_assert_str_eq(error, "NoSuchChannel");
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Read", error, NULL, "asa{sv}", 1,
				   "pd1", 1, "aperture_ns", "t", UINT64_C(2000000000)),
			 0);
	ck_assert_str_eq(error, "OutOfRange");
}
END_TEST

START_TEST(a_reading_with_its_own_aperture_waits_for_two_of_them)
{
	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Read", error, NULL, "asa{sv}", 1,
				   "pd1", 1, "aperture_ns", "t", UINT64_C(5000)),
			 0);
	ck_assert(fake_link_has_seen(pair.fake, "aperture 5000;"));
	/* The same again changes nothing. */
	fake_link_forget(pair.fake);
	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Read", error, NULL, "asa{sv}", 1,
				   "pd1", 1, "aperture_ns", "t", UINT64_C(5000)),
			 0);
	ck_assert(!fake_link_has_seen(pair.fake, "aperture"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_board");
	TCase *own = tcase_create("opening"), *tc = tcase_create("board");

	tcase_set_timeout(own, 60);
	tcase_add_test(own, a_board_found_lit_is_turned_off_at_once);
	tcase_add_test(own, a_host_side_trip_found_at_opening_is_recorded_and_cleared);
	tcase_add_test(own, an_interlock_trip_found_at_opening_waits_for_a_person);
	tcase_add_test(own, a_site_limit_that_does_not_fit_leaves_the_board_dark_and_says_why);
	suite_add_tcase(suite, own);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_board_gets_all_its_limits_before_anything_else);
	tcase_add_test(tc, without_a_lease_nothing_brings_light);
	tcase_add_test(tc, emit_sets_arms_and_emits_in_this_order_with_the_sites_default_power);
	tcase_add_test(tc, kicks_come_while_the_lease_is_fresh_and_end_with_it);
	tcase_add_test(tc, a_silent_holder_is_taken_for_dead);
	tcase_add_test(tc, a_second_lease_is_refused_unless_it_is_taken_over);
	tcase_add_test(tc, a_lease_of_a_wrong_period_or_option_is_refused);
	tcase_add_test(tc, off_needs_no_lease_and_is_told);
	tcase_add_test(tc, the_gate_opens_only_while_emitting_and_shuts_always);
	tcase_add_test(tc, a_gate_that_will_not_shut_turns_light_off);
	tcase_add_loop_test(tc, a_setpoint_beyond_a_limit_is_refused_and_nothing_is_set, 0,
			    (int)ARRAY_SIZE(bad_setpoints));
	tcase_add_test(tc, what_emits_nothing_needs_no_lease);
	tcase_add_loop_test(tc, what_the_board_refuses_is_told_as_an_error_of_its_own, 0,
			    (int)ARRAY_SIZE(refusals));
	tcase_add_loop_test(tc, a_trip_is_told_and_is_left_only_by_clearing_it, 0,
			    (int)ARRAY_SIZE(trips));
	tcase_add_test(tc, a_live_cause_can_not_be_cleared_and_is_named);
	tcase_add_test(tc, the_cause_that_acted_is_kept_also_when_off_follows);
	tcase_add_test(tc, a_board_that_is_unplugged_is_gone_and_says_so);
	tcase_add_test(tc, a_board_that_comes_back_is_a_new_object_at_the_same_path);
	tcase_add_loop_test(tc, a_board_that_does_not_do_as_told_has_its_cable_pulled, 0,
			    (int)ARRAY_SIZE(breaks));
	tcase_add_test(tc, objects_that_do_not_exist_are_unknown);
	tcase_add_test(tc, readings_are_converted_and_named);
	tcase_add_test(tc, a_reading_with_its_own_aperture_waits_for_two_of_them);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
