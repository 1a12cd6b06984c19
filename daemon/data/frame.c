// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The bulk form of a table: builds sealed memory files and reads them back after
 * checking every size and offset, since a frame may come from another process.
 * Does not decide which rows or columns a frame holds. Layer: data.
 */
#include "data/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define COLUMN_ALIGN 64ULL
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define SEAL_TRIES 20 /* of which each waits 0.15 s in the kernel */
#define SEAL_PAUSE_US 10000
#define COLUMNS_MAX 4096U
#define META_MAX_BYTES (16ULL << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are little-endian");
_Static_assert(sizeof(struct frame_header) == 72, "frame_header has no padding");
_Static_assert(sizeof(struct frame_column) == 96, "frame_column has no padding");

/* 0 for a type that does not exist. */
static uint64_t element_size(uint32_t type)
{
	return type == COLUMN_F64 ? sizeof(double) : type == COLUMN_U32 ? sizeof(uint32_t) : 0;
}

static bool align_up(uint64_t *offset)
{
	if (__builtin_add_overflow(*offset, COLUMN_ALIGN - 1, offset))
		return false;
	*offset &= ~(COLUMN_ALIGN - 1);
	return true;
}

/* *end = start + rows * size of type, false when that is not a 64-bit number. */
static bool column_end(uint64_t start, uint64_t rows, uint32_t type, uint64_t *end)
{
	uint64_t bytes;

	return !__builtin_mul_overflow(rows, element_size(type), &bytes) &&
	       !__builtin_add_overflow(start, bytes, end);
}

/* ---- building ---- */

static bool text_fits(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Fills offsets; returns the size of the whole frame or 0 when it is not possible. */
static uint64_t lay_out(struct frame_column *out, const struct table_column *columns, size_t count,
			uint64_t rows, uint64_t offset)
{
	for (size_t i = 0; i < count; i++) {
		if (element_size(columns[i].type) == 0 || columns[i].name[0] == '\0' ||
		    !text_fits(columns[i].name, sizeof(columns[i].name)) ||
		    !text_fits(columns[i].unit, sizeof(columns[i].unit)))
			return 0;
		/* strncpy on purpose: it clears the rest of the fixed fields. */
		strncpy(out[i].name, columns[i].name, sizeof(out[i].name) - 1);
		strncpy(out[i].unit, columns[i].unit, sizeof(out[i].unit) - 1);
		out[i].type = columns[i].type;
		if (!align_up(&offset))
			return 0;
		out[i].offset = offset;
		if (!column_end(offset, rows, out[i].type, &offset))
			return 0;
	}
	return offset <= INT64_MAX ? offset : 0;
}

static int map_new(struct frame_builder *builder, uint64_t size)
{
	void *map;

	builder->fd = memfd_create("etalon-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (builder->fd < 0)
		return -errno;
	/* Takes the memory now: running out is then an error here, not a SIGBUS later. */
	if (fallocate(builder->fd, 0, 0, (off_t)size) < 0)
		return -errno;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, builder->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	builder->map = map;
	builder->size = size;
	/* A child of another thread would keep it mapped until it executes its program. */
	return madvise(map, size, MADV_DONTFORK) < 0 ? -errno : 0;
}

int frame_begin(struct frame_builder *builder, struct table_column *columns, size_t column_count,
		uint64_t rows, uint64_t first_point, uint64_t stride, const char *meta_json)
{
	_cleanup_free_ struct frame_column *layout = NULL;
	size_t meta_size = meta_json ? strlen(meta_json) : 0;
	struct frame_header header = {
		.magic = FRAME_MAGIC,
		.header_size = sizeof(struct frame_header),
		.column_size = sizeof(struct frame_column),
		.column_count = (uint32_t)column_count,
		.rows = rows,
		.first_point = first_point,
		.stride = stride,
		.meta_size = meta_size,
	};
	int r;

	*builder = (struct frame_builder){.fd = -1};
	if (column_count > COLUMNS_MAX || meta_size > META_MAX_BYTES || stride == 0)
		return -EINVAL;
	layout = calloc(MAX(column_count, (size_t)1), sizeof(*layout));
	if (!layout)
		return -ENOMEM;
	header.meta_offset = sizeof(header) + column_count * sizeof(*layout);
	header.total_size =
		lay_out(layout, columns, column_count, rows, header.meta_offset + meta_size);
	if (header.total_size == 0)
		return -EINVAL;

	r = map_new(builder, header.total_size);
	if (r < 0) {
		frame_abandon(builder);
		return r;
	}
	memcpy(builder->map, &header, sizeof(header));
	memcpy((char *)builder->map + sizeof(header), layout, column_count * sizeof(*layout));
	if (meta_size > 0)
		memcpy((char *)builder->map + header.meta_offset, meta_json, meta_size);
	for (size_t i = 0; i < column_count; i++)
		columns[i].f64 = (void *)((char *)builder->map + layout[i].offset);
	return 0;
}

/*
 * The kernel holds pages of its own accord, while it moves them for instance, and refuses
 * F_SEAL_WRITE with EBUSY when that takes longer than it waits.
 */
static int seal(int fd)
{
	for (int i = 0; i < SEAL_TRIES; i++) {
		if (fcntl(fd, F_ADD_SEALS, SEALS) == 0)
			return 0;
		if (errno != EBUSY)
			return -errno;
		usleep(SEAL_PAUSE_US);
	}
	return -EBUSY;
}

int frame_finish(struct frame_builder *builder)
{
	int r;

	/* A writable mapping would make F_SEAL_WRITE fail. */
	munmap(builder->map, builder->size);
	builder->map = NULL;
	r = seal(builder->fd);
	if (r < 0) {
		frame_abandon(builder);
		return r;
	}
	return take_fd(&builder->fd);
}

void frame_abandon(struct frame_builder *builder)
{
	if (builder->map)
		munmap(builder->map, builder->size);
	closep(&builder->fd);
	*builder = (struct frame_builder){.fd = -1};
}

int table_to_frame(const struct table *table)
{
	_cleanup_free_ struct table_column *columns = NULL;
	_cleanup_free_ char *meta = NULL;
	struct frame_builder builder;
	int r;

	columns = calloc(MAX(table->column_count, (size_t)1), sizeof(*columns));
	meta = json_dumps(table->meta, JSON_COMPACT);
	if (!columns || !meta)
		return -ENOMEM;
	memcpy(columns, table->columns, table->column_count * sizeof(*columns));
	r = frame_begin(&builder, columns, table->column_count, table->rows, 0, 1, meta);
	if (r < 0)
		return r;
	for (size_t i = 0; i < table->column_count && table->rows > 0; i++)
		memcpy(columns[i].f64, table->columns[i].f64,
		       table->rows * element_size(columns[i].type));
	return frame_finish(&builder);
}

/* ---- reading ---- */

/*
 * A file that its owner can still shorten would end a reader with SIGBUS, so only what is
 * sealed against that is mapped; anything else is copied.
 */
static int map_or_copy(int fd, size_t size, void **ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	bool safe = seals >= 0 && (seals & F_SEAL_SHRINK);
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | (safe ? 0 : MAP_ANONYMOUS), safe ? fd : -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	for (size_t done = 0; !safe && done < size;) {
		ssize_t n = pread(fd, (char *)map + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EBADMSG;

			munmap(map, size);
			return r;
		}
		done += (size_t)n;
	}
	*ret = map;
	return 0;
}

static int check_header(const struct frame_header *h, uint64_t size, char **ret_message)
{
	uint64_t headers = sizeof(*h) + (uint64_t)h->column_count * sizeof(struct frame_column);
	uint64_t meta_end;

	if (memcmp(h->magic, FRAME_MAGIC, sizeof(h->magic)) != 0)
		return fail(ret_message, -EBADMSG,
			    "not a data frame: it does not begin with \"%s\"", FRAME_MAGIC);
	if (h->header_size != sizeof(*h) || h->column_size != sizeof(struct frame_column))
		return fail(ret_message, -EBADMSG,
			    "frame with headers of %u and %u bytes; this version reads %zu and %zu",
			    h->header_size, h->column_size, sizeof(*h),
			    sizeof(struct frame_column));
	if (h->total_size != size)
		return fail(ret_message, -EBADMSG,
			    "truncated frame: it says %llu bytes and has %llu",
			    (unsigned long long)h->total_size, (unsigned long long)size);
	if (h->column_count > COLUMNS_MAX || headers > size)
		return fail(ret_message, -EBADMSG,
			    "frame with %u columns in %llu bytes; at most %u are allowed",
			    h->column_count, (unsigned long long)size, COLUMNS_MAX);
	if (h->column_count == 0 && h->rows != 0)
		return fail(ret_message, -EBADMSG, "frame with %llu rows of no columns",
			    (unsigned long long)h->rows);
	if (h->reserved != 0 || h->stride == 0)
		return fail(
			ret_message, -EBADMSG,
			"frame with reserved field %u and stride %llu; 0 and at least 1 are allowed",
			h->reserved, (unsigned long long)h->stride);
	if (h->meta_size > META_MAX_BYTES || h->meta_offset < headers ||
	    __builtin_add_overflow(h->meta_offset, h->meta_size, &meta_end) || meta_end > size)
		return fail(ret_message, -EBADMSG,
			    "frame whose description (%llu bytes at %llu) lies outside it",
			    (unsigned long long)h->meta_size, (unsigned long long)h->meta_offset);
	return 0;
}

/* Checks one column that must start at or after *cursor, and moves *cursor behind it. */
static int check_column(const struct frame_column *c, const struct frame_header *h, size_t index,
			uint64_t *cursor, char **ret_message)
{
	if (!text_fits(c->name, sizeof(c->name)) || !text_fits(c->unit, sizeof(c->unit)) ||
	    c->name[0] == '\0')
		return fail(
			ret_message, -EBADMSG,
			"frame column %zu: name and unit must be terminated, and the name not empty",
			index);
	if (element_size(c->type) == 0 || c->reserved != 0)
		return fail(ret_message, -EBADMSG,
			    "frame column %zu \"%s\": type %u is not known (1 double, 2 flag word)",
			    index, c->name, c->type);
	if (c->offset < *cursor || c->offset % COLUMN_ALIGN != 0 ||
	    !column_end(c->offset, h->rows, c->type, cursor) || *cursor > h->total_size)
		return fail(
			ret_message, -EBADMSG,
			"frame column %zu \"%s\": %llu rows at offset %llu do not fit into %llu bytes",
			index, c->name, (unsigned long long)h->rows, (unsigned long long)c->offset,
			(unsigned long long)h->total_size);
	return 0;
}

static int read_columns(struct table *table, const struct frame_header *h, char **ret_message)
{
	char *map = table->backing;
	uint64_t cursor = h->meta_offset + h->meta_size;

	for (size_t i = 0; i < h->column_count; i++) {
		struct table_column *column = &table->columns[i];
		struct frame_column c;
		int r;

		/* A copy: the frame's owner may still be able to write. */
		memcpy(&c, map + sizeof(*h) + i * sizeof(c), sizeof(c));
		r = check_column(&c, h, i, &cursor, ret_message);
		if (r < 0)
			return r;
		if (table_find(table, c.name))
			return fail(ret_message, -EBADMSG, "frame with two columns named \"%s\"",
				    c.name);
		memcpy(column->name, c.name, sizeof(c.name));
		memcpy(column->unit, c.unit, sizeof(c.unit));
		column->type = (enum column_type)c.type;
		column->f64 = (void *)(map + c.offset);
	}
	return 0;
}

static int read_meta(struct table *table, const struct frame_header *h, char **ret_message)
{
	json_error_t error;
	json_t *meta;

	if (h->meta_size == 0)
		return 0;
	meta = json_loadb((const char *)table->backing + h->meta_offset, h->meta_size,
			  JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(meta)) {
		int r = fail(ret_message, -EBADMSG,
			     "frame whose description is not a JSON object: %s",
			     meta ? "another JSON value" : error.text);

		json_decref(meta);
		return r;
	}
	json_decref(table->meta);
	table->meta = meta;
	return 0;
}

int frame_to_table(int fd, struct table **ret_table, char **ret_message)
{
	_cleanup_table_ struct table *table = NULL;
	struct frame_header header;
	struct stat st;
	void *map = NULL;
	int r;

	if (fstat(fd, &st) < 0)
		return fail(ret_message, -errno, "frame: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(ret_message, -EBADMSG, "not a data frame: not a memory file or a file");
	if ((uint64_t)st.st_size < sizeof(header))
		return fail(ret_message, -EBADMSG, "truncated frame: %lld bytes, no whole header",
			    (long long)st.st_size);
	r = map_or_copy(fd, (size_t)st.st_size, &map);
	if (r < 0)
		return fail(ret_message, r, "frame: cannot be read: %s", strerror(-r));
	memcpy(&header, map, sizeof(header));
	r = check_header(&header, (uint64_t)st.st_size, ret_message);
	if (r == 0) {
		table = table_new(header.rows, header.column_count);
		if (!table)
			r = fail(ret_message, -ENOMEM, "frame: out of memory");
	}
	if (r < 0) {
		munmap(map, (size_t)st.st_size);
		return r;
	}
	table->backing = map;
	table->backing_size = (size_t)st.st_size;
	r = read_columns(table, &header, ret_message);
	if (r == 0)
		r = read_meta(table, &header, ret_message);
	if (r < 0)
		return r;
	*ret_table = take_ptr(table);
	return 0;
}
