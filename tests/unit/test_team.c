// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Threads that share a loop: every turn is taken once, the error is that of the first turn that
 * failed, and an analysis has the same result with helpers and without.
 */
#include <errno.h>
#include <pthread.h>

#include "analyse/team.h"
#include "analyse_check.h"
#include "analyse_synth.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define TURNS 200
#define ROUNDS 50

struct count {
	_Atomic unsigned int taken[TURNS];
	size_t fails_from;
};

static int count_turn(void *userdata, size_t i)
{
	struct count *c = userdata;

	c->taken[i]++;
	return i >= c->fails_from ? -(int)i : 0;
}

static const unsigned int helpers[] = {0, 1, 3, 100};

START_TEST(every_turn_is_taken_once)
{
	_cleanup_(team_freep) struct team *team = NULL;

	ck_assert_int_eq(team_new(helpers[_i], &team), 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct count c = {.fails_from = TURNS};

		ck_assert_int_eq(team_run(team, TURNS, count_turn, &c), 0);
		for (size_t i = 0; i < TURNS; i++)
			ck_assert_uint_eq(c.taken[i], 1);
	}
	ck_assert_int_eq(team_run(team, 0, count_turn, NULL), 0);
}
END_TEST

START_TEST(the_error_is_that_of_the_first_that_failed)
{
	_cleanup_(team_freep) struct team *team = NULL;
	struct count c = {.fails_from = 17};

	ck_assert_int_eq(team_new(helpers[_i], &team), 0);
	ck_assert_int_eq(team_run(team, TURNS, count_turn, &c), -17);
	ck_assert_int_eq(team_run(NULL, TURNS, count_turn, &c), -17);
	for (size_t i = 0; i < TURNS; i++)
		ck_assert_uint_eq(c.taken[i], 2);
}
END_TEST

static int meet(void *userdata, _unused_ size_t i)
{
	pthread_barrier_wait(userdata);
	return 0;
}

/* Would wait for ever were the turns taken one after the other. */
START_TEST(turns_are_taken_at_the_same_time)
{
	_cleanup_(team_freep) struct team *team = NULL;
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 4);
	ck_assert_int_eq(team_new(3, &team), 0);
	ck_assert_int_eq(team_run(team, 4, meet, &barrier), 0);
	pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(helpers_do_not_change_a_result)
{
	_cleanup_(team_freep) struct team *team = NULL;
	struct synth s = synth_demo;
	_cleanup_table_ struct table *t = NULL;
	json_t *alone = NULL, *together = NULL;
	struct analyse_options options = {};

	s.start_nm = 1545;
	t = synth_table(&s);
	ck_assert_int_eq(analyse_resonances(t, "through", &options, &alone, NULL), 0);
	ck_assert_int_eq(team_new(3, &team), 0);
	options.team = team;
	ck_assert_int_eq(analyse_resonances(t, "through", &options, &together, NULL), 0);
	ck_assert_uint_ge(json_array_size(resonances_of(alone)), 5);
	ck_assert(json_equal(alone, together));
	json_decref(alone);
	json_decref(together);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("team");
	TCase *tc = tcase_create("team");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_turn_is_taken_once, 0, (int)ARRAY_SIZE(helpers));
	tcase_add_loop_test(tc, the_error_is_that_of_the_first_that_failed, 0,
			    (int)ARRAY_SIZE(helpers));
	tcase_add_test(tc, turns_are_taken_at_the_same_time);
	tcase_add_test(tc, helpers_do_not_change_a_result);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
