// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalond.conf: what is taken, and that everything else is refused with file and line.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>

#include "base/util.h"
#include "etalond/config.h"
#include "fake_board.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static char path[64];

static void start(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/etalon-config-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void stop(void)
{
	unlink(path);
}

static int load(const char *text, struct config **ret, char **ret_message)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
	return config_load(path, ret, ret_message);
}

START_TEST(without_a_file_the_defaults_hold_and_no_power_is_hidden)
{
	_cleanup_(config_freep) struct config *config = NULL;

	ck_assert_int_eq(config_load(NULL, &config, NULL), 0);
	ck_assert_int_eq(config->default_power_fw, 0);
	ck_assert_uint_eq(config->watchdog_ms, 250);
	ck_assert_uint_eq(config->quota_bytes, 0);
	ck_assert_uint_eq(config->alias_count, 0);
}
END_TEST

START_TEST(an_empty_file_is_like_none)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(load("# nothing yet\n", &config, &message) == 0, "%s", message);
	ck_assert_uint_eq(config->watchdog_ms, 250);
}
END_TEST

static const char whole[] = "default_power: 3 dBm\n"
			    "watchdog_ms: 100\n"
			    "quota: 20 GB\n"
			    "analyse: /usr/libexec/etalon/etalon-analyse\n"
			    "aliases:\n"
			    "  - {name: through, channel: pd1}\n"
			    "  - {name: drop, channel: pd2}\n"
			    "limits:\n"
			    "  - {source: laser.power, max: 6 dBm}\n"
			    "  - {source: laser.wavelength, min: 1520nm, max: 1580 nm}\n"
			    "  - {source: tec1, max: 60 C}\n";

START_TEST(every_key_is_taken)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(load(whole, &config, &message) == 0, "%s", message);
	ck_assert_int_eq(config->default_power_fw, llround(1e12 * pow(10, 0.3)));
	ck_assert_uint_eq(config->watchdog_ms, 100);
	ck_assert_uint_eq(config->quota_bytes, 20000000000ULL);
	ck_assert_uint_eq(config->alias_count, 2);
	ck_assert_str_eq(config->aliases[1].name, "drop");
	ck_assert_str_eq(config->aliases[1].channel, "pd2");
	ck_assert_str_eq(config->analyse, "/usr/libexec/etalon/etalon-analyse");
}
END_TEST

START_TEST(limits_tighten_the_boards_own_and_never_widen_them)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(description_freep) struct description *d = fake_board();
	_cleanup_free_ char *message = NULL;
	struct site site;

	ck_assert_int_eq(load(whole, &config, NULL), 0);
	ck_assert_msg(config_site(config, d, &site, &message) == 0, "%s", message);
	ck_assert_uint_eq(site.limit_count, 3);
	ck_assert_int_eq(site.limits[0].min, d->source[FAKE_POWER].min);
	ck_assert_int_eq(site.limits[0].max, llround(1e12 * pow(10, 0.6)));
	ck_assert_int_eq(site.limits[1].min, 1520000000);
	ck_assert_int_eq(site.limits[1].max, 1580000000);
	ck_assert_int_eq(site.limits[2].max, 333150000);
	ck_assert_uint_eq(site.alias_count, 2);
	site_clear(&site);
}
END_TEST

START_TEST(a_limit_beyond_the_hardware_is_the_hardwares)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(description_freep) struct description *d = fake_board();
	struct site site;

	ck_assert_int_eq(
		load("limits: [{source: laser.power, min: -60 dBm, max: 30 dBm}]\n", &config, NULL),
		0);
	ck_assert_int_eq(config_site(config, d, &site, NULL), 0);
	ck_assert_int_eq(site.limits[0].min, d->source[FAKE_POWER].min);
	ck_assert_int_eq(site.limits[0].max, d->source[FAKE_POWER].max);
	site_clear(&site);
}
END_TEST

static const struct {
	const char *text;
	const char *says; /* part of the message */
	const char *line; /* ":N:" or "" */
} refused[] = {
	{"colour: blue\n", "colour", ":1:"},
	{"watchdog_ms: 250\n\ncolour: blue\n", "colour", ":3:"},
	{"watchdog_ms: 250\nlimits:\n  - {source: h1, upper: 3 V}\n", "upper", ":3:"},
	{"aliases: {through: pd1}\n", "", ":1:"},
	{"aliases:\n  - {name: through}\n", "channel", ":2:"},
	{"watchdog_ms: 49\n", "50 to 1000", ""},
	{"watchdog_ms: 0\n", "50 to 1000", ""},
	{"watchdog_ms: 1001\n", "50 to 1000", ""},
	{"watchdog_ms: soon\n", "", ":1:"},
	{"default_power: 3\n", "default_power", ""},
	{"default_power: 3 nm\n", "default_power", ""},
	{"default_power: 0 mW\n", "no light", ""},
	{"quota: 20\n", "20 GB", ""},
	{"quota: many\n", "20 GB", ""},
	{"quota: -1 GB\n", "20 GB", ""},
	{"{unfinished\n", "", ""},
	{"- a\n- list\n", "MAPPING", ""},
};

START_TEST(what_is_wrong_is_refused_with_file_and_line)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(load(refused[_i].text, &config, &message), -EINVAL);
	ck_assert_ptr_null(config);
	ck_assert_ptr_nonnull(message);
	ck_assert_msg(strstr(message, path) && strstr(message, refused[_i].says) &&
			      strstr(message, refused[_i].line),
		      "\"%s\": %s", refused[_i].text, message);
}
END_TEST

static const struct {
	const char *text;
	const char *says;
	int error;
} unfit[] = {
	{"limits: [{source: nozzle, max: 1 V}]\n", "nozzle", -ENOENT},
	{"limits: [{source: laser.power, max: 1 nm}]\n", "laser.power", -ERANGE},
	{"limits: [{source: laser.power, max: 3}]\n", "laser.power", -ERANGE},
	{"limits: [{source: laser.power, min: 20 dBm}]\n", "leaves nothing", -ERANGE},
	{"limits: [{source: laser.wavelength, min: 1580 nm, max: 1570 nm}]\n", "leaves nothing",
	 -ERANGE},
};

START_TEST(a_limit_that_does_not_fit_the_board_is_an_error)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(description_freep) struct description *d = fake_board();
	_cleanup_free_ char *message = NULL;
	struct site site;

	ck_assert_int_eq(load(unfit[_i].text, &config, NULL), 0);
	ck_assert_int_eq(config_site(config, d, &site, &message), unfit[_i].error);
	ck_assert_msg(strstr(message, unfit[_i].says) && strstr(message, "etalond.conf"), "%s",
		      message);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(config_load("/nonexistent/etalond.conf", &config, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "/nonexistent/etalond.conf"));
}
END_TEST

START_TEST(the_example_that_is_shipped_is_valid)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(config_load("daemon/system/etalond.conf.example", &config, &message) == 0,
		      "%s", message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, without_a_file_the_defaults_hold_and_no_power_is_hidden);
	tcase_add_test(tc, an_empty_file_is_like_none);
	tcase_add_test(tc, every_key_is_taken);
	tcase_add_test(tc, limits_tighten_the_boards_own_and_never_widen_them);
	tcase_add_test(tc, a_limit_beyond_the_hardware_is_the_hardwares);
	tcase_add_loop_test(tc, what_is_wrong_is_refused_with_file_and_line, 0,
			    (int)ARRAY_SIZE(refused));
	tcase_add_loop_test(tc, a_limit_that_does_not_fit_the_board_is_an_error, 0,
			    (int)ARRAY_SIZE(unfit));
	tcase_add_test(tc, a_file_that_is_not_there_is_an_error);
	tcase_add_test(tc, the_example_that_is_shipped_is_valid);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
