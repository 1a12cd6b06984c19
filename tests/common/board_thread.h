/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An emulated board in the test's own process, a front end of it on a thread, in a folder of its own with
 * socket, fault socket and log.
 */
#ifndef ETALON_TESTS_BOARD_THREAD_H
#define ETALON_TESTS_BOARD_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "emulator/board.h"
#include "emulator/usb_descriptors.h"

struct pci_front;
struct usb_front;
struct front;

struct board_thread {
	char folder[64], path[96], fault_path[96], log_path[96];
	struct erb1_parameters parameters;
	struct plant *plant;
	struct event_log *log;
	struct board *board;
	/* One of them. */
	struct front *socket;
	struct pci_front *pcie;
	struct usb_front *usb;
	int stop;
	pthread_t thread;
};

enum board_thread_front { BOARD_THREAD_SOCKET, BOARD_THREAD_PCIE, BOARD_THREAD_USB };

struct board_thread_options {
	enum board_thread_front front;
	enum usb_speed speed; /* of USB */
	bool msi, log_registers; /* of PCIe */
	bool speed_max;
	const char *parameters; /* JSON; NULL: no emission delay */
};

/* Seed 1, a straight waveguide, serial THREAD-1. */
struct board_thread *board_thread_start(const struct board_thread_options *options);
/* Checks that it has cleaned up behind itself. */
void board_thread_stop(struct board_thread *t);
/* A scripted fault over the fault socket; it has happened when this returns. */
void board_thread_fault(const struct board_thread *t, const char *line);
/* All lines of the log with this event, oldest first: a JSON list. */
json_t *board_thread_log(const struct board_thread *t, const char *event);

#endif
