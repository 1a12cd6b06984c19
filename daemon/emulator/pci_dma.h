/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client's memory as the device reaches it: ranges of bus addresses, each a mapped descriptor.
 * Layer: emulator front end.
 *
 * A range without a descriptor (the client's ROM) is kept, but nothing of it can be reached.
 */
#ifndef ETALON_EMULATOR_PCI_DMA_H
#define ETALON_EMULATOR_PCI_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_range {
	uint64_t address, size;
	uint8_t *memory; /* of `address`; NULL: no descriptor */
	void *mapping; /* as mmap made it */
	size_t mapping_bytes;
	bool read, write;
};

struct pci_dma {
	struct pci_range *range; /* in the order in which they came */
	size_t count, room;
};

/* `fd` -1: none; it stays the caller's. Later ranges hide earlier ones. A negative errno is for the log alone. */
int pci_dma_map(struct pci_dma *d, uint64_t address, uint64_t size, uint32_t flags, int fd,
		uint64_t offset);
/* Every range that touches [address, address + size): half a range is what no host asks for. */
void pci_dma_unmap(struct pci_dma *d, uint64_t address, uint64_t size);
void pci_dma_clear(struct pci_dma *d);
/* `size` bytes from a bus address on; NULL: not in one range, or not for this use. */
void *pci_dma_find(const struct pci_dma *d, uint64_t address, size_t size, bool write);

#endif
