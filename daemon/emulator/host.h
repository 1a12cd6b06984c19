/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a board on PCIe reaches of its host: memory by bus address, and interrupt messages. Layer:
 * emulator, below the board model; a front end (or a unit test) implements it.
 */
#ifndef ETALON_EMULATOR_HOST_H
#define ETALON_EMULATOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_bus {
	/*
	 * `size` bytes from a bus address on; NULL when they are not all mapped, in one piece and for this
	 * use. Addresses are the host's word: any value may come. Valid until the call that asked returns.
	 */
	void *(*memory)(void *userdata, uint64_t address, size_t size, bool write);
	/* False: the host has not enabled the board to start transfers or send messages. */
	bool (*master)(void *userdata);
	/* Interrupt messages: bit n is message number n. */
	void (*interrupt)(void *userdata, uint32_t messages);
	void *userdata;
};

/* Across whatever pieces the memory is made of; -EFAULT when a byte of it is missing. */
int host_read(const struct host_bus *host, uint64_t address, void *data, size_t size);
int host_write(const struct host_bus *host, uint64_t address, const void *data, size_t size);

#endif
