/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store with runs of the fake board, and a reader that gives them in engineering units, as tables. What is
 * read must be readable, unless the test asks for a refusal.
 */
#ifndef ETALON_TESTS_FRAME_BENCH_H
#define ETALON_TESTS_FRAME_BENCH_H

#include <math.h>

#include "data/table.h"
#include "store/read.h"
#include "temp_store.h"

struct frame_bench {
	struct temp_store temp;
	struct store *reader;
};

void frame_bench_begin(struct frame_bench *b);
void frame_bench_end(struct frame_bench *b);

/* Writes a run of this program; returns its number. */
int64_t frame_bench_write(struct frame_bench *b, const struct etalon_hw_program *p,
			  const struct writing_options *options);
/* All of a run, which must come in one frame; part of one. */
struct table *frame_bench_run(struct frame_bench *b, int64_t run);
struct table *frame_bench_part(struct frame_bench *b, int64_t run, const struct read_request *q,
			       struct read_info *ret_info);
/* Must be refused, in words: the errno; *ret_message is malloc'ed. */
int frame_bench_refused(struct frame_bench *b, int64_t run, const struct read_request *q,
			char **ret_message);

/* A column that must be there, of this type. */
const double *column_f64(const struct table *table, const char *name);
const uint32_t *column_u32(const struct table *table, const char *name);

#define ck_close(a, b, absolute)                                                                \
	ck_assert_msg(fabs((a) - (b)) <= (absolute), "%s = %.15g, %s = %.15g", #a, (double)(a), \
		      #b, (double)(b))

#endif
