// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records through a ring of real pages: by pread() and by the mapping, around its end, when it is
 * full, and when the board's numbers cannot be.
 */
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "fake_board.h"

#define PIECE 16 /* records */

struct rig {
	struct fake_board *fake;
	struct file *control;
	struct file *capture;
	u64 capacity;
	u8 *buffer; /* of PIECE records */
};

static struct rig running(struct kunit *test)
{
	struct rig rig = {.fake = fake_board_create(test)};

	fake_board_register(rig.fake);
	rig.control = fake_open(rig.fake, O_RDWR);
	rig.capture = fake_open(rig.fake, O_RDONLY);
	fake_start_program(rig.fake, rig.control, 1000000);
	rig.capacity = rig.fake->board->ring.capacity;
	rig.buffer = kunit_kzalloc(test, PIECE * FAKE_STRIDE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rig.buffer);
	return rig;
}

static void end(struct rig *rig)
{
	fake_close(rig->control);
	fake_close(rig->capture);
}

static long release(struct rig *rig, u64 sequence)
{
	return fake_release(rig->fake, rig->capture, sequence);
}

/* Of any place and length. */
static ssize_t read_bytes(struct rig *rig, u64 position, size_t bytes)
{
	return fake_pread(rig->fake, rig->capture, rig->buffer, bytes, (loff_t)position);
}

static ssize_t read_records(struct rig *rig, u64 first, unsigned int count)
{
	return read_bytes(rig, first * FAKE_STRIDE, count * FAKE_STRIDE);
}

static void expect_records(struct kunit *test, const struct rig *rig, u64 first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct etalon_hw_record *record =
			(const void *)(rig->buffer + i * FAKE_STRIDE);

		KUNIT_EXPECT_EQ(test, record->magic, ETALON_HW_RECORD_MAGIC);
		KUNIT_EXPECT_EQ(test, record->sequence, first + i);
	}
}

/* Gives back all but the last `keep` records, one piece after the other. */
static void produce_and_release(struct kunit *test, struct rig *rig, u64 count, u64 keep)
{
	struct fake_board *fake = rig->fake;

	while (count) {
		const unsigned int piece = (unsigned int)min_t(u64, count, PIECE);

		fake_produce(fake, piece);
		count -= piece;
		KUNIT_ASSERT_EQ(test, release(rig, fake->progress.producer - keep), 0);
	}
}

static void records_wait_until_they_are_released(struct kunit *test)
{
	struct rig rig = running(test);

	KUNIT_EXPECT_EQ(test, read_records(&rig, 0, 4), 0); /* to come */
	fake_produce(rig.fake, 3);
	KUNIT_EXPECT_TRUE(test, fake_poll(rig.capture, EPOLLIN));
	KUNIT_EXPECT_EQ(test, read_records(&rig, 0, 4), 3 * FAKE_STRIDE);
	expect_records(test, &rig, 0, 3);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 0, 4), 3 * FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, rig.fake->consumer, 0);
	KUNIT_EXPECT_EQ(test, release(&rig, 2), 0);
	KUNIT_EXPECT_EQ(test, rig.fake->consumer, 2);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 1, 1), -EPIPE);
	KUNIT_EXPECT_EQ(test, release(&rig, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, release(&rig, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, read_bytes(&rig, 2 * FAKE_STRIDE + 8, FAKE_STRIDE), -EINVAL);
	KUNIT_EXPECT_EQ(test, read_bytes(&rig, 2 * FAKE_STRIDE, FAKE_STRIDE - 1), -EINVAL);
	end(&rig);
}

static void records_go_around_the_end_of_the_ring(struct kunit *test)
{
	struct rig rig = running(test);
	const u64 first = rig.capacity - PIECE / 2;

	produce_and_release(test, &rig, first, 0);
	rig.fake->synced_bytes = 0;
	fake_produce(rig.fake, PIECE);
	KUNIT_EXPECT_EQ(test, rig.fake->synced_bytes, PIECE * FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, read_records(&rig, first, PIECE), PIECE * FAKE_STRIDE);
	expect_records(test, &rig, first, PIECE);
	end(&rig);
}

static void want_says_when_poll_wakes(struct kunit *test)
{
	struct rig rig = running(test);
	struct etalon_sequence want = {.size = sizeof(want), .sequence = 4};
	struct etalon_status status = {.size = sizeof(status)};
	long ret = fake_call(rig.fake, rig.capture, ETALON_IOC_WANT, &want, sizeof(want));

	KUNIT_EXPECT_EQ(test, ret, 0);
	fake_produce(rig.fake, 4);
	/* Takes note of all events. */
	ret = fake_call(rig.fake, rig.capture, ETALON_IOC_STATUS, &status, sizeof(status));
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, vfs_poll(rig.capture, NULL), 0);
	fake_produce(rig.fake, 1);
	KUNIT_EXPECT_EQ(test, vfs_poll(rig.capture, NULL), EPOLLIN | EPOLLRDNORM);
	end(&rig);
}

struct wakes {
	struct wait_queue_entry entry;
	unsigned int count;
};

static int count_wake(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	container_of(entry, struct wakes, entry)->count++;
	return 0;
}

/* END has no place before something is released; the board says nothing of it any more. */
static void a_full_ring_gets_its_end_with_the_next_release(struct kunit *test)
{
	struct rig rig = running(test);
	struct etalon_board *board = rig.fake->board;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;
	const u64 full = rig.capacity;
	struct wakes wakes = {};

	/* At the start all is released, and one gap of any length may follow: not here. */
	fake_produce(rig.fake, 1);
	while (rig.fake->progress.producer < full)
		fake_produce(rig.fake, min_t(u64, PIECE, full - rig.fake->progress.producer));
	get_device(&board->dev);
	fake_board_remove(rig.fake);
	KUNIT_EXPECT_EQ(test, board->memory.status->producer, full);
	KUNIT_EXPECT_EQ(test, board->memory.status->gone, 0);
	board->ops = NULL; /* of a module that may be unloaded by now */
	init_waitqueue_func_entry(&wakes.entry, count_wake);
	add_wait_queue(&board->wait, &wakes.entry);
	KUNIT_EXPECT_EQ(test, release(&rig, 1), 0);
	remove_wait_queue(&board->wait, &wakes.entry);
	KUNIT_EXPECT_EQ(test, wakes.count, 1); /* whoever else waits sees END, too */
	KUNIT_EXPECT_EQ(test, board->memory.status->producer, full + 1);
	KUNIT_EXPECT_EQ(test, board->memory.status->gone, 1);
	KUNIT_EXPECT_EQ(test, read_records(&rig, full, 1), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->produced, full);
	end(&rig);
	put_device(&board->dev);
}

/* What ends the program in the board's place comes after all that the board still writes. */
static void records_on_their_way_keep_their_places(struct kunit *test)
{
	struct rig rig = running(test);
	struct etalon_board *board = rig.fake->board;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;

	fake_produce(rig.fake, 3);
	rig.fake->points_on_their_way = 2;
	get_device(&board->dev);
	fake_board_remove(rig.fake);
	KUNIT_EXPECT_EQ(test, board->memory.status->producer, 6);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 0, 5), 5 * FAKE_STRIDE);
	expect_records(test, &rig, 0, 5);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 5, 1), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->flags, ETALON_HW_END_FLAG_HOST);
	KUNIT_EXPECT_EQ(test, end_record->produced, 5);
	end(&rig);
	put_device(&board->dev);
}

static void the_boards_own_end_is_waited_for(struct kunit *test)
{
	struct rig rig = running(test);
	struct etalon_board *board = rig.fake->board;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;

	fake_produce(rig.fake, 3);
	rig.fake->looks_until_end = 5;
	get_device(&board->dev);
	fake_board_remove(rig.fake);
	KUNIT_EXPECT_EQ(test, board->memory.status->producer, 4);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 3, 1), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->flags, 0);
	end(&rig);
	put_device(&board->dev);
}

static void a_number_that_cannot_be_ends_the_program(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;

	fake_produce(fake, 2);
	fake->progress.producer += rig.capacity;
	etalon_board_progress(fake->board);
	KUNIT_EXPECT_EQ(test, fake->commands[ETALON_HW_COMMAND_HALT], 1);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 2, PIECE), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->cause, ETALON_HW_END_FAULT);
	fake->progress.producer = 5; /* possible, and not believed */
	etalon_board_progress(fake->board);
	KUNIT_EXPECT_EQ(test, fake->board->ring.producer, 3);
	KUNIT_EXPECT_EQ(test, fake->commands[ETALON_HW_COMMAND_HALT], 1);
	end(&rig);
}

/* It was told to halt, and goes on: nothing of it comes where END is. */
static void a_board_that_is_not_believed_writes_no_more(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;

	fake_produce(fake, 2);
	fake->points_on_their_way = 2;
	fake->progress.producer += rig.capacity; /* places come around: that of END is the next */
	etalon_board_progress(fake->board);
	KUNIT_EXPECT_TRUE(test, fake->quiet);
	fake->points_on_their_way = 2;
	etalon_board_suspend(fake->board, ETALON_CAUSE_SUSPEND); /* quiet once more */
	KUNIT_EXPECT_EQ(test, read_records(&rig, 2, 1), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->head.sequence, 2);
	KUNIT_EXPECT_EQ(test, end_record->flags, ETALON_HW_END_FLAG_HOST);
	end(&rig);
}

/* Its link goes before it could say END. */
static void shutdown_halts_the_board_and_says_its_end(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;
	const struct etalon_hw_record_end *end_record = (const void *)rig.buffer;

	fake_produce(fake, 2);
	etalon_board_suspend(fake->board, ETALON_CAUSE_SHUTDOWN);
	KUNIT_EXPECT_EQ(test, fake->commands[ETALON_HW_COMMAND_HALT], 1);
	KUNIT_EXPECT_TRUE(test, fake->quiet);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 2, 1), FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, end_record->head.type, ETALON_HW_RECORD_END);
	KUNIT_EXPECT_EQ(test, end_record->cause, ETALON_HW_END_TRIPPED);
	KUNIT_EXPECT_EQ(test, end_record->causes, ETALON_HW_CAUSE_LINK);
	KUNIT_EXPECT_EQ(test, end_record->flags, ETALON_HW_END_FLAG_HOST);
	end(&rig);
}

/* The board may write around END again, and the memory may not be the same for both. */
static void end_is_written_between_sync_and_give(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;

	fake_produce(fake, 2);
	KUNIT_EXPECT_EQ(test, fake->given.bytes, 0); /* reading gives nothing back */
	etalon_board_suspend(fake->board, ETALON_CAUSE_SUSPEND);
	KUNIT_EXPECT_EQ(test, fake->synced.offset, 2 * FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, fake->synced.bytes, FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, fake->given.offset, 2 * FAKE_STRIDE);
	KUNIT_EXPECT_EQ(test, fake->given.bytes, FAKE_STRIDE);
	KUNIT_EXPECT_TRUE(test, fake->given_end);
	end(&rig);
}

/* Whoever opens it gets a board that works, or none. */
static void a_board_that_does_not_begin_anew_is_not_opened(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;
	const int number = fake->board->number;

	fake->progress.producer = U64_MAX;
	etalon_board_progress(fake->board);
	fake->answer_ready = -EBUSY; /* its program runs on */
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), -EIO);
	KUNIT_EXPECT_TRUE(test, fake->quiet);
	KUNIT_EXPECT_TRUE(test, fake->board->distrusted);
	fake->answer_ready = 0;
	fake->safety.state = ETALON_HW_STATE_TRIPPED + 1;
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), -EIO);
	KUNIT_EXPECT_TRUE(test, fake->quiet);
	fake->safety.state = ETALON_HW_STATE_OFF;
	KUNIT_EXPECT_EQ(test, fake_try_open(number, O_RDWR), 0);
	KUNIT_EXPECT_FALSE(test, fake->quiet);
	end(&rig);
}

static void a_new_program_is_believed_again(struct kunit *test)
{
	struct rig rig = running(test);
	struct fake_board *fake = rig.fake;

	fake_produce(fake, 1); /* the last that is believed: it runs */
	fake->progress.producer = U64_MAX;
	etalon_board_progress(fake->board);
	KUNIT_EXPECT_TRUE(test, fake->board->distrusted);
	KUNIT_EXPECT_EQ(test, release(&rig, 2), 0);
	fake_close(rig.control);
	rig.control = fake_open(fake, O_RDWR);
	fake->progress = (struct etalon_progress){.producer = 2};
	fake_start_program(fake, rig.control, 10);
	KUNIT_EXPECT_FALSE(test, fake->board->distrusted);
	fake_produce(fake, 2);
	KUNIT_EXPECT_EQ(test, read_records(&rig, 2, PIECE), 2 * FAKE_STRIDE);
	expect_records(test, &rig, 2, 2);
	end(&rig);
}

static void mappings_are_read_only_and_within_the_ring(struct kunit *test)
{
	struct rig rig = running(test);
	const u64 bytes = (u64)rig.fake->board->memory.page_count << PAGE_SHIFT;
	const struct {
		unsigned long length, protection, flags, offset;
		long error;
	} refused[] = {
		{PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ETALON_DATA_OFFSET, -EACCES},
		{PAGE_SIZE, PROT_READ, MAP_PRIVATE, ETALON_DATA_OFFSET, -EINVAL},
		{PAGE_SIZE, PROT_READ, MAP_SHARED, ETALON_DATA_OFFSET + bytes, -EINVAL},
		{bytes + PAGE_SIZE, PROT_READ, MAP_SHARED, ETALON_DATA_OFFSET, -EINVAL},
		{2 * PAGE_SIZE, PROT_READ, MAP_SHARED, ETALON_STATUS_OFFSET, -EINVAL},
		{PAGE_SIZE, PROT_READ, MAP_SHARED, ETALON_STATUS_OFFSET + PAGE_SIZE, -EINVAL},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    (long)kunit_vm_mmap(test, rig.capture, 0, refused[i].length,
							refused[i].protection, refused[i].flags,
							refused[i].offset),
				    refused[i].error, "case %u", i);
	end(&rig);
}

static struct kunit_case cases[] = {KUNIT_CASE(records_wait_until_they_are_released),
				    KUNIT_CASE(records_go_around_the_end_of_the_ring),
				    KUNIT_CASE(want_says_when_poll_wakes),
				    KUNIT_CASE(a_full_ring_gets_its_end_with_the_next_release),
				    KUNIT_CASE(records_on_their_way_keep_their_places),
				    KUNIT_CASE(the_boards_own_end_is_waited_for),
				    KUNIT_CASE(a_number_that_cannot_be_ends_the_program),
				    KUNIT_CASE(a_board_that_is_not_believed_writes_no_more),
				    KUNIT_CASE(shutdown_halts_the_board_and_says_its_end),
				    KUNIT_CASE(end_is_written_between_sync_and_give),
				    KUNIT_CASE(a_board_that_does_not_begin_anew_is_not_opened),
				    KUNIT_CASE(a_new_program_is_believed_again),
				    KUNIT_CASE(mappings_are_read_only_and_within_the_ring),
				    {}};

struct kunit_suite etalon_records_suite = {
	.name = "etalon_records",
	.test_cases = cases,
};
