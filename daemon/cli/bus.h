/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Talking to etalond: connection, calls that keep the loop turning, objects with their properties,
 * and errors as people meet them. Layer: cli.
 */
#ifndef ETALON_CLI_BUS_H
#define ETALON_CLI_BUS_H

#include "cli/cli.h"
#include "cli/wire.h"

#define ETALON_SERVICE "org.etalon1"
#define ETALON_ROOT "/org/etalon1"
#define ETALON_MANAGER "org.etalon1.Manager"
#define ETALON_BOARD "org.etalon1.Board"
#define ETALON_JOB "org.etalon1.Job"
#define ETALON_RUN "org.etalon1.Run"
#define ETALON_ERROR "org.etalon1.Error."

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, bus_messagep);
#define _cleanup_message_ _cleanup_(bus_messagep)
#define _cleanup_error_ _cleanup_(sd_bus_error_free)

/*
 * Connects and checks that etalond is there. 0 or an exit code, with a message already given.
 * Does nothing when there is a connection.
 */
int bus_open(struct cli *cli);

/* Starts a call to the service. NULL only without memory. */
sd_bus_message *bus_new_call(struct cli *cli, const char *path, const char *interface,
			     const char *member);

/*
 * Sends and turns the loop until the answer is there: heartbeats go on. timeout_us 0: 25 s.
 * Returns 0 or negative errno, with *error set (bus_fail() explains it).
 */
int bus_call(struct cli *cli, sd_bus_message *call, uint64_t timeout_us, sd_bus_error *error,
	     sd_bus_message **ret_reply);
/* A call without arguments and without an answer worth having. */
int bus_call_plain(struct cli *cli, const char *path, const char *interface, const char *member,
		   sd_bus_error *error);

/* The message for a person, the exit code for a script. `what` may be NULL: "sweep not started". */
int bus_fail(struct cli *cli, const sd_bus_error *error, const char *what);
/* Which exit code an error's name stands for. */
int bus_exit_code(const char *error_name);
/* True when the error is org.etalon1.Error.<name>. */
bool bus_error_is(const sd_bus_error *error, const char *name);

/* ---- objects ---- */

/* The properties of one interface of one object, kept up to date while the loop turns. */
struct object {
	struct cli *cli;
	char *path;
	const char *interface;
	json_t *properties;
	unsigned int changes; /* rises with every change */
	sd_bus_slot *slot, *again;
};

/*
 * Subscribes, then reads: no change is missed. 0, or negative errno with *error set.
 * Properties without a value in the change signal are read again.
 */
int object_open(struct object *o, struct cli *cli, const char *path, const char *interface,
		sd_bus_error *error);
void object_close(struct object *o);
#define _cleanup_object_ _cleanup_(object_close)
/* Reads everything again (after the service has come back). */
int object_refresh(struct object *o, sd_bus_error *error);

/* ---- boards ---- */

/*
 * Opens the board that --board names, or the only one. 0 or an exit code, with the message given:
 * no board, several boards, no such board.
 */
int board_open(struct cli *cli, struct object *ret);
/* Its paths, in order of serial; array of strings. 0 or an exit code. */
int board_paths(struct cli *cli, json_t **ret);

#endif
