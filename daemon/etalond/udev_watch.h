/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells kernel_boards.h what udev says of devices of subsystem "etalon": when udev is done with
 * them, so that the node has its owner and its mode. Layer: etalond, main loop only.
 */
#ifndef ETALON_ETALOND_UDEV_WATCH_H
#define ETALON_ETALOND_UDEV_WATCH_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "etalond/kernel_boards.h"

struct udev_watch;

/* Devices that are there are told before this returns. Boards are borrowed. */
int udev_watch_new(sd_event *event, struct kernel_boards *boards, struct udev_watch **ret,
		   char **ret_message);
struct udev_watch *udev_watch_free(struct udev_watch *watch);
DEFINE_CLEANUP(struct udev_watch *, udev_watch_free, udev_watch_freep);

#endif
