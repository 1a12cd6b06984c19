/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of the vfio-user protocol, version 0.0: messages of one client over a unix
 * socket, with descriptors. Layer: emulator front end; knows framing, not what a message asks.
 *
 * Payloads are the structures of <linux/vfio.h> where the kernel has one, else those below. All of it is in
 * the host's byte order: both ends are on one machine.
 */
#ifndef ETALON_EMULATOR_VFIO_USER_H
#define ETALON_EMULATOR_VFIO_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFIO_USER_DATA_MAX (1U << 20) /* of one region access */
#define VFIO_USER_FDS_MAX 8 /* with one message */

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DEVICE_RESET = 13,
};

#define VFIO_USER_TYPE_MASK 0xfU
#define VFIO_USER_TYPE_COMMAND 0U
#define VFIO_USER_TYPE_REPLY 1U
#define VFIO_USER_NO_REPLY (1U << 4)
#define VFIO_USER_ERROR (1U << 5)

struct vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* this header included */
	uint32_t flags;
	uint32_t error; /* errno, positive */
};

struct vfio_user_version { /* zero-terminated JSON follows */
	uint16_t major;
	uint16_t minor;
};

struct vfio_user_dma_map {
	uint32_t argsz;
	uint32_t flags; /* VFIO_DMA_MAP_FLAG_* */
	uint64_t offset; /* in the descriptor */
	uint64_t address;
	uint64_t size;
};

struct vfio_user_dma_unmap {
	uint32_t argsz;
	uint32_t flags; /* VFIO_DMA_UNMAP_FLAG_ALL */
	uint64_t address;
	uint64_t size;
};

struct vfio_user_region_access { /* data follows in a write and in the answer to a read */
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

struct vfio_user_client {
	int fd; /* -1: none */
	uint8_t *in; /* the message that is being received */
	size_t have;
	int fds[VFIO_USER_FDS_MAX]; /* that came with it; -1 where taken */
	size_t fd_count;
	uint8_t *out; /* rest of an answer that the socket did not take */
	size_t out_size;
	bool ended;
	const char *reason; /* why it has to go; NULL: it went */
};

struct vfio_user_message {
	struct vfio_user_header head;
	const uint8_t *payload;
	size_t size; /* of the payload */
};

int vfio_user_open(struct vfio_user_client *c, int fd);
void vfio_user_close(struct vfio_user_client *c);
void vfio_user_end(struct vfio_user_client *c, const char *reason);

/* The next whole message; false: not there yet, or the client has ended. */
bool vfio_user_receive(struct vfio_user_client *c, struct vfio_user_message *ret);
/* After the answer: what the message brought and nobody took is closed. */
void vfio_user_done(struct vfio_user_client *c);
/* A descriptor that came with the message, now the caller's; -1: none. */
int vfio_user_take_fd(struct vfio_user_client *c, size_t n);

/* Answers in one piece, unless the client wants none: `size` bytes, then `data_size` bytes of data. */
void vfio_user_answer(struct vfio_user_client *c, const struct vfio_user_message *request,
		      const void *payload, size_t size, const void *data, size_t data_size);
void vfio_user_refuse(struct vfio_user_client *c, const struct vfio_user_message *request,
		      int error);
/* Sends what is left of an answer; nothing is received before it has gone. */
void vfio_user_flush(struct vfio_user_client *c);

#endif
