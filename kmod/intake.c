// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Framing and resynchronisation of records that come by transfers; see intake.h. Everything that
 * comes in is hostile.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "intake.h"

#define HEAD_BYTES ((__u32)sizeof(struct etalon_hw_record))

void etalon_intake_init(struct etalon_intake *intake)
{
	memset(intake, 0, sizeof(*intake));
}

void etalon_intake_begin(struct etalon_intake *intake, __u32 stride, __u64 first)
{
	intake->stride = stride;
	intake->first = first;
	intake->next = first;
	intake->next_point = 0;
	intake->lost = false;
	intake->shows_gap = false;
	intake->shown = 0;
	intake->stray = 0;
	intake->repeats = 0;
}

void etalon_intake_cut(struct etalon_intake *intake)
{
	intake->carried = 0;
	intake->skip = 0;
	intake->shown = 0;
	intake->shows_gap = false;
}

/* ---- bytes ---- */

/* The next `need` bytes in one piece; NULL: they are yet to come, what is there is kept. */
static const __u8 *window(struct etalon_intake *intake, struct etalon_intake_transfer *t,
			  __u32 need)
{
	__u32 left = t->bytes - t->used, more;

	if (!intake->carried && left >= need)
		return t->data + t->used;
	if (intake->carried < need) {
		more = min(need - intake->carried, left);
		memcpy(intake->carry + intake->carried, t->data + t->used, more);
		intake->carried += more;
		t->used += more;
	}
	return intake->carried >= need ? intake->carry : NULL;
}

/* Drops bytes from the front, as many as window() has shown at the most. */
static void drop(struct etalon_intake *intake, struct etalon_intake_transfer *t, __u32 bytes)
{
	if (!intake->carried) {
		t->used += bytes;
		return;
	}
	intake->carried -= bytes;
	memmove(intake->carry, intake->carry + bytes, intake->carried);
}

static bool skip(struct etalon_intake *intake, struct etalon_intake_transfer *t)
{
	const __u32 carried = min(intake->skip, intake->carried);
	__u32 more;

	if (carried) {
		drop(intake, t, carried);
		intake->skip -= carried;
	}
	more = min(intake->skip, t->bytes - t->used);
	t->used += more;
	intake->skip -= more;
	return !intake->skip;
}

/* All of the transfer is seen. A part of a record that ends with a short packet stays a part. */
static int used_up(struct etalon_intake *intake, const struct etalon_intake_transfer *t)
{
	if (!t->ends)
		return 0;
	intake->stray += intake->carried;
	intake->carried = 0;
	intake->skip = 0;
	return 0;
}

/* ---- records ---- */

static bool plausible(const struct etalon_hw_record *head)
{
	return head->magic == ETALON_HW_RECORD_MAGIC && head->type >= ETALON_HW_RECORD_START &&
	       head->type <= ETALON_HW_RECORD_END && head->size >= ETALON_HW_STRIDE_MIN &&
	       head->size <= ETALON_RING_STRIDE_MAX && head->size % 8 == 0;
}

static bool is_of_program(const struct etalon_intake *intake, const struct etalon_hw_record *head)
{
	return head->size == intake->stride && head->sequence <= ETALON_RING_SEQUENCE_MAX &&
	       head->sequence - intake->next <= ETALON_INTAKE_JUMP_MAX;
}

/* What the board itself dropped, and nothing else is missing. */
static bool explains(const struct etalon_intake *intake, const __u8 *record)
{
	struct etalon_hw_record_gap gap;

	memcpy(&gap, record, sizeof(gap));
	return gap.head.type == ETALON_HW_RECORD_GAP && gap.first == intake->next &&
	       gap.count == gap.head.sequence - gap.first;
}

/* Points before this record that never came. */
static __u64 points_missing(const struct etalon_intake *intake, const __u8 *record, __u16 type)
{
	struct etalon_hw_record_point point;
	struct etalon_hw_record_end end;
	__u64 number = 0;

	if (type == ETALON_HW_RECORD_POINT) {
		memcpy(&point, record, sizeof(point));
		number = point.number;
	} else if (type == ETALON_HW_RECORD_END) {
		memcpy(&end, record, sizeof(end));
		number = end.produced;
	}
	return number > intake->next_point ? number - intake->next_point : 0;
}

static void show_gap(struct etalon_intake *intake, const struct etalon_hw_record *head,
		     const __u8 *record, struct etalon_intake_item *ret)
{
	struct etalon_hw_record_gap gap = {
		.head = *head,
		.first = intake->next,
		.count = head->sequence - intake->next,
		.points = points_missing(intake, record, head->type),
	};

	gap.head.type = ETALON_HW_RECORD_GAP;
	gap.head.sequence--;
	memset(intake->gap, 0, intake->stride);
	memcpy(intake->gap, &gap, sizeof(gap));
	intake->shows_gap = true;
	*ret = (struct etalon_intake_item){.bytes = intake->gap, .sequence = gap.head.sequence};
}

static void show_record(struct etalon_intake *intake, const struct etalon_hw_record *head,
			const __u8 *record, struct etalon_intake_item *ret)
{
	struct etalon_hw_record_end end;

	intake->shows_gap = false;
	intake->shown = intake->stride;
	*ret = (struct etalon_intake_item){
		.bytes = record,
		.sequence = head->sequence,
		.is_end = head->type == ETALON_HW_RECORD_END,
	};
	if (!ret->is_end)
		return;
	memcpy(&end, record, sizeof(end));
	ret->end_tick = end.tick;
}

/* A record that there was, or of a program before: all of it goes. */
static int pass_over(struct etalon_intake *intake, const struct etalon_hw_record *head)
{
	intake->skip = head->size;
	intake->stray = 0;
	if (head->sequence < intake->first)
		return 0;
	intake->repeated_records++;
	return ++intake->repeats > ETALON_INTAKE_REPEATS_MAX ? -EPROTO : 0;
}

/* No record begins at this byte. */
static int stray(struct etalon_intake *intake, struct etalon_intake_transfer *t)
{
	drop(intake, t, 1);
	return ++intake->stray > ETALON_INTAKE_STRAY_MAX ? -EPROTO : 0;
}

/* 1: shown. 0: it is none of those that are wanted, look at the next. -EAGAIN: not all is there. */
static int look_at(struct etalon_intake *intake, struct etalon_intake_transfer *t,
		   const struct etalon_hw_record *head, struct etalon_intake_item *ret)
{
	const __u8 *record = window(intake, t, intake->stride);

	if (!record)
		return -EAGAIN;
	if (head->sequence > intake->next && !explains(intake, record))
		intake->lost = true;
	if (intake->lost &&
	    (head->type == ETALON_HW_RECORD_STATUS || head->type == ETALON_HW_RECORD_GAP)) {
		drop(intake, t, intake->stride);
		intake->stray = 0;
		return 0;
	}
	if (intake->lost && head->sequence > intake->next)
		show_gap(intake, head, record, ret);
	else
		show_record(intake, head, record, ret);
	return 1;
}

int etalon_intake_peek(struct etalon_intake *intake, struct etalon_intake_transfer *t,
		       struct etalon_intake_item *ret)
{
	struct etalon_hw_record head;
	const __u8 *at;
	int r = 0;

	if (!intake->stride) {
		etalon_intake_cut(intake);
		t->used = t->bytes;
		return 0;
	}
	while (!r) {
		if (!skip(intake, t))
			return used_up(intake, t);
		at = window(intake, t, HEAD_BYTES);
		if (!at)
			return used_up(intake, t);
		memcpy(&head, at, sizeof(head));
		if (!plausible(&head))
			r = stray(intake, t);
		else if (head.sequence < intake->next)
			r = pass_over(intake, &head);
		else if (!is_of_program(intake, &head))
			r = stray(intake, t);
		else
			r = look_at(intake, t, &head, ret);
	}
	return r == -EAGAIN ? used_up(intake, t) : r;
}

static void count_points(struct etalon_intake *intake, const __u8 *record)
{
	struct etalon_hw_record head;
	struct etalon_hw_record_point point;
	struct etalon_hw_record_gap gap;

	memcpy(&head, record, sizeof(head));
	if (head.type == ETALON_HW_RECORD_POINT) {
		memcpy(&point, record, sizeof(point));
		intake->next_point = point.number + 1;
	} else if (head.type == ETALON_HW_RECORD_GAP) { /* points that the board dropped itself */
		memcpy(&gap, record, sizeof(gap));
		intake->next_point += gap.points;
	}
	intake->next = head.sequence + 1;
}

void etalon_intake_accept(struct etalon_intake *intake, struct etalon_intake_transfer *t)
{
	struct etalon_hw_record_gap gap;

	if (intake->shows_gap) {
		memcpy(&gap, intake->gap, sizeof(gap));
		intake->lost_records += gap.count;
		intake->next = gap.first + gap.count;
		intake->shows_gap = false;
		return;
	}
	if (!intake->shown)
		return;
	count_points(intake, window(intake, t, intake->shown));
	drop(intake, t, intake->shown);
	intake->shown = 0;
	intake->lost = false;
	intake->stray = 0;
	intake->repeats = 0;
}
