// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Transfers to and from host memory. See host.h.
 */
#include "emulator/host.h"

#include <errno.h>

#include "base/util.h"

#define PIECE 4096 /* no host maps less: a piece that crosses no such border is whole or absent */

static size_t piece_at(uint64_t address, size_t left)
{
	return MIN(left, (size_t)(PIECE - address % PIECE));
}

int host_read(const struct host_bus *host, uint64_t address, void *data, size_t size)
{
	uint8_t *to = data;

	while (size) {
		const size_t piece = piece_at(address, size);
		const void *from = host->memory(host->userdata, address, piece, false);

		if (!from)
			return -EFAULT;
		memcpy(to, from, piece);
		to += piece;
		address += piece;
		size -= piece;
	}
	return 0;
}

int host_write(const struct host_bus *host, uint64_t address, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size) {
		const size_t piece = piece_at(address, size);
		void *to = host->memory(host->userdata, address, piece, true);

		if (!to)
			return -EFAULT;
		memcpy(to, from, piece);
		from += piece;
		address += piece;
		size -= piece;
	}
	return 0;
}
