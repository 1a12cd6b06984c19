/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link whose board is a script: it does what it is told, remembers in which order, refuses,
 * trips or goes away when the test says so. Its board is that of fake_board.h. For tests of the daemon
 * without processes, sockets or time.
 */
#ifndef ETALON_TESTS_FAKE_LINK_H
#define ETALON_TESTS_FAKE_LINK_H

#include <pthread.h>
#include <stdbool.h>

#include "fake_board.h"
#include "link/link.h"

#define FAKE_LINK_LOG 65536

struct fake_link {
	struct link link; /* first */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int event_fd;
	/* ---- what a test may set before the daemon runs, or through the functions below ---- */
	bool absent; /* opening fails */
	bool hold_delay; /* EMIT leads to DELAY and stays there */
	bool hold_records; /* a program yields half its points, then nothing until stopped */
	const char *refuse; /* the call of this name is refused ... */
	struct link_refusal refusal; /* ... like this */
	const char *break_call; /* the call of this name returns break_error */
	int break_error;
	bool end_lies; /* END says that one more point was produced */
	/* ---- state ---- */
	struct link_status status;
	bool gone, cancelled, stop_program;
	bool program_has_gate; /* it runs and opened it: nobody else may move it */
	int64_t setpoints[FAKE_SOURCES];
	struct etalon_hw_usb_event events[64];
	unsigned int event_count;
	struct etalon_hw_program program;
	struct fake_run run;
	uint64_t sequence;
	char *records;
	size_t records_size, records_at;
	unsigned int opened, closed, kicks;
	char log[FAKE_LINK_LOG]; /* "arm;set laser.power 5;emit;off;" without kicks and looks */
	size_t log_size;
};

struct fake_link *fake_link_new(void);
void fake_link_free(struct fake_link *f);
/* For struct board_opener: userdata is the fake. */
int fake_link_open(void *userdata, struct link **ret, char **ret_message);

/* The call of this name is refused like this, or fails with this error; NULL: no more. */
void fake_link_refuse(struct fake_link *f, const char *call, struct link_refusal refusal);
void fake_link_break(struct fake_link *f, const char *call, int error);
/* A cause becomes live; trips when light may be on. */
void fake_link_cause(struct fake_link *f, uint32_t cause);
/* ... and goes; what is latched stays. */
void fake_link_cause_ends(struct fake_link *f, uint32_t cause);
/* A cause that is over at once: the watchdog. */
void fake_link_trip(struct fake_link *f, uint32_t cause);
void fake_link_delay_over(struct fake_link *f);
void fake_link_unplug(struct fake_link *f);
void fake_link_plug(struct fake_link *f);
/* Does the log hold this text? Waits for it, up to ten seconds. */
bool fake_link_saw(struct fake_link *f, const char *text);
/* Without waiting. */
bool fake_link_has_seen(struct fake_link *f, const char *text);
void fake_link_forget(struct fake_link *f); /* empties the log */
unsigned int fake_link_kicks(struct fake_link *f);
bool fake_link_wait_kicks(struct fake_link *f, unsigned int more_than);

#endif
