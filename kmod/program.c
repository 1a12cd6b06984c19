// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs and lists of the control fd: copied once, checked here against its limits, handed to
 * the board whole. board->program_lock is held over it all, board->lock for one operation at a
 * time: OFF and KICK wait for no more.
 */
#include <linux/crc32c.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "chardev.h"

#define VALUE_BYTES sizeof(s64)

static void *payload(struct etalon_hw_upload *upload)
{
	return upload + 1;
}

static u32 crc_of(const void *data, u32 bytes)
{
	return ~crc32c(~0U, data, bytes);
}

void etalon_program_free(struct etalon_control *control)
{
	unsigned int i;

	vfree(control->uploads.program);
	for (i = 0; i < ETALON_HW_LISTS_MAX; i++)
		vfree(control->uploads.list[i]);
	control->uploads = (struct etalon_uploads){0};
}

/* ---- UPLOAD ---- */

static int check_upload(const struct etalon_board *board, const struct etalon_upload *u,
			struct etalon_refusal *refusal)
{
	const u32 points = board->description.head->list_points_max;

	switch (u->kind) {
	case ETALON_HW_UPLOAD_PROGRAM:
		if (u->list || u->bytes != sizeof(struct etalon_hw_program))
			return etalon_refuse(refusal, ETALON_HW_REFUSED_UPLOAD, 0,
					     sizeof(struct etalon_hw_program),
					     sizeof(struct etalon_hw_program));
		return 0;
	case ETALON_HW_UPLOAD_LIST:
		if (u->list >= ETALON_HW_LISTS_MAX)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_UPLOAD, u->list, 0,
					     ETALON_HW_LISTS_MAX - 1);
		if (!u->bytes || u->bytes % VALUE_BYTES || u->bytes / VALUE_BYTES > points)
			return etalon_refuse(refusal, ETALON_HW_REFUSED_LIST, u->list, VALUE_BYTES,
					     (s64)(points * VALUE_BYTES));
		return 0;
	default:
		return -EINVAL;
	}
}

static struct etalon_hw_upload *copy_upload(const struct etalon_upload *u, int *ret_error)
{
	/* Pages of its own, which the link maps for DMA one by one: the last one is sent whole. */
	const size_t bytes = sizeof(struct etalon_hw_upload) + u->bytes, rest = -bytes & ~PAGE_MASK;
	struct etalon_hw_upload *upload = vmalloc(bytes + rest);

	*ret_error = -ENOMEM;
	if (!upload)
		return NULL;
	*ret_error = -EFAULT;
	if (copy_from_user(payload(upload), u64_to_user_ptr(u->data), u->bytes)) {
		vfree(upload);
		return NULL;
	}
	*upload = (struct etalon_hw_upload){
		.magic = ETALON_HW_UPLOAD_MAGIC,
		.kind = u->kind,
		.list = u->list,
		.size = u->bytes,
		.crc = crc_of(payload(upload), u->bytes),
	};
	memset((u8 *)upload + bytes, 0, rest);
	return upload;
}

static struct etalon_hw_upload **slot_of(struct etalon_control *control,
					 const struct etalon_upload *u)
{
	if (u->kind == ETALON_HW_UPLOAD_PROGRAM)
		return &control->uploads.program;
	return &control->uploads.list[array_index_nospec(u->list, ETALON_HW_LISTS_MAX)];
}

int etalon_program_upload(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_upload *u = argument;
	struct etalon_hw_upload *upload, **slot;
	int ret = check_upload(board, u, refusal);

	if (ret)
		return ret;
	upload = copy_upload(u, &ret);
	if (!upload)
		return ret;
	mutex_lock(&board->program_lock);
	slot = slot_of(control, u);
	swap(*slot, upload);
	mutex_unlock(&board->program_lock);
	vfree(upload);
	return 0;
}

/* ---- LOAD ---- */

static void lists_of(const struct etalon_control *control,
		     struct etalon_list lists[ETALON_HW_LISTS_MAX])
{
	unsigned int i;

	for (i = 0; i < ETALON_HW_LISTS_MAX; i++) {
		struct etalon_hw_upload *upload = control->uploads.list[i];

		lists[i] = (struct etalon_list){0};
		if (!upload)
			continue;
		lists[i].values = payload(upload);
		lists[i].points = upload->size / VALUE_BYTES;
	}
}

/* A bus carries fewer records where each is longer. */
static u64 record_rate_max(const struct etalon_board *board, const struct etalon_hw_program *p)
{
	const u32 detectors = min_t(u32, p->detector_count, ETALON_HW_PROGRAM_DETECTORS_MAX);

	if (!board->record_bytes_max)
		return board->record_rate_max;
	return min(board->record_rate_max,
		   div_u64(board->record_bytes_max, etalon_record_stride(detectors)));
}

/* Everything that can be said without the board. Lists are long: OFF and KICK must not wait. */
static int check(struct etalon_control *control, const struct etalon_hw_program *program,
		 struct etalon_program_facts *facts, struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	struct etalon_list lists[ETALON_HW_LISTS_MAX];
	const struct etalon_program_context context = {
		.description = &board->description,
		.limits = control->limits_checked,
		.lists = lists,
		.record_rate_max = record_rate_max(board, program),
	};
	int ret;

	lockdep_assert_not_held(&board->lock);
	lists_of(control, lists);
	ret = etalon_program_check(&context, program, facts, refusal);
	return ret ?: etalon_records_can_load(board, facts->stride, refusal);
}

static int is_idle(struct etalon_board *board, struct etalon_refusal *refusal)
{
	u32 sequencer;

	etalon_board_collect(board);
	spin_lock(&board->ring_lock);
	sequencer = board->told.sequencer;
	spin_unlock(&board->ring_lock);
	if (sequencer == ETALON_HW_SEQUENCER_WAITING || sequencer == ETALON_HW_SEQUENCER_RUNNING)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_STATE, 0, 0, 0);
	return 0;
}

static int hand_over(struct etalon_control *control, struct etalon_hw_upload *upload,
		     struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	int ret;

	if (!upload)
		return 0;
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	return etalon_control_leave(control, board->ops->upload(board, upload, refusal));
}

static bool uses_list(const struct etalon_hw_program *program, unsigned int list)
{
	u32 n, m;

	for (n = 0; n < program->axis_count; n++)
		for (m = 0; m < program->axis[n].gang_count; m++)
			if (program->axis[n].shape == ETALON_HW_AXIS_LIST &&
			    program->axis[n].gang[m].list == list)
				return true;
	return false;
}

static int hand_over_all(struct etalon_control *control, struct etalon_refusal *refusal)
{
	const struct etalon_hw_program *program = payload(control->uploads.program);
	unsigned int i;
	int ret;

	for (i = 0; i < ETALON_HW_LISTS_MAX; i++) {
		if (!uses_list(program, i))
			continue;
		ret = hand_over(control, control->uploads.list[i], refusal);
		if (ret)
			return ret;
	}
	return hand_over(control, control->uploads.program, refusal);
}

/* The board has checked, too; what it says of the result has to be what we know. */
static int take_loaded(struct etalon_board *board, const struct etalon_control *control,
		       const struct etalon_program_facts *facts, struct etalon_loaded *loaded)
{
	int ret = board->ops->loaded(board, loaded);

	if (ret)
		return ret;
	if (loaded->crc == control->uploads.program->crc && loaded->stride == facts->stride &&
	    loaded->points == facts->points && loaded->produced <= ETALON_RING_SEQUENCE_MAX)
		return 0;
	etalon_board_distrust(board, "it loaded another program than it was given");
	return -EIO;
}

static int load_on_board(struct etalon_control *control, const struct etalon_program_facts *facts,
			 struct etalon_loaded *loaded, struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	int ret = board->ops->command(board, ETALON_HW_COMMAND_LOAD, refusal);

	if (!ret)
		ret = take_loaded(board, control, facts, loaded);
	if (!ret) /* the last of the program before may have come just now */
		etalon_board_collect(board);
	if (!ret && board->distrusted)
		ret = -EIO;
	if (!ret)
		ret = etalon_records_load(board, facts->stride, loaded->produced, refusal);
	return ret;
}

static int load(struct etalon_control *control, struct etalon_loaded *loaded,
		struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	const struct etalon_hw_program *program;
	struct etalon_program_facts facts;
	int ret;

	control->loaded = false;
	if (!control->uploads.program)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_UPLOAD, 0, 0, 0);
	program = payload(control->uploads.program);
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = is_idle(board, refusal);
	/* Should they be narrowed meanwhile, the board knows, and START looks again. */
	memcpy(control->limits_checked, control->limits, sizeof(control->limits));
	ret = etalon_control_leave(control, ret);
	if (!ret)
		ret = check(control, program, &facts, refusal);
	if (!ret)
		ret = hand_over_all(control, refusal);
	if (!ret)
		ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = load_on_board(control, &facts, loaded, refusal);
	if (!ret) {
		control->loaded = true;
		control->generation = program->generation;
		control->facts = facts;
	}
	return etalon_control_leave(control, ret);
}

int etalon_program_load(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_load *l = argument;
	struct etalon_loaded loaded;
	int ret;

	if (l->reserved)
		return -EINVAL;
	mutex_lock(&file->board->program_lock);
	ret = load(control, &loaded, refusal);
	mutex_unlock(&file->board->program_lock);
	if (ret)
		return ret;
	l->duration_ns = loaded.duration_ns;
	l->points = loaded.points;
	l->stride = loaded.stride;
	l->crc = loaded.crc;
	l->duration_is_bound = loaded.duration_is_bound;
	return 0;
}

/* ---- START ---- */

static int start(struct etalon_control *control, struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	u64 mark;
	int ret;

	if (!control->loaded)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_STATE, 0, 0, 0);
	/* Limits may be narrower than at LOAD. */
	ret = etalon_program_check_limits(control->limits, &control->facts, refusal);
	if (ret)
		return ret;
	mark = etalon_records_mark(board);
	ret = board->ops->command(board, ETALON_HW_COMMAND_START, refusal);
	if (!ret)
		etalon_records_begin(board, control->generation, mark);
	return ret;
}

int etalon_program_start(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	const struct etalon_command *c = argument;
	int ret;

	if (c->period_ns)
		return -EINVAL;
	mutex_lock(&file->board->program_lock);
	ret = etalon_control_enter(control);
	if (!ret)
		ret = etalon_control_leave(control, start(control, refusal));
	mutex_unlock(&file->board->program_lock);
	return ret;
}
