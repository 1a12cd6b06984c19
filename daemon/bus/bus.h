/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * org.etalon1 on D-Bus: the daemon as others see it. Layer: bus, above etalond.
 *
 * One file for each interface, its introspection XML beside it: the XML is the API, and a test
 * compares the two. Objects are found by path through fallback vtables. Nothing here waits: what
 * takes time is handed over and answered later.
 */
#ifndef ETALON_BUS_BUS_H
#define ETALON_BUS_BUS_H

#include <systemd/sd-bus.h>

#include "bus/callers.h"
#include "bus/changes.h"
#include "bus/error.h"
#include "etalond/board.h"
#include "etalond/context.h"
#include "etalond/job.h"
#include "etalond/runs.h"

#define BUS_NAME "org.etalon1"
#define BUS_ROOT "/org/etalon1"
#define BUS_BOARDS BUS_ROOT "/board"
#define BUS_JOBS BUS_ROOT "/job"
#define BUS_RUNS BUS_ROOT "/run"
#define BUS_MANAGER_INTERFACE "org.etalon1.Manager"
#define BUS_BOARD_INTERFACE "org.etalon1.Board"
#define BUS_JOB_INTERFACE "org.etalon1.Job"
#define BUS_RUN_INTERFACE "org.etalon1.Run"
#define BUS_PATH_MAX 96

struct bus_watch;

struct bus {
	sd_bus *bus;
	struct context *context;
	struct observer observer;
	struct callers *callers;
	struct changes *changes;
	struct bus_watch *watches; /* bus names of lease holders and of who brings light */
};

/*
 * Exports everything on a connection that is not attached to the event loop yet; from then on the context's
 * observer is this bus. The name is requested separately.
 */
int bus_new(sd_bus *connection, struct context *ctx, struct bus **ret);
struct bus *bus_free(struct bus *bus);
DEFINE_CLEANUP(struct bus *, bus_free, bus_freep);
/* Owns org.etalon1, or -EEXIST with a message that names who does. Called before the loop runs. */
int bus_request_name(struct bus *bus, char **ret_message);
/* -EEXIST with that message when the name has an owner already. */
int bus_check_name(sd_bus *connection, char **ret_message);

/* ---- paths ---- */
struct bus_path {
	char text[BUS_PATH_MAX * 3];
};

struct bus_path bus_board_path(const struct board *board);
struct bus_path bus_job_path(const struct job *job);
struct bus_path bus_run_path(int64_t run);
struct bus *bus_of(const struct context *ctx);
struct board *bus_board_at(struct bus *bus, const char *path);
struct job *bus_job_at(struct bus *bus, const char *path);
int64_t bus_run_at(const char *path); /* 0: none */

/* ---- interfaces (one file each) ---- */
int bus_add_manager(struct bus *bus);
int bus_add_boards(struct bus *bus);
int bus_add_jobs(struct bus *bus);
int bus_add_runs(struct bus *bus);
/* Properties of runs that are not in memory: answered after a worker has read them. */
int bus_add_run_reader(struct bus *bus);

/* ---- calls that are answered later ---- */
struct pending {
	struct bus *bus;
	sd_bus_message *call;
};

/* A reference to the call; pending_done() gives it back. */
int pending_new(struct bus *bus, sd_bus_message *call, size_t size, void *ret);
#define PENDING(bus, call, ret) pending_new((bus), (call), sizeof(**(ret)), (ret))
void pending_free(void *pending);
/* Sends what there is to say and frees. */
void pending_error(void *pending, int error, const char *message, const char *missing);
/* New reply, or NULL. */
sd_bus_message *pending_reply(void *pending);
/* Sends (takes the reply) and frees; r < 0: an error instead. */
void pending_send(void *pending, sd_bus_message *reply, int r);

/* Calls board_client_left() when `name` leaves the bus. Nothing on direct connections. */
int bus_watch_name(struct bus *bus, const char *name, struct board *board);
void bus_unwatch_board(struct bus *bus, struct board *board);

#endif
