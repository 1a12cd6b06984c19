/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Products of two 64-bit numbers: compared, and divided again. Kernels have no 128-bit division,
 * and some have no 128-bit type. Pure; also compiled in user space.
 */
#ifndef ETALON_WIDE_H
#define ETALON_WIDE_H

#include <linux/types.h>

struct etalon_wide {
	__u64 high;
	__u64 low;
};

static inline struct etalon_wide etalon_wide_multiply(__u64 a, __u64 b)
{
	__u64 a0 = (__u32)a, a1 = a >> 32, b0 = (__u32)b, b1 = b >> 32;
	__u64 middle = a1 * b0 + (a0 * b0 >> 32); /* at most 2^64 - 2^32 */
	__u64 carry = a0 * b1 + (__u32)middle;

	return (struct etalon_wide){
		.high = a1 * b1 + (middle >> 32) + (carry >> 32),
		.low = carry << 32 | (__u32)(a0 * b0),
	};
}

/* As memcmp(). */
static inline int etalon_wide_compare(struct etalon_wide a, struct etalon_wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return 0;
}

/* a x b / c, rounded up; all ones when that is too much for 64 bits or c is 0. */
static inline __u64 etalon_wide_multiply_divide_up(__u64 a, __u64 b, __u64 c)
{
	struct etalon_wide product = etalon_wide_multiply(a, b);
	__u64 quotient = 0, rest = product.high;
	int bit;

	if (rest >= c)
		return ~0ULL;
	for (bit = 63; bit >= 0; bit--) {
		__u64 out = rest >> 63;

		rest = rest << 1 | (product.low >> bit & 1);
		quotient <<= 1;
		if (out || rest >= c) {
			rest -= c;
			quotient |= 1;
		}
	}
	return rest && quotient != ~0ULL ? quotient + 1 : quotient;
}

#endif
