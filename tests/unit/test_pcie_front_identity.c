// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the device on PCIe says that it is: regions, interrupts, configuration space, capabilities.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "pcie_front_bench.h"

START_TEST(the_device_describes_itself)
{
	struct board_thread *e = board_thread_start(
		&(struct board_thread_options){.front = BOARD_THREAD_PCIE, .msi = _i});
	struct vfio_client c;
	struct {
		uint32_t argsz, flags, regions, irqs;
	} info = {sizeof(info), 0, 0, 0};
	const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		[VFIO_PCI_BAR0_REGION_INDEX] = ETALON_REG_SPACE,
		[VFIO_PCI_BAR2_REGION_INDEX] = _i ? 0 : 4096,
		[VFIO_PCI_CONFIG_REGION_INDEX] = 4096,
	};
	const uint32_t vectors[VFIO_PCI_NUM_IRQS] = {
		[VFIO_PCI_MSI_IRQ_INDEX] = _i ? 4 : 0,
		[VFIO_PCI_MSIX_IRQ_INDEX] = _i ? 0 : 3,
		[VFIO_PCI_ERR_IRQ_INDEX] = 1,
	};

	vfio_client_connect(&c, e->path);
	ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info), &info,
					 sizeof(info)),
			 sizeof(info));
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	ck_assert_uint_eq(info.regions, VFIO_PCI_NUM_REGIONS);
	ck_assert_uint_eq(info.irqs, VFIO_PCI_NUM_IRQS);
	for (uint32_t i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info r = {.argsz = sizeof(r), .index = i};

		ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_REGION_INFO, &r,
						 sizeof(r), &r, sizeof(r)),
				 sizeof(r));
		ck_assert_uint_eq(r.size, sizes[i]);
		ck_assert_uint_eq(r.flags & VFIO_REGION_INFO_FLAG_MMAP, 0);
	}
	for (uint32_t i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		struct vfio_irq_info r = {.argsz = sizeof(r), .index = i};

		ck_assert_int_eq(vfio_client_ask(&c, VFIO_USER_DEVICE_GET_IRQ_INFO, &r, sizeof(r),
						 &r, sizeof(r)),
				 sizeof(r));
		ck_assert_uint_eq(r.count, vectors[i]);
	}
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

START_TEST(configuration_space_has_what_a_driver_looks_for)
{
	struct board_thread *e = board_thread_start(
		&(struct board_thread_options){.front = BOARD_THREAD_PCIE, .msi = _i});
	struct vfio_client c;
	uint32_t at;

	vfio_client_connect(&c, e->path);
	ck_assert_uint_eq(client_config(&c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	ck_assert_uint_eq(client_config(&c, PCI_DEVICE_ID, 2), ETALON_HW_PCI_DEVICE);
	ck_assert_uint_eq(client_config(&c, PCI_CLASS_DEVICE, 2), 0x1180);
	ck_assert_uint_eq(client_config(&c, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	ck_assert_uint_eq(client_config(&c, PCI_INTERRUPT_PIN, 1), 0);
	/* Sizing: the bits that cannot be set tell. */
	client_set_config(&c, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, PCI_BASE_ADDRESS_0, 4), ~(ETALON_REG_SPACE - 1));
	client_set_config(&c, PCI_BASE_ADDRESS_1, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, PCI_BASE_ADDRESS_1, 4), 0);
	/* Identity is not to be written. */
	client_set_config(&c, PCI_VENDOR_ID, 4, 0);
	ck_assert_uint_eq(client_config(&c, PCI_VENDOR_ID, 2), ETALON_HW_PCI_VENDOR);
	at = client_capability(&c, PCI_CAP_ID_EXP);
	ck_assert_uint_ne(at, 0);
	ck_assert_uint_eq((client_config(&c, at + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4,
			  PCI_EXP_TYPE_ENDPOINT);
	ck_assert_uint_ne(client_config(&c, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR, 0);
	ck_assert_uint_ne(client_capability(&c, PCI_CAP_ID_PM), 0);
	at = client_capability(&c, PCI_CAP_ID_MSIX);
	ck_assert_int_eq(at != 0, !_i);
	if (at) {
		ck_assert_uint_eq(client_config(&c, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE,
				  2);
		ck_assert_uint_eq(client_config(&c, at + PCI_MSIX_TABLE, 4) & PCI_MSIX_TABLE_BIR,
				  2);
	}
	at = client_capability(&c, PCI_CAP_ID_MSI);
	ck_assert_int_eq(at != 0, _i);
	if (at)
		ck_assert_uint_eq(client_config(&c, at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QMASK,
				  2 << 1);
	/* Errors, advanced: none there, and the last of the extended capabilities. */
	ck_assert_uint_eq(client_config(&c, 0x100, 4), PCI_EXT_CAP_ID_ERR | 2U << 16);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_SEVER, 4) & PCI_ERR_UNC_DLP,
			  PCI_ERR_UNC_DLP);
	client_set_config(&c, 0x100 + PCI_ERR_UNCOR_STATUS, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_STATUS, 4), 0);
	client_set_config(&c, 0x100 + PCI_ERR_UNCOR_MASK, 4, UINT32_MAX);
	ck_assert_uint_eq(client_config(&c, 0x100 + PCI_ERR_UNCOR_MASK, 4) & PCI_ERR_UNC_COMP_TIME,
			  PCI_ERR_UNC_COMP_TIME); /* no extended capabilities */
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front identity");
	TCase *tcase = tcase_create("identity");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, the_device_describes_itself, 0, 2);
	tcase_add_loop_test(tcase, configuration_space_has_what_a_driver_looks_for, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
