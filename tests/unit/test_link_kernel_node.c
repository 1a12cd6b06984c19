// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Device nodes, with the system's own calls: what is no board, or is not ours, is refused in words.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "link/link.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static int open_node(const char *path, char **ret_message)
{
	struct link *l = NULL;
	int r = link_open_kernel(path, &l, ret_message);

	ck_assert_ptr_null(l);
	return r;
}

START_TEST(what_is_no_board_is_refused_with_what_to_do)
{
	static const struct {
		const char *path;
		int error;
		const char *says;
	} cases[] = {
		{"/nowhere/etalon0", -ENODEV, "check its cable and power"},
		{"/dev/null", -EPROTO, "does not speak as the etalon driver"},
		{"/", -EISDIR, "can not open"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = NULL;

		ck_assert_int_eq(open_node(cases[i].path, &message), cases[i].error);
		ck_assert_msg(strstr(message, cases[i].says), "%s", message);
	}
}
END_TEST

START_TEST(a_node_that_is_not_ours_says_whose_it_is)
{
	char path[] = "/tmp/etalon-node-XXXXXX";
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(open_node(path, &message), -EACCES);
	ck_assert_ptr_nonnull(strstr(message, "etalonctl"));
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link kernel node");
	TCase *tcase = tcase_create("node");

	tcase_add_test(tcase, what_is_no_board_is_refused_with_what_to_do);
	tcase_add_test(tcase, a_node_that_is_not_ours_says_whose_it_is);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
