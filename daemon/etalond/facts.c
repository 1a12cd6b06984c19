// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Description and site of one board, by reference. See facts.h.
 */
#include "etalond/facts.h"

#include <stdatomic.h>

#include "base/util.h"

int facts_new(const struct description *d, const struct config *config, struct facts **ret,
	      char **ret_site_problem, char **ret_message)
{
	_cleanup_(facts_unrefp) struct facts *facts = calloc(1, sizeof(*facts));
	int r;

	if (!facts)
		return -ENOMEM;
	atomic_store(&facts->references, 1);
	r = description_parse(d->raw, d->raw_size, &facts->description, ret_message);
	if (r < 0)
		return r;
	if (config_site(config, facts->description, &facts->site, ret_site_problem) < 0 &&
	    !*ret_site_problem)
		return -ENOMEM;
	*ret = take_ptr(facts);
	return 0;
}

struct facts *facts_ref(struct facts *facts)
{
	atomic_fetch_add(&facts->references, 1);
	return facts;
}

struct facts *facts_unref(struct facts *facts)
{
	if (!facts || atomic_fetch_sub(&facts->references, 1) > 1)
		return NULL;
	description_free(facts->description);
	site_clear(&facts->site);
	free(facts);
	return NULL;
}

int facts_detector(const struct facts *facts, const char *name)
{
	const struct site *site = &facts->site;
	int number;

	for (size_t i = 0; i < site->alias_count; i++)
		if (streq(site->aliases[i].name, name))
			name = site->aliases[i].channel;
	number = description_detector(facts->description, name);
	return number < 0 ? -ECHRNG : number;
}

const char *facts_alias(const struct facts *facts, unsigned int detector)
{
	const char *name = facts->description->detector[detector].name;

	for (size_t i = 0; i < facts->site.alias_count; i++)
		if (streq(facts->site.aliases[i].channel, name))
			return facts->site.aliases[i].name;
	return "";
}

int facts_gate(const struct facts *facts)
{
	const struct description *d = facts->description;

	for (unsigned int i = 0; i < d->head.source_count; i++)
		if (d->source[i].is_gate)
			return (int)i;
	return -1;
}
