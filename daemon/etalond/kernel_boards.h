/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boards of the kernel's driver: which of them is behind which device node now. Layer:
 * etalond, main loop only. Is told what comes and goes (udev_watch.h); opens nothing while nothing is there.
 *
 * A board is known by its serial number: plugged in again, at any node, it is the one that it was.
 */
#ifndef ETALON_ETALOND_KERNEL_BOARDS_H
#define ETALON_ETALOND_KERNEL_BOARDS_H

#include "base/cleanup.h"
#include "etalond/context.h"

struct kernel_boards;
struct kernel_calls;

/* calls: how nodes are opened; borrowed. */
int kernel_boards_new(struct context *ctx, const struct kernel_calls *calls,
		      struct kernel_boards **ret);
/* When no board is left: after context_quiesce(). */
struct kernel_boards *kernel_boards_free(struct kernel_boards *boards);
DEFINE_CLEANUP(struct kernel_boards *, kernel_boards_free, kernel_boards_freep);

/* A device is there; harmless when it was known. serial "": it does not say. */
int kernel_boards_added(struct kernel_boards *boards, const char *node, const char *serial);
void kernel_boards_removed(struct kernel_boards *boards, const char *node);

#endif
