/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a request on the control connection does to the board. Layer: emulator front end.
 */
#ifndef ETALON_EMULATOR_FRONT_CONTROL_H
#define ETALON_EMULATOR_FRONT_CONTROL_H

#include "emulator/board.h"
#include "emulator/connection.h"

void front_control(struct board *b, struct connection *c, const struct etalon_hw_stream *head,
		   const uint8_t *payload);

#endif
