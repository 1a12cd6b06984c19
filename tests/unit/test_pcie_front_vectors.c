// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Interrupt vectors of the PCIe front end: one for each event, shared, replaced and taken away.
 */
#include <linux/vfio.h>
#include <sys/eventfd.h>

#include "pcie_front_bench.h"

START_TEST(vectors_strike_for_their_event_or_share_the_last)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	const uint32_t vectors = (uint32_t)_i;
	struct pcie_driver *d = pcie_driver_bind(e, 16, vectors);
	const uint32_t of_state = MIN(1, vectors - 1), of_aux = MIN(2, vectors - 1);

	for (uint32_t v = 0; v < vectors; v++)
		client_struck(&d->c, v);
	board_thread_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_await(&d->c, of_aux), 1);
	board_thread_fault(e, "{\"fault\": \"key-off\"}");
	ck_assert_uint_ge(client_await(&d->c, of_state), 1);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LIVE), ETALON_HW_CAUSE_KEY);
	if (vectors > 1)
		ck_assert_uint_eq(client_struck(&d->c, 0), 0);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

START_TEST(vectors_are_replaced_and_taken_away)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct vfio_irq_set off = {
		.argsz = sizeof(off),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), old = d->c.irq[2];

	ck_assert_int_eq(vfio_client_set_irqs(&d->c, 2, 1, &fd), 0);
	d->c.irq[2] = fd;
	board_thread_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_await(&d->c, 2), 1);
	d->c.irq[2] = old; /* the first descriptor is not written any more */
	ck_assert_uint_eq(client_struck(&d->c, 2), 0);
	/* Without it, the vector before serves. */
	client_struck(&d->c, 1);
	ck_assert_int_eq(vfio_client_set_irqs(&d->c, 2, 1, NULL), 0);
	board_thread_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 0}");
	ck_assert_uint_eq(client_await(&d->c, 1), 1);
	/* All of them off: nothing strikes. */
	ck_assert_int_eq(
		vfio_client_ask(&d->c, VFIO_USER_DEVICE_SET_IRQS, &off, sizeof(off), NULL, 0), 0);
	board_thread_fault(e, "{\"fault\": \"aux-in\", \"line\": 1, \"level\": 1}");
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_AUX_IN), 2);
	for (uint32_t v = 0; v < 2; v++)
		ck_assert_uint_eq(client_struck(&d->c, v), 0);
	close(fd);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_client_can_strike_its_own_vectors)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	struct {
		struct vfio_irq_set set;
		uint8_t bools[3];
	} __attribute__((__packed__)) message = {
		.set = {.argsz = 23,
			.flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 3},
		.bools = {1, 0, 1},
	};

	for (uint32_t v = 0; v < 3; v++)
		client_struck(&d->c, v);
	ck_assert_int_eq(vfio_client_ask(&d->c, VFIO_USER_DEVICE_SET_IRQS, &message,
					 sizeof(message), NULL, 0),
			 0);
	ck_assert_uint_eq(client_struck(&d->c, 0), 1);
	ck_assert_uint_eq(client_struck(&d->c, 1), 0);
	ck_assert_uint_eq(client_struck(&d->c, 2), 1);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front vectors");
	TCase *tcase = tcase_create("vectors");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, vectors_strike_for_their_event_or_share_the_last, 1, 4);
	tcase_add_test(tcase, vectors_are_replaced_and_taken_away);
	tcase_add_test(tcase, a_client_can_strike_its_own_vectors);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
