// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Choosing a reference. See reference_choice.h.
 */
#include "etalond/reference_choice.h"

#include <errno.h>

#include "base/util.h"

static const char *text_of(const json_t *request, const char *key)
{
	return json_string_value(json_object_get(request, key));
}

static bool wants_none(const json_t *request)
{
	const char *word = text_of(request, "reference"), *purpose = text_of(request, "purpose");

	return (word && streq(word, "none")) || (purpose && streq(purpose, "reference"));
}

int reference_choose(struct store *store, const json_t *request, const json_t *meta, json_t **ret,
		     char **ret_message)
{
	const json_t *wanted = json_object_get(request, "reference");
	int r;

	*ret = NULL;
	if (wants_none(request))
		return 0;
	r = store_find_reference(store, meta, json_integer_value(wanted), ret);
	if (r >= 0 || (r == -ENOENT && !wanted))
		return 0;
	if (json_is_integer(wanted))
		return fail(ret_message, r, "reference %lld: %s",
			    (long long)json_integer_value(wanted), store_message(store));
	return fail(ret_message, r,
		    "%s; take a reference with these settings, or ask for none (power, not loss)",
		    store_message(store));
}

int reference_foretell(struct store *store, struct plan *plan, char **ret_message)
{
	json_t *warnings = json_object_get(plan->summary, "warnings"), *reference, *reason;
	_cleanup_free_ char *text = NULL;
	size_t i;
	int r = reference_choose(store, plan->request, plan->meta, &reference, ret_message);

	if (r < 0)
		return r;
	if (reference)
		text = asprintf_or_null(
			"run %lld, %.1f h old",
			(long long)json_integer_value(json_object_get(reference, "run")),
			json_number_value(json_object_get(reference, "age_s")) / 3600);
	else
		text = strdup(wants_none(plan->request) ? "none: power, not loss"
							: "none fits: power, not loss");
	json_array_foreach(json_object_get(reference, "reasons"), i, reason)
		json_array_append(warnings, reason);
	json_decref(reference);
	return text ? plan_tell_reference(plan, text) : -ENOMEM;
}
