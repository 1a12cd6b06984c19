// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lease's socket: what keeps it, what ends it, and what the client hears.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"
#include "etalond/lease.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static sd_event *event;
static char *ended_why;

static const struct lease_holder holder = {.name = ":1.7",
					   .uid = 1000,
					   .pid = 42,
					   .command = "etalonctl",
					   .host = "bench2"};

static void ended(struct lease *lease, const char *why, void *userdata)
{
	(void)userdata;
	ck_assert_ptr_null(ended_why); /* once */
	ended_why = strdup(why);
	lease_close(lease, why);
	sd_event_exit(event, 0);
}

static void start(void)
{
	ck_assert_int_ge(sd_event_new(&event), 0);
	ended_why = NULL;
}

static void stop(void)
{
	event = sd_event_unref(event);
	free(ended_why);
}

static struct lease *new_lease(uint32_t period_ms, int *fd)
{
	struct lease *lease = NULL;

	ck_assert_int_eq(lease_new(event, period_ms, &holder, ended, NULL, &lease, fd, NULL), 0);
	return lease;
}

static void wait_for_end(void)
{
	ck_assert_int_eq(sd_event_loop(event), 0);
	ck_assert_ptr_nonnull(ended_why);
}

static const struct {
	uint32_t period_ms;
	int result;
	uint32_t is;
} periods[] = {
	{0, 0, 1000},	  {100, 0, 100},       {10000, 0, 10000},
	{99, -ERANGE, 0}, {10001, -ERANGE, 0}, {UINT32_MAX, -ERANGE, 0},
};

START_TEST(only_periods_within_the_limits_are_granted)
{
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = -1;
	struct lease *lease = NULL;

	ck_assert_int_eq(lease_new(event, periods[_i].period_ms, &holder, ended, NULL, &lease, &fd,
				   &message),
			 periods[_i].result);
	if (periods[_i].result == 0)
		ck_assert_uint_eq(lease_period_ms(lease), periods[_i].is);
	else
		ck_assert_ptr_nonnull(strstr(message, "100 to 10000 ms"));
	lease_free(lease);
}
END_TEST

START_TEST(a_new_lease_is_fresh_and_knows_its_holder)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(10000, &fd);

	ck_assert(lease_fresh(lease));
	ck_assert_str_eq(lease_holder(lease)->name, ":1.7");
	ck_assert_uint_eq(lease_holder(lease)->uid, 1000);
	ck_assert_str_eq(lease_holder_text(lease), ":1.7 (uid 1000, etalonctl on bench2)");
	ck_assert_uint_gt(lease_since_ns(lease), 0);
	lease_free(lease);
}
END_TEST

START_TEST(hang_up_ends_it)
{
	int fd = -1;
	struct lease *lease = new_lease(10000, &fd);

	close(fd);
	wait_for_end();
	ck_assert_ptr_nonnull(strstr(ended_why, "closed its lease"));
	ck_assert(!lease_fresh(lease));
	lease_free(lease);
}
END_TEST

START_TEST(silence_ends_it)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(100, &fd);

	wait_for_end();
	ck_assert_ptr_nonnull(strstr(ended_why, "went silent for more than 100 ms"));
	lease_free(lease);
}
END_TEST

static int beat(sd_event_source *source, uint64_t usec, void *userdata)
{
	unsigned int *left = userdata;
	int fd = (int)left[1];

	ck_assert_ptr_null(ended_why);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	if (--left[0] == 0)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	ck_assert_int_ge(sd_event_source_set_time(source, usec + 50000), 0);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

START_TEST(a_byte_within_each_period_keeps_it)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(1000, &fd);
	unsigned int left[2] = {30, (unsigned int)fd}; /* 1.5 s of 50 ms */
	sd_event_source *timer = NULL;

	ck_assert_int_ge(
		sd_event_add_time(event, &timer, CLOCK_MONOTONIC, now_ns() / 1000, 1, beat, left),
		0);
	ck_assert_int_eq(sd_event_loop(event), 0);
	ck_assert_ptr_null(ended_why);
	ck_assert(lease_fresh(lease));
	sd_event_source_unref(timer);
	lease_free(lease);
}
END_TEST

START_TEST(bytes_that_wait_are_heard_before_silence_is_judged)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(100, &fd);
	uint64_t until = now_ns() + 200 * NSEC_PER_MSEC;

	/* The loop was held up beyond the period, but the client has spoken. */
	while (now_ns() < until)
		;
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_ge(sd_event_run(event, 0), 0);
	ck_assert_ptr_null(ended_why);
	ck_assert(lease_fresh(lease));
	lease_free(lease);
}
END_TEST

START_TEST(without_a_byte_it_is_stale_even_before_the_loop_runs)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(100, &fd);
	uint64_t until = now_ns() + 110 * NSEC_PER_MSEC;

	while (now_ns() < until)
		;
	ck_assert(!lease_fresh(lease)); /* so no kick would go out */
	lease_free(lease);
}
END_TEST

START_TEST(a_client_that_floods_is_read_and_that_is_all)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(10000, &fd);
	char flood[65536] = "";
	ssize_t n = 0, sent = 0;

	while ((n = send(fd, flood, sizeof(flood), MSG_DONTWAIT)) > 0)
		sent += n;
	ck_assert_int_gt(sent, 65536);
	for (int i = 0; i < 10; i++)
		ck_assert_int_ge(sd_event_run(event, 0), 0);
	ck_assert_ptr_null(ended_why);
	lease_free(lease);
}
END_TEST

START_TEST(the_client_is_told_why_before_the_end)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(10000, &fd);
	char line[128] = "";

	lease_close(lease, "the door was opened");
	ck_assert_int_gt(recv(fd, line, sizeof(line) - 1, 0), 0);
	ck_assert_str_eq(line, "the door was opened\n");
	ck_assert_int_eq(recv(fd, line, sizeof(line), 0), 0);
	lease_close(lease, "twice");
	lease_free(lease);
}
END_TEST

START_TEST(a_client_that_does_not_read_holds_nobody_up)
{
	_cleanup_close_ int fd = -1;
	struct lease *lease = new_lease(10000, &fd);

	shutdown(fd, SHUT_RD);
	lease_close(lease, "nobody hears this");
	lease_free(lease);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lease_socket");
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, only_periods_within_the_limits_are_granted, 0,
			    (int)ARRAY_SIZE(periods));
	tcase_add_test(tc, a_new_lease_is_fresh_and_knows_its_holder);
	tcase_add_test(tc, hang_up_ends_it);
	tcase_add_test(tc, silence_ends_it);
	tcase_add_test(tc, a_byte_within_each_period_keeps_it);
	tcase_add_test(tc, bytes_that_wait_are_heard_before_silence_is_judged);
	tcase_add_test(tc, without_a_byte_it_is_stale_even_before_the_loop_runs);
	tcase_add_test(tc, a_client_that_floods_is_read_and_that_is_all);
	tcase_add_test(tc, the_client_is_told_why_before_the_end);
	tcase_add_test(tc, a_client_that_does_not_read_holds_nobody_up);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
