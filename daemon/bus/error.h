/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of the daemon as errors of the bus, in one place. Layer: bus.
 */
#ifndef ETALON_BUS_ERROR_H
#define ETALON_BUS_ERROR_H

#include <systemd/sd-bus.h>

/* What is missing when something is not there (-ENOENT). */
#define BUS_NO_SUCH_BOARD "NoSuchBoard"
#define BUS_NO_SUCH_JOB "NoSuchJob"
#define BUS_NO_SUCH_RUN "NoSuchRun"
#define BUS_NO_SUCH_COLUMN "NoSuchColumn"
#define BUS_NO_SUCH_CHANNEL "NoSuchChannel"

/* "org.etalon1.Error.Interlock" for an errno of etalond/context.h; missing: for -ENOENT, or NULL. */
const char *bus_error_name(int error, const char *missing, char buffer[64]);
/* Sets *ret and returns a negative errno, so that a handler can return it. */
int bus_error_set(sd_bus_error *ret, int error, const char *message, const char *missing);
/* Answers a call with it. */
int bus_reply_error(sd_bus_message *call, int error, const char *message, const char *missing);

#endif
