/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The register and light log: one JSON object a line, each line one write(2), so that the
 * log is whole whenever the process dies. Layer: emulator; knows no registers, no plant.
 *
 * Every line has "t_ns" (CLOCK_MONOTONIC at which the event holds, which for the end of a modelled
 * transient lies a little ahead), "logged_ns" (when the line was written) and "tick" (board).
 */
#ifndef ETALON_EMULATOR_LOG_H
#define ETALON_EMULATOR_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/util.h"

struct event_log;

/* NULL path: a log that drops everything. -errno with a message. */
int event_log_open(const char *path, struct event_log **ret, char **ret_message);
struct event_log *event_log_close(struct event_log *log);
DEFINE_CLEANUP(struct event_log *, event_log_close, event_log_closep);

/* False: nobody reads the log, the caller may save the work of making a line. */
bool event_log_wanted(const struct event_log *log);

/* `format` makes further members of the object: "\"from\":%d,\"to\":%d", or NULL. */
void event_log_line(struct event_log *log, uint64_t t_ns, uint64_t tick, const char *event,
		    const char *format, ...) _printf_(5, 6);

#endif
