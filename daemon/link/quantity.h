/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contract's integers as people write them, by the kind of their channel: "1540 nm",
 * "0 dBm", "20 nm/s". Layer: link, above base/quantity.h, which knows units but no channels.
 */
#ifndef ETALON_LINK_QUANTITY_H
#define ETALON_LINK_QUANTITY_H

#include "base/quantity.h"

/* A value on the scale of a source's or detector's kind: 0 uK is -273.15 C, 1e12 fW is 0 dBm. */
struct quantity_text source_quantity(unsigned int kind, int64_t value);
struct quantity_text detector_quantity(unsigned int kind, int64_t value);
/* A distance on that scale: 1000 uK is 1 mK, 1e12 fW is 1 mW. */
struct quantity_text source_distance(unsigned int kind, int64_t value);
struct quantity_text source_speed(unsigned int kind, int64_t value_per_s);
struct quantity_text duration_quantity(uint64_t ns);

#endif
