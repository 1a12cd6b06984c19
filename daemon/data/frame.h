/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bulk form of a table: one memory file, columns one after another. Layer: data.
 *
 * Run.GetData returns it as a sealed memfd; the analysis worker takes the same. All
 * numbers little-endian, every column aligned to 64 bytes:
 *
 *   struct frame_header, column_count x struct frame_column, meta (JSON, UTF-8, no
 *   terminator), then the columns' data.
 *
 * Rows are points in order of execution. A reader must check total_size, offsets and
 * counts before use: frame_to_table() does.
 */
#ifndef ETALON_DATA_FRAME_H
#define ETALON_DATA_FRAME_H

#include "data/table.h"

#define FRAME_MAGIC "ETLFRM1" /* with the terminator: 8 bytes */
#define FRAME_MAX_BYTES (64ULL << 20) /* of column data in one GetData */

struct frame_header {
	char magic[8];
	uint32_t header_size; /* bytes, sizeof(struct frame_header) */
	uint32_t column_size; /* bytes, sizeof(struct frame_column) */
	uint32_t column_count;
	uint32_t reserved; /* 0 */
	uint64_t rows;
	uint64_t first_point; /* number of the first row's point in the run */
	uint64_t stride;      /* every stride-th point is present, >= 1 */
	uint64_t meta_offset; /* bytes from the start of the file */
	uint64_t meta_size;
	uint64_t total_size;
};

struct frame_column {
	char name[TABLE_NAME_MAX];
	char unit[TABLE_UNIT_MAX];
	uint32_t type; /* enum column_type */
	uint32_t reserved; /* 0 */
	uint64_t offset;   /* bytes from the start of the file */
};

/* Bits of the columns named "flags" (of the point) and "<channel>.flags". */
#define FRAME_POINT_UNSETTLED (1U << 0)
#define FRAME_POINT_RUN_IN (1U << 1)
#define FRAME_POINT_WAVELENGTH_INVALID (1U << 2)
#define FRAME_POINT_MODE_HOP (1U << 3)
#define FRAME_POINT_GATE_CLOSED (1U << 4)
#define FRAME_POINT_EMISSION_OFF (1U << 5)
#define FRAME_POINT_COMPLIANCE (1U << 6)
#define FRAME_POINT_CLAMP (1U << 7)
#define FRAME_POINT_TRIGGER_MISSED (1U << 8)
#define FRAME_POINT_COMPARATOR (1U << 9)
#define FRAME_POINT_INTERLOCK (1U << 10)
#define FRAME_POINT_REVERSE (1U << 11) /* taken while the innermost axis ran backwards */
#define FRAME_CHANNEL_SATURATED (1U << 16)
#define FRAME_CHANNEL_RANGE_SWITCHED (1U << 17)
#define FRAME_CHANNEL_SETTLING (1U << 18)
#define FRAME_CHANNEL_OVERLOAD_RECOVERY (1U << 19)
#define FRAME_CHANNEL_STALE (1U << 20)
#define FRAME_CHANNEL_INVALID (1U << 21)
#define FRAME_CHANNEL_BELOW_FLOOR (1U << 22) /* |value| below 3 sigma of the dark reading */

/*
 * A frame under construction: a mapped memfd whose columns the caller fills.
 * columns[].name/unit/type must be set; meta may be NULL.
 */
struct frame_builder {
	int fd;
	void *map;
	size_t size;
};

/* `columns` gives name, unit and type; on success columns[i].f64/u32 point into the mapping. */
int frame_begin(struct frame_builder *builder, struct table_column *columns, size_t column_count,
		uint64_t rows, uint64_t first_point, uint64_t stride, const char *meta_json);
/*
 * Unmaps, seals against every change and returns the fd, or negative errno: -EBUSY when pages stayed
 * pinned for seconds.
 */
int frame_finish(struct frame_builder *builder);
void frame_abandon(struct frame_builder *builder);

/*
 * Maps a frame privately and checks it. The table's columns point into the mapping
 * (do not write to them if fd is shared with others). Neither takes nor closes fd.
 * -EBADMSG with a message when the frame is not well-formed.
 */
int frame_to_table(int fd, struct table **ret_table, char **ret_message);
/* A table as a sealed memfd. */
int table_to_frame(const struct table *table);

#endif
