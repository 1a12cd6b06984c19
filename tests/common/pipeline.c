// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From a request to a table, in one process. See pipeline.h.
 */
#include "pipeline.h"

#include <check.h>

#include "base/util.h"
#include "data/frame.h"
#include "measure/acquire.h"
#include "store/read.h"

struct sink_state {
	struct store *store;
	int64_t run;
	json_t *ledger; /* of the main segment */
	bool complete;
	const struct plan *plan;
};

static int sink_begin(void *userdata, unsigned int segment, const struct segment *s,
		      const struct link_program *loaded)
{
	struct sink_state *state = userdata;

	return store_segment_begin(state->store, state->run, segment, s->purpose, &s->program,
				   loaded->stride);
}

static int sink_block(void *userdata, unsigned int segment, const void *records, size_t bytes)
{
	struct sink_state *state = userdata;

	return store_block(state->store, state->run, segment, records, bytes);
}

static int sink_end(void *userdata, unsigned int segment, const struct ledger *ledger)
{
	struct sink_state *state = userdata;
	json_t *object = ledger_json(ledger);
	int r = store_segment_end(state->store, state->run, segment, object);

	state->complete = state->complete && ledger_complete(ledger);
	if (state->plan->segments[segment].purpose == SEGMENT_MAIN)
		state->ledger = json_incref(object);
	json_decref(object);
	return r;
}

int64_t pipeline_run(const struct direct_board *b, struct store *store, const json_t *request,
		     uint64_t run_key_base)
{
	static const struct site_alias aliases[] = { { "through", "pd1" }, { "drop", "pd2" } };
	const struct site site = { .aliases = aliases, .alias_count = ARRAY_SIZE(aliases) };
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL;
	struct sink_state state = { .store = store, .complete = true };
	const struct acquire_sink sink = { .begin = sink_begin, .block = sink_block, .end = sink_end, .userdata = &state };
	struct acquire_progress progress = { 0 };
	struct acquire_result result = { 0 };
	uint32_t generation = 0;
	json_t *meta;

	ck_assert_msg(plan_make(b->link->description, &site, request, &plan, &message) == 0,
		      "plan: %s", message);
	state.plan = plan;
	for (size_t i = 0; i < plan->setpoint_count; i++) {
		struct link_refusal refusal = { 0 };

		ck_assert_int_eq(b->link->ops->set_source(b->link, plan->setpoints[i].source,
							  plan->setpoints[i].value, &refusal),
				 0);
	}
	meta = json_deep_copy(plan->meta);
	ck_assert_msg(store_run_begin(store, b->link->description, plan, meta, &state.run) == 0,
		      "store: %s", store_message(store));
	ck_assert_msg(acquire_run(b->link, plan, run_key_base, &generation, &sink, &progress,
				  &result) == 0,
		      "acquire: %s", result.message ? result.message : "");
	acquire_result_clear(&result);
	ck_assert(state.complete);
	json_object_set_new(meta, "ledger", state.ledger);
	ck_assert_int_eq(store_run_summarise(store, state.run, meta), 0);
	ck_assert_int_eq(store_run_finish(store, state.run, "complete", meta), 0);
	json_decref(meta);
	return state.run;
}

struct table *pipeline_table(struct store *store, int64_t run)
{
	const struct read_request request = { .stride = 1 };
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = -1;
	struct read_info info;
	struct table *table = NULL;

	ck_assert_msg(store_read_frame(store, run, &request, &info, &fd, &message) == 0, "read: %s",
		      message);
	ck_assert_msg(frame_to_table(fd, &table, &message) == 0, "frame: %s", message);
	ck_assert_uint_eq(info.rows, info.total_rows);
	return table;
}
