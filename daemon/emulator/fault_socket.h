/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket that takes scripted faults while the board runs, whatever its link is: one JSON
 * object a line, one answer a line. Layer: emulator front ends.
 */
#ifndef ETALON_EMULATOR_FAULT_SOCKET_H
#define ETALON_EMULATOR_FAULT_SOCKET_H

#include "emulator/board.h"
#include "emulator/connection.h"
#include "emulator/listener.h"

#define FAULT_PEERS_MAX 4
#define FAULT_POLLS (1 + FAULT_PEERS_MAX)

struct fault_socket {
	struct listener listener;
	struct connection peer[FAULT_PEERS_MAX];
};

/* NULL path: a fault socket that nobody can reach. */
int fault_socket_open(struct fault_socket *f, const char *path, char **ret_message);
void fault_socket_close(struct fault_socket *f);
/* Fills FAULT_POLLS entries of a poll list. */
void fault_socket_poll(const struct fault_socket *f, struct pollfd *fds);
void fault_socket_serve(struct fault_socket *f, struct board *b, uint64_t now);

#endif
