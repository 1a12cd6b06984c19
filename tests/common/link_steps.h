/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests do with a board over whatever link, each step checked: open it, look, make light.
 */
#ifndef ETALON_TESTS_LINK_STEPS_H
#define ETALON_TESTS_LINK_STEPS_H

#include "link/link.h"
#include "session.h"

/* The session's board over its socket. */
struct link *link_to_board(const struct session *s);
struct link_status link_look(struct link *l);
/* The hard limits, of every source. */
void link_write_limits(struct link *l);
/* OFF to EMITTING, with a watchdog of a second that nobody kicks. */
void link_light(struct link *l);

#endif
