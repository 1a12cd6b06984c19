/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who calls: uid and pid of a sender, asked of the bus without waiting and remembered (unique
 * names are never given twice). Layer: bus.
 */
#ifndef ETALON_BUS_CALLERS_H
#define ETALON_BUS_CALLERS_H

#include <systemd/sd-bus.h>

#include "etalond/context.h"

struct bus;
struct callers;

/*
 * A method's work once its caller is known, at once or later. The object is looked up again from
 * the message's path if it took time. Negative errno with *error set is the answer then.
 */
typedef int (*acted_t)(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		       sd_bus_error *error);

struct callers *callers_new(void);
struct callers *callers_free(struct callers *callers);

/* For a method handler: return its result. */
int callers_act(struct bus *bus, sd_bus_message *m, acted_t act, sd_bus_error *error);
/*
 * For what was done already and is answered elsewhere: `told` is called with the caller, its uid
 * UINT32_MAX where the bus does not say, at once or later.
 */
typedef void (*told_t)(struct bus *bus, sd_bus_message *m, const struct actor *actor);
void callers_tell(struct bus *bus, sd_bus_message *m, told_t told);
/* What is known now: uid UINT32_MAX when it is not. Does not ask. */
struct actor callers_known(struct bus *bus, sd_bus_message *m);

#endif
