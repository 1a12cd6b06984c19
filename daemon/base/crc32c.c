// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), by the processor's
 * instruction where there is one and by a table elsewhere.
 */
#include "base/util.h"

#include <pthread.h>

#define CRC32C_POLYNOMIAL_REFLECTED 0x82f63b78U

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? (c >> 1) ^ CRC32C_POLYNOMIAL_REFLECTED : c >> 1;
		table[i] = c;
	}
}

static uint32_t crc_by_table(uint32_t crc, const uint8_t *p, size_t size)
{
	pthread_once(&table_once, table_fill);
	while (size--)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_by_cpu(uint32_t crc, const uint8_t *p,
							     size_t size)
{
	uint64_t wide = crc;

	for (; size >= 8; size -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	while (size--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

static bool cpu_can(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t crc_by_cpu(uint32_t crc, const uint8_t *p, size_t size)
{
	return crc_by_table(crc, p, size);
}

static bool cpu_can(void)
{
	return false;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
	crc = ~crc;
	return ~(cpu_can() ? crc_by_cpu(crc, data, size) : crc_by_table(crc, data, size));
}
