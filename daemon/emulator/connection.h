/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One peer of the emulator's sockets: bounded buffers in both directions, never blocking.
 * Layer: emulator front end; knows the framing of section 7 of hw.h, nothing of the board.
 */
#ifndef ETALON_EMULATOR_CONNECTION_H
#define ETALON_EMULATOR_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw.h"

#define STREAM_PAYLOAD_MAX ((16U << 20) + 64)
#define ANSWERS_MAX (1U << 20) /* bytes that a peer may leave unread */

enum connection_role {
	ROLE_FREE = 0,
	ROLE_NEW, /* has not said ATTACH yet */
	ROLE_CONTROL,
	ROLE_RECORDS,
	ROLE_EVENTS,
	ROLE_FAULTS, /* on the fault socket */
};

struct buffer {
	uint8_t *data;
	size_t start, used, size; /* `used` bytes from `start` on, of `size` */
};

struct connection {
	int fd;
	enum connection_role role;
	uint64_t since_ns;
	struct buffer in, out;
	bool ended; /* the peer has closed, or an error struck */
	bool more; /* whole messages wait in `in` for the next turn */
	const char *reason; /* why the front end closes it, NULL: the peer did */
	/* records under way */
	struct etalon_hw_stream head;
	const uint8_t *body;
	size_t body_size, sent; /* of head and body */
};

void connection_open(struct connection *c, int fd, enum connection_role role, uint64_t now_ns);
void connection_close(struct connection *c);

/* Reads what is there, at most `max` bytes more. */
void connection_fill(struct connection *c, size_t max);
/* Writes what the socket takes. */
void connection_flush(struct connection *c);
/* Queues bytes; a peer that does not read loses its connection. */
void connection_queue(struct connection *c, const void *data, size_t size);
void connection_drop_front(struct buffer *b, size_t bytes);
/* Oldest of the bytes in a buffer. */
uint8_t *connection_front(const struct buffer *b);

/* A whole message at the front of `in`: its payload, or NULL. Malformed ones end the connection. */
const uint8_t *connection_message(struct connection *c, struct etalon_hw_stream *ret_head);
void connection_message_done(struct connection *c, const struct etalon_hw_stream *head);
void connection_answer(struct connection *c, const struct etalon_hw_stream *request, int32_t status,
		       const void *data, size_t size);

/* Sends of the batch under way what the socket takes; true when all of it went. */
bool connection_send_batch(struct connection *c);

#endif
