// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How fast bulk data come out of the store, by the library alone: a frame in engineering units against a
 * memcpy of the same bytes into a fresh memfd mapping, in the same run; and any 64 MiB part of a long
 * run against half a second. Fails when a claim is missed. By the daemon: bench_daemon.
 *
 * usage: bench_getdata [POINTS]   default 10 000 000
 */
#include <math.h>

#include "../common/temp_store.h"
#include "claims.h"
#include "data/frame.h"
#include "store/read.h"

#define ROUNDS 15
#define PARTS 12
#define RATIO_LEAST 0.5
#define PART_S_MOST 0.5

static bool missed;

static double frame_s(struct store *s, int64_t run, const struct read_request *q,
		      struct read_info *info, size_t *ret_bytes)
{
	uint64_t began = now_ns();
	char *message = NULL;
	int fd, r = store_read_frame(s, run, q, info, &fd, &message);
	off_t size;

	if (r < 0) {
		fprintf(stderr, "bench_getdata: %s\n", message ? message : strerror(-r));
		exit(1);
	}
	size = lseek(fd, 0, SEEK_END);
	close(fd);
	*ret_bytes = (size_t)size;
	return (double)(now_ns() - began) * 1e-9;
}

static void bench_ratio(struct store *s, int64_t run)
{
	const struct read_request q = {.first = 12345, .stride = 1};
	double frame[ROUNDS], copy[ROUNDS];
	struct read_info info;
	size_t bytes;
	char *source;

	frame_s(s, run, &q, &info, &bytes);
	source = malloc(bytes);
	if (!source)
		abort();
	memset(source, 1, bytes);
	/* Turn and turn about, so that whatever else the machine does meets both. */
	for (int i = 0; i < ROUNDS; i++) {
		copy[i] = memcpy_to_memfd_s(source, bytes);
		frame[i] = frame_s(s, run, &q, &info, &bytes);
	}
	free(source);
	printf("one frame: %llu rows, %.1f MB; frame %.1f ms, memcpy %.1f ms (medians of %d)\n",
	       (unsigned long long)info.rows, (double)bytes * 1e-6, median(frame, ROUNDS) * 1e3,
	       median(copy, ROUNDS) * 1e3, ROUNDS);
	missed |= !claim_at_least("a frame against memcpy, ratio of rates",
				  median(copy, ROUNDS) / median(frame, ROUNDS), RATIO_LEAST,
				  "into a fresh memfd");
}

static void bench_parts(struct store *s, int64_t run, uint64_t points)
{
	double worst = 0;
	uint64_t first = 7;

	for (int i = 0; i < PARTS; i++) {
		const struct read_request q = {.first = first % points, .stride = 1};
		struct read_info info;
		size_t bytes;

		worst = fmax(worst, frame_s(s, run, &q, &info, &bytes));
		first = first * 2862933555777941757ULL + 3037000493ULL;
	}
	missed |= !claim_at_most("slowest of 12 random parts of 64 MiB", worst, PART_S_MOST, "s");
}

int main(int argc, char **argv)
{
	uint64_t points = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	struct etalon_hw_program p;
	struct temp_store t;
	struct store *reader;
	uint64_t began;
	int64_t run;

	if (points < 1000 || points > 1000000000) {
		fprintf(stderr, "usage: bench_getdata [POINTS]   1000 to 1000000000\n");
		return 2;
	}
	p = fake_sweep(1500, 1600, (uint32_t)points);
	temp_store_begin(&t);
	began = now_ns();
	run = write_run(t.store, t.board, &p, NULL);
	printf("run of %llu points: records made and stored in %.1f s\n",
	       (unsigned long long)points, (double)(now_ns() - began) * 1e-9);
	reader = temp_store_reader(&t);
	bench_ratio(reader, run);
	bench_parts(reader, run, points);
	store_close(reader);
	temp_store_end(&t);
	return missed ? 1 : 0;
}
