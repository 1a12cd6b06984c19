// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The USB link: what a device has to be to be ours, and what can happen to it on its bus.
 * Section 7 of hw.h.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "registers.h"
#include "usb.h"

/* What bulk transfers move, less what other devices and the gaps between them take. */
#define FULL_SPEED_BYTES 1000000U
#define HIGH_SPEED_BYTES 40000000U
#define SUPER_SPEED_BYTES 350000000U
#define SUPER_SPEED_PLUS_BYTES 700000000U

struct workqueue_struct *etalon_usb_queue;

/* ---- work ---- */

/* Records or events came. */
static void look(struct work_struct *work)
{
	struct etalon_usb *link = container_of(work, struct etalon_usb, look);
	bool aux;

	spin_lock_irq(&link->lock);
	aux = link->aux;
	link->aux = false;
	spin_unlock_irq(&link->lock);
	etalon_board_progress(link->board);
	if (aux)
		etalon_board_aux_event(link->board);
	if (etalon_usb_has_more(link))
		queue_work(etalon_usb_queue, &link->look);
}

/* ---- life of the pipes ---- */

static void be_quiet(struct etalon_usb *link)
{
	spin_lock(&link->board->ring_lock);
	link->quiet = true;
	etalon_intake_begin(&link->intake, 0, 0); /* whatever comes belongs to nobody */
	spin_unlock(&link->board->ring_lock);
	etalon_usb_stop_fetching(link);
	usb_kill_urb(link->event_urb);
}

static void usb_link_quiesce(struct etalon_board *board)
{
	be_quiet(board->link);
}

/* What came before is of no use: the board begins anew, or nobody believed it. */
static void forget(struct etalon_usb *link)
{
	spin_lock(&link->board->ring_lock);
	spin_lock_irq(&link->lock);
	list_splice_tail_init(&link->done, &link->idle);
	link->hurt = false;
	link->event_hurt = false;
	link->mended = 0;
	link->quiet = false;
	spin_unlock_irq(&link->lock);
	etalon_intake_cut(&link->intake);
	spin_unlock(&link->board->ring_lock);
}

static int start(struct etalon_usb *link)
{
	int ret = etalon_usb_ask(link);

	if (ret)
		return ret;
	forget(link);
	ret = etalon_usb_listen(link);
	if (ret) {
		be_quiet(link);
		return ret;
	}
	etalon_usb_fetch(link);
	mod_delayed_work(etalon_usb_queue, &link->watch, 0);
	return 0;
}

static int usb_link_ready(struct etalon_board *board)
{
	return start(board->link);
}

/* Nobody operates the board any more. What still wakes a work comes before that work. */
static void stop(struct etalon_usb *link)
{
	be_quiet(link);
	cancel_delayed_work_sync(&link->watch);
	cancel_work_sync(&link->look);
}

static const struct etalon_link_ops usb_link_ops = {
	.name = "usb",
	.link = ETALON_LINK_USB,
	.read = etalon_usb_read,
	.write = etalon_usb_write,
	.safety = etalon_usb_safety,
	.command = etalon_usb_command,
	.dark = etalon_usb_dark,
	.kick = etalon_registers_kick,
	.set_watchdog = etalon_registers_set_watchdog,
	.set_limits = etalon_registers_set_limits,
	.set_source = etalon_registers_set_source,
	.get_source = etalon_registers_get_source,
	.set_compliance = etalon_registers_set_compliance,
	.set_range = etalon_registers_set_range,
	.set_live_aperture = etalon_registers_set_live_aperture,
	.live = etalon_registers_live,
	.upload = etalon_usb_upload,
	.loaded = etalon_usb_loaded,
	.begin = etalon_usb_begin,
	.consume = etalon_usb_consume,
	.progress = etalon_usb_progress,
	.quiesce = usb_link_quiesce,
	.ready = usb_link_ready,
	.tick = etalon_registers_tick,
	.aux_direction = etalon_registers_aux_direction,
	.aux_set = etalon_registers_aux_set,
	.aux_outputs = etalon_registers_aux_outputs,
	.aux_get = etalon_registers_aux_get,
};

/* ---- what it is ---- */

static bool has_endpoint(const struct usb_host_interface *setting, u8 address, u8 type)
{
	unsigned int i;

	for (i = 0; i < setting->desc.bNumEndpoints; i++) {
		const struct usb_endpoint_descriptor *e = &setting->endpoint[i].desc;
		const int packet = usb_endpoint_maxp(e);

		if (e->bEndpointAddress == address && usb_endpoint_type(e) == type)
			return packet && (type != USB_ENDPOINT_XFER_BULK ||
					  ETALON_USB_TRANSFER_BYTES % packet == 0);
	}
	return false;
}

/* What the descriptors say, at no request. Numbers of prototypes are those of others, too. */
static bool looks_like_ours(struct usb_interface *intf)
{
	const struct usb_host_interface *setting = intf->cur_altsetting;
	const struct usb_interface_descriptor *d = &setting->desc;
	const struct usb_device *udev = interface_to_usbdev(intf);
	const bool shared = le16_to_cpu(udev->descriptor.idVendor) == ETALON_HW_USB_VENDOR &&
			    le16_to_cpu(udev->descriptor.idProduct) == ETALON_HW_USB_PRODUCT;

	if (d->bInterfaceClass != USB_CLASS_VENDOR_SPEC ||
	    d->bInterfaceSubClass != ETALON_HW_USB_SUBCLASS ||
	    d->bInterfaceProtocol != ETALON_HW_USB_PROTOCOL)
		return false;
	if (shared && (!udev->product || strncmp(udev->product, ETALON_HW_USB_PRODUCT_NAME,
						 strlen(ETALON_HW_USB_PRODUCT_NAME))))
		return false;
	return has_endpoint(setting, ETALON_HW_USB_EP_RECORDS, USB_ENDPOINT_XFER_BULK) &&
	       has_endpoint(setting, ETALON_HW_USB_EP_UPLOAD, USB_ENDPOINT_XFER_BULK) &&
	       has_endpoint(setting, ETALON_HW_USB_EP_EVENTS, USB_ENDPOINT_XFER_INT);
}

/* Nothing is written before it is known to be ours. */
static int identify(struct etalon_usb *link)
{
	struct device *dev = &link->intf->dev;
	struct etalon_hw_usb_identity identity;
	int ret = etalon_usb_identify(link, &identity);

	if (ret == -ENODEV)
		return ret;
	if (ret || identity.magic != ETALON_HW_MAGIC) {
		dev_err(dev, "is no Etalon board: wrong identity\n");
		return -ENODEV;
	}
	if (identity.version >> 16 != ETALON_HW_VERSION >> 16) {
		dev_err(dev, "speaks version %u of the board contract, this driver %u\n",
			identity.version >> 16, ETALON_HW_VERSION >> 16);
		return -EPROTO;
	}
	return 0;
}

static u32 bytes_per_s(const struct usb_device *udev)
{
	switch (udev->speed) {
	case USB_SPEED_SUPER_PLUS:
		return SUPER_SPEED_PLUS_BYTES;
	case USB_SPEED_SUPER:
		return SUPER_SPEED_BYTES;
	case USB_SPEED_HIGH:
		return HIGH_SPEED_BYTES;
	default:
		return FULL_SPEED_BYTES;
	}
}

/* What the board can, and what its bus can with records as short as they get. */
static int read_rate(struct etalon_usb *link)
{
	struct etalon_board *board = link->board;
	u32 rate;
	int ret = etalon_usb_read(board, ETALON_REG_RECORD_RATE_MAX, &rate, 1);

	board->record_bytes_max = bytes_per_s(link->udev);
	board->record_rate_max =
		min_t(u64, rate, div_u64(board->record_bytes_max, ETALON_HW_STRIDE_MIN));
	return ret;
}

static int read_description(struct etalon_usb *link)
{
	struct etalon_board *board = link->board;
	u32 bytes;
	void *blob;
	int ret = etalon_usb_read(board, ETALON_REG_DESCRIPTION_SIZE, &bytes, 1);

	if (ret)
		return ret;
	if (bytes < sizeof(struct etalon_hw_description) || bytes > ETALON_DESCRIPTION_BYTES_MAX) {
		dev_err(&link->intf->dev, "description: impossible size %u\n", bytes);
		return -EBADMSG;
	}
	blob = kvzalloc(round_up(bytes, sizeof(u64)), GFP_KERNEL);
	if (!blob)
		return -ENOMEM;
	ret = etalon_usb_read(board, ETALON_REG_DESCRIPTION, blob,
			      DIV_ROUND_UP(bytes, sizeof(u32)));
	if (ret) {
		kvfree(blob);
		return ret;
	}
	return etalon_board_describe(board, blob, bytes);
}

static void free_link(struct etalon_usb *link)
{
	etalon_usb_free_transfers(link);
	etalon_usb_free_event(link);
	kfree(link->upload);
	kfree(link->control);
	usb_put_dev(link->udev);
	if (link->board)
		put_device(&link->board->dev);
	kfree(link);
}

static struct etalon_usb *alloc_link(struct usb_interface *intf)
{
	struct etalon_usb *link = kzalloc(sizeof(*link), GFP_KERNEL);

	if (!link)
		return NULL;
	link->intf = intf;
	link->udev = usb_get_dev(interface_to_usbdev(intf));
	link->number = intf->cur_altsetting->desc.bInterfaceNumber;
	link->quiet = true;
	spin_lock_init(&link->lock);
	INIT_LIST_HEAD(&link->idle);
	INIT_LIST_HEAD(&link->done);
	init_usb_anchor(&link->inflight);
	INIT_WORK(&link->look, look);
	INIT_DELAYED_WORK(&link->watch, etalon_usb_watch);
	etalon_intake_init(&link->intake);
	link->control = kmalloc(ETALON_HW_USB_TRANSFER_MAX, GFP_KERNEL);
	link->upload = kmalloc(ETALON_USB_TRANSFER_BYTES, GFP_KERNEL);
	link->board = etalon_board_alloc(&intf->dev, &usb_link_ops, link);
	if (link->control && link->upload && link->board && !etalon_usb_alloc_event(link) &&
	    !etalon_usb_alloc_transfers(link))
		return link;
	free_link(link);
	return NULL;
}

static int etalon_usb_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	struct etalon_usb *link;
	int ret;

	if (!looks_like_ours(intf))
		return -ENODEV;
	link = alloc_link(intf);
	if (!link)
		return -ENOMEM;
	ret = identify(link);
	if (!ret)
		ret = read_rate(link);
	if (!ret)
		ret = read_description(link);
	if (!ret)
		ret = etalon_board_alloc_ring(link->board);
	if (!ret)
		ret = start(link);
	if (!ret) {
		usb_set_intfdata(intf, link);
		ret = etalon_board_register(link->board);
	}
	if (!ret)
		return 0;
	usb_set_intfdata(intf, NULL);
	stop(link);
	free_link(link);
	return ret;
}

/*
 * A board that is still there is told to be dark, and everybody that it is gone, before anything
 * is taken from under it.
 */
static void etalon_usb_disconnect(struct usb_interface *intf)
{
	struct etalon_usb *link = usb_get_intfdata(intf);

	etalon_board_unregister(link->board);
	stop(link);
	usb_set_intfdata(intf, NULL);
	free_link(link);
}

static void etalon_usb_shutdown(etalon_usb_shutdown_arg *arg)
{
	struct etalon_usb *link = usb_get_intfdata(etalon_usb_shutdown_interface(arg));

	etalon_board_suspend(link->board, ETALON_CAUSE_SHUTDOWN);
	stop(link);
}

/* ---- sleep and resets ---- */

static int etalon_usb_suspend(struct usb_interface *intf, pm_message_t message)
{
	struct etalon_usb *link = usb_get_intfdata(intf);

	etalon_board_suspend(link->board, ETALON_CAUSE_SUSPEND);
	stop(link);
	return 0;
}

/* Whether it kept its power or not: it went dark, and may have forgotten all. */
static int wake(struct usb_interface *intf)
{
	struct etalon_usb *link = usb_get_intfdata(intf);
	int ret;

	WRITE_ONCE(link->resetting, false);
	ret = identify(link);
	if (!ret)
		ret = start(link);
	if (ret)
		etalon_board_lost(link->board);
	else
		etalon_board_resume(link->board);
	return ret;
}

static int etalon_usb_pre_reset(struct usb_interface *intf)
{
	struct etalon_usb *link = usb_get_intfdata(intf);

	/* We had it reset since it did not do as it was told: it is not asked again. */
	if (READ_ONCE(link->resetting))
		etalon_board_suspend_unreachable(link->board, ETALON_CAUSE_RESET);
	else
		etalon_board_suspend(link->board, ETALON_CAUSE_RESET);
	stop(link);
	return 0;
}

/*
 * The prototypes have numbers of others: no MODULE_DEVICE_TABLE, nothing shall load us for them.
 * Boards with numbers of their own come by new_id.
 */
static const struct usb_device_id etalon_usb_ids[] = {
	{USB_DEVICE_AND_INTERFACE_INFO(ETALON_HW_USB_VENDOR, ETALON_HW_USB_PRODUCT,
				       USB_CLASS_VENDOR_SPEC, ETALON_HW_USB_SUBCLASS,
				       ETALON_HW_USB_PROTOCOL)},
	{}};

static struct usb_driver etalon_usb_driver = {
	.name = "etalon_usb",
	.id_table = etalon_usb_ids,
	.probe = etalon_usb_probe,
	.disconnect = etalon_usb_disconnect,
	.ETALON_USB_SHUTDOWN = etalon_usb_shutdown,
	.suspend = etalon_usb_suspend,
	.resume = wake,
	.reset_resume = wake,
	.pre_reset = etalon_usb_pre_reset,
	.post_reset = wake,
	.soft_unbind = 1, /* OFF and END want the pipes */
	/* supports_autosuspend stays off: a board that sleeps is a board that went dark. */
};

static int __init etalon_usb_init(void)
{
	int ret;

	/* Not before all others: a board that sends without end gets no processor of its own. */
	etalon_usb_queue = alloc_workqueue("etalon_usb", WQ_UNBOUND, 0);
	if (!etalon_usb_queue)
		return -ENOMEM;
	ret = usb_register(&etalon_usb_driver);
	if (ret)
		destroy_workqueue(etalon_usb_queue);
	return ret;
}
module_init(etalon_usb_init);

static void __exit etalon_usb_exit(void)
{
	usb_deregister(&etalon_usb_driver);
	destroy_workqueue(etalon_usb_queue);
}
module_exit(etalon_usb_exit);

MODULE_DESCRIPTION("Etalon test boards on USB");
MODULE_VERSION(ETALON_VERSION);
MODULE_LICENSE("GPL");
