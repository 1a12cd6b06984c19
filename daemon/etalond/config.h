/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * etalond.conf: what the site says. Layer: etalond. YAML; an unknown key, a unit that is missing
 * or a value that cannot be is an error with file and line, never ignored.
 */
#ifndef ETALON_ETALOND_CONFIG_H
#define ETALON_ETALOND_CONFIG_H

#include "base/cleanup.h"
#include "measure/plan.h"

#define CONFIG_WATCHDOG_DEFAULT_MS 250U

struct config_alias {
	char *name;
	char *channel;
};

struct config_limit { /* as written: the unit must fit the source, which a board tells */
	char *source;
	char *min; /* NULL: the hardware's */
	char *max;
};

struct config {
	char *default_power; /* "0 dBm", NULL: a sweep must name its power */
	struct config_alias *aliases;
	unsigned int alias_count;
	struct config_limit *limits;
	unsigned int limit_count;
	char *quota; /* "20 GiB", NULL: none */
	uint32_t *watchdog; /* ms, NULL: the default */
	char *analyse; /* path of etalon-analyse, NULL: beside the daemon */
	/* worked out from the above */
	uint32_t watchdog_ms;
	int64_t default_power_fw;
	uint64_t quota_bytes;
};

/* path NULL: the defaults. -EINVAL with a message that names file and line. */
int config_load(const char *path, struct config **ret, char **ret_message);
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free, config_freep);

/*
 * The site as one board sees it: limits as integers within the board's own. -ERANGE or -ENOENT with a
 * message when a limit does not fit the board: then no light. Strings stay the config's.
 */
int config_site(const struct config *config, const struct description *d, struct site *ret,
		char **ret_message);
void site_clear(struct site *site);

/* "3 dBm" in the units of a source of this kind. -EINVAL with what is allowed. */
int config_quantity(unsigned int kind, const char *text, int64_t *ret, char **ret_message);

#endif
