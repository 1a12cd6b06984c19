/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows on their way into a frame: some thousand in the processor's cache, then written to the
 * frame's file. Private to this folder.
 */
#ifndef ETALON_STORE_STRIP_H
#define ETALON_STORE_STRIP_H

#include "data/frame.h"
#include "store/extract.h"

struct strip;

/*
 * columns[0..visible) lie in the frame, the others in memory of their own; all have room for the
 * rows that are added. Both columns and builder must outlive the strip.
 */
int strip_new(const struct frame_builder *builder, const struct table_column *columns,
	      const struct rule *rules, size_t visible, size_t count, struct strip **ret);
void strip_free(struct strip *strip);
void strip_add(struct strip *strip, const struct sheet *sheet, const struct tile *tile);
/* Writes what is left: rows written in all, or negative errno of any write. */
int64_t strip_finish(struct strip *strip);

#endif
