// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Limits of the kernel link: the kernel forgets them with the control fd, so they are kept here
 * and written again before a new fd can do anything that they are for.
 */
#include <errno.h>

#include "base/util.h"
#include "link/kernel_private.h"

static int write_limit(struct kernel *k,
		       int (*set)(struct kernel *k, unsigned long request, void *argument),
		       unsigned int source, int64_t low, int64_t high,
		       struct link_refusal *ret_refusal)
{
	struct etalon_limits limits = {
		.size = sizeof(limits), .source = source, .low = low, .high = high};
	int r = set(k, ETALON_IOC_SET_LIMITS, &limits);

	kernel_refused(&limits.refusal, ret_refusal);
	return r;
}

int kernel_set_limits(struct link *link, unsigned int source, int64_t low, int64_t high,
		      struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r;

	if (source >= k->description->head.source_count)
		return -EINVAL;
	r = write_limit(k, kernel_control_ioctl, source, low, high, ret_refusal);
	if (r < 0)
		return r;
	pthread_mutex_lock(&k->limits_lock);
	k->limit[source] = (struct kernel_limit){.written = true, .low = low, .high = high};
	pthread_mutex_unlock(&k->limits_lock);
	return 0;
}

void kernel_limits_are_due(struct kernel *k)
{
	pthread_mutex_lock(&k->limits_lock);
	k->limits_due = true;
	pthread_mutex_unlock(&k->limits_lock);
}

static bool are_due(struct kernel *k, struct kernel_limit *ret)
{
	bool due;

	pthread_mutex_lock(&k->limits_lock);
	due = k->limits_due;
	memcpy(ret, k->limit, sizeof(k->limit));
	pthread_mutex_unlock(&k->limits_lock);
	return due;
}

int kernel_settle_limits(struct kernel *k,
			 int (*set)(struct kernel *k, unsigned long request, void *argument),
			 struct link_refusal *ret_refusal)
{
	struct kernel_limit limit[ETALON_HW_SOURCES_MAX];
	int r = 0;

	if (!are_due(k, limit))
		return 0;
	for (unsigned int i = 0; i < k->description->head.source_count && r == 0; i++)
		if (limit[i].written)
			r = write_limit(k, set, i, limit[i].low, limit[i].high, ret_refusal);
	if (r < 0)
		return r;
	pthread_mutex_lock(&k->limits_lock);
	k->limits_due = false;
	pthread_mutex_unlock(&k->limits_lock);
	return 0;
}

int kernel_check_limits(struct kernel *k, unsigned int source, int64_t value,
			struct link_refusal *ret_refusal)
{
	struct kernel_limit limit[ETALON_HW_SOURCES_MAX];
	const struct kernel_limit *l = &limit[source];

	if (!are_due(k, limit) || !l->written || (value >= l->low && value <= l->high))
		return 0;
	if (ret_refusal)
		*ret_refusal = (struct link_refusal){.result = ETALON_HW_REFUSED_LIMIT,
						     .detail = source,
						     .low = l->low,
						     .high = l->high};
	return -ERANGE;
}
