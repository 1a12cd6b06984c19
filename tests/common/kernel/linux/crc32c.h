/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ../README. The kernel's crc32c() inverts nothing. */
#ifndef SHIM_LINUX_CRC32C_H
#define SHIM_LINUX_CRC32C_H

#include <linux/types.h>
#include <stddef.h>

static inline __u32 crc32c(__u32 crc, const void *data, size_t bytes)
{
	const unsigned char *p = (const unsigned char *)data;

	while (bytes--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
	}
	return crc;
}

#endif
