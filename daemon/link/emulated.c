// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The emulated link: the transfers of hw.h section 7 over a unix socket, one connection for
 * each endpoint. Closing it is pulling the cable. What the registers mean is registers.c's.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "link/registers.h"
#include "link/stream.h"
#include "link/transport.h"

#define REQUEST_IN 0xc1
#define REQUEST_OUT 0x41
#define UPLOAD_BYTES_PER_MS 10000 /* the slowest upload that is still waited for */

struct emulated {
	struct transport transport;
	char *path;
	struct stream control, records, events;
	struct etalon_hw_usb_event event; /* as far as it has arrived */
	int cancel_fd;
	uint32_t tag;
	atomic_bool gone;
};

static struct emulated *emulated_of(struct transport *t)
{
	return (struct emulated *)t; /* first member */
}

/* The board is lost: everybody who waits on a connection notices. */
static int lost(struct emulated *e)
{
	atomic_store(&e->gone, true);
	stream_shut(&e->control);
	stream_shut(&e->records);
	stream_shut(&e->events);
	return -ENODEV;
}

/* What a failed read or write of a connection means to the caller. */
static int failed(struct emulated *e, int error)
{
	if (error == -EAGAIN)
		return -ETIMEDOUT;
	if (error == -EPROTO) { /* framing is lost: nothing after it could be trusted */
		lost(e);
		return -EPROTO;
	}
	return lost(e);
}

/* Status of an answer as an errno that this interface promises. */
static int answer_status(struct emulated *e, int32_t status)
{
	switch (status) {
	case 0:
	case -ETIMEDOUT:
	case -EBUSY:
		return status;
	case -ENODEV:
		return lost(e);
	default: /* a stall (-EPIPE), or what no board of this contract says */
		return -EPROTO;
	}
}

static int await_answer(struct emulated *e, const struct etalon_hw_stream *asked, void *data,
			size_t size, uint64_t deadline_ns)
{
	struct stream *s = &e->control;
	int r;

	do { /* answers to requests that timed out come first */
		r = stream_next(s, deadline_ns);
		if (r < 0)
			return failed(e, r);
	} while (s->head.tag != asked->tag);
	if (s->head.kind != asked->kind)
		return failed(e, -EPROTO);
	r = answer_status(e, s->head.status);
	if (r < 0)
		return r;
	if (s->head.length != size)
		return -EPROTO;
	r = stream_body(s, data, size, deadline_ns);
	return r < 0 ? failed(e, r) : 0;
}

/* One request on the control connection and its answer of `size` bytes. */
static int exchange(struct emulated *e, struct etalon_hw_stream *head, const struct iovec *body,
		    unsigned int count, void *data, size_t size)
{
	struct iovec parts[3] = {{head, sizeof(*head)}};
	uint64_t deadline_ns;
	int r;

	if (atomic_load(&e->gone))
		return -ENODEV;
	head->magic = ETALON_HW_STREAM_MAGIC;
	head->tag = ++e->tag;
	for (unsigned int i = 0; i < count; i++) {
		parts[i + 1] = body[i];
		head->length += (uint32_t)body[i].iov_len;
	}
	deadline_ns =
		deadline_after_ms(TRANSPORT_TIMEOUT_MS + (int)(head->length / UPLOAD_BYTES_PER_MS));
	r = stream_send(&e->control, parts, count + 1, deadline_ns);
	if (r < 0)
		return failed(e, r);
	return await_answer(e, head, data, size, deadline_ns);
}

static struct etalon_hw_stream control_head(uint8_t type, uint8_t request, uint32_t address,
					    size_t size)
{
	return (struct etalon_hw_stream){
		.kind = ETALON_HW_STREAM_CONTROL,
		.setup = {.request_type = type,
			  .request = request,
			  .value = (uint16_t)address,
			  .index = (uint16_t)(address >> 16 << 8),
			  .length = (uint16_t)size},
	};
}

static int emulated_control_in(struct transport *t, uint8_t request, uint32_t address, void *data,
			       size_t size)
{
	struct etalon_hw_stream head = control_head(REQUEST_IN, request, address, size);

	return exchange(emulated_of(t), &head, NULL, 0, data, size);
}

static int emulated_control_out(struct transport *t, uint8_t request, uint32_t address,
				const void *data, size_t size)
{
	struct etalon_hw_stream head = control_head(REQUEST_OUT, request, address, size);
	struct iovec body = {(void *)(uintptr_t)data, size};

	return exchange(emulated_of(t), &head, &body, 1, NULL, 0);
}

static int emulated_bulk_out(struct transport *t, const struct etalon_hw_upload *header,
			     const void *payload)
{
	struct etalon_hw_stream head = {.kind = ETALON_HW_STREAM_BULK_OUT,
					.endpoint = ETALON_HW_USB_EP_UPLOAD};
	struct iovec body[] = {{(void *)(uintptr_t)header, sizeof(*header)},
			       {(void *)(uintptr_t)payload, header->size}};

	if (header->size > STREAM_LENGTH_MAX - sizeof(*header))
		return -EMSGSIZE;
	return exchange(emulated_of(t), &head, body, 2, NULL, 0);
}

static ssize_t emulated_bulk_in(struct transport *t, void *data, size_t room, int timeout_ms)
{
	struct emulated *e = emulated_of(t);
	uint64_t deadline_ns = deadline_after_ms(timeout_ms), tokens;

	for (;;) {
		ssize_t n = stream_flow(&e->records, ETALON_HW_STREAM_BULK_IN, data, room);
		int r;

		if (n >= 0)
			return n;
		if (n != -EAGAIN)
			return failed(e, (int)n);
		r = stream_wait(e->records.fd, e->cancel_fd, deadline_ns);
		if (r == 2 && read(e->cancel_fd, &tokens, sizeof(tokens)) > 0)
			return -ECANCELED;
		if (r < 0)
			return r;
	}
}

static void emulated_bulk_in_cancel(struct transport *t)
{
	uint64_t one = 1;

	/* Fails only when 2^64 cancels are pending. */
	if (write(emulated_of(t)->cancel_fd, &one, sizeof(one)) < 0)
		return;
}

static int emulated_event_fd(struct transport *t)
{
	return emulated_of(t)->events.fd;
}

static int emulated_event(struct transport *t, struct etalon_hw_usb_event *ret)
{
	struct emulated *e = emulated_of(t);
	struct stream *s = &e->events;
	ssize_t n = 0;
	int r;

	if (s->left == 0) {
		r = stream_next(s, 0);
		if (r == -EAGAIN)
			return atomic_load(&e->gone) ? -ENODEV : -EAGAIN;
		if (r == 0 &&
		    (s->head.kind != ETALON_HW_STREAM_EVENT || s->head.length != sizeof(e->event)))
			r = -EPROTO;
		if (r < 0)
			return failed(e, r);
	}
	while (s->left > 0 && n >= 0) {
		size_t done = sizeof(e->event) - s->left;

		/* Not stream_body(): a body that arrives in two parts must not be waited for here. */
		n = read(s->fd, (char *)&e->event + done, s->left);
		if (n > 0)
			s->left -= (size_t)n;
		else if (n == 0)
			return lost(e);
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : lost(e);
	*ret = e->event;
	return 0;
}

static void emulated_close(struct transport *t)
{
	struct emulated *e = emulated_of(t);

	stream_close(&e->control); /* first: this is the cable */
	stream_close(&e->records);
	stream_close(&e->events);
	closep(&e->cancel_fd);
	free(e->path);
	free(e);
}

static int connect_message(const char *path, int error, char **ret_message)
{
	switch (error) {
	case -ENOENT:
		return fail(ret_message, error,
			    "no emulated board at %s: start etalon-emulator with this socket",
			    path);
	case -ECONNREFUSED:
		return fail(ret_message, error,
			    "nobody listens at %s any more: start etalon-emulator with this socket",
			    path);
	case -ENAMETOOLONG:
		return fail(ret_message, error,
			    "the path of a socket has at most 107 bytes, this has %zu: %s",
			    strlen(path), path);
	case -EACCES:
		return fail(ret_message, error, "no permission to use the socket %s", path);
	default:
		return fail(ret_message, error, "can not connect to the emulated board at %s: %s",
			    path, strerror(-error));
	}
}

static int attach_message(const char *path, int error, char **ret_message)
{
	switch (error) {
	case -EBUSY:
		return fail(ret_message, -EBUSY,
			    "the emulated board at %s is in use by another program: stop that, or "
			    "start a second emulator with another socket",
			    path);
	case -EAGAIN:
		return fail(ret_message, -EPROTO,
			    "what listens at %s does not answer as an Etalon board: check the path",
			    path);
	default:
		return fail(ret_message, -EPROTO,
			    "what listens at %s is not an Etalon board: check the path", path);
	}
}

/* Connects one endpoint. The first message of a connection says which. */
static int attach(struct emulated *e, struct stream *s, uint16_t endpoint, char **ret_message)
{
	struct etalon_hw_stream head = {.magic = ETALON_HW_STREAM_MAGIC,
					.kind = ETALON_HW_STREAM_ATTACH,
					.endpoint = endpoint,
					.tag = ++e->tag};
	uint64_t deadline_ns = deadline_after_ms(TRANSPORT_TIMEOUT_MS);
	struct iovec part = {&head, sizeof(head)};
	int r;

	r = stream_connect(s, e->path);
	if (r < 0)
		return connect_message(e->path, r, ret_message);
	r = stream_send(s, &part, 1, deadline_ns);
	if (r == 0)
		r = stream_next(s, deadline_ns);
	if (r == 0 && (s->head.kind != ETALON_HW_STREAM_ATTACH || s->head.tag != head.tag))
		r = -EPROTO;
	if (r == 0 && s->head.status != 0)
		r = s->head.status < 0 ? s->head.status : -EPROTO;
	return r < 0 ? attach_message(e->path, r, ret_message) : 0;
}

static int emulated_claim(struct transport *t, char **ret_message)
{
	struct emulated *e = emulated_of(t);
	int r;

	r = attach(e, &e->records, ETALON_HW_USB_EP_RECORDS, ret_message);
	if (r < 0)
		return r;
	return attach(e, &e->events, ETALON_HW_USB_EP_EVENTS, ret_message);
}

static const struct transport_ops emulated_ops = {
	.name = "emulated",
	.control_in = emulated_control_in,
	.control_out = emulated_control_out,
	.bulk_out = emulated_bulk_out,
	.claim = emulated_claim,
	.bulk_in = emulated_bulk_in,
	.bulk_in_cancel = emulated_bulk_in_cancel,
	.event_fd = emulated_event_fd,
	.event = emulated_event,
	.close = emulated_close,
};

int link_open_emulated(const char *socket_path, struct link **ret, char **ret_message)
{
	struct emulated *e = calloc(1, sizeof(*e));
	int r = -ENOMEM;

	if (!e)
		return -ENOMEM;
	e->transport.ops = &emulated_ops;
	e->control.fd = e->records.fd = e->events.fd = -1;
	e->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->path = strdup(socket_path);
	if (e->path && e->cancel_fd >= 0)
		r = attach(e, &e->control, 0, ret_message);
	if (r < 0) {
		emulated_close(&e->transport);
		return r;
	}
	return registers_open(&e->transport, ret, ret_message);
}
