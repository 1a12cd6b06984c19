// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of the ring: ordinary ones, so that mappings of user space keep theirs whatever becomes
 * of the board.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "etalon.h"

void etalon_memory_free(struct etalon_ring_memory *memory)
{
	unsigned long i;

	if (memory->data)
		vunmap(memory->data);
	for (i = 0; i < memory->page_count; i++)
		__free_page(memory->pages[i]);
	kvfree(memory->pages);
	free_page((unsigned long)memory->status);
	*memory = (struct etalon_ring_memory){0};
}

static int alloc_pages_of(struct etalon_ring_memory *memory, int node, unsigned long count)
{
	/* User space sees them: zeroed. Not having so much is no reason to kill anybody. */
	const gfp_t flags = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;

	memory->pages = kvcalloc(count, sizeof(*memory->pages), GFP_KERNEL);
	if (!memory->pages)
		return -ENOMEM;
	for (; memory->page_count < count; memory->page_count++) {
		struct page *page = alloc_pages_node(node, flags, 0);

		if (!page)
			return -ENOMEM;
		memory->pages[memory->page_count] = page;
	}
	return 0;
}

int etalon_memory_alloc(struct etalon_ring_memory *memory, int node, u64 bytes)
{
	const unsigned long count = DIV_ROUND_UP_ULL(bytes, PAGE_SIZE);

	if (alloc_pages_of(memory, node, count))
		goto fail;
	memory->data = vmap(memory->pages, count, VM_MAP, PAGE_KERNEL);
	memory->status = (struct etalon_ring_status *)get_zeroed_page(GFP_KERNEL);
	if (!memory->data || !memory->status)
		goto fail;
	return 0;
fail:
	etalon_memory_free(memory);
	return -ENOMEM;
}
