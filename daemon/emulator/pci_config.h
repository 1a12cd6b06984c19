/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board's PCI Express configuration space: identity, capabilities, and what a write to it
 * asks of the device. Layer: emulator front end; knows no protocol and no board.
 */
#ifndef ETALON_EMULATOR_PCI_CONFIG_H
#define ETALON_EMULATOR_PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES 4096
#define PCI_MSIX_BAR 2
#define PCI_MSIX_BAR_BYTES 4096
#define PCI_MSIX_VECTORS 3 /* one for each event */
#define PCI_MSI_VECTORS 4 /* the next power of two */

struct pci_config {
	uint8_t value[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES]; /* bits that a write changes */
	bool msi;
};

/* What a write asks for, besides being kept. */
#define PCI_ASKS_RESET (1U << 0) /* function-level reset */
#define PCI_ASKS_SLEEP (1U << 1) /* D0 -> D3hot */
#define PCI_ASKS_WAKE (1U << 2) /* D3hot -> D0, which resets the function */

/* As after power-on; `msi`: MSI, else MSI-X. */
void pci_config_reset(struct pci_config *c, bool msi);
/* False: not inside the space. */
bool pci_config_read(const struct pci_config *c, uint64_t offset, void *data, size_t size);
bool pci_config_write(struct pci_config *c, uint64_t offset, const void *data, size_t size,
		      uint32_t *ret_asks);

bool pci_config_asleep(const struct pci_config *c);
bool pci_config_memory(const struct pci_config *c); /* BARs answer */
bool pci_config_master(const struct pci_config *c); /* DMA and messages may go out */

#endif
