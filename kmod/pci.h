/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside etalon_pci.ko: one board on PCIe. Section 6 of hw.h.
 */
#ifndef ETALON_PCI_H
#define ETALON_PCI_H

#include <linux/pci.h>

#include "etalon.h"

#define ETALON_PCI_VECTORS_MAX 3 /* records, state, auxiliary lines */

struct etalon_pci;

struct etalon_pci_vector {
	struct etalon_pci *link;
	u32 events; /* ETALON_HW_EVENT_* that come by it */
};

struct etalon_pci {
	struct pci_dev *pdev;
	struct etalon_board *board;
	void __iomem *registers; /* BAR 0 */

	/* memory that the board reads or writes */
	struct etalon_hw_control *control;
	dma_addr_t control_address;
	dma_addr_t *ring_address; /* of each page of the ring, where the board cannot write */
	u64 *ring_table; /* the same, for the board */
	dma_addr_t ring_table_address;
	unsigned long mapped; /* pages of the ring */

	struct etalon_pci_vector vector[ETALON_PCI_VECTORS_MAX];
	int vector_count;
	u32 messages; /* control->events as last seen */
};

/* pci_memory.c */
int etalon_pci_map_ring(struct etalon_pci *link);
void etalon_pci_unmap_ring(struct etalon_pci *link);
void etalon_pci_sync(struct etalon_board *board, const struct etalon_ring_span *span);
void etalon_pci_give(struct etalon_board *board, const struct etalon_ring_span *span);
int etalon_pci_upload(struct etalon_board *board, const struct etalon_hw_upload *upload,
		      struct etalon_refusal *refusal);

#endif
