/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A board's refusal as an error of this layer. Layer: etalond.
 */
#ifndef ETALON_ETALOND_REFUSAL_H
#define ETALON_ETALOND_REFUSAL_H

#include "link/link.h"

/* Errno of context.h for a refusal; `error` itself when it is none. */
int refusal_error(const struct link_refusal *refusal, int error);

#endif
