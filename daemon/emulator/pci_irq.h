/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interrupt vectors: event descriptors that the client assigns and the device raises. Layer:
 * emulator front end.
 */
#ifndef ETALON_EMULATOR_PCI_IRQ_H
#define ETALON_EMULATOR_PCI_IRQ_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/pci_config.h"
#include "emulator/vfio_user.h"

struct pci_irqs {
	uint32_t count; /* vectors there are */
	int fd[PCI_MSI_VECTORS]; /* -1: not assigned */
};

void pci_irqs_open(struct pci_irqs *irqs, uint32_t count);
void pci_irqs_close(struct pci_irqs *irqs);
/* One SET_IRQS; descriptors come with the client's message, flags bytes as `bools`. -errno: refused. */
int pci_irqs_set(struct pci_irqs *irqs, const struct vfio_irq_set *set, const uint8_t *bools,
		 size_t bool_count, struct vfio_user_client *client);
/* Bit n: message number n. With fewer vectors than messages the last one serves the rest. */
void pci_irqs_raise(const struct pci_irqs *irqs, uint32_t messages);

#endif
