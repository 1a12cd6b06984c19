/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every reason for which LOAD refuses a program. Layer: emulator, beneath program.h.
 */
#ifndef ETALON_EMULATOR_PROGRAM_CHECK_H
#define ETALON_EMULATOR_PROGRAM_CHECK_H

#include "emulator/program.h"

/* Form, channels, modes, lists, timing, speed, rate: needs the image only. */
int program_check(const struct program_context *context, const struct etalon_hw_program *image,
		  struct refusal *ret_refusal);
/* Limits and resolution of every setpoint: needs the lists, too. */
int program_check_setpoints(const struct program_context *context, const struct program *p,
			    struct refusal *ret_refusal);

#endif
