// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The least of a driver. See pcie_driver.h.
 */
#include "pcie_driver.h"

#include <stdlib.h>

#include "base/util.h"
#include <check.h> /* last: it defines a macro fail() */

#define PAGE 4096U
#define RECORDS_BYTES (64U << 20)
#define AT_TABLE (CLIENT_BASE + 0x1000)
#define AT_CONTROL (CLIENT_BASE + 0x3000)
#define AT_UPLOAD_TABLE (CLIENT_BASE + 0x4000)
#define AT_UPLOAD (CLIENT_BASE + 0x10000)
#define AT_RING_END (CLIENT_BASE + CLIENT_BYTES / 2 + 8 * PAGE) /* across the two maps */

struct etalon_hw_control *pcie_driver_control(struct pcie_driver *d)
{
	return client_at(&d->c, AT_CONTROL);
}

void pcie_driver_set_ring(struct pcie_driver *d, uint32_t pages)
{
	uint64_t *table = client_at(&d->c, AT_TABLE);

	d->pages = pages;
	for (uint32_t i = 0; i < pages; i++)
		table[i] = AT_RING_END - (uint64_t)(i + 1) * PAGE;
	memset(pcie_driver_control(d), 0, sizeof(*pcie_driver_control(d)));
	client_put64(&d->c, ETALON_REG_RING_TABLE, AT_TABLE);
	client_put(&d->c, ETALON_REG_RING_PAGES, pages);
	client_put(&d->c, ETALON_REG_RING_PAGE_SHIFT, 12);
	client_put64(&d->c, ETALON_REG_CONTROL_BLOCK, AT_CONTROL);
	client_put(&d->c, ETALON_REG_INTERRUPT_ENABLE, 7);
	d->consumer = client_get64(&d->c, ETALON_REG_PRODUCED);
}

struct pcie_driver *pcie_driver_bind(const struct board_thread *e, uint32_t pages, uint32_t vectors)
{
	struct pcie_driver *d = calloc(1, sizeof(*d));

	d->records = malloc(RECORDS_BYTES);
	client_boot(&d->c, e->path);
	client_enable_irqs(&d->c, vectors);
	pcie_driver_set_ring(d, pages);
	return d;
}

void pcie_driver_unbind(struct pcie_driver *d)
{
	vfio_client_close(&d->c);
	free(d->records);
	free(d);
}

void pcie_driver_kick(struct pcie_driver *d)
{
	client_put(&d->c, ETALON_REG_KICK, ETALON_HW_KICK);
}

void pcie_driver_load(struct pcie_driver *d, const struct etalon_hw_program *p)
{
	const struct etalon_hw_upload head = {ETALON_HW_UPLOAD_MAGIC, ETALON_HW_UPLOAD_PROGRAM, 0,
					      sizeof(*p), crc32c(0, p, sizeof(*p))};
	uint64_t *table = client_at(&d->c, AT_UPLOAD_TABLE);
	uint8_t *to = client_at(&d->c, AT_UPLOAD);

	table[0] = AT_UPLOAD;
	table[1] = AT_UPLOAD + PAGE;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), p, sizeof(*p));
	client_put64(&d->c, ETALON_REG_UPLOAD_TABLE, AT_UPLOAD_TABLE);
	client_put(&d->c, ETALON_REG_UPLOAD_SIZE, sizeof(head) + sizeof(*p));
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_UPLOAD), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_LOAD), ETALON_HW_RESULT_OK);
}

void pcie_driver_start(struct pcie_driver *d, const struct etalon_hw_program *p)
{
	pcie_driver_load(d, p);
	d->bytes = 0;
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
}

void pcie_driver_take(struct pcie_driver *d, uint32_t stride)
{
	const uint64_t places = (uint64_t)d->pages * PAGE / stride;
	const uint64_t *table = client_at(&d->c, AT_TABLE);
	const uint64_t producer =
		__atomic_load_n(&pcie_driver_control(d)->producer, __ATOMIC_ACQUIRE);

	ck_assert_uint_le(producer - d->consumer, places);
	for (; d->consumer < producer; d->consumer++)
		for (uint32_t i = 0; i < stride; i++) {
			const uint64_t at = d->consumer % places * stride + i;

			d->records[d->bytes++] =
				((uint8_t *)client_at(&d->c, table[at / PAGE]))[at % PAGE];
		}
	__atomic_store_n(&pcie_driver_control(d)->consumer, d->consumer, __ATOMIC_RELEASE);
}
