// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/etalonN: opening, how calls take and give their arguments, and the calls of any fd.
 */
#include <linux/cdev.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev.h"

#define ARGUMENT_MAX 128 /* bytes of the longest structure known */
#define HEAD_BYTES 8 /* size and flags */

/*
 * -E2BIG: a newer program wants what this kernel does not know. The size within the structure and
 * the one in the command number are two ways to say the same.
 */
static int take_argument(unsigned int command, size_t known, u32 *argument, u32 *ret_size,
			 const void __user *from)
{
	u32 size;
	int ret;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size != _IOC_SIZE(command) || size < HEAD_BYTES)
		return -EINVAL;
	ret = copy_struct_from_user(argument, known, from, size);
	if (ret)
		return ret;
	if (argument[0] != size || argument[1]) /* it changed meanwhile; flags */
		return -EINVAL;
	*ret_size = size;
	return 0;
}

static int run_call(struct etalon_file *file, const struct etalon_call *call, unsigned int command,
		    void __user *user)
{
	u64 argument[ARGUMENT_MAX / sizeof(u64)] = {0};
	const size_t known = _IOC_SIZE(call->command);
	struct etalon_refusal unused = {0}, *refusal = &unused;
	u32 size;
	int ret;

	BUILD_BUG_ON(sizeof(struct etalon_status) > ARGUMENT_MAX);
	if (!known)
		return call->run(file, NULL, &unused);
	ret = take_argument(command, known, (u32 *)argument, &size, user);
	if (ret)
		return ret;
	if (call->refusal) {
		refusal = (void *)argument + call->refusal;
		*refusal = unused;
	}
	ret = call->run(file, argument, refusal);
	if (copy_to_user(user, argument, min_t(size_t, size, known)))
		return -EFAULT;
	return ret;
}

long etalon_calls_run(struct etalon_file *file, const struct etalon_call *calls, size_t count,
		      unsigned int command, void __user *argument)
{
	size_t i;

	for (i = 0; i < count; i++)
		/* The size may be that of another version; the rest says which call it is. */
		if ((command & ~IOCSIZE_MASK) == (calls[i].command & ~IOCSIZE_MASK))
			return run_call(file, &calls[i], command, argument);
	return -ENOTTY;
}

/* ---- calls of any fd ---- */

static int call_info(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_board *board = file->board;
	struct etalon_info *info = argument;
	int ret = 0;

	mutex_lock(&board->lock);
	if (board->presence == ETALON_GONE)
		ret = -ENODEV;
	else
		*info = (struct etalon_info){
			.size = info->size,
			.link = board->ops->link,
			.description_size = board->description.head->size,
			.features = ETALON_FEATURE_MMAP,
			.status_offset = ETALON_STATUS_OFFSET,
			.data_offset = ETALON_DATA_OFFSET,
			.data_bytes = (u64)board->memory.page_count << PAGE_SHIFT,
			.record_rate_max = board->record_rate_max,
			.epoch = board->epoch,
		};
	mutex_unlock(&board->lock);
	return ret;
}

static int call_description(struct etalon_file *file, void *argument,
			    struct etalon_refusal *refusal)
{
	const struct etalon_hw_description *head = file->board->description.head;
	struct etalon_description *d = argument;

	if (READ_ONCE(file->board->presence) == ETALON_GONE)
		return -ENODEV;
	if (d->reserved)
		return -EINVAL;
	if (d->capacity < head->size)
		return -ENOSPC;
	return copy_to_user(u64_to_user_ptr(d->buffer), head, head->size) ? -EFAULT : 0;
}

static int call_status(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_board *board = file->board;
	struct etalon_status *s = argument;

	mutex_lock(&board->lock);
	if (board->presence == ETALON_GONE) {
		mutex_unlock(&board->lock);
		return -ENODEV;
	}
	if (board->presence == ETALON_PRESENT)
		etalon_board_collect(board);
	*s = (struct etalon_status){
		.size = s->size,
		.state = board->safety.state,
		.causes_live = board->safety.causes_live,
		.causes_latched = board->safety.causes_latched,
		.last_off_cause = board->safety.last_off_cause,
		.status_bits = board->safety.status_bits,
		.last_off_tick = board->safety.last_off_tick,
		.emission_ready_tick = board->safety.emission_ready_tick,
		.events = atomic64_read(&board->events),
		.interrupts = atomic64_read(&board->interrupts),
		.register_reads = atomic64_read(&board->register_reads),
		.register_writes = atomic64_read(&board->register_writes),
		.kicks = atomic64_read(&board->kicks),
	};
	spin_lock(&board->ring_lock);
	s->sequencer = board->told.sequencer;
	s->records_lost = board->told.lost;
	spin_unlock(&board->ring_lock);
	file->events_seen = (s64)s->events;
	mutex_unlock(&board->lock);
	return 0;
}

static int call_clock(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_board *board = file->board;
	struct etalon_clock *clock = argument;
	u64 before, after;
	int ret;

	mutex_lock(&board->lock);
	ret = etalon_board_present(board);
	if (!ret) {
		before = ktime_get_ns();
		ret = etalon_board_result(board, board->ops->tick(board, &clock->tick));
		after = ktime_get_ns();
	}
	mutex_unlock(&board->lock);
	if (ret)
		return ret;
	clock->monotonic_ns = before + (after - before) / 2;
	clock->uncertainty_ns = after - before;
	return 0;
}

long etalon_calls_common(struct etalon_file *file, unsigned int command, void __user *argument)
{
	static const struct etalon_call calls[] = {
		ETALON_CALL_PLAIN(ETALON_IOC_INFO, call_info),
		ETALON_CALL_PLAIN(ETALON_IOC_DESCRIPTION, call_description),
		ETALON_CALL_PLAIN(ETALON_IOC_STATUS, call_status),
		ETALON_CALL_PLAIN(ETALON_IOC_CLOCK, call_clock),
	};

	return etalon_calls_run(file, calls, ARRAY_SIZE(calls), command, argument);
}

/* ---- open ---- */

static int open_as(struct file *filp, void *file, const struct file_operations *fops)
{
	filp->private_data = file;
	replace_fops(filp, fops_get(fops));
	return 0;
}

static int etalon_open(struct inode *inode, struct file *filp)
{
	struct etalon_board *board = container_of(inode->i_cdev, struct etalon_board, cdev);
	int error = -EINVAL;
	void *file = NULL;

	/* The reference of the fd. That of the inode's cdev holds the board until we have it. */
	get_device(&board->dev);
	switch (filp->f_flags & O_ACCMODE) {
	case O_RDWR:
		file = etalon_control_open(board, &error);
		if (file)
			return open_as(filp, file, &etalon_control_fops);
		break;
	case O_RDONLY:
		file = etalon_capture_open(board, &error);
		if (file)
			return open_as(filp, file, &etalon_capture_fops);
		break;
	}
	put_device(&board->dev);
	return error;
}

const struct file_operations etalon_fops = {
	.owner = THIS_MODULE,
	.open = etalon_open,
};
