/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Front end of the board model: a PCI Express device for a virtual machine, served over the
 * vfio-user protocol. Layer: emulator, above the board model.
 *
 * No BAR can be mapped by the client, so every register access is seen, and counted in the log. Losing
 * the client is losing the machine: light goes off, and the next one finds the device as after power-on.
 */
#ifndef ETALON_EMULATOR_PCI_FRONT_H
#define ETALON_EMULATOR_PCI_FRONT_H

#include "emulator/board.h"

struct pci_front;

struct pci_front_config {
	const char *path;
	const char *fault_path; /* or NULL */
	bool msi; /* MSI, else MSI-X */
	bool log_registers; /* each access a line in the log */
};

int pci_front_new(const struct pci_front_config *config, struct pci_front **ret,
		  char **ret_message);
struct pci_front *pci_front_free(struct pci_front *front);
DEFINE_CLEANUP(struct pci_front *, pci_front_free, pci_front_freep);

/* For the board's configuration. */
const struct host_bus *pci_front_host(const struct pci_front *front);
void pci_front_event(void *userdata, const struct etalon_hw_usb_event *event);

/* Serves `board` until stop_fd is readable. The light is off when it returns. */
int pci_front_run(struct pci_front *front, struct board *board, int stop_fd);

#endif
