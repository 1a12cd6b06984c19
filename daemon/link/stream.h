/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of hw.h section 7 on one connected stream socket: whole headers, bodies in pieces,
 * deadlines. Layer: link, below emulated.c; knows no endpoint's meaning.
 *
 * Sockets are non-blocking. Deadlines are CLOCK_MONOTONIC ns; 0 means do not wait. Errors:
 * -EAGAIN the deadline passed, -ENODEV the peer closed, -EPROTO no message of this contract.
 */
#ifndef ETALON_LINK_STREAM_H
#define ETALON_LINK_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "hw.h"

#define STREAM_LENGTH_MAX ((16U << 20) + 64)

struct stream {
	int fd;
	struct etalon_hw_stream head; /* of the message that is being read */
	size_t head_got; /* bytes of the next header that are there */
	size_t left; /* bytes of this message's body that were not read */
};

/* Connects to a unix socket; the fd is non-blocking. Negative errno of connect(2). */
int stream_connect(struct stream *s, const char *path);
void stream_close(struct stream *s);
/* Both directions end here and at the peer; the fd stays valid for poll. */
void stream_shut(struct stream *s);

/* Sends all parts. A deadline that passes in the middle leaves a torn message: -EPIPE, close it. */
int stream_send(struct stream *s, const struct iovec *parts, unsigned int count,
		uint64_t deadline_ns);
/* Skips what is left of this message and reads the next header into s->head. */
int stream_next(struct stream *s, uint64_t deadline_ns);
/* Exactly size bytes of this message's body. */
int stream_body(struct stream *s, void *data, size_t size, uint64_t deadline_ns);
/*
 * Some bytes of bodies of messages of one kind, without waiting: a body ends where the next header begins,
 * which is read along with it in one call. Returns their number, -EAGAIN when none are there.
 */
ssize_t stream_flow(struct stream *s, unsigned int kind, void *data, size_t room);

/* Waits for POLLIN on fd, or on other_fd (-1: none). 1: fd, 2: only the other, -EAGAIN: deadline. */
int stream_wait(int fd, int other_fd, uint64_t deadline_ns);
uint64_t deadline_after_ms(int timeout_ms);

#endif
