// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Registers over PCIe: whole words of an enabled device, posted writes in their order, ones while the board
 * hangs.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "pcie_front_bench.h"

START_TEST(registers_answer_whole_words_of_an_enabled_device_alone)
{
	static const struct {
		uint64_t offset;
		uint32_t count;
	} wrong[] = {{0, 1}, {0, 2}, {0, 8}, {2, 4}, {1, 1}, {0, 64}, {ETALON_REG_SPACE - 2, 2}};
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client c;
	uint8_t bytes[64], ones[64];

	memset(ones, 0xff, sizeof(ones));
	client_boot(&c, e->path);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_int_eq(vfio_client_read(&c, VFIO_PCI_BAR0_REGION_INDEX, wrong[i].offset,
						  bytes, wrong[i].count),
				 0);
		ck_assert_mem_eq(bytes, ones, wrong[i].count);
	}
	client_put(&c, ETALON_REG_SCRATCH, 0x11223344);
	ck_assert_int_eq(
		vfio_client_write(&c, VFIO_PCI_BAR0_REGION_INDEX, ETALON_REG_SCRATCH, ones, 2), 0);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 0x11223344);
	client_set_config(&c, PCI_COMMAND, 2, 0);
	client_put(&c, ETALON_REG_SCRATCH, 1);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), UINT32_MAX);
	client_set_config(&c, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 0x11223344);
	/* The place of the MSI-X table reads as zero and keeps nothing. */
	ck_assert_int_eq(vfio_client_write(&c, VFIO_PCI_BAR2_REGION_INDEX, 0, ones, 16), 0);
	ck_assert_int_eq(vfio_client_read(&c, VFIO_PCI_BAR2_REGION_INDEX, 0, bytes, 16), 0);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(bytes[i], 0);
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

START_TEST(posted_writes_have_no_answer_and_keep_their_order)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client c;

	client_boot(&c, e->path);
	for (uint32_t i = 1; i <= 1000; i++) {
		const struct {
			struct vfio_user_region_access access;
			uint32_t value;
		} __attribute__((__packed__))
		write = {{ETALON_REG_SCRATCH, VFIO_PCI_BAR0_REGION_INDEX, 4}, i};

		vfio_client_send(&c, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY, &write,
				 sizeof(write), NULL, 0);
	}
	ck_assert_uint_eq(client_get(&c, ETALON_REG_SCRATCH), 1000);
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_board_that_hangs_reads_as_ones_and_goes_dark_by_itself)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;

	front_emit(d, 50);
	board_thread_fault(e, "{\"fault\": \"hang\", \"for_ms\": 300}");
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), UINT32_MAX);
	ck_assert_uint_eq(client_config(&d->c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	while (client_get(&d->c, ETALON_REG_MAGIC) == UINT32_MAX) {
		pcie_driver_kick(d); /* into the void */
		ck_assert_uint_lt(now_ns(), until);
	}
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_WATCHDOG);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front registers");
	TCase *tcase = tcase_create("registers");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, registers_answer_whole_words_of_an_enabled_device_alone);
	tcase_add_test(tcase, posted_writes_have_no_answer_and_keep_their_order);
	tcase_add_test(tcase, a_board_that_hangs_reads_as_ones_and_goes_dark_by_itself);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
