// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The base helpers: CRC-32C against the vectors of RFC 3720 B.4, setpoints against the
 * contract's rule, messages, whole reads.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "hw.h"
#include "run_suite.h"

START_TEST(crc32c_matches_the_vectors_of_rfc_3720)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned int i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aa);
	ck_assert_uint_eq(crc32c(0, ones, 32), 0x62a8ab43);
	ck_assert_uint_eq(crc32c(0, up, 32), 0x46dd794e);
	ck_assert_uint_eq(crc32c(0, down, 32), 0x113fdb5c);
}
END_TEST

START_TEST(crc32c_of_pieces_is_the_crc_of_the_whole)
{
	uint8_t data[1000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 131 + 7);
	for (size_t cut = 0; cut <= sizeof(data); cut += 37)
		ck_assert_uint_eq(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut),
				  crc32c(0, data, sizeof(data)));
}
END_TEST

static const struct {
	int64_t start, stop;
	uint32_t points;
} ramps[] = {
	{1540000000, 1560000000, 20001},
	{1560000000, 1540000000, 20001},
	{0, 10, 4},
	{10, 0, 4},
	{-5, 5, 3},
	{7, 7, 9},
	{0, INT64_MAX, 0x7fffffff},
	{INT64_MAX / 2, INT64_MIN / 2 + 2, 0x7fffffff},
	{3, 999, 2},
	{42, 43, 1},
};

START_TEST(setpoints_reach_both_ends_and_never_step_back)
{
	int64_t start = ramps[_i].start, stop = ramps[_i].stop;
	uint32_t n = ramps[_i].points, step = n / 1000 + 1;
	int64_t last = start;

	ck_assert_int_eq(etalon_hw_setpoint(start, stop, n, 0), start);
	if (n > 1)
		ck_assert_int_eq(etalon_hw_setpoint(start, stop, n, n - 1), stop);
	for (uint32_t i = 0; i < n - 1; i += step) {
		int64_t value = etalon_hw_setpoint(start, stop, n, i);
		/* 128-bit arithmetic as the independent truth, to one unit of truncation */
		__int128 exact = ((__int128)stop - start) * i / (n - 1) + start;

		ck_assert(value - (int64_t)exact <= 1 && (int64_t)exact - value <= 1);
		ck_assert(stop >= start ? value >= last : value <= last);
		last = value;
	}
}
END_TEST

START_TEST(sums_and_products_stop_at_the_most_there_is)
{
	ck_assert_uint_eq(sum_or_max(2, 3), 5);
	ck_assert_uint_eq(sum_or_max(UINT64_MAX - 1, 1), UINT64_MAX);
	ck_assert_uint_eq(sum_or_max(UINT64_MAX, 1), UINT64_MAX);
	ck_assert_uint_eq(product_or_max(2, 3), 6);
	ck_assert_uint_eq(product_or_max(UINT64_C(1) << 32, UINT64_C(1) << 32), UINT64_MAX);
	ck_assert_uint_eq(product_or_max(UINT64_MAX, 0), 0);
}
END_TEST

START_TEST(fail_sets_the_message_and_returns_the_error)
{
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(fail(&message, -ERANGE, "%d is above %d", 7, 5), -ERANGE);
	ck_assert_str_eq(message, "7 is above 5");
	ck_assert_int_eq(fail(NULL, -EINVAL, "unheard"), -EINVAL);
}
END_TEST

START_TEST(read_all_tells_a_short_stream_from_a_whole_one)
{
	int pair[2];
	char buffer[8];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write_all(pair[0], "12345678", 8), 0);
	ck_assert_int_eq(read_all(pair[1], buffer, 8), 0);
	ck_assert_mem_eq(buffer, "12345678", 8);
	ck_assert_int_eq(write_all(pair[0], "123", 3), 0);
	close(pair[0]);
	ck_assert_int_eq(read_all(pair[1], buffer, 8), -ECONNRESET);
	close(pair[1]);
}
END_TEST

static Suite *base_suite(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_test(t, crc32c_matches_the_vectors_of_rfc_3720);
	tcase_add_test(t, crc32c_of_pieces_is_the_crc_of_the_whole);
	tcase_add_loop_test(t, setpoints_reach_both_ends_and_never_step_back, 0, ARRAY_SIZE(ramps));
	tcase_add_test(t, sums_and_products_stop_at_the_most_there_is);
	tcase_add_test(t, fail_sets_the_message_and_returns_the_error);
	tcase_add_test(t, read_all_tells_a_short_stream_from_a_whole_one);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(base_suite());
}
