// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The board's operations as register accesses, section 1 of hw.h; see registers.h. Each is a
 * constant number of accesses. Called with board->lock held.
 */
#include <linux/export.h>

#include "registers.h"

static int read_word(struct etalon_board *board, u32 address, u32 *ret)
{
	return board->ops->read(board, address, ret, 1);
}

static int write_word(struct etalon_board *board, u32 address, u32 value)
{
	return board->ops->write(board, address, &value, 1);
}

static u64 wide(const u32 *words)
{
	return words[0] | (u64)words[1] << 32;
}

int etalon_registers_read_wide(struct etalon_board *board, u32 address, u64 *ret)
{
	u32 words[2];
	int r = board->ops->read(board, address, words, 2);

	if (!r)
		*ret = wide(words);
	return r;
}
EXPORT_SYMBOL_GPL(etalon_registers_read_wide);

/* RESULT was not OK: what the board says of it. */
static int read_refusal(struct etalon_board *board, u32 result, struct etalon_refusal *refusal)
{
	u32 words[(ETALON_REG_RESULT_HIGH + 8 - ETALON_REG_RESULT_DETAIL) / 4];
	u64 low, high;
	int ret = board->ops->read(board, ETALON_REG_RESULT_DETAIL, words, ARRAY_SIZE(words));

	if (ret)
		return ret;
	low = wide(&words[(ETALON_REG_RESULT_LOW - ETALON_REG_RESULT_DETAIL) / 4]);
	high = wide(&words[(ETALON_REG_RESULT_HIGH - ETALON_REG_RESULT_DETAIL) / 4]);
	return etalon_refuse(refusal, result, words[0], (s64)low, (s64)high);
}

int etalon_registers_result(struct etalon_board *board, struct etalon_refusal *refusal)
{
	u32 result;
	int ret = read_word(board, ETALON_REG_RESULT, &result);

	if (ret || result == ETALON_HW_RESULT_OK)
		return ret;
	return read_refusal(board, result, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_result);

int etalon_registers_try(struct etalon_board *board, u32 address, const u32 *values,
			 unsigned int count, struct etalon_refusal *refusal)
{
	int ret = board->ops->write(board, address, values, count);

	return ret ?: etalon_registers_result(board, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_try);

static int try_word(struct etalon_board *board, u32 address, u32 value,
		    struct etalon_refusal *refusal)
{
	return etalon_registers_try(board, address, &value, 1, refusal);
}

static int try_wide(struct etalon_board *board, u32 address, s64 value,
		    struct etalon_refusal *refusal)
{
	const u32 words[2] = {(u32)value, (u32)((u64)value >> 32)};

	return etalon_registers_try(board, address, words, 2, refusal);
}

int etalon_registers_safety(struct etalon_board *board, struct etalon_safety *ret)
{
	/* One run of registers, STATE to LAST_OFF_CAUSE. */
	u32 words[(ETALON_REG_LAST_OFF_CAUSE + 4 - ETALON_REG_STATE) / 4];
	int r = board->ops->read(board, ETALON_REG_STATE, words, ARRAY_SIZE(words));

	if (!r)
		r = etalon_registers_read_wide(board, ETALON_REG_LAST_OFF_TICK,
					       &ret->last_off_tick);
	if (!r)
		r = etalon_registers_read_wide(board, ETALON_REG_EMISSION_READY_TICK,
					       &ret->emission_ready_tick);
	if (!r)
		r = read_word(board, ETALON_REG_STATUS_BITS, &ret->status_bits);
	if (r)
		return r;
	ret->state = words[0];
	ret->causes_live = words[1];
	ret->causes_latched = words[2];
	ret->last_off_cause = words[3];
	return 0;
}
EXPORT_SYMBOL_GPL(etalon_registers_safety);

int etalon_registers_command(struct etalon_board *board, u32 command,
			     struct etalon_refusal *refusal)
{
	return try_word(board, ETALON_REG_COMMAND, command, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_command);

int etalon_registers_dark(struct etalon_board *board, u32 command)
{
	u32 state;
	int ret = write_word(board, ETALON_REG_COMMAND, command);

	/* Reading pushes the write out, and what the board wrote to memory in. */
	if (!ret)
		ret = read_word(board, ETALON_REG_STATE, &state);
	if (ret)
		return ret;
	return state == ETALON_HW_STATE_OFF || state == ETALON_HW_STATE_TRIPPED ? 0 : -EIO;
}
EXPORT_SYMBOL_GPL(etalon_registers_dark);

int etalon_registers_kick(struct etalon_board *board)
{
	return write_word(board, ETALON_REG_KICK, ETALON_HW_KICK);
}
EXPORT_SYMBOL_GPL(etalon_registers_kick);

int etalon_registers_set_watchdog(struct etalon_board *board, u32 period_ns,
				  struct etalon_refusal *refusal)
{
	return try_word(board, ETALON_REG_WATCHDOG_NS, period_ns, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_set_watchdog);

int etalon_registers_set_limits(struct etalon_board *board, u32 source,
				const struct etalon_span *limits, struct etalon_refusal *refusal)
{
	const u32 base = ETALON_REG_SOURCE(source);
	/* RESULT speaks of the last write only, and either may be refused. */
	int ret = try_wide(board, base + ETALON_SOURCE_LIMIT_LOW, limits->low, refusal);

	if (!ret)
		ret = try_wide(board, base + ETALON_SOURCE_LIMIT_HIGH, limits->high, refusal);
	return ret;
}
EXPORT_SYMBOL_GPL(etalon_registers_set_limits);

int etalon_registers_set_source(struct etalon_board *board, u32 source, s64 value,
				struct etalon_refusal *refusal)
{
	return try_wide(board, ETALON_REG_SOURCE(source) + ETALON_SOURCE_SETPOINT, value, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_set_source);

int etalon_registers_get_source(struct etalon_board *board, u32 source,
				struct etalon_source_now *ret)
{
	const u32 base = ETALON_REG_SOURCE(source);
	u64 setpoint, actual;
	int r = etalon_registers_read_wide(board, base + ETALON_SOURCE_SETPOINT, &setpoint);

	if (!r)
		r = etalon_registers_read_wide(board, base + ETALON_SOURCE_ACTUAL, &actual);
	if (!r)
		r = read_word(board, base + ETALON_SOURCE_STATUS, &ret->status);
	if (r)
		return r;
	ret->setpoint = (s64)setpoint;
	ret->actual = (s64)actual;
	return 0;
}
EXPORT_SYMBOL_GPL(etalon_registers_get_source);

int etalon_registers_set_compliance(struct etalon_board *board, u32 source, s64 value,
				    struct etalon_refusal *refusal)
{
	return try_wide(board, ETALON_REG_SOURCE(source) + ETALON_SOURCE_COMPLIANCE, value,
			refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_set_compliance);

int etalon_registers_set_range(struct etalon_board *board, u32 detector, u32 range,
			       struct etalon_refusal *refusal)
{
	return try_word(board, ETALON_REG_DETECTOR(detector) + ETALON_DETECTOR_RANGE, range,
			refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_set_range);

int etalon_registers_set_live_aperture(struct etalon_board *board, u32 aperture_ns,
				       struct etalon_refusal *refusal)
{
	return try_word(board, ETALON_REG_LIVE_APERTURE_NS, aperture_ns, refusal);
}
EXPORT_SYMBOL_GPL(etalon_registers_set_live_aperture);

int etalon_registers_live(struct etalon_board *board, u32 first, u32 count,
			  struct etalon_hw_live *ret)
{
	int r = write_word(board, ETALON_REG_LIVE_LATCH, 1);

	if (r)
		return r;
	return board->ops->read(board, ETALON_REG_LIVE(first), (u32 *)ret,
				count * sizeof(*ret) / sizeof(u32));
}
EXPORT_SYMBOL_GPL(etalon_registers_live);

int etalon_registers_loaded(struct etalon_board *board, struct etalon_loaded *ret)
{
	/* One run of registers, SEQUENCER to RECORD_STRIDE. */
	u32 words[(ETALON_REG_RECORD_STRIDE + 4 - ETALON_REG_SEQUENCER) / 4];
	u32 status_bits;
	int r = board->ops->read(board, ETALON_REG_SEQUENCER, words, ARRAY_SIZE(words));

	if (!r)
		r = read_word(board, ETALON_REG_STATUS_BITS, &status_bits);
	if (!r)
		r = etalon_registers_read_wide(board, ETALON_REG_PRODUCED, &ret->produced);
	if (r)
		return r;
	ret->sequencer = words[0];
	ret->crc = words[1];
	ret->duration_ns = wide(&words[2]);
	ret->points = wide(&words[4]);
	ret->stride = words[6];
	ret->duration_is_bound = !!(status_bits & ETALON_HW_STATUS_DURATION_IS_BOUND);
	return 0;
}
EXPORT_SYMBOL_GPL(etalon_registers_loaded);

int etalon_registers_tick(struct etalon_board *board, u64 *ret)
{
	return etalon_registers_read_wide(board, ETALON_REG_TICK, ret);
}
EXPORT_SYMBOL_GPL(etalon_registers_tick);

/* Read, change, write: board->lock keeps two callers with other masks apart. */
static int change(struct etalon_board *board, u32 address, u32 mask, u32 values)
{
	u32 word;
	int ret = read_word(board, address, &word);

	if (ret)
		return ret;
	return write_word(board, address, (word & ~mask) | (values & mask));
}

int etalon_registers_aux_direction(struct etalon_board *board, u32 mask, u32 outputs)
{
	return change(board, ETALON_REG_AUX_DIRECTION, mask, outputs);
}
EXPORT_SYMBOL_GPL(etalon_registers_aux_direction);

int etalon_registers_aux_set(struct etalon_board *board, u32 mask, u32 values)
{
	return change(board, ETALON_REG_AUX_OUT, mask, values);
}
EXPORT_SYMBOL_GPL(etalon_registers_aux_set);

int etalon_registers_aux_outputs(struct etalon_board *board, u32 *ret_outputs)
{
	return read_word(board, ETALON_REG_AUX_DIRECTION, ret_outputs);
}
EXPORT_SYMBOL_GPL(etalon_registers_aux_outputs);

int etalon_registers_aux_get(struct etalon_board *board, u32 *ret_values, u32 *ret_edges)
{
	int ret = read_word(board, ETALON_REG_AUX_IN, ret_values);

	if (!ret && ret_edges)
		ret = read_word(board, ETALON_REG_AUX_EDGES, ret_edges);
	return ret;
}
EXPORT_SYMBOL_GPL(etalon_registers_aux_get);
