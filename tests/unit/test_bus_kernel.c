// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The daemon with boards of the kernel's driver: they come and go at any node and stay who they
 * are, sweeps are whole, records go back when they are stored, and a longer sweep asks the board for no more.
 * Without a kernel module: see fake_kernel.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon_pair.h"
#include "etalond/kernel_boards.h"
#include "fake_kernel.h"
#include "link_steps.h"
#include "session.h"
#include "uapi/etalon.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define IFACE PAIR_BOARD_INTERFACE
#define JOB "org.etalon1.Job"
#define RUN "org.etalon1.Run"
#define NODE FAKE_KERNEL_PATH
#define OTHER_NODE "/dev/etalon7"
#define SERIAL "EMU-1"
#define NM INT64_C(1000000)

static struct session emulators[2];
static struct fake_kernel *kernel;
static struct kernel_boards *boards;
static struct daemon_pair pair;
static char error[64];

static void start_emulator(struct session *s, const char *serial, bool speed_max)
{
	const char *const arguments[] = {"--serial", serial, NULL};
	struct session_options options = {
		.speed_max = speed_max, .emission_delay_ms = 5, .emulator_arguments = arguments};

	session_start_board(s, &options);
}

static void add_board(struct daemon_pair *p, void *userdata)
{
	(void)userdata;
	ck_assert_int_eq(kernel_boards_new(p->context, fake_kernel_calls(kernel), &boards), 0);
	ck_assert_int_eq(kernel_boards_added(boards, NODE, SERIAL), 0);
	p->board = p->context->boards;
}

static void start_at(bool speed_max)
{
	start_emulator(&emulators[0], SERIAL, speed_max);
	kernel = fake_kernel_new(link_to_board(&emulators[0]), 8 << 20);
	daemon_pair_start_with(&pair, "default_power: 0 dBm\nwatchdog_ms: 1000\n", add_board, NULL);
}

static void start(void)
{
	start_at(true);
}

static void start_real_time(void)
{
	start_at(false);
}

static void stop(void)
{
	daemon_pair_stop(&pair);
	kernel_boards_free(boards);
	ck_assert_uint_eq(fake_kernel_open_fds(kernel), 0);
	fake_kernel_free(kernel);
	for (size_t i = 0; i < ARRAY_SIZE(emulators); i++) {
		if (emulators[i].emulator)
			session_stop(&emulators[i]);
		emulators[i] = (struct session){};
	}
}

/* ---- what udev would say ---- */

struct news {
	const char *node, *serial; /* serial NULL: removed */
};

static void tell(void *userdata)
{
	const struct news *n = userdata;

	if (n->serial)
		ck_assert_int_eq(kernel_boards_added(boards, n->node, n->serial), 0);
	else
		kernel_boards_removed(boards, n->node);
}

static void udev_says(const char *node, const char *serial)
{
	struct news news = {node, serial};

	pair_on_loop(&pair, tell, &news);
}

static void unplug(const char *node)
{
	fake_kernel_unplug(kernel);
	udev_says(node, NULL);
}

static void plug(const char *node, const struct session *emulator, const char *serial)
{
	fake_kernel_plug(kernel, node, link_to_board(emulator));
	udev_says(node, serial);
}

/* The cable of an emulated board is its socket: a board that comes back needs one that listens. */
static void plug_again(const char *node)
{
	session_stop(&emulators[0]);
	start_emulator(&emulators[0], SERIAL, true);
	plug(node, &emulators[0], SERIAL);
}

/* ---- the client's side ---- */

static bool board_is(const char *state)
{
	return pair_wait(&pair, pair.board_path, IFACE, "State", state);
}

static char *sweep(uint64_t points)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char *copy;
	int r = pair_call(&pair, pair.board_path, IFACE, "Measure", error, &reply, "a{sv}", 6,
			  "kind", "s", "wavelength-sweep", "detectors", "as", 1, "pd1", "start_fm",
			  "x", 1540 * NM, "stop_fm", "x", 1540 * NM + (int64_t)(points - 1) * 1000,
			  "points", "t", points, "analyse", "b", 0);

	ck_assert_msg(r == 0, "Measure: %s", error);
	ck_assert_int_ge(sd_bus_message_read(reply, "o", &path), 0);
	copy = strdup(path);
	sd_bus_message_unref(reply);
	return copy;
}

static void ends_as(const char *job, const char *wanted)
{
	_cleanup_free_ char *message = NULL, *is = NULL;
	uint64_t until = now_ns() + 60 * NSEC_PER_SEC;
	char *state = NULL;

	do {
		free(state);
		poll(NULL, 0, 5);
		state = pair_text(&pair, job, JOB, "State");
	} while (!streq(state, "done") && now_ns() < until);
	free(state);
	is = pair_text(&pair, job, JOB, "Result");
	message = pair_text(&pair, job, JOB, "Message");
	ck_assert_msg(streq(is, wanted), "%s (%s), not %s", is, message, wanted);
}

static void sweeps(uint64_t points)
{
	_cleanup_free_ char *job = sweep(points);

	ends_as(job, "complete");
	ck_assert(board_is("off"));
}

static unsigned int count_boards(void)
{
	sd_bus_message *reply = NULL;
	unsigned int count = 0;
	const char *path;

	ck_assert_int_ge(sd_bus_get_property(pair.client, NULL, "/org/etalon1",
					     "org.etalon1.Manager", "Boards", NULL, &reply, "ao"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "o"), 0);
	while (sd_bus_message_read(reply, "o", &path) > 0)
		count++;
	sd_bus_message_unref(reply);
	return count;
}

static void wait_for_boards(unsigned int count)
{
	uint64_t until = now_ns() + 10 * NSEC_PER_SEC;

	while (count_boards() != count && now_ns() < until)
		poll(NULL, 0, 5);
	ck_assert_uint_eq(count_boards(), count);
}

/* ---- sweeps ---- */

START_TEST(a_sweep_through_the_kernel_is_whole_and_its_records_go_back)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *address = pair_text(&pair, pair.board_path, IFACE, "Address");

	ck_assert_str_eq(address, "/dev/etalon/by-serial/" SERIAL);
	sweeps(2001);
	/* START, points, END and STATUS records of three programs: all of them, and all given back. */
	ck_assert_uint_gt(fake_kernel_producer(kernel), 2001 + 3 * 2);
	ck_assert_uint_eq(fake_kernel_consumer(kernel), fake_kernel_producer(kernel));
}
END_TEST

START_TEST(a_longer_sweep_asks_the_board_for_no_more)
{
	static const uint64_t points[] = {1001, 1001, 20001};
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	unsigned int cost[ARRAY_SIZE(points)];

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		unsigned int before = fake_kernel_costly(kernel);

		ck_assert_int_eq(write_all(fd, "", 1), 0);
		sweeps(points[i]);
		poll(NULL, 0, 100); /* what is asked after the end */
		cost[i] = fake_kernel_costly(kernel) - before;
	}
	printf("calls that cost accesses: %u for %llu points, %u for %llu\n", cost[1],
	       (unsigned long long)points[1], cost[2], (unsigned long long)points[2]);
	ck_assert_uint_eq(cost[1], cost[2]);
	ck_assert_uint_eq(fake_kernel_count(kernel, ETALON_IOC_LIVE), 0);
	ck_assert_uint_eq(fake_kernel_count(kernel, ETALON_IOC_CLOCK), 1);
}
END_TEST

/* ---- coming and going ---- */

START_TEST(unplugged_and_plugged_in_elsewhere_it_is_the_same_board)
{
	_cleanup_close_ int fd = -1;

	ck_assert_str_eq(pair.board_path, "/org/etalon1/board/EMU_2d1");
	unplug(NODE);
	ck_assert(board_is("gone"));
	ck_assert_uint_eq(count_boards(), 1);
	plug_again(OTHER_NODE);
	ck_assert(board_is("off"));
	ck_assert_uint_eq(count_boards(), 1);
	fd = pair_lease(&pair, 10000);
	sweeps(1001);
}
END_TEST

START_TEST(a_board_that_is_away_is_not_looked_for)
{
	unsigned int before;

	unplug(NODE);
	ck_assert(board_is("gone"));
	before = fake_kernel_opens(kernel);
	poll(NULL, 0, 1500); /* longer than the pause between attempts */
	ck_assert_uint_eq(fake_kernel_opens(kernel), before);
}
END_TEST

START_TEST(unplugged_in_a_sweep_it_leaves_a_partial_run_and_comes_back)
{
	int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = sweep(20001);
	_cleanup_free_ char *status = NULL;
	uint64_t done = 0, until = now_ns() + 30 * NSEC_PER_SEC;

	while (done < 1000 && now_ns() < until)
		ck_assert_int_ge(sd_bus_get_property_trivial(pair.client, NULL, job, JOB,
							     "PointsDone", NULL, 't', &done),
				 0);
	unplug(NODE);
	ends_as(job, "partial");
	ck_assert(board_is("gone"));
	status = pair_text(&pair, "/org/etalon1/run/1", RUN, "Status");
	ck_assert_str_eq(status, "partial");
	close(fd);
	plug_again(NODE);
	ck_assert(board_is("off"));
	fd = pair_lease(&pair, 10000);
	sweeps(1001);
	close(fd);
}
END_TEST

START_TEST(two_boards_come_and_go_without_each_other)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	start_emulator(&emulators[1], "EMU-2", true);
	plug(OTHER_NODE, &emulators[1], "EMU-2");
	wait_for_boards(2);
	ck_assert(pair_wait(&pair, "/org/etalon1/board/EMU_2d2", IFACE, "State", "off"));
	unplug(OTHER_NODE);
	ck_assert(pair_wait(&pair, "/org/etalon1/board/EMU_2d2", IFACE, "State", "gone"));
	ck_assert(board_is("off"));
	sweeps(1001);
}
END_TEST

START_TEST(news_that_comes_twice_or_out_of_order_does_no_harm)
{
	_cleanup_close_ int fd = -1;

	udev_says(NODE, SERIAL);
	udev_says(OTHER_NODE, NULL);
	ck_assert(board_is("off"));
	ck_assert_uint_eq(count_boards(), 1);
	/* Another board at its node: nobody said that it had gone. */
	fake_kernel_unplug(kernel);
	start_emulator(&emulators[1], "EMU-2", true);
	plug(NODE, &emulators[1], "EMU-2");
	wait_for_boards(2);
	ck_assert(pair_wait(&pair, "/org/etalon1/board/EMU_2d2", IFACE, "State", "off"));
	ck_assert(board_is("gone"));
	plug_again(OTHER_NODE);
	ck_assert(board_is("off"));
	fd = pair_lease(&pair, 10000);
	sweeps(1001);
}
END_TEST

/* ---- when the kernel acts ---- */

static void emit(void)
{
	ck_assert_msg(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0) ==
			      0,
		      "Emit: %s", error);
	ck_assert(board_is("emitting"));
}

START_TEST(light_that_the_kernel_turned_off_is_told_and_can_come_back)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *cause = NULL;
	unsigned int opens;

	emit();
	opens = fake_kernel_opens(kernel);
	fake_kernel_revoke(kernel, false);
	ck_assert(board_is("off"));
	ck_assert_uint_eq(fake_kernel_opens(kernel), opens + 1); /* the control fd alone */
	cause = pair_text(&pair, pair.board_path, IFACE, "LastOffCause");
	ck_assert_msg(strstr(cause, "the kernel turned light off"), "%s", cause);
	emit(); /* with the limits that it had */
	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Off", error, NULL, ""), 0);
	ck_assert(board_is("off"));
	sweeps(1001);
}
END_TEST

START_TEST(after_a_reset_the_board_is_taken_up_anew)
{
	uint64_t until = now_ns() + 10 * NSEC_PER_SEC;
	int fd = pair_lease(&pair, 10000);
	unsigned int opens;

	emit();
	opens = fake_kernel_opens(kernel);
	fake_kernel_revoke(kernel, true);
	/* The control fd, which belongs to what was before; then both, to what is now. */
	while (fake_kernel_opens(kernel) < opens + 3 && now_ns() < until)
		poll(NULL, 0, 5);
	ck_assert(board_is("off"));
	close(fd);
	fd = pair_lease(&pair, 10000);
	sweeps(1001);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus kernel");
	TCase *tc = tcase_create("kernel"), *real = tcase_create("real time");

	if (!session_has_program("etalon-emulator")) {
		printf("SKIP bus kernel: etalon-emulator is not built beside this test\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_sweep_through_the_kernel_is_whole_and_its_records_go_back);
	tcase_add_test(tc, a_longer_sweep_asks_the_board_for_no_more);
	tcase_add_test(tc, unplugged_and_plugged_in_elsewhere_it_is_the_same_board);
	tcase_add_test(tc, a_board_that_is_away_is_not_looked_for);
	tcase_add_test(tc, two_boards_come_and_go_without_each_other);
	tcase_add_test(tc, news_that_comes_twice_or_out_of_order_does_no_harm);
	tcase_add_test(tc, light_that_the_kernel_turned_off_is_told_and_can_come_back);
	tcase_add_test(tc, after_a_reset_the_board_is_taken_up_anew);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(real, 120);
	tcase_add_checked_fixture(real, start_real_time, stop);
	tcase_add_test(real, unplugged_in_a_sweep_it_leaves_a_partial_run_and_comes_back);
	suite_add_tcase(suite, real);
	return run_suite(suite);
}
