/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The PCIe front end over a real socket, with a client that does what QEMU does and the least of a driver:
 * what its tests share.
 */
#ifndef ETALON_TESTS_PCIE_FRONT_BENCH_H
#define ETALON_TESTS_PCIE_FRONT_BENCH_H

#include "board_bench.h"
#include "pcie_driver.h"
#include "vfio_client.h"

#define FRONT_PATIENCE_NS (20 * NSEC_PER_SEC)

/* ---- the log ---- */

/* A member of line `n` of them. */
static inline json_int_t front_log_number(const json_t *lines, size_t n, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(lines, n), key));
}

/* ---- a driver ---- */

/* Reads to END, woken by the vector of records. */
static inline void front_finish(struct pcie_driver *d, uint32_t stride)
{
	const struct etalon_hw_record *last = NULL;

	while (!last || last->type != ETALON_HW_RECORD_END) {
		client_await(&d->c, 0);
		pcie_driver_kick(d);
		pcie_driver_take(d, stride);
		if (d->bytes)
			last = (const void *)(d->records + d->bytes - stride);
	}
}

static inline const struct etalon_hw_record *front_record(const struct pcie_driver *d,
							  uint32_t stride, size_t n)
{
	return (const void *)(d->records + n * stride);
}

/* EMITTING, kicked no further. */
static inline void front_emit(struct pcie_driver *d, uint32_t watchdog_ms)
{
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;

	for (size_t i = 0; i < ARRAY_SIZE(bench_laser_limits); i++) {
		const uint32_t base = ETALON_REG_SOURCE(bench_laser_limits[i].source);

		client_put64(&d->c, base + ETALON_SOURCE_LIMIT_LOW,
			     (uint64_t)bench_laser_limits[i].low);
		client_put64(&d->c, base + ETALON_SOURCE_LIMIT_HIGH,
			     (uint64_t)bench_laser_limits[i].high);
	}
	client_put(&d->c, ETALON_REG_WATCHDOG_NS, watchdog_ms * (uint32_t)MS);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	while (client_get(&d->c, ETALON_REG_STATE) != ETALON_HW_STATE_EMITTING) {
		pcie_driver_kick(d);
		ck_assert_uint_lt(now_ns(), until);
	}
}

/* Steps of a heater. */
static inline struct etalon_hw_program front_steps(uint32_t points)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, points), ERB1_H1, 0,
		   (int64_t)(points - 1) * 200000);
	return p;
}

#endif
