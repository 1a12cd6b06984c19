// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Damaged files: the readers of CSV, openEPDA and frames must take any bytes for a table or
 * refuse them with a message, and what they take must come back from every writer. HDF5 is
 * left out: its parser is a library's.
 *
 * As a test: a fixed seed, RUNS inputs mutated from good files (ETALON_FUZZ_RUNS for
 * another number, ETALON_FUZZ_SEED for another seed; both are printed). With
 * -DETALON_LIBFUZZER and clang -fsanitize=fuzzer it is a fuzzer's target instead.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../common/exported.h"
#include "base/util.h"
#include "data/frame.h"
#include "export/axis_check.h"
#include "export/csv_read.h"
#include "export/csv_write.h"
#include "export/openepda.h"
#include "export/plot.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define RUNS 6000
#define RUNS_DEEP 600000
#define INPUT_MAX 16384

#define insist(condition)                                                                       \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

static int memory_file(const void *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	insist(fd >= 0 && write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int read_as_text(int fd, struct table **ret, char **ret_message)
{
	_cleanup_(text_end) struct text_reader text = {};
	const char *begin;
	size_t size;
	int r = text_begin(&text, fd, "input", ret_message);

	if (r < 0)
		return r;
	begin = text_peek(&text, &size);
	return openepda_recognise(begin, size) ? openepda_read(&text, ret, ret_message)
					       : csv_read(&text, ret, ret_message);
}

static void check_message(const char *message)
{
	insist(message && *message);
	for (const char *p = message; *p; p++)
		if ((unsigned char)*p < 0x20) {
			fprintf(stderr, "control character in: %s\n", message);
			abort();
		}
}

static void check_table(const struct table *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->column_count; i++) {
		const struct table_column *c = &t->columns[i];

		insist(c->name[0] && memchr(c->name, 0, TABLE_NAME_MAX));
		insist(memchr(c->unit, 0, TABLE_UNIT_MAX));
		for (size_t row = 0; row < t->rows; row++)
			sum += c->type == COLUMN_F64 ? c->f64[row] : c->u32[row];
	}
	insist(sum == sum || isnan(sum)); /* every value was touched */
	insist(json_is_object(t->meta));
}

/* As writers see it: no light at all on a logarithmic scale is a missing value. */
static void without_infinities(struct table *t)
{
	for (size_t i = 0; i < t->column_count; i++)
		for (size_t row = 0; t->columns[i].type == COLUMN_F64 && row < t->rows; row++)
			if (isinf(t->columns[i].f64[row]))
				t->columns[i].f64[row] = NAN;
}

/* What was read from text must be what is read from what is written. */
static void check_round_trip(struct table *t, bool standard)
{
	_cleanup_table_ struct table *back = NULL;
	_cleanup_free_ char *text = NULL, *message = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int r = standard ? openepda_write(f, t, OPENEPDA_STANDARD, NULL) : csv_write(f, t);

	insist(fclose(f) == 0);
	if (standard && r == -EINVAL)
		return; /* the description has reserved names */
	insist(r == 0);
	fd = memory_file(text, size);
	r = read_as_text(fd, &back, &message);
	without_infinities(t);
	if (r < 0 || !table_columns_equal(t, back))
		fprintf(stderr, "%s\n%s", r < 0 ? message : "another table", text);
	insist(r == 0 && table_columns_equal(t, back));
	if (standard && !json_object_get(t->meta, "created"))
		json_object_del(back->meta, "created");
	insist(json_equal(t->meta, back->meta));
}

static void try_text(const void *data, size_t size, size_t *accepted)
{
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = memory_file(data, size);
	_cleanup_plot_ struct plot *plot = NULL;

	if (read_as_text(fd, &t, &message) < 0) {
		insist(!t);
		check_message(message);
		return;
	}
	(*accepted)++;
	check_table(t);
	check_round_trip(t, false);
	check_round_trip(t, true);
	if (axis_check(t, "input", NAN, &message) < 0)
		check_message(message);
	else if (plot_new(t, &(struct plot_options){}, 100, &plot, &message) < 0)
		check_message(message);
}

static void try_frame(const void *data, size_t size, size_t *accepted)
{
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = memory_file(data, size);

	if (frame_to_table(fd, &t, &message) < 0) {
		insist(!t && message && *message);
		return;
	}
	(*accepted)++;
	check_table(t);
}

static void try_input(const void *data, size_t size, size_t *accepted)
{
	if (size >= 4 && memcmp(data, FRAME_MAGIC, 4) == 0)
		try_frame(data, size, accepted);
	else
		try_text(data, size, accepted);
}

#ifdef ETALON_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t accepted = 0;

	try_input(data, size, &accepted);
	return 0;
}

#else

struct input {
	char bytes[INPUT_MAX];
	size_t size;
};

static uint64_t state;

static size_t below(size_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return bound ? (size_t)((state >> 16) % bound) : 0;
}

static void put(struct input *in, size_t at, const void *bytes, size_t size)
{
	if (in->size + size > INPUT_MAX)
		return;
	memmove(in->bytes + at + size, in->bytes + at, in->size - at);
	memcpy(in->bytes + at, bytes, size);
	in->size += size;
}

static void cut(struct input *in, size_t at, size_t size)
{
	memmove(in->bytes + at, in->bytes + at + size, in->size - at - size);
	in->size -= size;
}

static const char *const tokens[] = {
	"\"",
	",",
	"\n",
	"\r\n",
	"\"\"",
	"nan",
	"inf",
	"-inf",
	"1e999",
	"-1e-999",
	":",
	"...\n",
	"---\n",
	"&a ",
	"*a",
	"[",
	"]",
	"{",
	"}",
	"\t",
	"# ",
	"_x: 1\n",
	"!!str ",
	"- ",
	"? ",
	"|\n",
	"\xef\xbb\xbf",
	"\xff",
	"wavelength, nm",
	"frequency, THz",
	"flags",
	", dBm",
	", W",
	"0",
	"1",
	"9",
	"-",
	".",
	"e",
	"4294967296",
	"# etalon-csv: 1\n",
	"'",
	"\\",
	" ",
	"null",
	"1550",
	"99999999999999999999",
	"\x80",
};

static void mutate(struct input *in)
{
	char copy[64];
	const char *token = tokens[below(ARRAY_SIZE(tokens))];
	size_t at = below(in->size), size = below(MIN((size_t)64, in->size - at));
	uint64_t number = below(4) ? below(70000) : UINT64_MAX >> below(64);

	switch (below(8)) {
	case 0: /* a bit */
		if (in->size > 0)
			in->bytes[at] = (char)(in->bytes[at] ^ (1 << below(8)));
		break;
	case 1: /* a byte */
		if (in->size > 0)
			in->bytes[at] = (char)below(256);
		break;
	case 2:
	case 3:
		put(in, at, token, strlen(token));
		break;
	case 4:
		cut(in, at, size);
		break;
	case 5: /* a piece again, elsewhere */
		memcpy(copy, in->bytes + at, size);
		put(in, below(in->size), copy, size);
		break;
	case 6: /* a binary number */
		if (at + sizeof(number) <= in->size)
			memcpy(in->bytes + (at & ~7UL), &number, below(2) ? 8 : 4);
		break;
	default: /* the end is missing */
		if (below(4) == 0)
			in->size = at;
		break;
	}
}

static void seed_text(struct input *in, bool standard)
{
	_cleanup_table_ struct table *t = sample_run(12);
	FILE *f = fmemopen(in->bytes, INPUT_MAX, "w");

	insist((standard ? openepda_write(f, t, OPENEPDA_STANDARD, NULL) : csv_write(f, t)) == 0);
	in->size = (size_t)ftell(f);
	fclose(f);
}

static void seed_small(struct input *in)
{
	static const char text[] = "\"wavelength, nm\",\"a, dBm\",flags\r\n1500.004,-44.5,0\r\n"
				   "1500.008,,3\r\n1500.008,-inf,4\r\n1500.0079,nan,0\r\n";

	in->size = sizeof(text) - 1;
	memcpy(in->bytes, text, in->size);
}

static void seed_frame(struct input *in)
{
	_cleanup_table_ struct table *t = sample_run(12);
	_cleanup_close_ int fd = table_to_frame(t);
	ssize_t n = pread(fd, in->bytes, INPUT_MAX, 0);

	insist(n > 0 && n < INPUT_MAX);
	in->size = (size_t)n;
}

static unsigned long long setting(const char *name, unsigned long long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

START_TEST(any_bytes_are_a_table_or_refused_with_a_message)
{
	unsigned long long runs =
		setting("ETALON_FUZZ_RUNS", getenv("ETALON_DEEP") ? RUNS_DEEP : RUNS);
	unsigned long long seed = setting("ETALON_FUZZ_SEED", 20260302);
	struct input *seeds = calloc(4, sizeof(*seeds)), *in = calloc(1, sizeof(*in));
	size_t accepted[4] = {};

	state = seed ? seed : 1;
	seed_text(&seeds[0], false);
	seed_text(&seeds[1], true);
	seed_small(&seeds[2]);
	seed_frame(&seeds[3]);
	for (unsigned long long i = 0; i < runs; i++) {
		memcpy(in, &seeds[i % 4], sizeof(*in));
		/* Some are left whole: a good file must be taken. */
		for (size_t n = below(6); n > 0; n--)
			mutate(in);
		try_input(in->bytes, in->size, &accepted[i % 4]);
	}
	printf("%llu inputs with seed %llu; taken: csv %zu, openEPDA %zu, small csv %zu, frame %zu\n",
	       runs, seed, accepted[0], accepted[1], accepted[2], accepted[3]);
	/* Each kind must have been taken and refused, or the mutations test nothing. */
	for (size_t k = 0; k < 4 && runs >= RUNS; k++)
		ck_assert(accepted[k] > runs / 40 && accepted[k] < runs / 4);
	free(seeds);
	free(in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("readers");
	TCase *tc = tcase_create("readers");

	tcase_set_timeout(tc, 14400);
	tcase_add_test(tc, any_bytes_are_a_table_or_refused_with_a_message);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}

#endif
