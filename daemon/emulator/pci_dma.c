// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Keeps and finds the client's memory. See pci_dma.h.
 */
#include "emulator/pci_dma.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define RANGES_MAX 65535 /* what the protocol lets a client expect */

static int add_range(struct pci_dma *d, const struct pci_range *range)
{
	if (d->count == RANGES_MAX)
		return -ENOSPC;
	if (d->count == d->room) {
		const size_t room = d->room ? 2 * d->room : 16;
		struct pci_range *more = realloc(d->range, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->range = more;
		d->room = room;
	}
	d->range[d->count++] = *range;
	return 0;
}

static int map_memory(struct pci_range *r, int fd, uint64_t offset)
{
	const uint64_t head = offset % (uint64_t)sysconf(_SC_PAGESIZE);
	const int access = (r->read ? PROT_READ : 0) | (r->write ? PROT_WRITE : 0);
	struct stat st;

	/* Beyond the end of the file, an access would kill the emulator. */
	if (fstat(fd, &st) < 0 || st.st_size < 0 || offset > (uint64_t)st.st_size ||
	    r->size > (uint64_t)st.st_size - offset)
		return -ENXIO;
	r->mapping_bytes = (size_t)(r->size + head);
	r->mapping = mmap(NULL, r->mapping_bytes, access, MAP_SHARED, fd, (off_t)(offset - head));
	if (r->mapping == MAP_FAILED)
		return -errno;
	r->memory = (uint8_t *)r->mapping + head;
	return 0;
}

static void forget(struct pci_range *r)
{
	if (r->memory)
		munmap(r->mapping, r->mapping_bytes);
}

int pci_dma_map(struct pci_dma *d, uint64_t address, uint64_t size, uint32_t flags, int fd,
		uint64_t offset)
{
	struct pci_range r = {
		.address = address,
		.size = size,
		.read = flags & VFIO_DMA_MAP_FLAG_READ,
		.write = flags & VFIO_DMA_MAP_FLAG_WRITE,
	};
	int mapped, added;

	if (!size || address > UINT64_MAX - (size - 1))
		return -EINVAL;
	mapped = fd < 0 ? 0 : map_memory(&r, fd, offset);
	added = add_range(d, &r);
	if (added < 0)
		forget(&r);
	return added < 0 ? added : mapped;
}

static bool touches(const struct pci_range *r, uint64_t address, uint64_t size)
{
	const uint64_t last = address + (size - 1), range_last = r->address + (r->size - 1);

	return size && (last < address || r->address <= last) && address <= range_last;
}

void pci_dma_unmap(struct pci_dma *d, uint64_t address, uint64_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (touches(&d->range[i], address, size))
			forget(&d->range[i]);
		else
			d->range[kept++] = d->range[i];
	}
	d->count = kept;
}

void pci_dma_clear(struct pci_dma *d)
{
	for (size_t i = 0; i < d->count; i++)
		forget(&d->range[i]);
	free(d->range);
	*d = (struct pci_dma){0};
}

void *pci_dma_find(const struct pci_dma *d, uint64_t address, size_t size, bool write)
{
	for (size_t i = d->count; i-- > 0;) {
		const struct pci_range *r = &d->range[i];

		if (address < r->address || size > r->size || address - r->address > r->size - size)
			continue;
		if (!r->memory || !(write ? r->write : r->read))
			return NULL;
		return r->memory + (address - r->address);
	}
	return NULL;
}
