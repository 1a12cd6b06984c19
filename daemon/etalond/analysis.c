// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which columns of a run an analysis needs, and the way of them to the worker. See analysis.h.
 */
#include "etalond/analysis.h"

#include <errno.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/read.h"

static const char *first_signal(const json_t *meta)
{
	size_t i;
	json_t *channel;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel) {
		const char *role = json_string_value(json_object_get(channel, "role"));

		if (role && streq(role, "signal"))
			return json_string_value(json_object_get(channel, "column"));
	}
	return NULL;
}

/* Axes, channel with its flags, monitor: some 40 bytes a point instead of all there is. */
static int read_columns(struct store *store, int64_t run, const char *channel, const char *monitor,
			int *ret_fd, char **ret_message)
{
	_cleanup_free_ char *flags = asprintf_or_null("%s.flags", channel);
	_cleanup_free_ char *own_axis = asprintf_or_null("%s wavelength", channel);
	const char *optional[] = {"wavelength", own_axis, flags, "flags", monitor};
	const struct read_request request = {
		.stride = 1,
		.columns = &channel,
		.column_count = 1,
		.optional = optional,
		.optional_count = ARRAY_SIZE(optional) - (monitor ? 0 : 1),
		.whole = true,
	};
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	int r;

	if (!flags || !own_axis)
		return -ENOMEM;
	r = store_read_frame(store, run, &request, &info, ret_fd, &message);
	if (r == -EFBIG)
		return fail(ret_message, r, "too much for an analysis: %s", message);
	if (r < 0 && ret_message)
		*ret_message = take_ptr(message);
	return r;
}

int analysis_begin(struct store *store, int64_t run, const json_t *meta, const char *channel,
		   struct analysis_worker *worker, char **ret_message)
{
	const char *monitor = json_string_value(json_object_get(meta, META_MONITOR));
	_cleanup_close_ int frame = -1;
	int r;

	if (!channel)
		channel = first_signal(meta);
	if (!channel)
		return fail(ret_message, -EINVAL, "run %lld has no signal channel to analyse",
			    (long long)run);
	r = read_columns(store, run, channel, monitor, &frame, ret_message);
	return r < 0 ? r
		     : analysis_worker_send(worker, frame, channel, ANALYSIS_TIMEOUT_MS,
					    ret_message);
}

int analysis_again(struct store *store, int64_t run, const char *channel, const char *program,
		   json_t **ret, char **ret_message)
{
	_cleanup_analysis_worker_ struct analysis_worker *worker = NULL;
	json_t *meta = NULL;
	int r = analysis_worker_start(program, &worker, ret_message);

	if (r < 0)
		return r;
	r = store_run_get(store, run, &meta);
	if (r < 0)
		return fail(ret_message, r, "run %lld: %s", (long long)run, store_message(store));
	r = analysis_begin(store, run, meta, channel, worker, ret_message);
	json_decref(meta);
	return r < 0 ? r : analysis_worker_hear(worker, ANALYSIS_TIMEOUT_MS, ret, ret_message);
}
