/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of a gpiochip, found by name: bit n is the line "<prefix>n". Layer: link, below kernel_lines.c. One
 * struct, so that tests can put lines of their own in their place. Negative errno everywhere.
 */
#ifndef ETALON_LINK_LINES_H
#define ETALON_LINK_LINES_H

#include <stdint.h>

#define LINES_MAX 32

struct lines;

struct lines_calls {
	/* All become inputs. -ENOENT: no chip has them all; -EACCES: it is not ours; -EBUSY: somebody else has them. */
	int (*open)(const char *prefix, unsigned int count, struct lines **ret);
	void (*close)(struct lines *lines);
	/* Bits of `outputs` become outputs that begin with their bit of `values`, the others inputs. */
	int (*direction)(struct lines *lines, uint32_t outputs, uint32_t values);
	/* Of outputs only. */
	int (*set)(struct lines *lines, uint32_t mask, uint32_t values);
	int (*get)(struct lines *lines, uint32_t *ret_values);
	/* Readable when inputs have changed. */
	int (*fd)(struct lines *lines);
	/* Which of them have since the last call; brings their bits of *values up to date. */
	int (*edges)(struct lines *lines, uint32_t *ret_edges, uint32_t *values);
};

/* Through libgpiod. */
extern const struct lines_calls lines_calls_system;

#endif
