// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The light log: when the ports cross -40 dBm and emitting currents reach 0. What follows a
 * command is modelled, so its time is known at once and is logged at once: a log is complete
 * even when the process dies in the next instant.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

#define PORT_DARK_W 1e-7 /* -40 dBm */
#define HORIZON_NS (20 * (int64_t)NSEC_PER_MSEC) /* every transient is over by then */
#define HALVINGS 30

static double port_power(struct board *b, int64_t t_ns)
{
	struct plant_conditions c;

	board_conditions(b, t_ns, &c);
	c.run_key = RUN_KEY_LIVE;
	return plant_port_power(b->plant, &c);
}

static bool lit(struct board *b, int64_t t_ns)
{
	return port_power(b, t_ns) >= PORT_DARK_W;
}

/* First moment in (from, to] at which the port is `wanted`; it is at `to`, not at `from`. */
static int64_t crossing(struct board *b, int64_t from, int64_t to, bool wanted)
{
	for (int i = 0; i < HALVINGS && to - from > 1; i++) {
		const int64_t middle = from + (to - from) / 2;

		if (lit(b, middle) == wanted)
			to = middle;
		else
			from = middle;
	}
	return to;
}

static void log_crossing(struct board *b, int64_t t_ns, bool is_lit)
{
	b->port_lit = is_lit;
	event_log_line(b->log, board_real(b, t_ns), board_tick(b, t_ns),
		       is_lit ? "port-above" : "port-below", "\"power_w\":%.4g",
		       port_power(b, t_ns));
}

void light_check(struct board *b, int64_t t_ns)
{
	const bool end = lit(b, t_ns + HORIZON_NS);

	if (end == b->port_lit)
		return;
	log_crossing(b, lit(b, t_ns) == end ? t_ns : crossing(b, t_ns, t_ns + HORIZON_NS, end),
		     end);
}

void light_current_zero(struct board *b, unsigned int n, int64_t t_ns)
{
	const struct motion *m = &b->motions.motion[n];

	if (b->source[n].safe_action != ETALON_HW_SAFE_RAMP_ZERO || m->end_ns <= t_ns)
		return;
	event_log_line(b->log, board_real(b, m->end_ns), board_tick(b, m->end_ns), "current-zero",
		       "\"source\":\"%s\"", b->source[n].name);
}

void light_off(struct board *b, int64_t t_ns)
{
	light_check(b, t_ns);
	for (unsigned int n = 0; n < b->description->source_count; n++)
		if (b->source[n].emits)
			light_current_zero(b, n, t_ns);
}
