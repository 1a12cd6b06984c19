/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vfio-user client that does what QEMU does: handshake, regions, interrupts as event
 * descriptors, memory as a shared descriptor. Every answer is checked for form.
 */
#ifndef ETALON_TESTS_VFIO_CLIENT_H
#define ETALON_TESTS_VFIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/vfio_user.h"

#define CLIENT_BASE 0x100000000ULL /* bus address of the client's memory */
#define CLIENT_BYTES (16U << 20)
#define CLIENT_VECTORS 4

struct vfio_client {
	int fd;
	uint16_t next_id;
	int memfd;
	uint8_t *memory;
	uint32_t irq_index; /* MSI or MSI-X, as the device has it */
	int irq[CLIENT_VECTORS];
};

/* Connects and exchanges versions; the socket gives up after 20 s. */
void vfio_client_connect(struct vfio_client *c, const char *path);
/* As a machine that is switched off: its end of everything is closed. */
void vfio_client_close(struct vfio_client *c);

/* One message, with descriptors; returns its id. */
uint16_t vfio_client_send(struct vfio_client *c, uint16_t command, uint32_t flags,
			  const void *payload, size_t size, const int *fds, size_t fd_count);
/* Its answer: payload to `data`; returns the payload's size, or a negative errno that the answer tells. */
int vfio_client_answer(struct vfio_client *c, uint16_t id, uint16_t command, void *data,
		       size_t room);
int vfio_client_ask(struct vfio_client *c, uint16_t command, const void *payload, size_t size,
		    void *data, size_t room);
/* True when the server has hung up. */
bool vfio_client_hung_up(struct vfio_client *c);

/* ---- regions ---- */
int vfio_client_read(struct vfio_client *c, uint32_t region, uint64_t offset, void *data,
		     uint32_t count);
int vfio_client_write(struct vfio_client *c, uint32_t region, uint64_t offset, const void *data,
		      uint32_t count);
uint32_t client_config(struct vfio_client *c, uint32_t offset, uint32_t bytes);
void client_set_config(struct vfio_client *c, uint32_t offset, uint32_t bytes, uint32_t value);
/* Offset of a capability in configuration space, 0 when there is none. */
uint32_t client_capability(struct vfio_client *c, uint8_t id);
uint32_t client_get(struct vfio_client *c, uint32_t address); /* of BAR 0 */
uint64_t client_get64(struct vfio_client *c, uint32_t address);
void client_put(struct vfio_client *c, uint32_t address, uint32_t value);
void client_put64(struct vfio_client *c, uint32_t address, uint64_t value);
uint32_t client_command(struct vfio_client *c, uint32_t command); /* returns RESULT */

/* ---- memory and interrupts ---- */
int vfio_client_map(struct vfio_client *c, uint64_t address, uint64_t size, uint32_t flags, int fd,
		    uint64_t offset);
int vfio_client_unmap(struct vfio_client *c, uint64_t address, uint64_t size, uint32_t flags);
void *client_at(struct vfio_client *c, uint64_t address);
/* SET_IRQS with event descriptors; NULL: de-assigns. */
int vfio_client_set_irqs(struct vfio_client *c, uint32_t start, uint32_t count, const int *fds);
/* Makes and assigns `vectors` event descriptors, one message each, twice, as QEMU does. */
void client_enable_irqs(struct vfio_client *c, uint32_t vectors);
/* Times that a vector has struck since the last call. */
uint64_t client_struck(struct vfio_client *c, uint32_t vector);
/* The same, waiting up to 20 s for the first. */
uint64_t client_await(struct vfio_client *c, uint32_t vector);

/* All that a guest does before its driver binds: memory mapped, device enabled. */
void client_boot(struct vfio_client *c, const char *path);

#endif
