// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Light: who may ask for it, and everything that ends it. What the board was told is counted, and
 * each end says HALT once.
 */
#include <linux/delay.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "fake_board.h"

#define LONG_NS NSEC_PER_SEC

struct rig {
	struct fake_board *fake;
	struct file *control;
};

static struct rig armed(struct kunit *test, u64 period_ns)
{
	struct rig rig = {.fake = fake_board_create(test)};

	fake_board_register(rig.fake);
	rig.control = fake_open(rig.fake, O_RDWR);
	fake_arm(rig.fake, rig.control, period_ns);
	KUNIT_ASSERT_TRUE(test, rig.fake->board->armed);
	return rig;
}

static long ask(struct rig *rig, unsigned int command)
{
	return fake_call(rig->fake, rig->control, command, NULL, 0);
}

static long ask_for_arm(struct rig *rig, struct etalon_command *arm)
{
	return fake_call(rig->fake, rig->control, ETALON_IOC_ARM, arm, sizeof(*arm));
}

static void expect_halted(struct kunit *test, const struct rig *rig, unsigned int times)
{
	KUNIT_EXPECT_EQ(test, rig->fake->commands[ETALON_HW_COMMAND_HALT], times);
}

/* Control is lost, and free for the next at once. */
static void expect_revoked(struct kunit *test, struct rig *rig)
{
	KUNIT_EXPECT_TRUE(test, fake_poll(rig->control, EPOLLHUP));
	KUNIT_EXPECT_EQ(test, ask(rig, ETALON_IOC_KICK), -ESTALE);
	KUNIT_EXPECT_EQ(test, ask(rig, ETALON_IOC_OFF), -ESTALE);
	KUNIT_EXPECT_FALSE(test, rig->fake->board->armed);
	KUNIT_EXPECT_EQ(test, fake_try_open(rig->fake->board->number, O_RDWR), 0);
}

static void arm_needs_limits_and_a_period(struct kunit *test)
{
	struct rig rig = {.fake = fake_board_create(test)};
	struct etalon_command arm = {.size = sizeof(arm), .period_ns = LONG_NS};

	fake_board_register(rig.fake);
	rig.control = fake_open(rig.fake, O_RDWR);
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), -EACCES);
	KUNIT_EXPECT_EQ(test, ask_for_arm(&rig, &arm), -EACCES);
	KUNIT_EXPECT_EQ(test, arm.refusal.result, ETALON_HW_REFUSED_LIMITS_UNWRITTEN);
	fake_write_limits(rig.fake, rig.control);
	arm.period_ns = 0;
	KUNIT_EXPECT_EQ(test, ask_for_arm(&rig, &arm), -ERANGE);
	KUNIT_EXPECT_EQ(test, arm.refusal.low, FAKE_WATCHDOG_MIN_NS);
	KUNIT_EXPECT_EQ(test, rig.fake->commands[ETALON_HW_COMMAND_ARM], 0);
	fake_close(rig.control);
}

static void kicks_are_passed_on_and_none_is_made_up(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	msleep(50);
	KUNIT_EXPECT_EQ(test, rig.fake->kicks, 0);
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), 0);
	KUNIT_EXPECT_EQ(test, rig.fake->kicks, 1);
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_OFF), 0);
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), -EACCES);
	KUNIT_EXPECT_EQ(test, rig.fake->kicks, 1);
	fake_close(rig.control);
}

static void silence_ends_light_and_control(struct kunit *test)
{
	struct rig rig = armed(test, FAKE_WATCHDOG_MIN_NS);

	KUNIT_EXPECT_TRUE(test, fake_poll(rig.control, EPOLLHUP));
	expect_halted(test, &rig, 1);
	expect_revoked(test, &rig);
	fake_close(rig.control);
}

/* The board's own watchdog was first. */
static void expiry_on_the_board_ends_control(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	rig.fake->safety.state = ETALON_HW_STATE_TRIPPED;
	rig.fake->safety.last_off_cause = ETALON_HW_CAUSE_WATCHDOG;
	rig.fake->progress.state = ETALON_HW_STATE_TRIPPED;
	etalon_board_progress(rig.fake->board);
	KUNIT_EXPECT_TRUE(test, fake_poll(rig.control, EPOLLHUP));
	expect_revoked(test, &rig);
	fake_close(rig.control);
}

static void close_ends_light_before_it_returns(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	fake_close(rig.control);
	expect_halted(test, &rig, 1);
	KUNIT_EXPECT_EQ(test, rig.fake->safety.state, ETALON_HW_STATE_OFF);
	KUNIT_EXPECT_FALSE(test, rig.fake->board->armed);
}

static long ask_for_clock(struct rig *rig, struct file *capture)
{
	struct etalon_clock clock = {.size = sizeof(clock)};

	return fake_call(rig->fake, capture, ETALON_IOC_CLOCK, &clock, sizeof(clock));
}

static void suspend_ends_light_and_resume_begins_anew(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);
	struct etalon_board *board = rig.fake->board;
	const u64 epoch = board->epoch;
	struct file *capture = fake_open(rig.fake, O_RDONLY);

	etalon_board_suspend(board, ETALON_CAUSE_SUSPEND);
	expect_halted(test, &rig, 1);
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), -ESTALE);
	KUNIT_EXPECT_EQ(test, ask_for_clock(&rig, capture), -EAGAIN);
	etalon_board_resume(board);
	KUNIT_EXPECT_EQ(test, ask_for_clock(&rig, capture), 0);
	KUNIT_EXPECT_EQ(test, board->epoch, epoch + 1);
	expect_revoked(test, &rig);
	fake_close(capture);
	fake_close(rig.control);
}

/* What the board enforces is the holder's, also after a trip; the next begins with the hard ones. */
static void limits_are_those_of_the_holder(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);
	struct fake_board *fake = rig.fake;
	struct etalon_command clear = {.size = sizeof(clear)};
	const s64 narrow = fake->limits[FAKE_SOURCE].high;

	fake->safety.state = fake->progress.state = ETALON_HW_STATE_TRIPPED;
	etalon_board_progress(fake->board);
	KUNIT_EXPECT_EQ(test, fake_call(fake, rig.control, ETALON_IOC_CLEAR, &clear, sizeof(clear)),
			0);
	KUNIT_EXPECT_EQ(test, fake->limits[FAKE_SOURCE].high, narrow);
	fake_close(rig.control);
	KUNIT_EXPECT_GT(test, fake->limits[FAKE_SOURCE].high, narrow);
	rig.control = fake_open(fake, O_RDWR);
	fake_arm(fake, rig.control, LONG_NS);
	/* Not every error of the bus ends in a reset. */
	etalon_board_suspend(fake->board, ETALON_CAUSE_RESET);
	fake_close(rig.control);
	KUNIT_EXPECT_EQ(test, fake->limits[FAKE_SOURCE].high, narrow);
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_GT(test, fake->limits[FAKE_SOURCE].high, narrow);
}

static void a_board_out_of_reach_is_not_asked(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	etalon_board_suspend_unreachable(rig.fake->board, ETALON_CAUSE_RESET);
	expect_halted(test, &rig, 0);
	etalon_board_lost(rig.fake->board);
	expect_halted(test, &rig, 0);
	etalon_board_resume(rig.fake->board); /* gone is for good */
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), -ENODEV);
	fake_close(rig.control);
	expect_halted(test, &rig, 0);
}

static void removal_ends_light_once(struct kunit *test)
{
	struct rig rig = armed(test, FAKE_WATCHDOG_MIN_NS);

	fake_board_remove(rig.fake);
	expect_halted(test, &rig, 1);
	msleep(100); /* the period is over: its timer finds nothing */
	fake_close(rig.control);
	expect_halted(test, &rig, 1);
}

static void a_board_that_stays_bright_is_told_of(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	rig.fake->answer_dark = -EIO;
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_OFF), -EIO);
	KUNIT_EXPECT_EQ(test, rig.fake->commands[ETALON_HW_COMMAND_OFF], 1);
	KUNIT_EXPECT_FALSE(test, rig.fake->board->armed); /* and its watchdog gets no kick */
	KUNIT_EXPECT_EQ(test, ask(&rig, ETALON_IOC_KICK), -EACCES);
	fake_close(rig.control);
}

static void a_state_that_cannot_be_ends_light(struct kunit *test)
{
	struct rig rig = armed(test, LONG_NS);

	rig.fake->progress.state = ETALON_HW_STATE_TRIPPED + 1;
	etalon_board_progress(rig.fake->board);
	expect_halted(test, &rig, 1);
	KUNIT_EXPECT_TRUE(test, rig.fake->board->distrusted);
	expect_revoked(test, &rig);
	fake_close(rig.control);
}

static struct kunit_case cases[] = {KUNIT_CASE(arm_needs_limits_and_a_period),
				    KUNIT_CASE(kicks_are_passed_on_and_none_is_made_up),
				    KUNIT_CASE(silence_ends_light_and_control),
				    KUNIT_CASE(expiry_on_the_board_ends_control),
				    KUNIT_CASE(close_ends_light_before_it_returns),
				    KUNIT_CASE(suspend_ends_light_and_resume_begins_anew),
				    KUNIT_CASE(limits_are_those_of_the_holder),
				    KUNIT_CASE(a_board_out_of_reach_is_not_asked),
				    KUNIT_CASE(removal_ends_light_once),
				    KUNIT_CASE(a_board_that_stays_bright_is_told_of),
				    KUNIT_CASE(a_state_that_cannot_be_ends_light),
				    {}};

struct kunit_suite etalon_emission_suite = {
	.name = "etalon_emission",
	.test_cases = cases,
};
