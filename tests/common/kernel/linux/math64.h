/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ../README. */
#ifndef SHIM_LINUX_MATH64_H
#define SHIM_LINUX_MATH64_H

#include <linux/types.h>

static inline __u64 div_u64_rem(__u64 dividend, __u32 divisor, __u32 *remainder)
{
	*remainder = (__u32)(dividend % divisor);
	return dividend / divisor;
}

static inline __u64 div_u64(__u64 dividend, __u32 divisor)
{
	return dividend / divisor;
}

static inline __u64 div64_u64(__u64 dividend, __u64 divisor)
{
	return dividend / divisor;
}

static inline __u64 div64_u64_rem(__u64 dividend, __u64 divisor, __u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

#endif
