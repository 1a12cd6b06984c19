// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The board's I/O thread: darkness overtakes everything, and makes void what could bring light
 * after it. A kick needs a main loop that runs.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>

#include "base/util.h"
#include "etalond/board_io.h"
#include "fake_link.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static sd_event *event;
static struct mailbox *mailbox;
static struct board_io *io;
static struct fake_link *fake;
static unsigned int statuses, losses;

struct item {
	struct command command;
	const char *name;
	bool done;
};

static sem_t entered, leave;
static char order[256];

static void on_status(void *userdata, const struct board_status *status)
{
	(void)userdata;
	(void)status;
	statuses++;
}

static void on_gone(void *userdata, const char *why)
{
	(void)userdata;
	ck_assert(why[0] != '\0');
	losses++;
}

static int run_open(struct command *c, struct link *link)
{
	(void)link;
	board_io_attach(c->io, &fake->link);
	return 0;
}

static int run_slow(struct command *c, struct link *link)
{
	(void)c;
	(void)link;
	sem_post(&entered);
	while (sem_wait(&leave) < 0)
		;
	return 0;
}

static int run_name(struct command *c, struct link *link)
{
	(void)link;
	strcat(order, container_of(c, struct item, command)->name);
	return 0;
}

/* Passes its first step while nothing overtook it, and asks again before the second. */
static int run_two_steps(struct command *c, struct link *link)
{
	int r = command_still_wanted(c);

	if (r < 0)
		return r;
	r = run_slow(c, link);
	return r < 0 ? r : command_still_wanted(c);
}

static void done(struct command *c)
{
	container_of(c, struct item, command)->done = true;
}

static void submit(struct item *item, const char *name, enum command_class class,
		   int (*run)(struct command *, struct link *))
{
	*item = (struct item){.name = name};
	item->command.class = class;
	item->command.run = run;
	item->command.done = done;
	item->command.always = run == run_open;
	board_io_submit(io, &item->command);
}

static void wait_for(const struct item *item)
{
	while (!item->done)
		ck_assert_int_ge(sd_event_run(event, 10000000), 1);
}

static void start(void)
{
	struct board_io_events events = {.status = on_status, .gone = on_gone};
	struct item opening;

	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(mailbox_new(event, &mailbox), 0);
	ck_assert_int_eq(board_io_new(mailbox, &events, &io), 0);
	fake = fake_link_new();
	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	order[0] = '\0';
	statuses = losses = 0;
	submit(&opening, "", COMMAND_NORMAL, run_open);
	wait_for(&opening);
}

static void stop(void)
{
	board_io_free(io);
	fake_link_free(fake);
	mailbox_free(mailbox);
	event = sd_event_unref(event);
}

static void wait_entered(void)
{
	while (sem_wait(&entered) < 0)
		;
}

START_TEST(dark_commands_go_first_then_kicks_then_the_rest_in_order)
{
	struct item slow, a, b, kick, dark;

	submit(&slow, "", COMMAND_NORMAL, run_slow);
	wait_entered();
	submit(&a, "a", COMMAND_NORMAL, run_name);
	submit(&b, "b", COMMAND_NORMAL, run_name);
	submit(&kick, "k", COMMAND_KICK, run_name);
	submit(&dark, "D", COMMAND_DARK, run_name);
	sem_post(&leave);
	wait_for(&b);
	ck_assert_str_eq(order, "Dkab");
}
END_TEST

START_TEST(light_that_was_wanted_before_the_dark_does_not_come_after_it)
{
	struct item slow, before, dark, after;

	submit(&slow, "", COMMAND_NORMAL, run_slow);
	wait_entered();
	submit(&before, "x", COMMAND_LIGHT, run_name);
	submit(&dark, "D", COMMAND_DARK, run_name);
	submit(&after, "y", COMMAND_LIGHT, run_name);
	sem_post(&leave);
	wait_for(&after);
	ck_assert_str_eq(order, "Dy");
	ck_assert_int_eq(before.command.error, -ECANCELED);
	ck_assert_int_eq(after.command.error, 0);
}
END_TEST

START_TEST(light_that_is_under_way_learns_of_the_dark_between_its_steps)
{
	struct item light, dark;

	submit(&light, "x", COMMAND_LIGHT, run_two_steps);
	wait_entered();
	submit(&dark, "D", COMMAND_DARK, run_name);
	sem_post(&leave);
	wait_for(&dark);
	ck_assert_int_eq(light.command.error, -ECANCELED);
	ck_assert_str_eq(order, "D");
}
END_TEST

static int run_lost(struct command *c, struct link *link)
{
	(void)c;
	(void)link;
	return -ENODEV;
}

START_TEST(after_a_loss_nothing_reaches_the_link_and_it_is_told_once)
{
	struct item lost, one, two;

	submit(&lost, "", COMMAND_NORMAL, run_lost);
	submit(&one, "1", COMMAND_NORMAL, run_name);
	submit(&two, "2", COMMAND_DARK, run_name);
	wait_for(&one);
	wait_for(&two);
	ck_assert_int_eq(one.command.error, -ENODEV);
	ck_assert_uint_eq(losses, 1);
	ck_assert(strchr(order, '1') == NULL);
}
END_TEST

START_TEST(events_are_told_without_a_command)
{
	fake_link_cause(fake, ETALON_HW_CAUSE_KEY);
	while (statuses == 0)
		ck_assert_int_ge(sd_event_run(event, 10000000), 1);
}
END_TEST

START_TEST(an_unplugged_board_is_noticed_without_a_command)
{
	fake_link_unplug(fake);
	while (losses == 0)
		ck_assert_int_ge(sd_event_run(event, 10000000), 1);
}
END_TEST

START_TEST(commands_that_wait_are_done_before_the_end)
{
	struct item slow, dark;

	submit(&slow, "", COMMAND_NORMAL, run_slow);
	wait_entered();
	submit(&dark, "D", COMMAND_DARK, run_name);
	sem_post(&leave);
	io = board_io_free(io);
	ck_assert(dark.done);
	ck_assert_str_eq(order, "D");
	ck_assert_uint_eq(fake->closed, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lease_overtake");
	TCase *tc = tcase_create("board_io");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, dark_commands_go_first_then_kicks_then_the_rest_in_order);
	tcase_add_test(tc, light_that_was_wanted_before_the_dark_does_not_come_after_it);
	tcase_add_test(tc, light_that_is_under_way_learns_of_the_dark_between_its_steps);
	tcase_add_test(tc, after_a_loss_nothing_reaches_the_link_and_it_is_told_once);
	tcase_add_test(tc, events_are_told_without_a_command);
	tcase_add_test(tc, an_unplugged_board_is_noticed_without_a_command);
	tcase_add_test(tc, commands_that_wait_are_done_before_the_end);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
