/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The path of a measurement without processes: plan, engine, ledger, store, conversion, as the
 * daemon strings them together, on a board in this process. For statistics over many seeds.
 */
#ifndef ETALON_TESTS_PIPELINE_H
#define ETALON_TESTS_PIPELINE_H

#include "data/table.h"
#include "direct_link.h"
#include "store/store.h"

/* Runs a request to its end and stores it; the ledgers must be complete. Aborts the test otherwise. */
int64_t pipeline_run(const struct direct_board *b, struct store *store, const json_t *request,
		     uint64_t run_key_base);
/* All points of a run in engineering units. */
struct table *pipeline_table(struct store *store, int64_t run);

#endif
