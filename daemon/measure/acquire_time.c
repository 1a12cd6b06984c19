// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Time-outs of a running program, from what the program and the board say. See acquire_time.h.
 */
#include "measure/acquire_time.h"

#include "base/util.h"
#include "link/quantity.h"

#define SILENCE_NS (3 * NSEC_PER_SEC)
#define BOARD_MARGIN_NS (2 * NSEC_PER_SEC)
#define WALL_MARGIN_NS (60 * NSEC_PER_SEC)
#define WALL_FACTOR 10 /* an emulator on a loaded machine is slower than its clock */

/* The longest that one point may take: period, settling, the last of a wait. */
static uint64_t longest_pause(const struct description *d, const struct etalon_hw_program *p)
{
	uint64_t pause = sum_or_max(p->period_ns, p->clock_timeout_ns);

	for (uint32_t a = 0; a < p->axis_count; a++) {
		const struct etalon_hw_axis *axis = &p->axis[a];

		pause = sum_or_max(pause, sum_or_max(axis->settle_ns, axis->wait_timeout_ns));
		for (unsigned int g = 0; g < axis->gang_count; g++)
			pause = sum_or_max(pause, d->source[axis->gang[g].source].settle_ns);
	}
	return pause;
}

void patience_begin(struct patience *p, const struct description *d, const struct segment *s,
		    const struct link_program *loaded)
{
	const struct etalon_hw_program *program = &s->program;
	bool external = program->point_clock != ETALON_HW_CLOCK_INTERNAL;
	uint64_t now = now_ns(), all = loaded->duration_ns;

	*p = (struct patience){.quiet_since_ns = now};
	p->silence_ns = sum_or_max(SILENCE_NS, product_or_max(2, longest_pause(d, program)));
	if (external && program->clock_timeout_ns == 0)
		p->silence_ns = UINT64_MAX;
	p->first_ns = program->start_source == ETALON_HW_START_EDGE ? UINT64_MAX : p->silence_ns;
	if (external || program->start_source == ETALON_HW_START_EDGE ||
	    loaded->duration_is_bound) {
		p->board_ns = p->wall_end_ns =
			UINT64_MAX; /* nobody knows how long: silence tells */
		return;
	}
	p->board_ns = sum_or_max(all, sum_or_max(all / 4, BOARD_MARGIN_NS));
	p->wall_end_ns =
		sum_or_max(now, sum_or_max(product_or_max(all, WALL_FACTOR), WALL_MARGIN_NS));
}

void patience_renew(struct patience *p)
{
	p->heard = true;
	p->quiet_since_ns = now_ns();
}

void patience_limit(struct patience *p, uint64_t ns)
{
	p->wall_end_ns = MIN(p->wall_end_ns, sum_or_max(now_ns(), ns));
}

static uint64_t silence_end(const struct patience *p)
{
	return sum_or_max(p->quiet_since_ns, p->heard ? p->silence_ns : p->first_ns);
}

uint64_t patience_deadline(const struct patience *p)
{
	return MIN(p->wall_end_ns, silence_end(p));
}

bool patience_silent(const struct patience *p)
{
	return now_ns() >= silence_end(p);
}

static uint64_t board_time(const struct ledger *l)
{
	if (!l->started || l->last_tick < l->start.tick)
		return 0;
	return (uint64_t)MIN((unsigned __int128)(l->last_tick - l->start.tick) * l->start.tick_ps /
				     1000,
			     (unsigned __int128)UINT64_MAX);
}

bool patience_over(const struct patience *p, const struct ledger *l)
{
	return !l->ended && (now_ns() >= p->wall_end_ns || board_time(l) > p->board_ns);
}

char *patience_message(const struct patience *p, const struct ledger *l)
{
	if (board_time(l) > p->board_ns)
		return asprintf_or_null("the board runs on: %s by its own clock, and no END record",
					duration_quantity(board_time(l)).text);
	if (!p->heard)
		return asprintf_or_null("the board started the program and sends no records");
	return asprintf_or_null(
		"the board stopped sending records: the last came %s ago",
		duration_quantity((now_ns() - p->quiet_since_ns) / NSEC_PER_MSEC * NSEC_PER_MSEC)
			.text);
}
