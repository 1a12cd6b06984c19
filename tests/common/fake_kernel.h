/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kernel driver in this process: keeps the contract of kmod/uapi/etalon.h over any link as its
 * hardware, behind the system calls of the kernel link. For tests without a kernel module.
 *
 * It refuses arguments that break the contract (size, flags, reserved fields), so that a test of the link sees
 * them. The mapping it hands out is read-only: who writes to it dies.
 */
#ifndef ETALON_TESTS_FAKE_KERNEL_H
#define ETALON_TESTS_FAKE_KERNEL_H

#include "link/kernel_calls.h"
#include "link/link.h"

#define FAKE_KERNEL_PATH "/dev/etalon0"
#define FAKE_KERNEL_IOCTLS 0x40

struct fake_kernel;

/* The board is there at once; `hardware` is the fake's from now on. */
struct fake_kernel *fake_kernel_new(struct link *hardware, size_t ring_bytes);
void fake_kernel_free(struct fake_kernel *f);
const struct kernel_calls *fake_kernel_calls(struct fake_kernel *f);
/* For struct board_opener: userdata is the fake. */
int fake_kernel_open(void *userdata, struct link **ret, char **ret_message);

/* The board that was plugged in last is pulled out: every fd is gone for good. */
void fake_kernel_unplug(struct fake_kernel *f);
/* A board comes (again) at this node; from now on the calls below speak of it. */
void fake_kernel_plug(struct fake_kernel *f, const char *path, struct link *hardware);
/* As after the dead-man period, or (reset) after a suspend: light off, the control fd is revoked. */
void fake_kernel_revoke(struct fake_kernel *f, bool reset);
/* Another program takes the control fd as soon as it is free; until fake_kernel_give_back(). */
void fake_kernel_take_control(struct fake_kernel *f);
void fake_kernel_give_back(struct fake_kernel *f);

/* ioctls made so far with this number (ETALON_IOC_*). */
unsigned int fake_kernel_count(struct fake_kernel *f, unsigned long request);
/* ... with any number but KICK, and those that cost no register access. */
unsigned int fake_kernel_costly(struct fake_kernel *f);
/* First record that is not released, and the next that will come. */
uint64_t fake_kernel_consumer(struct fake_kernel *f);
uint64_t fake_kernel_producer(struct fake_kernel *f);
/* open() calls so far. */
unsigned int fake_kernel_opens(struct fake_kernel *f);
/* So many fds are open. */
unsigned int fake_kernel_open_fds(struct fake_kernel *f);

/* Puts a record into the ring as the board would, at the place of its number. */
void fake_kernel_put(struct fake_kernel *f, const void *record, size_t bytes);
/* Called when LOAD comes, before it is looked at. */
void fake_kernel_at_load(struct fake_kernel *f, void (*hook)(void *userdata), void *userdata);

#endif
