/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Properties of org.etalon1.Run, for its vtable and for its reader. Layer: bus.
 */
#ifndef ETALON_BUS_RUN_H
#define ETALON_BUS_RUN_H

#include "bus/bus.h"

/* Names and types in the order of the vtable. */
struct run_property {
	const char *name;
	const char *type;
};

extern const struct run_property run_properties[];
extern const size_t run_property_count;

/* Appends the value alone. -EINVAL when there is no such property. */
int run_append_property(sd_bus_message *m, const struct run_entry *entry, const char *property);

#endif
