// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The driver's check of a description: the reference board passes, and each lie is found and named.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../../kmod/description.h"
#include "../common/erb1_board.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

/* A copy that tests may damage, in memory of exactly its size. */
struct blob {
	unsigned char *bytes;
	uint32_t size;
};

static struct etalon_hw_description *head(const struct blob *b)
{
	return (void *)b->bytes;
}

static struct blob take_blob(void)
{
	struct description *d = erb1_board();
	struct blob b = {malloc(d->raw_size), (uint32_t)d->raw_size};

	ck_assert_ptr_nonnull(b.bytes);
	memcpy(b.bytes, d->raw, b.size);
	description_free(d);
	return b;
}

static void seal(const struct blob *b)
{
	head(b)->crc = 0;
	head(b)->crc = crc32c(0, b->bytes, b->size);
}

static int check(const struct blob *b, struct etalon_description_view *ret,
		 struct etalon_description_fault *fault)
{
	*fault = (struct etalon_description_fault){0};
	return etalon_description_check(b->bytes, b->size, ret, fault);
}

START_TEST(the_reference_board_passes)
{
	struct blob b = take_blob();
	struct etalon_description_view view;
	struct etalon_description_fault fault;

	ck_assert_msg(check(&b, &view, &fault) == 0, "%s %u: %s", fault.table, fault.number,
		      fault.what);
	ck_assert_str_eq(view.source[0].name, "laser.wavelength");
	ck_assert_str_eq(view.detector[0].name, "pd1");
	ck_assert_str_eq(etalon_description_range(&view, 0, 1)->name, "100 uA");
	ck_assert_uint_eq(etalon_record_stride(1), 128);
	ck_assert_uint_eq(etalon_record_stride(4), 128);
	ck_assert_uint_eq(etalon_record_stride(32), 448);
	free(b.bytes);
}
END_TEST

enum where { HEAD, SOURCE, DETECTOR, RANGE };

#define HEAD_AT(field) HEAD, offsetof(struct etalon_hw_description, field)
#define SOURCE_AT(field) SOURCE, offsetof(struct etalon_hw_source, field)
#define DETECTOR_AT(field) DETECTOR, offsetof(struct etalon_hw_detector, field)
#define RANGE_AT(field) RANGE, offsetof(struct etalon_hw_range, field)

static const struct {
	enum where where;
	size_t at;
	size_t width;
	uint64_t value;
	const char *table, *what;
} lies[] = {
	{HEAD_AT(magic), 4, 0, "", "wrong magic"},
	{HEAD_AT(version), 4, 0x20000, "", "made for another version of the contract"},
	{HEAD_AT(size), 4, 400, "", "size is not what the register says"},
	{HEAD_AT(model), 1, '\n', "", "model is no text"},
	{HEAD_AT(serial), 1, 0, "", "serial is no text"},
	{HEAD_AT(source_count), 4, 65, "", "too many sources"},
	{HEAD_AT(source_count), 4, UINT32_MAX, "", "too many sources"},
	{HEAD_AT(detector_count), 4, 0, "", "no detector, or too many"},
	{HEAD_AT(detector_count), 4, UINT32_MAX, "", "no detector, or too many"},
	{HEAD_AT(source_offset), 4, 8, "", "source table outside"},
	{HEAD_AT(source_offset), 4, UINT32_MAX - 7, "", "source table outside"},
	{HEAD_AT(detector_offset), 4, 0x10000, "", "detector table outside"},
	{HEAD_AT(range_count), 4, UINT32_MAX, "", "range table outside"},
	{HEAD_AT(range_offset), 4, 1001, "", "range table outside"},
	{HEAD_AT(calibration_count), 4, 1U << 27, "", "calibration table outside"},
	{HEAD_AT(tick_ps), 4, 0, "", "tick_ps"},
	{HEAD_AT(list_points_max), 4, UINT32_MAX, "", "list_points_max"},
	{HEAD_AT(aux_lines), 4, 33, "", "aux_lines"},
	{HEAD_AT(period_min_ns), 4, 0, "", "period_min_ns"},
	{HEAD_AT(watchdog_min_ns), 4, UINT32_MAX, "", "watchdog limits"},
	{HEAD_AT(emission_delay_ns), 8, UINT64_MAX, "", "emission_delay_ns"},
	{HEAD_AT(comparators), 4, 5, "", "comparators"},
	{SOURCE_AT(name), 1, 'A', "source", "name"},
	{SOURCE_AT(kind), 2, 9, "source", "kind"},
	{SOURCE_AT(modes), 2, 0x10, "source", "modes"},
	{SOURCE_AT(emits), 1, 2, "source", "emits or is_gate"},
	{SOURCE_AT(is_gate), 1, 1, "source", "gate is no selector"},
	{SOURCE_AT(safe_action), 1, 3, "source", "safe_action"},
	{SOURCE_AT(safe_action), 1, 0, "source", "emits, and its safe action is to hold"},
	{SOURCE_AT(gate), 2, 64, "source", "gate"},
	{SOURCE_AT(gate), 2, 0, "source", "gate"},
	{SOURCE_AT(belongs_to), 2, 0xfffe, "source", "belongs_to"},
	{SOURCE_AT(readback), 2, 128, "source", "readback"},
	{SOURCE_AT(min), 8, INT64_MAX, "source", "min and max"},
	{SOURCE_AT(min), 8, 1ULL << 63, "source", "min and max"},
	{SOURCE_AT(resolution), 8, 0, "source", "resolution"},
	{SOURCE_AT(resolution), 8, UINT64_MAX, "source", "resolution"},
	{SOURCE_AT(ramp_speed_min), 8, 0, "source", "ramp speeds, run-in or fly-back"},
	{SOURCE_AT(run_in_min), 8, UINT64_MAX, "source", "ramp speeds, run-in or fly-back"},
	{SOURCE_AT(run_in_ns), 8, UINT64_MAX, "source", "ramp speeds, run-in or fly-back"},
	{SOURCE_AT(compliance_min), 8, 1, "source", "compliance limits"},
	{DETECTOR_AT(kind), 2, 0, "detector", "kind"},
	{DETECTOR_AT(role), 2, 9, "detector", "role"},
	{DETECTOR_AT(source), 2, 64, "detector", "source"},
	{DETECTOR_AT(range_count), 2, 0, "detector", "range_count"},
	{DETECTOR_AT(range_count), 2, 9, "detector", "range_count"},
	{DETECTOR_AT(range_first), 2, 0xffff, "detector", "ranges outside the table"},
	{DETECTOR_AT(range_default), 2, 8, "detector", "range_default"},
	{RANGE_AT(full_scale), 8, 0, "range", "full_scale"},
	{RANGE_AT(step_q16), 8, 0, "range", "step_q16"},
	{RANGE_AT(offset), 8, 1ULL << 62, "range", "offset"},
	{RANGE_AT(aperture_min_ns), 8, UINT64_MAX, "range", "settle_ns or aperture_min_ns"},
	{RANGE_AT(calibration_first), 4, UINT32_MAX, "range", "calibration outside the table"},
	{RANGE_AT(calibration_count), 4, UINT32_MAX, "range", "calibration outside the table"},
};

static size_t base_of(const struct blob *b, enum where where)
{
	switch (where) {
	case SOURCE:
		return head(b)->source_offset;
	case DETECTOR:
		return head(b)->detector_offset;
	case RANGE:
		return head(b)->range_offset;
	default:
		return 0;
	}
}

START_TEST(each_lie_is_found_and_named)
{
	struct blob b = take_blob();
	struct etalon_description_view view;
	struct etalon_description_fault fault;

	memcpy(b.bytes + base_of(&b, lies[_i].where) + lies[_i].at, &lies[_i].value,
	       lies[_i].width);
	seal(&b);
	ck_assert_int_eq(check(&b, &view, &fault), -EBADMSG);
	ck_assert_str_eq(fault.what, lies[_i].what);
	ck_assert_str_eq(fault.table, lies[_i].table);
	ck_assert_uint_eq(fault.number, 0);
	free(b.bytes);
}
END_TEST

START_TEST(a_flipped_bit_is_a_wrong_crc)
{
	struct blob b = take_blob();
	struct etalon_description_view view;
	struct etalon_description_fault fault;

	b.bytes[b.size - 1] ^= 0x10;
	ck_assert_int_eq(check(&b, &view, &fault), -EBADMSG);
	ck_assert_str_eq(fault.what, "wrong CRC");
	free(b.bytes);
}
END_TEST

START_TEST(nothing_beyond_a_short_answer_is_read)
{
	struct blob b = take_blob();
	struct etalon_description_view view;
	struct etalon_description_fault fault;

	for (uint32_t size = 0; size < b.size; size += 7) {
		struct blob part = {malloc(size + 1), size};

		memcpy(part.bytes, b.bytes, size);
		ck_assert_int_eq(check(&part, &view, &fault), -EBADMSG);
		free(part.bytes);
	}
	free(b.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kmod description");
	TCase *tc = tcase_create("description");

	tcase_add_test(tc, the_reference_board_passes);
	tcase_add_loop_test(tc, each_lie_is_found_and_named, 0, ARRAY_SIZE(lies));
	tcase_add_test(tc, a_flipped_bit_is_a_wrong_crc);
	tcase_add_test(tc, nothing_beyond_a_short_answer_is_read);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
