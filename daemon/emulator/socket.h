/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Front end of the board model: a unix socket with the USB framing of section 7 of hw.h, and
 * a second one that takes scripted faults. Layer: emulator, above the board model.
 */
#ifndef ETALON_EMULATOR_SOCKET_H
#define ETALON_EMULATOR_SOCKET_H

#include "emulator/board.h"

struct front;

/*
 * Listens at `path` and, if not NULL, for faults at `fault_path`. A stale socket is removed, but
 * only if nobody listens there: -EADDRINUSE with a message otherwise.
 */
int front_new(const char *path, const char *fault_path, struct front **ret, char **ret_message);
struct front *front_free(struct front *front);
DEFINE_CLEANUP(struct front *, front_free, front_freep);

/* Pass this and the front as event callback of the board. */
void front_event(void *userdata, const struct etalon_hw_usb_event *event);

/* Serves `board` until stop_fd is readable. The light is off when it returns. */
int front_run(struct front *front, struct board *board, int stop_fd);

#endif
