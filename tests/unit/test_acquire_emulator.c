// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Link, plan and engine against the real emulator in its own process, over its socket and through a
 * kernel's ring: what the board says before and after a program is what happened, in all directions and with
 * every fault.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fake_kernel.h"
#include "../common/keeping_sink.h"
#include "../common/link_steps.h"
#include "../common/session.h"
#include "base/util.h"
#include "measure/acquire.h"
#include "measure/plan_count.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define WATCHDOG_NS 1000000000U
/* A gate or a laser that has not come to rest yet. */
#define LEFT_IN_MOTION_NS 50000000U

static struct session session;
static struct link *board;
static struct fake_kernel *kernel; /* NULL: straight to the socket */
static bool through_kernel;
static struct keeping_sink keep;
static struct acquire_progress progress;
static struct acquire_result result;
static uint32_t generation;
static pthread_t kicker;
static atomic_bool kicking;

static void *kick(void *unused)
{
	const struct timespec pause = {.tv_nsec = 50000000};

	(void)unused;
	while (atomic_load(&kicking)) {
		board->ops->kick(board);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void stop_kicking(void)
{
	if (atomic_exchange(&kicking, false))
		pthread_join(kicker, NULL);
}

static struct link *open_board(void)
{
	char *message = NULL;
	struct link *l = NULL;

	if (!through_kernel)
		return link_to_board(&session);
	if (!kernel)
		kernel = fake_kernel_new(link_to_board(&session), 16 << 20);
	ck_assert_msg(fake_kernel_open(kernel, &l, &message) == 0, "%s", message);
	return l;
}

static int open_second(struct link **ret, char **ret_message)
{
	return kernel ? fake_kernel_open(kernel, ret, ret_message)
		      : link_open_emulated(session.board, ret, ret_message);
}

/* OFF to EMITTING, as the board's owner does it. */
static void light(void)
{
	struct link_refusal refusal;

	link_write_limits(board);
	ck_assert_int_eq(board->ops->arm(board, WATCHDOG_NS, &refusal), 0);
	atomic_store(&kicking, true);
	pthread_create(&kicker, NULL, kick, NULL);
	ck_assert_int_eq(board->ops->emit(board, &refusal), 0);
	while (link_look(board).state == ETALON_HW_STATE_DELAY)
		;
	ck_assert_uint_eq(link_look(board).state, ETALON_HW_STATE_EMITTING);
}

static void start_emulator(const char *const *arguments, bool max)
{
	struct session_options options = {
		.speed_max = max, .emission_delay_ms = 5, .emulator_arguments = arguments};

	session_start_board(&session, &options);
	board = open_board();
	keeping_sink_init(&keep);
	progress = (struct acquire_progress){};
}

static void setup(void)
{
	start_emulator(NULL, true);
}

static void setup_real_time(void)
{
	start_emulator(NULL, false);
}

static void setup_kernel(void)
{
	through_kernel = true;
	setup();
}

static void setup_kernel_real_time(void)
{
	through_kernel = true;
	setup_real_time();
}

static void teardown(void)
{
	stop_kicking();
	acquire_result_clear(&result);
	keeping_sink_clear(&keep);
	link_close(board);
	if (kernel)
		fake_kernel_free(kernel);
	kernel = NULL;
	through_kernel = false;
	session_stop(&session);
}

/* JSON with ' for ". */
static struct plan *plan_of(const char *text)
{
	static const struct site site = {.default_power_fw = 1000000000000};
	char *copy = strdup(text), *message = NULL;
	struct plan *plan = NULL;
	json_error_t error;
	json_t *request;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	request = json_loads(copy, 0, &error);
	ck_assert_msg(request, "%s in %s", error.text, text);
	ck_assert_msg(plan_make(board->description, &site, request, &plan, &message) == 0, "%s: %s",
		      text, message);
	json_decref(request);
	free(copy);
	return plan;
}

static int run(const struct plan *plan)
{
	int r = acquire_run(board, plan, 4711, &generation, &keep.sink, &progress, &result);

	ck_assert_ptr_null(keep.broken);
	return r;
}

static void run_again(void)
{
	acquire_result_clear(&result);
	keeping_sink_clear(&keep);
	keeping_sink_init(&keep);
	progress = (struct acquire_progress){};
}

static char *why(const struct ledger *l)
{
	json_t *json = ledger_json(l);
	char *text = json_dumps(json_object_get(json, "why"), 0);

	json_decref(json);
	return text;
}

static void must_be_complete(const struct kept_segment *s)
{
	_cleanup_free_ char *text = why(&s->ledger);

	ck_assert_msg(ledger_complete(&s->ledger), "%s", text);
}

#define DEMO                                                                           \
	"{'kind': 'wavelength-sweep', 'start_fm': 1540000000, 'stop_fm': 1560000000, " \
	"'points': 20001, 'detectors': ['pd1', 'pd2']}"

typedef void (*point_check)(const struct kept_segment *s,
			    const struct etalon_hw_record_point *point);

static void each_point(const struct kept_segment *s, point_check check)
{
	for (size_t at = 0; at < s->size; at += s->loaded.stride) {
		const struct etalon_hw_record_point *point = (const void *)(s->bytes + at);

		if (point->head.type == ETALON_HW_RECORD_POINT)
			check(s, point);
	}
}

static void check_indices(const struct kept_segment *s, const struct etalon_hw_record_point *point)
{
	const struct etalon_hw_program *p = &s->program;
	const struct etalon_hw_axis *inner = &p->axis[p->axis_count - 1];
	uint32_t before;

	for (uint32_t a = 0; a < p->axis_count; a++)
		ck_assert_uint_eq(point->index[a], program_axis_index(p, a, point->number));
	for (uint32_t a = p->axis_count; a < ETALON_HW_AXES_MAX; a++)
		ck_assert_uint_eq(point->index[a], 0);
	if (inner->points < 2 || point->number % program_axis_length(p, p->axis_count - 1) == 0)
		return;
	before = program_axis_index(p, p->axis_count - 1, point->number - 1);
	if (before != point->index[p->axis_count - 1])
		ck_assert_int_eq(!!(point->flags & ETALON_HW_POINT_REVERSE),
				 point->index[p->axis_count - 1] < before);
}

static void check_lit(const struct kept_segment *s, const struct etalon_hw_record_point *point)
{
	ck_assert_uint_eq(point->flags &
				  (ETALON_HW_POINT_GATE_CLOSED | ETALON_HW_POINT_EMISSION_OFF |
				   ETALON_HW_POINT_RUN_IN | ETALON_HW_POINT_UNSETTLED),
			  0);
	ck_assert_uint_eq(point->sample[0].range, s->program.detector[0].range);
}

static void check_dark(const struct kept_segment *s, const struct etalon_hw_record_point *point)
{
	(void)s;
	ck_assert_uint_eq(point->flags &
				  (ETALON_HW_POINT_GATE_CLOSED | ETALON_HW_POINT_EMISSION_OFF),
			  ETALON_HW_POINT_GATE_CLOSED);
}

/* ---- whole runs ---- */

START_TEST(the_default_demo_runs_end_to_end)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(DEMO);

	light();
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	ck_assert_uint_eq(keep.segments, 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct kept_segment *s = &keep.segment[i];

		must_be_complete(s);
		each_point(s, check_indices);
		each_point(s, i == 1 ? check_lit : check_dark);
		ck_assert_uint_eq(s->ledger.saturated, 0);
		/*
		 * The board takes exactly as long as it says at START. At LOAD it says it from where its
		 * sources are then, and what still moves is a little further at START. Our own estimate
		 * knows nothing of that.
		 */
		ck_assert_uint_eq((s->ledger.end.tick - s->ledger.start.tick) * 10,
				  s->ledger.start.duration_ns);
		ck_assert_uint_le(s->ledger.start.duration_ns, s->loaded.duration_ns);
		ck_assert_uint_ge(s->ledger.start.duration_ns, plan->segments[i].duration_ns);
		if (i != 1) /* which begins with a move of the laser */
			ck_assert_uint_le(s->loaded.duration_ns,
					  plan->segments[i].duration_ns + LEFT_IN_MOTION_NS);
	}
}
END_TEST

/* The same again starts where it ended: the estimate may differ by that move only. */
static const char *const estimated[] = {
	"{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1551000000, 'points': 1001, "
	"'detectors': ['pd1'], 'both_ways': true}",
	"{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1551000000, 'points': 1001, "
	"'detectors': ['pd1'], 'average': 3}",
	"{'kind': 'wavelength-sweep', 'start_fm': 1551000000, 'stop_fm': 1550000000, 'points': 11, "
	"'detectors': ['pd1'], 'speed_fm_per_s': 500000}",
	"{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1550010000, 'points': 11, "
	"'detectors': ['pd1'], 'dwell_ns': 150000000}",
	"{'kind': 'dark', 'detectors': ['pd1', 'pd2'], 'points': 5000}",
};

START_TEST(the_plans_estimate_is_what_the_board_states_but_for_the_first_move)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(estimated[_i]);
	size_t main = plan->segment_count / 2;
	int64_t estimate = (int64_t)plan->segments[main].duration_ns;
	int64_t stated;

	light();
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	stated = (int64_t)keep.segment[main].loaded.duration_ns;
	/* 160 nm of laser at 100 nm/s are the longest move there is. */
	ck_assert_msg(stated >= estimate - 2000000 && stated <= estimate + 1600000000,
		      "estimate %lld ns, stated %lld ns", (long long)estimate, (long long)stated);
}
END_TEST

static const struct {
	const char *mode;
	const char *direction;
	const char *outer;
} walks[] = {
	{"ramp", "forward", "forward"},	   {"ramp", "reverse", "forward"},
	{"ramp", "serpentine", "reverse"}, {"ramp", "up-down", "forward"},
	{"step", "forward", "forward"},	   {"step", "reverse", "serpentine"},
	{"step", "serpentine", "up-down"}, {"step", "up-down", "reverse"},
};

START_TEST(points_come_in_the_order_that_was_planned)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	char request[700];

	snprintf(request, sizeof(request),
		 "{'kind': 'sweep', 'detectors': ['pd1'], 'axes': ["
		 "{'sources': [{'source': 'h1', 'start': 0, 'stop': 3000000000}], 'points': 3, "
		 "'direction': '%s'}, {'points': 2}, {'sources': [{'source': 'pos_x', 'start': 0, "
		 "'stop': 10000}], 'points': 11, 'mode': '%s', 'direction': '%s'}], "
		 "'period_ns': 100000000, 'delay_ns': 10000000, 'aperture_ns': 20000}",
		 walks[_i].outer, walks[_i].mode, walks[_i].direction);
	plan = plan_of(request);
	ck_assert_msg(run(plan) == 0, "%s", result.message); /* no light needed */
	must_be_complete(&keep.segment[0]);
	each_point(&keep.segment[0], check_indices);
	ck_assert_uint_eq(kept_records(&keep.segment[0], ETALON_HW_RECORD_POINT), plan->points);
}
END_TEST

static void check_settled(const struct kept_segment *s, const struct etalon_hw_record_point *point)
{
	ck_assert_msg(!(point->flags & ETALON_HW_POINT_UNSETTLED),
		      "point %llu is unsettled, with a delay of %llu ns",
		      (unsigned long long)point->number, (unsigned long long)s->program.delay_ns);
}

/* Steps, jumps of lists, both ways, fly-back and outer axes; of a slow stage and a fast heater. */
static const char *const patient[] = {
	"{'sources': [{'source': 'pos_x', 'start': 0, 'stop': 20000}], 'points': 5}",
	"{'sources': [{'source': 'pos_x', 'values': [0, 100, 20000, 19900, -20000]}]}",
	"{'sources': [{'source': 'pos_x', 'start': 0, 'stop': 20000}], 'points': 5, "
	"'direction': 'up-down'}",
	"{'points': 2}, {'sources': [{'source': 'pos_x', 'start': 20000, 'stop': 0}], 'points': 5}",
	"{'points': 2}, {'sources': [{'source': 'pos_x', 'start': 0, 'stop': 20000}], 'points': 5, "
	"'direction': 'serpentine'}",
	"{'sources': [{'source': 'pos_x', 'start': 0, 'stop': 20000}], 'points': 3}, "
	"{'sources': [{'source': 'h1', 'start': 0, 'stop': 6000000000}], 'points': 4}",
	"{'sources': [{'source': 'h1', 'start': 0, 'stop': 6000000000}, {'source': 'pos_x', "
	"'values': [0, 100, 20000]}], 'points': 3}",
};

START_TEST(without_a_delay_of_its_own_a_sweep_waits_until_its_sources_have_moved_and_settled)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	char request[400];

	snprintf(request, sizeof(request),
		 "{'kind': 'sweep', 'detectors': ['pd1'], 'axes': [%s], 'aperture_ns': 100000}",
		 patient[_i]);
	plan = plan_of(request);
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	must_be_complete(&keep.segment[0]);
	ck_assert_uint_eq(kept_records(&keep.segment[0], ETALON_HW_RECORD_POINT), plan->points);
	each_point(&keep.segment[0], check_settled);
}
END_TEST

static unsigned int sample_of(const struct kept_segment *s, const char *name)
{
	for (uint32_t i = 0; i < s->program.detector_count; i++)
		if (streq(board->description->detector[s->program.detector[i].detector].name, name))
			return i;
	ck_abort_msg("%s is not read", name);
}

/* Reading in the detector's integers. */
static double reading(const struct kept_segment *s, const struct etalon_hw_record_point *point,
		      const char *name)
{
	unsigned int i = sample_of(s, name);
	const struct etalon_hw_range *range = description_range_of(
		board->description, s->program.detector[i].detector, point->sample[i].range);

	return (double)range->offset +
	       (double)point->sample[i].mean_q8 / 256 * (double)range->step_q16 / 65536;
}

static const double heater_list[] = {0, 5e9, 1e9, 12e9, 2.5e9};

static void check_heater(const struct kept_segment *s, const struct etalon_hw_record_point *point)
{
	double volts = reading(s, point, "h1.v"), asked = heater_list[point->index[0]];

	ck_assert_double_eq_tol(volts, asked, 0.02e9);
}

START_TEST(lists_drive_what_they_say)
{
	_cleanup_(plan_freep) struct plan *plan =
		plan_of("{'kind': 'sweep', 'detectors': ['pd1'], 'axes': [{'sources': [{'source': "
			"'h1', 'values': [0, 5000000000, 1000000000, 12000000000, 2500000000]}, "
			"{'source': 'h2', 'start': 0, 'stop': 1000000000}]}, {'points': 20}], "
			"'delay_ns': 1000000, 'aperture_ns': 100000}");

	light(); /* heaters ramp to zero while there is no owner who kicks */
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	must_be_complete(&keep.segment[0]);
	each_point(&keep.segment[0], check_indices);
	each_point(&keep.segment[0], check_heater);
}
END_TEST

START_TEST(waiting_for_a_temperature_settles_or_times_out)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(
		"{'kind': 'sweep', 'detectors': ['pd1'], 'axes': [{'sources': [{'source': "
		"'tec1', 'start': 298150000, 'stop': 299150000}], 'points': 2, 'mode': 'wait', "
		"'window': 20000, 'hold_ns': 1000000000, 'slope': 20000, 'timeout_ns': "
		"200000000000}, {'points': 10}], 'period_ns': 200000, 'delay_ns': 0, "
		"'aperture_ns': 100000}");
	const struct ledger *l;

	ck_assert_msg(run(plan) == 0, "%s", result.message);
	must_be_complete(&keep.segment[0]);
	ck_assert(keep.segment[0].loaded.duration_is_bound);
	ck_assert_uint_ge((keep.segment[0].ledger.end.tick - keep.segment[0].ledger.start.tick) *
				  10,
			  keep.segment[0].loaded.duration_ns);
	run_again();
	session_fault(&session, "{\"fault\": \"tec-never-settles\"}");
	ck_assert_int_eq(run(plan), -ETIME);
	l = &keep.segment[0].ledger;
	ck_assert_uint_eq(l->end.cause, ETALON_HW_END_WAIT_TIMEOUT);
	ck_assert(ledger_counts_agree(l));
	ck_assert_str_eq(result.message, "the program ended early: never settled");
}
END_TEST

START_TEST(a_comparator_ends_the_program_as_planned)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(
		"{'kind': 'sweep', 'detectors': ['h1.v'], 'axes': [{'sources': [{'source': "
		"'h1', 'start': 0, 'stop': 10000000000}], 'points': 101}], 'delay_ns': 1000000, "
		"'aperture_ns': 100000, 'comparators': [{'detector': 'h1.v', 'kind': 'above', "
		"'action': 'end-program', 'threshold': 5000000000}]}");
	const struct ledger *l = &keep.segment[0].ledger;

	light();
	ck_assert_msg(run(plan) == 0, "%s", result.message);
	must_be_complete(&keep.segment[0]);
	ck_assert_uint_eq(l->end.cause, ETALON_HW_END_COMPARATOR);
	ck_assert_uint_ge(l->received, 50);
	ck_assert_uint_le(l->received, 53);
}
END_TEST

/* ---- refusals ---- */

START_TEST(without_light_the_board_says_so)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(DEMO);

	ck_assert_int_eq(run(plan), -EACCES);
	ck_assert_ptr_nonnull(strstr(result.message, "needs light, and the laser is not on"));
	ck_assert_uint_eq(keep.segments, 1); /* loaded, not started */
	ck_assert_uint_eq(keep.segment[0].size, 0);
}
END_TEST

START_TEST(a_second_owner_is_refused_and_a_later_one_welcome)
{
	struct link *second = NULL;
	char *message = NULL;

	ck_assert_int_eq(open_second(&second, &message), -EBUSY);
	ck_assert_ptr_nonnull(strstr(message, "in use by another program"));
	free(message);
	link_close(board);
	board = open_board();
}
END_TEST

/* ---- interruptions ---- */

static void cancel_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 2)
		acquire_cancel(board, &progress);
}

static void off_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 2)
		ck_assert_int_eq(board->ops->off(board), 0);
}

static void interlock_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 2)
		session_fault(&session, "{\"fault\": \"interlock-open\"}");
}

static void unplug_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 2)
		session_fault(&session, "{\"fault\": \"cable\"}");
}

static void kill_now(struct keeping_sink *k, void *userdata)
{
	(void)userdata;
	if (k->segments == 2 && k->segment[1].blocks == 2)
		session_kill(&session.emulator, SIGKILL);
}

/* In real time, so that there is a middle: 2 s of light. */
#define SLOW                                                                           \
	"{'kind': 'wavelength-sweep', 'start_fm': 1540000000, 'stop_fm': 1580000000, " \
	"'points': 40001, 'detectors': ['pd1', 'pd2']}"

static const struct {
	void (*what)(struct keeping_sink *k, void *userdata);
	int error;
	bool ends;
	uint32_t cause;
} interruptions[] = {
	{cancel_now, -ECANCELED, true, ETALON_HW_END_STOPPED},
	{off_now, -ECONNABORTED, true, ETALON_HW_END_EMISSION_OFF},
	{interlock_now, -ECONNABORTED, true, ETALON_HW_END_TRIPPED},
	{unplug_now, -ENODEV, false, 0},
	{kill_now, -ENODEV, false, 0},
};

START_TEST(an_interrupted_run_keeps_what_it_has_and_tells_why)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(SLOW);
	const struct ledger *l = &keep.segment[1].ledger;
	_cleanup_free_ char *text = NULL;

	light();
	keep.each_block = interruptions[_i].what;
	ck_assert_msg(run(plan) == interruptions[_i].error, "%d: %s", result.error, result.message);
	stop_kicking();
	text = why(l);
	ck_assert_uint_eq(keep.segments, 2);
	ck_assert_int_eq(l->ended, interruptions[_i].ends);
	if (l->ended) {
		ck_assert_uint_eq(l->end.cause, interruptions[_i].cause);
		ck_assert_msg(ledger_counts_agree(l), "%s", text);
		ck_assert_uint_eq(l->end.crc, l->crc);
	}
	ck_assert(!ledger_complete(l));
	ck_assert_uint_gt(l->received, 0);
	ck_assert_uint_lt(l->received, 40001);
	ck_assert_uint_eq(kept_records(&keep.segment[1], ETALON_HW_RECORD_POINT), l->received);
}
END_TEST

START_TEST(after_a_cancel_the_next_run_is_whole)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(SLOW), *next = plan_of(DEMO);

	light();
	keep.each_block = cancel_now;
	ck_assert_int_eq(run(plan), -ECANCELED);
	run_again();
	ck_assert_msg(run(next) == 0, "%s", result.message);
	for (unsigned int i = 0; i < 3; i++)
		must_be_complete(&keep.segment[i]);
}
END_TEST

/* ---- records that are not what they should be ---- */

static const struct {
	const char *fault;
	int error;
	const char *why; /* NULL: complete */
} lies[] = {
	{"{\"fault\": \"drop-record\", \"at_point\": 5000}", 0, NULL /* see below */},
	{"{\"fault\": \"duplicate-record\", \"at_point\": 5000}", 0, "duplicates"},
	{"{\"fault\": \"corrupt-record\", \"at_point\": 5000}", 0, "CRC"},
	{"{\"fault\": \"skip-sequence\", \"at_point\": 5000}", 0, "1 records are missing"},
	{"{\"fault\": \"lying-end\", \"field\": \"crc\", \"at_point\": 5000}", 0, "END says"},
	{"{\"fault\": \"lying-end\", \"field\": \"produced\", \"at_point\": 5000}", 0,
	 "points were produced"},
	{"{\"fault\": \"lying-end\", \"field\": \"dropped\", \"at_point\": 5000}", 0,
	 "points were dropped"},
};

START_TEST(a_board_that_lies_is_found_out)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(DEMO);
	const struct ledger *l = &keep.segment[1].ledger;
	_cleanup_free_ char *text = NULL;

	light();
	session_fault(&session, lies[_i].fault);
	ck_assert_msg(run(plan) == lies[_i].error, "%s: %s", lies[_i].fault, result.message);
	text = why(l);
	must_be_complete(&keep.segment[0]);
	if (lies[_i].why && streq(lies[_i].why, "duplicates")) {
		/* In a ring, a record that comes twice is written to one place twice. */
		ck_assert_uint_eq(l->duplicates, kernel ? 0 : 1);
		ck_assert_msg(ledger_complete(l), "%s", text);
	} else if (lies[_i].why) {
		ck_assert_msg(!ledger_complete(l), "%s", lies[_i].fault);
		ck_assert_msg(strstr(text, lies[_i].why), "%s: %s", lies[_i].fault, text);
	} else {
		ck_assert_uint_eq(l->received, 20000);
		ck_assert_uint_eq(l->gap_count, 1);
		ck_assert_uint_eq(l->gaps[0].first, 5000);
		ck_assert_msg(!ledger_complete(l), "%s", text);
	}
}
END_TEST

START_TEST(records_that_stall_are_given_up)
{
	_cleanup_(plan_freep) struct plan *plan = plan_of(SLOW);

	light();
	session_fault(&session, "{\"fault\": \"stall-records\", \"at_point\": 5000}");
	ck_assert_int_eq(run(plan), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(result.message, "stopped sending"));
	ck_assert_uint_gt(keep.segment[1].ledger.received, 0);
	session_fault(&session, "{\"fault\": \"resume-records\"}");
	run_again();
	ck_assert_msg(run(plan) == 0, "%s", result.message); /* leftovers do not disturb it */
	must_be_complete(&keep.segment[1]);
}
END_TEST

START_TEST(a_board_that_hangs_for_a_while_is_spoken_to_again)
{
	struct link_status s;
	int64_t setpoint, actual;

	session_fault(&session, "{\"fault\": \"hang\", \"for_ms\": 3000}");
	ck_assert_int_eq(board->ops->status(board, &s), -ETIMEDOUT);
	while (board->ops->get_source(board, 1, &setpoint, &actual) == -ETIMEDOUT)
		;
	ck_assert_int_eq(board->ops->status(board, &s), 0);
	ck_assert_uint_eq(s.state, ETALON_HW_STATE_OFF);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, the_default_demo_runs_end_to_end);
	tcase_add_loop_test(tc, the_plans_estimate_is_what_the_board_states_but_for_the_first_move,
			    0, (int)ARRAY_SIZE(estimated));
	tcase_add_loop_test(tc, points_come_in_the_order_that_was_planned, 0,
			    (int)ARRAY_SIZE(walks));
	tcase_add_loop_test(
		tc,
		without_a_delay_of_its_own_a_sweep_waits_until_its_sources_have_moved_and_settled,
		0, (int)ARRAY_SIZE(patient));
	tcase_add_test(tc, lists_drive_what_they_say);
	tcase_add_test(tc, waiting_for_a_temperature_settles_or_times_out);
	tcase_add_test(tc, a_comparator_ends_the_program_as_planned);
	tcase_add_test(tc, without_light_the_board_says_so);
	tcase_add_test(tc, a_second_owner_is_refused_and_a_later_one_welcome);
	tcase_add_loop_test(tc, a_board_that_lies_is_found_out, 0, (int)ARRAY_SIZE(lies));
}

static void add_real_time_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, an_interrupted_run_keeps_what_it_has_and_tells_why, 0,
			    (int)ARRAY_SIZE(interruptions));
	tcase_add_test(tc, after_a_cancel_the_next_run_is_whole);
	tcase_add_test(tc, records_that_stall_are_given_up);
}

int main(void)
{
	Suite *suite = suite_create("acquire emulator");
	TCase *tc = tcase_create("socket"), *real = tcase_create("socket, real time");
	TCase *mapped = tcase_create("kernel"), *mapped_real = tcase_create("kernel, real time");

	if (!session_has_program("etalon-emulator")) {
		printf("SKIP acquire emulator: etalon-emulator is not built beside this test\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_checked_fixture(real, setup_real_time, teardown);
	tcase_add_checked_fixture(mapped, setup_kernel, teardown);
	tcase_add_checked_fixture(mapped_real, setup_kernel_real_time, teardown);
	add_tests(tc);
	tcase_add_test(tc, a_board_that_hangs_for_a_while_is_spoken_to_again);
	add_tests(mapped);
	add_real_time_tests(real);
	add_real_time_tests(mapped_real);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, real);
	suite_add_tcase(suite, mapped);
	suite_add_tcase(suite, mapped_real);
	return run_suite(suite);
}
