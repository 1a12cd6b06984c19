/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The columns of insertion loss, from the other columns of a reading and the run's reference.
 * Private to this folder.
 */
#ifndef ETALON_STORE_LOSS_H
#define ETALON_STORE_LOSS_H

#include "store/sheet.h"

/* Fills what has RULE_LOSS. A reference that is gone or has no such detector leaves NaN. */
int loss_fill(struct store *s, const struct sheet *sheet, const struct table_column *columns,
	      const struct rule *rules, size_t count, uint64_t rows);

#endif
