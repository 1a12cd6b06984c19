/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A board on a bench, for the tests of the emulator: virtual time, registers by name, programs
 * from a few words, all records of a run in one place.
 */
#ifndef ETALON_TESTS_BOARD_BENCH_H
#define ETALON_TESTS_BOARD_BENCH_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "emulator/board.h"
#include "run_suite.h"

#define MS NSEC_PER_MSEC
#define BENCH_RECORDS_BYTES (64U << 20)

struct bench_options {
	const char *device, *parameters, *disabled;
	const struct host_bus *host; /* the board is on PCIe */
	uint64_t seed;
	bool speed_max, link_down, log;
};

struct bench {
	struct erb1_parameters parameters;
	struct plant *plant;
	struct event_log *log;
	struct board *b;
	uint64_t now;
	bool kicks; /* while time passes */
	bool reads; /* takes records away while time passes */
	uint8_t *records;
	size_t bytes;
	struct etalon_hw_usb_event event; /* the last one */
	unsigned int events;
	char folder[64], path[96];
};

static inline void bench_on_event(void *userdata, const struct etalon_hw_usb_event *event)
{
	struct bench *t = userdata;

	t->event = *event;
	t->events++;
}

static inline void bench_open_log(struct bench *t)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t->folder, sizeof(t->folder), "%s/etalon-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/log", t->folder);
	ck_assert_int_eq(event_log_open(t->path, &t->log, NULL), 0);
}

static inline struct bench *bench_open(const struct bench_options *o)
{
	struct bench *t = calloc(1, sizeof(*t));
	json_t *parameters = json_loads(o->parameters ? o->parameters : "{}", 0, NULL);
	struct plant_config plant = {
		.seed = o->seed,
		.device = o->device,
		.parameters = parameters,
		.disabled_effects = o->disabled,
	};
	struct board_config config = {
		.serial = "BENCH-1",
		.seed = o->seed,
		.disabled_effects = o->disabled,
		.speed_max = o->speed_max,
		.host = o->host,
		.event = bench_on_event,
		.userdata = t,
	};
	char *message = NULL;

	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_nonnull(parameters);
	t->records = malloc(BENCH_RECORDS_BYTES);
	ck_assert_ptr_nonnull(t->records);
	t->reads = true;
	t->now = 5 * NSEC_PER_SEC;
	if (o->log)
		bench_open_log(t);
	config.log = t->log;
	config.parameters = &t->parameters;
	if (erb1_parameters_take(parameters, true, &t->parameters, &message) < 0 ||
	    plant_new(&plant, &t->plant, &message) < 0 ||
	    board_new(&config, t->plant, t->now, &t->b, &message) < 0)
		ck_abort_msg("no board: %s", message ? message : "?");
	json_decref(parameters);
	if (!o->link_down)
		board_link_up(t->b);
	return t;
}

static inline struct bench *bench_default(void)
{
	return bench_open(&(struct bench_options){.seed = 1});
}

static inline void bench_close(struct bench *t)
{
	board_free(t->b);
	plant_free(t->plant);
	event_log_close(t->log);
	if (*t->path) {
		unlink(t->path);
		rmdir(t->folder);
	}
	free(t->records);
	free(t);
}

/* ---- registers ---- */

static inline uint32_t rd(struct bench *t, uint32_t address)
{
	return board_read(t->b, address);
}

static inline uint64_t rd64(struct bench *t, uint32_t address)
{
	const uint64_t low = rd(t, address);

	return low | (uint64_t)rd(t, address + 4) << 32;
}

static inline void wr(struct bench *t, uint32_t address, uint32_t value)
{
	board_write(t->b, address, value);
}

static inline void wr64(struct bench *t, uint32_t address, int64_t value)
{
	wr(t, address, (uint32_t)(uint64_t)value);
	wr(t, address + 4, (uint32_t)((uint64_t)value >> 32));
}

static inline uint32_t command(struct bench *t, uint32_t value)
{
	wr(t, ETALON_REG_COMMAND, value);
	return rd(t, ETALON_REG_RESULT);
}

static inline uint32_t set_source(struct bench *t, unsigned int source, int64_t value)
{
	wr64(t, ETALON_REG_SOURCE(source) + ETALON_SOURCE_SETPOINT, value);
	return rd(t, ETALON_REG_RESULT);
}

static inline const struct etalon_hw_source *bench_source(const struct bench *t, unsigned int n)
{
	const struct etalon_hw_description *d = board_description(t->b);

	return (const struct etalon_hw_source *)((const uint8_t *)d + d->source_offset) + n;
}

static inline const struct etalon_hw_detector *bench_detector(const struct bench *t, unsigned int n)
{
	const struct etalon_hw_description *d = board_description(t->b);

	return (const struct etalon_hw_detector *)((const uint8_t *)d + d->detector_offset) + n;
}

static inline const struct etalon_hw_range *bench_range(const struct bench *t, unsigned int n)
{
	const struct etalon_hw_description *d = board_description(t->b);

	return (const struct etalon_hw_range *)((const uint8_t *)d + d->range_offset) + n;
}

/* ---- time ---- */

static inline void bench_take_records(struct bench *t)
{
	const void *records;
	size_t bytes;

	while (t->reads && (records = board_records_peek(t->b, 65536, &bytes))) {
		ck_assert_uint_le(t->bytes + bytes, BENCH_RECORDS_BYTES);
		memcpy(t->records + t->bytes, records, bytes);
		t->bytes += bytes;
		board_records_consume(t->b, bytes);
	}
}

static inline void bench_pass(struct bench *t, uint64_t ns)
{
	const uint64_t until = t->now + ns;
	const uint64_t kick_every = 20 * MS;

	for (;;) {
		uint64_t next = MIN(until, board_next_deadline(t->b));

		if (t->kicks)
			next = MIN(next, t->now + kick_every);
		t->now = MAX(t->now, next);
		board_catch_up(t->b, t->now);
		if (t->kicks)
			wr(t, ETALON_REG_KICK, ETALON_HW_KICK);
		board_advance(t->b, t->now);
		bench_take_records(t);
		if (t->now >= until && board_next_deadline(t->b) > t->now)
			return;
	}
}

/* ---- light ---- */

static inline void bench_write_limits(struct bench *t)
{
	for (unsigned int n = 0; n < board_description(t->b)->source_count; n++) {
		const struct etalon_hw_source *s = bench_source(t, n);

		if (!s->emits)
			continue;
		wr64(t, ETALON_REG_SOURCE(n) + ETALON_SOURCE_LIMIT_LOW, s->min);
		wr64(t, ETALON_REG_SOURCE(n) + ETALON_SOURCE_LIMIT_HIGH, s->max);
		ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
	}
}

/* What a driver limits before light: the laser has its span, the other sources that emit stay at zero. */
static const struct {
	unsigned int source;
	int64_t low, high;
} bench_laser_limits[] = {
	{ERB1_LASER_WAVELENGTH, 1480000000, 1640000000},
	{ERB1_LASER_POWER, 100000000000, 10000000000000},
	{ERB1_LD1, 0, 0},
	{ERB1_CUR1, 0, 0},
	{ERB1_CUR1 + 1, 0, 0},
	{ERB1_CUR1 + 2, 0, 0},
	{ERB1_CUR1 + 3, 0, 0},
};

static inline void bench_arm(struct bench *t, uint32_t watchdog_ms)
{
	bench_write_limits(t);
	wr(t, ETALON_REG_WATCHDOG_NS, watchdog_ms * (uint32_t)MS);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
}

/* EMITTING at 0 dBm, kicked while time passes. */
static inline void bench_emit(struct bench *t)
{
	bench_arm(t, 250);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	t->kicks = true;
	bench_pass(t, board_description(t->b)->emission_delay_ns + MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_EMITTING);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_POWER, 1000000000000), ETALON_HW_RESULT_OK);
}

/* ---- programs ---- */

/* One detector (pd1 on 100 uA), 100 us period, 10 us delay, 40 us aperture, no axis yet. */
static inline struct etalon_hw_program bench_program(void)
{
	return (struct etalon_hw_program){
		.magic = ETALON_HW_PROGRAM_MAGIC,
		.size = sizeof(struct etalon_hw_program),
		.generation = 1,
		.run_key = 77,
		.detector_count = 1,
		.detector[0] = {.detector = ERB1_PD1, .range = 1},
		.period_ns = 100000,
		.delay_ns = 10000,
		.aperture_ns = 40000,
	};
}

static inline struct etalon_hw_axis *bench_axis(struct etalon_hw_program *p, uint8_t mode,
						uint8_t direction, uint32_t points)
{
	struct etalon_hw_axis *a = &p->axis[p->axis_count++];

	a->shape = ETALON_HW_AXIS_LINEAR;
	a->mode = mode;
	a->direction = direction;
	a->points = points;
	return a;
}

static inline void bench_gang(struct etalon_hw_axis *a, uint16_t source, int64_t start,
			      int64_t stop)
{
	a->gang[a->gang_count++] =
		(struct etalon_hw_gang){.source = source, .start = start, .stop = stop};
}

static inline uint32_t bench_upload(struct bench *t, uint16_t kind, uint16_t list, const void *data,
				    uint32_t size)
{
	struct etalon_hw_upload *u = malloc(sizeof(*u) + size);

	*u = (struct etalon_hw_upload){ETALON_HW_UPLOAD_MAGIC, kind, list, size,
				       crc32c(0, data, size)};
	memcpy(u + 1, data, size);
	board_upload(t->b, u, sizeof(*u) + size);
	free(u);
	return rd(t, ETALON_REG_RESULT);
}

static inline uint32_t bench_load(struct bench *t, const struct etalon_hw_program *p)
{
	ck_assert_uint_eq(bench_upload(t, ETALON_HW_UPLOAD_PROGRAM, 0, p, sizeof(*p)),
			  ETALON_HW_RESULT_OK);
	return command(t, ETALON_HW_COMMAND_LOAD);
}

/* Loads, starts and lets time pass until END; the records are t->records. */
static inline void bench_run(struct bench *t, const struct etalon_hw_program *p)
{
	uint32_t r = bench_load(t, p);

	ck_assert_msg(r == ETALON_HW_RESULT_OK, "LOAD: result %u detail %u", r,
		      rd(t, ETALON_REG_RESULT_DETAIL));
	t->bytes = 0;
	r = command(t, ETALON_HW_COMMAND_START);
	ck_assert_msg(r == ETALON_HW_RESULT_OK, "START: result %u", r);
	for (int i = 0; i < 100000 && rd(t, ETALON_REG_SEQUENCER) != ETALON_HW_SEQUENCER_ENDED; i++)
		bench_pass(t, 10 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	bench_take_records(t);
}

/* ---- records ---- */

static inline const struct etalon_hw_record *bench_record(const struct bench *t, size_t n)
{
	size_t at = 0;

	while (at < t->bytes) {
		const struct etalon_hw_record *r = (const void *)(t->records + at);

		if (!n--)
			return r;
		at += r->size;
	}
	return NULL;
}

/* The n-th record of a type, NULL when there are not so many. */
static inline const void *bench_record_of(const struct bench *t, uint16_t type, size_t n)
{
	for (size_t at = 0; at < t->bytes;) {
		const struct etalon_hw_record *r = (const void *)(t->records + at);

		if (r->type == type && !n--)
			return r;
		at += r->size;
	}
	return NULL;
}

static inline size_t bench_count(const struct bench *t, uint16_t type)
{
	size_t count = 0;

	for (size_t at = 0; at < t->bytes;) {
		const struct etalon_hw_record *r = (const void *)(t->records + at);

		count += r->type == type;
		at += r->size;
	}
	return count;
}

static inline const struct etalon_hw_record_start *bench_start(const struct bench *t)
{
	const void *r = bench_record_of(t, ETALON_HW_RECORD_START, 0);

	ck_assert_ptr_nonnull(r);
	return r;
}

static inline const struct etalon_hw_record_end *bench_end(const struct bench *t)
{
	const void *r = bench_record_of(t, ETALON_HW_RECORD_END, 0);

	ck_assert_ptr_nonnull(r);
	return r;
}

static inline const struct etalon_hw_record_point *bench_point(const struct bench *t, size_t n)
{
	const void *r = bench_record_of(t, ETALON_HW_RECORD_POINT, n);

	ck_assert_ptr_nonnull(r);
	return r;
}

/* A fault now. */
static inline void bench_fault(struct bench *t, const char *json)
{
	json_t *fault = json_loads(json, 0, NULL);
	char *message = NULL;

	ck_assert_ptr_nonnull(fault);
	if (board_fault(t->b, fault, &message) < 0)
		ck_abort_msg("%s", message);
	json_decref(fault);
}

/* ---- the log ---- */

/* First line after `*at` (0: from the start) with this event; moves *at behind it. NULL: none. */
static inline json_t *bench_log_next(const struct bench *t, const char *event, long *at)
{
	FILE *f = fopen(t->path, "re");
	json_t *line = NULL;
	char text[1200];

	ck_assert_ptr_nonnull(f);
	fseek(f, *at, SEEK_SET);
	while (!line && fgets(text, sizeof(text), f)) {
		line = json_loads(text, 0, NULL);
		ck_assert_msg(line, "not JSON: %s", text);
		if (!streq(json_string_value(json_object_get(line, "event")), event)) {
			json_decref(line);
			line = NULL;
		}
	}
	*at = ftell(f);
	fclose(f);
	return line;
}

/* Time of that line, 0 when there is none. */
static inline uint64_t bench_log_time(const struct bench *t, const char *event, long *at)
{
	json_t *line = bench_log_next(t, event, at);
	const uint64_t time =
		line ? (uint64_t)json_integer_value(json_object_get(line, "t_ns")) : 0;

	json_decref(line);
	return time;
}

#endif
