// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Clients that talk nonsense to the PCIe front end, or do not listen: refused or hung up on, without harm to
 * the board or to the next one.
 */
#include <linux/vfio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "emulator/pci_front.h"
#include "pcie_front_bench.h"

struct bad_message {
	const char *what;
	uint16_t command;
	size_t size;
	uint32_t words[12];
	int error;
};

static const struct bad_message bad[] = {
	{"VERSION again", VFIO_USER_VERSION, 4, {0}, EINVAL},
	{"short GET_INFO", VFIO_USER_DEVICE_GET_INFO, 8, {16}, EINVAL},
	{"short GET_REGION_INFO", VFIO_USER_DEVICE_GET_REGION_INFO, 16, {32}, EINVAL},
	{"region that is not there", VFIO_USER_DEVICE_GET_REGION_INFO, 32, {32, 0, 9}, EINVAL},
	{"GET_REGION_IO_FDS", VFIO_USER_DEVICE_GET_REGION_IO_FDS, 16, {16}, ENOTSUP},
	{"short GET_IRQ_INFO", VFIO_USER_DEVICE_GET_IRQ_INFO, 12, {16}, EINVAL},
	{"interrupt that is not there", VFIO_USER_DEVICE_GET_IRQ_INFO, 16, {16, 0, 5}, EINVAL},
	{"short SET_IRQS", VFIO_USER_DEVICE_SET_IRQS, 16, {20, 0x24, 2}, EINVAL},
	{"SET_IRQS of no index", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x21, 77, 0, 0}, EINVAL},
	{"INTx, which is not there", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 0, 0, 1}, EINVAL},
	{"vectors beyond the last", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, 2, 2}, EINVAL},
	{"vectors that wrap", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, 1, UINT32_MAX}, EINVAL},
	{"start far away", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x24, 2, UINT32_MAX, 1}, EINVAL},
	{"masking", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x09, 2, 0, 1}, EINVAL},
	{"two kinds of data", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x26, 2, 0, 1}, EINVAL},
	{"no action", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x04, 2, 0, 1}, EINVAL},
	{"flags that are missing", VFIO_USER_DEVICE_SET_IRQS, 20, {20, 0x22, 2, 0, 3}, EINVAL},
	{"short REGION_READ", VFIO_USER_REGION_READ, 12, {0, 0, 7}, EINVAL},
	{"read beyond the end", VFIO_USER_REGION_READ, 16, {0x1000, 0, 7, 1}, EINVAL},
	{"read across the end", VFIO_USER_REGION_READ, 16, {0xffe, 0, 7, 4}, EINVAL},
	{"read that wraps", VFIO_USER_REGION_READ, 16, {~0U, ~0U, 0, 4}, EINVAL},
	{"read of too much", VFIO_USER_REGION_READ, 16, {0, 0, 0, UINT32_MAX}, EINVAL},
	{"read of no region", VFIO_USER_REGION_READ, 16, {0, 0, 1000, 4}, EINVAL},
	{"read of an absent region", VFIO_USER_REGION_READ, 16, {0, 0, 1, 4}, EINVAL},
	{"write without data", VFIO_USER_REGION_WRITE, 16, {4, 0, 7, 4}, EINVAL},
	{"write with too much data", VFIO_USER_REGION_WRITE, 24, {4, 0, 7, 4}, EINVAL},
	{"write beyond the end", VFIO_USER_REGION_WRITE, 20, {0xffd, 0, 7, 4}, EINVAL},
	{"short DMA_UNMAP", VFIO_USER_DMA_UNMAP, 16, {24}, EINVAL},
	{"a command of the server", 11, 16, {0}, ENOTSUP},
	{"migration", 17, 16, {0}, ENOTSUP},
	{"no command", 0, 0, {0}, ENOTSUP},
	{"unknown command", 999, 32, {0}, ENOTSUP},
};

START_TEST(messages_that_make_no_sense_are_refused_and_do_no_harm)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client c;
	uint8_t answer[256];

	client_boot(&c, e->path);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const int r = vfio_client_ask(&c, bad[i].command, bad[i].words, bad[i].size, answer,
					      sizeof(answer));

		ck_assert_msg(r == -bad[i].error, "%s: %d", bad[i].what, r);
		if (bad[i].command == VFIO_USER_VERSION) {
			ck_assert(vfio_client_hung_up(&c));
			vfio_client_close(&c);
			client_boot(&c, e->path);
		}
		ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	}
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

static const struct {
	const char *what;
	bool greeted;
	struct vfio_user_header head;
	uint16_t version[2];
} fatal[] = {
	{"shorter than its header", true, {1, VFIO_USER_REGION_READ, 15, 0, 0}, {0}},
	{"no size", true, {1, VFIO_USER_REGION_READ, 0, 0, 0}, {0}},
	{"too long", true, {1, VFIO_USER_REGION_WRITE, UINT32_MAX, 0, 0}, {0}},
	{"an answer", true, {1, VFIO_USER_REGION_READ, 16, VFIO_USER_TYPE_REPLY, 0}, {0}},
	{"not VERSION first", false, {1, VFIO_USER_DEVICE_GET_INFO, 16, 0, 0}, {0}},
	{"another major", false, {1, VFIO_USER_VERSION, 20, 0, 0}, {1, 0}},
	{"VERSION without one", false, {1, VFIO_USER_VERSION, 16, 0, 0}, {0}},
};

START_TEST(what_cannot_be_a_message_ends_the_connection)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client c = {0};
	struct {
		struct vfio_user_header head;
		uint16_t version[2];
	} message = {fatal[_i].head, {fatal[_i].version[0], fatal[_i].version[1]}};
	const bool whole = fatal[_i].head.size == sizeof(message);

	if (fatal[_i].greeted) {
		client_boot(&c, e->path);
	} else {
		struct sockaddr_un address = {.sun_family = AF_UNIX};

		c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, e->path);
		ck_assert_int_eq(connect(c.fd, (const struct sockaddr *)&address, sizeof(address)),
				 0);
	}
	ck_assert_int_eq(write_all(c.fd, &message, whole ? sizeof(message) : sizeof(message.head)),
			 0);
	ck_assert_msg(vfio_client_hung_up(&c), "%s", fatal[_i].what);
	if (fatal[_i].greeted)
		vfio_client_close(&c);
	else
		close(c.fd);
	client_boot(&c, e->path); /* the next one is welcome */
	ck_assert_uint_eq(client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

START_TEST(descriptors_nobody_asked_for_are_closed)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct vfio_client c;
	int ends[2], fds[8];
	uint8_t byte;

	client_boot(&c, e->path);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ends[1];
	for (int i = 0; i < 300; i++) {
		const uint16_t id = vfio_client_send(&c, VFIO_USER_DEVICE_RESET, 0, NULL, 0, fds,
						     ARRAY_SIZE(fds));

		ck_assert_int_eq(vfio_client_answer(&c, id, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	}
	/* No event descriptors: refused, not kept. */
	ck_assert_int_eq(vfio_client_set_irqs(&c, 0, 3, fds), -EINVAL);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0); /* the last writer is gone */
	close(ends[0]);
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

/* Asks for a megabyte and again and does not read: the board goes on, and is free when it leaves. */
START_TEST(a_client_that_does_not_read_cannot_hold_the_board_up)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	const struct vfio_user_region_access access = {0, VFIO_PCI_BAR0_REGION_INDEX,
						       ETALON_REG_SPACE};
	struct vfio_client c;

	client_boot(&c, e->path);
	for (int i = 0; i < 50; i++)
		vfio_client_send(&c, VFIO_USER_REGION_READ, 0, &access, sizeof(access), NULL, 0);
	board_thread_fault(e,
			   "{\"fault\": \"aux-in\", \"line\": 0, \"level\": 1}"); /* it is alive */
	vfio_client_close(&c);
	client_boot(&c, e->path);
	ck_assert_uint_eq(client_get(&c, ETALON_REG_AUX_IN), 1);
	vfio_client_close(&c);
	board_thread_stop(e);
}
END_TEST

START_TEST(a_socket_that_is_in_use_is_not_taken)
{
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	const struct pci_front_config config = {.path = e->path};
	struct pci_front *front = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(pci_front_new(&config, &front, &message), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(message, "another --pcie"));
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front nonsense");
	TCase *tcase = tcase_create("nonsense");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, messages_that_make_no_sense_are_refused_and_do_no_harm);
	tcase_add_loop_test(tcase, what_cannot_be_a_message_ends_the_connection, 0,
			    ARRAY_SIZE(fatal));
	tcase_add_test(tcase, descriptors_nobody_asked_for_are_closed);
	tcase_add_test(tcase, a_client_that_does_not_read_cannot_hold_the_board_up);
	tcase_add_test(tcase, a_socket_that_is_in_use_is_not_taken);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
