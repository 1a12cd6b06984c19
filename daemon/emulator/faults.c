// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads scripted faults and makes them happen. See faults.h for their names.
 */
#include "emulator/faults.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define SCRIPT_MAX 256 /* faults that wait for their moment */
#define ANY_POINT UINT64_MAX

enum fault_kind {
	FAULT_INTERLOCK_OPEN,
	FAULT_INTERLOCK_CLOSE,
	FAULT_KEY_OFF,
	FAULT_KEY_ON,
	FAULT_OVER_TEMPERATURE,
	FAULT_OVER_TEMPERATURE_END,
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
	FAULT_LYING_END,
	FAULT_TEC_NEVER_SETTLES,
	FAULT_TEC_SETTLES,
	FAULT_UNCOUPLED,
	FAULT_COUPLED,
	FAULT_TRIGGER_EDGE,
	FAULT_AUX_IN,
	FAULT_KINDS,
};

static const char *const fault_names[FAULT_KINDS] = {
	[FAULT_INTERLOCK_OPEN] = "interlock-open",
	[FAULT_INTERLOCK_CLOSE] = "interlock-close",
	[FAULT_KEY_OFF] = "key-off",
	[FAULT_KEY_ON] = "key-on",
	[FAULT_OVER_TEMPERATURE] = "over-temperature",
	[FAULT_OVER_TEMPERATURE_END] = "over-temperature-end",
	[FAULT_BOARD] = "board-fault",
	[FAULT_BOARD_END] = "board-fault-end",
	[FAULT_LOCAL_RESET] = "local-reset",
	[FAULT_CABLE] = "cable",
	[FAULT_HANG] = "hang",
	[FAULT_STALL_RECORDS] = "stall-records",
	[FAULT_RESUME_RECORDS] = "resume-records",
	[FAULT_DROP_RECORD] = "drop-record",
	[FAULT_DUPLICATE_RECORD] = "duplicate-record",
	[FAULT_CORRUPT_RECORD] = "corrupt-record",
	[FAULT_SKIP_SEQUENCE] = "skip-sequence",
	[FAULT_LYING_END] = "lying-end",
	[FAULT_TEC_NEVER_SETTLES] = "tec-never-settles",
	[FAULT_TEC_SETTLES] = "tec-settles",
	[FAULT_UNCOUPLED] = "detector-uncoupled",
	[FAULT_COUPLED] = "detector-coupled",
	[FAULT_TRIGGER_EDGE] = "trigger-edge",
	[FAULT_AUX_IN] = "aux-in",
};

static const char *const end_fields[] = {"crc", "produced", "dropped"};

struct fault {
	enum fault_kind kind;
	uint64_t at_ns; /* real time, or UINT64_MAX */
	uint64_t at_point; /* or ANY_POINT */
	uint32_t number; /* detector, input, line or END field */
	uint32_t level;
	uint64_t count;
	int64_t period_ns;
	uint64_t for_ns;
	int64_t program_ns; /* trigger-edge since START, or -1 */
};

struct faults {
	struct fault waiting[SCRIPT_MAX]; /* for their moment */
	size_t waiting_count;
	struct fault record[SCRIPT_MAX]; /* for the records they concern */
	size_t record_count;
	bool stalled, cable, lies;
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

/* ---- reading ---- */

static int unknown_fault(const char *name, char **ret_message)
{
	char known[640] = "";
	size_t used = 0;

	for (size_t i = 0; i < FAULT_KINDS; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 fault_names[i]);
	return fail(ret_message, -EINVAL, "no fault is called '%s'; allowed: %s", name ? name : "", known);
}

static int read_number(const json_t *json, const char *key, double fallback, double max, double *ret,
		       char **ret_message)
{
	const json_t *value = json_object_get(json, key);

	*ret = fallback;
	if (!value)
		return 0;
	*ret = json_number_value(value);
	if (!json_is_number(value) || !(*ret >= 0 && *ret <= max))
		return fail(ret_message, -EINVAL, "%s of a fault must be a number from 0 to %g", key, max);
	return 0;
}

static int read_detector(const struct board *b, const json_t *json, struct fault *f, char **ret_message)
{
	const char *name = json_string_value(json_object_get(json, "detector"));

	for (uint32_t n = 0; name && n < b->description->detector_count; n++)
		if (streq(b->detector[n].name, name)) {
			f->number = n;
			return 0;
		}
	return fail(ret_message, -EINVAL,
		    "fault %s needs \"detector\": the name of a detector of this board, for example \"pd1\"",
		    fault_names[f->kind]);
}

static int read_field(const json_t *json, struct fault *f, char **ret_message)
{
	const char *field = json_string_value(json_object_get(json, "field"));

	for (uint32_t i = 0; i < ARRAY_SIZE(end_fields); i++)
		if (streq(field ? field : "crc", end_fields[i])) {
			f->number = i;
			return 0;
		}
	return fail(ret_message, -EINVAL, "field of lying-end must be \"crc\", \"produced\" or \"dropped\"");
}

static int read_special(const struct board *b, const json_t *json, struct fault *f, char **ret_message)
{
	double number;
	int r;

	switch (f->kind) {
	case FAULT_UNCOUPLED:
	case FAULT_COUPLED:
		return read_detector(b, json, f, ret_message);
	case FAULT_LYING_END:
		return read_field(json, f, ret_message);
	case FAULT_TRIGGER_EDGE:
		r = read_number(json, "input", 0, TRIGGER_INPUTS - 1, &number, ret_message);
		break;
	case FAULT_AUX_IN:
		r = read_number(json, "line", 0, b->description->aux_lines - 1, &number, ret_message);
		break;
	default:
		return 0;
	}
	f->number = (uint32_t)number;
	return r;
}

static int read_times(const struct board *b, const json_t *json, struct fault *f, char **ret_message)
{
	double at_ms, at_point, program_ms, for_ms, period_us, count, level;
	int r = 0;

	r = r ? r : read_number(json, "at_ms", 0, 1e9, &at_ms, ret_message);
	r = r ? r : read_number(json, "at_point", 0, 1e15, &at_point, ret_message);
	r = r ? r : read_number(json, "at_program_ms", 0, 1e9, &program_ms, ret_message);
	r = r ? r : read_number(json, "for_ms", 1000, 1e9, &for_ms, ret_message);
	r = r ? r : read_number(json, "period_us", 0, 1e9, &period_us, ret_message);
	r = r ? r : read_number(json, "count", 1, 1e15, &count, ret_message);
	r = r ? r : read_number(json, "level", 1, 1, &level, ret_message);
	if (r < 0)
		return r;
	f->at_ns = json_object_get(json, "at_ms") ? b->power_on_ns + (uint64_t)(at_ms * 1e6) : UINT64_MAX;
	f->at_point = json_object_get(json, "at_point") ? (uint64_t)at_point : ANY_POINT;
	f->program_ns = json_object_get(json, "at_program_ms") ? (int64_t)(program_ms * 1e6) : -1;
	f->for_ns = (uint64_t)(for_ms * 1e6);
	f->period_ns = (int64_t)(period_us * 1e3);
	f->count = (uint64_t)count;
	f->level = (uint32_t)level;
	if (f->program_ns >= 0 && f->kind != FAULT_TRIGGER_EDGE)
		return fail(ret_message, -EINVAL,
			    "at_program_ms is for trigger-edge only; use at_point or at_ms");
	if (f->count > 1 && f->kind == FAULT_TRIGGER_EDGE && !f->period_ns)
		return fail(ret_message, -EINVAL, "more than one trigger-edge needs period_us");
	return 0;
}

static int check_keys(const json_t *json, char **ret_message)
{
	static const char *const allowed[] = {"fault",	"at_ms",     "at_point", "at_program_ms",
					      "for_ms", "period_us", "count",	 "level",
					      "line",	"input",     "detector", "field"};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		size_t i = 0;

		while (i < ARRAY_SIZE(allowed) && !streq(allowed[i], key))
			i++;
		if (i == ARRAY_SIZE(allowed))
			return fail(ret_message, -EINVAL,
				    "a fault has no member '%s'; allowed: fault, at_ms, at_point, at_program_ms, for_ms, "
				    "period_us, count, level, line, input, detector, field",
				    key);
	}
	return 0;
}

static int read_fault(const struct board *b, const json_t *json, struct fault *f, char **ret_message)
{
	const char *name = json_string_value(json_object_get(json, "fault"));
	int r;

	if (!json_is_object(json))
		return fail(ret_message, -EINVAL,
			    "a fault is a JSON object like {\"fault\": \"interlock-open\", \"at_ms\": 500}");
	*f = (struct fault){.kind = FAULT_KINDS};
	for (size_t i = 0; name && i < FAULT_KINDS; i++)
		if (streq(name, fault_names[i]))
			f->kind = (enum fault_kind)i;
	if (f->kind == FAULT_KINDS)
		return unknown_fault(name, ret_message);
	r = check_keys(json, ret_message);
	if (r < 0)
		return r;
	r = read_times(b, json, f, ret_message);
	if (r < 0)
		return r;
	return read_special(b, json, f, ret_message);
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

	event_log_line(b->log, real_ns, board_tick(b, board_time(b, real_ns)), "fault", "\"fault\":\"%s\"",
		       fault_names[f->kind]);
	switch (f->kind) {
	case FAULT_INTERLOCK_OPEN:
	case FAULT_INTERLOCK_CLOSE:
		return safety_level(b, ETALON_HW_CAUSE_INTERLOCK, f->kind == FAULT_INTERLOCK_OPEN, real_ns);
	case FAULT_KEY_OFF:
	case FAULT_KEY_ON:
		return safety_level(b, ETALON_HW_CAUSE_KEY, f->kind == FAULT_KEY_OFF, real_ns);
	case FAULT_OVER_TEMPERATURE:
	case FAULT_OVER_TEMPERATURE_END:
		return safety_level(b, ETALON_HW_CAUSE_OVER_TEMPERATURE,
				    f->kind == FAULT_OVER_TEMPERATURE, real_ns);
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
		return fail(ret_message, -ENOSPC, "at most %d faults can wait for their moment", SCRIPT_MAX);
	list[(*count)++] = *f;
	return 0;
}

int faults_add(struct board *b, const json_t *json, char **ret_message)
{
	struct faults *faults = b->faults;
	struct fault f;
	int r;

	r = read_fault(b, json, &f, ret_message);
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
