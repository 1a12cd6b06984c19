/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One scripted fault as it was read: shared by faults.c and fault_script.c only.
 */
#ifndef ETALON_EMULATOR_FAULT_SCRIPT_H
#define ETALON_EMULATOR_FAULT_SCRIPT_H

#include <jansson.h>
#include <stdint.h>

#define ANY_POINT UINT64_MAX

struct board;

enum fault_kind {
	FAULT_INTERLOCK_OPEN,
	FAULT_INTERLOCK_CLOSE,
	FAULT_KEY_OFF,
	FAULT_KEY_ON,
	FAULT_OVER_TEMPERATURE,
	FAULT_OVER_TEMPERATURE_END,
	FAULT_COMPLIANCE,
	FAULT_COMPLIANCE_END,
	FAULT_BOARD,
	FAULT_BOARD_END,
	FAULT_LOCAL_RESET,
	FAULT_CABLE,
	FAULT_HANG,
	FAULT_STALL_RECORDS,
	FAULT_RESUME_RECORDS,
	FAULT_DROP_RECORD,
	FAULT_DUPLICATE_RECORD,
	FAULT_CORRUPT_RECORD,
	FAULT_SKIP_SEQUENCE,
	FAULT_CORRUPT_INDEX,
	FAULT_LYING_END,
	FAULT_TEC_NEVER_SETTLES,
	FAULT_TEC_SETTLES,
	FAULT_UNCOUPLED,
	FAULT_COUPLED,
	FAULT_TRIGGER_EDGE,
	FAULT_AUX_IN,
	FAULT_USB_STALL,
	FAULT_USB_SHORT,
	FAULT_USB_BABBLE,
	FAULT_USB_DESCRIPTOR,
	FAULT_USB_DESCRIPTOR_END,
	FAULT_HOSTILE,
	FAULT_KINDS,
};

struct fault {
	enum fault_kind kind;
	uint64_t at_ns; /* real time, or UINT64_MAX */
	uint64_t at_point; /* or ANY_POINT */
	uint32_t number; /* detector, input, line, field, endpoint or one_in */
	uint32_t level;
	uint64_t count;
	int64_t period_ns;
	uint64_t for_ns;
	int64_t program_ns; /* trigger-edge since START, or -1 */
};

const char *fault_name(enum fault_kind kind);
int fault_read(const struct board *b, const json_t *json, struct fault *ret, char **ret_message);

#endif
