/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that holds control, keeps light on and runs a sweep, until it is told otherwise or
 * something happens to it.
 */
#ifndef ETALON_TESTS_VM_HOLDER_H
#define ETALON_TESTS_VM_HOLDER_H

#include <sys/types.h>

#include "client.h"
#include "marks.h"

struct holder {
	pid_t pid;
	int orders, answers; /* pipes */
};

/* Returns when there is light and the sweep's first point has come. */
void holder_start(struct holder *h, uint64_t watchdog_ns);
/* It ends light itself: MARK_CLOSE, MARK_OFF or MARK_HALT; with its marks around that. */
void holder_end_light(struct holder *h, enum mark_kind kind, unsigned int trial);
/* Each call on its control fd has to fail with this, and poll() to tell. */
void holder_expect(struct holder *h, int error);
/* The board told it that light went off, for this cause; it still holds control. */
void holder_expect_trip(struct holder *h, uint32_t cause);
/* It ends, or has ended, by this signal (0: by itself); control is free when this returns. */
void holder_wait(struct holder *h, int signal);

#endif
