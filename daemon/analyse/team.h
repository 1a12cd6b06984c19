/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A few threads that share the turns of a loop. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_TEAM_H
#define ETALON_ANALYSE_TEAM_H

#include <stddef.h>

#include "base/cleanup.h"

struct team;

/*
 * Starts `helpers` threads beside the caller, who is one of the team; returns when all of them wait
 * for work, so that a sandbox entered afterwards holds them too. Negative errno.
 */
int team_new(unsigned int helpers, struct team **ret);
struct team *team_free(struct team *team);
DEFINE_CLEANUP(struct team *, team_free, team_freep);

/*
 * Calls turn(userdata, i) once for each i below count, in any order and on any thread; a team of NULL
 * is the caller alone. All turns are taken; the error of the lowest i is returned, or 0.
 */
int team_run(struct team *team, size_t count, int (*turn)(void *userdata, size_t i),
	     void *userdata);

/* Helpers that make sense for this process: the processors that it may use, up to a few, less one. */
unsigned int team_helpers_here(void);

#endif
