/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A measured spectrum as the device. Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_SPECTRUM_H
#define ETALON_EMULATOR_SPECTRUM_H

#include "emulator/device.h"

/*
 * Reads `path` (CSV or openEPDA). Its ports are the columns in dB, dBm or W, taken as
 * transmission relative to 0 dBm; `channel` (NULL: the first such column) must be one of them and becomes
 * *ret_port. Negative errno with a message.
 */
int spectrum_new(const char *path, const char *channel, struct device **ret, size_t *ret_port,
		 char **ret_message);
/* Names of the ports, NULL-terminated. */
const char *const *spectrum_ports(const struct device *device);

#endif
