// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a client's messages ask of the device, one function each.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>

#include "base/util.h"
#include "emulator/pci_front_internal.h"

/* A copy of the fixed part of a payload; false: too short. */
static bool take(const struct vfio_user_message *m, void *to, size_t size)
{
	if (m->size < size)
		return false;
	memcpy(to, m->payload, size);
	return true;
}

static void done(struct pci_front *f, const struct vfio_user_message *m)
{
	vfio_user_answer(&f->client, m, NULL, 0, NULL, 0);
}

static void refuse(struct pci_front *f, const struct vfio_user_message *m)
{
	vfio_user_refuse(&f->client, m, -EINVAL);
}

/* ---- the connection ---- */

#define CAPABILITIES "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}"

_Static_assert(VFIO_USER_FDS_MAX == 8 && VFIO_USER_DATA_MAX == 1048576, "as CAPABILITIES says");

static void greet(struct pci_front *f, const struct vfio_user_message *m)
{
	const struct vfio_user_version ours = {.major = 0, .minor = 0};
	struct vfio_user_version theirs;

	if (!take(m, &theirs, sizeof(theirs)) || theirs.major != ours.major || f->greeted) {
		refuse(f, m);
		return vfio_user_end(&f->client, "no version in common");
	}
	f->greeted = true;
	board_log(f->board, "connected", "\"connection\":\"vfio-user\"");
	board_link_up(f->board);
	vfio_user_answer(&f->client, m, &ours, sizeof(ours), CAPABILITIES, sizeof(CAPABILITIES));
}

/* ---- memory ---- */

static void log_range(struct pci_front *f, const char *event, uint64_t address, uint64_t size,
		      int error)
{
	char members[128];

	snprintf(members, sizeof(members),
		 "\"address\":%" PRIu64 ",\"size\":%" PRIu64 ",\"error\":%d", address, size,
		 -error);
	board_log(f->board, event, members);
}

/* Never refused, whatever it says: clients take that for the end of the world. */
static void map_dma(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_user_dma_map map = {0};
	_cleanup_close_ int fd = vfio_user_take_fd(&f->client, 0);
	int r = -EINVAL;

	if (take(m, &map, sizeof(map)))
		r = pci_dma_map(&f->dma, map.address, map.size, map.flags, fd, map.offset);
	if (r < 0)
		log_range(f, "dma-map-unusable", map.address, map.size, r);
	done(f, m);
}

static void unmap_dma(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_user_dma_unmap unmap;

	if (!take(m, &unmap, sizeof(unmap)))
		return refuse(f, m);
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		pci_dma_clear(&f->dma);
	else
		pci_dma_unmap(&f->dma, unmap.address, unmap.size);
	vfio_user_answer(&f->client, m, &unmap, sizeof(unmap), NULL, 0);
}

/* ---- what the device is ---- */

struct device_info { /* as far as version 0.0 has it */
	uint32_t argsz, flags, num_regions, num_irqs;
};

static void device_info(struct pci_front *f, const struct vfio_user_message *m)
{
	const struct device_info info = {
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};

	if (m->size < sizeof(info))
		return refuse(f, m);
	vfio_user_answer(&f->client, m, &info, sizeof(info), NULL, 0);
}

static void region_info(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_region_info info;

	if (!take(m, &info, sizeof(info)) || info.index >= VFIO_PCI_NUM_REGIONS)
		return refuse(f, m);
	info.argsz = sizeof(info);
	info.cap_offset = 0;
	info.offset = 0;
	info.size = pci_region_size(f, info.index);
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	vfio_user_answer(&f->client, m, &info, sizeof(info), NULL, 0);
}

/* ---- interrupts ---- */

static struct pci_irqs *irqs_of(struct pci_front *f, uint32_t index)
{
	if (index == (f->msi ? VFIO_PCI_MSI_IRQ_INDEX : VFIO_PCI_MSIX_IRQ_INDEX))
		return &f->irqs;
	return index == VFIO_PCI_ERR_IRQ_INDEX ? &f->error_irq : NULL;
}

static void irq_info(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_irq_info info;
	const struct pci_irqs *irqs;

	if (!take(m, &info, sizeof(info)) || info.index >= VFIO_PCI_NUM_IRQS)
		return refuse(f, m);
	irqs = irqs_of(f, info.index);
	info.argsz = sizeof(info);
	info.count = irqs ? irqs->count : 0;
	info.flags = irqs ? VFIO_IRQ_INFO_EVENTFD : 0;
	vfio_user_answer(&f->client, m, &info, sizeof(info), NULL, 0);
}

static void set_irqs(struct pci_front *f, const struct vfio_user_message *m)
{
	struct pci_irqs none = {0}, *irqs;
	struct vfio_irq_set set;
	int r;

	if (!take(m, &set, sizeof(set)) || set.index >= VFIO_PCI_NUM_IRQS)
		return refuse(f, m);
	irqs = irqs_of(f,
		       set.index); /* where there is no vector, all of them can be switched off */
	r = pci_irqs_set(irqs ? irqs : &none, &set, m->payload + sizeof(set), m->size - sizeof(set),
			 &f->client);
	if (r < 0)
		return refuse(f, m);
	done(f, m);
}

/* ---- regions ---- */

static bool take_access(const struct pci_front *f, const struct vfio_user_message *m,
			struct vfio_user_region_access *ret)
{
	uint64_t size;

	if (!take(m, ret, sizeof(*ret)) || ret->region >= VFIO_PCI_NUM_REGIONS)
		return false;
	size = pci_region_size(f, ret->region);
	return ret->count <= VFIO_USER_DATA_MAX && ret->count <= size &&
	       ret->offset <= size - ret->count;
}

static void region_read(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_user_region_access access;
	_cleanup_free_ uint8_t *data = NULL;

	if (!take_access(f, m, &access))
		return refuse(f, m);
	data = calloc(1, MAX(access.count, 1U));
	if (!data)
		return vfio_user_refuse(&f->client, m, -ENOMEM);
	pci_region_read(f, access.region, access.offset, data, access.count);
	vfio_user_answer(&f->client, m, &access, sizeof(access), data, access.count);
}

static void region_write(struct pci_front *f, const struct vfio_user_message *m)
{
	struct vfio_user_region_access access;

	if (!take_access(f, m, &access) || m->size != sizeof(access) + access.count)
		return refuse(f, m);
	pci_region_write(f, access.region, access.offset, m->payload + sizeof(access),
			 access.count);
	vfio_user_answer(&f->client, m, &access, sizeof(access), NULL, 0);
}

/* ---- any of them ---- */

void pci_command(struct pci_front *f, const struct vfio_user_message *m)
{
	if (!f->greeted && m->head.command != VFIO_USER_VERSION) {
		refuse(f, m);
		return vfio_user_end(&f->client, "first message is not VERSION");
	}
	switch (m->head.command) {
	case VFIO_USER_VERSION:
		return greet(f, m);
	case VFIO_USER_DMA_MAP:
		return map_dma(f, m);
	case VFIO_USER_DMA_UNMAP:
		return unmap_dma(f, m);
	case VFIO_USER_DEVICE_GET_INFO:
		return device_info(f, m);
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		return region_info(f, m);
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		return irq_info(f, m);
	case VFIO_USER_DEVICE_SET_IRQS:
		return set_irqs(f, m);
	case VFIO_USER_REGION_READ:
		return region_read(f, m);
	case VFIO_USER_REGION_WRITE:
		return region_write(f, m);
	case VFIO_USER_DEVICE_RESET:
		pci_front_reset(f);
		return done(f, m);
	default:
		return vfio_user_refuse(&f->client, m, -ENOTSUP);
	}
}
