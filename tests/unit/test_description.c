// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Descriptions: what a board says of itself is believed only when all of it can be true.
 */
#include <errno.h>
#include <string.h>

#include "../common/fake_board.h"
#include "base/util.h"
#include "emulator/erb1.h"
#include "emulator/erb1_parameters.h"
#include "link/description.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static void seal(unsigned char *raw)
{
	struct etalon_hw_description *h = (void *)raw;

	h->crc = 0;
	h->crc = crc32c(0, raw, h->size);
}

static unsigned char *window(size_t *ret_size)
{
	struct description *d = fake_board();
	unsigned char *raw = malloc(d->raw_size);

	memcpy(raw, d->raw, d->raw_size);
	*ret_size = d->raw_size;
	description_free(d);
	return raw;
}

START_TEST(the_reference_board_is_believed)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_free_ char *message = NULL;
	_cleanup_free_ void *raw = NULL;
	struct erb1_parameters parameters;
	struct erb1_identity identity = {.serial = "ERB1-0001", .seed = 1};
	json_t *none = json_object();
	size_t size;

	ck_assert_int_eq(erb1_parameters_take(none, false, &parameters, &message), 0);
	ck_assert_int_eq(erb1_describe(&parameters, &identity, &raw, &size), 0);
	ck_assert_msg(description_parse(raw, size, &d, &message) == 0, "%s", message);
	ck_assert_int_ge(description_source(d, "laser.wavelength"), 0);
	ck_assert_int_eq(description_source(d, "laser.colour"), -ENOENT);
	ck_assert_int_ge(description_detector(d, "tec1.t"), 0);
	ck_assert_str_eq(d->head.serial, "ERB1-0001");
	json_decref(none);
}
END_TEST

START_TEST(the_tables_are_a_copy)
{
	_cleanup_(description_freep) struct description *d = NULL;
	size_t size;
	unsigned char *raw = window(&size);

	ck_assert_int_eq(description_parse(raw, size, &d, NULL), 0);
	memset(raw, 0xff, size);
	free(raw);
	ck_assert_str_eq(d->source[FAKE_WAVELENGTH].name, "laser.wavelength");
	ck_assert_str_eq(d->detector[FAKE_WLOG].name, "wlog");
}
END_TEST

static const struct {
	const char *text;
	int range;
} range_texts[] = {
	{"2 mA", FAKE_RANGE_2MA},
	{"100 uA", FAKE_RANGE_100UA},
	{"100uA", FAKE_RANGE_100UA},
	{"100\xc2\xb5"
	 "A",
	 FAKE_RANGE_100UA}, /* micro sign */
	{"100 \xce\xbc"
	 "A",
	 FAKE_RANGE_100UA}, /* Greek mu */
	{"10uA", FAKE_RANGE_10UA},
	{"100 mA", -ENOENT},
	{"100", -ENOENT},
	{"", -ENOENT},
};

START_TEST(ranges_are_found_as_people_write_them)
{
	_cleanup_(description_freep) struct description *d = fake_board();

	ck_assert_int_eq(description_range(d, FAKE_PD1, range_texts[_i].text),
			 range_texts[_i].range);
	ck_assert_int_eq(description_range(d, 1000, "2 mA"), -ENOENT);
	ck_assert_ptr_null(description_range_of(d, FAKE_PD1, 3));
	ck_assert_ptr_null(description_range_of(d, 1000, 0));
}
END_TEST

#define HEAD(field) offsetof(struct etalon_hw_description, field)
enum place { IN_HEAD, IN_SOURCE, IN_DETECTOR, IN_RANGE, IN_CALIBRATION };
#define SOURCE(field) IN_SOURCE, offsetof(struct etalon_hw_source, field)
#define DETECTOR(field) IN_DETECTOR, offsetof(struct etalon_hw_detector, field)
#define RANGE(field) IN_RANGE, offsetof(struct etalon_hw_range, field)
#define POINT(field) IN_CALIBRATION, offsetof(struct etalon_hw_calibration_point, field)

static const struct {
	enum place place;
	size_t at;
	unsigned int row;
	size_t size;
	uint64_t value;
	const char *message; /* must be part of what is said */
} lies[] = {
	{IN_HEAD, HEAD(magic), 0, 4, 1, "magic"},
	{IN_HEAD, HEAD(version), 0, 4, 0x20000, "version 2.0"},
	{IN_HEAD, HEAD(size), 0, 4, 8, "8 bytes"},
	{IN_HEAD, HEAD(size), 0, 4, 1 << 20, "1048576 bytes"},
	{IN_HEAD, HEAD(source_count), 0, 4, 65, "65 sources"},
	{IN_HEAD, HEAD(source_count), 0, 4, UINT32_MAX, "4294967295 sources"},
	{IN_HEAD, HEAD(source_offset), 0, 4, UINT32_MAX & ~7U, "do not fit"},
	{IN_HEAD, HEAD(source_offset), 0, 4, 12, "do not fit"},
	{IN_HEAD, HEAD(source_offset), 0, 4, 0, "do not fit"},
	{IN_HEAD, HEAD(source_offset), 0, 4, 257, "do not fit"},
	{IN_HEAD, HEAD(detector_count), 0, 4, 129, "129 detectors"},
	{IN_HEAD, HEAD(detector_count), 0, 4, 0, "detector_count is 0"},
	{IN_HEAD, HEAD(detector_count), 0, 4, 128, "do not fit"},
	{IN_HEAD, HEAD(range_count), 0, 4, 1025, "1025 ranges"},
	{IN_HEAD, HEAD(range_count), 0, 4, 1, "outside the range table"},
	{IN_HEAD, HEAD(calibration_count), 0, 4, 1 << 17, "calibration points"},
	{IN_HEAD, HEAD(calibration_count), 0, 4, 3, "calibration lies outside"},
	{IN_HEAD, HEAD(model), 0, 1, 0, "model"},
	{IN_HEAD, HEAD(serial), 0, 1, 0, "serial"},
	{IN_HEAD, HEAD(firmware), 0, 1, 7, "firmware"},
	{IN_HEAD, HEAD(tick_ps), 0, 4, 0, "tick_ps"},
	{IN_HEAD, HEAD(fifo_records), 0, 4, 0, "fifo_records"},
	{IN_HEAD, HEAD(list_points_max), 0, 4, UINT32_MAX, "list_points_max"},
	{IN_HEAD, HEAD(aux_lines), 0, 4, 33, "aux_lines"},
	{IN_HEAD, HEAD(period_min_ns), 0, 4, 0, "period_min_ns"},
	{IN_HEAD, HEAD(aperture_min_ns), 0, 4, 0, "aperture_min_ns"},
	{IN_HEAD, HEAD(watchdog_min_ns), 0, 4, 0, "watchdog_min_ns"},
	{IN_HEAD, HEAD(watchdog_min_ns), 0, 4, UINT32_MAX, "watchdog_min_ns is above"},
	{IN_HEAD, HEAD(emission_delay_ns), 0, 8, UINT64_MAX, "emission_delay_ns"},
	{IN_HEAD, HEAD(conversion_ns), 0, 4, 0, "conversion_ns"},
	{IN_HEAD, HEAD(calibration_time), 0, 8, UINT64_MAX, "calibration_time"},
	{IN_HEAD, HEAD(comparators), 0, 4, 5, "comparators"},
	{SOURCE(name), FAKE_POWER, 1, 'L', "source 1: its name"},
	{SOURCE(name), FAKE_POWER, 1, 0, "source 1: its name"},
	{SOURCE(name[12]), FAKE_POWER, 1, 'x', "source 1: its name"},
	{SOURCE(kind), FAKE_POWER, 2, 9, "laser.power: kind"},
	{SOURCE(modes), FAKE_POWER, 2, 0x10, "laser.power: modes"},
	{SOURCE(emits), FAKE_POWER, 1, 2, "laser.power: emits"},
	{SOURCE(is_gate), FAKE_HEATER, 1, 1, "h1: is a gate"},
	{SOURCE(safe_action), FAKE_POWER, 1, 3, "laser.power: safe_action"},
	{SOURCE(safe_action), FAKE_POWER, 1, ETALON_HW_SAFE_HOLD, "laser.power: emits"},
	{SOURCE(gate), FAKE_POWER, 2, FAKE_TEC, "laser.power: gate"},
	{SOURCE(gate), FAKE_POWER, 2, 60000, "laser.power: gate"},
	{SOURCE(gate), FAKE_POWER, 2, ETALON_HW_NO_CHANNEL, "laser.power: gate"},
	{SOURCE(belongs_to), FAKE_POWER, 2, 5, "laser.power: belongs_to"},
	{SOURCE(belongs_to), FAKE_POWER, 2, FAKE_POWER, "laser.power: belongs_to"},
	{SOURCE(readback[3]), FAKE_POWER, 2, FAKE_DETECTORS, "laser.power: readback"},
	{SOURCE(min), FAKE_POWER, 8, INT64_MAX, "laser.power: min..max"},
	{SOURCE(min), FAKE_POWER, 8, 1ULL << 63, "laser.power: min..max"},
	{SOURCE(max), FAKE_POWER, 8, 0, "laser.power: min..max"},
	{SOURCE(resolution), FAKE_POWER, 8, 0, "laser.power: resolution"},
	{SOURCE(resolution), FAKE_POWER, 8, UINT64_MAX, "laser.power: resolution"},
	{SOURCE(max_slew), FAKE_POWER, 8, UINT64_MAX, "laser.power: max_slew"},
	{SOURCE(default_slew), FAKE_POWER, 8, UINT64_MAX, "laser.power: default_slew"},
	{SOURCE(settle_ns), FAKE_POWER, 8, UINT64_MAX, "laser.power: settle_ns"},
	{SOURCE(ramp_speed_min), FAKE_WAVELENGTH, 8, 0, "laser.wavelength: ramp"},
	{SOURCE(ramp_speed_max), FAKE_WAVELENGTH, 8, 1, "laser.wavelength: ramp"},
	{SOURCE(ramp_speed_default), FAKE_WAVELENGTH, 8, 1, "laser.wavelength: ramp"},
	{SOURCE(run_in_min), FAKE_WAVELENGTH, 8, UINT64_MAX, "laser.wavelength: ramp"},
	{SOURCE(run_in_ns), FAKE_WAVELENGTH, 8, UINT64_MAX, "laser.wavelength: ramp"},
	{SOURCE(flyback_speed), FAKE_WAVELENGTH, 8, 0, "laser.wavelength: ramp"},
	{SOURCE(modes), FAKE_HEATER, 2, ETALON_HW_MODE_RAMP, "h1: ramp"},
	{SOURCE(readback[0]), FAKE_TEC, 2, ETALON_HW_NO_CHANNEL, "tec1: has mode WAIT"},
	{SOURCE(compliance_default), FAKE_HEATER, 8, 5, "h1: compliance"},
	{SOURCE(noise), FAKE_HEATER, 8, UINT64_MAX, "h1: noise"},
	{DETECTOR(name), FAKE_PD2, 1, 0xff, "detector 1: its name"},
	{DETECTOR(name[2]), FAKE_PD2, 1, '1', "two detectors named pd1"},
	{DETECTOR(kind), FAKE_PD2, 2, 0, "pd2: kind"},
	{DETECTOR(kind), FAKE_PD2, 2, 6, "pd2: kind"},
	{DETECTOR(role), FAKE_PD2, 2, 9, "pd2: role"},
	{DETECTOR(role), FAKE_PD2, 2, ETALON_HW_ROLE_WAVELENGTH_LOG, "pd2: logs wavelength"},
	{DETECTOR(source), FAKE_PD2, 2, FAKE_SOURCES, "pd2: source"},
	{DETECTOR(range_first), FAKE_PD2, 2, 60000, "pd2: its ranges lie outside"},
	{DETECTOR(range_count), FAKE_PD2, 2, 0, "pd2: range_count"},
	{DETECTOR(range_count), FAKE_PD2, 2, 9, "pd2: range_count"},
	{DETECTOR(range_default), FAKE_PD2, 2, 3, "pd2: range_default"},
	{DETECTOR(systematic_fm), FAKE_WLOG, 8, UINT64_MAX, "wlog: an uncertainty"},
	{RANGE(name), 1, 16, 0, "the name of range 1"},
	{RANGE(name), 1, 1, 0, "the name of range 1"},
	{RANGE(full_scale), 0, 8, 0, "full_scale"},
	{RANGE(full_scale), 1, 8, 1ULL << 60, "less sensitive"},
	{RANGE(step_q16), 1, 8, 0, "step_q16"},
	{RANGE(step_q16), 1, 8, UINT64_MAX, "step_q16"},
	{RANGE(offset), 1, 8, 1ULL << 63, "offset"},
	{RANGE(bandwidth_mhz), 1, 8, 0, "bandwidth_mhz"},
	{RANGE(group_delay_ns), 1, 8, UINT64_MAX, "too long"},
	{RANGE(aperture_min_ns), 1, 8, UINT64_MAX, "too long"},
	{RANGE(noise_density_e3), 1, 8, UINT64_MAX, "noise_density_e3"},
	{RANGE(calibration_first), 1, 4, UINT32_MAX, "calibration lies outside"},
	{RANGE(calibration_count), 1, 4, UINT32_MAX, "calibration lies outside"},
	{RANGE(calibration_count), 1, 4, 0, "has no calibration"},
	{POINT(wavelength_fm), 3, 8, 1, "do not rise"},
	{POINT(wavelength_fm), 3, 8, UINT64_MAX, "negative"},
	{POINT(responsivity_na_per_w), 3, 8, 0, "responsivity"},
	{POINT(responsivity_na_per_w), 3, 8, UINT64_MAX, "responsivity"},
	{POINT(gain_ppb), 3, 8, 1ULL << 40, "gain"},
	{POINT(gain_ppb), 3, 8, (uint64_t)-1000000000LL, "gain"},
	{POINT(offset), 3, 8, 1ULL << 63, "offset"},
};

static unsigned char *place_of(unsigned char *raw, size_t i)
{
	const struct etalon_hw_description *h = (const void *)raw;
	size_t row = lies[i].row, at = lies[i].at;

	switch (lies[i].place) {
	case IN_SOURCE:
		return raw + h->source_offset + row * sizeof(struct etalon_hw_source) + at;
	case IN_DETECTOR:
		return raw + h->detector_offset + row * sizeof(struct etalon_hw_detector) + at;
	case IN_RANGE:
		return raw + h->range_offset + row * sizeof(struct etalon_hw_range) + at;
	case IN_CALIBRATION:
		return raw + h->calibration_offset +
		       row * sizeof(struct etalon_hw_calibration_point) + at;
	default:
		return raw + at;
	}
}

START_TEST(a_lying_field_is_refused_by_name)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_free_ unsigned char *raw = NULL;
	_cleanup_free_ char *message = NULL;
	const struct etalon_hw_description *h;
	size_t size;

	raw = window(&size);
	if (lies[_i].size > 8)
		memset(place_of(raw, (size_t)_i), 'x', lies[_i].size);
	else
		memcpy(place_of(raw, (size_t)_i), &lies[_i].value, lies[_i].size);
	h = (const void *)raw;
	if (h->size <= size && h->size >= sizeof(*h))
		seal(raw);
	ck_assert_msg(description_parse(raw, size, &d, &message) == -EBADMSG, "lie %d: %s", _i,
		      lies[_i].message);
	ck_assert_ptr_null(d);
	ck_assert_msg(message && strstr(message, lies[_i].message), "lie %d: %s is not in: %s", _i,
		      lies[_i].message, message ? message : "(no message)");
}
END_TEST

START_TEST(overlapping_tables_are_refused)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_free_ unsigned char *raw = NULL;
	_cleanup_free_ char *message = NULL;
	struct etalon_hw_description *h;
	size_t size;

	raw = window(&size);
	h = (void *)raw;
	h->detector_offset = h->source_offset + 8;
	seal(raw);
	ck_assert_int_eq(description_parse(raw, size, &d, &message), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(message, "overlap"));
}
END_TEST

START_TEST(a_flipped_bit_is_found)
{
	size_t size;

	for (size_t bit = 0; bit < 4096 * 8; bit += 97) {
		_cleanup_(description_freep) struct description *d = NULL;
		_cleanup_free_ unsigned char *raw = window(&size);

		raw[bit / 8 % size] ^= (unsigned char)(1U << bit % 8);
		ck_assert_int_eq(description_parse(raw, size, &d, NULL), -EBADMSG);
	}
}
END_TEST

START_TEST(a_window_cut_anywhere_is_refused)
{
	_cleanup_free_ unsigned char *raw = NULL;
	size_t size;

	raw = window(&size);
	for (size_t cut = 0; cut < size; cut += cut < 400 ? 1 : 61) {
		_cleanup_(description_freep) struct description *d = NULL;
		_cleanup_free_ unsigned char *exact = malloc(cut + 1); /* ASan sees the end */

		memcpy(exact, raw, cut);
		ck_assert_int_eq(description_parse(exact, cut, &d, NULL), -EBADMSG);
	}
}
END_TEST

START_TEST(a_stride_holds_its_samples)
{
	ck_assert_uint_eq(record_stride(0), ETALON_HW_STRIDE_MIN);
	ck_assert_uint_eq(record_stride(5), ETALON_HW_STRIDE_MIN);
	ck_assert_uint_eq(record_stride(6), 136);
	for (unsigned int n = 0; n <= ETALON_HW_PROGRAM_DETECTORS_MAX; n++) {
		ck_assert_uint_eq(record_stride(n) % 8, 0);
		ck_assert_uint_ge(record_stride(n), sizeof(struct etalon_hw_record_point) +
							    n * sizeof(struct etalon_hw_sample));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("description");
	TCase *tc = tcase_create("description");

	tcase_add_test(tc, the_reference_board_is_believed);
	tcase_add_test(tc, the_tables_are_a_copy);
	tcase_add_loop_test(tc, ranges_are_found_as_people_write_them, 0,
			    (int)ARRAY_SIZE(range_texts));
	tcase_add_loop_test(tc, a_lying_field_is_refused_by_name, 0, (int)ARRAY_SIZE(lies));
	tcase_add_test(tc, overlapping_tables_are_refused);
	tcase_add_test(tc, a_flipped_bit_is_found);
	tcase_add_test(tc, a_window_cut_anywhere_is_refused);
	tcase_add_test(tc, a_stride_holds_its_samples);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
