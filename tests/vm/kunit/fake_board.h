/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board that is nothing but memory, on a link of its own, for the KUnit suites: it does what
 * the core asks for, remembers it, and says what a test wants it to say. Its ring, node, hwmon and
 * lines are the real ones.
 */
#ifndef ETALON_KUNIT_FAKE_BOARD_H
#define ETALON_KUNIT_FAKE_BOARD_H

#include <kunit/test.h>
#include <linux/fs.h>

#include "etalon.h"

/* Numbers of what it has. */
#define FAKE_SOURCES 1
#define FAKE_SOURCE 0 /* emits */
#define FAKE_PHOTODIODE 0
#define FAKE_TEMPERATURE 1
#define FAKE_RAIL 2
#define FAKE_LINES 4

/* Of one ADC step. */
#define FAKE_STEP_UK 1000
#define FAKE_STEP_NV 1000

#define FAKE_WATCHDOG_MIN_NS 50000000U
#define FAKE_STRIDE 128 /* of its program's records */
#define FAKE_GENERATION 5
#define FAKE_COMMANDS 16

struct fake_board {
	struct kunit *test;
	char name[32];
	struct device *parent;
	struct etalon_board *board; /* NULL: removed */
	bool registered;

	/* what it says */
	struct etalon_progress progress;
	struct etalon_safety safety;
	struct etalon_loaded loaded;
	struct etalon_hw_live live[3];
	u32 aux_values;
	u32 aux_edges;
	unsigned int points_on_their_way; /* written before it is quiet */
	int answer_ready;
	unsigned int looks_until_end; /* of its program, 0: it never ends by itself */
	int answer; /* of every operation: 0, or an errno */
	int answer_dark;

	/* what it was told */
	unsigned int commands[FAKE_COMMANDS];
	struct etalon_span limits[FAKE_SOURCES];
	unsigned int kicks;
	unsigned int lives;
	unsigned int aux_gets;
	u32 aux_directions;
	u32 aux_outputs;
	unsigned int aux_order[2]; /* of the first set() and the first direction(), from 1 */
	u64 consumer;
	bool quiet;
	u64 synced_bytes;
	struct etalon_ring_span synced; /* last */
	struct etalon_ring_span given; /* back, last; with an END in it or not */
	bool given_end;
	unsigned int late_calls; /* after it was removed: never */

	void __user *user; /* a page of the test's own for arguments */
};

/* Allocated, described, with a ring; not to be seen yet. Removed at the end of the test. */
struct fake_board *fake_board_create(struct kunit *test);
void fake_board_register(struct fake_board *fake);
/* As a link does it. The core's structure lives on with its users. */
void fake_board_remove(struct fake_board *fake);

/* ---- as user space ---- */
/* /dev/etalonN of the board; the test fails when it cannot. */
struct file *fake_open(struct fake_board *fake, int flags);
/* Negative errno when it cannot. */
long fake_try_open(int number, int flags);
void fake_close(struct file *file);
/* An ioctl whose argument is copied to user space and back; NULL: none. */
long fake_call(struct fake_board *fake, struct file *file, unsigned int command, void *argument,
	       size_t size);
/* Into kernel memory. */
ssize_t fake_pread(struct fake_board *fake, struct file *file, void *buffer, size_t count,
		   loff_t position);
/* Until poll() says one of `events`; false: it did not for two seconds. */
bool fake_poll(struct file *file, __poll_t events);
long fake_release(struct fake_board *fake, struct file *capture, u64 sequence);

/* ---- as the board ---- */
/* Loads and starts its program of `points` dark points through the control fd. */
void fake_start_program(struct fake_board *fake, struct file *control, u32 points);
void fake_write_limits(struct fake_board *fake, struct file *control);
/* Limits and ARM. */
void fake_arm(struct fake_board *fake, struct file *control, u64 period_ns);
/* Writes `count` POINT records into the ring, and tells. */
void fake_produce(struct fake_board *fake, unsigned int count);

/* Until the core has given the page back, to which the test holds a reference. */
bool fake_page_is_ours_alone(struct page *page);

extern struct kunit_suite etalon_lifetime_suite;
extern struct kunit_suite etalon_emission_suite;
extern struct kunit_suite etalon_records_suite;
extern struct kunit_suite etalon_lines_suite;

#endif
