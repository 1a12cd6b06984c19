/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of etalon-emulator.
 */
#ifndef ETALON_EMULATOR_OPTIONS_H
#define ETALON_EMULATOR_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *socket, *pcie, *usb, *usb_speed, *fault_socket, *faults, *log, *pidfile;
	const char *serial, *device, *device_channel, *disabled;
	uint64_t seed;
	json_t *parameters; /* of --set, owned */
	bool speed_max, log_kicks, log_registers, msi, unsafe_fast_arming;
	bool truth;
	double truth_start_nm, truth_stop_nm;
};

/* 0: run; 1: done (help, version); negative errno with a message. */
int emulator_options_parse(int argc, char **argv, struct options *ret, char **ret_message);

#endif
