/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stored runs as a client on the bus sees them. For tests and benches.
 */
#ifndef ETALON_TESTS_RUNS_H
#define ETALON_TESTS_RUNS_H

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "data/table.h"

/* Number of the newest run, 0 when there is none. */
int64_t runs_newest(sd_bus *bus);
/* Status ("complete", "partial", "running") of a run: malloc'ed. */
char *run_status(sd_bus *bus, int64_t run);
char *run_verdict(sd_bus *bus, int64_t run); /* malloc'ed, "" while there is none */
json_t *run_whole_ledger(sd_bus *bus, int64_t run); /* new reference */
json_t *run_metadata(sd_bus *bus, int64_t run); /* new reference */
/* One number of Run.Ledger; aborts the test when it is not there. */
uint64_t run_ledger(sd_bus *bus, int64_t run, const char *key);
/* All points, over as many GetData calls as it takes: rows and CRC-32C of everything but the meta. */
uint64_t run_data(sd_bus *bus, int64_t run, uint32_t *ret_crc);
/* One GetData: the frame's fd and `next`, or negative errno with the error's name (malloc'ed). */
int run_get_data(sd_bus *bus, int64_t run, uint64_t first, uint64_t count, uint64_t *ret_next,
		 char **ret_error);
/* A small run in one GetData; aborts the test when there is more. */
struct table *run_table(sd_bus *bus, int64_t run);
/* Start jobs; detectors end with NULL. Path of the job, malloc'ed, or NULL with the error on stderr. */
char *measure_wavelength(sd_bus *bus, const char *board, int64_t start_fm, int64_t stop_fm,
			 uint64_t points, int64_t speed_fm_per_s, const char *const *detectors);
char *measure_dark(sd_bus *bus, const char *board, uint64_t points, uint64_t period_ns,
		   uint64_t aperture_ns, const char *const *detectors);
/* Any request of daemon/measure/request.h: JSON with ' for ". */
char *measure_request(sd_bus *bus, const char *board, const char *request);
/* Its PlanSetpoints. */
struct table *plan_setpoints(sd_bus *bus, const char *board, const char *request);
/* Waits for Job.State "done": Job.Result, malloc'ed. */
char *job_wait(sd_bus *bus, const char *job, int64_t *ret_run, int timeout_ms);

#endif
