/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The USB front end over a real socket, with a machine that does what QEMU and a guest do: what its tests
 * share.
 */
#ifndef ETALON_TESTS_USB_FRONT_BENCH_H
#define ETALON_TESTS_USB_FRONT_BENCH_H

#include <linux/usb/ch9.h>

#include "board_bench.h"
#include "board_thread.h"
#include "usb_client.h"

#define FRONT_PATIENCE_NS (20 * NSEC_PER_SEC)

/* ---- a device with a machine ---- */

struct usb_bench {
	struct board_thread *board;
	struct usb_client c;
};

static inline struct usb_bench *usb_bench_open(enum usb_speed speed, bool speed_max)
{
	struct usb_bench *t = calloc(1, sizeof(*t));

	t->board = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = speed, .speed_max = speed_max});
	usb_client_boot(&t->c, t->board->path);
	return t;
}

static inline void usb_bench_close(struct usb_bench *t)
{
	usb_client_close(&t->c);
	board_thread_stop(t->board);
	free(t);
}

static inline uint32_t usb_command(struct usb_client *c, uint32_t value)
{
	return usb_client_put(c, ETALON_REG_COMMAND, value);
}

/* EMITTING at 0 dBm with the gate open, kicked no further. */
static inline void usb_emit(struct usb_client *c, uint32_t watchdog_ms)
{
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;

	for (size_t i = 0; i < ARRAY_SIZE(bench_laser_limits); i++) {
		const uint32_t base = ETALON_REG_SOURCE(bench_laser_limits[i].source);

		ck_assert_uint_eq(usb_client_put64(c, base + ETALON_SOURCE_LIMIT_LOW,
						   bench_laser_limits[i].low),
				  ETALON_HW_RESULT_OK);
		ck_assert_uint_eq(usb_client_put64(c, base + ETALON_SOURCE_LIMIT_HIGH,
						   bench_laser_limits[i].high),
				  ETALON_HW_RESULT_OK);
	}
	usb_client_put(c, ETALON_REG_WATCHDOG_NS, watchdog_ms * (uint32_t)MS);
	ck_assert_uint_eq(usb_command(c, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(usb_command(c, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	while (usb_client_get(c, ETALON_REG_STATE) != ETALON_HW_STATE_EMITTING) {
		usb_client_kick(c);
		ck_assert_uint_lt(now_ns(), until);
	}
}

/* ---- programs ---- */

/* Steps of a heater that need no light, 10 us each, of as many detectors. */
static inline struct etalon_hw_program usb_steps(uint32_t points, uint16_t detectors)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, points), ERB1_H1, 0,
		   (int64_t)(points - 1) * 200000);
	p.period_ns = 20000;
	p.delay_ns = 1000;
	p.aperture_ns = 5000;
	p.detector_count = detectors;
	for (uint16_t i = 0; i < detectors; i++)
		p.detector[i] = (struct etalon_hw_program_detector){.detector = i};
	return p;
}

static inline void usb_load(struct usb_client *c, const struct etalon_hw_program *p)
{
	ck_assert_uint_eq(
		usb_client_upload(c, ETALON_HW_UPLOAD_PROGRAM, 0, p, sizeof(*p), SIZE_MAX),
		ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(usb_command(c, ETALON_HW_COMMAND_LOAD), ETALON_HW_RESULT_OK);
}

static inline void usb_start(struct usb_client *c, const struct etalon_hw_program *p)
{
	usb_load(c, p);
	ck_assert_uint_eq(usb_command(c, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
}

/* ---- records ---- */

struct usb_records {
	uint8_t *bytes;
	size_t size;
};

static inline void usb_records_add(struct usb_records *r, const void *data, size_t size)
{
	if (!size)
		return;
	r->bytes = realloc(r->bytes, r->size + size);
	ck_assert_ptr_nonnull(r->bytes);
	memcpy(r->bytes + r->size, data, size);
	r->size += size;
}

/* The last whole record is an END; all records have one stride. */
static inline bool usb_records_ended(const struct usb_records *r)
{
	const struct etalon_hw_record *head = (const void *)r->bytes;

	if (r->size < sizeof(*head) || r->size % head->size)
		return false;
	head = (const void *)(r->bytes + r->size - head->size);
	return head->magic == ETALON_HW_RECORD_MAGIC && head->type == ETALON_HW_RECORD_END;
}

/* Reads to END, with so many reads of so many bytes in flight. */
static inline void usb_read_to_end(struct usb_client *c, uint32_t length, unsigned int in_flight,
				   struct usb_records *ret)
{
	uint64_t *id = calloc(in_flight, sizeof(*id));

	for (unsigned int i = 0; i < in_flight; i++)
		id[i] = usb_client_read(c, length);
	for (unsigned int i = 0; !usb_records_ended(ret); i = (i + 1) % in_flight) {
		struct usb_client_answer *a = usb_client_answer(c, id[i]);

		ck_assert_uint_eq(a->status, usb_redir_success);
		ck_assert_uint_le(a->size, length);
		usb_records_add(ret, a->data, a->size);
		usb_client_answer_free(a);
		id[i] = usb_client_read(c, length);
	}
	for (unsigned int i = 0; i < in_flight; i++) {
		usb_client_cancel(c, id[i]);
		ck_assert_uint_eq(usb_client_status(c, id[i]), usb_redir_cancelled);
	}
	free(id);
}

/* ---- the log ---- */

/* Why the last machine was dropped. */
static inline const char *usb_drop_reason(const struct board_thread *b)
{
	static char reason[256];
	json_t *lines = board_thread_log(b, "disconnected"), *line;
	size_t i;

	*reason = '\0';
	json_array_foreach(lines, i, line)
		if (streq(json_string_value(json_object_get(line, "connection")), "usbredir"))
			snprintf(reason, sizeof(reason), "%s",
				 json_string_value(json_object_get(line, "reason")));
	json_decref(lines);
	return reason;
}

#endif
