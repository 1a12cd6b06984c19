/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An emulated board on PCIe in the test's own process, its front end on a thread, in a folder of
 * its own with socket, fault socket and log.
 */
#ifndef ETALON_TESTS_PCIE_EMULATOR_H
#define ETALON_TESTS_PCIE_EMULATOR_H

#include <pthread.h>
#include <stdbool.h>

#include "emulator/pci_front.h"

struct pcie_emulator {
	char folder[64], path[96], fault_path[96], log_path[96];
	struct erb1_parameters parameters;
	struct plant *plant;
	struct event_log *log;
	struct pci_front *front;
	struct board *board;
	int stop;
	pthread_t thread;
};

struct pcie_emulator_options {
	bool speed_max, msi, log_registers;
	const char *parameters; /* JSON; NULL: no emission delay */
};

/* Seed 1, a straight waveguide. */
struct pcie_emulator *pcie_emulator_start(const struct pcie_emulator_options *options);
/* Checks that it has cleaned up behind itself. */
void pcie_emulator_stop(struct pcie_emulator *e);
/* A scripted fault over the fault socket; it has happened when this returns. */
void pcie_emulator_fault(const struct pcie_emulator *e, const char *line);

#endif
