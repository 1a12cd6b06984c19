// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may make light, for how long, and how it ends: ARM, KICK, OFF, the dead-man period,
 * revocation. A process function: the board's own watchdog and its hardware chain are the safety
 * system.
 */
#include <linux/delay.h>

#include "compat.h"
#include "etalon.h"

/* Whatever a board promises: close() shall not hang. */
#define DARK_WAIT_MAX_NS (100 * (u64)NSEC_PER_MSEC)

#define CREATE_TRACE_POINTS
#include "trace.h"

void etalon_emission_cause(struct etalon_board *board, enum etalon_cause cause)
{
	trace_etalon_cause_seen(board->number, cause);
}

static bool may_emit(u32 state)
{
	return state == ETALON_HW_STATE_ARMED || state == ETALON_HW_STATE_DELAY ||
	       state == ETALON_HW_STATE_EMITTING;
}

static void disarm(struct etalon_board *board)
{
	board->armed = false;
	hrtimer_try_to_cancel(&board->expiry); /* when it runs, it finds nothing armed */
}

void etalon_emission_revoke(struct etalon_board *board)
{
	if (!board->control)
		return;
	board->control = NULL;
	etalon_board_note_event(board);
}

/* Told, or found out just now: light is gone when the board's own promise has come true. */
static void expect_dark(struct etalon_board *board)
{
	const struct etalon_hw_description *head = board->description.head;
	const u64 promised_ns = max3(head->off_gate_ns, head->off_port_ns, head->off_current_ns);

	board->dark_at = ktime_add_ns(ktime_get(), min_t(u64, promised_ns, DARK_WAIT_MAX_NS));
}

void etalon_emission_await_dark(struct etalon_board *board)
{
	s64 left_us;

	mutex_lock(&board->lock);
	left_us = ktime_us_delta(board->dark_at, ktime_get());
	mutex_unlock(&board->lock);
	if (left_us >= 0)
		fsleep((unsigned long)left_us + 1);
}

int etalon_emission_off(struct etalon_board *board, u32 command, enum etalon_cause cause)
{
	const bool shone = may_emit(board->safety.state);
	int ret;

	disarm(board);
	ret = board->ops->dark(board, command);
	trace_etalon_emission_off(board->number, cause, ret);
	if (!ret && shone)
		expect_dark(board);
	if (ret == -EIO)
		dev_err_ratelimited(&board->dev,
				    "does not go dark when told; switch it off by its key\n");
	if (ret != -ENODEV) {
		etalon_board_collect(board);
		etalon_board_read_safety(board);
	}
	return etalon_board_result(board, ret);
}

/* The board's watchdog has the same period, and may be first: that is an expiry, too. */
void etalon_emission_noted(struct etalon_board *board)
{
	if (!board->armed || may_emit(board->safety.state))
		return;
	expect_dark(board);
	if (board->safety.last_off_cause != ETALON_HW_CAUSE_WATCHDOG)
		return disarm(board);
	etalon_emission_cause(board, ETALON_CAUSE_EXPIRY);
	board->deadline = ktime_get();
	queue_work(system_highpri_wq, &board->expired);
}

static int limits_of_period(struct etalon_board *board, struct etalon_refusal *refusal)
{
	const struct etalon_hw_description *head = board->description.head;

	return etalon_refuse(refusal, ETALON_HW_REFUSED_WATCHDOG, 0, head->watchdog_min_ns,
			     head->watchdog_max_ns);
}

int etalon_emission_arm(struct etalon_board *board, u64 period_ns, struct etalon_refusal *refusal)
{
	const struct etalon_hw_description *head = board->description.head;
	const ktime_t now = ktime_get();
	int ret;

	if (period_ns < head->watchdog_min_ns || period_ns > head->watchdog_max_ns)
		return limits_of_period(board, refusal);
	ret = board->ops->set_watchdog(board, (u32)period_ns, refusal);
	if (!ret)
		ret = board->ops->command(board, ETALON_HW_COMMAND_ARM, refusal);
	if (ret)
		return ret;
	board->armed = true;
	board->period_ns = period_ns;
	board->deadline = ktime_add_ns(now, period_ns);
	hrtimer_start(&board->expiry, board->deadline, HRTIMER_MODE_ABS);
	return etalon_board_read_safety(board);
}

int etalon_emission_kick(struct etalon_board *board)
{
	const ktime_t now = ktime_get();
	int ret;

	if (!board->armed)
		return -EACCES;
	if (ktime_after(now, board->deadline)) /* too late, although nobody has acted on it yet */
		return -ESTALE;
	ret = board->ops->kick(board);
	if (ret)
		return ret;
	atomic64_inc(&board->kicks);
	board->deadline = ktime_add_ns(now, board->period_ns);
	hrtimer_start(&board->expiry, board->deadline, HRTIMER_MODE_ABS);
	return 0;
}

static enum hrtimer_restart expire(struct hrtimer *timer)
{
	struct etalon_board *board = container_of(timer, struct etalon_board, expiry);

	etalon_emission_cause(board, ETALON_CAUSE_EXPIRY);
	queue_work(system_highpri_wq, &board->expired);
	return HRTIMER_NORESTART;
}

static void act_on_expiry(struct work_struct *work)
{
	struct etalon_board *board = container_of(work, struct etalon_board, expired);

	mutex_lock(&board->lock);
	if (board->armed && !ktime_before(ktime_get(), board->deadline)) {
		etalon_emission_off(board, ETALON_HW_COMMAND_HALT, ETALON_CAUSE_EXPIRY);
		etalon_emission_revoke(board);
	}
	mutex_unlock(&board->lock);
}

void etalon_emission_init(struct etalon_board *board)
{
	etalon_hrtimer_setup(&board->expiry, expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	INIT_WORK(&board->expired, act_on_expiry);
}

void etalon_emission_destroy(struct etalon_board *board)
{
	hrtimer_cancel(&board->expiry);
	cancel_work_sync(&board->expired);
}
