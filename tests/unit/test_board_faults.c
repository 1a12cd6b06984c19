// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scripted faults: what is accepted, when it happens, and that each does to the records what a
 * ledger must notice. The log is whole and in order of writing.
 */
#include "board_bench.h"

static struct etalon_hw_program plain(void)
{
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 100);
	return p;
}

static const struct {
	const char *json;
	const char *says; /* in the message */
} wrongs[] = {
	{"{\"fault\": \"meteorite\"}", "interlock-open, interlock-close, key-off"},
	{"{\"fault\": 3}", "allowed: interlock-open"},
	{"{}", "allowed: interlock-open"},
	{"[]", "JSON object"},
	{"{\"fault\": \"cable\", \"when\": 3}", "allowed: fault, at_ms"},
	{"{\"fault\": \"cable\", \"at_ms\": -1}", "at_ms"},
	{"{\"fault\": \"cable\", \"at_ms\": \"now\"}", "at_ms"},
	{"{\"fault\": \"cable\", \"at_program_ms\": 1}", "trigger-edge"},
	{"{\"fault\": \"detector-uncoupled\"}", "pd1"},
	{"{\"fault\": \"detector-uncoupled\", \"detector\": \"pd9\"}", "pd1"},
	{"{\"fault\": \"lying-end\", \"field\": \"tick\"}", "\"crc\", \"produced\" or \"dropped\""},
	{"{\"fault\": \"trigger-edge\", \"input\": 2}", "input"},
	{"{\"fault\": \"trigger-edge\", \"count\": 2}", "period_us"},
	{"{\"fault\": \"aux-in\", \"line\": 8}", "line"},
};

START_TEST(a_wrong_fault_is_refused_with_what_is_allowed)
{
	struct bench *t = bench_default();
	json_t *fault = json_loads(wrongs[_i].json, 0, NULL);
	char *message = NULL;

	ck_assert_int_eq(board_fault(t->b, fault, &message), -EINVAL);
	ck_assert_msg(strstr(message, wrongs[_i].says), "%s", message);
	free(message);
	json_decref(fault);
	bench_close(t);
}
END_TEST

START_TEST(a_fault_happens_at_its_time)
{
	struct bench *t = bench_default();

	bench_fault(t, "{\"fault\": \"interlock-open\", \"at_ms\": 500}");
	bench_arm(t, 250);
	t->kicks = true;
	bench_pass(t, 499 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_ARMED);
	bench_pass(t, 5 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(rd64(t, ETALON_REG_LAST_OFF_TICK), 500 * MS / 10);
	bench_close(t);
}
END_TEST

START_TEST(a_fault_happens_at_its_point)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i & 1});
	struct etalon_hw_program p = plain();
	const char *const scripts[] = {"{\"fault\": \"key-off\", \"at_point\": 0}",
				       "{\"fault\": \"key-off\", \"at_point\": 37}"};

	p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	bench_emit(t);
	bench_fault(t, scripts[_i / 2]);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_TRIPPED);
	ck_assert_uint_eq(bench_end(t)->causes, ETALON_HW_CAUSE_KEY);
	ck_assert_uint_eq(bench_end(t)->produced, _i / 2 ? 37 : 0);
	bench_close(t);
}
END_TEST

/* What a host sees: sequence numbers that are missing or double, and a CRC over what came. */
struct seen {
	size_t points, missing, twice;
	bool crc_right;
};

static struct seen look(const struct bench *t)
{
	struct seen s = {0};
	const struct etalon_hw_record *r;
	uint64_t next = bench_record(t, 0)->sequence;
	uint32_t crc = 0;

	for (size_t n = 0; (r = bench_record(t, n)); n++) {
		if (r->sequence < next) {
			s.twice++;
			continue;
		}
		s.missing += r->sequence - next;
		next = r->sequence + 1;
		if (r->type != ETALON_HW_RECORD_POINT)
			continue;
		s.points++;
		crc = crc32c(crc, r + 1, r->size - sizeof(*r));
	}
	s.crc_right = crc == bench_end(t)->crc;
	return s;
}

static const struct {
	const char *fault;
	struct seen seen;
	uint64_t produced, dropped; /* as END says */
} lies[] = {
	{"{\"fault\": \"resume-records\"}", {100, 0, 0, true}, 100, 0},
	{"{\"fault\": \"drop-record\", \"at_point\": 10}", {99, 1, 0, false}, 100, 0},
	{"{\"fault\": \"drop-record\", \"at_point\": 10, \"count\": 5}", {95, 5, 0, false}, 100, 0},
	{"{\"fault\": \"duplicate-record\", \"at_point\": 99}", {100, 0, 1, true}, 100, 0},
	{"{\"fault\": \"corrupt-record\", \"at_point\": 0}", {100, 0, 0, false}, 100, 0},
	{"{\"fault\": \"skip-sequence\"}", {100, 1, 0, true}, 100, 0},
	{"{\"fault\": \"lying-end\"}", {100, 0, 0, false}, 100, 0},
	{"{\"fault\": \"lying-end\", \"field\": \"produced\"}", {100, 0, 0, true}, 101, 0},
	{"{\"fault\": \"lying-end\", \"field\": \"dropped\"}", {100, 0, 0, true}, 100, 1},
};

START_TEST(records_go_wrong_as_scripted_and_only_once)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = plain();
	struct seen seen;

	bench_fault(t, lies[_i].fault);
	bench_run(t, &p);
	seen = look(t);
	ck_assert_uint_eq(seen.points, lies[_i].seen.points);
	ck_assert_uint_eq(seen.missing, lies[_i].seen.missing);
	ck_assert_uint_eq(seen.twice, lies[_i].seen.twice);
	ck_assert_int_eq(seen.crc_right, lies[_i].seen.crc_right);
	ck_assert_uint_eq(bench_end(t)->produced, lies[_i].produced);
	ck_assert_uint_eq(bench_end(t)->dropped, lies[_i].dropped);
	bench_run(t, &p);
	seen = look(t);
	ck_assert_uint_eq(seen.points, 100);
	ck_assert_uint_eq(seen.missing + seen.twice, 0);
	ck_assert(seen.crc_right);
	bench_close(t);
}
END_TEST

START_TEST(stalled_records_wait_in_the_fifo)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = plain();

	bench_fault(t, "{\"fault\": \"stall-records\"}");
	bench_run(t, &p);
	ck_assert_uint_eq(t->bytes, 0);
	bench_fault(t, "{\"fault\": \"resume-records\"}");
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->produced, 100);
	bench_close(t);
}
END_TEST

START_TEST(an_uncoupled_detector_sees_the_dark)
{
	struct bench *t = bench_open(&(struct bench_options){.device = "straight"});
	struct etalon_hw_program p = plain();

	p.gate = ETALON_HW_GATE_OPEN;
	bench_emit(t);
	bench_fault(t, "{\"fault\": \"detector-uncoupled\", \"detector\": \"pd1\"}");
	bench_run(t, &p);
	ck_assert_int_lt(bench_point(t, 50)->sample[0].mean_q8, 30 * 256);
	bench_fault(t, "{\"fault\": \"detector-coupled\", \"detector\": \"pd1\"}");
	bench_run(t, &p);
	ck_assert_int_gt(bench_point(t, 50)->sample[0].mean_q8, 300 * 256);
	bench_close(t);
}
END_TEST

START_TEST(hang_and_cable_are_told_to_the_front_end)
{
	struct bench *t = bench_default();

	ck_assert_uint_eq(board_hangs_until(t->b), 0);
	bench_fault(t, "{\"fault\": \"hang\", \"for_ms\": 300}");
	ck_assert_uint_eq(board_hangs_until(t->b), t->now + 300 * MS);
	ck_assert(!board_takes_cable(t->b));
	bench_fault(t, "{\"fault\": \"cable\"}");
	ck_assert(board_takes_cable(t->b));
	ck_assert(!board_takes_cable(t->b));
	bench_close(t);
}
END_TEST

START_TEST(the_log_tells_commands_writes_states_and_faults)
{
	static const char *const expected[] = {"power-on", "write", "command",
					       "fault",	   "cause", "state"};
	struct bench *t = bench_open(&(struct bench_options){.log = true});

	bench_arm(t, 250);
	bench_fault(t, "{\"fault\": \"interlock-open\"}");
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		long at = 0;
		json_t *line = bench_log_next(t, expected[i], &at);

		ck_assert_msg(line, "no line about %s", expected[i]);
		ck_assert(json_is_integer(json_object_get(line, "t_ns")));
		ck_assert(json_is_integer(json_object_get(line, "tick")));
		json_decref(line);
	}
	bench_close(t);
}
END_TEST

START_TEST(the_log_counts_kicks_and_tells_results_and_causes)
{
	struct bench *t = bench_open(&(struct bench_options){.log = true});
	json_t *line;
	long at = 0;

	bench_emit(t); /* kicked every 20 ms for 3 s */
	bench_fault(t, "{\"fault\": \"key-off\"}");
	while ((line = bench_log_next(t, "state", &at))) {
		if (streq(json_string_value(json_object_get(line, "to")), "tripped"))
			break;
		json_decref(line);
	}
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "cause")), ETALON_HW_CAUSE_KEY);
	ck_assert_int_ge(json_integer_value(json_object_get(line, "kicks")), 150);
	json_decref(line);
	at = 0;
	ck_assert_uint_eq(bench_log_time(t, "kick", &at), 0);
	set_source(t, ERB1_LASER_WAVELENGTH, 1);
	at = 0;
	while ((line = bench_log_next(t, "write", &at))) {
		if (json_integer_value(json_object_get(line, "result")) == ETALON_HW_REFUSED_LIMIT)
			break;
		json_decref(line);
	}
	ck_assert_ptr_nonnull(line);
	json_decref(line);
	bench_close(t);
}
END_TEST

START_TEST(a_log_that_cannot_be_written_is_refused)
{
	struct event_log *log = NULL;
	char *message = NULL;

	ck_assert_int_eq(event_log_open("/nonexistent/log", &log, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "/nonexistent/log"));
	free(message);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("board faults");
	TCase *c = tcase_create("faults");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_wrong_fault_is_refused_with_what_is_allowed, 0,
			    ARRAY_SIZE(wrongs));
	tcase_add_test(c, a_fault_happens_at_its_time);
	tcase_add_loop_test(c, a_fault_happens_at_its_point, 0, 4);
	tcase_add_loop_test(c, records_go_wrong_as_scripted_and_only_once, 0, ARRAY_SIZE(lies));
	tcase_add_test(c, stalled_records_wait_in_the_fifo);
	tcase_add_test(c, an_uncoupled_detector_sees_the_dark);
	tcase_add_test(c, hang_and_cable_are_told_to_the_front_end);
	tcase_add_test(c, the_log_tells_commands_writes_states_and_faults);
	tcase_add_test(c, the_log_counts_kicks_and_tells_results_and_causes);
	tcase_add_test(c, a_log_that_cannot_be_written_is_refused);
	suite_add_tcase(s, c);
	return run_suite(s);
}
