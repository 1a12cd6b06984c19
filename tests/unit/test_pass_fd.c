// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A descriptor and its text over a socket: both arrive, and whatever else comes is told and leaks nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/pass_fd.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static int ends[2];

static void connect_ends(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void hang_up(void)
{
	closep(&ends[0]);
	ends[0] = -1;
}

static void disconnect_ends(void)
{
	closep(&ends[0]);
	closep(&ends[1]);
}

/* A memory file with these bytes, written through to its end. */
static int file_with(const char *bytes)
{
	int fd = memfd_create("passed", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, bytes, strlen(bytes)), 0);
	return fd;
}

static void assert_holds(int fd, const char *bytes)
{
	char there[16] = "";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, there, sizeof(there) - 1, 0), (ssize_t)strlen(bytes));
	ck_assert_str_eq(there, bytes);
}

/* The next descriptor that would be opened: the same as before, if none was lost. */
static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

START_TEST(both_arrive)
{
	_cleanup_close_ int sent = file_with("a frame"), got = -1;
	char text[16];

	ck_assert_int_eq(pass_fd_send(ends[0], sent, "through"), 0);
	hang_up();
	ck_assert_int_eq(pass_fd_receive(ends[1], &got, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "through");
	ck_assert_int_ne(got, sent);
	ck_assert(fcntl(got, F_GETFD) & FD_CLOEXEC);
	assert_holds(got, "a frame");
}
END_TEST

START_TEST(a_hang_up_is_no_descriptor_and_no_error)
{
	char text[16] = "before";
	int got = 7;

	hang_up();
	ck_assert_int_eq(pass_fd_receive(ends[1], &got, text, sizeof(text)), 0);
	ck_assert_int_eq(got, -1);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(text_alone_is_refused)
{
	char text[16];
	int got = 7;

	ck_assert_int_eq(write_all(ends[0], "through", 7), 0);
	hang_up();
	ck_assert_int_eq(pass_fd_receive(ends[1], &got, text, sizeof(text)), -EBADMSG);
	ck_assert_int_eq(got, 7);
}
END_TEST

/* With its last byte for the end of the string: eight do not fit eight. */
START_TEST(text_that_does_not_fit_is_refused)
{
	_cleanup_close_ int sent = file_with("a frame");
	const int before = next_fd();
	char text[8];
	int got = 7;

	ck_assert_int_eq(pass_fd_send(ends[0], sent, "12345678"), 0);
	ck_assert_int_eq(pass_fd_receive(ends[1], &got, text, sizeof(text)), -EMSGSIZE);
	ck_assert_int_eq(got, 7);
	ck_assert_int_eq(next_fd(), before);
}
END_TEST

START_TEST(the_first_of_several_counts_and_none_leaks)
{
	_cleanup_close_ int first = file_with("first"), second = file_with("second"), got = -1;
	const int before = next_fd();
	char text[16];

	ck_assert_int_eq(pass_fd_send(ends[0], first, "one"), 0);
	ck_assert_int_eq(pass_fd_send(ends[0], second, "two"), 0);
	hang_up();
	ck_assert_int_eq(pass_fd_receive(ends[1], &got, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "onetwo");
	assert_holds(got, "first");
	closep(&got);
	got = -1;
	/* The number of the end that hung up is free, and nothing else is taken. */
	ck_assert_int_lt(next_fd(), before);
	ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(next_fd(), before);
}
END_TEST

START_TEST(nobody_to_hear_it_is_told)
{
	_cleanup_close_ int sent = file_with("a frame");

	close(ends[1]);
	ends[1] = -1;
	ck_assert_int_eq(pass_fd_send(ends[0], sent, "through"), -EPIPE);
	ck_assert_int_eq(pass_fd_send(sent, sent, "through"), -ENOTSOCK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pass_fd");
	TCase *tc = tcase_create("pass_fd");

	tcase_add_checked_fixture(tc, connect_ends, disconnect_ends);
	tcase_add_test(tc, both_arrive);
	tcase_add_test(tc, a_hang_up_is_no_descriptor_and_no_error);
	tcase_add_test(tc, text_alone_is_refused);
	tcase_add_test(tc, text_that_does_not_fit_is_refused);
	tcase_add_test(tc, the_first_of_several_counts_and_none_leaks);
	tcase_add_test(tc, nobody_to_hear_it_is_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
