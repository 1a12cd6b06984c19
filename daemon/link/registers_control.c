// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The control calls of the register driver: status, sources, safety, auxiliary lines. Each
 * is one or two register bursts.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/util.h"
#include "link/registers_private.h"

static int check_source(struct registers *r, unsigned int source)
{
	return source < r->description->head.source_count ? 0 : -EINVAL;
}

static int check_detector(struct registers *r, unsigned int detector)
{
	return detector < r->description->head.detector_count ? 0 : -EINVAL;
}

/* A register's 32 or 64 bits within a burst that was read from `first` on. */
static uint32_t word(const char *burst, uint32_t first, uint32_t address)
{
	uint32_t value;

	memcpy(&value, burst + (address - first), sizeof(value));
	return value;
}

static uint64_t wide(const char *burst, uint32_t first, uint32_t address)
{
	uint64_t value;

	memcpy(&value, burst + (address - first), sizeof(value));
	return value;
}

#define SAFETY_FIRST ETALON_REG_STATE
#define SAFETY_SIZE (ETALON_REG_STATUS_BITS + 4 - SAFETY_FIRST)
#define COUNT_FIRST ETALON_REG_SEQUENCER
#define COUNT_SIZE (ETALON_REG_LOST + 8 - COUNT_FIRST)

static int registers_status(struct link *link, struct link_status *ret)
{
	struct registers *r = registers_of(link);
	struct link_status s = {};
	char safety[SAFETY_SIZE], count[COUNT_SIZE];
	int error;

	error = registers_read(r, SAFETY_FIRST, safety, sizeof(safety));
	if (error < 0)
		return error;
	error = registers_read(r, COUNT_FIRST, count, sizeof(count));
	if (error < 0)
		return error;
	error = registers_read(r, ETALON_REG_TICK, &s.tick, sizeof(s.tick));
	if (error < 0)
		return error;
	if (r->description->head.aux_lines > 0)
		error = registers_read(r, ETALON_REG_AUX_IN, &s.aux_in, sizeof(s.aux_in));
	if (error < 0)
		return error;
	s.state = word(safety, SAFETY_FIRST, ETALON_REG_STATE);
	s.causes_live = word(safety, SAFETY_FIRST, ETALON_REG_CAUSES_LIVE);
	s.causes_latched = word(safety, SAFETY_FIRST, ETALON_REG_CAUSES_LATCHED);
	s.last_off_cause = word(safety, SAFETY_FIRST, ETALON_REG_LAST_OFF_CAUSE);
	s.last_off_tick = wide(safety, SAFETY_FIRST, ETALON_REG_LAST_OFF_TICK);
	s.emission_ready_tick = wide(safety, SAFETY_FIRST, ETALON_REG_EMISSION_READY_TICK);
	s.status_bits = word(safety, SAFETY_FIRST, ETALON_REG_STATUS_BITS);
	s.sequencer = word(count, COUNT_FIRST, ETALON_REG_SEQUENCER);
	s.records_lost = wide(count, COUNT_FIRST, ETALON_REG_LOST);
	if (s.state > ETALON_HW_STATE_TRIPPED || s.sequencer > ETALON_HW_SEQUENCER_ENDED)
		return -EPROTO;
	*ret = s;
	return 0;
}

static void note_asked(struct link_refusal *refusal, int64_t asked)
{
	if (refusal && refusal->result != ETALON_HW_RESULT_OK) {
		refusal->has_asked = true;
		refusal->asked = asked;
	}
}

/* One 64-bit register of a source. */
static int set_source_register(struct link *link, unsigned int source, uint32_t offset,
			       int64_t value, struct link_refusal *ret_refusal)
{
	struct registers *r = registers_of(link);
	int error = check_source(r, source);

	if (error < 0)
		return error;
	error = registers_try(r, ETALON_REG_SOURCE(source) + offset, &value, sizeof(value),
			      ret_refusal);
	note_asked(ret_refusal, value);
	return error;
}

static int registers_set_limits(struct link *link, unsigned int source, int64_t low, int64_t high,
				struct link_refusal *ret_refusal)
{
	/* Two accesses: RESULT speaks of the last write only, and either may be refused. */
	int error = set_source_register(link, source, ETALON_SOURCE_LIMIT_LOW, low, ret_refusal);

	if (error < 0)
		return error;
	return set_source_register(link, source, ETALON_SOURCE_LIMIT_HIGH, high, ret_refusal);
}

static int registers_set_source(struct link *link, unsigned int source, int64_t value,
				struct link_refusal *ret_refusal)
{
	return set_source_register(link, source, ETALON_SOURCE_SETPOINT, value, ret_refusal);
}

static int registers_set_compliance(struct link *link, unsigned int source, int64_t value,
				    struct link_refusal *ret_refusal)
{
	return set_source_register(link, source, ETALON_SOURCE_COMPLIANCE, value, ret_refusal);
}

static int registers_get_source(struct link *link, unsigned int source, int64_t *ret_setpoint,
				int64_t *ret_actual)
{
	struct registers *r = registers_of(link);
	char burst[ETALON_SOURCE_ACTUAL + 8];
	int error = check_source(r, source);

	if (error < 0)
		return error;
	error = registers_read(r, ETALON_REG_SOURCE(source), burst, sizeof(burst));
	if (error < 0)
		return error;
	*ret_setpoint = (int64_t)wide(burst, 0, ETALON_SOURCE_SETPOINT);
	*ret_actual = (int64_t)wide(burst, 0, ETALON_SOURCE_ACTUAL);
	return 0;
}

static int registers_set_range(struct link *link, unsigned int detector, unsigned int range,
			       struct link_refusal *ret_refusal)
{
	struct registers *r = registers_of(link);
	uint32_t value = range;
	int error = check_detector(r, detector);

	if (error < 0)
		return error;
	return registers_try(r, ETALON_REG_DETECTOR(detector) + ETALON_DETECTOR_RANGE, &value,
			     sizeof(value), ret_refusal);
}

static int registers_live(struct link *link, struct etalon_hw_live *ret, unsigned int count)
{
	struct registers *r = registers_of(link);
	uint32_t latch = 1;
	int error;

	if (count == 0 || count > r->description->head.detector_count)
		return -EINVAL;
	error = registers_write(r, ETALON_REG_LIVE_LATCH, &latch, sizeof(latch), ORDINARY);
	if (error < 0)
		return error;
	return registers_read(r, ETALON_REG_LIVE(0), ret, count * sizeof(*ret));
}

static int registers_set_live_aperture(struct link *link, uint32_t aperture_ns)
{
	return registers_try(registers_of(link), ETALON_REG_LIVE_APERTURE_NS, &aperture_ns,
			     sizeof(aperture_ns), NULL);
}

static int registers_arm(struct link *link, uint32_t watchdog_ns, struct link_refusal *ret_refusal)
{
	struct registers *r = registers_of(link);
	int error = registers_try(r, ETALON_REG_WATCHDOG_NS, &watchdog_ns, sizeof(watchdog_ns),
				  ret_refusal);

	if (error < 0)
		return error;
	return registers_command(r, ETALON_HW_COMMAND_ARM, ret_refusal);
}

static int registers_emit(struct link *link, struct link_refusal *ret_refusal)
{
	return registers_command(registers_of(link), ETALON_HW_COMMAND_EMIT, ret_refusal);
}

static int registers_kick(struct link *link)
{
	uint32_t kick = ETALON_HW_KICK;

	return registers_write(registers_of(link), ETALON_REG_KICK, &kick, sizeof(kick), URGENT);
}

/* Tells the board to go dark and, in the same turn, looks whether it did. */
static int go_dark(struct link *link, uint32_t command)
{
	struct registers *r = registers_of(link);
	struct transport *t = r->transport;
	uint32_t state;
	int error;

	turn_take(&r->turn, URGENT);
	error = t->ops->control_out(t, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_COMMAND,
				    &command, sizeof(command));
	if (error == 0)
		error = t->ops->control_in(t, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_STATE,
					   &state, sizeof(state));
	turn_give(&r->turn);
	if (error < 0)
		return error;
	if (state != ETALON_HW_STATE_OFF && state != ETALON_HW_STATE_TRIPPED)
		return -EPROTO;
	return 0;
}

static int registers_off(struct link *link)
{
	return go_dark(link, ETALON_HW_COMMAND_OFF);
}

static int registers_halt(struct link *link)
{
	return go_dark(link, ETALON_HW_COMMAND_HALT);
}

static int registers_clear(struct link *link, struct link_refusal *ret_refusal)
{
	return registers_command(registers_of(link), ETALON_HW_COMMAND_CLEAR, ret_refusal);
}

static int registers_aux_direction(struct link *link, uint32_t outputs)
{
	return registers_try(registers_of(link), ETALON_REG_AUX_DIRECTION, &outputs,
			     sizeof(outputs), NULL);
}

/* Read, change, write in one turn: two callers with other masks must not undo each other. */
static int registers_aux_set(struct link *link, uint32_t mask, uint32_t values)
{
	struct registers *r = registers_of(link);
	struct transport *t = r->transport;
	uint32_t out;
	int error;

	turn_take(&r->turn, ORDINARY);
	error = t->ops->control_in(t, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_AUX_OUT, &out,
				   sizeof(out));
	out = (out & ~mask) | (values & mask);
	if (error == 0)
		error = t->ops->control_out(t, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_AUX_OUT,
					    &out, sizeof(out));
	turn_give(&r->turn);
	return error;
}

static int registers_aux_get(struct link *link, uint32_t *ret_values)
{
	return registers_read(registers_of(link), ETALON_REG_AUX_IN, ret_values,
			      sizeof(*ret_values));
}

static int registers_event_fd(struct link *link)
{
	struct transport *t = registers_of(link)->transport;

	return t->ops->event_fd(t);
}

static int registers_event(struct link *link, struct etalon_hw_usb_event *ret)
{
	struct transport *t = registers_of(link)->transport;

	return t->ops->event(t, ret);
}

static void registers_close(struct link *link)
{
	struct registers *r = registers_of(link);

	r->transport->ops->close(r->transport);
	description_free(r->description);
	records_destroy(r);
	turn_destroy(&r->turn);
	free(r);
}

const struct link_ops registers_ops = {
	.close = registers_close,
	.status = registers_status,
	.set_limits = registers_set_limits,
	.set_source = registers_set_source,
	.get_source = registers_get_source,
	.set_compliance = registers_set_compliance,
	.set_range = registers_set_range,
	.live = registers_live,
	.set_live_aperture = registers_set_live_aperture,
	.load = registers_load,
	.start = registers_start,
	.stop = registers_stop,
	.arm = registers_arm,
	.emit = registers_emit,
	.kick = registers_kick,
	.off = registers_off,
	.halt = registers_halt,
	.clear = registers_clear,
	.aux_direction = registers_aux_direction,
	.aux_set = registers_aux_set,
	.aux_get = registers_aux_get,
	.event_fd = registers_event_fd,
	.event = registers_event,
	.records = registers_records,
	.release = registers_release,
	.records_cancel = registers_records_cancel,
};
