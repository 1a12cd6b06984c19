/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board model: executes kmod/hw.h register by register. Layer: emulator. Knows no
 * sockets and reads no clock: front ends (a socket, vfio-user, usbredir) and unit tests carry
 * time, accesses and records.
 *
 * Times given to it are CLOCK_MONOTONIC ns and never step back. A front end that was
 * woken calls board_catch_up(), makes the accesses that wait, then calls board_advance():
 * so a kick that has arrived counts even when the front end was late to see it.
 */
#ifndef ETALON_EMULATOR_BOARD_H
#define ETALON_EMULATOR_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "emulator/erb1_parameters.h"
#include "emulator/host.h"
#include "emulator/log.h"
#include "emulator/plant.h"
#include "hw.h"

struct board;

/* What the records of a board that is not on PCIe leave by: it bounds their rate. */
enum board_bus {
	BOARD_STREAM, /* the USB framing over a socket */
	BOARD_USB_HIGH_SPEED,
	BOARD_USB_SUPER_SPEED,
};

struct board_config {
	const struct erb1_parameters *parameters; /* copied */
	const char *serial;
	uint64_t seed;
	const char *disabled_effects; /* "johnson" and "adc" are the board's own; NULL: none */
	bool speed_max; /* programs run as fast as they can; safety stays on real time */
	bool log_kicks; /* each kick a line; else they are counted */
	struct event_log *log; /* borrowed, may be NULL */
	const struct host_bus *host; /* borrowed; the board is on PCIe. NULL: no DMA */
	enum board_bus bus; /* without host */
	/* An event of section 7: state, causes, sequencer or auxiliary lines changed. May be NULL. */
	void (*event)(void *userdata, const struct etalon_hw_usb_event *event);
	void *userdata;
};

/* Power-on at now_ns, link down. The plant is borrowed. */
int board_new(const struct board_config *config, struct plant *plant, uint64_t now_ns,
	      struct board **ret, char **ret_message);
struct board *board_free(struct board *b);
DEFINE_CLEANUP(struct board *, board_free, board_freep);

const struct etalon_hw_description *board_description(const struct board *b);

/* ---- time ---- */
/* Everything up to now_ns but never past the watchdog's deadline. */
void board_catch_up(struct board *b, uint64_t now_ns);
/* Everything up to now_ns, or a bounded slice of it: see board_next_deadline(). */
void board_advance(struct board *b, uint64_t now_ns);
/* When board_advance() is due next; at or before now: there is more to do. UINT64_MAX: nothing. */
uint64_t board_next_deadline(const struct board *b);

/* ---- the link ---- */
void board_link_up(struct board *b);
/* Cable pulled, link reset: cause LINK, the program ends. */
void board_link_down(struct board *b);
/*
 * Reset by the bus: as if the link went down and, if it was up, came back; sources take their safe
 * action; registers are as at power-on. Ticks, sequence numbers and a latched trip stay.
 */
void board_reset(struct board *b);

/* Any 4-aligned address below ETALON_REG_SPACE. */
uint32_t board_read(struct board *b, uint32_t address);
void board_write(struct board *b, uint32_t address, uint32_t value);
/* A whole upload with its header; RESULT tells. */
void board_upload(struct board *b, const void *bytes, size_t size);

/* Oldest whole records, contiguous, at most max_bytes; NULL when none. Valid until consumed. */
const void *board_records_peek(struct board *b, size_t max_bytes, size_t *ret_bytes);
void board_records_consume(struct board *b, size_t bytes);

/* ---- what happens to the board from outside ---- */
/* One scripted fault (faults.h) now or at the time it names; -EINVAL with a message. */
int board_fault(struct board *b, const json_t *fault, char **ret_message);
/* Until when the front end leaves control requests unanswered; 0: it answers. */
uint64_t board_hangs_until(const struct board *b);
/* Asked once by the front end after each advance: true when a scripted fault pulls the cable. */
bool board_takes_cable(struct board *b);

/* ---- what goes wrong with its USB: the front end asks ---- */
enum board_usb_fault {
	BOARD_USB_STALL_RECORDS,
	BOARD_USB_STALL_UPLOAD,
	BOARD_USB_STALL_EVENTS,
	BOARD_USB_SHORT, /* a transfer of records ends within one */
	BOARD_USB_BABBLE, /* ... or is longer than was asked for */
	BOARD_USB_FAULTS,
};

enum board_usb_lie {
	BOARD_USB_TRUTH,
	BOARD_USB_LIE_CLASS,
	BOARD_USB_LIE_PRODUCT,
	BOARD_USB_LIE_ENDPOINTS, /* one is missing */
	BOARD_USB_LIE_DIRECTION, /* of the records */
	BOARD_USB_LIE_PACKET, /* of no bytes */
	BOARD_USB_LIE_LENGTH, /* of a descriptor */
	BOARD_USB_LIE_TOTAL, /* bytes of the configuration */
};

/* Takes one use of a scripted fault. */
bool board_takes_usb_fault(struct board *b, enum board_usb_fault fault);
/* What is wrong with its descriptors. */
enum board_usb_lie board_usb_lie(const struct board *b);
/* While the board is hostile: spoils what it is about to say, records one by one; returns how much of it is said. */
bool board_is_hostile(const struct board *b);
size_t board_spoil(struct board *b, void *bytes, size_t size);
void board_spoil_records(struct board *b, void *records, size_t bytes);

/* A line for the log from the front end. */
void board_log(struct board *b, const char *event, const char *members);

#endif
