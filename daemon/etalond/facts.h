/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of an opened board and does not change: its description and the site's limits
 * for it. Shared by reference, so that plans and queries on other threads outlive an unplug.
 * Layer: etalond.
 */
#ifndef ETALON_ETALOND_FACTS_H
#define ETALON_ETALOND_FACTS_H

#include "etalond/config.h"

struct facts {
	_Atomic unsigned int references;
	struct description *description; /* a copy of its own */
	struct site site;
};

/* Copies d. *ret_site_problem: why the site's limits do not fit, else NULL. */
int facts_new(const struct description *d, const struct config *config, struct facts **ret,
	      char **ret_site_problem, char **ret_message);
struct facts *facts_ref(struct facts *facts);
struct facts *facts_unref(struct facts *facts);
DEFINE_CLEANUP(struct facts *, facts_unref, facts_unrefp);

/* Number of a detector by name or by the site's alias, or -ECHRNG. */
int facts_detector(const struct facts *facts, const char *name);
/* The alias of a detector, or "". */
const char *facts_alias(const struct facts *facts, unsigned int detector);
/* The gate in front of the port, or -1. */
int facts_gate(const struct facts *facts);

#endif
