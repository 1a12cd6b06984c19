// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The site's limits in a board's own units. See config.h. A limit only ever tightens.
 */
#include "etalond/config.h"

#include "base/quantity.h"
#include "base/util.h"

int config_quantity(unsigned int kind, const char *text, int64_t *ret, char **ret_message)
{
	int quantity = quantity_kind_of_unit(source_unit(kind));

	if (quantity < 0)
		return fail(ret_message, -EINVAL, "a source of kind %u has no unit known here",
			    kind);
	return quantity_parse(text, (enum quantity_kind)quantity, ret, ret_message) < 0 ? -EINVAL
											: 0;
}

/* Tightens *bound by what the site wrote; written stays where nothing is written. */
static int tighten(const struct config_limit *limit, const char *text, bool is_max,
		   const struct etalon_hw_source *source, int64_t *bound, char **ret_message)
{
	_cleanup_free_ char *why = NULL;
	int64_t value;

	if (!text)
		return 0;
	if (config_quantity(source->kind, text, &value, &why) < 0)
		return fail(ret_message, -ERANGE,
			    "the site's limit of %s: %s; correct etalond.conf", limit->source, why);
	if (is_max ? value < *bound : value > *bound)
		*bound = value;
	return 0;
}

static int limit_for(const struct config_limit *limit, const struct description *d,
		     struct site_limit *ret, char **ret_message)
{
	int number = description_source(d, limit->source), r;
	const struct etalon_hw_source *source;

	if (number < 0)
		return fail(ret_message, -ENOENT,
			    "the site's configuration limits %s, which this board does not have; "
			    "correct etalond.conf",
			    limit->source);
	source = &d->source[number];
	*ret = (struct site_limit){limit->source, source->min, source->max};
	r = tighten(limit, limit->min, false, source, &ret->min, ret_message);
	if (r == 0)
		r = tighten(limit, limit->max, true, source, &ret->max, ret_message);
	if (r == 0 && ret->min > ret->max)
		return fail(ret_message, -ERANGE,
			    "the site's limit of %s leaves nothing of what the board can do; "
			    "correct etalond.conf",
			    limit->source);
	return r;
}

int config_site(const struct config *config, const struct description *d, struct site *ret,
		char **ret_message)
{
	struct site_limit *limits = calloc(config->limit_count + 1, sizeof(*limits));
	struct site_alias *aliases = calloc(config->alias_count + 1, sizeof(*aliases));
	int r = limits && aliases ? 0 : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < config->limit_count; i++)
		r = limit_for(&config->limits[i], d, &limits[i], ret_message);
	if (r < 0) {
		free(limits);
		free(aliases);
		return r;
	}
	for (unsigned int i = 0; i < config->alias_count; i++)
		aliases[i] =
			(struct site_alias){config->aliases[i].name, config->aliases[i].channel};
	*ret = (struct site){
		.default_power_fw = config->default_power_fw,
		.limits = limits,
		.limit_count = config->limit_count,
		.aliases = aliases,
		.alias_count = config->alias_count,
	};
	return 0;
}

void site_clear(struct site *site)
{
	free((void *)(uintptr_t)site->limits);
	free((void *)(uintptr_t)site->aliases);
	*site = (struct site){.limits = NULL};
}
