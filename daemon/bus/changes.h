/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PropertiesChanged, batched: however often something changes in one turn of the loop, one
 * signal for each object says so. Layer: bus.
 */
#ifndef ETALON_BUS_CHANGES_H
#define ETALON_BUS_CHANGES_H

#include <systemd/sd-bus.h>

struct changes;

int changes_new(sd_bus *bus, sd_event *event, struct changes **ret);
struct changes *changes_free(struct changes *changes);
/* The names must be constants. */
void changes_mark(struct changes *changes, const char *path, const char *interface,
		  const char *const *names, size_t count);
/* Sends now what is marked: before a signal that must come after. */
void changes_flush(struct changes *changes);
/* Of an object that is gone. */
void changes_forget(struct changes *changes, const char *path);

#endif
