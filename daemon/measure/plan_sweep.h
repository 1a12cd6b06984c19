/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A general sweep as its request says it, before it becomes programs. Layer: measure, private to
 * plan_sweep*.c.
 */
#ifndef ETALON_MEASURE_PLAN_SWEEP_H
#define ETALON_MEASURE_PLAN_SWEEP_H

#include "measure/plan_build.h"

struct sweep_axis {
	struct axis_member member[ETALON_HW_GANG_MAX];
	int64_t *values[ETALON_HW_GANG_MAX]; /* owned; member[].values points here */
	unsigned int member_count;
	int64_t points; /* 0: not said */
	unsigned int mode; /* ETALON_HW_MODE_* */
	unsigned int direction;
	int64_t settle_ns, window, hold_ns, slope, timeout_ns;
};

struct sweep {
	struct sweep_axis axis[ETALON_HW_AXES_MAX];
	unsigned int axis_count;
	bool used[ETALON_HW_SOURCES_MAX];
	bool emission;
	bool dark;
	unsigned int gate;
	struct timing timing;
};

/* Reads and checks the axes; w is zeroed before and cleared after, whatever this returns. */
int sweep_read_axes(struct plan_build *b, struct sweep *w);
void sweep_clear(struct sweep *w);

#endif
