// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Descriptions at random for the driver: damaged and sealed again, so that the CRC hides nothing. Whatever passes is safe
 * to use in full. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../kmod/sequencer.h"
#include "../common/erb1_board.h"
#include "trial.h"
#include "base/util.h"
#include "kmod_program.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static uint64_t rounds = 20000, seed;

static uint64_t nasty(uint64_t *state)
{
	static const uint64_t values[] = {
		0,	    1,
		7,	    8,
		0x7f,	    0xff,
		0xffff,	    0x7fffffff,
		0x80000000, 0xffffffff,
		INT64_MAX,  1ULL << 63,
		UINT64_MAX, UINT64_MAX - 7,
		1ULL << 61, 1ULL << 62,
	};
	const uint64_t r = trial_next(state);

	return r % 3 ? values[r / 3 % ARRAY_SIZE(values)] : trial_next(state);
}

static void damage(unsigned char *bytes, size_t size, uint64_t *state)
{
	struct etalon_hw_description *h = (void *)bytes;

	for (unsigned int hits = 1 + (unsigned int)(trial_next(state) % 4); hits; hits--) {
		const uint64_t value = nasty(state), r = trial_next(state);
		const size_t width = (size_t)1 << r % 4;
		const size_t where = r / 4 % 2 ? sizeof(*h) : size - 8;

		memcpy(bytes + (size_t)(r / 8) % where / width * width, &value, width);
	}
	h->magic = ETALON_HW_MAGIC;
	h->version = ETALON_HW_VERSION;
	h->size = (uint32_t)size;
	h->crc = 0;
	h->crc = crc32c(0, bytes, size);
}

/* All that the driver does with a description that it trusts. */
static uint64_t use(const struct etalon_description_view *d, const struct etalon_hw_program *p)
{
	struct etalon_span limits[ETALON_HW_SOURCES_MAX];
	const struct etalon_list lists[ETALON_HW_LISTS_MAX] = {
		{(const __s64 *)kmod_list, KMOD_LIST_POINTS}};
	const struct etalon_program_context context = {
		.description = d,
		.limits = limits,
		.lists = lists,
		.record_rate_max = 1000000,
	};
	struct etalon_program_facts facts;
	struct etalon_refusal refusal = {0};
	uint64_t sum = strlen(d->head->serial) + strlen(d->head->model);

	for (uint32_t i = 0; i < d->head->source_count; i++) {
		limits[i] = (struct etalon_span){d->source[i].min, d->source[i].max};
		sum += strlen(d->source[i].name);
		(void)etalon_setpoint_check(&d->source[i], i, &limits[i], d->source[i].max,
					    &refusal);
	}
	for (uint32_t i = 0; i < d->head->detector_count; i++)
		for (uint32_t r = 0; r < d->detector[i].range_count; r++)
			sum += strlen(etalon_description_range(d, i, r)->name);
	for (uint32_t i = 0; i < d->head->range_count; i++)
		for (uint32_t c = 0; c < d->range[i].calibration_count; c++)
			sum += (uint64_t)d->calibration[d->range[i].calibration_first + c].gain_ppb;
	if (etalon_program_check(&context, p, &facts, &refusal) == 0)
		sum += facts.stride;
	return sum;
}

START_TEST(whatever_passes_is_safe_to_use)
{
	struct description *whole = erb1_board();
	const struct etalon_hw_program programs[] = {kmod_ramp(whole->raw), kmod_nest(whole->raw)};
	uint64_t state = seed, passed = 0;
	volatile uint64_t sum = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		const uint32_t size = (uint32_t)whole->raw_size;
		unsigned char *bytes = malloc(size);
		struct etalon_description_view view;
		struct etalon_description_fault fault = {0};
		int r;

		memcpy(bytes, whole->raw, size);
		damage(bytes, size, &state);
		r = etalon_description_check(bytes, size, &view, &fault);
		if (r == 0) {
			passed++;
			sum += use(&view, &programs[i % ARRAY_SIZE(programs)]);
		} else {
			ck_assert_int_eq(r, -EBADMSG);
			ck_assert_ptr_nonnull(fault.what);
		}
		free(bytes);
	}
	description_free(whole);
	printf("%" PRIu64 " descriptions, %" PRIu64 " of them passed, seed %" PRIu64 "\n", rounds,
	       passed, seed);
	ck_assert_uint_gt(passed, 0); /* else nothing was tried but the checks */
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz kmod description");
	TCase *tc = tcase_create("fuzz");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, whatever_passes_is_safe_to_use);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
