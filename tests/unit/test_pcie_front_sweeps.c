// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A measurement through the ring of the PCIe front end: the same counts as from the board itself, and no more
 * register accesses for a longer one.
 */
#include "emulator/records.h"
#include "pcie_front_bench.h"

/* What the same board gives over its FIFO, without any front end. */
static struct bench *reference(const struct etalon_hw_program *p)
{
	struct bench *t = bench_open(
		&(struct bench_options){.seed = 1, .device = "straight", .speed_max = true});

	bench_run(t, p);
	return t;
}

static uint64_t start_tick(const struct etalon_hw_record *start)
{
	return ((const struct etalon_hw_record_start *)start)->tick;
}

static void same_point(const struct pcie_driver *d, const struct bench *t, size_t n,
		       uint32_t stride, uint64_t ticks_apart)
{
	uint8_t bytes[RECORD_STRIDE_MAX];
	struct etalon_hw_record_point *got = (void *)bytes;
	const struct etalon_hw_record_point *wanted = bench_point(t, n);

	memcpy(bytes, front_record(d, stride, n + 1), stride);
	got->tick -= ticks_apart; /* the two boards were switched on at different times */
	got->head.sequence = wanted->head.sequence;
	ck_assert_mem_eq(got, wanted, stride);
}

static const struct {
	bool speed_max, msi;
	uint32_t points, pages, vectors;
} sweeps[] = {
	{true, false, 3000, 16, 3},
	{true, true, 3000, 2, 1}, /* wraps, and one vector for everything */
	{false, false, 900, 16, 2}, /* below 100 ms: no STATUS record in between */
};

START_TEST(the_same_seed_gives_the_same_counts_over_pcie)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE,
								  .speed_max = sweeps[_i].speed_max,
								  .msi = sweeps[_i].msi});
	struct pcie_driver *d = pcie_driver_bind(e, sweeps[_i].pages, sweeps[_i].vectors);
	struct etalon_hw_program p = front_steps(sweeps[_i].points);
	struct bench *t;
	uint32_t stride;

	p.period_ns = 10000; /* 3000 points in 30 ms */
	p.delay_ns = 1000;
	p.aperture_ns = 5000;
	if (!sweeps[_i].speed_max)
		p.period_ns = 100000;
	p.detector_count = 4;
	for (uint16_t i = 0; i < 4; i++)
		p.detector[i] = (struct etalon_hw_program_detector){.detector = i};
	t = reference(&p);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), sweeps[_i].points);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_STATUS), 0);
	pcie_driver_start(d, &p);
	stride = client_get(&d->c, ETALON_REG_RECORD_STRIDE);
	front_finish(d, stride);
	ck_assert_uint_eq(d->bytes, t->bytes);
	ck_assert_uint_eq(front_record(d, stride, 0)->type, ETALON_HW_RECORD_START);
	for (size_t n = 0; n < sweeps[_i].points; n++)
		same_point(d, t, n, stride,
			   start_tick(front_record(d, stride, 0)) - bench_start(t)->tick);
	bench_close(t);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

static json_int_t member(const json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

/* Register accesses but kicks when the marker was written to SCRATCH. */
static json_int_t accesses_at(const struct board_thread *e, uint32_t marker)
{
	json_int_t accesses = -1;
	bool marked = false;
	FILE *f = fopen(e->log_path, "re");
	char text[1200];

	ck_assert_ptr_nonnull(f);
	while (accesses < 0 && fgets(text, sizeof(text), f)) {
		json_t *line = json_loads(text, 0, NULL);
		const char *event = json_string_value(json_object_get(line, "event"));

		if (streq(event, "write") && member(line, "address") == ETALON_REG_SCRATCH)
			marked = member(line, "value") == marker;
		if (streq(event, "accesses") && marked)
			accesses = member(line, "reads") + member(line, "writes");
		json_decref(line);
	}
	fclose(f);
	ck_assert_int_ge(accesses, 0);
	return accesses;
}

/* The rule of the driver: a sweep costs no register access besides its start, whatever its length. */
START_TEST(accesses_are_counted_and_markers_are_in_the_log)
{
	struct board_thread *e = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_PCIE, .speed_max = true, .log_registers = _i});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const uint32_t points[] = {100, 10000};
	json_t *accesses, *each;

	for (uint32_t n = 0; n < 2; n++) {
		const struct etalon_hw_program p = front_steps(points[n]);

		client_put(&d->c, ETALON_REG_SCRATCH, 2 * n + 1);
		pcie_driver_start(d, &p);
		front_finish(d, 128);
		client_put(&d->c, ETALON_REG_SCRATCH, 2 * n + 2);
	}
	/* Upload 2 + 1, three commands with their results, the second marker. */
	ck_assert_int_eq(accesses_at(e, 2) - accesses_at(e, 1), 10);
	ck_assert_int_eq(accesses_at(e, 4) - accesses_at(e, 3), 10);
	accesses = board_thread_log(e, "accesses");
	ck_assert_int_gt(front_log_number(accesses, json_array_size(accesses) - 1, "kicks"), 0);
	json_decref(accesses);
	each = board_thread_log(e, "register-read");
	ck_assert_int_eq(json_array_size(each) > 0, _i);
	json_decref(each);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front sweeps");
	TCase *tcase = tcase_create("sweeps");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, the_same_seed_gives_the_same_counts_over_pcie, 0,
			    ARRAY_SIZE(sweeps));
	tcase_add_loop_test(tcase, accesses_are_counted_and_markers_are_in_the_log, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
