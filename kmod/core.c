// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boards: how they come, sleep and go, and what the board says of its own state. Nothing of
 * user space is known here but that it waits on board->wait.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "compat.h"
#include "etalon.h"

#define BOARDS_MAX 64
#define RING_SECONDS 2
#define END_WAIT_US 500
#define END_WAITS 40
#define STATUS_RECORDS_PER_S 16 /* and some for START, GAP and END */

static unsigned int ring_mib;
module_param(ring_mib, uint, 0444);
MODULE_PARM_DESC(ring_mib,
		 "Size of each board's record ring in MiB (default: 2 s at its highest rate)");

static dev_t first_devt;
static DEFINE_IDA(numbers);

/*
 * The kernel's own, not a part of the module: whatever a delayed release of it still reads is there
 * when the module has gone.
 */
static struct class *etalon_class;

/* Boards that are not released yet, and the module: that code must not go before they have. */
static refcount_t unreleased = REFCOUNT_INIT(1);
static DECLARE_COMPLETION(all_released);

/* ---- what the board says of itself ---- */

int etalon_board_present(const struct etalon_board *board)
{
	switch (board->presence) {
	case ETALON_PRESENT:
		return 0;
	case ETALON_ASLEEP:
		return -EAGAIN;
	default:
		return -ENODEV;
	}
}

void etalon_board_note_event(struct etalon_board *board)
{
	atomic64_inc(&board->events);
	wake_up_all(&board->wait);
}

/* The place of an END of ours is that of the next record: no other may come there. */
static void quiesce(struct etalon_board *board)
{
	if (board->ops->quiesce)
		board->ops->quiesce(board);
}

/* Nobody can operate it from here on. */
static void leave(struct etalon_board *board, enum etalon_presence presence,
		  enum etalon_cause cause)
{
	bool changed;

	board->armed = false; /* the timer finds nothing to do */
	quiesce(board);
	etalon_records_take(board, &changed);
	etalon_records_close(board, cause, presence == ETALON_GONE);
	/* poll() looks without the lock: who is told of the end finds END in the ring. */
	smp_store_release(&board->presence, presence);
	etalon_emission_revoke(board);
	etalon_board_note_event(board);
}

int etalon_board_result(struct etalon_board *board, int ret)
{
	if (ret == -ENODEV && board->presence == ETALON_PRESENT) {
		dev_err(&board->dev, "does not answer any more\n");
		leave(board, ETALON_GONE, ETALON_CAUSE_UNPLUG);
	}
	return ret;
}

void etalon_board_distrust(struct etalon_board *board, const char *what)
{
	if (board->distrusted || board->presence != ETALON_PRESENT)
		return;
	board->distrusted = true;
	etalon_emission_cause(board, ETALON_CAUSE_DISTRUST);
	dev_err_ratelimited(&board->dev, "broke its contract: %s; stopped\n", what);
	/* Before anything else is read, so that nothing is believed any more. */
	etalon_records_shut(board, ETALON_CAUSE_DISTRUST);
	etalon_emission_off(board, ETALON_HW_COMMAND_HALT, ETALON_CAUSE_DISTRUST);
	/* It may not have obeyed, and may write where it likes in the ring. */
	quiesce(board);
	etalon_records_close(board, ETALON_CAUSE_DISTRUST, false);
	etalon_emission_revoke(board);
}

int etalon_board_trust(struct etalon_board *board)
{
	int ret = 0;

	if (!board->distrusted)
		return 0;
	if (board->ops->ready)
		ret = board->ops->ready(board);
	if (ret)
		return etalon_board_result(board, ret == -ENODEV ? ret : -EIO);
	board->distrusted = false;
	return etalon_board_read_safety(board); /* the last may have been a lie */
}

static bool plausible(const struct etalon_safety *safety)
{
	return safety->state <= ETALON_HW_STATE_TRIPPED &&
	       safety->sequencer <= ETALON_HW_SEQUENCER_ENDED;
}

int etalon_board_read_safety(struct etalon_board *board)
{
	struct etalon_safety safety = board->safety;
	int ret = board->ops->safety(board, &safety);

	if (ret)
		return etalon_board_result(board, ret);
	spin_lock(&board->ring_lock);
	safety.sequencer = board->told.sequencer;
	spin_unlock(&board->ring_lock);
	if (!plausible(&safety)) {
		etalon_board_distrust(board, "a state that does not exist");
		return -EIO;
	}
	board->safety = safety;
	etalon_emission_noted(board);
	etalon_board_note_event(board);
	return 0;
}

/* What the board told without being asked; where that means more, it is asked. */
static void heed(struct etalon_board *board)
{
	struct etalon_safety *safety = &board->safety;
	struct etalon_progress told;

	spin_lock(&board->ring_lock);
	told = board->told;
	spin_unlock(&board->ring_lock);
	safety->sequencer = told.sequencer;
	safety->causes_live = told.causes_live;
	safety->status_bits = told.status_bits;
	if (told.state != safety->state || told.causes != safety->causes_latched)
		etalon_board_read_safety(board);
	else
		etalon_board_note_event(board);
}

void etalon_board_collect(struct etalon_board *board)
{
	bool changed;

	if (board->distrusted)
		return;
	if (etalon_records_take(board, &changed) < 0)
		etalon_board_distrust(board, "a record number or state that cannot be");
	else if (changed)
		heed(board);
}

static void distrust_unlocked(struct etalon_board *board, const char *what)
{
	mutex_lock(&board->lock);
	etalon_board_distrust(board, what);
	mutex_unlock(&board->lock);
}

void etalon_board_progress(struct etalon_board *board)
{
	bool changed;

	if (READ_ONCE(board->distrusted))
		return;
	if (etalon_records_take(board, &changed) < 0)
		return distrust_unlocked(board, "a record number or state that cannot be");
	if (!changed)
		return;
	mutex_lock(&board->lock);
	if (board->presence == ETALON_PRESENT && !board->distrusted)
		heed(board);
	mutex_unlock(&board->lock);
}
EXPORT_SYMBOL_GPL(etalon_board_progress);

void etalon_board_aux_event(struct etalon_board *board)
{
	etalon_gpio_edges(board);
}
EXPORT_SYMBOL_GPL(etalon_board_aux_event);

/* ---- sleep, and the end ---- */

static enum etalon_presence sleeping_or(enum etalon_presence presence, enum etalon_presence next)
{
	return presence == ETALON_GONE ? ETALON_GONE : next;
}

/* The board's own END says more than ours: it ended the program when it was told to be dark. */
static void await_end(struct etalon_board *board)
{
	unsigned int i;

	for (i = 0; i < END_WAITS && etalon_records_lack_end(board); i++) {
		fsleep(END_WAIT_US);
		etalon_board_collect(board);
	}
}

static void go(struct etalon_board *board, enum etalon_presence next, enum etalon_cause cause,
	       bool reachable)
{
	etalon_emission_cause(board, cause);
	mutex_lock(&board->lock);
	if (board->presence == ETALON_PRESENT && reachable &&
	    !etalon_emission_off(board, ETALON_HW_COMMAND_HALT, cause))
		await_end(board);
	leave(board, sleeping_or(board->presence, next), cause);
	mutex_unlock(&board->lock);
	if (reachable)
		etalon_emission_await_dark(board);
}

void etalon_board_suspend(struct etalon_board *board, enum etalon_cause cause)
{
	go(board, ETALON_ASLEEP, cause, true);
}
EXPORT_SYMBOL_GPL(etalon_board_suspend);

void etalon_board_suspend_unreachable(struct etalon_board *board, enum etalon_cause cause)
{
	go(board, ETALON_ASLEEP, cause, false);
}
EXPORT_SYMBOL_GPL(etalon_board_suspend_unreachable);

void etalon_board_lost(struct etalon_board *board)
{
	go(board, ETALON_GONE, ETALON_CAUSE_UNPLUG, false);
}
EXPORT_SYMBOL_GPL(etalon_board_lost);

void etalon_board_resume(struct etalon_board *board)
{
	mutex_lock(&board->gpio_lock);
	mutex_lock(&board->lock);
	if (board->presence == ETALON_ASLEEP) {
		board->presence = ETALON_PRESENT;
		board->distrusted = false;
		board->live_valid = false;
		board->epoch++;
		etalon_gpio_restore(board);
		/* Not every way here resets it; and who opened it asleep could not write any. */
		if (!etalon_board_read_safety(board))
			etalon_control_settle_limits(board);
	}
	mutex_unlock(&board->lock);
	mutex_unlock(&board->gpio_lock);
	etalon_gpio_edges(board); /* no message told of those meanwhile */
}
EXPORT_SYMBOL_GPL(etalon_board_resume);

static void release_board(struct device *dev)
{
	struct etalon_board *board = to_etalon_board(dev);

	etalon_memory_free(&board->memory);
	kvfree(board->description_blob);
	mutex_destroy(&board->gpio_lock);
	mutex_destroy(&board->program_lock);
	mutex_destroy(&board->lock);
	kfree(board);
	if (refcount_dec_and_test(&unreleased))
		complete(&all_released);
}

struct etalon_board *etalon_board_alloc(struct device *parent, const struct etalon_link_ops *ops,
					void *link)
{
	struct etalon_board *board = kzalloc(sizeof(*board), GFP_KERNEL);

	if (!board)
		return NULL;
	refcount_inc(&unreleased);
	device_initialize(&board->dev);
	board->dev.parent = parent;
	board->dev.class = etalon_class;
	board->dev.release = release_board;
	board->ops = ops;
	board->link = link;
	board->number = -1;
	board->ring_closed = true;
	mutex_init(&board->lock);
	mutex_init(&board->program_lock);
	mutex_init(&board->gpio_lock);
	spin_lock_init(&board->ring_lock);
	init_waitqueue_head(&board->wait);
	etalon_emission_init(board);
	return board;
}
EXPORT_SYMBOL_GPL(etalon_board_alloc);

int etalon_board_describe(struct etalon_board *board, void *blob, u32 bytes)
{
	struct etalon_description_fault fault;
	int ret;

	board->description_blob = blob;
	ret = etalon_description_check(blob, bytes, &board->description, &fault);
	if (ret && *fault.table)
		dev_err(board->dev.parent, "description: %s %u: %s\n", fault.table, fault.number,
			fault.what);
	else if (ret)
		dev_err(board->dev.parent, "description: %s\n", fault.what);
	return ret;
}
EXPORT_SYMBOL_GPL(etalon_board_describe);

static u64 ring_bytes(const struct etalon_board *board)
{
	const struct etalon_hw_description *head = board->description.head;
	const u32 detectors = min_t(u32, head->detector_count, ETALON_HW_PROGRAM_DETECTORS_MAX);
	const u64 rate = min_t(u64, board->record_rate_max, NSEC_PER_SEC / head->period_min_ns);
	u64 bytes = (rate + STATUS_RECORDS_PER_S) * etalon_record_stride(detectors);

	if (ring_mib)
		return (u64)ring_mib << 20;
	if (board->record_bytes_max)
		bytes = min(bytes, board->record_bytes_max);
	return bytes * RING_SECONDS;
}

int etalon_board_alloc_ring(struct etalon_board *board)
{
	const u64 bytes = PAGE_ALIGN(ring_bytes(board));
	int ret = -ENOMEM;

	if (bytes >> PAGE_SHIFT <= totalram_pages() / 2)
		ret = etalon_memory_alloc(&board->memory, dev_to_node(board->dev.parent), bytes);
	if (ret) {
		dev_err(board->dev.parent,
			"no memory for a ring of %llu MiB; give etalon.ring_mib= for a smaller one\n",
			bytes >> 20);
		return ret;
	}
	board->memory.status->magic = ETALON_RING_STATUS_MAGIC;
	board->memory.status->size = sizeof(*board->memory.status);
	etalon_ring_init(&board->ring, bytes);
	return 0;
}
EXPORT_SYMBOL_GPL(etalon_board_alloc_ring);

static int publish_node(struct etalon_board *board)
{
	int ret;

	board->dev.devt = MKDEV(MAJOR(first_devt), MINOR(first_devt) + board->number);
	ret = dev_set_name(&board->dev, "etalon%d", board->number);
	if (ret)
		return ret;
	cdev_init(&board->cdev, &etalon_fops);
	board->cdev.owner = THIS_MODULE;
	return cdev_device_add(&board->cdev, &board->dev);
}

int etalon_board_register(struct etalon_board *board)
{
	int ret = ida_alloc_max(&numbers, BOARDS_MAX - 1, GFP_KERNEL);

	if (ret < 0)
		return ret;
	board->number = ret;
	mutex_lock(&board->lock);
	ret = etalon_board_read_safety(board);
	mutex_unlock(&board->lock);
	if (!ret)
		ret = publish_node(board); /* last: it can be opened from here on */
	if (ret) {
		/* Whoever made a node of his own may be in already. */
		go(board, ETALON_GONE, ETALON_CAUSE_UNPLUG, true);
		etalon_emission_destroy(board);
		ida_free(&numbers, board->number);
		return ret;
	}
	etalon_hwmon_register(board);
	etalon_gpio_register(board);
	return 0;
}
EXPORT_SYMBOL_GPL(etalon_board_register);

/*
 * The order matters. Emission first. Then nobody may operate the board, and all who wait are told.
 * Then those who could still come in: hwmon and gpio wait for their callers, the node gets no new
 * ones. The timer last, because only a holder could start it. What is open keeps the memory, and
 * finds the board gone.
 */
void etalon_board_unregister(struct etalon_board *board)
{
	go(board, ETALON_GONE, ETALON_CAUSE_UNPLUG, true);
	etalon_gpio_unregister(board);
	etalon_hwmon_unregister(board);
	cdev_device_del(&board->cdev, &board->dev);
	etalon_emission_destroy(board);
	ida_free(&numbers, board->number);
}
EXPORT_SYMBOL_GPL(etalon_board_unregister);

/* ---- the class ---- */

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_etalon_board(dev)->description.head->serial);
}
static DEVICE_ATTR_RO(serial);

static ssize_t model_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_etalon_board(dev)->description.head->model);
}
static DEVICE_ATTR_RO(model);

static ssize_t firmware_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_etalon_board(dev)->description.head->firmware);
}
static DEVICE_ATTR_RO(firmware);

static ssize_t link_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_etalon_board(dev)->ops->name);
}
static DEVICE_ATTR_RO(link);

static struct attribute *etalon_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_model.attr,
	&dev_attr_firmware.attr,
	&dev_attr_link.attr,
	NULL,
};
ATTRIBUTE_GROUPS(etalon);

static int __init etalon_init(void)
{
	int ret;

	etalon_class = etalon_class_create("etalon");
	if (IS_ERR(etalon_class))
		return PTR_ERR(etalon_class);
	etalon_class->dev_groups = etalon_groups;
	ret = alloc_chrdev_region(&first_devt, 0, BOARDS_MAX, "etalon");
	if (ret)
		class_destroy(etalon_class);
	return ret;
}
module_init(etalon_init);

static void __exit etalon_exit(void)
{
	if (!refcount_dec_and_test(&unreleased))
		wait_for_completion(&all_released);
	unregister_chrdev_region(first_devt, BOARDS_MAX);
	class_destroy(etalon_class);
	ida_destroy(&numbers);
}
module_exit(etalon_exit);

MODULE_DESCRIPTION("Etalon: test boards for photonic chips");
MODULE_VERSION(ETALON_VERSION);
MODULE_LICENSE("GPL");
