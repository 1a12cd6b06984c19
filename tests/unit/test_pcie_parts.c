// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The parts of the PCIe front end by themselves: configuration space by the byte, ranges of the
 * client's memory, interrupt vectors.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "board_bench.h"
#include "emulator/pci_config.h"
#include "emulator/pci_dma.h"
#include "emulator/pci_irq.h"

#define BOTH (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define PAGE 4096

/* ---- configuration space ---- */

static uint32_t find(const struct pci_config *c, uint8_t id)
{
	uint32_t at = c->value[PCI_CAPABILITY_LIST];

	while (at && c->value[at] != id)
		at = c->value[at + PCI_CAP_LIST_NEXT];
	return at;
}

static uint32_t write_bytes(struct pci_config *c, uint64_t offset, const void *data, size_t size)
{
	uint32_t asks;

	ck_assert(pci_config_write(c, offset, data, size, &asks));
	return asks;
}

START_TEST(what_a_write_asks_does_not_depend_on_its_width)
{
	struct pci_config c;
	uint32_t at;
	const uint8_t flr_byte = 0x80, d3 = 3;
	const uint16_t flr = PCI_EXP_DEVCTL_BCR_FLR;
	const uint32_t long_flr = PCI_EXP_DEVCTL_BCR_FLR, status = (uint32_t)flr << 16;

	pci_config_reset(&c, _i);
	at = find(&c, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	ck_assert_uint_eq(write_bytes(&c, at, &flr, 2), PCI_ASKS_RESET);
	ck_assert_uint_eq(write_bytes(&c, at + 1, &flr_byte, 1), PCI_ASKS_RESET);
	ck_assert_uint_eq(write_bytes(&c, at, &long_flr, 4), PCI_ASKS_RESET);
	ck_assert_uint_eq(write_bytes(&c, at, &flr_byte, 1), 0); /* another bit */
	ck_assert_uint_eq(write_bytes(&c, at, &status, 4), 0); /* of the status register */
	at = find(&c, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	ck_assert_uint_eq(write_bytes(&c, at + 1, &d3, 1), 0);
	ck_assert_uint_eq(write_bytes(&c, at, &d3, 1), PCI_ASKS_SLEEP);
	ck_assert_uint_eq(write_bytes(&c, at, &d3, 1), 0); /* asleep already */
	ck_assert(pci_config_asleep(&c));
	ck_assert(!pci_config_master(&c));
	ck_assert_uint_eq(write_bytes(&c, at, (const uint8_t[]){0}, 1), PCI_ASKS_WAKE);
}
END_TEST

START_TEST(the_space_ends_where_it_ends)
{
	static const struct {
		uint64_t offset;
		size_t size;
		bool inside;
	} accesses[] = {
		{0, PCI_CONFIG_BYTES, true},	  {PCI_CONFIG_BYTES - 1, 1, true},
		{PCI_CONFIG_BYTES, 0, true},	  {PCI_CONFIG_BYTES, 1, false},
		{PCI_CONFIG_BYTES - 1, 2, false}, {0, PCI_CONFIG_BYTES + 1, false},
		{UINT64_MAX, 2, false},		  {1, SIZE_MAX, false},
	};
	static uint8_t bytes[PCI_CONFIG_BYTES];
	struct pci_config c;
	uint32_t asks;

	pci_config_reset(&c, false);
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		ck_assert_int_eq(pci_config_read(&c, accesses[i].offset, bytes, accesses[i].size),
				 accesses[i].inside);
		memset(bytes, 0, sizeof(bytes));
		ck_assert_int_eq(
			pci_config_write(&c, accesses[i].offset, bytes, accesses[i].size, &asks),
			accesses[i].inside);
	}
}
END_TEST

START_TEST(only_what_a_host_may_change_changes)
{
	static uint8_t ones[PCI_CONFIG_BYTES];
	struct pci_config before, c;
	uint32_t asks;

	memset(ones, 0xff, sizeof(ones));
	pci_config_reset(&c, _i);
	before = c;
	ck_assert(pci_config_write(&c, 0, ones, sizeof(ones), &asks));
	for (size_t n = 0; n < PCI_CONFIG_BYTES; n++)
		ck_assert_uint_eq(c.value[n] & ~c.writable[n], before.value[n] & ~c.writable[n]);
	ck_assert_uint_eq(asks, PCI_ASKS_RESET | PCI_ASKS_SLEEP);
	pci_config_reset(&c, _i);
	ck_assert_mem_eq(&c, &before, sizeof(c));
}
END_TEST

/* ---- memory ---- */

static int make_file(size_t bytes)
{
	const int fd = memfd_create("ranges", MFD_CLOEXEC);
	uint8_t fill[PAGE];

	for (size_t at = 0; at < bytes; at += PAGE) {
		memset(fill, (int)(at / PAGE + 1), sizeof(fill));
		ck_assert_int_eq(write_all(fd, fill, sizeof(fill)), 0);
	}
	return fd;
}

START_TEST(a_range_is_found_whole_or_not_at_all)
{
	static const struct {
		uint64_t address;
		size_t size;
		int byte; /* 0: not found */
	} finds[] = {
		{0x10000, 1, 2},
		{0x10fff, 1, 2},
		{0x11000, PAGE, 3},
		{0x10ffc, 8, 2},
		{0x11fff, 1, 3},
		{0x12000, 1, 0},
		{0x11ffc, 8, 0}, /* across two ranges, though they touch */
		{0xffff, 1, 0},
		{0xfffc, 8, 0},
		{0x10000, 2 * PAGE, 2},
		{0x10000, 2 * PAGE + 1, 0},
		{0x10000, SIZE_MAX, 0},
		{UINT64_MAX, 1, 1},
		{UINT64_MAX - 7, 8, 1},
		{UINT64_MAX - 7, 16, 0},
		{0, 8, 0},
	};
	struct pci_dma d = {0};
	const int fd = make_file(4 * PAGE);

	ck_assert_int_eq(pci_dma_map(&d, 0x10000, 2 * PAGE, BOTH, fd, PAGE), 0);
	ck_assert_int_eq(pci_dma_map(&d, 0x12000, PAGE, BOTH, -1, 0), 0);
	ck_assert_int_eq(pci_dma_map(&d, UINT64_MAX - PAGE + 1, PAGE, BOTH, fd, 0), 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(finds); i++) {
		const uint8_t *at = pci_dma_find(&d, finds[i].address, finds[i].size, true);

		ck_assert_msg(!at == !finds[i].byte, "address %lx size %zx", finds[i].address,
			      finds[i].size);
		if (at)
			ck_assert_uint_eq(*at, (unsigned int)finds[i].byte);
	}
	pci_dma_clear(&d);
	ck_assert_ptr_null(pci_dma_find(&d, 0x10000, 1, false));
}
END_TEST

START_TEST(a_range_serves_the_uses_it_was_mapped_for)
{
	struct pci_dma d = {0};
	const int fd = make_file(PAGE);

	ck_assert_int_eq(pci_dma_map(&d, 0, PAGE, VFIO_DMA_MAP_FLAG_READ, fd, 0), 0);
	ck_assert_int_eq(pci_dma_map(&d, PAGE, PAGE, VFIO_DMA_MAP_FLAG_WRITE, fd, 0), 0);
	ck_assert_ptr_nonnull(pci_dma_find(&d, 0, 8, false));
	ck_assert_ptr_null(pci_dma_find(&d, 0, 8, true));
	ck_assert_ptr_null(pci_dma_find(&d, PAGE, 8, false));
	ck_assert_ptr_nonnull(pci_dma_find(&d, PAGE, 8, true));
	close(fd);
	pci_dma_clear(&d);
}
END_TEST

START_TEST(later_ranges_hide_earlier_ones_until_they_go)
{
	struct pci_dma d = {0};
	const int fd = make_file(2 * PAGE);
	const uint8_t *at;

	ck_assert_int_eq(pci_dma_map(&d, 0x1000, PAGE, BOTH, fd, 0), 0);
	ck_assert_int_eq(pci_dma_map(&d, 0x1000, PAGE, BOTH, fd, PAGE), 0);
	at = pci_dma_find(&d, 0x1000, 1, false);
	ck_assert_uint_eq(*at, 2);
	pci_dma_unmap(&d, 0x3000, PAGE); /* nobody's */
	pci_dma_unmap(&d, 0x1000, 0);
	pci_dma_unmap(&d, 0x800, 0x800); /* ends where they begin */
	ck_assert_uint_eq(d.count, 2);
	pci_dma_unmap(&d, 0x1fff, UINT64_MAX); /* wraps, as all there is does */
	ck_assert_uint_eq(d.count, 0);
	close(fd);
	pci_dma_clear(&d);
}
END_TEST

/* ---- vectors ---- */

static const struct {
	uint32_t assigned; /* bit n: vector n */
	uint32_t messages;
	uint64_t struck[3];
} raises[] = {
	{7, 1, {1, 0, 0}}, {7, 7, {1, 1, 1}},
	{3, 4, {0, 1, 0}}, {3, 6, {0, 1, 0}}, /* two messages on one vector are one edge */
	{1, 7, {1, 0, 0}}, {1, 4, {1, 0, 0}},
	{5, 2, {1, 0, 0}}, {4, 3, {0, 0, 0}}, /* nothing at or below them */
	{0, 7, {0, 0, 0}},
};

START_TEST(messages_go_to_their_vector_or_the_last_below)
{
	struct pci_irqs irqs;
	int fd[3];

	pci_irqs_open(&irqs, PCI_MSIX_VECTORS);
	for (uint32_t n = 0; n < 3; n++) {
		fd[n] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (raises[_i].assigned >> n & 1)
			irqs.fd[n] = dup(fd[n]);
	}
	pci_irqs_raise(&irqs, raises[_i].messages);
	for (uint32_t n = 0; n < 3; n++) {
		uint64_t struck = 0;

		ck_assert(read(fd[n], &struck, sizeof(struck)) == sizeof(struck) || !struck);
		ck_assert_uint_eq(struck, raises[_i].struck[n]);
		close(fd[n]);
	}
	pci_irqs_close(&irqs);
}
END_TEST

START_TEST(a_descriptor_that_is_full_blocks_nobody)
{
	const uint64_t full = UINT64_MAX - 1;
	struct pci_irqs irqs;

	pci_irqs_open(&irqs, 1);
	irqs.fd[0] = eventfd(0, EFD_CLOEXEC); /* one that would block */
	ck_assert_int_eq(write(irqs.fd[0], &full, sizeof(full)), sizeof(full));
	pci_irqs_raise(&irqs, 1);
	pci_irqs_close(&irqs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pcie parts");
	TCase *c = tcase_create("parts");

	tcase_add_loop_test(c, what_a_write_asks_does_not_depend_on_its_width, 0, 2);
	tcase_add_test(c, the_space_ends_where_it_ends);
	tcase_add_loop_test(c, only_what_a_host_may_change_changes, 0, 2);
	tcase_add_test(c, a_range_is_found_whole_or_not_at_all);
	tcase_add_test(c, a_range_serves_the_uses_it_was_mapped_for);
	tcase_add_test(c, later_ranges_hide_earlier_ones_until_they_go);
	tcase_add_loop_test(c, messages_go_to_their_vector_or_the_last_below, 0,
			    ARRAY_SIZE(raises));
	tcase_add_test(c, a_descriptor_that_is_full_blocks_nobody);
	suite_add_tcase(s, c);
	return run_suite(s);
}
