/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link to a board model in the same process, in virtual time: the real register driver over
 * a transport of function calls. For tests that need thousands of sweeps.
 *
 * The transport kicks the watchdog whenever it lets time pass, which no link of the product does.
 */
#ifndef ETALON_TESTS_DIRECT_LINK_H
#define ETALON_TESTS_DIRECT_LINK_H

#include <jansson.h>

#include "link/link.h"

struct plant;
struct board;
struct direct;

struct direct_board {
	struct plant *plant;
	struct board *board;
	struct link *link;
	struct direct *direct;
};

struct direct_config {
	uint64_t seed;
	const char *device; /* NULL: add-drop ring */
	const char *device_channel;
	json_t *parameters; /* of plant and electronics, or NULL; borrowed */
	const char *disabled_effects;
};

int direct_board_open(const struct direct_config *config, struct direct_board *ret,
		      char **ret_message);
void direct_board_close(struct direct_board *b);
/* OFF -> EMITTING with every limit written, through link_ops, letting the emission delay pass. */
int direct_board_emit(struct direct_board *b);

#endif
