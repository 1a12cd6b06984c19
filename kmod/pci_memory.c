// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the board reaches by DMA: the ring and its table, the control block, uploads.
 */
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "pci.h"
#include "registers.h"

/*
 * A table is the board's to read, and nobody keeps it from writing: what is unmapped goes by the
 * kernel's own list.
 */
static size_t table_bytes(unsigned long pages)
{
	return pages * sizeof(u64);
}

/*
 * ---- the ring ----
 *
 * Streaming mappings, which a machine may not keep coherent: the control block, which is, says
 * which records are new. The board owns all places. We own one from sync on, when the record is
 * there, and only read it: the board may write there again without a word. An END record of ours
 * is the one thing that is written: between sync and give, so that it neither goes with what the
 * cache drops nor comes out of it over a record of the board. For that the direction is both.
 */
#define RING_DIRECTION DMA_BIDIRECTIONAL

static int map_pages(struct etalon_pci *link)
{
	struct device *dev = &link->pdev->dev;
	const struct etalon_ring_memory *memory = &link->board->memory;

	for (; link->mapped < memory->page_count; link->mapped++) {
		dma_addr_t address = dma_map_page(dev, memory->pages[link->mapped], 0, PAGE_SIZE,
						  RING_DIRECTION);

		if (dma_mapping_error(dev, address))
			return -ENOMEM;
		link->ring_address[link->mapped] = address;
		link->ring_table[link->mapped] = address;
	}
	return 0;
}

int etalon_pci_map_ring(struct etalon_pci *link)
{
	struct device *dev = &link->pdev->dev;
	const unsigned long pages = link->board->memory.page_count;
	int ret;

	link->control =
		dma_alloc_coherent(dev, sizeof(*link->control), &link->control_address, GFP_KERNEL);
	if (!link->control)
		return -ENOMEM;
	link->ring_address = kvmalloc_array(pages, sizeof(*link->ring_address), GFP_KERNEL);
	link->ring_table =
		dma_alloc_coherent(dev, table_bytes(pages), &link->ring_table_address, GFP_KERNEL);
	ret = link->ring_address && link->ring_table ? map_pages(link) : -ENOMEM;
	if (ret)
		etalon_pci_unmap_ring(link);
	return ret;
}

void etalon_pci_unmap_ring(struct etalon_pci *link)
{
	struct device *dev = &link->pdev->dev;

	/* What came was synchronised then; an END record of ours is in the page itself. */
	while (link->mapped)
		dma_unmap_page_attrs(dev, link->ring_address[--link->mapped], PAGE_SIZE,
				     RING_DIRECTION, DMA_ATTR_SKIP_CPU_SYNC);
	if (link->ring_table)
		dma_free_coherent(dev, table_bytes(link->board->memory.page_count),
				  link->ring_table, link->ring_table_address);
	if (link->control)
		dma_free_coherent(dev, sizeof(*link->control), link->control,
				  link->control_address);
	kvfree(link->ring_address);
	link->ring_address = NULL;
	link->ring_table = NULL;
	link->control = NULL;
}

/* Page by page: each has a mapping of its own. */
static void hand(struct etalon_board *board, const struct etalon_ring_span *span, bool to_cpu)
{
	struct etalon_pci *link = board->link;
	struct device *dev = &link->pdev->dev;
	u64 at = span->offset, left = span->bytes;

	while (left) {
		const dma_addr_t page = link->ring_address[at >> PAGE_SHIFT];
		const unsigned long in_page = at & ~PAGE_MASK;
		const size_t piece = min_t(u64, left, PAGE_SIZE - in_page);

		if (to_cpu)
			dma_sync_single_range_for_cpu(dev, page, in_page, piece, RING_DIRECTION);
		else
			dma_sync_single_range_for_device(dev, page, in_page, piece, RING_DIRECTION);
		at += piece;
		left -= piece;
	}
}

/* The kernel sees the pages in a row, at addresses of their own. */
void etalon_pci_sync(struct etalon_board *board, const struct etalon_ring_span *span)
{
	hand(board, span, true);
	invalidate_kernel_vmap_range(board->memory.data + span->offset, (int)span->bytes);
}

void etalon_pci_give(struct etalon_board *board, const struct etalon_ring_span *span)
{
	flush_kernel_vmap_range(board->memory.data + span->offset, (int)span->bytes);
	hand(board, span, false);
}

/* ---- uploads ---- */

struct upload {
	dma_addr_t *address; /* of each page */
	u64 *table;
	dma_addr_t table_address;
	unsigned long pages;
	unsigned long mapped;
	u32 bytes;
};

static void unmap_upload(struct device *dev, struct upload *u)
{
	while (u->mapped)
		dma_unmap_page(dev, u->address[--u->mapped], PAGE_SIZE, DMA_TO_DEVICE);
	if (u->table)
		dma_free_coherent(dev, table_bytes(u->pages), u->table, u->table_address);
	kvfree(u->address);
}

static int map_upload(struct device *dev, const struct etalon_hw_upload *upload, struct upload *u)
{
	const u8 *at = (const u8 *)upload;

	u->bytes = sizeof(*upload) + upload->size;
	u->pages = DIV_ROUND_UP(u->bytes, PAGE_SIZE);
	u->mapped = 0;
	u->address = kvmalloc_array(u->pages, sizeof(*u->address), GFP_KERNEL);
	u->table = dma_alloc_coherent(dev, table_bytes(u->pages), &u->table_address, GFP_KERNEL);
	if (!u->address || !u->table) {
		unmap_upload(dev, u);
		return -ENOMEM;
	}
	flush_kernel_vmap_range((void *)at, u->bytes);
	for (; u->mapped < u->pages; u->mapped++, at += PAGE_SIZE) {
		dma_addr_t address =
			dma_map_page(dev, vmalloc_to_page(at), 0, PAGE_SIZE, DMA_TO_DEVICE);

		if (dma_mapping_error(dev, address)) {
			unmap_upload(dev, u);
			return -ENOMEM;
		}
		u->address[u->mapped] = address;
		u->table[u->mapped] = address;
	}
	return 0;
}

int etalon_pci_upload(struct etalon_board *board, const struct etalon_hw_upload *upload,
		      struct etalon_refusal *refusal)
{
	struct etalon_pci *link = board->link;
	struct device *dev = &link->pdev->dev;
	struct upload u;
	u32 registers[3]; /* UPLOAD_TABLE and UPLOAD_SIZE */
	const u32 command = ETALON_HW_COMMAND_UPLOAD;
	int ret = map_upload(dev, upload, &u);

	if (ret)
		return ret;
	registers[0] = lower_32_bits(u.table_address);
	registers[1] = upper_32_bits(u.table_address);
	registers[2] = u.bytes;
	ret = board->ops->write(board, ETALON_REG_UPLOAD_TABLE, registers, ARRAY_SIZE(registers));
	if (!ret) /* done when RESULT can be read: the memory is ours again */
		ret = etalon_registers_try(board, ETALON_REG_COMMAND, &command, 1, refusal);
	if (ret == -ENODEV || pci_channel_offline(link->pdev))
		pci_clear_master(link->pdev); /* nobody says that it is done */
	unmap_upload(dev, &u);
	return ret;
}
