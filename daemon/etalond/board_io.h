/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one thread that talks to a board besides a running acquisition. Layer: etalond. Commands
 * are done in order; OFF and a shut gate overtake, and cancel every command that could bring
 * light and was given before them. Never kicks, arms or emits by itself: if the main loop
 * hangs, no kick comes; if this thread hangs, none goes out.
 */
#ifndef ETALON_ETALOND_BOARD_IO_H
#define ETALON_ETALOND_BOARD_IO_H

#include "etalond/mailbox.h"
#include "link/link.h"

struct board_io;

enum command_class {
	COMMAND_NORMAL,
	COMMAND_LIGHT, /* may bring light: void once something dark was commanded after it */
	COMMAND_DARK, /* OFF, gate shut: overtakes everything, makes earlier LIGHT commands void */
	COMMAND_KICK, /* overtakes all but the dark ones */
};

struct command {
	struct mail mail;
	struct command *next;
	enum command_class class;
	bool always; /* opening and closing: run also without a link that works */
	/* On the I/O thread; the link is open. Fills refusal or message when it fails. */
	int (*run)(struct command *c, struct link *link);
	/* On the main loop: looks at error, frees. */
	void (*done)(struct command *c);
	bool refresh; /* read the board's status afterwards and report it before done */
	struct board_io *io;
	uint64_t dark_count; /* when it was given */
	int error;
	char *message; /* owned */
	struct link_refusal refusal;
};

/* What a board says of its safety, in one instant. */
struct board_status {
	uint32_t state; /* enum etalon_hw_state */
	uint32_t causes_live;
	uint32_t causes_latched;
	uint32_t last_off_cause;
	uint32_t sequencer;
	uint32_t status_bits;
	uint64_t tick;
};

struct board_io_events { /* all on the main loop */
	void (*status)(void *userdata, const struct board_status *status);
	/* The link failed, for good: close it as soon as nobody else uses it. */
	void (*gone)(void *userdata, const char *why);
	void *userdata;
};

int board_io_new(struct mailbox *mailbox, const struct board_io_events *events,
		 struct board_io **ret);
/* Closes the link, ends the thread. Main loop; waits for a command that runs. */
struct board_io *board_io_free(struct board_io *io);

/* Without a link that works c->error is -ENODEV at once. */
void board_io_submit(struct board_io *io, struct command *c);
/* On the I/O thread, from a command that opened the link: it is used from now on. */
void board_io_attach(struct board_io *io, struct link *link);
/* On the I/O thread, from a command: closes the link. */
void board_io_detach(struct board_io *io);
/* On the I/O thread: may this light-bringing command go on? -ECANCELED when it was overtaken. */
int command_still_wanted(const struct command *c);

#endif
