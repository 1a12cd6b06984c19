// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Who may bring light, and the kicks that keep it: from the main loop only, and only while
 * the holder has spoken within its period. See board.h.
 */
#include "etalond/board.h"

#include "base/util.h"
#include "etalond/audit.h"
#include "etalond/job.h"

#define KICKS_PER_WATCHDOG 4

static void on_lease_ended(_unused_ struct lease *lease, const char *why, void *userdata)
{
	board_end_lease(userdata, why);
}

void board_end_lease(struct board *b, const char *why)
{
	struct lease *lease = b->lease;

	if (!lease)
		return;
	board_gate_opened_by(b, NULL);
	b->lease = NULL; /* no kick from here on, whatever happens below */
	board_update_kicks(b);
	if (b->job)
		job_light_lost(b->job, -ENOLCK, why);
	if (board_is_lit(b) || b->emit_pending)
		board_off(b, why, NULL, NULL);
	audit(NULL, "lease-end", b, "%s", why);
	lease_close(lease, why);
	lease_free(lease);
	board_changed(b, BOARD_LEASE);
}

int board_lease(struct board *b, uint32_t period_ms, const struct lease_holder *holder,
		bool take_over, int *ret_fd, char **ret_message)
{
	char why[160];
	int r;

	if (!b->present)
		return fail(ret_message, -ENODEV,
			    "the board is gone: check its cable and power, then try again");
	if (b->lease && !take_over)
		return fail(ret_message, -EUSERS,
			    "%s holds the lease; let it end there, or take it over (--take-over)",
			    lease_holder_text(b->lease));
	if (b->lease) {
		snprintf(why, sizeof(why), "the lease of %s was taken over by %s (uid %u)",
			 lease_holder(b->lease)->name, holder->name, holder->uid);
		board_end_lease(b, why);
	}
	r = lease_new(b->context->event, period_ms, holder, on_lease_ended, b, &b->lease, ret_fd,
		      ret_message);
	if (r < 0)
		return r;
	board_changed(b, BOARD_LEASE);
	return 0;
}

int board_may_emit(const struct board *b, const struct actor *actor, char **ret_message)
{
	const struct lease_holder *holder;

	if (!b->lease)
		return fail(ret_message, -ENOLCK,
			    "light needs a lease and nobody holds it: take it with Lease "
			    "(etalonctl takes it by itself; etalonctl hold keeps it)");
	holder = lease_holder(b->lease);
	/* Processes of the holder's user attach to its lease; the lease's death ends their light. */
	if (streq(holder->name, actor->name) || holder->uid == actor->uid)
		return 0;
	return fail(ret_message, -EUSERS,
		    "%s holds the lease of this board; only its user may bring light with it",
		    lease_holder_text(b->lease));
}

/* ---- clients that leave ---- */

void board_gate_opened_by(struct board *b, const char *name)
{
	snprintf(b->gate_opener, sizeof(b->gate_opener), "%s", name ? name : "");
}

static void shut_gate_of(struct board *b, const char *name)
{
	char why[96];

	snprintf(why, sizeof(why), "%s, which had opened the gate, left the bus: gate shut", name);
	board_gate_opened_by(b, NULL);
	board_gate(b, false, NULL, NULL);
	board_record_off(b, why, wall_ns());
	audit(NULL, "gate-shut", b, "%s", why);
	board_changed(b, BOARD_LAST_OFF);
}

void board_client_left(struct board *b, const char *name)
{
	char why[160];

	if (b->lease && streq(lease_holder(b->lease)->name, name)) {
		snprintf(why, sizeof(why), "lease holder %s left the bus",
			 lease_holder_text(b->lease));
		board_end_lease(b, why);
		return;
	}
	/* Attached to another's lease: that one lives on, and its laser stays warm. */
	if (b->job && streq(b->job->owner, name)) {
		snprintf(why, sizeof(why), "%s, whose job it was, left the bus", name);
		job_light_lost(b->job, -ECANCELED, why);
	}
	if (streq(b->gate_opener, name))
		shut_gate_of(b, name);
}

/* ---- kicks ---- */

struct kick {
	struct command command;
	struct board *board;
};

static int run_kick(_unused_ struct command *c, struct link *link)
{
	return link->ops->kick(link);
}

static void kick_done(struct command *c)
{
	struct kick *kick = container_of(c, struct kick, command);

	kick->board->kick_pending = false;
	free(c->message);
	free(kick);
}

static uint64_t kick_period_us(const struct board *b)
{
	return (uint64_t)b->context->config->watchdog_ms * 1000 / KICKS_PER_WATCHDOG;
}

static void send_kick(struct board *b)
{
	struct kick *kick;

	/* One at a time: kicks that pile up behind a slow board prove nothing. */
	if (b->kick_pending || !b->lease || !lease_fresh(b->lease))
		return;
	kick = calloc(1, sizeof(*kick));
	if (!kick)
		return;
	kick->board = b;
	kick->command.class = COMMAND_KICK;
	kick->command.run = run_kick;
	kick->command.done = kick_done;
	b->kick_pending = true;
	board_io_submit(b->io, &kick->command);
}

static int on_kick_timer(sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct board *b = userdata;
	int r;

	send_kick(b);
	/* From now, not from when it was due: after a hang there is nothing to make up for. */
	r = sd_event_source_set_time(source, now_ns() / NSEC_PER_USEC + kick_period_us(b));
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void board_update_kicks(struct board *b)
{
	bool wanted = b->lease && (board_is_lit(b) || b->emit_pending);

	/* Without light there is no timer: an idle daemon never wakes. */
	if (!wanted)
		b->kick_timer = sd_event_source_disable_unref(b->kick_timer);
	else if (!b->kick_timer)
		sd_event_add_time(b->context->event, &b->kick_timer, CLOCK_MONOTONIC,
				  now_ns() / NSEC_PER_USEC, 1000, on_kick_timer, b);
}
