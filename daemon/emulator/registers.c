// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The register map of section 1 of hw.h: what each address reads and what writing it does.
 */
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define SOURCE_BLOCK 64U
#define DETECTOR_BLOCK 16U
#define LIVE_MIN_NS 1000U
#define LIVE_MAX_NS 1000000000U

static bool in_blocks(uint32_t address, uint32_t base, uint32_t block, uint32_t count,
		      uint32_t *ret_n)
{
	if (address < base || address >= base + block * count)
		return false;
	*ret_n = (address - base) / block;
	return true;
}

/* Remaining emission delay, which a program that needs light would have to wait for besides. */
static uint64_t delay_left(const struct board *b)
{
	const struct safety *s = &b->safety;

	if (s->state != ETALON_HW_STATE_DELAY || !b->sequencer.program->needs_emitting)
		return 0;
	return s->emission_ready > b->real_ns ? s->emission_ready - b->real_ns : 0;
}

static uint64_t duration(const struct board *b)
{
	bool bound;

	if (!b->sequencer.program)
		return 0;
	return sequencer_duration_ns(b, b->sequencer.program, board_now(b), &bound) + delay_left(b);
}

static uint64_t emission_ready_tick(const struct board *b)
{
	return b->safety.state == ETALON_HW_STATE_DELAY
		       ? board_tick(b, board_time(b, b->safety.emission_ready))
		       : 0;
}

/* 64-bit registers, by the address of their low word. */
static bool read_wide(struct board *b, uint32_t address, uint64_t *ret)
{
	const struct program *p = b->sequencer.program;
	uint32_t n;

	switch (address) {
	case ETALON_REG_TICK:
		*ret = board_tick(b, board_now(b));
		return true;
	case ETALON_REG_LAST_OFF_TICK:
		*ret = b->safety.last_off_tick;
		return true;
	case ETALON_REG_EMISSION_READY_TICK:
		*ret = emission_ready_tick(b);
		return true;
	case ETALON_REG_RESULT_LOW:
		*ret = (uint64_t)b->result.low;
		return true;
	case ETALON_REG_RESULT_HIGH:
		*ret = (uint64_t)b->result.high;
		return true;
	case ETALON_REG_PROGRAM_DURATION_NS:
		*ret = duration(b);
		return true;
	case ETALON_REG_PROGRAM_POINTS:
		*ret = p ? p->points : 0;
		return true;
	case ETALON_REG_PRODUCED:
		*ret = records_sequence(b->records);
		return true;
	case ETALON_REG_LOST:
		*ret = records_lost(b->records);
		return true;
	default:
		break;
	}
	if (dma_read_wide(b, address, ret))
		return true;
	if (!in_blocks(address, ETALON_REG_SOURCE(0), SOURCE_BLOCK, b->description->source_count,
		       &n) ||
	    address % SOURCE_BLOCK >= ETALON_SOURCE_STATUS)
		return false;
	*ret = (uint64_t)source_read(b, n, address % SOURCE_BLOCK);
	return true;
}

static bool limits_complete(const struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++)
		if (b->source[n].emits && !b->source_state[n].limits_written)
			return false;
	return true;
}

uint32_t board_status_bits(const struct board *b)
{
	const bool bound = b->sequencer.program && b->sequencer.duration_is_bound;

	return safety_status_bits(b) | (bound ? ETALON_HW_STATUS_DURATION_IS_BOUND : 0);
}

static uint32_t aux_in(const struct board *b)
{
	return (b->aux.in & ~b->aux.direction) | (b->aux.out & b->aux.direction);
}

static uint32_t take_edges(struct board *b)
{
	const uint32_t edges = b->aux.edges;

	b->aux.edges = 0;
	return edges;
}

static uint32_t read_narrow(struct board *b, uint32_t address)
{
	const struct program *p = b->sequencer.program;
	uint32_t value;

	switch (address) {
	case ETALON_REG_MAGIC:
		return ETALON_HW_MAGIC;
	case ETALON_REG_VERSION:
		return ETALON_HW_VERSION;
	case ETALON_REG_DESCRIPTION_SIZE:
		return (uint32_t)b->description_size;
	case ETALON_REG_SCRATCH:
		return b->scratch;
	case ETALON_REG_STATE:
		return b->safety.state;
	case ETALON_REG_CAUSES_LIVE:
		return b->safety.live;
	case ETALON_REG_CAUSES_LATCHED:
		return b->safety.latched;
	case ETALON_REG_LAST_OFF_CAUSE:
		return b->safety.last_off_cause;
	case ETALON_REG_WATCHDOG_NS:
		return b->safety.watchdog_ns;
	case ETALON_REG_LIMITS_WRITTEN:
		return limits_complete(b);
	case ETALON_REG_STATUS_BITS:
		return board_status_bits(b);
	case ETALON_REG_RESULT:
		return b->result.result;
	case ETALON_REG_RESULT_DETAIL:
		return b->result.detail;
	case ETALON_REG_SEQUENCER:
		return b->sequencer.state;
	case ETALON_REG_PROGRAM_CRC:
		return p ? p->crc : 0;
	case ETALON_REG_RECORD_STRIDE:
		return p ? p->stride : 0;
	case ETALON_REG_RECORD_RATE_MAX:
		return (uint32_t)board_record_rate_max(b);
	case ETALON_REG_LIVE_APERTURE_NS:
		return b->live.aperture_ns;
	case ETALON_REG_AUX_DIRECTION:
		return b->aux.direction;
	case ETALON_REG_AUX_OUT:
		return b->aux.out;
	case ETALON_REG_AUX_IN:
		return aux_in(b);
	case ETALON_REG_AUX_EDGES:
		return take_edges(b);
	default:
		return dma_read_narrow(b, address, &value) ? value : 0;
	}
}

static uint32_t word_of(const void *table, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, (const uint8_t *)table + offset, sizeof(word));
	return word;
}

static uint32_t read_block(struct board *b, uint32_t address)
{
	const struct etalon_hw_description *d = b->description;
	uint32_t n;

	if (in_blocks(address, ETALON_REG_SOURCE(0), SOURCE_BLOCK, d->source_count, &n) &&
	    address % SOURCE_BLOCK == ETALON_SOURCE_STATUS)
		return source_status(b, n);
	if (in_blocks(address, ETALON_REG_DETECTOR(0), DETECTOR_BLOCK, d->detector_count, &n) &&
	    address % DETECTOR_BLOCK == ETALON_DETECTOR_RANGE)
		return b->detector_state[n].range;
	if (in_blocks(address, ETALON_REG_LIVE(0), sizeof(struct etalon_hw_live), d->detector_count,
		      &n))
		return word_of(b->live.window, address - ETALON_REG_LIVE(0));
	if (address >= ETALON_REG_DESCRIPTION &&
	    address + sizeof(uint32_t) <= ETALON_REG_DESCRIPTION + b->description_size)
		return word_of(d, address - ETALON_REG_DESCRIPTION);
	return 0;
}

static uint32_t read_word(struct board *b, uint32_t address)
{
	uint64_t wide;

	if (address % 8 == 4 && b->wide.read_address == address - 4) {
		b->wide.read_address = UINT32_MAX;
		return b->wide.read_high;
	}
	b->wide.read_address = UINT32_MAX;
	if (address % 8 == 0 && read_wide(b, address, &wide)) {
		b->wide.read_address = address;
		b->wide.read_high = (uint32_t)(wide >> 32);
		return (uint32_t)wide;
	}
	if (address % 8 == 4 && read_wide(b, address - 4, &wide))
		return (uint32_t)(wide >> 32);
	if (address < ETALON_REG_SOURCE(0))
		return read_narrow(b, address);
	return read_block(b, address);
}

uint32_t board_read(struct board *b, uint32_t address)
{
	return hostile_read(b, read_word(b, address));
}

/* ---- writing ---- */

static void write_watchdog(struct board *b, uint32_t value)
{
	if (b->safety.state != ETALON_HW_STATE_OFF)
		return board_result(b, ETALON_HW_REFUSED_STATE, b->safety.state, 0, 0);
	/* Any period can be written; ARM tells what it thinks of it. */
	b->safety.watchdog_ns = value;
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
}

static void write_live_aperture(struct board *b, uint32_t value)
{
	if (value < LIVE_MIN_NS || value > LIVE_MAX_NS)
		return board_result(b, ETALON_HW_REFUSED_TIMING, 1, LIVE_MIN_NS, LIVE_MAX_NS);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	live_restart(b, value);
}

static void write_range(struct board *b, unsigned int n, uint32_t value)
{
	struct detector_state *d = &b->detector_state[n];

	if (value >= b->detector[n].range_count)
		return board_result(b, ETALON_HW_REFUSED_CHANNEL, n, 0,
				    b->detector[n].range_count - 1);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (d->range == value)
		return;
	d->range = (uint8_t)value;
	d->switched_ns = board_now(b);
}

static void write_aux(struct board *b, uint32_t *target, uint32_t value)
{
	const uint32_t before = aux_in(b);
	const uint32_t lines = (uint32_t)((1ULL << b->description->aux_lines) - 1);

	*target = value & lines;
	if (aux_in(b) != before)
		board_notify(b, ETALON_HW_EVENT_AUX);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
}

static void command(struct board *b, uint32_t value)
{
	switch (value) {
	case ETALON_HW_COMMAND_LOAD:
		return sequencer_load(b);
	case ETALON_HW_COMMAND_START:
		return sequencer_start(b);
	case ETALON_HW_COMMAND_STOP:
		board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
		return sequencer_stop(b, ETALON_HW_END_STOPPED, board_now(b));
	case ETALON_HW_COMMAND_UPLOAD:
		return dma_upload(b);
	case ETALON_HW_COMMAND_ARM:
	case ETALON_HW_COMMAND_EMIT:
	case ETALON_HW_COMMAND_OFF:
	case ETALON_HW_COMMAND_CLEAR:
	case ETALON_HW_COMMAND_HALT:
		return safety_command(b, value);
	default:
		return board_result(b, ETALON_HW_REFUSED_STATE, value, ETALON_HW_COMMAND_UPLOAD,
				    ETALON_HW_COMMAND_HALT);
	}
}

static bool write_narrow(struct board *b, uint32_t address, uint32_t value)
{
	switch (address) {
	case ETALON_REG_WATCHDOG_NS:
		write_watchdog(b, value);
		return true;
	case ETALON_REG_COMMAND:
		command(b, value);
		return true;
	case ETALON_REG_LIVE_APERTURE_NS:
		write_live_aperture(b, value);
		return true;
	case ETALON_REG_AUX_DIRECTION:
		write_aux(b, &b->aux.direction, value);
		return true;
	case ETALON_REG_AUX_OUT:
		write_aux(b, &b->aux.out, value);
		return true;
	case ETALON_REG_SCRATCH:
		b->scratch = value;
		return true;
	case ETALON_REG_LIVE_LATCH:
		live_latch(b);
		return true;
	default:
		return dma_write(b, address, value);
	}
}

bool registers_join(struct board *b, uint32_t address, uint32_t value, uint64_t current,
		    uint64_t *ret)
{
	struct wide_access *w = &b->wide;
	const uint32_t low_address = address & ~7U;
	uint32_t low;

	if (address == low_address) {
		w->write_address = address;
		w->write_low = value;
		return false;
	}
	low = w->write_address == low_address ? w->write_low : (uint32_t)current;
	w->write_address = UINT32_MAX;
	*ret = (uint64_t)value << 32 | low;
	return true;
}

static void write_source(struct board *b, unsigned int n, uint32_t address, uint32_t value)
{
	const uint32_t offset = (address & ~7U) % SOURCE_BLOCK;
	uint64_t whole;

	if (registers_join(b, address, value, (uint64_t)source_read(b, n, offset), &whole))
		source_write(b, n, offset, (int64_t)whole);
}

static void log_write(struct board *b, uint32_t address, uint32_t value)
{
	event_log_line(b->log, b->real_ns, board_tick(b, board_now(b)),
		       address == ETALON_REG_COMMAND ? "command" : "write",
		       "\"address\":%u,\"value\":%u,\"result\":%u,\"detail\":%u", address, value,
		       b->result.result, b->result.detail);
}

void board_write(struct board *b, uint32_t address, uint32_t value)
{
	const struct etalon_hw_description *d = b->description;
	uint32_t n;

	if (address == ETALON_REG_KICK) {
		if (value == ETALON_HW_KICK)
			safety_kick(b);
		return;
	}
	if (in_blocks(address, ETALON_REG_SOURCE(0), SOURCE_BLOCK, d->source_count, &n) &&
	    address % SOURCE_BLOCK < ETALON_SOURCE_STATUS)
		write_source(b, n, address, value);
	else if (in_blocks(address, ETALON_REG_DETECTOR(0), DETECTOR_BLOCK, d->detector_count,
			   &n) &&
		 address % DETECTOR_BLOCK == ETALON_DETECTOR_RANGE)
		write_range(b, n, value);
	else if (!write_narrow(b, address, value))
		return; /* unknown registers ignore writes */
	log_write(b, address, value);
}
