/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every verb of etalonctl has at hand: where it writes, how, and the bus. Layer: cli
 * (above base, data and export; knows the daemon over D-Bus only).
 *
 * Verbs are straight-line code. They wait by turning the event loop (cli_turn), so that a
 * lease's heartbeat goes on and Ctrl-C is seen; handlers only note what happened.
 */
#ifndef ETALON_CLI_CLI_H
#define ETALON_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/util.h"

#define PROGRAM "etalonctl"

/* Exit codes: part of the interface, listed by `etalonctl help`. */
enum exit_code {
	EXIT_MEASURED = 0, /* measured or pass; done */
	EXIT_FAIL = 1, /* verdict fail or marginal */
	EXIT_USAGE = 2, /* the command line asks for something that does not exist */
	EXIT_UNTRUSTWORTHY = 3,
	EXIT_REFUSED = 4, /* by a limit, an interlock, a lease, a policy */
	EXIT_PARTIAL = 5, /* ended early, what was taken is kept */
	EXIT_NO_BOARD = 6, /* no board, no daemon */
	EXIT_TROUBLE = 7, /* none of these: a file, a full disk, a time-out */
};

struct cli {
	FILE *out; /* results; with json nothing but the document */
	FILE *err; /* messages and progress */
	bool json;
	bool utf8;
	bool colour_out, colour_err;
	bool out_is_terminal, err_is_terminal, in_is_terminal;
	const char *bus_address; /* --bus, ETALON_BUS or NULL */
	const char *board; /* --board or NULL */

	sd_bus *bus;
	sd_event *event;
	unsigned int interrupts; /* Ctrl-C so far */
	bool service_lost; /* etalond left the bus */
	unsigned int service_changes; /* how often it came or left since bus_open() */
	void (*before_exit)(void *userdata); /* gives the terminal back */
	void *exit_userdata;
	sd_event_source *signals[3];
	sd_bus_slot *owner_slot;
};

/* Detects terminals, locale and NO_COLOR; out and err are stdout and stderr. */
void cli_init(struct cli *cli);
void cli_done(struct cli *cli);

/* Where what is meant for people goes: out, or err when out carries JSON. */
static inline FILE *cli_people(const struct cli *cli)
{
	return cli->json ? cli->err : cli->out;
}

/* "etalonctl: <message>\n" on err; returns exit_code. */
int cli_fail(struct cli *cli, int exit_code, const char *format, ...) _printf_(3, 4);
/* "  try: <what to type>" */
void cli_try(struct cli *cli, const char *format, ...) _printf_(2, 3);
/* "etalonctl: out of memory" */
int cli_no_memory(struct cli *cli);

/* ---- waiting (turn.c) ---- */
/* SIGINT, SIGTERM and SIGHUP are counted instead of killing; the second exits at once with 5. */
int cli_catch_signals(struct cli *cli);
/* They kill again: for work that does not turn the loop. One that is pending is delivered then. */
void cli_release_signals(struct cli *cli);
/*
 * One turn of the loop, at most timeout_us (UINT64_MAX: no limit). Negative errno only when the
 * loop is broken.
 */
int cli_turn(struct cli *cli, uint64_t timeout_us);

#endif
