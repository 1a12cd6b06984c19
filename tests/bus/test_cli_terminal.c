// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl on a terminal: keys, a bar that redraws itself, the terminal given back, and a second Ctrl-C that
 * leaves at once.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

/* Starts etalonctl on a new terminal, whose other end is *ret_fd; in the C locale, so that it writes ASCII. */
static pid_t on_terminal(const struct session *s, const char *const *words, int *ret_fd)
{
	struct winsize window = {.ws_row = 30, .ws_col = 100};
	_cleanup_free_ char *program = session_program(words[0]);
	pid_t pid = forkpty(ret_fd, NULL, NULL, &window);

	ck_assert(pid >= 0);
	if (pid > 0)
		return pid;
	setenv("ETALON_BUS", s->address, 1);
	setenv("TERM", "xterm", 1);
	setenv("LC_ALL", "C", 1);
	execv(program, (char *const *)(uintptr_t)words);
	_exit(127);
}

static void read_until(int fd, char *text, size_t size, const char *wanted)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;

	while (!strstr(text, wanted)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		size_t used = strlen(text);
		ssize_t n;

		ck_assert_msg(now_ns() < until, "never shown: %s; instead: %s", wanted, text);
		ck_assert_uint_lt(used + 1024, size);
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, text + used, 1000);
		if (n <= 0)
			return; /* the other side is closed */
		for (ssize_t i = 0; i < n; i++) /* keep it a string */
			text[used + (size_t)i] =
				text[used + (size_t)i] ? text[used + (size_t)i] : '?';
		text[used + (size_t)n] = '\0';
	}
}

START_TEST(a_meter_takes_keys_and_gives_the_terminal_back)
{
	static const char *const meter[] = {"etalonctl", "meter", "through", NULL};
	static char text[1 << 20];
	_cleanup_close_ int fd = -1;
	struct session s;
	pid_t pid;

	session_start(&s, &typing_fast);
	text[0] = '\0';
	pid = on_terminal(&s, meter, &fd);
	read_until(fd, text, sizeof(text), "highest");
	ck_assert_ptr_nonnull(strstr(text, "\x1b[?1049h"));
	ck_assert_ptr_nonnull(strstr(text, "to mark -"));
	ck_assert_int_eq(write(fd, "m", 1), 1);
	read_until(fd, text, sizeof(text), " dB   range");
	ck_assert_int_eq(write(fd, "g", 1), 1); /* no lease: refused, and said */
	read_until(fd, text, sizeof(text), "lease");
	ck_assert_int_eq(write(fd, "q", 1), 1);
	read_until(fd, text, sizeof(text), "\x1b[?1049l");
	ck_assert_int_eq(typing_end(pid), 0);
	for (const char *p = text; *p; p++)
		ck_assert_msg((unsigned char)*p < 0x80, "not ASCII in the C locale");
	session_stop(&s);
}
END_TEST

START_TEST(a_second_ctrl_c_leaves_at_once_and_in_the_dark)
{
	static const char *const sweep[] = {"etalonctl", "sweep",  "wavelength", "1500nm",
					    "1600nm",	 "--step", "1pm",	 NULL};
	static char text[1 << 20];
	_cleanup_close_ int fd = -1;
	struct session s;
	pid_t pid;

	session_start(&s, &typing_real_time);
	text[0] = '\0';
	pid = on_terminal(&s, sweep, &fd);
	read_until(fd, text, sizeof(text), "LIGHT ON");
	ck_assert_ptr_nonnull(strstr(text, "\r\x1b[K[")); /* a bar that redraws itself */
	/* The daemon stands still: nothing will ever answer the first. */
	kill(s.daemon, SIGSTOP);
	ck_assert_int_eq(write(fd, "\x03", 1), 1);
	read_until(fd, text, sizeof(text), "stopping");
	ck_assert_int_eq(write(fd, "\x03", 1), 1);
	ck_assert_int_eq(typing_end(pid), 5);
	kill(s.daemon, SIGCONT);
	typed(&s, 0, NULL, "wait state dark --timeout 20s"); /* the lease died with the client */
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-terminal");
	TCase *tcase = tcase_create("terminal");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_meter_takes_keys_and_gives_the_terminal_back);
	tcase_add_test(tcase, a_second_ctrl_c_leaves_at_once_and_in_the_dark);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
