// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs over any sources and detectors, asked for over a real bus: each is measured point by point in
 * the order that its plan promised, and read back whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "data/frame.h"
#include "etalond/strv.h"
#include "holder.h"
#include "runs.h"
#include "session.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define JOB "org.etalon1.Job"
#define RUN "org.etalon1.Run"
#define RUN_PATH "/org/etalon1/run/"
/* The laser is off its setpoint by up to 20 pm, and 10 pm that vary; its log by a few. */
#define TUNING_NM 0.036
#define SOURCES_MAX 2
#define ROWS_MAX 15

static struct session session;
static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};
static sd_bus *bus;
static char *board;

static void start(void)
{
	session_open(&session, &patient, &bus, &board);
}

static void stop(void)
{
	session_close(&session, bus, board);
}

/* ---- programs, and what is to come of them ---- */

struct swept {
	const char *source, *column, *unit;
	double per_unit; /* of the source's own units in one of the column's */
	double values[ROWS_MAX]; /* in the column's unit, in order of execution */
	const char *readback; /* column that must follow them, or NULL */
	double within; /* how closely */
};

struct program {
	const char *name, *request;
	bool light;
	uint32_t dark; /* FRAME_POINT_* of every point */
	const char *lit; /* column that shows it: the laser's through the chip */
	const char *columns; /* all of them */
	size_t rows;
	struct swept swept[SOURCES_MAX];
	const char *reversed; /* of each row: was it taken on the way back? */
};

#define DARK (FRAME_POINT_GATE_CLOSED | FRAME_POINT_EMISSION_OFF)
#define SWEEP "'kind': 'sweep', 'aperture_ns': 100000, "

static const struct program programs[] = {
	{
		.name = "a heater in steps",
		.request = "{" SWEEP "'detectors': ['through'], 'axes': [{'sources': "
			   "[{'source': 'h1', 'start': 0, 'stop': 2000000000}], 'points': 11}]}",
		.dark = DARK,
		.columns = "h1 nominal[V] through[A] through.flags[] h1.v[V] h1.v.flags[] h1.i[A] "
			   "h1.i.flags[] tec1.t[K] tec1.t.flags[] flags[] time[s] point[]",
		.rows = 11,
		.swept = {{"h1",
			   "h1 nominal",
			   "V",
			   1e9,
			   {0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2},
			   "h1.v",
			   1e-3}},
		.reversed = "00000000000",
	},
	{
		.name = "a laser to and fro for each heater voltage",
		.request =
			"{" SWEEP
			"'detectors': ['through', 'drop'], 'emission': true, 'dark': true, "
			"'set': {'laser.power': 1000000000000}, 'axes': ["
			"{'sources': [{'source': 'h1', 'start': 0, 'stop': 2000000000}], 'points': 3}, "
			"{'sources': [{'source': 'laser.wavelength', 'start': 1549000000, 'stop': "
			"1551000000}], 'points': 5, 'direction': 'serpentine'}]}",
		.light = true,
		.lit = "through",
		.columns =
			"wavelength[nm] h1 nominal[V] wavelength nominal[nm] through[W] through.flags[] "
			"drop[W] drop.flags[] mon[W] mon.flags[] h1.v[V] h1.v.flags[] h1.i[A] "
			"h1.i.flags[] tec1.t[K] tec1.t.flags[] flags[] time[s] point[]",
		.rows = 15,
		.swept = {{"h1",
			   "h1 nominal",
			   "V",
			   1e9,
			   {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2},
			   "h1.v",
			   1e-3},
			  {"laser.wavelength",
			   "wavelength nominal",
			   "nm",
			   1e6,
			   {1549, 1549.5, 1550, 1550.5, 1551, 1551, 1550.5, 1550, 1549.5, 1549,
			    1549, 1549.5, 1550, 1550.5, 1551},
			   "wavelength",
			   TUNING_NM}},
		.reversed = "000001111100000",
	},
	{
		.name = "two stages together, backwards over a list, twice",
		.request =
			"{" SWEEP "'detectors': ['pd3'], 'axes': [{'points': 2}, {'sources': ["
			"{'source': 'pos_x', 'values': [5000, -5000, 0]}, "
			"{'source': 'pos_y', 'start': 0, 'stop': 1000}], 'direction': 'reverse'}]}",
		.dark = DARK,
		.columns =
			"pos_x nominal[um] pos_y nominal[um] pd3[A] pd3.flags[] tec1.t[K] tec1.t.flags[] "
			"flags[] time[s] point[]",
		.rows = 6,
		.swept = {{"pos_x", "pos_x nominal", "um", 1e3, {0, -5, 5, 0, -5, 5}},
			  {"pos_y", "pos_y nominal", "um", 1e3, {1, 0.5, 0, 1, 0.5, 0}}},
		.reversed = "111111",
	},
	{
		.name = "a laser that runs, up and down, for each of two heater voltages",
		.request =
			"{'kind': 'sweep', 'detectors': ['through'], 'emission': true, 'set': "
			"{'laser.power': 1000000000000}, 'period_ns': 1000000, 'axes': ["
			"{'sources': [{'source': 'h1', 'start': 0, 'stop': 1000000000}], 'points': 2}, "
			"{'sources': [{'source': 'laser.wavelength', 'start': 1549960000, 'stop': "
			"1550040000}], 'points': 3, 'mode': 'ramp', 'direction': 'up-down'}]}",
		.light = true,
		.lit = "through",
		.columns =
			"wavelength[nm] h1 nominal[V] wavelength nominal[nm] through[W] through.flags[] mon[W] mon.flags[] h1.v[V] h1.v.flags[] h1.i[A] h1.i.flags[] tec1.t[K] tec1.t.flags[] flags[] time[s] point[]",
		.rows = 12,
		.swept = {{"h1",
			   "h1 nominal",
			   "V",
			   1e9,
			   {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1},
			   "h1.v",
			   1e-3},
			  {"laser.wavelength",
			   "wavelength nominal",
			   "nm",
			   1e6,
			   {1549.96, 1550, 1550.04, 1550.04, 1550, 1549.96, 1549.96, 1550, 1550.04,
			    1550.04, 1550, 1549.96},
			   "wavelength",
			   TUNING_NM}},
		.reversed = "000111000111",
	},
	{
		.name = "a chip that is warmed, and waited for",
		.request =
			"{" SWEEP "'detectors': ['pd3'], 'axes': [{'sources': [{'source': 'tec1', "
			"'start': 298150000, 'stop': 298400000}], 'points': 2, 'mode': 'wait', "
			"'window': 50000, 'slope': 20000, 'hold_ns': 100000000, 'timeout_ns': 60000000000}]}",
		.dark = DARK,
		.columns =
			"tec1 nominal[K] pd3[A] pd3.flags[] tec1.t[K] tec1.t.flags[] flags[] time[s] point[]",
		.rows = 2,
		.swept = {{"tec1", "tec1 nominal", "K", 1e6, {298.15, 298.4}, "tec1.t", 0.06}},
		.reversed = "00",
	},
	{
		.name = "a laser diode's current, down again",
		.request =
			"{" SWEEP "'detectors': ['ipd1'], 'emission': true, 'axes': [{'sources': "
			"[{'source': 'ld1', 'start': 0, 'stop': 50000000000000}], 'points': 6, "
			"'direction': 'reverse'}]}",
		.light = true,
		.dark = FRAME_POINT_GATE_CLOSED, /* the laser's, which is none of its */
		.columns =
			"ld1 nominal[A] ipd1[A] ipd1.flags[] ld1.i[A] ld1.i.flags[] ld1.v[V] ld1.v.flags[] tec1.t[K] tec1.t.flags[] flags[] time[s] point[]",
		.rows = 6,
		.swept = {{"ld1",
			   "ld1 nominal",
			   "A",
			   1e15,
			   {0.05, 0.04, 0.03, 0.02, 0.01, 0},
			   "ld1.i",
			   1e-4}},
		.reversed = "111111",
	},
};

/* ---- what came ---- */

static const struct table_column *column(const struct table *t, const char *name, const char *unit)
{
	const struct table_column *c = table_find(t, name);

	ck_assert_msg(c, "no column \"%s\"", name);
	ck_assert_str_eq(c->unit, unit);
	return c;
}

static char *names_of(const struct table *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < t->column_count; i++)
		fprintf(f, "%s%s[%s]", i > 0 ? " " : "", t->columns[i].name, t->columns[i].unit);
	fclose(f);
	return text;
}

static void assert_setpoints(const struct program *p, const struct table *plan,
			     const struct table *run)
{
	ck_assert_uint_eq(plan->rows, p->rows);
	ck_assert_uint_eq(run->rows, p->rows);
	for (const struct swept *s = p->swept; s < p->swept + SOURCES_MAX && s->source; s++) {
		const struct table_column *planned = table_find(plan, s->source);
		const struct table_column *taken = column(run, s->column, s->unit);

		ck_assert_ptr_nonnull(planned);
		for (size_t i = 0; i < p->rows; i++) {
			ck_assert_double_eq_tol(planned->f64[i] / s->per_unit, s->values[i], 1e-9);
			ck_assert_double_eq_tol(taken->f64[i], s->values[i], 1e-9);
		}
	}
}

static void assert_readback(const struct program *p, const struct table *run)
{
	for (const struct swept *s = p->swept; s < p->swept + SOURCES_MAX && s->source; s++) {
		const struct table_column *read =
			s->readback ? column(run, s->readback, s->unit) : NULL;

		for (size_t i = 0; read && i < p->rows; i++)
			ck_assert_double_eq_tol(read->f64[i], s->values[i], s->within);
	}
}

/* Every point in its turn, settled, with light where it was asked for, on the way that was asked for. */
static void assert_points(const struct program *p, const struct table *run)
{
	const struct table_column *flags = column(run, "flags", "");
	const struct table_column *point = column(run, "point", "");
	const struct table_column *time = column(run, "time", "s");

	for (size_t i = 0; i < p->rows; i++) {
		const uint32_t way = p->reversed[i] == '1' ? FRAME_POINT_REVERSE : 0;

		ck_assert_uint_eq(flags->u32[i], p->dark | way);
		ck_assert_double_eq(point->f64[i], (double)i);
		if (i > 0)
			ck_assert_double_gt(time->f64[i], time->f64[i - 1]);
	}
}

/* The chip lets a sixteenth of a milliwatt through. A laser that is out, or behind its gate, would not show. */
static void assert_light(const struct program *p, const struct table *run)
{
	const struct table_column *through = p->lit ? column(run, p->lit, "W") : NULL;

	for (size_t i = 0; through && i < p->rows; i++) {
		ck_assert_double_gt(through->f64[i], 5e-6);
		ck_assert_double_lt(through->f64[i], 1e-4);
	}
}

static char *property_of(const char *path, const char *interface, const char *name)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	char *text = NULL;

	ck_assert_msg(sd_bus_get_property_string(bus, "org.etalon1", path, interface, name, &e,
						 &text) >= 0,
		      "%s: %s", name, e.message);
	return text;
}

static char *reasons_of(const char *run_path)
{
	_cleanup_(strv_freep) char **reasons = NULL;
	char *text = strdup("");

	sd_bus_get_property_strv(bus, "org.etalon1", run_path, RUN, "Reasons", NULL, &reasons);
	for (char **reason = reasons; reason && *reason; reason++) {
		char *longer = asprintf_or_null("%s\n%s", text, *reason);

		free(text);
		text = longer;
	}
	return text;
}

static void assert_judged(const char *path, const char *interface)
{
	_cleanup_free_ char *verdict = property_of(path, interface, "Verdict");
	_cleanup_free_ char *reasons = streq(interface, RUN) ? reasons_of(path) : strdup("");

	ck_assert_msg(streq(verdict, "measured"), "%s%s", verdict, reasons);
}

static void assert_ledger(int64_t run, uint64_t rows)
{
	ck_assert_uint_eq(run_ledger(bus, run, "produced"), rows);
	ck_assert_uint_eq(run_ledger(bus, run, "received"), rows);
	ck_assert_uint_eq(run_ledger(bus, run, "dropped"), 0);
	ck_assert_uint_eq(run_data(bus, run, NULL), rows);
}

/* Number of the run. What needs no light needs no lease. */
static int64_t measure(const struct program *p)
{
	_cleanup_free_ char *job = NULL, *result = NULL, *path = NULL;
	int64_t run = 0;
	struct holder h;

	if (p->light)
		holder_start(&h, &session, HOLDER_PATIENT_MS, false);
	job = measure_request(bus, board, p->request);
	ck_assert_ptr_nonnull(job);
	result = job_wait(bus, job, &run, 60000);
	ck_assert_msg(result && streq(result, "complete"), "%s", result ? result : "no end");
	path = asprintf_or_null(RUN_PATH "%lld", (long long)run);
	assert_judged(path, RUN);
	assert_judged(job, JOB);
	ck_assert(session_wait_state(bus, board, "off", 5000));
	if (p->light)
		holder_end(&h);
	return run;
}

START_TEST(any_program_is_measured_in_the_order_of_its_plan)
{
	const struct program *p = &programs[_i];
	_cleanup_table_ struct table *plan = plan_setpoints(bus, board, p->request), *run = NULL;
	const int64_t number = measure(p);
	_cleanup_free_ char *names = NULL, *status = run_status(bus, number);

	printf("%s\n", p->name);
	ck_assert_str_eq(status, "complete");
	assert_ledger(number, p->rows);
	run = run_table(bus, number);
	names = names_of(run);
	ck_assert_str_eq(names, p->columns);
	assert_setpoints(p, plan, run);
	assert_readback(p, run);
	assert_points(p, run);
	assert_light(p, run);
}
END_TEST

/* Light is never implied: neither without the lease nor without a word. */
static const char *const unlit[] = {
	"{" SWEEP "'detectors': ['through'], 'emission': true, 'axes': [{'sources': [{'source': "
	"'laser.wavelength', 'start': 1549000000, 'stop': 1551000000}], 'points': 5}]}",
	"{" SWEEP "'detectors': ['ipd1'], 'axes': [{'sources': [{'source': 'ld1', 'start': 0, "
	"'stop': 50000000000000}], 'points': 51}]}",
};

START_TEST(a_program_that_needs_light_is_refused_without_the_lease)
{
	ck_assert_ptr_null(measure_request(bus, board, unlit[_i]));
	ck_assert(session_wait_state(bus, board, "off", 100));
	ck_assert_int_eq(runs_newest(bus), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_sweep");
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 180);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, any_program_is_measured_in_the_order_of_its_plan, 0,
			    (int)ARRAY_SIZE(programs));
	tcase_add_loop_test(tc, a_program_that_needs_light_is_refused_without_the_lease, 0,
			    (int)ARRAY_SIZE(unlit));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
