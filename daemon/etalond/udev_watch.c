// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * sd-device: what is there, and what comes and goes. See udev_watch.h. "add" and "remove" only: a
 * device is opened by its node, whatever driver binds to what.
 */
#include "etalond/udev_watch.h"

#include <syslog.h>
#include <systemd/sd-device.h>

#include "base/util.h"
#include "etalond/audit.h"

#define SUBSYSTEM "etalon"

struct udev_watch {
	sd_device_monitor *monitor;
	struct kernel_boards *boards;
};

static int tell_added(struct udev_watch *watch, sd_device *device)
{
	const char *node, *serial = "";
	int r = sd_device_get_devname(device, &node);

	if (r < 0)
		return 0; /* the class has devices without a node, now or one day */
	if (sd_device_get_sysattr_value(device, "serial", &serial) < 0)
		serial = "";
	return kernel_boards_added(watch->boards, node, serial);
}

static void tell_removed(struct udev_watch *watch, sd_device *device)
{
	const char *node;

	if (sd_device_get_devname(device, &node) >= 0)
		kernel_boards_removed(watch->boards, node);
}

static int on_device(_unused_ sd_device_monitor *monitor, sd_device *device, void *userdata)
{
	sd_device_action_t action;
	int r = sd_device_get_action(device, &action);

	if (r >= 0 && action == SD_DEVICE_ADD)
		r = tell_added(userdata, device);
	else if (r >= 0 && action == SD_DEVICE_REMOVE)
		tell_removed(userdata, device);
	if (r < 0)
		say(LOG_WARNING, "a device of the etalon driver could not be taken up: %s",
		    strerror(-r));
	return 0;
}

static int listen_to_udev(struct udev_watch *watch, sd_event *event)
{
	int r = sd_device_monitor_new(&watch->monitor);

	if (r >= 0)
		r = sd_device_monitor_filter_add_match_subsystem_devtype(watch->monitor, SUBSYSTEM,
									 NULL);
	if (r >= 0)
		r = sd_device_monitor_attach_event(watch->monitor, event);
	return r < 0 ? r : sd_device_monitor_start(watch->monitor, on_device, watch);
}

static int tell_present(struct udev_watch *watch)
{
	sd_device_enumerator *enumerator = NULL;
	int r = sd_device_enumerator_new(&enumerator);

	if (r >= 0)
		r = sd_device_enumerator_add_match_subsystem(enumerator, SUBSYSTEM, 1);
	for (sd_device *d = r < 0 ? NULL : sd_device_enumerator_get_device_first(enumerator);
	     d && r >= 0; d = sd_device_enumerator_get_device_next(enumerator))
		r = tell_added(watch, d);
	sd_device_enumerator_unref(enumerator);
	return r;
}

int udev_watch_new(sd_event *event, struct kernel_boards *boards, struct udev_watch **ret,
		   char **ret_message)
{
	_cleanup_(udev_watch_freep) struct udev_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->boards = boards;
	/* Listen first: what comes in between is told twice, which does no harm. */
	r = listen_to_udev(watch, event);
	if (r >= 0)
		r = tell_present(watch);
	if (r < 0)
		return fail(ret_message, r,
			    "the boards of the kernel's driver can not be looked for (udev: %s)",
			    strerror(-r));
	*ret = take_ptr(watch);
	return 0;
}

struct udev_watch *udev_watch_free(struct udev_watch *watch)
{
	if (!watch)
		return NULL;
	sd_device_monitor_unref(watch->monitor);
	free(watch);
	return NULL;
}
