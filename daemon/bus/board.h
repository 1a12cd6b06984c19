/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The methods of org.etalon1.Board, for its vtable; userdata is the struct board. Layer: bus.
 */
#ifndef ETALON_BUS_BOARD_H
#define ETALON_BUS_BOARD_H

#include "bus/bus.h"

/* ---- board_light.c ---- */
int board_method_lease(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_emit(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_set_gate(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_off(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_set(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_clear_fault(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* ---- board_measure.c ---- */
int board_method_plan(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_plan_setpoints(sd_bus_message *m, void *userdata, sd_bus_error *error);
int board_method_measure(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* ---- board_take_readings.c ---- */
int board_method_read(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* For an act of callers.h: the board of the message's path, or NULL with *error set. */
struct board *board_of_call(struct bus *bus, sd_bus_message *m, sd_bus_error *error);
int board_append_setpoints(sd_bus_message *m, const struct board *board); /* a{sx} */

#endif
