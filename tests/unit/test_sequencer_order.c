// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The order in which a program's points are executed: golden index sequences for every
 * direction, nested axes, legs, and what END_AXIS skips.
 */
#include <check.h>
#include <stdlib.h>

#include "board_bench.h"
#include "emulator/walk.h"
#include "run_suite.h"

#define F ETALON_HW_FORWARD
#define R ETALON_HW_REVERSE
#define S ETALON_HW_SERPENTINE
#define U ETALON_HW_UP_DOWN
#define STEP ETALON_HW_MODE_STEP
#define RAMP ETALON_HW_MODE_RAMP
#define WAIT ETALON_HW_MODE_WAIT

struct golden {
	uint8_t mode; /* of the innermost axis */
	struct {
		uint8_t direction;
		uint32_t points;
	} axis[3];
	const char *
		order; /* indexes, outermost first; "/" ends a leg; "-" marks reverse on the innermost axis */
};

static const struct golden goldens[] = {
	{STEP, {{F, 4}}, "0 1 2 3 /"},
	{STEP, {{R, 4}}, "-3 -2 -1 -0 /"},
	{STEP, {{S, 4}}, "0 1 2 3 /"},
	{STEP, {{U, 3}}, "0 1 2 -2 -1 -0 /"},
	{RAMP, {{F, 3}}, "0 1 2 /"},
	{RAMP, {{R, 3}}, "-2 -1 -0 /"},
	{RAMP, {{U, 3}}, "0 1 2 / -2 -1 -0 /"},
	{WAIT, {{F, 3}}, "0 / 1 / 2 /"},
	{WAIT, {{U, 2}}, "0 / 1 / -1 / -0 /"},
	{STEP, {{F, 2}, {F, 3}}, "00 01 02 / 10 11 12 /"},
	{STEP, {{R, 2}, {F, 3}}, "10 11 12 / 00 01 02 /"},
	{STEP, {{F, 3}, {S, 2}}, "00 01 / -11 -10 / 20 21 /"},
	{RAMP, {{F, 3}, {S, 2}}, "00 01 / -11 -10 / 20 21 /"},
	{STEP, {{F, 2}, {U, 2}}, "00 01 -01 -00 / 10 11 -11 -10 /"},
	{RAMP, {{F, 2}, {U, 2}}, "00 01 / -01 -00 / 10 11 / -11 -10 /"},
	{STEP, {{U, 2}, {F, 2}}, "00 01 / 10 11 / 10 11 / 00 01 /"},
	{STEP, {{U, 2}, {S, 2}}, "00 01 / -11 -10 / 10 11 / -01 -00 /"},
	{STEP, {{F, 2}, {S, 2}, {F, 2}}, "000 001 / 010 011 / 110 111 / 100 101 /"},
	{STEP, {{F, 2}, {S, 2}, {S, 2}}, "000 001 / -011 -010 / 110 111 / -101 -100 /"},
	{STEP, {{F, 2}, {R, 2}, {R, 2}}, "-011 -010 / -001 -000 / -111 -110 / -101 -100 /"},
	{STEP, {{F, 1}, {F, 1}, {F, 1}}, "000 /"},
};

static void make_program(const struct golden *g, struct program *p)
{
	*p = (struct program){0};
	while (p->image.axis_count < 3 && g->axis[p->image.axis_count].points) {
		struct etalon_hw_axis *a = &p->image.axis[p->image.axis_count];

		a->points = g->axis[p->image.axis_count].points;
		a->direction = g->axis[p->image.axis_count].direction;
		a->mode = STEP;
		p->image.axis_count++;
	}
	p->image.axis[p->image.axis_count - 1].mode = g->mode;
}

static void append_leg(const struct program *p, const struct walk *w, char *out)
{
	for (uint64_t k = 0; k < w->leg_points; k++) {
		char digits[8] = "";
		bool reverse = false;

		for (unsigned int a = 0; a < p->image.axis_count; a++)
			snprintf(digits + a, sizeof(digits) - a, "%u",
				 walk_index(w, a, k, &reverse));
		sprintf(out + strlen(out), "%s%s ", reverse ? "-" : "", digits);
	}
	strcat(out, "/ ");
}

START_TEST(points_follow_the_golden_order)
{
	char order[512] = "";
	struct program p;
	struct walk w;

	make_program(&goldens[_i], &p);
	walk_begin(&w, &p);
	while (walk_next_leg(&w))
		append_leg(&p, &w, order);
	order[strlen(order) - 1] = '\0';
	ck_assert_str_eq(order, goldens[_i].order);
}
END_TEST

static const struct {
	struct golden golden;
	uint64_t after; /* the pass is ended after this leg, from 0 */
} skips[] = {
	{{STEP, {{F, 2}, {F, 3}}, "00 01 02 / 10 11 12 /"}, 0}, /* a STEP leg is a whole pass */
	{{RAMP, {{F, 2}, {U, 2}}, "00 01 / 10 11 / -11 -10 /"}, 0}, /* no way back */
	{{WAIT, {{F, 2}, {F, 3}}, "00 / 01 / 10 / 11 / 12 /"}, 1},
	{{WAIT, {{F, 1}, {F, 3}}, "00 /"}, 0},
};

START_TEST(ending_a_pass_goes_on_with_the_next)
{
	char order[512] = "";
	struct program p;
	struct walk w;
	uint64_t leg = 0;

	make_program(&skips[_i].golden, &p);
	walk_begin(&w, &p);
	while (walk_next_leg(&w)) {
		append_leg(&p, &w, order);
		if (leg++ == skips[_i].after)
			walk_end_pass(&w);
	}
	order[strlen(order) - 1] = '\0';
	ck_assert_str_eq(order, skips[_i].golden.order);
}
END_TEST

/* Axes of the record test: repeat, heater, wavelength. */
START_TEST(records_carry_the_order_of_execution)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	uint64_t n = 0;
	struct walk w;
	struct program program = {0};

	bench_axis(&p, STEP, F, 2);
	bench_gang(bench_axis(&p, STEP, S, 3), ERB1_H1, 0, 2000000000);
	bench_gang(bench_axis(&p, RAMP, _i ? U : S, 4), ERB1_LASER_WAVELENGTH, 1550000000,
		   1550030000);
	p.period_ns = 500000;
	bench_run(t, &p);
	ck_assert_uint_eq(rd64(t, ETALON_REG_PROGRAM_POINTS), _i ? 48 : 24);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), _i ? 48 : 24);
	program.image = p;
	walk_begin(&w, &program);
	while (walk_next_leg(&w))
		for (uint64_t k = 0; k < w.leg_points; k++, n++) {
			const struct etalon_hw_record_point *r = bench_point(t, n);
			bool reverse = false;

			ck_assert_uint_eq(r->number, n);
			for (unsigned int a = 0; a < 3; a++)
				ck_assert_uint_eq(r->index[a], walk_index(&w, a, k, &reverse));
			ck_assert_int_eq(!!(r->flags & ETALON_HW_POINT_REVERSE), reverse);
		}
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sequencer order");
	TCase *c = tcase_create("order");

	tcase_add_loop_test(c, points_follow_the_golden_order, 0, ARRAY_SIZE(goldens));
	tcase_add_loop_test(c, ending_a_pass_goes_on_with_the_next, 0, ARRAY_SIZE(skips));
	tcase_add_loop_test(c, records_carry_the_order_of_execution, 0, 2);
	suite_add_tcase(s, c);
	return run_suite(s);
}
