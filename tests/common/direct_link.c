// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Transport by function calls into the board model. See direct_link.h.
 */
#include "direct_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "emulator/board.h"
#include "emulator/plant.h"
#include "link/registers.h"

struct direct {
	struct transport transport;
	struct board *board;
	uint64_t now_ns; /* virtual */
	int event_fd; /* never readable: tests ask for the status */
	bool canceled;
};

static struct direct *direct(struct transport *t)
{
	return (struct direct *)t;
}

/* Lets the board do what is due; with nothing due, time jumps to its next deadline. */
static void pass_time(struct direct *d)
{
	uint64_t next = board_next_deadline(d->board);

	if (next != UINT64_MAX && next > d->now_ns)
		d->now_ns = next;
	board_catch_up(d->board, d->now_ns);
	board_write(d->board, ETALON_REG_KICK, ETALON_HW_KICK);
	board_advance(d->board, d->now_ns);
}

static int direct_in(struct transport *t, uint8_t request, uint32_t address, void *data, size_t size)
{
	struct board *b = direct(t)->board;

	if (request == ETALON_HW_USB_REQUEST_IDENTITY) {
		struct etalon_hw_usb_identity identity = { ETALON_HW_MAGIC, ETALON_HW_VERSION, "" };

		memcpy(identity.serial, board_description(b)->serial, sizeof(identity.serial));
		memcpy(data, &identity, MIN(size, sizeof(identity)));
		return 0;
	}
	for (size_t i = 0; i < size / 4; i++) {
		uint32_t word = board_read(b, address + 4 * (uint32_t)i);

		memcpy((char *)data + 4 * i, &word, 4);
	}
	return 0;
}

static int direct_out(struct transport *t, uint8_t request, uint32_t address, const void *data,
		      size_t size)
{
	struct direct *d = direct(t);

	if (request != ETALON_HW_USB_REQUEST_REGISTERS)
		return -EPROTO;
	board_catch_up(d->board, d->now_ns);
	for (size_t i = 0; i < size / 4; i++) {
		uint32_t word;

		memcpy(&word, (const char *)data + 4 * i, 4);
		board_write(d->board, address + 4 * (uint32_t)i, word);
	}
	return 0;
}

static int direct_upload(struct transport *t, const struct etalon_hw_upload *header,
			 const void *payload)
{
	size_t size = sizeof(*header) + header->size;
	char *whole = malloc(size);

	if (!whole)
		return -ENOMEM;
	memcpy(whole, header, sizeof(*header));
	memcpy(whole + sizeof(*header), payload, header->size);
	board_upload(direct(t)->board, whole, size);
	free(whole);
	return 0;
}

static int direct_claim(struct transport *t, char **ret_message)
{
	(void)t;
	(void)ret_message;
	return 0;
}

static ssize_t direct_bulk_in(struct transport *t, void *data, size_t room, int timeout_ms)
{
	struct direct *d = direct(t);
	uint64_t patience = d->now_ns + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	const void *records;
	size_t bytes;

	while (!(records = board_records_peek(d->board, room, &bytes))) {
		if (d->canceled) {
			d->canceled = false;
			return -ECANCELED;
		}
		if (d->now_ns > patience || board_next_deadline(d->board) == UINT64_MAX)
			return -EAGAIN;
		pass_time(d);
	}
	memcpy(data, records, bytes);
	board_records_consume(d->board, bytes);
	return (ssize_t)bytes;
}

static void direct_cancel(struct transport *t)
{
	direct(t)->canceled = true;
}

static int direct_event_fd(struct transport *t)
{
	return direct(t)->event_fd;
}

static int direct_event(struct transport *t, struct etalon_hw_usb_event *ret)
{
	(void)t;
	(void)ret;
	return -EAGAIN;
}

static void direct_close(struct transport *t)
{
	close(direct(t)->event_fd);
	free(t);
}

static const struct transport_ops direct_ops = {
	.name = "direct",
	.control_in = direct_in,
	.control_out = direct_out,
	.bulk_out = direct_upload,
	.claim = direct_claim,
	.bulk_in = direct_bulk_in,
	.bulk_in_cancel = direct_cancel,
	.event_fd = direct_event_fd,
	.event = direct_event,
	.close = direct_close,
};

int direct_board_open(const struct direct_config *config, struct direct_board *ret,
		      char **ret_message)
{
	json_t *all = config->parameters ? json_deep_copy(config->parameters) : json_object();
	struct erb1_parameters parameters;
	struct plant_config plant = {
		.seed = config->seed,
		.device = config->device,
		.device_channel = config->device_channel,
		.parameters = all,
		.disabled_effects = config->disabled_effects,
	};
	struct board_config board = {
		.parameters = &parameters,
		.serial = "DIRECT",
		.seed = config->seed,
		.disabled_effects = config->disabled_effects,
		.speed_max = true,
	};
	struct direct *d = NULL;
	int r;

	*ret = (struct direct_board){ 0 };
	r = erb1_parameters_take(all, false, &parameters, ret_message);
	if (r == 0)
		r = plant_new(&plant, &ret->plant, ret_message);
	if (r == 0)
		r = board_new(&board, ret->plant, NSEC_PER_SEC, &ret->board, ret_message);
	if (r == 0)
		r = (d = calloc(1, sizeof(*d))) ? 0 : -ENOMEM;
	if (r == 0) {
		*d = (struct direct){ .transport.ops = &direct_ops,
				      .board = ret->board,
				      .now_ns = NSEC_PER_SEC,
				      .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
		ret->direct = d;
		board_link_up(ret->board);
		r = registers_open(&d->transport, &ret->link, ret_message);
	}
	json_decref(all);
	if (r < 0)
		direct_board_close(ret);
	return r;
}

void direct_board_close(struct direct_board *b)
{
	link_close(b->link);
	board_free(b->board);
	plant_free(b->plant);
	*b = (struct direct_board){ 0 };
}

int direct_board_emit(struct direct_board *b)
{
	const struct description *d = b->link->description;
	struct link_refusal refusal = { 0 };
	struct link_status status;
	int r = 0;

	for (unsigned int i = 0; i < d->head.source_count && r == 0; i++)
		if (d->source[i].emits)
			r = b->link->ops->set_limits(b->link, i, d->source[i].min, d->source[i].max, &refusal);
	if (r == 0)
		r = b->link->ops->arm(b->link, 250 * NSEC_PER_MSEC, &refusal);
	if (r == 0)
		r = b->link->ops->emit(b->link, &refusal);
	for (int i = 0; i < 100000 && r == 0; i++) {
		r = b->link->ops->status(b->link, &status);
		if (r == 0 && status.state == ETALON_HW_STATE_EMITTING)
			return 0;
		pass_time(b->direct);
	}
	return r < 0 ? r : -ETIMEDOUT;
}
