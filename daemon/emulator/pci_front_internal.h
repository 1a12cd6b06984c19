/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the PCIe front end, shared by the files that make it up and by nobody else.
 */
#ifndef ETALON_EMULATOR_PCI_FRONT_INTERNAL_H
#define ETALON_EMULATOR_PCI_FRONT_INTERNAL_H

#include "emulator/fault_socket.h"
#include "emulator/listener.h"
#include "emulator/pci_config.h"
#include "emulator/pci_dma.h"
#include "emulator/pci_front.h"
#include "emulator/pci_irq.h"
#include "emulator/vfio_user.h"

struct pci_front {
	struct listener listener;
	struct fault_socket faults;
	bool msi, log_registers;
	struct board *board;
	struct host_bus host;
	struct vfio_user_client client;
	bool greeted; /* versions were exchanged: the link is up */
	struct pci_config config;
	struct pci_dma dma;
	struct pci_irqs irqs, error_irq; /* nothing ever raises the latter */
	uint64_t reads, writes, kicks; /* accesses to registers since power-on */
	uint32_t sequencer; /* its state when the counts were last logged */
};

/* ---- pci_commands.c ---- */
/* Does what the message asks and answers it. */
void pci_command(struct pci_front *f, const struct vfio_user_message *m);

/* ---- pci_regions.c ---- */
uint64_t pci_region_size(const struct pci_front *f, uint32_t region); /* 0: absent */
/* The caller has made sure that the access lies inside the region. */
void pci_region_read(struct pci_front *f, uint32_t region, uint64_t offset, uint8_t *data,
		     uint32_t count);
void pci_region_write(struct pci_front *f, uint32_t region, uint64_t offset, const uint8_t *data,
		      uint32_t count);
void pci_log_accesses(struct pci_front *f);

/* ---- pci_front.c ---- */
/* Function-level reset, or one by the client; the function is in D0 then. */
void pci_front_reset(struct pci_front *f);

#endif
