// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One program at the highest rate that the link declares, which is accepted, and one above it, which is not.
 */
#include <errno.h>
#include <string.h>

#include "client.h"

#define NS_PER_S UINT64_C(1000000000)
#define STEP_NS 1000 /* of periods */

/* What LOAD says of a program with this period. */
static int try_period(struct client *c, uint32_t period_ns, struct etalon_refusal *ret)
{
	const struct sweep sweep = {
		.points = 1000, .period_ns = period_ns, .detectors = 4, .generation = 11};
	struct etalon_load load;
	const int r = client_try_load(c, &sweep, &load);

	*ret = load.refusal;
	return r;
}

int main(void)
{
	struct etalon_refusal refusal, start;
	struct client c;
	uint32_t period_ns;
	int r;

	client_open(&c);
	client_open_control(&c);
	period_ns =
		(uint32_t)((NS_PER_S / c.info.record_rate_max + STEP_NS - 1) / STEP_NS * STEP_NS);
	r = try_period(&c, period_ns, &refusal);
	if (r < 0)
		die("%u ns: %s, result %u", period_ns, strerror(-r), refusal.result);
	period_ns -= STEP_NS;
	r = try_period(&c, period_ns, &refusal);
	if (r != -ERANGE || refusal.result != ETALON_HW_REFUSED_RATE ||
	    refusal.high != (int64_t)c.info.record_rate_max)
		die("%u ns: %d, result %u, up to %lld", period_ns, r, refusal.result,
		    (long long)refusal.high);
	r = client_try_start(&c, &start);
	if (r != -EBUSY)
		die("START after the refusal: %d", r);
	printf("%u ns: refused, up to %lld records/s\n", period_ns, (long long)refusal.high);
	client_close(&c);
	return 0;
}
