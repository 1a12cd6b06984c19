// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Makes scripted faults happen at their moment. See faults.h for their names.
 */
#include "emulator/faults.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"
#include "emulator/fault_script.h"

#define SCRIPT_MAX 256 /* faults that wait for their moment */

struct faults {
	struct fault waiting[SCRIPT_MAX]; /* for their moment */
	size_t waiting_count;
	struct fault record[SCRIPT_MAX]; /* for the records they concern */
	size_t record_count;
	bool stalled, cable, lies;
	uint64_t usb[BOARD_USB_FAULTS]; /* uses left */
	enum board_usb_lie usb_lie;
	uint32_t lying_field;
	uint64_t hang_until;
};

int faults_new(struct faults **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

struct faults *faults_free(struct faults *f)
{
	free(f);
	return NULL;
}

/* ---- acting ---- */

static void edge(struct board *b, const struct fault *f, uint64_t real_ns)
{
	struct trigger *t = &b->sequencer.trigger[f->number];
	const bool from_start = f->program_ns >= 0;

	if (!from_start && f->count <= 1)
		return sequencer_edge(b, f->number, board_time(b, real_ns));
	trigger_train(t, &(struct trigger_train){
				 .next_ns = from_start ? f->program_ns : board_time(b, real_ns),
				 .from_start = from_start,
				 .period_ns = f->period_ns,
				 .left = f->count,
			 });
}

static void aux_in(struct board *b, const struct fault *f)
{
	const uint32_t bit = 1U << f->number;

	if (!!(b->aux.in & bit) == !!f->level)
		return;
	b->aux.in ^= bit;
	b->aux.edges |= bit;
	board_notify(b, ETALON_HW_EVENT_AUX);
}

static bool concerns_records(enum fault_kind kind)
{
	return kind == FAULT_DROP_RECORD || kind == FAULT_DUPLICATE_RECORD ||
	       kind == FAULT_CORRUPT_RECORD || kind == FAULT_SKIP_SEQUENCE;
}

static void act(struct board *b, const struct fault *f, uint64_t real_ns)
{
	struct faults *faults = b->faults;

	event_log_line(b->log, real_ns, board_tick(b, board_time(b, real_ns)), "fault",
		       "\"fault\":\"%s\"", fault_name(f->kind));
	switch (f->kind) {
	case FAULT_INTERLOCK_OPEN:
	case FAULT_INTERLOCK_CLOSE:
		return safety_level(b, ETALON_HW_CAUSE_INTERLOCK, f->kind == FAULT_INTERLOCK_OPEN,
				    real_ns);
	case FAULT_KEY_OFF:
	case FAULT_KEY_ON:
		return safety_level(b, ETALON_HW_CAUSE_KEY, f->kind == FAULT_KEY_OFF, real_ns);
	case FAULT_OVER_TEMPERATURE:
	case FAULT_OVER_TEMPERATURE_END:
		return safety_level(b, ETALON_HW_CAUSE_OVER_TEMPERATURE,
				    f->kind == FAULT_OVER_TEMPERATURE, real_ns);
	case FAULT_COMPLIANCE:
	case FAULT_COMPLIANCE_END:
		return safety_level(b, ETALON_HW_CAUSE_COMPLIANCE, f->kind == FAULT_COMPLIANCE,
				    real_ns);
	case FAULT_BOARD:
	case FAULT_BOARD_END:
		return safety_level(b, ETALON_HW_CAUSE_FAULT, f->kind == FAULT_BOARD, real_ns);
	case FAULT_LOCAL_RESET:
		return safety_level(b, ETALON_HW_CAUSE_LOCAL_RESET, false, real_ns);
	case FAULT_CABLE:
		faults->cable = true;
		return;
	case FAULT_HANG:
		faults->hang_until = real_ns + f->for_ns;
		return;
	case FAULT_STALL_RECORDS:
	case FAULT_RESUME_RECORDS:
		faults->stalled = f->kind == FAULT_STALL_RECORDS;
		return;
	case FAULT_CORRUPT_INDEX:
		return dma_corrupt_index(b);
	case FAULT_LYING_END:
		faults->lies = true;
		faults->lying_field = f->number;
		return;
	case FAULT_TEC_NEVER_SETTLES:
	case FAULT_TEC_SETTLES:
		return plant_set_tec_unstable(b->plant, f->kind == FAULT_TEC_NEVER_SETTLES);
	case FAULT_UNCOUPLED:
	case FAULT_COUPLED:
		return plant_set_uncoupled(b->plant, (enum erb1_detector)f->number,
					   f->kind == FAULT_UNCOUPLED);
	case FAULT_TRIGGER_EDGE:
		return edge(b, f, real_ns);
	case FAULT_AUX_IN:
		return aux_in(b, f);
	case FAULT_USB_STALL:
		faults->usb[f->number] = 1;
		return;
	case FAULT_USB_SHORT:
	case FAULT_USB_BABBLE:
		faults->usb[f->kind == FAULT_USB_SHORT ? BOARD_USB_SHORT : BOARD_USB_BABBLE] =
			f->count;
		return;
	case FAULT_USB_DESCRIPTOR:
	case FAULT_USB_DESCRIPTOR_END:
		faults->usb_lie = f->kind == FAULT_USB_DESCRIPTOR ? (enum board_usb_lie)f->number
								  : BOARD_USB_TRUTH;
		return;
	case FAULT_HOSTILE:
		return hostile_begin(b, f->count, f->number);
	default:
		return;
	}
}

/* Faults of records act when the record passes, trains of edges know their time themselves. */
static bool waits(const struct fault *f)
{
	return f->at_ns != UINT64_MAX || (f->at_point != ANY_POINT && !concerns_records(f->kind));
}

static int keep(struct fault *list, size_t *count, const struct fault *f, char **ret_message)
{
	if (*count == SCRIPT_MAX)
		return fail(ret_message, -ENOSPC, "at most %d faults can wait for their moment",
			    SCRIPT_MAX);
	list[(*count)++] = *f;
	return 0;
}

int faults_add(struct board *b, const json_t *json, char **ret_message)
{
	struct faults *faults = b->faults;
	struct fault f;
	int r;

	r = fault_read(b, json, &f, ret_message);
	if (r < 0)
		return r;
	if (waits(&f))
		return keep(faults->waiting, &faults->waiting_count, &f, ret_message);
	if (concerns_records(f.kind))
		return keep(faults->record, &faults->record_count, &f, ret_message);
	act(b, &f, b->given_ns);
	return 0;
}

static void remove_at(struct fault *list, size_t *count, size_t i)
{
	memmove(&list[i], &list[i + 1], (*count - i - 1) * sizeof(list[0]));
	(*count)--;
}

uint64_t faults_deadline(const struct faults *f)
{
	uint64_t deadline = UINT64_MAX;

	for (size_t i = 0; i < f->waiting_count; i++)
		deadline = MIN(deadline, f->waiting[i].at_ns);
	return deadline;
}

void faults_expire(struct board *b, uint64_t real_ns)
{
	struct faults *f = b->faults;

	for (size_t i = 0; i < f->waiting_count;) {
		const struct fault due = f->waiting[i];

		if (due.at_ns > real_ns) {
			i++;
			continue;
		}
		remove_at(f->waiting, &f->waiting_count, i);
		if (concerns_records(due.kind))
			keep(f->record, &f->record_count, &due, NULL);
		else
			act(b, &due, due.at_ns);
	}
}

void faults_at_point(struct board *b, uint64_t number)
{
	struct faults *f = b->faults;

	for (size_t i = 0; i < f->waiting_count;) {
		const struct fault due = f->waiting[i];

		if (due.at_ns != UINT64_MAX || due.at_point != number) {
			i++;
			continue;
		}
		remove_at(f->waiting, &f->waiting_count, i);
		act(b, &due, board_real(b, b->sequencer.now_ns));
	}
}

/* ---- records ---- */

/* Takes one use of a fault for this point. */
static bool take(struct faults *f, enum fault_kind kind, uint64_t number)
{
	for (size_t i = 0; i < f->record_count; i++) {
		struct fault *r = &f->record[i];

		if (r->kind != kind || (r->at_point != ANY_POINT && r->at_point > number))
			continue;
		if (--r->count == 0)
			remove_at(f->record, &f->record_count, i);
		return true;
	}
	return false;
}

void faults_before_point(struct faults *f, struct records *r, uint64_t number)
{
	if (f->record_count && take(f, FAULT_SKIP_SEQUENCE, number))
		records_skip(r);
}

void faults_after_point(struct faults *f, struct records *r, struct etalon_hw_record_point *point,
			uint64_t number)
{
	const uint32_t stride = point->head.size;

	if (!f->record_count)
		return;
	if (take(f, FAULT_CORRUPT_RECORD, number))
		point->sample[0].mean_q8 ^= 0x100;
	if (take(f, FAULT_DUPLICATE_RECORD, number) && records_room(r, 1))
		records_repeat(r, point, stride);
	else if (take(f, FAULT_DROP_RECORD, number))
		records_withdraw(r, stride);
}

void faults_end(struct faults *f, struct etalon_hw_record_end *end)
{
	if (!f->lies)
		return;
	f->lies = false;
	if (f->lying_field == 0)
		end->crc ^= 1;
	else if (f->lying_field == 1)
		end->produced++;
	else
		end->dropped++;
}

bool faults_stalled(const struct faults *f)
{
	return f->stalled;
}

uint64_t faults_hang_until(const struct faults *f)
{
	return f->hang_until;
}

bool faults_take_cable(struct faults *f)
{
	const bool cable = f->cable;

	f->cable = false;
	return cable;
}

bool faults_take_usb(struct faults *f, enum board_usb_fault fault)
{
	if (!f->usb[fault])
		return false;
	f->usb[fault]--;
	return true;
}

enum board_usb_lie faults_usb_lie(const struct faults *f)
{
	return f->usb_lie;
}
