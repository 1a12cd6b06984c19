// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Assigns and raises vectors. See pci_irq.h.
 */
#include "emulator/pci_irq.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

void pci_irqs_open(struct pci_irqs *irqs, uint32_t count)
{
	irqs->count = count;
	for (size_t i = 0; i < ARRAY_SIZE(irqs->fd); i++)
		irqs->fd[i] = -1;
}

static void assign(struct pci_irqs *irqs, uint32_t vector, int fd)
{
	closep(&irqs->fd[vector]);
	irqs->fd[vector] = fd;
}

void pci_irqs_close(struct pci_irqs *irqs)
{
	for (uint32_t i = 0; i < irqs->count; i++)
		assign(irqs, i, -1);
}

/* Never blocks, however full the client lets it run. */
static void signal_fd(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	const uint64_t one = 1;

	if (fd < 0 || poll(&ready, 1, 0) != 1 || ready.revents != POLLOUT)
		return;
	if (write(fd, &one, sizeof(one)) < 0)
		return; /* an edge that nobody takes is lost, as on the bus */
}

/* Event descriptors alone have no file type: a socket kept here could keep its own peer alive. */
static bool all_events(const struct vfio_user_client *client)
{
	for (size_t i = 0; i < client->fd_count; i++) {
		struct stat st;

		if (fstat(client->fds[i], &st) < 0 || st.st_mode & S_IFMT)
			return false;
	}
	return true;
}

/* All of the vectors with their descriptors, or none of them without any: which ends the assignment. */
static int assign_range(struct pci_irqs *irqs, const struct vfio_irq_set *set,
			struct vfio_user_client *client)
{
	if (client->fd_count && (client->fd_count != set->count || !all_events(client)))
		return -EINVAL;
	for (uint32_t i = 0; i < set->count; i++)
		assign(irqs, set->start + i, vfio_user_take_fd(client, i));
	return 0;
}

static int raise_range(const struct pci_irqs *irqs, const struct vfio_irq_set *set,
		       const uint8_t *bools, size_t bool_count)
{
	const bool all = set->flags & VFIO_IRQ_SET_DATA_NONE;

	if (!all && bool_count < set->count)
		return -EINVAL;
	for (uint32_t i = 0; i < set->count; i++)
		if (all || bools[i])
			signal_fd(irqs->fd[set->start + i]);
	return 0;
}

int pci_irqs_set(struct pci_irqs *irqs, const struct vfio_irq_set *set, const uint8_t *bools,
		 size_t bool_count, struct vfio_user_client *client)
{
	const uint32_t data = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;

	/* Vectors are masked in the client's own copy of the table. */
	if ((set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -EINVAL;
	if (set->start > irqs->count || set->count > irqs->count - set->start)
		return -EINVAL;
	if (data == VFIO_IRQ_SET_DATA_EVENTFD)
		return assign_range(irqs, set, client);
	if (data != VFIO_IRQ_SET_DATA_NONE && data != VFIO_IRQ_SET_DATA_BOOL)
		return -EINVAL;
	if (set->count)
		return raise_range(irqs, set, bools, bool_count);
	pci_irqs_close(irqs);
	return 0;
}

/* The vector of a message: its own, or the last one assigned below it. */
static int vector_of(const struct pci_irqs *irqs, uint32_t message)
{
	for (uint32_t i = MIN(message + 1, irqs->count); i-- > 0;)
		if (irqs->fd[i] >= 0)
			return (int)i;
	return -1;
}

void pci_irqs_raise(const struct pci_irqs *irqs, uint32_t messages)
{
	uint32_t raised = 0;

	for (uint32_t message = 0; messages >> message; message++) {
		const int vector = messages >> message & 1 ? vector_of(irqs, message) : -1;

		if (vector < 0 || raised & 1U << vector)
			continue;
		raised |= 1U << vector;
		signal_fd(irqs->fd[vector]);
	}
}
