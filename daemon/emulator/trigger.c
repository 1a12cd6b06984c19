// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Edges in the order of their time: a train of them, and single ones. See trigger.h.
 */
#include "emulator/trigger.h"

#include <string.h>

#include "base/util.h"

bool trigger_add(struct trigger *t, int64_t at_ns)
{
	uint32_t i = t->edges;

	if (t->edges == TRIGGER_QUEUE)
		return false;
	for (; i > 0 && t->edge[i - 1] > at_ns; i--)
		t->edge[i] = t->edge[i - 1];
	t->edge[i] = at_ns;
	t->edges++;
	return true;
}

void trigger_train(struct trigger *t, const struct trigger_train *train)
{
	t->train = *train;
}

void trigger_begin(struct trigger *t, int64_t start_ns)
{
	if (t->train.from_start) {
		t->train.next_ns += start_ns;
		t->train.from_start = false;
	}
	while (trigger_peek(t) < start_ns)
		trigger_take(t);
}

int64_t trigger_peek(const struct trigger *t)
{
	const int64_t single = t->edges ? t->edge[0] : INT64_MAX;
	const int64_t train = t->train.left && !t->train.from_start ? t->train.next_ns : INT64_MAX;

	return MIN(single, train);
}

void trigger_take(struct trigger *t)
{
	const int64_t at = trigger_peek(t);

	if (t->edges && t->edge[0] == at) {
		t->edges--;
		memmove(t->edge, t->edge + 1, t->edges * sizeof(t->edge[0]));
		return;
	}
	if (!t->train.left)
		return;
	t->train.left--;
	t->train.next_ns += t->train.period_ns;
}
