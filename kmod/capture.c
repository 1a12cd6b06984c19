// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The capture fd: records by pread() and by a read-only mapping, released when they are safe. It
 * touches memory alone, and goes on when the board is gone.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "chardev.h"
#include "compat.h"

static int call_release(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	const struct etalon_sequence *s = argument;

	return etalon_records_release(file->board, s->sequence);
}

static int call_want(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	const struct etalon_sequence *s = argument;

	etalon_records_want(file->board, s->sequence);
	return 0;
}

static long capture_ioctl(struct file *filp, unsigned int number, unsigned long argument)
{
	static const struct etalon_call calls[] = {
		ETALON_CALL_PLAIN(ETALON_IOC_RELEASE, call_release),
		ETALON_CALL_PLAIN(ETALON_IOC_WANT, call_want),
	};
	struct etalon_capture *capture = filp->private_data;
	void __user *user = (void __user *)argument;
	long ret = etalon_calls_run(&capture->file, calls, ARRAY_SIZE(calls), number, user);

	return ret == -ENOTTY ? etalon_calls_common(&capture->file, number, user) : ret;
}

static __poll_t capture_poll(struct file *filp, poll_table *wait)
{
	struct etalon_capture *capture = filp->private_data;
	struct etalon_board *board = capture->file.board;
	__poll_t events = 0;

	poll_wait(filp, &board->wait, wait);
	/* Before the records: the last one is there when the board is gone. */
	if (smp_load_acquire(&board->presence) == ETALON_GONE)
		events |= EPOLLHUP;
	/* Who is woken reads records: they are there before their number. */
	if (smp_load_acquire(&board->memory.status->producer) > READ_ONCE(board->want))
		events |= EPOLLIN | EPOLLRDNORM;
	if (!etalon_file_saw_all(&capture->file))
		events |= EPOLLPRI;
	return events;
}

static ssize_t capture_read(struct file *filp, char __user *buffer, size_t count, loff_t *position)
{
	struct etalon_capture *capture = filp->private_data;
	ssize_t got = etalon_records_read(capture->file.board, buffer, count, *position);

	if (got > 0)
		*position += got;
	return got;
}

static int map_pages(struct vm_area_struct *vma, struct page **pages, unsigned long available,
		     unsigned long first)
{
	unsigned long count = vma_pages(vma);
	int ret;

	if (first > available || count > available - first)
		return -EINVAL;
	/* Each takes a reference: they stay until the last unmap. */
	ret = vm_insert_pages(vma, vma->vm_start, pages + first, &count);
	return ret == -EFAULT ? -ENOMEM : ret; /* its word for no memory for the upper tables */
}

static int capture_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct etalon_capture *capture = filp->private_data;
	struct etalon_ring_memory *memory = &capture->file.board->memory;
	const unsigned long data = ETALON_DATA_OFFSET >> PAGE_SHIFT;
	struct page *status;

	if (!(vma->vm_flags & VM_MAYSHARE)) /* VM_SHARED is for those who may write */
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	etalon_vm_flags(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE);
	if (vma->vm_pgoff >= data)
		return map_pages(vma, memory->pages, memory->page_count, vma->vm_pgoff - data);
	status = virt_to_page(memory->status);
	return map_pages(vma, &status, 1, vma->vm_pgoff);
}

static int capture_release(struct inode *inode, struct file *filp)
{
	struct etalon_capture *capture = filp->private_data;
	struct etalon_board *board = capture->file.board;

	mutex_lock(&board->lock);
	board->has_capture = false;
	mutex_unlock(&board->lock);
	kfree(capture);
	put_device(&board->dev);
	return 0;
}

const struct file_operations etalon_capture_fops = {
	.owner = THIS_MODULE,
	.read = capture_read,
	.poll = capture_poll,
	.mmap = capture_mmap,
	.unlocked_ioctl = capture_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = capture_release,
};

static int take_capture(struct etalon_board *board)
{
	int ret = 0;

	mutex_lock(&board->lock);
	if (board->presence == ETALON_GONE)
		ret = -ENODEV;
	else if (board->has_capture)
		ret = -EBUSY;
	else
		board->has_capture = true;
	mutex_unlock(&board->lock);
	return ret;
}

struct etalon_capture *etalon_capture_open(struct etalon_board *board, int *ret_error)
{
	struct etalon_capture *capture = kzalloc(sizeof(*capture), GFP_KERNEL);

	*ret_error = -ENOMEM;
	if (!capture)
		return NULL;
	capture->file.board = board;
	capture->file.events_seen = -1; /* the first poll() tells to look */
	*ret_error = take_capture(board);
	if (!*ret_error) {
		etalon_records_want(board, 0);
		return capture;
	}
	kfree(capture);
	return NULL;
}
