// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Steps that tests of links share. See link_steps.h.
 */
#include "link_steps.h"

#include "link/description.h"

#include <check.h> /* last: it defines a macro fail() */

struct link *link_to_board(const struct session *s)
{
	struct link *l = NULL;
	char *message = NULL;

	ck_assert_msg(link_open_emulated(s->board, &l, &message) == 0, "%s", message);
	return l;
}

struct link_status link_look(struct link *l)
{
	struct link_status s;

	ck_assert_int_eq(l->ops->status(l, &s), 0);
	return s;
}

void link_write_limits(struct link *l)
{
	const struct description *d = l->description;
	struct link_refusal refusal;

	for (unsigned int i = 0; i < d->head.source_count; i++)
		ck_assert_int_eq(
			l->ops->set_limits(l, i, d->source[i].min, d->source[i].max, &refusal), 0);
}

void link_light(struct link *l)
{
	struct link_refusal refusal;

	link_write_limits(l);
	ck_assert_int_eq(l->ops->arm(l, 1000000000, &refusal), 0);
	ck_assert_int_eq(l->ops->emit(l, &refusal), 0);
	while (link_look(l).state == ETALON_HW_STATE_DELAY)
		;
	ck_assert_uint_eq(link_look(l).state, ETALON_HW_STATE_EMITTING);
}
