// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What all devices share.
 */
#include "emulator/device.h"

struct device *device_free(struct device *device)
{
	if (device)
		device->ops->free(device);
	return NULL;
}

bool device_span_is_sane(double start_m, double stop_m)
{
	return start_m >= 100e-9 && stop_m > start_m && stop_m <= 100e-6;
}
