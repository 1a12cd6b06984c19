// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Counts records as they arrive: sequence, numbers, CRC, what GAP and END admit. What the
 * counts mean is in ledger_verdict.c.
 */
#include "measure/ledger.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "link/description.h"

void ledger_begin(struct ledger *l, uint32_t generation, const void *program, uint32_t stride,
		  uint32_t program_crc, uint64_t points_expected)
{
	const struct etalon_hw_program *p = program;

	*l = (struct ledger){
		.generation = generation,
		.stride = stride,
		.program_crc = program_crc,
		.points_expected = points_expected,
		.has_program = p,
	};
	if (!p)
		return;
	l->run_key = p->run_key;
	for (size_t i = 0; i < ARRAY_SIZE(p->comparator); i++) {
		if (p->comparator[i].kind == ETALON_HW_COMPARATOR_NONE)
			continue;
		if (p->comparator[i].action == ETALON_HW_COMPARATOR_END_PROGRAM)
			l->comparator_ends = l->may_be_short = true;
		if (p->comparator[i].action == ETALON_HW_COMPARATOR_END_AXIS)
			l->may_be_short = true;
	}
}

static void add(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

static void list_gap(struct ledger_gap *gaps, uint32_t *count, uint64_t first, uint64_t missing)
{
	if (*count < LEDGER_GAPS_MAX)
		gaps[*count] = (struct ledger_gap){first, missing};
	if (*count < UINT32_MAX)
		(*count)++;
}

/* A late sequence number that lies in none of the holes was seen before. */
static bool seen_before(const struct ledger *l, uint64_t sequence)
{
	if (!l->started || sequence < l->first_sequence || sequence >= l->next_sequence)
		return false;
	for (uint32_t i = 0; i < MIN(l->hole_count, (uint32_t)LEDGER_GAPS_MAX); i++)
		if (sequence >= l->holes[i].first &&
		    sequence - l->holes[i].first < l->holes[i].count)
			return false;
	return true;
}

static int take_start(struct ledger *l, const void *record, char **ret_message)
{
	memcpy(&l->start, record, sizeof(l->start));
	if (record_stride(l->start.detector_count) != l->stride)
		return fail(ret_message, -EPROTO,
			    "the START record speaks of %u detectors, which do not make records of "
			    "%u bytes",
			    l->start.detector_count, l->stride);
	l->started = true;
	l->first_sequence = l->start.head.sequence;
	l->last_tick = l->start.tick;
	l->echo_wrong = l->start.program_crc != l->program_crc ||
			(l->has_program && l->start.run_key != l->run_key);
	return 0;
}

static bool any_saturated(const struct ledger *l, const char *record)
{
	const char *flags = record + sizeof(struct etalon_hw_record_point) +
			    offsetof(struct etalon_hw_sample, flags);
	unsigned int all = 0;

	for (uint32_t i = 0; i < l->start.detector_count; i++)
		all |= (unsigned char)flags[i * sizeof(struct etalon_hw_sample)];
	return all & ETALON_HW_SAMPLE_SATURATED;
}

static int take_point(struct ledger *l, const char *record, char **ret_message)
{
	struct etalon_hw_record_point point;

	memcpy(&point, record, sizeof(point));
	if (point.number < l->next_point)
		return fail(ret_message, -EPROTO, "point %" PRIu64 " came after point %" PRIu64,
			    (uint64_t)point.number, l->next_point - 1);
	if (point.number > l->next_point) {
		list_gap(l->gaps, &l->gap_count, l->next_point, point.number - l->next_point);
		add(&l->missing_points, point.number - l->next_point);
	}
	l->next_point = point.number + 1;
	l->received++;
	l->last_tick = point.tick;
	l->saturated += any_saturated(l, record);
	l->crc = crc32c(l->crc, record + sizeof(struct etalon_hw_record),
			l->stride - sizeof(struct etalon_hw_record));
	return 0;
}

static void take_gap(struct ledger *l, const void *record)
{
	struct etalon_hw_record_gap gap;

	memcpy(&gap, record, sizeof(gap));
	if (gap.count > 0 && gap.first + gap.count - 1 == gap.head.sequence) {
		/* The host's stands in the place of a record that is missing, and the board dropped none. */
		add(&l->host_gap_records, gap.count);
		add(&l->host_gap_points, gap.points);
		add(&l->missing_records, 1);
		return;
	}
	add(&l->gap_records, gap.count);
	add(&l->gap_points, gap.points);
}

static void take_end(struct ledger *l, const void *record)
{
	memcpy(&l->end, record, sizeof(l->end));
	l->ended = true;
	l->last_tick = l->end.tick;
	if (l->end.produced > l->next_point) { /* the last points are missing */
		list_gap(l->gaps, &l->gap_count, l->next_point, l->end.produced - l->next_point);
		add(&l->missing_points, l->end.produced - l->next_point);
	}
}

static int check_head(const struct ledger *l, const struct etalon_hw_record *head,
		      char **ret_message)
{
	if (head->magic != ETALON_HW_RECORD_MAGIC)
		return fail(ret_message, -EPROTO, "a record begins with %08x, not %08x",
			    head->magic, ETALON_HW_RECORD_MAGIC);
	if (head->size != l->stride)
		return fail(ret_message, -EPROTO, "a record of %u bytes among records of %u",
			    head->size, l->stride);
	if (head->generation != l->generation)
		return fail(ret_message, -EPROTO,
			    "a record of program %u among those of program %u", head->generation,
			    l->generation);
	if (head->type < ETALON_HW_RECORD_START || head->type > ETALON_HW_RECORD_END)
		return fail(ret_message, -EPROTO, "a record of the unknown type %u", head->type);
	return 0;
}

static int check_order(const struct ledger *l, const struct etalon_hw_record *head,
		       char **ret_message)
{
	bool start = head->type == ETALON_HW_RECORD_START;

	if (l->ended)
		return fail(ret_message, -EPROTO, "a record came after the END record");
	if (!l->started && !start)
		return fail(ret_message, -EPROTO, "the first record is no START record");
	if (l->started && start)
		return fail(ret_message, -EPROTO, "a second START record");
	if (l->started && head->sequence < l->next_sequence)
		return fail(ret_message, -EPROTO, "sequence number %" PRIu64 " came after %" PRIu64,
			    (uint64_t)head->sequence, l->next_sequence - 1);
	return 0;
}

static int take_record(struct ledger *l, const char *record, const struct etalon_hw_record *head,
		       char **ret_message)
{
	int r = check_order(l, head, ret_message);

	if (r < 0)
		return r;
	switch (head->type) {
	case ETALON_HW_RECORD_START:
		r = take_start(l, record, ret_message);
		break;
	case ETALON_HW_RECORD_POINT:
		r = take_point(l, record, ret_message);
		break;
	case ETALON_HW_RECORD_STATUS:
		memcpy(&l->last_tick, record + offsetof(struct etalon_hw_record_status, tick),
		       sizeof(l->last_tick));
		break;
	case ETALON_HW_RECORD_GAP:
		take_gap(l, record);
		break;
	case ETALON_HW_RECORD_END:
		take_end(l, record);
		break;
	}
	if (r < 0)
		return r;
	if (l->next_sequence != 0 && head->sequence > l->next_sequence) {
		list_gap(l->holes, &l->hole_count, l->next_sequence,
			 head->sequence - l->next_sequence);
		add(&l->missing_records, head->sequence - l->next_sequence);
	}
	l->next_sequence = head->sequence + 1;
	return 0;
}

int ledger_take(struct ledger *l, const void *records, size_t bytes, size_t *ret_keep,
		size_t *ret_used, char **ret_message)
{
	size_t keep = 0, used = 0;
	int r = 0;

	if (bytes % l->stride != 0)
		r = fail(ret_message, -EPROTO, "%zu bytes are no whole number of records of %u",
			 bytes, l->stride);
	while (r == 0 && used < bytes) {
		const char *record = (const char *)records + used;
		struct etalon_hw_record head;

		memcpy(&head, record, sizeof(head));
		r = check_head(l, &head, ret_message);
		if (r < 0)
			break;
		if (seen_before(l, head.sequence)) {
			l->duplicates++;
			used += l->stride;
			continue;
		}
		if (used > keep)
			break; /* behind duplicates: the caller comes again */
		r = take_record(l, record, &head, ret_message);
		if (r < 0)
			break;
		used += l->stride;
		keep = used;
	}
	*ret_keep = keep;
	*ret_used = used;
	return r;
}

int ledger_feed(struct ledger *l, const void *records, size_t bytes, char **ret_message)
{
	const char *p = records;

	while (bytes > 0) {
		size_t keep, used;
		int r = ledger_take(l, p, bytes, &keep, &used, ret_message);

		if (r < 0)
			return r;
		p += used;
		bytes -= used;
	}
	return 0;
}
