/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contract's integers as people write them: "1540 nm", "0 dBm", "20 nm/s", "40 us".
 * Layer: link. For messages and summaries only: nothing here is parsed again.
 */
#ifndef ETALON_LINK_QUANTITY_H
#define ETALON_LINK_QUANTITY_H

#include <stdint.h>

struct quantity {
	char text[48];
};

/* A value on the scale of a source's or detector's kind: 0 uK is -273.15 C, 1e12 fW is 0 dBm. */
struct quantity source_quantity(unsigned int kind, int64_t value);
struct quantity detector_quantity(unsigned int kind, int64_t value);
/* A distance on that scale: 1000 uK is 1 mK, 1e12 fW is 1 mW. */
struct quantity source_distance(unsigned int kind, int64_t value);
struct quantity source_speed(unsigned int kind, int64_t value_per_s);
struct quantity duration_quantity(uint64_t ns);
/* 20001 -> "20 001" */
struct quantity count_quantity(uint64_t count);

#endif
