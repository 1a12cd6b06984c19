/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a guest's driver does, over a vfio-user client: a ring, uploads by DMA, records taken
 * from memory.
 */
#ifndef ETALON_TESTS_PCIE_DRIVER_H
#define ETALON_TESTS_PCIE_DRIVER_H

#include "hw.h"
#include "board_thread.h"
#include "vfio_client.h"

struct pcie_driver {
	struct vfio_client c;
	uint32_t pages; /* of the ring */
	uint64_t consumer;
	uint8_t *records; /* since the last start */
	size_t bytes;
};

/* Boots a machine with so many pages of ring and interrupt vectors, all events enabled. */
struct pcie_driver *pcie_driver_bind(const struct board_thread *e, uint32_t pages,
				     uint32_t vectors);
/* With its machine. */
void pcie_driver_unbind(struct pcie_driver *d);

void pcie_driver_set_ring(struct pcie_driver *d, uint32_t pages);
struct etalon_hw_control *pcie_driver_control(struct pcie_driver *d);
void pcie_driver_kick(struct pcie_driver *d);
/* UPLOAD by DMA, LOAD, START: all accepted. */
void pcie_driver_load(struct pcie_driver *d, const struct etalon_hw_program *p);
void pcie_driver_start(struct pcie_driver *d, const struct etalon_hw_program *p);
/* Everything up to the producer, of one stride. */
void pcie_driver_take(struct pcie_driver *d, uint32_t stride);

#endif
