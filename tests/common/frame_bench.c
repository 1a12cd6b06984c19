// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writing and reading runs for a test. See frame_bench.h.
 */
#include "frame_bench.h"

#include <unistd.h>

#include "data/frame.h"

#include <check.h> /* last: it defines a macro fail() */

void frame_bench_begin(struct frame_bench *b)
{
	temp_store_begin(&b->temp);
	b->reader = temp_store_reader(&b->temp);
}

void frame_bench_end(struct frame_bench *b)
{
	store_close(b->reader);
	temp_store_end(&b->temp);
}

int64_t frame_bench_write(struct frame_bench *b, const struct etalon_hw_program *p,
			  const struct writing_options *options)
{
	return write_run(b->temp.store, b->temp.board, p, options);
}

struct table *frame_bench_part(struct frame_bench *b, int64_t run, const struct read_request *q,
			       struct read_info *ret_info)
{
	struct table *table = NULL;
	char *message = NULL;
	int fd = -1, r = store_read_frame(b->reader, run, q, ret_info, &fd, &message);

	ck_assert_msg(r == 0, "store_read_frame: %d %s", r, message ? message : "");
	r = frame_to_table(fd, &table, &message);
	ck_assert_msg(r == 0, "frame_to_table: %d %s", r, message ? message : "");
	close(fd);
	return table;
}

struct table *frame_bench_run(struct frame_bench *b, int64_t run)
{
	struct read_info info;
	struct table *table = frame_bench_part(b, run, &(struct read_request){.stride = 1}, &info);

	ck_assert_uint_eq(info.next, UINT64_MAX);
	ck_assert_uint_eq(info.rows, table->rows);
	return table;
}

int frame_bench_refused(struct frame_bench *b, int64_t run, const struct read_request *q,
			char **ret_message)
{
	struct read_info info;
	int fd = -1, r = store_read_frame(b->reader, run, q, &info, &fd, ret_message);

	ck_assert_int_lt(r, 0);
	ck_assert_ptr_nonnull(*ret_message);
	return r;
}

const double *column_f64(const struct table *table, const char *name)
{
	const struct table_column *c = table_find(table, name);

	ck_assert_msg(c && c->type == COLUMN_F64, "no column %s", name);
	return c->f64;
}

const uint32_t *column_u32(const struct table *table, const char *name)
{
	const struct table_column *c = table_find(table, name);

	ck_assert_msg(c && c->type == COLUMN_U32, "no column %s", name);
	return c->u32;
}
