// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCIe link: BAR, messages, and what can happen to a device on a bus. Section 6 of hw.h.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "pci.h"
#include "registers.h"

#define BAR 0
#define INTERRUPT_GAP_NS 1000000U
#define EVENT_MASK (ETALON_HW_EVENT_RECORDS | ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX)
#define EVENTS_OF_MESSAGE 0xffU /* of control->events; the rest counts messages */
#define ONE_MESSAGE 0x100U

/* ---- registers ---- */

static bool answers(const struct etalon_pci *link)
{
	return readl(link->registers + ETALON_REG_MAGIC) == ETALON_HW_MAGIC;
}

static int reachable(const struct etalon_pci *link)
{
	if (likely(!pci_channel_offline(link->pdev)))
		return 0;
	return link->pdev->error_state == pci_channel_io_perm_failure ? -ENODEV : -EIO;
}

static int pci_link_read(struct etalon_board *board, u32 address, u32 *values, unsigned int count)
{
	struct etalon_pci *link = board->link;
	bool all_ones = false;
	unsigned int i;
	int ret = reachable(link);

	for (i = 0; !ret && i < count; i++) {
		values[i] = readl(link->registers + address + i * sizeof(u32));
		if (values[i] != ~0U)
			continue;
		/* What nobody answers; it may be a value, too. Each may take its time-out. */
		ret = !all_ones && !answers(link) ? -ENODEV : 0;
		all_ones = true;
	}
	atomic64_add(i, &board->register_reads);
	if (!ret && all_ones && count > 1 && !answers(link))
		ret = -ENODEV;
	return ret;
}

static int pci_link_write(struct etalon_board *board, u32 address, const u32 *values,
			  unsigned int count)
{
	struct etalon_pci *link = board->link;
	unsigned int i;
	int ret = reachable(link);

	if (ret)
		return ret;
	for (i = 0; i < count; i++)
		writel(values[i], link->registers + address + i * sizeof(u32));
	if (address != ETALON_REG_KICK)
		atomic64_add(count, &board->register_writes);
	return 0;
}

/* ---- the control block ---- */

/* 32-bit machines read it in two halves. */
static u64 read_producer(const struct etalon_hw_control *control)
{
	u64 producer = READ_ONCE(control->producer), again = producer;
	int tries = IS_ENABLED(CONFIG_64BIT) ? 0 : 4;

	while (tries--) {
		producer = again;
		again = READ_ONCE(control->producer);
		if (producer == again)
			break;
	}
	return again;
}

static void pci_link_progress(struct etalon_board *board, struct etalon_progress *ret)
{
	struct etalon_pci *link = board->link;
	const struct etalon_hw_control *control = link->control;

	ret->producer = read_producer(control);
	dma_rmb(); /* records and state are at least as new */
	ret->lost = READ_ONCE(control->lost);
	ret->state = READ_ONCE(control->state);
	ret->causes = READ_ONCE(control->causes);
	ret->causes_live = READ_ONCE(control->causes_live);
	ret->status_bits = READ_ONCE(control->status_bits);
	ret->sequencer = READ_ONCE(control->sequencer);
}

static void pci_link_consume(struct etalon_board *board, u64 sequence)
{
	struct etalon_pci *link = board->link;

	dma_mb(); /* reading is over */
	WRITE_ONCE(link->control->consumer, sequence);
}

/* ---- messages ---- */

/*
 * Whether an auxiliary line changed: all else shows in the block. A shared vector tells the last
 * message's events only: when one was overtaken, it may have been that.
 */
static bool is_aux(const struct etalon_pci_vector *vector)
{
	struct etalon_pci *link = vector->link;
	u32 before, now;

	if (!(vector->events & ETALON_HW_EVENT_AUX))
		return false;
	if (vector->events == ETALON_HW_EVENT_AUX)
		return true;
	now = READ_ONCE(link->control->events);
	before = xchg(&link->messages, now);
	return now & ETALON_HW_EVENT_AUX ||
	       (now & ~EVENTS_OF_MESSAGE) - (before & ~EVENTS_OF_MESSAGE) != ONE_MESSAGE;
}

static irqreturn_t on_message(int irq, void *data)
{
	const struct etalon_pci_vector *vector = data;
	struct etalon_board *board = vector->link->board;

	atomic64_inc(&board->interrupts);
	etalon_board_progress(board);
	if (is_aux(vector))
		etalon_board_aux_event(board);
	return IRQ_HANDLED;
}

/* One vector for each event; with fewer, they share the last. */
static void share_vectors(struct etalon_pci *link)
{
	int event, vector;

	for (event = 0; event < ETALON_PCI_VECTORS_MAX; event++) {
		vector = min(event, link->vector_count - 1);
		link->vector[vector].link = link;
		link->vector[vector].events |= 1U << event;
	}
}

static void free_vectors(struct etalon_pci *link, int requested)
{
	while (requested--)
		free_irq(pci_irq_vector(link->pdev, requested), &link->vector[requested]);
	pci_free_irq_vectors(link->pdev);
}

static int request_vectors(struct etalon_pci *link)
{
	struct pci_dev *pdev = link->pdev;
	int i, ret;

	ret = pci_alloc_irq_vectors(pdev, 1, ETALON_PCI_VECTORS_MAX, PCI_IRQ_MSIX | PCI_IRQ_MSI);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no message-signalled interrupt\n");
	link->vector_count = ret;
	share_vectors(link);
	for (i = 0; i < link->vector_count; i++) {
		ret = request_threaded_irq(pci_irq_vector(pdev, i), NULL, on_message, IRQF_ONESHOT,
					   "etalon", &link->vector[i]);
		if (ret) {
			free_vectors(link, i);
			return dev_err_probe(&pdev->dev, ret, "cannot have interrupt %d\n", i);
		}
	}
	return 0;
}

/* ---- bringing the board up and down ---- */

/* RING_TABLE to CONTROL_BLOCK */
#define RING_WORDS ((ETALON_REG_CONTROL_BLOCK + 8 - ETALON_REG_RING_TABLE) / 4)

/*
 * Where the ring is, and that we listen. The board may still know the memory of an earlier driver,
 * which is others' now: it masters the bus when it knows ours.
 */
static int start_dma(struct etalon_pci *link)
{
	struct etalon_board *board = link->board;
	const u32 ring[RING_WORDS] = {
		lower_32_bits(link->ring_table_address),
		upper_32_bits(link->ring_table_address),
		board->memory.page_count,
		PAGE_SHIFT,
		lower_32_bits(link->control_address),
		upper_32_bits(link->control_address),
	};
	const u32 gap = INTERRUPT_GAP_NS, enable = EVENT_MASK;
	struct etalon_refusal refusal = {0};
	int ret;

	memset(link->control, 0, sizeof(*link->control));
	ret = etalon_registers_try(board, ETALON_REG_RING_TABLE, ring, ARRAY_SIZE(ring), &refusal);
	if (!ret)
		pci_set_master(link->pdev);
	if (!ret)
		ret = etalon_registers_try(board, ETALON_REG_INTERRUPT_GAP_NS, &gap, 1, &refusal);
	if (!ret)
		ret = etalon_registers_try(board, ETALON_REG_INTERRUPT_ENABLE, &enable, 1,
					   &refusal);
	if (ret)
		dev_err_ratelimited(&link->pdev->dev, "refuses its ring: result %u, detail %#x\n",
				    refusal.result, refusal.detail);
	return ret;
}

/*
 * When the configuration write is answered, what the board wrote before is in memory: on their
 * way up an answer does not pass writes. It forgets our memory, too: whoever lets it master the
 * bus next does not know of it.
 */
static void stop_dma(struct etalon_pci *link)
{
	static const u32 none[RING_WORDS];
	const bool hears = !reachable(link) && answers(link);

	if (hears)
		pci_link_write(link->board, ETALON_REG_INTERRUPT_ENABLE, none, 1);
	pci_clear_master(link->pdev);
	if (hears)
		pci_link_write(link->board, ETALON_REG_RING_TABLE, none, RING_WORDS);
}

static void pci_link_quiesce(struct etalon_board *board)
{
	stop_dma(board->link);
}

static int pci_link_ready(struct etalon_board *board)
{
	int ret = start_dma(board->link);

	if (ret)
		stop_dma(board->link);
	return ret;
}

/* The board is as after power-on, and nobody may operate it yet. */
static int make_ready(struct etalon_pci *link)
{
	int ret = answers(link) ? start_dma(link) : -ENODEV;

	if (ret)
		etalon_board_lost(link->board);
	return ret;
}

static int wake(struct etalon_pci *link)
{
	int ret = make_ready(link);

	if (ret)
		return ret;
	pci_save_state(link->pdev); /* before 6.19 what was saved is good for one restore */
	etalon_board_resume(link->board);
	return 0;
}

static const struct etalon_link_ops pci_link_ops = {
	.name = "pci",
	.link = ETALON_LINK_PCI,
	.read = pci_link_read,
	.write = pci_link_write,
	.safety = etalon_registers_safety,
	.command = etalon_registers_command,
	.dark = etalon_registers_dark,
	.kick = etalon_registers_kick,
	.set_watchdog = etalon_registers_set_watchdog,
	.set_limits = etalon_registers_set_limits,
	.set_source = etalon_registers_set_source,
	.get_source = etalon_registers_get_source,
	.set_compliance = etalon_registers_set_compliance,
	.set_range = etalon_registers_set_range,
	.set_live_aperture = etalon_registers_set_live_aperture,
	.live = etalon_registers_live,
	.upload = etalon_pci_upload,
	.loaded = etalon_registers_loaded,
	.consume = pci_link_consume,
	.progress = pci_link_progress,
	.quiesce = pci_link_quiesce,
	.ready = pci_link_ready,
	.sync = etalon_pci_sync,
	.give = etalon_pci_give,
	.tick = etalon_registers_tick,
	.aux_direction = etalon_registers_aux_direction,
	.aux_set = etalon_registers_aux_set,
	.aux_outputs = etalon_registers_aux_outputs,
	.aux_get = etalon_registers_aux_get,
};

/* ---- what it is ---- */

static int read_description(struct etalon_pci *link)
{
	struct etalon_board *board = link->board;
	u32 bytes;
	void *blob;
	int ret = pci_link_read(board, ETALON_REG_DESCRIPTION_SIZE, &bytes, 1);

	if (ret)
		return ret;
	if (bytes < sizeof(struct etalon_hw_description) || bytes > ETALON_DESCRIPTION_BYTES_MAX) {
		dev_err(&link->pdev->dev, "description: impossible size %u\n", bytes);
		return -EBADMSG;
	}
	blob = kvzalloc(round_up(bytes, sizeof(u64)), GFP_KERNEL);
	if (!blob)
		return -ENOMEM;
	ret = pci_link_read(board, ETALON_REG_DESCRIPTION, blob, DIV_ROUND_UP(bytes, sizeof(u32)));
	if (ret) {
		kvfree(blob);
		return ret;
	}
	return etalon_board_describe(board, blob, bytes);
}

/* Nothing is written, and it cannot master the bus, before it is known to be ours. */
static int identify(struct etalon_pci *link)
{
	struct device *dev = &link->pdev->dev;
	u32 version, rate;
	int ret;

	if (!answers(link)) {
		dev_err(dev, "is no Etalon board: wrong magic\n");
		return -ENODEV;
	}
	ret = pci_link_read(link->board, ETALON_REG_VERSION, &version, 1);
	if (ret)
		return ret;
	if (version >> 16 != ETALON_HW_VERSION >> 16) {
		dev_err(dev, "speaks version %u of the board contract, this driver %u\n",
			version >> 16, ETALON_HW_VERSION >> 16);
		return -EPROTO;
	}
	ret = pci_link_read(link->board, ETALON_REG_RECORD_RATE_MAX, &rate, 1);
	link->board->record_rate_max = rate;
	return ret ?: read_description(link);
}

static int map_bar(struct etalon_pci *link)
{
	struct pci_dev *pdev = link->pdev;
	int ret;

	if (!(pci_resource_flags(pdev, BAR) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, BAR) < ETALON_REG_SPACE)
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR 0 is no register space\n");
	ret = pci_request_region(pdev, BAR, "etalon");
	if (ret)
		return ret;
	link->registers = pci_iomap(pdev, BAR, ETALON_REG_SPACE);
	if (link->registers)
		return 0;
	pci_release_region(pdev, BAR);
	return -ENOMEM;
}

static void unmap_bar(struct etalon_pci *link)
{
	pci_iounmap(link->pdev, link->registers);
	pci_release_region(link->pdev, BAR);
}

static int enable(struct etalon_pci *link)
{
	struct pci_dev *pdev = link->pdev;
	int ret = pci_enable_device_mem(pdev);

	if (ret)
		return ret;
	pci_clear_master(pdev); /* whatever firmware left */
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (!ret)
		ret = map_bar(link);
	if (ret)
		pci_disable_device(pdev);
	return ret;
}

static int etalon_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct etalon_pci *link = kzalloc(sizeof(*link), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!link)
		return ret;
	link->pdev = pdev;
	link->board = etalon_board_alloc(&pdev->dev, &pci_link_ops, link);
	if (!link->board)
		goto fail_board;
	ret = enable(link);
	if (ret)
		goto fail_enable;
	ret = identify(link);
	if (!ret)
		ret = etalon_board_alloc_ring(link->board);
	if (ret)
		goto fail_ring;
	ret = etalon_pci_map_ring(link);
	if (ret)
		goto fail_ring;
	ret = request_vectors(link);
	if (ret)
		goto fail_vectors;
	ret = start_dma(link);
	if (ret)
		goto fail_start;
	pci_set_drvdata(pdev, link);
	pci_save_state(pdev); /* for slot_reset */
	ret = etalon_board_register(link->board);
	if (!ret)
		return 0;

fail_start:
	stop_dma(link);
	free_vectors(link, link->vector_count);
fail_vectors:
	etalon_pci_unmap_ring(link);
fail_ring:
	unmap_bar(link);
	pci_disable_device(pdev);
fail_enable:
	put_device(&link->board->dev);
fail_board:
	kfree(link);
	return ret;
}

/*
 * The board is told to be dark, and everybody that it is gone, before anything is taken from under
 * it. It must not write any more before its memory is given back; handlers end before what they
 * look at goes.
 */
static void etalon_pci_remove(struct pci_dev *pdev)
{
	struct etalon_pci *link = pci_get_drvdata(pdev);

	etalon_board_unregister(link->board);
	free_vectors(link, link->vector_count);
	etalon_pci_unmap_ring(link);
	unmap_bar(link);
	pci_disable_device(pdev);
	put_device(&link->board->dev);
	kfree(link);
}

static void etalon_pci_shutdown(struct pci_dev *pdev)
{
	struct etalon_pci *link = pci_get_drvdata(pdev);

	etalon_board_suspend(link->board, ETALON_CAUSE_SHUTDOWN);
}

/* ---- sleep ---- */

static int etalon_pci_suspend(struct device *dev)
{
	struct etalon_pci *link = dev_get_drvdata(dev);

	etalon_board_suspend(link->board, ETALON_CAUSE_SUSPEND);
	return 0;
}

static int etalon_pci_resume(struct device *dev)
{
	return wake(dev_get_drvdata(dev));
}

static DEFINE_SIMPLE_DEV_PM_OPS(etalon_pci_pm, etalon_pci_suspend, etalon_pci_resume);

/* ---- resets and errors of the bus ---- */

static void etalon_pci_reset_prepare(struct pci_dev *pdev)
{
	struct etalon_pci *link = pci_get_drvdata(pdev);

	etalon_board_suspend(link->board, ETALON_CAUSE_RESET);
}

static void etalon_pci_reset_done(struct pci_dev *pdev)
{
	wake(pci_get_drvdata(pdev));
}

static pci_ers_result_t etalon_pci_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct etalon_pci *link = pci_get_drvdata(pdev);

	if (state == pci_channel_io_perm_failure) {
		etalon_board_lost(link->board);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	if (state == pci_channel_io_normal)
		etalon_board_suspend(link->board, ETALON_CAUSE_RESET);
	else
		etalon_board_suspend_unreachable(link->board, ETALON_CAUSE_RESET);
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t etalon_pci_slot_reset(struct pci_dev *pdev)
{
	/* The core says so before resume(), up to 6.17 only there: we would not reach it. */
	pdev->error_state = pci_channel_io_normal;
	pci_restore_state(pdev);
	pci_save_state(pdev);
	return make_ready(pci_get_drvdata(pdev)) ? PCI_ERS_RESULT_DISCONNECT
						 : PCI_ERS_RESULT_RECOVERED;
}

/* All that is on this bus has recovered. */
static void etalon_pci_error_resume(struct pci_dev *pdev)
{
	struct etalon_pci *link = pci_get_drvdata(pdev);

	etalon_board_resume(link->board);
}

static const struct pci_error_handlers etalon_pci_errors = {
	.error_detected = etalon_pci_error_detected,
	.slot_reset = etalon_pci_slot_reset,
	.resume = etalon_pci_error_resume,
	.reset_prepare = etalon_pci_reset_prepare,
	.reset_done = etalon_pci_reset_done,
};

/* The prototypes have numbers of others: no MODULE_DEVICE_TABLE, nothing shall load us for them. */
static const struct pci_device_id etalon_pci_ids[] = {
	{PCI_DEVICE(ETALON_HW_PCI_VENDOR, ETALON_HW_PCI_DEVICE)},
	{}};

static struct pci_driver etalon_pci_driver = {
	.name = "etalon_pci",
	.id_table = etalon_pci_ids,
	.probe = etalon_pci_probe,
	.remove = etalon_pci_remove,
	.shutdown = etalon_pci_shutdown,
	.err_handler = &etalon_pci_errors,
	.driver.pm = pm_sleep_ptr(&etalon_pci_pm),
};
module_pci_driver(etalon_pci_driver);

MODULE_DESCRIPTION("Etalon test boards on PCI Express");
MODULE_VERSION(ETALON_VERSION);
MODULE_LICENSE("GPL");
