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
