// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who keeps what alive: boards, nodes, open files, mappings, and the pages of the ring.
 */
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "fake_board.h"

/* Watched by a reference of ours: it is the last one when the ring was given back. */
static struct page *watch_ring(struct fake_board *fake)
{
	struct page *page = fake->board->memory.pages[0];

	get_page(page);
	return page;
}

static void expect_given_back(struct kunit *test, struct page *page)
{
	KUNIT_EXPECT_TRUE_MSG(test, fake_page_is_ours_alone(page), "the ring is still held");
	put_page(page);
}

static void board_never_registered_leaves_nothing(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct page *page = watch_ring(fake);

	KUNIT_EXPECT_EQ(test, page_count(page), 2);
	fake_board_remove(fake);
	expect_given_back(test, page);
}

static void node_comes_and_goes_with_the_board(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	int number;

	fake_board_register(fake);
	number = fake->board->number;
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), 0);
	fake_board_remove(fake);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), -ENOENT);
}

static void boards_have_numbers_of_their_own(struct kunit *test)
{
	struct fake_board *first = fake_board_create(test), *second = fake_board_create(test);
	int number;

	fake_board_register(first);
	fake_board_register(second);
	number = first->board->number;
	KUNIT_EXPECT_NE(test, number, second->board->number);
	fake_board_remove(first);
	KUNIT_EXPECT_EQ(test, fake_try_open(second->board->number, O_RDONLY), 0);
	first = fake_board_create(test);
	fake_board_register(first);
	KUNIT_EXPECT_EQ(test, first->board->number, number);
}

static void each_fd_is_one(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct file *control, *capture;
	int number;

	fake_board_register(fake);
	number = fake->board->number;
	control = fake_open(fake, O_RDWR);
	capture = fake_open(fake, O_RDONLY);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDONLY), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_WRONLY), -EINVAL);
	fake_close(control);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), 0);
	fake_close(capture);
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDONLY), 0);
}

static void open_files_outlive_the_board(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct page *page = watch_ring(fake);
	struct etalon_info info = {.size = sizeof(info)};
	struct file *control, *capture;

	fake_board_register(fake);
	control = fake_open(fake, O_RDWR);
	capture = fake_open(fake, O_RDONLY);
	fake_board_remove(fake);
	KUNIT_EXPECT_TRUE(test, fake_poll(control, EPOLLHUP));
	KUNIT_EXPECT_TRUE(test, fake_poll(capture, EPOLLHUP));
	KUNIT_EXPECT_EQ(test, fake_call(fake, control, ETALON_IOC_OFF, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_call(fake, control, ETALON_IOC_KICK, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_call(fake, capture, ETALON_IOC_INFO, &info, sizeof(info)),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, fake_release(fake, capture, 0), 0);
	fake_close(control);
	KUNIT_EXPECT_GT(test, page_count(page), 1);
	fake_close(capture);
	expect_given_back(test, page);
}

/* The mapping alone: board removed, file closed. */
static void mapping_outlives_board_and_file(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct page *page = watch_ring(fake);
	struct file *control, *capture;
	struct etalon_hw_record_end end;
	struct etalon_ring_status status;
	unsigned long at, ring;
	u64 bytes;

	fake_board_register(fake);
	control = fake_open(fake, O_RDWR);
	capture = fake_open(fake, O_RDONLY);
	bytes = (u64)fake->board->memory.page_count << PAGE_SHIFT;
	at = kunit_vm_mmap(test, capture, 0, PAGE_SIZE, PROT_READ, MAP_SHARED,
			   ETALON_STATUS_OFFSET);
	ring = kunit_vm_mmap(test, capture, 0, bytes, PROT_READ, MAP_SHARED, ETALON_DATA_OFFSET);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at) || IS_ERR_VALUE(ring));
	KUNIT_EXPECT_EQ(test, page_count(page), 3); /* ring, mapping, ours */
	fake_start_program(fake, control, 100);
	fake_produce(fake, 3);
	fake_close(control);
	fake_close(capture);
	fake_board_remove(fake);

	KUNIT_ASSERT_EQ(test, copy_from_user(&status, (void __user *)at, sizeof(status)), 0);
	KUNIT_EXPECT_EQ(test, status.magic, ETALON_RING_STATUS_MAGIC);
	KUNIT_EXPECT_EQ(test, status.producer, 4); /* three points, and END */
	KUNIT_EXPECT_EQ(test, status.gone, 1);
	KUNIT_ASSERT_EQ(test,
			copy_from_user(&end, (void __user *)(ring + 3 * FAKE_STRIDE), sizeof(end)),
			0);
	KUNIT_EXPECT_EQ(test, end.head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end.head.sequence, 3);
	KUNIT_EXPECT_EQ(test, end.produced, 3);
	KUNIT_EXPECT_EQ(test, end.causes, ETALON_HW_CAUSE_LINK);
	KUNIT_EXPECT_EQ(test, vm_munmap(ring, bytes), 0);
	KUNIT_EXPECT_GT(test, page_count(page), 1); /* the status page is mapped still */
	KUNIT_EXPECT_EQ(test, vm_munmap(at, PAGE_SIZE), 0);
	expect_given_back(test, page);
}

static void board_that_does_not_answer_is_gone(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct etalon_clock clock = {.size = sizeof(clock)};
	struct file *capture;

	fake_board_register(fake);
	capture = fake_open(fake, O_RDONLY);
	fake->answer = -ENODEV;
	KUNIT_EXPECT_EQ(test, fake_call(fake, capture, ETALON_IOC_CLOCK, &clock, sizeof(clock)),
			-ENODEV);
	KUNIT_EXPECT_TRUE(test, fake_poll(capture, EPOLLHUP));
	KUNIT_EXPECT_EQ(test, fake_try_open(fake->board->number, O_RDWR), -ENODEV);
	fake_board_remove(fake);
	KUNIT_EXPECT_EQ(test, fake->commands[ETALON_HW_COMMAND_HALT], 0); /* to nobody */
	fake_close(capture);
}

static struct kunit_case cases[] = {KUNIT_CASE(board_never_registered_leaves_nothing),
				    KUNIT_CASE(node_comes_and_goes_with_the_board),
				    KUNIT_CASE(boards_have_numbers_of_their_own),
				    KUNIT_CASE(each_fd_is_one),
				    KUNIT_CASE(open_files_outlive_the_board),
				    KUNIT_CASE(mapping_outlives_board_and_file),
				    KUNIT_CASE(board_that_does_not_answer_is_gone),
				    {}};

struct kunit_suite etalon_lifetime_suite = {
	.name = "etalon_lifetime",
	.test_cases = cases,
};
