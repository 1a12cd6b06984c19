// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What only the kernel link has: device nodes, revocation, limits that a control fd forgets, a
 * ring whose numbers have holes, records that stay until they are committed, a steady state that costs nothing.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/fake_board.h"
#include "../common/fake_kernel.h"
#include "../common/fake_lines.h"
#include "../common/fake_transport.h"
#include "../common/keeping_sink.h"
#include "../common/session.h"
#include "base/util.h"
#include "link/registers.h"
#include "measure/acquire.h"
#include "uapi/etalon.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_MS 10000
#define LINES FAKE_BOARD_SERIAL ".aux"

/* ---- device nodes, with the system's own calls ---- */

static int open_node(const char *path, char **ret_message)
{
	struct link *l = NULL;
	int r = link_open_kernel(path, &l, ret_message);

	ck_assert_ptr_null(l);
	return r;
}

START_TEST(what_is_no_board_is_refused_with_what_to_do)
{
	static const struct {
		const char *path;
		int error;
		const char *says;
	} cases[] = {
		{"/nowhere/etalon0", -ENODEV, "check its cable and power"},
		{"/dev/null", -EPROTO, "does not speak as the etalon driver"},
		{"/", -EISDIR, "can not open"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = NULL;

		ck_assert_int_eq(open_node(cases[i].path, &message), cases[i].error);
		ck_assert_msg(strstr(message, cases[i].says), "%s", message);
	}
}
END_TEST

START_TEST(a_node_that_is_not_ours_says_whose_it_is)
{
	char path[] = "/tmp/etalon-node-XXXXXX";
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(open_node(path, &message), -EACCES);
	ck_assert_ptr_nonnull(strstr(message, "etalonctl"));
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	unlink(path);
}
END_TEST

/* ---- a scripted board in the kernel's hands ---- */

static struct description *scripted;
static struct fake_transport *transport;
static struct fake_kernel *kernel;
static struct link *board;
static struct link_refusal refusal;

#define PLACES 512U /* records of 128 bytes that the ring has room for */

static void setup_scripted(void)
{
	struct link *hardware;

	scripted = fake_board();
	transport = fake_transport_new(scripted);
	ck_assert_int_eq(registers_open(&transport->transport, &hardware, NULL), 0);
	kernel = fake_kernel_new(hardware, PLACES * 128);
	ck_assert_int_eq(fake_kernel_open(kernel, &board, NULL), 0);
}

static void teardown_scripted(void)
{
	link_close(board);
	ck_assert_uint_eq(fake_kernel_open_fds(kernel), 0);
	fake_kernel_free(kernel);
	description_free(scripted);
}

/* A program whose records the test puts into the ring itself. */
static struct etalon_hw_program load_silent(void)
{
	struct etalon_hw_program p = fake_dark(1000);
	struct link_program loaded;

	transport->hold = true;
	ck_assert_int_eq(board->ops->load(board, &p, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_eq(loaded.stride, 128);
	return p;
}

static void put(const struct etalon_hw_program *p, uint64_t number, uint64_t sequence)
{
	_Alignas(8) unsigned char record[128];

	fake_point(p, sizeof(record), number, sequence, record);
	fake_kernel_put(kernel, record, sizeof(record));
}

static uint64_t take_one(void)
{
	const void *at;
	struct etalon_hw_record head;
	size_t bytes;

	ck_assert_int_eq(board->ops->records(board, PATIENCE_MS, 128, &at, &bytes), 0);
	ck_assert_uint_eq(bytes, 128);
	memcpy(&head, at, sizeof(head));
	ck_assert_uint_eq(head.magic, ETALON_HW_RECORD_MAGIC);
	return head.sequence;
}

static const uint64_t gaps[] = {0, 1, 5, PLACES - 8, PLACES - 1, PLACES, PLACES + 1, 10 * PLACES};

START_TEST(numbers_that_the_board_lost_are_passed_over)
{
	struct etalon_hw_program p = load_silent();
	uint64_t sequence = 0;
	const void *at;
	size_t bytes;

	/* The ring has been full before: what is lost leaves old records at its places. */
	for (; sequence < 3 * PLACES; sequence++) {
		put(&p, sequence, sequence);
		ck_assert_uint_eq(take_one(), sequence);
		ck_assert_int_eq(board->ops->release(board, 128), 0);
	}
	for (unsigned int i = 0; i < 4; i++, sequence += gaps[_i]) {
		put(&p, sequence, sequence);
		ck_assert_uint_eq(take_one(), sequence);
		ck_assert_int_eq(board->ops->release(board, 128), 0);
		ck_assert_uint_eq(fake_kernel_consumer(kernel), ++sequence);
		ck_assert_int_eq(board->ops->records(board, 0, 128, &at, &bytes), -EAGAIN);
	}
}
END_TEST

/* Released one by one, with holes before, between and behind what is still needed. */
START_TEST(what_is_released_ends_where_the_next_record_may_begin)
{
	static const uint64_t numbers[] = {3, 4, 9, 10, 11, 30, 31, 60};
	struct etalon_hw_program p = load_silent();

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		put(&p, i, numbers[i]);
		ck_assert_uint_eq(take_one(), numbers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		ck_assert_int_eq(board->ops->release(board, 128), 0);
		ck_assert_uint_eq(fake_kernel_consumer(kernel), numbers[i] + 1);
	}
	ck_assert_int_eq(board->ops->release(board, 128), -EINVAL);
}
END_TEST

START_TEST(records_lie_in_one_piece_up_to_a_hole_or_the_rings_end)
{
	struct etalon_hw_program p = load_silent();
	const char *first, *second, *third;
	size_t bytes;

	put(&p, 0, PLACES - 11);
	ck_assert_uint_eq(take_one(), PLACES - 11);
	ck_assert_int_eq(board->ops->release(board, 128), 0);
	for (uint64_t s = PLACES - 10; s < PLACES + 10; s++)
		if (s != PLACES - 5)
			put(&p, s, s);
	ck_assert_int_eq(board->ops->records(board, 0, 1 << 20, (const void **)&first, &bytes), 0);
	ck_assert_uint_eq(bytes, 5 * 128);
	ck_assert_int_eq(board->ops->records(board, 0, 1 << 20, (const void **)&second, &bytes), 0);
	ck_assert_uint_eq(bytes, 4 * 128);
	ck_assert_ptr_eq(second, first + 6 * 128);
	ck_assert_int_eq(board->ops->records(board, 0, 1 << 20, (const void **)&third, &bytes), 0);
	ck_assert_uint_eq(bytes, 10 * 128);
	ck_assert_ptr_eq(third, second + 4 * 128 - PLACES * 128); /* mapped, not copied */
}
END_TEST

START_TEST(unread_records_do_not_hold_up_a_program_of_another_stride)
{
	struct etalon_hw_program p = load_silent(), wide = fake_dark(10);
	struct link_program loaded;

	for (uint64_t s = 0; s < 100; s++)
		put(&p, s, s);
	wide.generation = p.generation + 1;
	wide.detector_count = FAKE_DETECTORS;
	for (uint32_t i = 0; i < wide.detector_count; i++)
		wide.detector[i].detector = (uint16_t)i;
	ck_assert_int_eq(board->ops->load(board, &wide, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_gt(loaded.stride, 128);
	ck_assert_uint_eq(fake_kernel_consumer(kernel), 100);
}
END_TEST

struct latecomers {
	struct etalon_hw_program program;
	uint64_t next, end;
};

static void one_more(void *userdata)
{
	struct latecomers *l = userdata;

	if (l->next < l->end) {
		put(&l->program, l->next, l->next);
		l->next++;
	}
}

/* The board had more of them than the ring had room for. */
START_TEST(records_that_come_late_do_not_hold_it_up_either)
{
	struct latecomers late = {.program = load_silent(), .end = 5};
	struct etalon_hw_program wide = fake_dark(10);
	struct link_program loaded;

	fake_kernel_at_load(kernel, one_more, &late);
	wide.generation = late.program.generation + 1;
	wide.detector_count = FAKE_DETECTORS;
	for (uint32_t i = 0; i < wide.detector_count; i++)
		wide.detector[i].detector = (uint16_t)i;
	ck_assert_int_eq(board->ops->load(board, &wide, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_eq(late.next, late.end);
	ck_assert_uint_eq(fake_kernel_consumer(kernel), late.end);
}
END_TEST

START_TEST(after_an_unplug_what_is_in_the_ring_is_read_and_given_back)
{
	struct etalon_hw_program p = load_silent();
	struct link_status s;
	const void *at;
	size_t bytes;

	for (uint64_t n = 0; n < 10; n++)
		put(&p, n, n);
	fake_kernel_unplug(kernel);
	ck_assert_int_eq(board->ops->status(board, &s), -ENODEV);
	for (uint64_t n = 0; n < 10; n++) {
		ck_assert_uint_eq(take_one(), n);
		ck_assert_int_eq(board->ops->release(board, 128), 0);
	}
	ck_assert_int_eq(board->ops->records(board, PATIENCE_MS, 128, &at, &bytes), -ENODEV);
}
END_TEST

START_TEST(channels_that_the_board_lacks_are_not_asked_for)
{
	struct etalon_hw_live live[FAKE_DETECTORS + 1];
	unsigned int before = fake_kernel_costly(kernel);
	int64_t value;

	ck_assert_int_eq(board->ops->set_source(board, FAKE_SOURCES, 0, NULL), -EINVAL);
	ck_assert_int_eq(board->ops->get_source(board, FAKE_SOURCES, &value, &value), -EINVAL);
	ck_assert_int_eq(board->ops->set_limits(board, UINT32_MAX, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(board->ops->set_compliance(board, FAKE_SOURCES, 0, NULL), -EINVAL);
	ck_assert_int_eq(board->ops->set_range(board, FAKE_DETECTORS, 0, NULL), -EINVAL);
	ck_assert_int_eq(board->ops->live(board, live, FAKE_DETECTORS + 1), -EINVAL);
	ck_assert_int_eq(board->ops->live(board, live, 0), -EINVAL);
	ck_assert_uint_eq(fake_kernel_costly(kernel), before);
}
END_TEST

/* ---- auxiliary lines ---- */

static void wait_for_events(void)
{
	struct pollfd p = {.fd = board->ops->event_fd(board), .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
}

START_TEST(lines_are_set_and_read_by_name)
{
	uint32_t values;

	fake_lines_reset("other.aux");
	ck_assert_int_eq(board->ops->aux_get(board, &values), -ENOENT);
	fake_lines_reset(LINES);
	/* The level first, so that the line does not jump. */
	ck_assert_int_eq(board->ops->aux_set(board, 0x3, 0x2), 0);
	ck_assert_uint_eq(fake_lines_outputs(), 0);
	ck_assert_int_eq(board->ops->aux_direction(board, 0x3), 0);
	ck_assert_uint_eq(fake_lines_outputs(), 0x3);
	ck_assert_uint_eq(fake_lines_levels(), 0x2);
	ck_assert_int_eq(board->ops->aux_set(board, 0x1, 0x1), 0);
	ck_assert_uint_eq(fake_lines_levels(), 0x3);
	ck_assert_int_eq(board->ops->aux_set(board, 0x3, 0x1), 0);
	fake_lines_move(1, true); /* what drives it is nobody's but ours */
	fake_lines_move(2, true);
	ck_assert_int_eq(board->ops->aux_get(board, &values), 0);
	ck_assert_uint_eq(values, 0x5);
	ck_assert_uint_eq(fake_lines_open(), 1);
}
END_TEST

START_TEST(edges_of_lines_are_events_once_they_were_asked_for)
{
	struct etalon_hw_usb_event event;
	uint32_t values;

	fake_lines_reset(LINES);
	while (board->ops->event(board, &event) == 0)
		;
	fake_lines_move(0, true);
	ck_assert_int_eq(board->ops->event(board, &event), -EAGAIN);
	ck_assert_int_eq(board->ops->aux_get(board, &values), 0);
	while (board->ops->event(board, &event) == 0)
		;
	fake_lines_move(2, true);
	wait_for_events();
	ck_assert_int_eq(board->ops->event(board, &event), 0);
	ck_assert_uint_eq(event.events, ETALON_HW_EVENT_AUX);
	ck_assert_uint_eq(event.aux_in, 0x5);
	fake_lines_move(0, false);
	ck_assert_int_eq(board->ops->event(board, &event), 0);
	ck_assert_uint_eq(event.aux_in, 0x4);
	ck_assert_int_eq(board->ops->event(board, &event), -EAGAIN);
}
END_TEST

START_TEST(lines_that_are_gone_are_given_back)
{
	struct etalon_hw_usb_event event;
	uint32_t values;

	fake_lines_reset(LINES);
	ck_assert_int_eq(board->ops->aux_get(board, &values), 0);
	fake_lines_remove();
	while (board->ops->event(board, &event) == 0)
		;
	ck_assert_uint_eq(fake_lines_open(), 0);
	ck_assert_int_eq(board->ops->aux_get(board, &values), -ENOENT);
}
END_TEST

/* ---- the emulator in the kernel's hands ---- */

static struct session session;

static void start_emulator(const char *name, struct session *s, unsigned int seed)
{
	struct session_options options = {.speed_max = true, .emission_delay_ms = 5, .seed = seed};

	*s = (struct session){};
	snprintf(s->dir, sizeof(s->dir), "/tmp/etalon-%s-XXXXXX", name);
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->board, sizeof(s->board), "%s/board", s->dir);
	snprintf(s->faults, sizeof(s->faults), "%s/faults", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/log", s->dir);
	session_start_emulator(s, &options);
}

static struct link *socket_link(const struct session *s)
{
	struct link *l = NULL;
	char *message = NULL;

	ck_assert_msg(link_open_emulated(s->board, &l, &message) == 0, "%s", message);
	return l;
}

static void setup(void)
{
	start_emulator("kernel", &session, 1);
	kernel = fake_kernel_new(socket_link(&session), 16 << 20);
	ck_assert_int_eq(fake_kernel_open(kernel, &board, NULL), 0);
}

static void teardown(void)
{
	link_close(board);
	fake_kernel_free(kernel);
	session_stop(&session);
}

static void write_limits(struct link *l)
{
	const struct description *d = l->description;

	for (unsigned int i = 0; i < d->head.source_count; i++)
		ck_assert_int_eq(
			l->ops->set_limits(l, i, d->source[i].min, d->source[i].max, &refusal), 0);
}

static struct link_status status(struct link *l)
{
	struct link_status s;

	ck_assert_int_eq(l->ops->status(l, &s), 0);
	return s;
}

static void light(struct link *l)
{
	write_limits(l);
	ck_assert_int_eq(l->ops->arm(l, 1000000000, &refusal), 0);
	ck_assert_int_eq(l->ops->emit(l, &refusal), 0);
	while (status(l).state == ETALON_HW_STATE_DELAY)
		;
	ck_assert_uint_eq(status(l).state, ETALON_HW_STATE_EMITTING);
}

static unsigned int source(const char *name)
{
	return (unsigned int)description_source(board->description, name);
}

/* ---- revocation ---- */

static int do_set(void)
{
	return board->ops->set_source(board, source("pos_x"), 12000, &refusal);
}

static int do_arm(void)
{
	return board->ops->arm(board, 1000000000, &refusal);
}

static int do_emit(void)
{
	return board->ops->emit(board, &refusal);
}

static int do_load(void)
{
	struct etalon_hw_program p = fake_dark(10);
	struct link_program loaded;

	return board->ops->load(board, &p, NULL, 0, &loaded, &refusal);
}

static int do_start(void)
{
	return board->ops->start(board, &refusal);
}

static int do_clear(void)
{
	return board->ops->clear(board, &refusal);
}

static int do_kick(void)
{
	return board->ops->kick(board);
}

static int (*const voided[])(void) = {do_set,	do_arm,	  do_emit, do_load,
				      do_start, do_clear, do_kick};

START_TEST(a_call_that_meets_a_revocation_is_void_and_the_next_is_not)
{
	light(board);
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(voided[_i](), -ECANCELED);
	ck_assert_uint_eq(status(board).state, ETALON_HW_STATE_OFF);
	ck_assert_int_ne(voided[_i](), -ECANCELED);
}
END_TEST

START_TEST(looking_and_going_dark_go_through_a_revocation)
{
	light(board);
	fake_kernel_revoke(kernel, false);
	ck_assert_uint_eq(status(board).state, ETALON_HW_STATE_OFF);
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(board->ops->off(board), 0);
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(board->ops->halt(board), 0);
	light(board); /* and it is ours as before */
}
END_TEST

START_TEST(a_control_fd_that_is_opened_anew_has_the_limits_of_the_old_one)
{
	unsigned int h = source("h1");

	ck_assert_int_eq(board->ops->set_limits(board, h, 0, 1000000000, &refusal), 0);
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(board->ops->set_source(board, h, 2000000000, &refusal), -ERANGE);
	ck_assert_uint_eq(refusal.result, ETALON_HW_REFUSED_LIMIT);
	ck_assert_int_eq(refusal.high, 1000000000);
	ck_assert_int_eq(refusal.asked, 2000000000);
	/* Emitting sources, too: nothing has to be written again before light. */
	write_limits(board);
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(do_arm(), 0);
}
END_TEST

/* Limits are for OFF: of a board that has tripped they follow the CLEAR. Until then they hold here. */
START_TEST(limits_hold_while_a_tripped_board_cannot_take_them)
{
	unsigned int h = source("h1");

	light(board);
	session_fault(&session, "{\"fault\": \"interlock-open\"}");
	while (status(board).state != ETALON_HW_STATE_TRIPPED)
		;
	session_fault(&session, "{\"fault\": \"interlock-close\"}");
	fake_kernel_revoke(kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(board->ops->set_source(board, h, INT64_C(1) << 60, &refusal), -ERANGE);
	ck_assert_int_eq(do_load(), -EBUSY);
	ck_assert_uint_eq(refusal.result, ETALON_HW_REFUSED_STATE);
	if (status(board).causes_live & ETALON_HW_CAUSE_LOCAL_RESET)
		session_fault(&session, "{\"fault\": \"local-reset\"}");
	ck_assert_int_eq(do_clear(), 0);
	ck_assert_int_eq(do_arm(), 0);
}
END_TEST

START_TEST(an_owner_who_did_not_kick_is_the_cause_also_when_the_kernel_was_first)
{
	struct etalon_hw_usb_event event = {.state = ETALON_HW_STATE_EMITTING};

	light(board);
	while (board->ops->event(board, &event) == 0)
		;
	fake_kernel_revoke(kernel, false);
	while (event.state != ETALON_HW_STATE_OFF) {
		wait_for_events();
		while (board->ops->event(board, &event) == 0)
			;
	}
	ck_assert_uint_eq(event.last_off_cause, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(status(board).last_off_cause, ETALON_HW_CAUSE_WATCHDOG);
	light(board);
	ck_assert_int_eq(board->ops->off(board), 0);
	ck_assert_uint_eq(status(board).last_off_cause, ETALON_HW_CAUSE_HOST);
}
END_TEST

static void take_away(void)
{
	fake_kernel_take_control(kernel);
	fake_kernel_revoke(kernel, false);
}

static void reset(void)
{
	fake_kernel_revoke(kernel, true);
}

static void (*const losses[])(void) = {take_away, reset};

/* Another program has it now, or it has forgotten what we told it: this link is over. */
START_TEST(what_is_not_ours_any_more_is_gone)
{
	struct etalon_hw_usb_event event;
	struct link_status s;

	while (board->ops->event(board, &event) == 0)
		;
	losses[_i]();
	wait_for_events();
	ck_assert_int_eq(board->ops->event(board, &event), -ENODEV);
	wait_for_events(); /* and stays so */
	ck_assert_int_eq(board->ops->status(board, &s), -ENODEV);
	ck_assert_int_eq(do_kick(), -ENODEV);
	ck_assert_int_eq(board->ops->off(board), -ENODEV);
	fake_kernel_give_back(kernel);
	link_close(board);
	ck_assert_int_eq(fake_kernel_open(kernel, &board, NULL), 0);
	light(board);
}
END_TEST

START_TEST(a_second_owner_is_refused)
{
	_cleanup_free_ char *message = NULL;
	struct link *second = NULL;

	ck_assert_int_eq(fake_kernel_open(kernel, &second, &message), -EBUSY);
	ck_assert_ptr_nonnull(strstr(message, "in use by another program"));
	ck_assert_ptr_null(second);
}
END_TEST

/* ---- whole runs ---- */

static struct keeping_sink keep;
static struct acquire_progress progress;
static struct acquire_result result;

static struct plan *make_plan(const struct link *l, json_t *request)
{
	static const struct site site = {.default_power_fw = 1000000000000};
	struct plan *plan = NULL;
	char *message = NULL;

	ck_assert_msg(plan_make(l->description, &site, request, &plan, &message) == 0, "%s",
		      message);
	json_decref(request);
	return plan;
}

static struct plan *dark_plan_of(const struct link *l)
{
	return make_plan(l, json_pack("{s:s, s:I, s:[s,s]}", "kind", "dark", "points",
				      (json_int_t)5000, "detectors", "pd1", "pd2"));
}

static struct plan *plan_of(const struct link *l, unsigned int points)
{
	json_t *request = json_pack("{s:s, s:I, s:I, s:I, s:[s,s]}", "kind", "wavelength-sweep",
				    "start_fm", (json_int_t)1540000000, "stop_fm",
				    (json_int_t)(1540000000 + 1000 * (points - 1)), "points",
				    (json_int_t)points, "detectors", "pd1", "pd2");

	return make_plan(l, request);
}

static atomic_bool kicking;

static void *kick_on(void *l)
{
	const struct timespec pause = {.tv_nsec = 50000000};

	while (atomic_load(&kicking)) {
		struct link *link = l;

		link->ops->kick(link);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void run(struct link *l, unsigned int points)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(l, points);
	uint32_t generation = 0;
	pthread_t kicker;

	progress = (struct acquire_progress){};
	light(l);
	atomic_store(&kicking, true);
	pthread_create(&kicker, NULL, kick_on, l);
	ck_assert_msg(acquire_run(l, plan, 4711, &generation, &keep.sink, &progress, &result) == 0,
		      "%s", result.message);
	atomic_store(&kicking, false);
	pthread_join(kicker, NULL);
	ck_assert_ptr_null(keep.broken);
	ck_assert_int_eq(l->ops->off(l), 0);
}

static void forget(void)
{
	acquire_result_clear(&result);
	keeping_sink_clear(&keep);
}

/* Nothing that costs a register access is asked for more often because a sweep is longer. */
START_TEST(a_longer_sweep_costs_no_more_accesses)
{
	static const unsigned int points[] = {1001, 20001};
	unsigned int cost[ARRAY_SIZE(points)], before;

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		keeping_sink_init(&keep);
		before = fake_kernel_costly(kernel);
		run(board, points[i]);
		ck_assert_uint_eq(keep.segment[1].ledger.received, points[i]);
		cost[i] = fake_kernel_costly(kernel) - before;
		forget();
	}
	ck_assert_uint_eq(cost[0], cost[1]);
	ck_assert_uint_eq(fake_kernel_count(kernel, ETALON_IOC_CLOCK), 1); /* at open */
	ck_assert_uint_eq(fake_kernel_count(kernel, ETALON_IOC_GET_SOURCE), 0);
	ck_assert_uint_eq(fake_kernel_count(kernel, ETALON_IOC_LIVE), 0);
}
END_TEST

/*
 * Points alone, with ticks from the first one on: when the board was powered on, and from where its laser
 * came, is no matter of the seed.
 */
static void keep_comparable(struct kept_segment *s)
{
	uint64_t first = 0;
	size_t kept = 0;

	for (size_t at = 0; at < s->size; at += s->loaded.stride) {
		struct etalon_hw_record_point *point = (void *)(s->bytes + at);

		if (point->head.type != ETALON_HW_RECORD_POINT)
			continue;
		first = kept == 0 ? point->tick : first;
		point->tick -= first;
		point->head.sequence = 0;
		memmove(s->bytes + kept, point, s->loaded.stride);
		kept += s->loaded.stride;
	}
	s->size = kept;
}

static void must_be_the_same(struct kept_segment *a, struct kept_segment *b)
{
	keep_comparable(a);
	keep_comparable(b);
	ck_assert_uint_eq(a->size, a->loaded.points * a->loaded.stride);
	ck_assert_uint_eq(a->size, b->size);
	ck_assert_int_eq(memcmp(a->bytes, b->bytes, b->size), 0);
}

/*
 * Dark of a board at rest, then a sweep. Not the sweep's own dark: the laser moves meanwhile, how far is a matter of
 * the host's speed, on any link, and a little of it comes through the gate.
 */
static void run_both(struct link *l, struct keeping_sink ret[2])
{
	_cleanup_(plan_freep) struct plan *dark = dark_plan_of(l);
	uint32_t generation = 0;

	keeping_sink_init(&keep);
	progress = (struct acquire_progress){};
	ck_assert_msg(acquire_run(l, dark, 815, &generation, &keep.sink, &progress, &result) == 0,
		      "%s", result.message);
	acquire_result_clear(&result);
	ret[0] = keep;
	keeping_sink_init(&keep);
	run(l, 5001);
	acquire_result_clear(&result);
	ret[1] = keep;
}

START_TEST(the_same_seed_gives_the_same_records_through_kernel_and_socket)
{
	struct keeping_sink mapped[2], sent[2];
	struct session other;
	struct link *straight;

	start_emulator("socket", &other, 1);
	straight = socket_link(&other);
	run_both(board, mapped);
	run_both(straight, sent);
	must_be_the_same(&mapped[0].segment[0], &sent[0].segment[0]);
	must_be_the_same(&mapped[1].segment[1], &sent[1].segment[1]);
	for (size_t i = 0; i < 2; i++) {
		keeping_sink_clear(&mapped[i]);
		keeping_sink_clear(&sent[i]);
	}
	link_close(straight);
	session_stop(&other);
}
END_TEST

/* ---- what is not committed stays ---- */

static struct {
	uint64_t handed, committed; /* bytes */
	unsigned int waits;
} store;

static int on_committed(void *userdata, bool wait, uint64_t *ret_bytes)
{
	(void)userdata;
	if (wait) {
		store.committed = store.handed;
		store.waits++;
	}
	*ret_bytes = store.committed;
	return 0;
}

/* Commits are a block behind, and the ring never gives back more. */
static void hand(struct keeping_sink *k, void *userdata)
{
	const struct kept_segment *s = &k->segment[k->segments - 1];
	uint64_t all = 0;

	(void)userdata;
	for (unsigned int i = 0; i < k->segments; i++)
		all += k->segment[i].size;
	ck_assert_uint_le(fake_kernel_consumer(kernel) * s->loaded.stride, store.committed);
	store.committed = store.handed;
	store.handed = all;
}

static void run_with_store(size_t ring_bytes)
{
	struct link *l;

	link_close(board);
	fake_kernel_free(kernel);
	kernel = fake_kernel_new(socket_link(&session), ring_bytes);
	ck_assert_int_eq(fake_kernel_open(kernel, &l, NULL), 0);
	board = l;
	keeping_sink_init(&keep);
	keep.sink.committed = on_committed;
	keep.each_block = hand;
	memset(&store, 0, sizeof(store));
	run(board, 20001);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert(ledger_complete(&keep.segment[i].ledger));
	ck_assert_uint_eq(fake_kernel_consumer(kernel), fake_kernel_producer(kernel));
}

START_TEST(records_are_released_when_they_are_committed_and_not_before)
{
	run_with_store(16 << 20);
	ck_assert_uint_eq(store.waits, 3); /* at the end of each segment */
	forget();
}
END_TEST

START_TEST(a_ring_that_is_full_waits_for_the_commit_and_loses_nothing)
{
	run_with_store(300 << 10);
	ck_assert_uint_gt(store.waits, 3);
	forget();
}
END_TEST

static bool emulator_is_built(void)
{
	const char *build = getenv("ETALON_BUILD");
	_cleanup_free_ char *program = NULL;
	char self[4096] = "";

	if (!build && readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		for (int up = 0; up < 3 && strrchr(self, '/'); up++)
			*strrchr(self, '/') = '\0';
	program = asprintf_or_null("%s/etalon-emulator", build ? build : self);
	return program && access(program, X_OK) == 0;
}

static void add_emulator_tests(Suite *suite)
{
	TCase *tc = tcase_create("emulator");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_call_that_meets_a_revocation_is_void_and_the_next_is_not, 0,
			    (int)ARRAY_SIZE(voided));
	tcase_add_test(tc, looking_and_going_dark_go_through_a_revocation);
	tcase_add_test(tc, a_control_fd_that_is_opened_anew_has_the_limits_of_the_old_one);
	tcase_add_test(tc, limits_hold_while_a_tripped_board_cannot_take_them);
	tcase_add_test(tc, an_owner_who_did_not_kick_is_the_cause_also_when_the_kernel_was_first);
	tcase_add_loop_test(tc, what_is_not_ours_any_more_is_gone, 0, (int)ARRAY_SIZE(losses));
	tcase_add_test(tc, a_second_owner_is_refused);
	tcase_add_test(tc, a_longer_sweep_costs_no_more_accesses);
	tcase_add_test(tc, the_same_seed_gives_the_same_records_through_kernel_and_socket);
	tcase_add_test(tc, records_are_released_when_they_are_committed_and_not_before);
	tcase_add_test(tc, a_ring_that_is_full_waits_for_the_commit_and_loses_nothing);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("link kernel");
	TCase *nodes = tcase_create("nodes"), *tc = tcase_create("scripted");

	tcase_add_test(nodes, what_is_no_board_is_refused_with_what_to_do);
	tcase_add_test(nodes, a_node_that_is_not_ours_says_whose_it_is);
	suite_add_tcase(suite, nodes);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_scripted, teardown_scripted);
	tcase_add_loop_test(tc, numbers_that_the_board_lost_are_passed_over, 0,
			    (int)ARRAY_SIZE(gaps));
	tcase_add_test(tc, what_is_released_ends_where_the_next_record_may_begin);
	tcase_add_test(tc, records_lie_in_one_piece_up_to_a_hole_or_the_rings_end);
	tcase_add_test(tc, unread_records_do_not_hold_up_a_program_of_another_stride);
	tcase_add_test(tc, records_that_come_late_do_not_hold_it_up_either);
	tcase_add_test(tc, after_an_unplug_what_is_in_the_ring_is_read_and_given_back);
	tcase_add_test(tc, channels_that_the_board_lacks_are_not_asked_for);
	tcase_add_test(tc, lines_are_set_and_read_by_name);
	tcase_add_test(tc, edges_of_lines_are_events_once_they_were_asked_for);
	tcase_add_test(tc, lines_that_are_gone_are_given_back);
	suite_add_tcase(suite, tc);
	if (emulator_is_built())
		add_emulator_tests(suite);
	else
		printf("SKIP link kernel: etalon-emulator is not built beside this test\n");
	return run_suite(suite);
}
