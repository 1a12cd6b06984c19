// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The guest's memory as the PCIe front end sees it: maps that go away under a ring, maps that no client should
 * send.
 */
#include <linux/vfio.h>

#include "pcie_front_bench.h"

#define HOST_PAGE 4096U

static void unmap_half(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, CLIENT_BASE + CLIENT_BYTES / 2, CLIENT_BYTES / 2, 0);
}

static void unmap_page_of_it(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, CLIENT_BASE + CLIENT_BYTES / 2 + HOST_PAGE, HOST_PAGE, 0);
}

static void unmap_all(struct pcie_driver *d)
{
	vfio_client_unmap(&d->c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

static void hide(struct pcie_driver *d)
{
	/* ROM over the ring: later maps hide earlier ones. */
	ck_assert_int_eq(vfio_client_map(&d->c, CLIENT_BASE + CLIENT_BYTES / 2, CLIENT_BYTES / 2,
					 VFIO_DMA_MAP_FLAG_READ, -1, 0),
			 0);
}

START_TEST(maps_removed_while_the_ring_is_in_use_end_program_and_light)
{
	static void (*const remove_maps[])(struct pcie_driver * d) = {unmap_half, unmap_page_of_it,
								      unmap_all, hide};
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = front_steps(50000);
	const uint64_t until = now_ns() + FRONT_PATIENCE_NS;
	json_t *aborts;

	front_emit(d, 1000);
	pcie_driver_start(d, &p);
	remove_maps[_i](d);
	while (client_get(&d->c, ETALON_REG_STATE) != ETALON_HW_STATE_TRIPPED) {
		pcie_driver_kick(d);
		if (_i != 2)
			pcie_driver_take(d, 128);
		ck_assert_uint_lt(now_ns(), until);
	}
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(client_get(&d->c, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	ck_assert_uint_eq(client_command(&d->c, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_DMA);
	aborts = board_thread_log(e, "dma-abort");
	ck_assert_uint_eq(json_array_size(aborts), 1);
	json_decref(aborts);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

/* A clean range, then something that no client should send: DMA_MAP is never refused. */
START_TEST(no_map_is_refused_and_none_gives_more_than_it_holds)
{
	static const struct {
		uint64_t address, size, offset;
		uint32_t flags;
		bool fd;
		const char *what;
	} maps[] = {
		{0x200000000, 0, 0, 3, true, "nothing"},
		{0x200000000, 0x10000000, 0, 3, true, "more than the file"},
		{0x200000000, 0x1000, 0x10000000, 3, true, "behind the file's end"},
		{0x200000000, 0x1000, UINT64_MAX - 0xfff, 3, true, "an offset that wraps"},
		{UINT64_MAX - 0xfff, 0x2000, 0, 3, true, "addresses that wrap"},
		{0x200000000, UINT64_MAX, 0, 3, true, "all there is"},
		{0x200000000, 0x1000, 0, 0, true, "no use allowed"},
		{0x200000000, 0x1000, 0, 1, true, "read only"},
		{0x200000000, 0x1000, 0, 3, false, "no descriptor"},
	};
	struct board_thread *e =
		board_thread_start(&(struct board_thread_options){.front = BOARD_THREAD_PCIE});
	struct pcie_driver *d = pcie_driver_bind(e, 16, 3);
	const struct etalon_hw_program p = front_steps(10);
	const uint32_t nothing = 0;

	pcie_driver_load(d, &p);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		ck_assert_msg(vfio_client_map(&d->c, maps[i].address, maps[i].size, maps[i].flags,
					      maps[i].fd ? d->c.memfd : -1, maps[i].offset) == 0,
			      "%s", maps[i].what);
		client_put64(&d->c, ETALON_REG_CONTROL_BLOCK, 0x200000000);
		ck_assert_msg(client_command(&d->c, ETALON_HW_COMMAND_START) ==
				      ETALON_HW_REFUSED_DMA,
			      "%s", maps[i].what);
		ck_assert_int_eq(vfio_client_unmap(&d->c, 0x200000000, 0x1000, 0), 0);
	}
	/* Even a message that is none. */
	ck_assert_int_eq(
		vfio_client_ask(&d->c, VFIO_USER_DMA_MAP, &nothing, sizeof(nothing), NULL, 0), 0);
	pcie_driver_set_ring(d, 16);
	pcie_driver_start(d, &p);
	front_finish(d, 128);
	pcie_driver_unbind(d);
	board_thread_stop(e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie front memory");
	TCase *tcase = tcase_create("memory");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, maps_removed_while_the_ring_is_in_use_end_program_and_light, 0,
			    4);
	tcase_add_test(tcase, no_map_is_refused_and_none_gives_more_than_it_holds);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
