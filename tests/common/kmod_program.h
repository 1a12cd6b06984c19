/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs for the tests of the driver's checks: good ones on the reference board, and damage.
 */
#ifndef ETALON_TESTS_KMOD_PROGRAM_H
#define ETALON_TESTS_KMOD_PROGRAM_H

#include <stdint.h>

#include "hw.h"

#define KMOD_LIST_POINTS 11

/* A wavelength ramp of 20 001 points from 1540 nm to 1560 nm, on two detectors. */
struct etalon_hw_program kmod_ramp(const struct etalon_hw_description *d);
/* Three axes: a temperature to wait for, a current from list 0, a heater's steps. */
struct etalon_hw_program kmod_nest(const struct etalon_hw_description *d);
/* KMOD_LIST_POINTS setpoints of a current. */
extern const int64_t kmod_list[KMOD_LIST_POINTS];
uint16_t kmod_source(const struct etalon_hw_description *d, const char *name);

#endif
