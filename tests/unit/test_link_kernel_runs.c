// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Whole runs through a kernel's ring: a longer one costs no more accesses, the records are those of the socket,
 * and none is given back before it is committed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../common/kernel_bench.h"
#include "../common/keeping_sink.h"
#include "../common/link_steps.h"
#include "base/util.h"
#include "measure/acquire.h"
#include "uapi/etalon.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct emulated_kernel bench;

static void setup(void)
{
	emulated_kernel_start(&bench, 16 << 20);
}

static void teardown(void)
{
	emulated_kernel_stop(&bench);
}

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
	link_light(l);
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
		before = fake_kernel_costly(bench.kernel);
		run(bench.board, points[i]);
		ck_assert_uint_eq(keep.segment[1].ledger.received, points[i]);
		cost[i] = fake_kernel_costly(bench.kernel) - before;
		forget();
	}
	ck_assert_uint_eq(cost[0], cost[1]);
	ck_assert_uint_eq(fake_kernel_count(bench.kernel, ETALON_IOC_CLOCK), 1); /* at open */
	ck_assert_uint_eq(fake_kernel_count(bench.kernel, ETALON_IOC_GET_SOURCE), 0);
	ck_assert_uint_eq(fake_kernel_count(bench.kernel, ETALON_IOC_LIVE), 0);
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
	struct session_options options = {.speed_max = true, .emission_delay_ms = 5};
	struct keeping_sink mapped[2], sent[2];
	struct session other;
	struct link *straight;

	session_start_board(&other, &options);
	straight = link_to_board(&other);
	run_both(bench.board, mapped);
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
	ck_assert_uint_le(fake_kernel_consumer(bench.kernel) * s->loaded.stride, store.committed);
	store.committed = store.handed;
	store.handed = all;
}

static void run_with_store(size_t ring_bytes)
{
	emulated_kernel_restart(&bench, ring_bytes);
	keeping_sink_init(&keep);
	keep.sink.committed = on_committed;
	keep.each_block = hand;
	memset(&store, 0, sizeof(store));
	run(bench.board, 20001);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert(ledger_complete(&keep.segment[i].ledger));
	ck_assert_uint_eq(fake_kernel_consumer(bench.kernel), fake_kernel_producer(bench.kernel));
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

int main(void)
{
	Suite *suite = suite_create("link kernel runs");
	TCase *tcase = tcase_create("runs");

	if (!session_has_program("etalon-emulator")) {
		printf("SKIP link kernel runs: etalon-emulator is not built beside this test\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_longer_sweep_costs_no_more_accesses);
	tcase_add_test(tcase, the_same_seed_gives_the_same_records_through_kernel_and_socket);
	tcase_add_test(tcase, records_are_released_when_they_are_committed_and_not_before);
	tcase_add_test(tcase, a_ring_that_is_full_waits_for_the_commit_and_loses_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
