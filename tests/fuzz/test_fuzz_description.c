// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Descriptions at random: damaged in every way and sealed again, so that the CRC hides
 * nothing. Whatever parses must be safe to use in full. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../common/erb1_board.h"
#include "trial.h"
#include "base/util.h"
#include "link/link.h"
#include "link/quantity.h"
#include "measure/plan.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static uint64_t rounds = 20000, seed;

/* Values that break arithmetic more often than chance does. */
static uint64_t nasty(uint64_t *state)
{
	static const uint64_t values[] = {
		0,	    1,	       2,	   7,	       8,
		0x7f,	    0xff,      0xffff,	   0x7fffffff, 0x80000000,
		0xffffffff, INT64_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7,
		1ULL << 61, 1ULL << 62};
	uint64_t r = trial_next(state);

	return r % 3 ? values[r / 3 % ARRAY_SIZE(values)] : trial_next(state);
}

static void damage(unsigned char *raw, size_t size, uint64_t *state)
{
	unsigned int hits = 1 + (unsigned int)(trial_next(state) % 4);

	for (unsigned int i = 0; i < hits; i++) {
		uint64_t value = nasty(state), r = trial_next(state);
		size_t width = (size_t)1 << r % 4;
		/* Half of the hits go to the header, where counts and offsets are. */
		size_t where = r / 4 % 2 ? sizeof(struct etalon_hw_description) : size - 8;
		size_t at = (size_t)(r / 8) % where / width * width;

		memcpy(raw + at, &value, width);
	}
}

static void seal(unsigned char *raw, size_t size)
{
	struct etalon_hw_description *h = (void *)raw;

	if (h->size < sizeof(*h) || h->size > size)
		h->size = (uint32_t)size;
	h->magic = ETALON_HW_MAGIC;
	h->version = ETALON_HW_VERSION;
	h->crc = 0;
	h->crc = crc32c(0, raw, h->size);
}

/* Everything that the layers above do with a description, planning included. */
static void use(const struct description *d)
{
	static const char *const requests[] = {
		"{\"kind\": \"wavelength-sweep\", \"start_fm\": 1540000000, \"stop_fm\": 1560000000, "
		"\"points\": 2001}",
		"{\"kind\": \"wavelength-sweep\", \"start_fm\": 1540000000, \"stop_fm\": 1540100000, "
		"\"points\": 11, \"dwell_ns\": 200000000}",
		"{\"kind\": \"dark\"}",
	};
	static const struct site site = {.default_power_fw = 1000000000000};

	for (uint32_t i = 0; i < d->head.source_count; i++) {
		ck_assert_int_eq(description_source(d, d->source[i].name), (int)i);
		(void)source_quantity(d->source[i].kind, d->source[i].min);
		(void)source_speed(d->source[i].kind, d->source[i].ramp_speed_max);
	}
	for (uint32_t i = 0; i < d->head.detector_count; i++)
		for (unsigned int r = 0; r < d->detector[i].range_count; r++) {
			const struct etalon_hw_range *g = description_range_of(d, i, r);

			ck_assert_int_eq(description_range(d, i, g->name), (int)r);
			for (uint32_t c = 0; c < g->calibration_count; c++)
				ck_assert_int_gt(d->calibration[g->calibration_first + c].gain_ppb,
						 -1000000000);
		}
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		json_t *request = json_loads(requests[i], 0, NULL);
		struct plan *plan = NULL;
		char *message = NULL;

		if (plan_make(d, &site, request, &plan, &message) < 0)
			ck_assert_ptr_nonnull(message);
		plan_free(plan);
		free(message);
		json_decref(request);
	}
}

START_TEST(whatever_parses_is_safe_to_use)
{
	struct description *whole = erb1_board();
	uint64_t state = seed, parsed = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		unsigned char *raw = malloc(whole->raw_size);
		struct description *d = NULL;
		char *message = NULL;
		int r;

		memcpy(raw, whole->raw, whole->raw_size);
		damage(raw, whole->raw_size, &state);
		seal(raw, whole->raw_size);
		r = description_parse(raw, whole->raw_size, &d, &message);
		free(raw);
		if (r == 0) {
			use(d);
			parsed++;
		} else {
			ck_assert_int_eq(r, -EBADMSG);
			ck_assert_msg(message && *message, "round %" PRIu64, i);
		}
		description_free(d);
		free(message);
	}
	description_free(whole);
	printf("%" PRIu64 " descriptions, %" PRIu64 " of them parsed, seed %" PRIu64 "\n", rounds,
	       parsed, seed);
	ck_assert_uint_gt(parsed, 0); /* else nothing was tried but the checks */
}
END_TEST

START_TEST(noise_is_no_description)
{
	uint64_t state = seed;

	for (uint64_t i = 0; i < rounds; i++) {
		size_t size = (size_t)(trial_next(&state) % 2000);
		unsigned char *raw = malloc(size + 1);
		struct description *d = NULL;

		for (size_t k = 0; k < size; k++)
			raw[k] = (unsigned char)trial_next(&state);
		if (size >= sizeof(struct etalon_hw_description) && i % 2)
			seal(raw, size);
		ck_assert_int_eq(description_parse(raw, size, &d, NULL), -EBADMSG);
		ck_assert_ptr_null(d);
		free(raw);
	}
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz description");
	TCase *tc = tcase_create("fuzz");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, whatever_parses_is_safe_to_use);
	tcase_add_test(tc, noise_is_no_description);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
