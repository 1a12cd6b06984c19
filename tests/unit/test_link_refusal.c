// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Refusals and trip causes as sentences: what was asked, what is allowed, in people's units.
 */
#include <string.h>

#include "../common/fake_board.h"
#include "base/util.h"
#include "link/link.h"
#include "link/quantity.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static const struct {
	struct link_refusal refusal;
	const char *text; /* all of it */
} sentences[] = {
	{{ETALON_HW_REFUSED_LIMIT, FAKE_WAVELENGTH, 1480000000, 1640000000, true, 1700000000},
	 "1700 nm is above laser.wavelength's 1640 nm; allowed 1480 nm to 1640 nm"},
	{{ETALON_HW_REFUSED_LIMIT, FAKE_WAVELENGTH, 1480000000, 1640000000, true, 1479999900},
	 "1479.9999 nm is below laser.wavelength's 1480 nm; allowed 1480 nm to 1640 nm"},
	{{ETALON_HW_REFUSED_LIMIT, FAKE_POWER, 100000000000, 10000000000000, false, 0},
	 "laser.power is beyond its limits; allowed -10 dBm to 10 dBm"},
	{{ETALON_HW_REFUSED_LIMIT, FAKE_TEC, 283150000, 353150000, true, 363150000},
	 "90 C is above tec1's 80 C; allowed 10 C to 80 C"},
	{{ETALON_HW_REFUSED_LIMIT, FAKE_HEATER, 0, 12000000000, true, -1000000},
	 "-1 mV is below h1's 0 V; allowed 0 V to 12 V"},
	{{ETALON_HW_REFUSED_RESOLUTION, FAKE_WAVELENGTH, 100, 100, true, 1550000000050},
	 "laser.wavelength is set in steps of 100 fm: the nearest values are 1550000 nm and "
	 "1550000.0001 nm"},
	{{ETALON_HW_REFUSED_RESOLUTION, FAKE_WAVELENGTH, 100, 100, false, 0},
	 "laser.wavelength is set in steps of 100 fm: use a multiple of it"},
	{{ETALON_HW_REFUSED_RESOLUTION, FAKE_HEATER, 100, 100, true, -50},
	 "h1 is set in steps of 100 nV: the nearest values are -100 nV and 0 V"},
	{{ETALON_HW_REFUSED_CAUSE, ETALON_HW_CAUSE_INTERLOCK | ETALON_HW_CAUSE_KEY, 0, 0, false, 0},
	 "not while a trip cause is active: interlock open, key off; remove it, then clear"},
	{{ETALON_HW_REFUSED_WATCHDOG, 0, 50000000, 1000000000, false, 0},
	 "the watchdog period is out of bounds; allowed 50 ms to 1 s"},
	{{ETALON_HW_REFUSED_LIMITS_UNWRITTEN, FAKE_POWER, 0, 0, false, 0},
	 "the limits of laser.power are not written: no light before that"},
	{{ETALON_HW_REFUSED_TIMING, 0, 10000, 40000000000, false, 0},
	 "the period is out of bounds, or delay and aperture do not fit it; allowed 10 us to 40 s"},
	{{ETALON_HW_REFUSED_TIMING, 1, 20000000, 40000000000, false, 0},
	 "the aperture is out of bounds; allowed 20 ms to 40 s"},
	{{ETALON_HW_REFUSED_RATE, 0, 0, 100000, false, 0},
	 "too many records for this link: at most 100 000 a second; use a longer period"},
	{{ETALON_HW_REFUSED_LIMIT, 999, 0, 1, true, 5}, "source 999 is beyond its limits"},
	{{ETALON_HW_REFUSED_LIMITS_UNWRITTEN, 999, 0, 0, false, 0},
	 "the limits of source 999 are not written"},
	{{ETALON_HW_REFUSED_RESOLUTION, UINT32_MAX, 0, 0, false, 0},
	 "source 4294967295 can not be set that finely"},
	{{77, 0, 0, 0, false, 0}, "the board refused for a reason unknown to this program (77)"},
};

START_TEST(a_refusal_reads_like_a_sentence)
{
	_cleanup_(description_freep) struct description *d = fake_board();
	_cleanup_free_ char *text = link_refusal_message(d, &sentences[_i].refusal);

	ck_assert_str_eq(text, sentences[_i].text);
}
END_TEST

START_TEST(every_result_of_the_contract_has_words)
{
	_cleanup_(description_freep) struct description *d = fake_board();

	for (uint32_t result = 0; result <= ETALON_HW_REFUSED_DMA; result++) {
		/* Numbers that a hostile board might give must not harm. */
		struct link_refusal r = {result, UINT32_MAX, INT64_MIN, INT64_MAX, true, INT64_MIN};
		_cleanup_free_ char *text = link_refusal_message(d, &r);

		ck_assert_ptr_nonnull(text);
		ck_assert_ptr_null(strstr(text, "unknown to this program"));
		r.detail = 0;
		r.low = INT64_MAX;
		r.high = INT64_MIN;
		r.asked = INT64_MAX;
		free(text);
		text = link_refusal_message(d, &r);
		ck_assert_ptr_nonnull(text);
	}
}
END_TEST

static const struct {
	uint32_t causes;
	const char *text;
} causes[] = {
	{0, ""},
	{ETALON_HW_CAUSE_INTERLOCK, "interlock open"},
	{ETALON_HW_CAUSE_INTERLOCK | ETALON_HW_CAUSE_KEY, "interlock open, key off"},
	{ETALON_HW_CAUSE_WATCHDOG | ETALON_HW_CAUSE_LINK,
	 "watchdog: nobody kicked it in time, link lost"},
	{ETALON_HW_CAUSE_HOST, "turned off by the host"},
	{1U << 20, "unknown cause 0x100000"},
	{ETALON_HW_CAUSE_KEY | 1U << 20, "key off, unknown cause 0x100000"},
};

START_TEST(causes_are_listed)
{
	_cleanup_free_ char *text = link_causes_text(causes[_i].causes);

	ck_assert_str_eq(text, causes[_i].text);
}
END_TEST

static const struct {
	unsigned int kind;
	int64_t value;
	const char *distance, *speed;
} distances[] = {
	{ETALON_HW_SOURCE_WAVELENGTH, 20000000, "20 nm", "20 nm/s"},
	{ETALON_HW_SOURCE_WAVELENGTH, 100, "100 fm", "100 fm/s"},
	{ETALON_HW_SOURCE_POWER, 1000000000000, "1 mW", "1 mW/s"},
	{ETALON_HW_SOURCE_POWER, 0, "0 W", "0 W/s"},
	{ETALON_HW_SOURCE_CURRENT, 100000000000000, "100 mA", "100 mA/s"},
	{ETALON_HW_SOURCE_VOLTAGE, 183110, "183.11 uV", "183.11 uV/s"},
	{ETALON_HW_SOURCE_TEMPERATURE, 100, "100 uK", "100 uK/s"},
	{ETALON_HW_SOURCE_TEMPERATURE, -2500000, "-2.5 K", "-2.5 K/s"},
	{ETALON_HW_SOURCE_POSITION, 1500, "1.5 um", "1.5 um/s"},
	{ETALON_HW_SOURCE_SELECTOR, 2, "2", "2/s"},
};

START_TEST(distances_and_speeds_have_their_own_units)
{
	ck_assert_str_eq(source_distance(distances[_i].kind, distances[_i].value).text,
			 distances[_i].distance);
	ck_assert_str_eq(source_speed(distances[_i].kind, distances[_i].value).text,
			 distances[_i].speed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link refusal");
	TCase *tc = tcase_create("refusal");

	tcase_add_loop_test(tc, a_refusal_reads_like_a_sentence, 0, (int)ARRAY_SIZE(sentences));
	tcase_add_test(tc, every_result_of_the_contract_has_words);
	tcase_add_loop_test(tc, causes_are_listed, 0, (int)ARRAY_SIZE(causes));
	tcase_add_loop_test(tc, distances_and_speeds_have_their_own_units, 0,
			    (int)ARRAY_SIZE(distances));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
