/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The channels of a board as the bus shows them. Layer: bus.
 */
#ifndef ETALON_BUS_BOARD_DESCRIBE_H
#define ETALON_BUS_BOARD_DESCRIBE_H

#include <systemd/sd-bus.h>

#include "etalond/board.h"

int board_append_capabilities(sd_bus_message *m, const struct board *board); /* as */
int board_append_sources(sd_bus_message *m, const struct board *board); /* aa{sv} */
int board_append_detectors(sd_bus_message *m, const struct board *board); /* aa{sv} */
int board_append_causes(sd_bus_message *m, uint32_t causes); /* as */

#endif
