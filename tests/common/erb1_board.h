/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The description of the emulated reference board, without a board. For tests of plans.
 */
#ifndef ETALON_TESTS_ERB1_BOARD_H
#define ETALON_TESTS_ERB1_BOARD_H

#include "link/description.h"

struct description *erb1_board(void);

#endif
