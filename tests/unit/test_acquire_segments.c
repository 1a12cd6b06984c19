// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The sweep engine on a scripted board: segments in order, blocks as promised, every fault
 * found, named, and everything kept that had come.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/fake_transport.h"
#include "../common/keeping_sink.h"
#include "base/util.h"
#include "link/registers.h"
#include "measure/acquire.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct description *board;
static struct fake_transport *fake;
static struct link *link_;
static struct keeping_sink keep;
static struct acquire_progress progress;
static struct acquire_result result;
static uint32_t generation;

static void setup(void)
{
	board = fake_board();
	fake = fake_transport_new(board);
	ck_assert_int_eq(registers_open(&fake->transport, &link_, NULL), 0);
	keeping_sink_init(&keep);
	progress = (struct acquire_progress){};
	generation = 0;
}

static void teardown(void)
{
	acquire_result_clear(&result);
	keeping_sink_clear(&keep);
	link_close(link_);
	description_free(board);
}

static struct plan *plan_of(uint32_t points)
{
	struct etalon_hw_program sweep = fake_sweep(1540, 1560, points);

	return fake_plan(board, &sweep);
}

static int run(const struct plan *plan)
{
	return acquire_run(link_, plan, 100, &generation, &keep.sink, &progress, &result);
}

/* ---- whole runs ---- */

static const struct {
	uint32_t points;
	size_t chunk;
} sizes[] = {{2, 0}, {1000, 0}, {1000, 77}, {20001, 0}, {20001, 5000}, {100000, 0}};

START_TEST(every_record_reaches_the_sink_once_in_blocks)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(sizes[_i].points);

	fake->chunk_bytes = sizes[_i].chunk;
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	ck_assert_ptr_null(keep.broken);
	ck_assert_uint_eq(keep.segments, 3);
	ck_assert_uint_eq(result.ledger_count, 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct kept_segment *s = &keep.segment[i];

		ck_assert_uint_eq(s->begun, 1);
		ck_assert_uint_eq(s->ended, 1);
		ck_assert_uint_eq(s->purpose, SEGMENT_DARK_BEFORE + i);
		ck_assert(ledger_complete(&s->ledger));
		ck_assert_uint_eq(kept_records(s, ETALON_HW_RECORD_START), 1);
		ck_assert_uint_eq(kept_records(s, ETALON_HW_RECORD_END), 1);
		ck_assert_uint_eq(kept_records(s, ETALON_HW_RECORD_POINT),
				  plan->segments[i].points);
		/* Few blocks: nothing was waited for. */
		ck_assert_uint_le(s->blocks, 2 + 2 * s->size / ACQUIRE_BLOCK_BYTES);
	}
	ck_assert_uint_eq(plan_points(plan), sizes[_i].points);
	ck_assert_uint_eq(progress.points_done, sizes[_i].points);
	ck_assert_uint_eq(progress.segment, 2);
	ck_assert_uint_gt(progress.board_ns, 0);
}
END_TEST

START_TEST(generations_count_up_and_keys_follow_the_base)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(10);

	generation = UINT32_MAX - 1;
	ck_assert_int_eq(run(plan), 0);
	ck_assert_uint_eq(keep.segment[0].program.generation, UINT32_MAX);
	ck_assert_uint_eq(keep.segment[1].program.generation, 1); /* never 0 */
	ck_assert_uint_eq(keep.segment[2].program.generation, 2);
	ck_assert_uint_eq(generation, 2);
	ck_assert_uint_eq(keep.segment[0].program.run_key, 100);
	ck_assert_uint_eq(keep.segment[2].program.run_key, 102);
	ck_assert_uint_eq(plan->segments[1].program.run_key,
			  fake_sweep(1540, 1560, 10).run_key); /* the plan stays as it was */
}
END_TEST

START_TEST(setpoints_are_made_first)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(10);
	int64_t value;

	plan->setpoints = calloc(1, sizeof(*plan->setpoints));
	plan->setpoints[0] = (struct plan_setpoint){FAKE_POWER, 123456789000};
	plan->setpoint_count = 1;
	ck_assert_int_eq(run(plan), 0);
	memcpy(&value, fake->registers + ETALON_REG_SOURCE(FAKE_POWER), sizeof(value));
	ck_assert_int_eq(value, 123456789000);
}
END_TEST

START_TEST(a_cancel_that_came_too_early_or_too_late_for_another_run_is_forgotten)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	link_->ops->records_cancel(link_); /* the run it meant is over */
	ck_assert_int_eq(run(plan), 0);
	ck_assert_uint_eq(keep.segments, 3);
}
END_TEST

START_TEST(runs_follow_each_other_on_one_link)
{
	for (int i = 0; i < 5; i++) {
		_cleanup_(plan_freep) struct plan *plan = plan_of(50);

		ck_assert_msg(run(plan) == 0, "%s", result.message);
		ck_assert(ledger_complete(&keep.segment[2].ledger));
		acquire_result_clear(&result);
		keeping_sink_clear(&keep);
		keeping_sink_init(&keep);
		progress = (struct acquire_progress){};
	}
	ck_assert_uint_eq(generation, 15);
}
END_TEST

/* ---- faults ---- */

static const struct {
	enum fake_fault fault;
	uint64_t at;
	int error;
	const char *message; /* part of it, NULL: none */
	const char *why; /* part of the ledger's reasons, NULL: complete */
	size_t points; /* kept of the main segment */
	unsigned int segments;
} faults[] = {
	{FAULT_DUPLICATE, 40, 0, NULL, NULL, 100, 3},
	{FAULT_SKIP, 40, 0, NULL, "1 records are missing", 99, 3},
	{FAULT_ADMITTED_GAP, 40, 0, NULL, "dropped 1 points", 99, 3},
	{FAULT_CORRUPT, 40, 0, NULL, "CRC of the points", 100, 3},
	{FAULT_MAGIC, 40, -EPROTO, "begins with", "no END record", 40, 2},
	{FAULT_SWAP, 40, -EPROTO, "came after", "no END record", 40, 2},
	{FAULT_END_PRODUCED, 0, 0, NULL, "101 points were produced", 100, 3},
	{FAULT_END_DROPPED, 0, 0, NULL, "1 points were dropped", 100, 3},
	{FAULT_END_CRC, 0, 0, NULL, "END says", 100, 3},
	{FAULT_END_CAUSE, 0, -ECONNABORTED, "tripped: interlock open", "interlock open", 100, 2},
	{FAULT_UNPLUG, 40, -ENODEV, "gone", "no END record", 41, 2},
	{FAULT_ENDLESS, 0, -ETIMEDOUT, "runs on", "no END record", 100, 2},
	{FAULT_ECHO, 0, 0, NULL, "echoes another program", 100, 3},
	{FAULT_EARLY_END, 40, 0, NULL, "40 points were produced; the plan has 100", 40, 3},
};

START_TEST(a_fault_is_found_named_and_everything_before_it_kept)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);
	const struct kept_segment *main = &keep.segment[1];
	json_t *json;
	char *text;

	fake->fault = faults[_i].fault;
	fake->fault_at = faults[_i].at;
	fake->fault_in_program = 2;
	ck_assert_msg(run(plan) == faults[_i].error, "fault %d gave %d: %s", faults[_i].fault,
		      result.error, result.message ? result.message : "(no message)");
	ck_assert_ptr_null(keep.broken);
	if (faults[_i].message)
		ck_assert_msg(result.message && strstr(result.message, faults[_i].message),
			      "%s: %s", faults[_i].message, result.message);
	ck_assert_uint_eq(keep.segments, faults[_i].segments);
	ck_assert_uint_eq(main->ended, 1);
	ck_assert_uint_eq(kept_records(main, ETALON_HW_RECORD_POINT), faults[_i].points);
	ck_assert_int_eq(ledger_complete(&main->ledger), faults[_i].why == NULL);
	json = ledger_json(&main->ledger);
	text = json_dumps(json_object_get(json, "why"), 0);
	if (faults[_i].why)
		ck_assert_msg(strstr(text, faults[_i].why), "%s: %s", faults[_i].why, text);
	free(text);
	json_decref(json);
}
END_TEST

static const enum fake_fault silences[] = {FAULT_HANG, FAULT_NO_END};

START_TEST(a_board_that_stops_sending_is_given_up_and_stopped)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	fake->fault = silences[_i];
	fake->fault_at = 40;
	fake->fault_in_program = 2;
	ck_assert_int_eq(run(plan), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(result.message, "stopped sending"));
	ck_assert_uint_eq(keep.segments, 2);
	ck_assert_uint_eq(keep.segment[1].ended, 1);
	ck_assert_uint_ge(kept_records(&keep.segment[1], ETALON_HW_RECORD_POINT), 41);
	ck_assert_uint_eq(fake->stops, 1);
}
END_TEST

START_TEST(a_board_that_never_sends_is_given_up)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	fake->hold = true;
	ck_assert_int_eq(run(plan), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(result.message, "sends no records"));
	ck_assert_uint_eq(keep.segments, 1);
	ck_assert_uint_eq(keep.segment[0].size, 0);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_refused_program_is_explained_and_nothing_begins)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	fake->refuse_address = ETALON_REG_COMMAND;
	fake->refuse_result = ETALON_HW_REFUSED_EMISSION;
	ck_assert_int_eq(run(plan), -EACCES);
	ck_assert_uint_eq(result.refusal.result, ETALON_HW_REFUSED_EMISSION);
	ck_assert_str_eq(result.message, "the board does not take the program: the program needs "
					 "light, and the laser is not on");
	ck_assert_uint_eq(keep.segments, 0);
	ck_assert_uint_eq(result.ledger_count, 0);
}
END_TEST

START_TEST(a_refused_setpoint_is_explained)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	plan->setpoints = calloc(1, sizeof(*plan->setpoints));
	plan->setpoints[0] = (struct plan_setpoint){FAKE_POWER, 20000000000000};
	plan->setpoint_count = 1;
	fake->refuse_address = ETALON_REG_SOURCE(FAKE_POWER);
	fake->refuse_result = ETALON_HW_REFUSED_LIMIT;
	fake->refuse_detail = FAKE_POWER;
	fake->refuse_low = 100000000000;
	fake->refuse_high = 10000000000000;
	ck_assert_int_eq(run(plan), -ERANGE);
	ck_assert_str_eq(result.message, "laser.power: 13.01 dBm is above laser.power's 10 dBm; "
					 "allowed -10 dBm to 10 dBm");
	ck_assert_uint_eq(fake->starts, 0);
}
END_TEST

START_TEST(a_board_that_counts_other_points_is_not_started)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	plan->segments[1].points = 99;
	ck_assert_int_eq(run(plan), -EPROTO);
	ck_assert_uint_eq(fake->starts, 1); /* the dark one */
	ck_assert_uint_eq(keep.segments, 1);
}
END_TEST

/* ---- the sink ---- */

START_TEST(a_sink_that_can_not_begin_ends_the_run)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	keep.begin_error = -ENOSPC;
	keep.error_segment = 1;
	ck_assert_int_eq(run(plan), -ENOSPC);
	ck_assert_uint_eq(fake->starts, 1);
	ck_assert_uint_eq(result.ledger_count, 1);
}
END_TEST

START_TEST(a_sink_that_can_not_keep_ends_the_run_and_stops_the_board)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(20000);

	keep.block_error = -ENOSPC;
	keep.error_segment = 1;
	keep.block_error_after = 2;
	ck_assert_int_eq(run(plan), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(result.message, "No space left"));
	ck_assert_uint_eq(keep.segment[1].ended, 1);
	ck_assert_uint_eq(keep.segment[1].blocks, 2);
	ck_assert_uint_eq(fake->stops, 1);
	ck_assert_uint_eq(keep.segments, 2);
}
END_TEST

START_TEST(a_sink_that_can_not_end_ends_the_run)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	keep.end_error = -EIO;
	keep.error_segment = 0;
	ck_assert_int_eq(run(plan), -EIO);
	ck_assert_uint_eq(keep.segments, 1);
}
END_TEST

/* ---- cancel ---- */

START_TEST(a_run_cancelled_before_it_begins_does_nothing)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);

	progress.cancel = true;
	ck_assert_int_eq(run(plan), -ECANCELED);
	ck_assert_uint_eq(fake->starts, 0);
	ck_assert_str_eq(result.message, "cancelled");
}
END_TEST

static void cancel_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 3)
		acquire_cancel(link_, &progress);
}

START_TEST(a_run_cancelled_in_the_middle_keeps_what_came_and_has_its_end)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(50000);
	const struct kept_segment *main = &keep.segment[1];

	keep.each_block = cancel_now;
	ck_assert_int_eq(run(plan), -ECANCELED);
	ck_assert_ptr_null(keep.broken);
	ck_assert_uint_eq(keep.segments, 2); /* no dark after it: light goes off now */
	ck_assert_uint_eq(fake->stops, 1);
	ck_assert(main->ledger.ended);
	ck_assert_uint_eq(main->ledger.end.cause, ETALON_HW_END_STOPPED);
	ck_assert(ledger_counts_agree(&main->ledger));
	ck_assert(!ledger_complete(&main->ledger));
	ck_assert_uint_lt(main->ledger.received, 50000);
	ck_assert_uint_eq(kept_records(main, ETALON_HW_RECORD_POINT), main->ledger.received);
}
END_TEST

static void *cancel_from_another_thread(void *userdata)
{
	struct plan *plan = userdata;

	(void)plan;
	acquire_cancel(link_, &progress);
	return NULL;
}

START_TEST(a_waiting_run_is_woken_by_cancel)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(100);
	pthread_t thread;

	fake->fault = FAULT_HANG; /* STOP gets no answer either */
	fake->fault_at = 10;
	fake->fault_in_program = 2;
	pthread_create(&thread, NULL, cancel_from_another_thread, plan);
	ck_assert_int_eq(run(plan), -ECANCELED);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_million_points_pass_in_constant_memory)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(1000000);

	keep.forget = true;
	ck_assert_int_eq(run(plan), 0);
	ck_assert(ledger_complete(&keep.segment[1].ledger));
	ck_assert_uint_eq(keep.segment[1].size, 1000002UL * 128);
	ck_assert_uint_le(keep.segment[1].largest, ACQUIRE_BLOCK_BYTES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acquire segments");
	TCase *tc = tcase_create("acquire");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_record_reaches_the_sink_once_in_blocks, 0,
			    (int)ARRAY_SIZE(sizes));
	tcase_add_test(tc, generations_count_up_and_keys_follow_the_base);
	tcase_add_test(tc, setpoints_are_made_first);
	tcase_add_test(tc, a_cancel_that_came_too_early_or_too_late_for_another_run_is_forgotten);
	tcase_add_test(tc, runs_follow_each_other_on_one_link);
	tcase_add_loop_test(tc, a_fault_is_found_named_and_everything_before_it_kept, 0,
			    (int)ARRAY_SIZE(faults));
	tcase_add_loop_test(tc, a_board_that_stops_sending_is_given_up_and_stopped, 0,
			    (int)ARRAY_SIZE(silences));
	tcase_add_test(tc, a_board_that_never_sends_is_given_up);
	tcase_add_test(tc, a_refused_program_is_explained_and_nothing_begins);
	tcase_add_test(tc, a_refused_setpoint_is_explained);
	tcase_add_test(tc, a_board_that_counts_other_points_is_not_started);
	tcase_add_test(tc, a_sink_that_can_not_begin_ends_the_run);
	tcase_add_test(tc, a_sink_that_can_not_keep_ends_the_run_and_stops_the_board);
	tcase_add_test(tc, a_sink_that_can_not_end_ends_the_run);
	tcase_add_test(tc, a_run_cancelled_before_it_begins_does_nothing);
	tcase_add_test(tc, a_run_cancelled_in_the_middle_keeps_what_came_and_has_its_end);
	tcase_add_test(tc, a_waiting_run_is_woken_by_cancel);
	tcase_add_test(tc, a_million_points_pass_in_constant_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
