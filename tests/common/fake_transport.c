// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scripted registers and records. See fake_transport.h. The records are made in
 * fake_transport_run().
 */
#include "fake_transport.h"

#include <errno.h>
#include <time.h>

#include "base/util.h"
#include "measure/plan_count.h"

static struct fake_transport *fake_of(struct transport *t)
{
	return (struct fake_transport *)t;
}

/* ---- records ---- */

void fake_transport_push(struct fake_transport *f, const void *bytes, size_t size)
{
	pthread_mutex_lock(&f->mutex);
	if (f->queue_size + size > f->queue_room) {
		f->queue_room = 2 * (f->queue_size + size);
		f->queue = realloc(f->queue, f->queue_room);
		if (!f->queue)
			abort();
	}
	memcpy(f->queue + f->queue_size, bytes, size);
	f->queue_size += size;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->mutex);
}

static void head(const struct fake_transport *f, void *record, uint16_t type, uint32_t stride,
		 uint64_t sequence)
{
	*(struct etalon_hw_record *)record = (struct etalon_hw_record){
		.magic = ETALON_HW_RECORD_MAGIC,
		.type = type,
		.size = (uint16_t)stride,
		.generation = f->program.generation,
		.sequence = sequence,
	};
}

void fake_point(const struct etalon_hw_program *p, uint32_t stride, uint64_t number,
		uint64_t sequence, void *record)
{
	struct etalon_hw_record_point *point = record;

	memset(record, 0, stride);
	point->head = (struct etalon_hw_record){
		.magic = ETALON_HW_RECORD_MAGIC,
		.type = ETALON_HW_RECORD_POINT,
		.size = (uint16_t)stride,
		.generation = p->generation,
		.sequence = sequence,
	};
	point->number = number;
	point->tick = 1000 + number * p->period_ns / 10;
	point->aperture_ticks = (uint32_t)(p->aperture_ns / 10);
	point->conversions = (uint32_t)(p->aperture_ns / 1000);
	for (uint32_t a = 0; a < p->axis_count; a++)
		point->index[a] = program_axis_index(p, a, number);
	for (uint32_t i = 0; i < p->detector_count; i++) {
		point->sample[i].mean_q8 = (int32_t)(number * 7 + i);
		point->sample[i].range = p->detector[i].range;
	}
}

static bool faulty(const struct fake_transport *f, enum fake_fault fault, uint64_t number)
{
	return f->fault == fault && number == f->fault_at &&
	       (f->fault_in_program == 0 || f->fault_in_program == f->starts);
}

static bool fault_now(const struct fake_transport *f, enum fake_fault fault)
{
	return faulty(f, fault, f->fault_at);
}

static void push_start(struct fake_transport *f, uint32_t stride, uint64_t points)
{
	_Alignas(8) unsigned char record[512] = {0};
	struct etalon_hw_record_start *start = (void *)record;

	head(f, record, ETALON_HW_RECORD_START, stride, f->sequence++);
	start->program_crc =
		crc32c(0, &f->program, sizeof(f->program)) + (fault_now(f, FAULT_ECHO) ? 1 : 0);
	start->run_key = f->program.run_key;
	start->tick = 900;
	start->points = points;
	start->detector_count = f->program.detector_count;
	start->tick_ps = 10000;
	fake_transport_push(f, record, stride);
}

static void push_end(struct fake_transport *f, uint32_t stride, uint64_t produced, uint64_t dropped,
		     uint32_t cause)
{
	_Alignas(8) unsigned char record[512] = {0};
	struct etalon_hw_record_end *end = (void *)record;

	head(f, record, ETALON_HW_RECORD_END, stride, f->sequence++);
	end->produced = produced + (fault_now(f, FAULT_END_PRODUCED) ? 1 : 0);
	end->dropped = dropped + (fault_now(f, FAULT_END_DROPPED) ? 1 : 0);
	end->cause = fault_now(f, FAULT_END_CAUSE) ? (uint32_t)ETALON_HW_END_TRIPPED : cause;
	end->causes = fault_now(f, FAULT_END_CAUSE) ? ETALON_HW_CAUSE_INTERLOCK : 0;
	end->tick = 1000 + produced * f->program.period_ns / 10;
	end->crc = f->crc + (fault_now(f, FAULT_END_CRC) ? 1 : 0);
	fake_transport_push(f, record, stride);
	f->ended = true;
}

static void push_gap(struct fake_transport *f, uint32_t stride, uint64_t first)
{
	_Alignas(8) unsigned char record[512] = {0};
	struct etalon_hw_record_gap *gap = (void *)record;

	head(f, record, ETALON_HW_RECORD_GAP, stride, f->sequence++);
	gap->first = first;
	gap->count = gap->points = 1;
	fake_transport_push(f, record, stride);
}

static void push_status(struct fake_transport *f, uint32_t stride, uint64_t tick)
{
	_Alignas(8) unsigned char record[512] = {0};
	struct etalon_hw_record_status *status = (void *)record;

	head(f, record, ETALON_HW_RECORD_STATUS, stride, f->sequence++);
	status->tick = tick;
	fake_transport_push(f, record, stride);
}

static void count_crc(struct fake_transport *f, const unsigned char *record, uint32_t stride)
{
	f->crc = crc32c(f->crc, record + sizeof(struct etalon_hw_record),
			stride - sizeof(struct etalon_hw_record));
}

/* One point with what befalls it; false: nothing comes after it. */
static bool push_point(struct fake_transport *f, uint32_t stride, uint64_t number,
		       uint64_t *dropped)
{
	_Alignas(8) unsigned char record[512];
	uint64_t sequence = f->sequence++;

	fake_point(&f->program, stride, number, sequence, record);
	if (faulty(f, FAULT_ADMITTED_GAP, number)) {
		push_gap(f, stride, sequence);
		++*dropped;
		return true;
	}
	count_crc(f, record, stride);
	if (faulty(f, FAULT_SKIP, number))
		return true;
	if (faulty(f, FAULT_CORRUPT, number))
		record[stride - 20] ^= 4;
	if (faulty(f, FAULT_MAGIC, number))
		record[1] ^= 4;
	fake_transport_push(f, record, stride);
	if (faulty(f, FAULT_DUPLICATE, number))
		fake_transport_push(f, record, stride);
	return !faulty(f, FAULT_HANG, number) && !faulty(f, FAULT_UNPLUG, number);
}

/* The last two records change places. */
static void swap_last(struct fake_transport *f, uint32_t stride)
{
	unsigned char last[512], *end = f->queue + f->queue_size;

	memcpy(last, end - stride, stride);
	memcpy(end - stride, end - 2 * stride, stride);
	memcpy(end - 2 * stride, last, stride);
}

static void fake_transport_run(struct fake_transport *f)
{
	uint64_t points = program_points(&f->program), dropped = 0;
	uint32_t stride = (uint32_t)record_stride(f->program.detector_count);

	f->crc = 0;
	f->ended = false;
	push_start(f, stride, points);
	for (uint64_t i = 0; i < points; i++) {
		if (faulty(f, FAULT_EARLY_END, i)) {
			points = i;
			break;
		}
		if (!push_point(f, stride, i, &dropped)) {
			f->gone = fault_now(f, FAULT_UNPLUG);
			return;
		}
		if (faulty(f, FAULT_SWAP, i))
			swap_last(f, stride);
	}
	for (uint64_t i = 0; fault_now(f, FAULT_ENDLESS) && i < 2000; i++)
		push_status(f, stride, 1000 + i * NSEC_PER_SEC);
	if (!fault_now(f, FAULT_NO_END) && !fault_now(f, FAULT_ENDLESS))
		push_end(f, stride, points, dropped, ETALON_HW_END_DONE);
}

/* STOP: what was not handed out yet is never made. */
static void fake_transport_stop(struct fake_transport *f)
{
	uint32_t stride = (uint32_t)record_stride(f->program.detector_count);
	uint64_t left;

	f->stops++;
	if (!f->running || f->fault == FAULT_HANG)
		return;
	pthread_mutex_lock(&f->mutex);
	left = f->queue_at % stride ? stride - f->queue_at % stride : 0;
	if (f->queue_at + left > f->queue_size) /* all is out, END as well */
		left = f->queue_size - f->queue_at;
	f->ended = f->ended && f->queue_at == f->queue_size;
	f->queue_size = f->queue_at + left;
	pthread_mutex_unlock(&f->mutex);
	if (f->ended || f->queue_size == 0)
		return;
	/* queue[0..] is this program's: START, points */
	f->sequence = 0;
	f->crc = 0;
	f->produced = 0;
	for (size_t at = 0; at < f->queue_size; at += stride) {
		const struct etalon_hw_record *r = (const void *)(f->queue + at);

		f->sequence = r->sequence + 1;
		if (r->type != ETALON_HW_RECORD_POINT)
			continue;
		f->produced++;
		count_crc(f, f->queue + at, stride);
	}
	push_end(f, stride, f->produced, 0, ETALON_HW_END_STOPPED);
}

static ssize_t fake_bulk_in(struct transport *t, void *data, size_t room, int timeout_ms)
{
	struct fake_transport *f = fake_of(t);
	struct timespec until;
	ssize_t n = 0;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&f->mutex);
	while (f->queue_at == f->queue_size && !f->gone && !f->cancelled && r == 0)
		r = timeout_ms > 0 ? pthread_cond_timedwait(&f->changed, &f->mutex, &until)
				   : ETIMEDOUT;
	if (f->queue_at < f->queue_size) {
		n = (ssize_t)MIN(room, f->queue_size - f->queue_at);
		if (f->chunk_bytes > 0)
			n = (ssize_t)MIN((size_t)n, f->chunk_bytes);
		memcpy(data, f->queue + f->queue_at, (size_t)n);
		f->queue_at += (size_t)n;
	} else if (f->gone) {
		n = -ENODEV;
	} else if (f->cancelled) {
		f->cancelled = false;
		n = -ECANCELED;
	} else {
		n = -EAGAIN;
	}
	pthread_mutex_unlock(&f->mutex);
	return n;
}

static void fake_bulk_in_cancel(struct transport *t)
{
	struct fake_transport *f = fake_of(t);

	pthread_mutex_lock(&f->mutex);
	f->cancelled = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->mutex);
}

/* ---- registers ---- */

static void put(struct fake_transport *f, uint32_t address, const void *value, size_t size)
{
	memcpy(f->registers + address, value, size);
}

static void put32(struct fake_transport *f, uint32_t address, uint32_t value)
{
	put(f, address, &value, sizeof(value));
}

static void put64(struct fake_transport *f, uint32_t address, uint64_t value)
{
	put(f, address, &value, sizeof(value));
}

static void answer(struct fake_transport *f, uint32_t result, uint32_t detail, int64_t low,
		   int64_t high)
{
	put32(f, ETALON_REG_RESULT, result);
	put32(f, ETALON_REG_RESULT_DETAIL, detail);
	put64(f, ETALON_REG_RESULT_LOW, (uint64_t)low);
	put64(f, ETALON_REG_RESULT_HIGH, (uint64_t)high);
}

static void load(struct fake_transport *f)
{
	uint32_t crc = crc32c(0, &f->program, sizeof(f->program));

	put32(f, ETALON_REG_SEQUENCER, ETALON_HW_SEQUENCER_READY);
	put32(f, ETALON_REG_PROGRAM_CRC, f->wrong_crc ? ~crc : crc);
	put64(f, ETALON_REG_PROGRAM_DURATION_NS,
	      program_points(&f->program) * f->program.period_ns);
	put64(f, ETALON_REG_PROGRAM_POINTS, program_points(&f->program));
	put32(f, ETALON_REG_RECORD_STRIDE, (uint32_t)record_stride(f->program.detector_count));
	put64(f, ETALON_REG_PRODUCED, f->sequence);
}

static void command(struct fake_transport *f, uint32_t command)
{
	switch (command) {
	case ETALON_HW_COMMAND_LOAD:
		load(f);
		break;
	case ETALON_HW_COMMAND_START:
		f->starts++;
		f->running = true;
		pthread_mutex_lock(&f->mutex);
		memmove(f->queue, f->queue + f->queue_at, f->queue_size - f->queue_at);
		f->queue_size -= f->queue_at;
		f->queue_at = 0;
		pthread_mutex_unlock(&f->mutex);
		if (!f->hold)
			fake_transport_run(f);
		break;
	case ETALON_HW_COMMAND_STOP:
		fake_transport_stop(f);
		break;
	case ETALON_HW_COMMAND_ARM:
		put32(f, ETALON_REG_STATE, ETALON_HW_STATE_ARMED);
		break;
	case ETALON_HW_COMMAND_EMIT:
		put32(f, ETALON_REG_STATE, ETALON_HW_STATE_EMITTING);
		break;
	case ETALON_HW_COMMAND_OFF:
	case ETALON_HW_COMMAND_HALT:
	case ETALON_HW_COMMAND_CLEAR:
		put32(f, ETALON_REG_STATE, ETALON_HW_STATE_OFF);
		break;
	}
}

static void note(struct fake_transport *f, bool write, uint32_t address, size_t size)
{
	if (f->accesses < FAKE_LOG)
		f->log[f->accesses] = (struct fake_access){write, address, (uint32_t)size};
	f->accesses++;
}

static int broken(struct fake_transport *f)
{
	if (f->gone && f->fault != FAULT_UNPLUG)
		return -ENODEV;
	if (f->control_error && f->accesses > f->control_error_after)
		return f->control_error;
	return 0;
}

static int fake_control_in(struct transport *t, uint8_t request, uint32_t address, void *data,
			   size_t size)
{
	struct fake_transport *f = fake_of(t);

	note(f, false, address, size);
	if (broken(f))
		return broken(f);
	if (request == ETALON_HW_USB_REQUEST_IDENTITY)
		memcpy(data, &f->identity, MIN(size, sizeof(f->identity)));
	else if (size % 4 || size > ETALON_HW_USB_TRANSFER_MAX || address + size > ETALON_REG_SPACE)
		return -EPROTO; /* stall */
	else
		memcpy(data, f->registers + address, size);
	return 0;
}

static int fake_control_out(struct transport *t, uint8_t request, uint32_t address,
			    const void *data, size_t size)
{
	struct fake_transport *f = fake_of(t);
	uint32_t first;

	note(f, true, address, size);
	if (broken(f))
		return broken(f);
	if (request != ETALON_HW_USB_REQUEST_REGISTERS || size % 4 ||
	    address + size > ETALON_REG_SPACE)
		return -EPROTO;
	memcpy(&first, data, sizeof(first));
	if (address == ETALON_REG_KICK) {
		f->kicks += first == ETALON_HW_KICK;
		return 0;
	}
	if (f->refuse_result && address == f->refuse_address) {
		answer(f, f->refuse_result, f->refuse_detail, f->refuse_low, f->refuse_high);
		return 0;
	}
	answer(f, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (address == ETALON_REG_COMMAND)
		command(f, first);
	else
		put(f, address, data, size);
	return 0;
}

static int fake_bulk_out(struct transport *t, const struct etalon_hw_upload *header,
			 const void *payload)
{
	struct fake_transport *f = fake_of(t);

	f->uploads++;
	if (broken(f))
		return broken(f);
	if (header->magic != ETALON_HW_UPLOAD_MAGIC ||
	    header->crc != crc32c(0, payload, header->size)) {
		answer(f, ETALON_HW_REFUSED_UPLOAD, 0, 0, 0);
		return 0;
	}
	answer(f, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (header->kind == ETALON_HW_UPLOAD_PROGRAM) {
		memcpy(&f->program, payload, MIN((size_t)header->size, sizeof(f->program)));
		return 0;
	}
	free(f->list[header->list]);
	f->list[header->list] = malloc(header->size);
	if (!f->list[header->list])
		abort();
	memcpy(f->list[header->list], payload, header->size);
	f->list_points[header->list] = header->size / 8;
	return 0;
}

static int fake_claim(struct transport *t, char **ret_message)
{
	(void)t;
	(void)ret_message;
	return 0;
}

static int fake_event_fd(struct transport *t)
{
	(void)t;
	return -ENOTSUP;
}

static int fake_event(struct transport *t, struct etalon_hw_usb_event *ret)
{
	(void)ret;
	return fake_of(t)->gone ? -ENODEV : -EAGAIN;
}

static void fake_close(struct transport *t)
{
	struct fake_transport *f = fake_of(t);

	if (f->closed)
		*f->closed = true;
	for (size_t i = 0; i < ARRAY_SIZE(f->list); i++)
		free(f->list[i]);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->mutex);
	free(f->registers);
	free(f->queue);
	free(f);
}

static const struct transport_ops fake_ops = {
	.name = "fake",
	.control_in = fake_control_in,
	.control_out = fake_control_out,
	.bulk_out = fake_bulk_out,
	.claim = fake_claim,
	.bulk_in = fake_bulk_in,
	.bulk_in_cancel = fake_bulk_in_cancel,
	.event_fd = fake_event_fd,
	.event = fake_event,
	.close = fake_close,
};

struct fake_transport *fake_transport_new(const struct description *d)
{
	struct fake_transport *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->transport.ops = &fake_ops;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->registers = calloc(1, ETALON_REG_SPACE);
	f->queue_room = 4096;
	f->queue = malloc(f->queue_room);
	if (!f->registers || !f->queue)
		abort();
	put32(f, ETALON_REG_MAGIC, ETALON_HW_MAGIC);
	put32(f, ETALON_REG_VERSION, ETALON_HW_VERSION);
	put32(f, ETALON_REG_DESCRIPTION_SIZE, (uint32_t)d->raw_size);
	put(f, ETALON_REG_DESCRIPTION, d->raw, d->raw_size);
	f->identity.magic = ETALON_HW_MAGIC;
	f->identity.version = ETALON_HW_VERSION;
	memcpy(f->identity.serial, d->head.serial, sizeof(f->identity.serial));
	return f;
}

void fake_transport_go(struct fake_transport *f)
{
	f->hold = false;
	fake_transport_run(f);
}

void fake_transport_unplug(struct fake_transport *f)
{
	pthread_mutex_lock(&f->mutex);
	f->gone = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->mutex);
}
