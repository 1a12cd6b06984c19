/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel link on a bench: a fake kernel's board, opened as the daemon opens it. Its hardware is a script,
 * so that the test says what comes into the ring, or the emulator in a process of its own.
 */
#ifndef ETALON_TESTS_KERNEL_BENCH_H
#define ETALON_TESTS_KERNEL_BENCH_H

#include "fake_kernel.h"
#include "fake_transport.h"
#include "session.h"

struct scripted_kernel {
	struct description *description;
	struct fake_transport *transport;
	struct fake_kernel *kernel;
	struct link *board;
};

struct emulated_kernel {
	struct session session;
	struct fake_kernel *kernel;
	struct link *board;
};

void scripted_kernel_start(struct scripted_kernel *s, size_t ring_bytes);
/* Checks that no fd stays open. */
void scripted_kernel_stop(struct scripted_kernel *s);

/* As fast as it can, seed 1. */
void emulated_kernel_start(struct emulated_kernel *e, size_t ring_bytes);
void emulated_kernel_stop(struct emulated_kernel *e);
/* The same board behind another ring. */
void emulated_kernel_restart(struct emulated_kernel *e, size_t ring_bytes);

#endif
