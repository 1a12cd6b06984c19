/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sources and detectors as the board's properties list them, found by what people call them.
 * Layer: cli. Limits are the daemon's business: nothing is checked here but names and units.
 */
#ifndef ETALON_CLI_CHANNELS_H
#define ETALON_CLI_CHANNELS_H

#include "base/quantity.h"
#include "cli/bus.h"

/* By name or alias, or NULL. */
const json_t *find_detector(const struct object *board, const char *name);
const json_t *find_source(const struct object *board, const char *name);
/* What people see: the alias, else the name. */
const char *detector_shown(const json_t *detector);

/* The first that emits with this unit ("fm": the laser's wavelength; "fW": its power), or NULL. */
const json_t *emitting_source(const struct object *board, const char *unit);

/* The kind of quantity that a source takes; QUANTITY_COUNT for what has no unit. */
enum quantity_kind source_kind(const json_t *source);
/* A value of it as text. */
struct quantity_text source_text(const json_t *source, int64_t value);

/*
 * Reads a value for a source. What is written in dBm or THz becomes the nearest setpoint that the
 * source has; anything else is taken as it stands (the daemon refuses what lies between
 * setpoints). Negative errno with a message.
 */
int source_parse(const json_t *source, const char *text, int64_t *ret, char **ret_message);

/* One range of a detector by its name, blanks left out ("100uA"), or NULL. */
const json_t *find_range(const json_t *detector, const char *name);
/* What is said where there is none: the nearest that would do, and those that there are. */
int refuse_range(struct cli *cli, const json_t *detector, const char *name);

/*
 * Splits "a,b" and repeated -d into detector names; refuses unknown ones with the nearest and the
 * list. *ret: array of strings as given. 0 or an exit code.
 */
int read_detectors(struct cli *cli, const struct object *board, const char *const *lists,
		   size_t count, json_t **ret);
/* Refuses one name: nearest, then all there are. Returns EXIT_USAGE. */
int refuse_detector(struct cli *cli, const struct object *board, const char *name);
int refuse_source(struct cli *cli, const struct object *board, const char *name);

#endif
