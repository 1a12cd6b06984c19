// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs that were finished and never judged: their verdict waited for an analysis that etalond did
 * not live to see. They are judged by what is stored of them.
 */
#include <errno.h>

#include "base/util.h"
#include "calibrate/trust.h"
#include "data/meta.h"
#include "store/store_private.h"

#define NO_ANALYSIS "no analysis: etalond ended before it was made; ask for it again"
#define NO_REQUEST "what was asked of it cannot be read: nobody knows which limits it must keep"

static int judge_unread(const char **ret_verdict, json_t **ret_reasons)
{
	*ret_verdict = "untrustworthy";
	*ret_reasons = json_pack("[s]", NO_REQUEST);
	return *ret_reasons ? 0 : -ENOMEM;
}

static int judge(struct store *s, int64_t run, const json_t *meta, const json_t *analyses,
		 const char **ret_verdict, json_t **ret_reasons)
{
	const struct trust_limits limits = trust_default_limits();
	_cleanup_json_ json_t *request = NULL;
	int r = store_run_request(s, run, &request);

	if (r == 0)
		r = trust_judge(meta, analyses, json_object_get(request, "expectations"), &limits,
				ret_verdict, ret_reasons, NULL);
	/* It was checked before it was measured: what is wrong with it now is damage. */
	if (r == -EUCLEAN || r == -EINVAL)
		r = judge_unread(ret_verdict, ret_reasons);
	if (r < 0 || json_array_size(analyses) > 0)
		return r;
	return json_array_insert_new(*ret_reasons, 0, json_string(NO_ANALYSIS)) < 0 ? -ENOMEM : 0;
}

static int update(struct store *s, int64_t run, const json_t *changes)
{
	int r = store_run_update(s, run, changes);

	if (r != -ENOSPC)
		return r;
	store_spend_reserve(s);
	return store_run_update(s, run, changes);
}

int store_judge_run(struct store *s, int64_t run)
{
	_cleanup_json_ json_t *meta = NULL, *analyses = NULL, *reasons = NULL, *changes = NULL;
	const char *verdict;
	int r = store_load_run(s, run, &meta, NULL, NULL);

	if (r == 0)
		r = store_run_analyses(s, run, &analyses);
	if (r == 0)
		r = judge(s, run, meta, analyses, &verdict, &reasons);
	if (r < 0)
		return r;
	changes = json_pack("{s:s, s:O}", META_VERDICT, verdict, META_REASONS, reasons);
	return changes ? update(s, run, changes) : -ENOMEM;
}
