/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A board on PCIe on a bench: host memory in an array, a ring of scattered pages, a host that
 * consumes as it likes and counts interrupt messages. Virtual time, no sockets.
 */
#ifndef ETALON_TESTS_PCIE_BENCH_H
#define ETALON_TESTS_PCIE_BENCH_H

#include "board_bench.h"
#include "emulator/records.h"

#define HOST_BASE 0x1200000000ULL /* beyond 32 bits */
#define HOST_BYTES (8U << 20)
#define HOST_PAGE 4096U
#define AT_TABLE (HOST_BASE + 0x0000)
#define AT_CONTROL (HOST_BASE + 0x8000)
#define AT_UPLOAD_TABLE (HOST_BASE + 0x9000)
#define AT_RING (HOST_BASE + 0x100000)
#define AT_UPLOAD (HOST_BASE + 0x500000)

struct pcie_host {
	struct host_bus bus;
	struct bench *t;
	uint8_t *memory;
	bool master;
	uint64_t hole; /* bus address of a page that is not mapped; 0: none */
	unsigned int messages[3];
	uint64_t message_ns[3]; /* of the last one */
	uint64_t least_gap_ns; /* between two of number 0 */
	uint32_t pages; /* of the ring */
	bool consumes; /* takes records out of the ring while time passes */
	uint64_t consumer;
};

static inline void *pcie_at(const struct pcie_host *h, uint64_t address)
{
	return h->memory + (address - HOST_BASE);
}

static inline void *pcie_memory(void *userdata, uint64_t address, size_t size, bool write)
{
	const struct pcie_host *h = userdata;

	(void)write;
	if (address < HOST_BASE || size > HOST_BYTES || address - HOST_BASE > HOST_BYTES - size)
		return NULL;
	if (h->hole && address < h->hole + HOST_PAGE && address + size > h->hole)
		return NULL;
	return pcie_at(h, address);
}

static inline bool pcie_master(void *userdata)
{
	return ((const struct pcie_host *)userdata)->master;
}

static inline void pcie_interrupt(void *userdata, uint32_t messages)
{
	struct pcie_host *h = userdata;

	for (unsigned int i = 0; i < ARRAY_SIZE(h->messages); i++) {
		if (!(messages >> i & 1))
			continue;
		if (!i && h->messages[0])
			h->least_gap_ns = MIN(h->least_gap_ns, h->t->now - h->message_ns[0]);
		h->messages[i]++;
		h->message_ns[i] = h->t->now;
	}
}

static inline struct etalon_hw_control *pcie_control(const struct pcie_host *h)
{
	return pcie_at(h, AT_CONTROL);
}

static inline uint64_t pcie_ring_page(const struct pcie_host *h, uint32_t i)
{
	return AT_RING +
	       (uint64_t)(i * 7 % h->pages) * HOST_PAGE; /* scattered: pages is no multiple of 7 */
}

static inline void pcie_set_ring(struct pcie_host *h, uint32_t pages)
{
	struct bench *t = h->t;
	uint64_t *table = pcie_at(h, AT_TABLE);

	h->pages = pages;
	for (uint32_t i = 0; i < pages; i++)
		table[i] = pcie_ring_page(h, i);
	memset(pcie_control(h), 0, sizeof(struct etalon_hw_control));
	wr64(t, ETALON_REG_RING_TABLE, AT_TABLE);
	wr(t, ETALON_REG_RING_PAGES, pages);
	wr(t, ETALON_REG_RING_PAGE_SHIFT, 12);
	wr64(t, ETALON_REG_CONTROL_BLOCK, AT_CONTROL);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
	h->consumer = rd64(t, ETALON_REG_PRODUCED);
}

static inline struct pcie_host *pcie_open(const struct bench_options *o, uint32_t pages)
{
	struct pcie_host *h = calloc(1, sizeof(*h));
	struct bench_options options = *o;

	h->bus = (struct host_bus){pcie_memory, pcie_master, pcie_interrupt, h};
	h->memory = aligned_alloc(HOST_PAGE, HOST_BYTES);
	memset(h->memory, 0xa5, HOST_BYTES);
	h->master = h->consumes = true;
	h->least_gap_ns = UINT64_MAX;
	options.host = &h->bus;
	h->t = bench_open(&options);
	h->t->reads = false; /* what comes, comes through the ring */
	pcie_set_ring(h, pages);
	return h;
}

static inline void pcie_close(struct pcie_host *h)
{
	bench_close(h->t);
	free(h->memory);
	free(h);
}

/* Copies `size` bytes at byte `at` of the ring. */
static inline void pcie_copy(const struct pcie_host *h, uint64_t at, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++, at++)
		to[i] = *((uint8_t *)pcie_at(h, pcie_ring_page(h, (uint32_t)(at / HOST_PAGE))) +
			  at % HOST_PAGE);
}

/* What a host does with the ring: every place up to the producer, lost ones left out. */
static inline void pcie_take(struct pcie_host *h, uint32_t stride)
{
	struct etalon_hw_control *control = pcie_control(h);
	const uint64_t places = (uint64_t)h->pages * HOST_PAGE / stride;
	const uint64_t producer = __atomic_load_n(&control->producer, __ATOMIC_ACQUIRE);
	struct bench *t = h->t;

	if (producer > h->consumer + places)
		h->consumer = producer - places;
	for (; h->consumer < producer; h->consumer++) {
		struct etalon_hw_record *r = (void *)(t->records + t->bytes);

		ck_assert_uint_le(t->bytes + stride, BENCH_RECORDS_BYTES);
		pcie_copy(h, h->consumer % places * stride, t->records + t->bytes, stride);
		if (r->magic == ETALON_HW_RECORD_MAGIC && r->sequence == h->consumer)
			t->bytes += stride; /* whatever size it says */
	}
	__atomic_store_n(&control->consumer, h->consumer, __ATOMIC_RELEASE);
}

static inline void pcie_pass(struct pcie_host *h, uint64_t ns)
{
	const uint64_t until = h->t->now + ns;

	while (h->t->now < until) {
		bench_pass(h->t, MIN(until - h->t->now, MS / 4));
		if (h->consumes)
			pcie_take(h, rd(h->t, ETALON_REG_RECORD_STRIDE));
	}
}

static inline uint32_t pcie_upload(struct pcie_host *h, uint16_t kind, uint16_t list,
				   const void *data, uint32_t size)
{
	const struct etalon_hw_upload head = {ETALON_HW_UPLOAD_MAGIC, kind, list, size,
					      crc32c(0, data, size)};
	uint64_t *table = pcie_at(h, AT_UPLOAD_TABLE);
	uint8_t *whole = malloc(sizeof(head) + size);
	const uint32_t total = (uint32_t)sizeof(head) + size;
	const uint32_t pages = (total + HOST_PAGE - 1) / HOST_PAGE;

	memcpy(whole, &head, sizeof(head));
	memcpy(whole + sizeof(head), data, size);
	for (uint32_t i = 0; i < pages; i++) { /* last page first */
		table[i] = AT_UPLOAD + (uint64_t)(pages - 1 - i) * HOST_PAGE;
		memcpy(pcie_at(h, table[i]), whole + i * HOST_PAGE,
		       MIN(HOST_PAGE, total - i * HOST_PAGE));
	}
	free(whole);
	wr64(h->t, ETALON_REG_UPLOAD_TABLE, AT_UPLOAD_TABLE);
	wr(h->t, ETALON_REG_UPLOAD_SIZE, total);
	return command(h->t, ETALON_HW_COMMAND_UPLOAD);
}

/* A program of single steps, nothing else in it. */
static inline struct etalon_hw_program pcie_steps(uint32_t points)
{
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, points);
	return p;
}

static inline void pcie_start(struct pcie_host *h, const struct etalon_hw_program *p)
{
	ck_assert_uint_eq(pcie_upload(h, ETALON_HW_UPLOAD_PROGRAM, 0, p, sizeof(*p)),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_LOAD), ETALON_HW_RESULT_OK);
	h->t->bytes = 0;
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
}

/* Until END is in the ring and out of it. */
static inline void pcie_run(struct pcie_host *h, const struct etalon_hw_program *p)
{
	pcie_start(h, p);
	for (int i = 0; i < 100000 && !bench_count(h->t, ETALON_HW_RECORD_END); i++)
		pcie_pass(h, MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_END), 1);
}

#endif
