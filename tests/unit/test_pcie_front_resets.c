// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Resets, sleep and machines that come and go: each is cause LINK, and whoever comes next finds the board as
 * after power-on.
 */
#include <linux/pci_regs.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "pcie_front_bench.h"

static void reset_by_message(struct vfio_client *c)
{
	ck_assert_int_eq(vfio_client_ask(c, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0), 0);
}

static void reset_by_function(struct vfio_client *c)
{
	const uint32_t at = client_capability(c, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	client_set_config(c, at, 2, client_config(c, at, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
}

static void reset_by_sleep(struct vfio_client *c)
{
	const uint32_t at = client_capability(c, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	client_set_config(c, at, 2, 1); /* D1 is not there */
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	ck_assert_uint_eq(client_get(c, ETALON_REG_STATE), ETALON_HW_STATE_EMITTING);
	client_set_config(c, at, 2, 3);
	ck_assert_uint_eq(client_config(c, at, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	ck_assert_uint_eq(client_get(c, ETALON_REG_STATE), UINT32_MAX); /* nobody answers */
	client_set_config(c, at, 2, 0);
}

START_TEST(resets_and_sleep_are_cause_link_and_go_back_to_power_on)
{
	static void (*const resets[])(struct vfio_client * c) = {reset_by_message,
								 reset_by_function, reset_by_sleep};
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = front_steps(10000);
	json_t *states;

	front_emit(d, 1000);
	pcie_driver_start(d, &p);
	resets[_i](&d->c);
	ck_assert_uint_eq(client_config(&d->c, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), UINT32_MAX);
	client_set_config(&d->c, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(client_get64(&d->c, ETALON_REG_RING_TABLE), 0);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	states = board_thread_log(e, "state");
	ck_assert_int_eq(front_log_number(states, 3, "cause"), ETALON_HW_CAUSE_LINK);
	json_decref(states);
	pcie_driver_set_ring(d, 4); /* and it works again */
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_client_that_vanishes_is_link_down_and_the_next_finds_power_on)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	const struct etalon_hw_program p = front_steps(10000);
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	json_t *lines;

	front_emit(d, 1000);
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	pcie_driver_unbind(d); /* in the middle of it: its memory goes, too */
	d = pcie_driver_bind(e, 16, 1);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	pcie_driver_start(d, &p);
	client_await(&d->c, 0);
	lines = board_thread_log(e, "disconnected");
	ck_assert_uint_eq(json_array_size(lines), 1);
	json_decref(lines);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

START_TEST(one_machine_at_a_time_the_next_one_waits)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client first, second = {.memfd = -1};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct vfio_user_version hello = {0, 0};
	uint8_t answer[4096];
	uint16_t id;

	client_boot(&first, e->path);
	second.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, e->path);
	ck_assert_int_eq(connect(second.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	id = vfio_client_send(&second, VFIO_USER_VERSION, 0, &hello, sizeof(hello), NULL, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(client_get(&first, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_int_lt(recv(second.fd, answer, 1, MSG_DONTWAIT), 0);
	vfio_client_close(&first);
	ck_assert_int_gt(vfio_client_answer(&second, id, VFIO_USER_VERSION, answer, sizeof(answer)),
			 0);
	for (size_t i = 0; i < CLIENT_VECTORS; i++)
		second.irq[i] = -1;
	vfio_client_close(&second);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_scripted_cable_is_surprise_removal)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);

	front_emit(d, 1000);
	board_thread_fault(e, "{\"fault\": \"cable\"}");
	ck_assert(vfio_client_hung_up(&d->c));
	pcie_driver_unbind(d);
	d = pcie_driver_bind(e, 16, 3);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front resets");
	TCase *tcase = tcase_create("resets");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, resets_and_sleep_are_cause_link_and_go_back_to_power_on, 0, 3);
	tcase_add_test(tcase, a_client_that_vanishes_is_link_down_and_the_next_finds_power_on);
	tcase_add_test(tcase, one_machine_at_a_time_the_next_one_waits);
	tcase_add_test(tcase, a_scripted_cable_is_surprise_removal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
