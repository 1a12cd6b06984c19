// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Buffers and framing of one connection. See connection.h.
 */
#include "emulator/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/util.h"

void connection_open(struct connection *c, int fd, enum connection_role role, uint64_t now)
{
	*c = (struct connection){.fd = fd, .role = role, .since_ns = now};
}

void connection_close(struct connection *c)
{
	if (c->role == ROLE_FREE)
		return;
	close(c->fd);
	free(c->in.data);
	free(c->out.data);
	*c = (struct connection){.fd = -1};
}

static void end(struct connection *c, const char *reason)
{
	if (!c->ended)
		c->reason = reason;
	c->ended = true;
}

uint8_t *connection_front(const struct buffer *b)
{
	return b->data + b->start;
}

/* Room for `bytes` more behind what is there. */
static bool reserve(struct connection *c, struct buffer *b, size_t bytes)
{
	size_t size = b->size ? b->size : 8192;
	uint8_t *data;

	if (b->start && b->start + b->used + bytes > b->size) {
		memmove(b->data, connection_front(b), b->used);
		b->start = 0;
	}
	while (size < b->used + bytes)
		size *= 2;
	if (size == b->size)
		return true;
	data = realloc(b->data, size);
	if (!data) {
		end(c, "out of memory");
		return false;
	}
	b->data = data;
	b->size = size;
	return true;
}

void connection_fill(struct connection *c, size_t max)
{
	while (max > 0 && !c->ended) {
		const size_t chunk = MIN(max, (size_t)65536);
		ssize_t n;

		if (!reserve(c, &c->in, chunk))
			return;
		n = recv(c->fd, connection_front(&c->in) + c->in.used, chunk, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			return end(c, NULL);
		c->in.used += (size_t)n;
		max -= (size_t)n;
	}
}

void connection_drop_front(struct buffer *b, size_t bytes)
{
	b->used -= bytes;
	b->start = b->used ? b->start + bytes : 0;
	if (!b->used && b->size > 65536) { /* a large upload is over */
		free(b->data);
		*b = (struct buffer){0};
	}
}

void connection_flush(struct connection *c)
{
	while (c->out.used && !c->ended) {
		const ssize_t n = send(c->fd, connection_front(&c->out), c->out.used,
				       MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			return end(c, NULL);
		connection_drop_front(&c->out, (size_t)n);
	}
}

void connection_queue(struct connection *c, const void *data, size_t size)
{
	if (c->ended)
		return;
	if (c->out.used + size > ANSWERS_MAX)
		return end(c, "does not read what it asked for");
	if (!reserve(c, &c->out, size))
		return;
	memcpy(connection_front(&c->out) + c->out.used, data, size);
	c->out.used += size;
}

/* What may come on this connection, and how long; NULL when it may. */
static const char *objection(const struct connection *c, const struct etalon_hw_stream *h)
{
	if (h->magic != ETALON_HW_STREAM_MAGIC)
		return "wrong magic";
	if (h->length > STREAM_PAYLOAD_MAX)
		return "message too long";
	if (c->role == ROLE_NEW)
		return h->kind == ETALON_HW_STREAM_ATTACH && !h->length
			       ? NULL
			       : "first message is not ATTACH";
	if (c->role != ROLE_CONTROL)
		return "a message on an IN endpoint";
	if (h->kind == ETALON_HW_STREAM_CONTROL) {
		const bool in = h->setup.request_type & 0x80;

		if (h->length != (in ? 0 : h->setup.length))
			return "length of a control transfer and of its data differ";
		return h->length > ETALON_HW_USB_TRANSFER_MAX ? "control transfer too long" : NULL;
	}
	if (h->kind == ETALON_HW_STREAM_BULK_OUT && h->endpoint == ETALON_HW_USB_EP_UPLOAD)
		return NULL;
	return "unexpected kind of message";
}

const uint8_t *connection_message(struct connection *c, struct etalon_hw_stream *ret_head)
{
	const char *wrong;

	if (c->ended || c->in.used < sizeof(*ret_head))
		return NULL;
	memcpy(ret_head, connection_front(&c->in), sizeof(*ret_head));
	wrong = objection(c, ret_head);
	if (wrong) {
		end(c, wrong);
		return NULL;
	}
	if (c->in.used < sizeof(*ret_head) + ret_head->length)
		return NULL;
	return connection_front(&c->in) + sizeof(*ret_head);
}

void connection_message_done(struct connection *c, const struct etalon_hw_stream *head)
{
	connection_drop_front(&c->in, sizeof(*head) + head->length);
}

void connection_answer(struct connection *c, const struct etalon_hw_stream *request, int32_t status,
		       const void *data, size_t size)
{
	const struct etalon_hw_stream answer = {
		.magic = ETALON_HW_STREAM_MAGIC,
		.kind = request->kind,
		.endpoint = request->endpoint,
		.tag = request->tag,
		.status = status,
		.length = (uint32_t)size,
		.setup = request->setup,
	};

	connection_queue(c, &answer, sizeof(answer));
	if (size)
		connection_queue(c, data, size);
}

bool connection_send_batch(struct connection *c)
{
	const size_t total = sizeof(c->head) + c->body_size;

	while (c->sent < total && !c->ended) {
		const size_t of_head = MIN(c->sent, sizeof(c->head));
		const size_t of_body = c->sent - of_head;
		struct iovec parts[2] = {
			{(uint8_t *)&c->head + of_head, sizeof(c->head) - of_head},
			{(void *)(uintptr_t)(c->body + of_body), c->body_size - of_body},
		};
		const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
		const ssize_t n = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			end(c, NULL);
			return false;
		}
		c->sent += (size_t)n;
	}
	return c->sent == total;
}
