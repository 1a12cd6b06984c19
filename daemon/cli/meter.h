/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a meter knows, and how it is shown. Layer: cli.
 */
#ifndef ETALON_CLI_METER_H
#define ETALON_CLI_METER_H

#include "cli/channels.h"
#include "cli/screen.h"

#define METER_CHANNELS_MAX 16

struct meter_channel {
	const char *name;
	const json_t *reading; /* the newest, in meter.readings */
	double level; /* W, or the detector's own unit */
	double peak, mark; /* NaN: none yet */
	bool is_power;
};

struct meter {
	struct cli *cli;
	struct object *board;
	struct screen *screen; /* NULL: lines */
	json_t *names, *readings;
	struct meter_channel channels[METER_CHANNELS_MAX];
	size_t count;
	int64_t aperture_ns;
	uint64_t interval_ns;
	int64_t limit; /* readings, 0: until Ctrl-C */
	bool gate_opened; /* by key g */
	char said[120]; /* the last refusal */
};

void meter_show(struct meter *m);

#endif
