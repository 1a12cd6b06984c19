// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Every call of a link against the real emulator, over its socket and through a kernel's contract:
 * values arrive, refusals are understood, events tell what happened.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fake_kernel.h"
#include "../common/link_steps.h"
#include "../common/session.h"
#include "base/util.h"
#include "calibrate/convert.h"
#include "link/link.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct session session;
static struct link *board;
static struct fake_kernel *kernel; /* NULL: straight to the socket */
static struct link_refusal refusal;

static void setup(void)
{
	struct session_options options = {.speed_max = true, .emission_delay_ms = 5};

	session_start_board(&session, &options);
	board = link_to_board(&session);
}

static void setup_kernel(void)
{
	setup();
	kernel = fake_kernel_new(board, 1 << 20);
	ck_assert_int_eq(fake_kernel_open(kernel, &board, NULL), 0);
}

static void teardown(void)
{
	link_close(board);
	if (kernel)
		fake_kernel_free(kernel);
	kernel = NULL;
	session_stop(&session);
}

static void open_again(void)
{
	char *message = NULL;
	int r = kernel ? fake_kernel_open(kernel, &board, &message)
		       : link_open_emulated(session.board, &board, &message);

	ck_assert_msg(r == 0, "%s", message);
}

static unsigned int source(const char *name)
{
	int i = description_source(board->description, name);

	ck_assert_msg(i >= 0, "%s", name);
	return (unsigned int)i;
}

static void arm(void)
{
	link_write_limits(board);
	ck_assert_int_eq(board->ops->arm(board, 1000000000, &refusal), 0);
}

static const char *said(void)
{
	static char text[512];
	_cleanup_free_ char *message = link_refusal_message(board->description, &refusal);

	snprintf(text, sizeof(text), "%s", message);
	return text;
}

START_TEST(a_board_wakes_up_dark_and_closed)
{
	struct link_status s = link_look(board);

	ck_assert_uint_eq(s.state, ETALON_HW_STATE_OFF);
	ck_assert_uint_eq(s.causes_live, 0);
	ck_assert_uint_eq(s.sequencer, ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(s.status_bits,
			  ETALON_HW_STATUS_KEY_ON | ETALON_HW_STATUS_INTERLOCK_CLOSED);
	ck_assert_uint_eq(s.emission_ready_tick, 0);
	ck_assert_uint_gt(link_look(board).tick, s.tick);
}
END_TEST

START_TEST(setpoints_arrive_and_move)
{
	unsigned int x = source("pos_x");
	int64_t setpoint, actual;

	ck_assert_int_eq(board->ops->set_source(board, x, 12000, &refusal), 0);
	do {
		ck_assert_int_eq(board->ops->get_source(board, x, &setpoint, &actual), 0);
		ck_assert_int_eq(setpoint, 12000);
	} while (actual != 12000);
}
END_TEST

START_TEST(a_setpoint_beyond_the_limits_is_refused_and_stays)
{
	int64_t setpoint, actual, before;
	unsigned int w = source("laser.wavelength");

	ck_assert_int_eq(board->ops->get_source(board, w, &before, &actual), 0);
	ck_assert_int_eq(board->ops->set_source(board, w, 1700000000, &refusal), -ERANGE);
	ck_assert_str_eq(said(), "1700 nm is above laser.wavelength's 1640 nm; allowed 1480 nm to "
				 "1640 nm");
	ck_assert_int_eq(board->ops->set_source(board, w, 1550000050, &refusal), -EINVAL);
	ck_assert_str_eq(said(),
			 "laser.wavelength is set in steps of 100 fm: the nearest values are "
			 "1550 nm and 1550.0001 nm");
	ck_assert_int_eq(board->ops->get_source(board, w, &setpoint, &actual), 0);
	ck_assert_int_eq(setpoint, before);
}
END_TEST

START_TEST(limits_only_tighten)
{
	unsigned int h = source("h1");
	int64_t step = board->description->source[h].resolution;

	ck_assert_int_eq(board->ops->set_limits(board, h, 0, 13000000000, &refusal), -ERANGE);
	ck_assert_int_eq(board->ops->set_limits(board, h, -1000000000, 1000000000, &refusal),
			 -ERANGE);
	ck_assert_int_eq(board->ops->set_limits(board, h, 0, 1000000000, &refusal), 0);
	ck_assert_int_eq(board->ops->set_source(board, h, 2000000000 / step * step, &refusal),
			 -ERANGE);
	ck_assert_ptr_nonnull(strstr(said(), "above h1's 1 V"));
}
END_TEST

START_TEST(arming_needs_limits_and_a_watchdog_within_its_own)
{
	ck_assert_int_eq(board->ops->arm(board, 250000000, &refusal), -EACCES);
	ck_assert_ptr_nonnull(strstr(said(), "are not written: no light before that"));
	link_write_limits(board);
	ck_assert_int_eq(board->ops->arm(board, 0, &refusal), -ERANGE);
	ck_assert_ptr_nonnull(strstr(said(), "allowed 50 ms to 1 s"));
	ck_assert_int_eq(board->ops->arm(board, 2000000000, &refusal), -ERANGE);
	ck_assert_int_eq(board->ops->emit(board, &refusal), -EBUSY);
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_OFF);
	ck_assert_int_eq(board->ops->arm(board, 1000000000, &refusal), 0);
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_ARMED);
	/* Limits are for OFF. */
	ck_assert_int_eq(board->ops->set_limits(board, source("h1"), 0, 1000000000, &refusal),
			 -EBUSY);
	ck_assert_int_eq(board->ops->off(board), 0);
	ck_assert_uint_eq(link_look(board).last_off_cause, ETALON_HW_CAUSE_HOST);
}
END_TEST

START_TEST(light_comes_after_its_delay_and_goes_at_once)
{
	arm();
	ck_assert_int_eq(board->ops->emit(board, &refusal), 0);
	while (link_look(board).state == ETALON_HW_STATE_DELAY)
		;
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_EMITTING);
	ck_assert(link_look(board).status_bits & ETALON_HW_STATUS_INDICATOR);
	ck_assert_int_eq(board->ops->set_source(board, source("gate"), 1, &refusal), 0);
	ck_assert_int_eq(board->ops->kick(board), 0);
	ck_assert_int_eq(board->ops->off(board), 0);
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_OFF);
	ck_assert_int_eq(board->ops->set_source(board, source("gate"), 1, &refusal), -EBUSY);
}
END_TEST

START_TEST(without_a_kick_the_board_trips_and_says_why)
{
	link_write_limits(board);
	ck_assert_int_eq(board->ops->arm(board, 50000000, &refusal), 0);
	while (link_look(board).state == ETALON_HW_STATE_ARMED) /* reading does not kick */
		;
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(link_look(board).causes_latched, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_int_eq(board->ops->off(board), 0); /* dark already */
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_TRIPPED);
	ck_assert_int_eq(board->ops->clear(board, &refusal), 0);
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_OFF);
}
END_TEST

START_TEST(a_trip_is_not_cleared_while_its_cause_lives)
{
	arm();
	session_fault(&session, "{\"fault\": \"interlock-open\"}");
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_TRIPPED);
	ck_assert_int_eq(board->ops->clear(board, &refusal), -EACCES);
	ck_assert_ptr_nonnull(strstr(said(), "interlock open"));
	session_fault(&session, "{\"fault\": \"interlock-close\"}");
	if (link_look(board).causes_live & ETALON_HW_CAUSE_LOCAL_RESET)
		session_fault(&session, "{\"fault\": \"local-reset\"}");
	ck_assert_int_eq(board->ops->clear(board, &refusal), 0);
}
END_TEST

START_TEST(events_tell_each_change)
{
	struct pollfd p = {.fd = board->ops->event_fd(board), .events = POLLIN};
	struct etalon_hw_usb_event event;
	bool tripped = false;

	arm();
	session_fault(&session, "{\"fault\": \"key-off\"}");
	while (!tripped) {
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		while (board->ops->event(board, &event) == 0)
			tripped = tripped || event.state == ETALON_HW_STATE_TRIPPED;
	}
	ck_assert_uint_eq(event.causes_latched & ETALON_HW_CAUSE_KEY, ETALON_HW_CAUSE_KEY);
	ck_assert_int_eq(board->ops->event(board, &event), -EAGAIN);
	session_fault(&session, "{\"fault\": \"cable\"}");
	do
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
	while (board->ops->event(board, &event) == 0);
	ck_assert(kernel || p.revents & POLLHUP);
	ck_assert_int_eq(board->ops->event(board, &event), -ENODEV);
}
END_TEST

START_TEST(live_readings_follow_range_and_time)
{
	const struct description *d = board->description;
	unsigned int pd1 = (unsigned int)description_detector(d, "pd1");
	struct etalon_hw_live live[ETALON_HW_DETECTORS_MAX], later[ETALON_HW_DETECTORS_MAX];

	ck_assert_int_eq(board->ops->set_live_aperture(board, 1000000), 0);
	ck_assert_int_eq(board->ops->set_range(board, pd1, 2, &refusal), 0);
	ck_assert_int_eq(board->ops->live(board, live, d->head.detector_count), 0);
	do
		ck_assert_int_eq(board->ops->live(board, later, d->head.detector_count), 0);
	while (later[pd1].tick == live[pd1].tick || later[pd1].range != 2);
	ck_assert_int_eq(board->ops->set_range(board, pd1, 9, &refusal), -EINVAL);
	ck_assert_uint_eq(refusal.result, ETALON_HW_REFUSED_CHANNEL);
}
END_TEST

/* Live readings of a detector until `count` of them differed: the last digit always moves. */
static double live_scatter(unsigned int detector, size_t count, double scale)
{
	struct etalon_hw_live live[ETALON_HW_DETECTORS_MAX];
	double sum = 0, squares = 0, n = (double)count;
	int64_t before = 0;

	for (size_t k = 0; k < count;) {
		ck_assert_int_eq(board->ops->live(board, live, detector + 1), 0);
		if (live[detector].mean_q8 == before)
			continue;
		before = live[detector].mean_q8;
		sum += (double)before * scale;
		squares += pow((double)before * scale, 2);
		k++;
	}
	return sqrt((squares - sum * sum / n) / (n - 1));
}

START_TEST(the_thermometer_is_as_noisy_as_its_calibration_says)
{
	int detector = description_detector(board->description, "tec1.t");
	struct conversion conversion;

	ck_assert_int_ge(detector, 0);
	ck_assert_int_eq(conversion_make(board->description, (unsigned int)detector, 0, 1000000,
					 NAN, NAN, &conversion),
			 0);
	ck_assert_double_eq_tol(conversion.noise, 2e-3, 2e-5);
	/* 200 readings know their scatter to 5 % */
	ck_assert_double_eq_tol(live_scatter((unsigned int)detector, 200, conversion.scale) /
					conversion.noise,
				1, 0.25);
}
END_TEST

START_TEST(auxiliary_lines_are_driven_and_read)
{
	struct pollfd p = {.fd = board->ops->event_fd(board), .events = POLLIN};
	struct etalon_hw_usb_event event = {};
	uint32_t in;

	ck_assert_int_eq(board->ops->aux_direction(board, 0x0f), 0);
	ck_assert_int_eq(board->ops->aux_set(board, 0x03, 0x02), 0);
	ck_assert_int_eq(board->ops->aux_get(board, &in), 0);
	ck_assert_uint_eq(in & 0x0f, 0x02);
	session_fault(&session, "{\"fault\": \"aux-in\", \"line\": 6, \"level\": 1}");
	while (!(event.aux_in & 1U << 6)) {
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		while (board->ops->event(board, &event) == 0)
			;
	}
	ck_assert_int_eq(board->ops->aux_get(board, &in), 0);
	ck_assert_uint_eq(in & 1U << 6, 1U << 6);
}
END_TEST

START_TEST(a_program_that_is_refused_names_its_fault)
{
	struct etalon_hw_program p = {
		.magic = ETALON_HW_PROGRAM_MAGIC,
		.size = sizeof(p),
		.generation = 1,
		.axis_count = 1,
		.detector_count = 1,
		.axis = {{.points = 10,
			  .shape = ETALON_HW_AXIS_LINEAR,
			  .mode = ETALON_HW_MODE_STEP}},
		.period_ns = 5000,
		.aperture_ns = 2000,
	};
	struct link_program loaded;

	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), -ERANGE);
	ck_assert_ptr_nonnull(strstr(said(), "the period is out of bounds"));
	p.period_ns = 100000;
	p.aperture_ns = 1000;
	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), -ERANGE);
	ck_assert_ptr_nonnull(strstr(said(), "the aperture is out of bounds; allowed 2 us to"));
	p.aperture_ns = 50000;
	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	p.axis[0].gang_count = 1;
	p.axis[0].gang[0].source = (uint16_t)source("pos_x");
	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), -EINVAL);
	ck_assert_ptr_nonnull(strstr(said(), "list is missing"));
	p.axis[0].shape = 7;
	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), -EINVAL);
	ck_assert_ptr_nonnull(strstr(said(), "malformed"));
	p.axis[0].shape = ETALON_HW_AXIS_LINEAR;
	p.axis[0].gang_count = 0;
	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), 0);
	ck_assert_int_eq(board->ops->stop(board), 0); /* always accepted */
}
END_TEST

START_TEST(closing_the_link_darkens_the_board)
{
	arm();
	ck_assert_int_eq(board->ops->emit(board, &refusal), 0);
	link_close(board);
	open_again();
	ck_assert_uint_ne(link_look(board).state, ETALON_HW_STATE_EMITTING);
	ck_assert_uint_ne(link_look(board).state, ETALON_HW_STATE_DELAY);
	/* A driver is still there, and commands it. */
	ck_assert_uint_eq(link_look(board).last_off_cause,
			  kernel ? ETALON_HW_CAUSE_HOST : ETALON_HW_CAUSE_LINK);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_board_wakes_up_dark_and_closed);
	tcase_add_test(tc, setpoints_arrive_and_move);
	tcase_add_test(tc, a_setpoint_beyond_the_limits_is_refused_and_stays);
	tcase_add_test(tc, limits_only_tighten);
	tcase_add_test(tc, arming_needs_limits_and_a_watchdog_within_its_own);
	tcase_add_test(tc, light_comes_after_its_delay_and_goes_at_once);
	tcase_add_test(tc, without_a_kick_the_board_trips_and_says_why);
	tcase_add_test(tc, a_trip_is_not_cleared_while_its_cause_lives);
	tcase_add_test(tc, events_tell_each_change);
	tcase_add_test(tc, live_readings_follow_range_and_time);
	tcase_add_test(tc, the_thermometer_is_as_noisy_as_its_calibration_says);
	tcase_add_test(tc, a_program_that_is_refused_names_its_fault);
	tcase_add_test(tc, closing_the_link_darkens_the_board);
}

int main(void)
{
	Suite *suite = suite_create("link board");
	TCase *socket = tcase_create("socket"), *mapped = tcase_create("kernel");

	if (!session_has_program("etalon-emulator")) {
		printf("SKIP link board: etalon-emulator is not built beside this test\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(socket, setup, teardown);
	tcase_add_checked_fixture(mapped, setup_kernel, teardown);
	add_tests(socket);
	tcase_add_test(socket, auxiliary_lines_are_driven_and_read);
	add_tests(mapped);
	suite_add_tcase(suite, socket);
	suite_add_tcase(suite, mapped);
	return run_suite(suite);
}
