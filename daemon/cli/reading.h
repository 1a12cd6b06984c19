/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Live readings of detectors, for read and meter. Layer: cli.
 */
#ifndef ETALON_CLI_READING_H
#define ETALON_CLI_READING_H

#include "cli/bus.h"
#include "cli/print.h"

/*
 * The call Read: names an array of strings, aperture_ns 0: as it is, ranges may be NULL. NULL
 * without memory.
 */
sd_bus_message *reading_call(struct cli *cli, const struct object *board, const json_t *names,
			     int64_t aperture_ns, const json_t *ranges);

/* "-12.34 dBm" where there is power, else "12.3 uA"; "-" for power that is not positive. */
struct text reading_text(const json_t *reading);
/* The dark that a zero found and that was taken off: "0.51 nA (run 3, 2 min)"; "" without. */
struct text reading_dark(const json_t *reading);
/* "saturated", "settling" or "". */
const char *reading_flag(const json_t *reading);

#endif
