// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs the segments of a plan: load, start, records through the ledger to the sink, END. How
 * long to wait for a board is in acquire_time.c. Holds no record longer than a block.
 */
#include "measure/acquire.h"

#include <errno.h>
#include <inttypes.h>

#include "base/util.h"
#include "measure/acquire_time.h"

#define FLUSH_NS (100 * NSEC_PER_MSEC) /* so old may the first record of a block become */
#define DRAIN_NS (2 * NSEC_PER_SEC) /* from STOP to the END record */

struct run {
	struct link *link;
	const struct plan *plan;
	const struct acquire_sink *sink;
	struct acquire_progress *progress;
	struct acquire_result *result;
	/* the segment that runs */
	unsigned int index;
	struct segment segment;
	struct link_program loaded;
	struct ledger *ledger;
	struct patience patience;
	bool stopped; /* STOP was sent */
	/* records that the sink has not seen yet: they lie in the link's buffer */
	const char *block;
	size_t block_bytes;
	uint64_t block_since_ns;
	/* records that the sink has taken and the link still holds */
	uint64_t handed, released; /* bytes to the sink, back to the link */
	uint64_t dropped; /* bytes that nobody wanted, among those the link holds */
};

static bool cancelled(const struct run *run)
{
	return atomic_load(&run->progress->cancel);
}

/* The result's message is the first one that was given: it names the cause. */
static int give_up(struct run *run, int error, char *message)
{
	if (run->result->message)
		free(message);
	else
		run->result->message = message;
	return error;
}

static int refused(struct run *run, int error, const char *what)
{
	_cleanup_free_ char *why = NULL;

	if (run->result->refusal.result == ETALON_HW_RESULT_OK)
		return give_up(run, error,
			       asprintf_or_null("%s: %s", what,
						error == -EPROTO ? "the board breaks its contract"
								 : strerror(-error)));
	why = link_refusal_message(run->link->description, &run->result->refusal);
	return give_up(run, error, asprintf_or_null("%s: %s", what, why ? why : "refused"));
}

/*
 * Gives back to a link that holds records those that are committed; with `wait` all that the sink has. What was
 * dropped in between goes with the last of them.
 */
static int release_committed(struct run *run, bool wait)
{
	uint64_t committed = run->handed, bytes;
	int r = 0;

	if (run->sink->committed)
		r = run->sink->committed(run->sink->userdata, wait, &committed);
	if (r < 0)
		return give_up(run, r,
			       asprintf_or_null("records could not be kept: %s", strerror(-r)));
	bytes = committed - run->released;
	if (committed == run->handed) {
		bytes += run->dropped;
		run->dropped = 0;
	}
	run->released = committed;
	return bytes > 0 ? run->link->ops->release(run->link, bytes) : 0;
}

static int release(struct run *run, size_t handed, size_t dropped)
{
	run->handed += handed;
	run->dropped += dropped;
	if (run->link->holds_records)
		return release_committed(run, false);
	run->released += handed;
	run->dropped = 0;
	return run->link->ops->release(run->link, handed + dropped);
}

static int flush(struct run *run)
{
	size_t bytes = run->block_bytes;
	int r;

	if (bytes == 0)
		return 0;
	run->block_bytes = 0;
	r = run->sink->block(run->sink->userdata, run->index, run->block, bytes);
	if (r < 0)
		return give_up(run, r,
			       asprintf_or_null("records could not be kept: %s", strerror(-r)));
	return release(run, bytes, 0);
}

static int append(struct run *run, const char *records, size_t bytes)
{
	int r;

	if (bytes == 0)
		return 0;
	if (run->block_bytes > 0 && records != run->block + run->block_bytes) {
		r = flush(run); /* the link's buffer wrapped */
		if (r < 0)
			return r;
	}
	if (run->block_bytes == 0) {
		run->block = records;
		run->block_since_ns = now_ns();
	}
	run->block_bytes += bytes;
	return 0;
}

/* Records from the link: through the ledger, without duplicates, into the block. */
static int take(struct run *run, const char *records, size_t bytes)
{
	uint64_t before = run->ledger->received;
	int r = 0, bad = 0;

	while (r == 0 && bad == 0 && bytes > 0) {
		char *message = NULL;
		size_t keep, used;

		bad = ledger_take(run->ledger, records, bytes, &keep, &used, &message);
		if (bad < 0)
			give_up(run, bad, message);
		r = append(run, records, keep);
		if (r == 0 && used > keep) {
			r = flush(run);
			if (r == 0)
				r = release(run, 0, used - keep);
		}
		records += used;
		bytes -= used;
	}
	if (plan_asks_for(run->plan, run->index))
		atomic_fetch_add_explicit(&run->progress->points_done,
					  run->ledger->received - before, memory_order_relaxed);
	return r < 0 ? r : bad;
}

static size_t block_max(const struct run *run)
{
	return ACQUIRE_BLOCK_BYTES / run->loaded.stride * run->loaded.stride;
}

static void stop(struct run *run)
{
	if (run->stopped)
		return;
	run->stopped = true;
	/* The link that can not stop its board shows it by no END record. */
	(void)run->link->ops->stop(run->link);
	patience_limit(&run->patience, DRAIN_NS);
}

/* Records lie in the link that are not given back: the board may wait for their places. */
static bool holds_back(const struct run *run)
{
	return run->link->holds_records && run->handed > run->released;
}

static int wait_ms(const struct run *run)
{
	uint64_t now = now_ns(), until = patience_deadline(&run->patience);

	if (run->block_bytes > 0)
		until = MIN(until, run->block_since_ns + FLUSH_NS);
	if (holds_back(run))
		until = MIN(until, now + FLUSH_NS);
	if (until <= now)
		return 0;
	return (int)MIN((until - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 1000U);
}

static int out_of_patience(struct run *run)
{
	if (cancelled(run) || run->stopped)
		return -ECANCELED;
	return give_up(run, -ETIMEDOUT, patience_message(&run->patience, run->ledger));
}

static int collect_once(struct run *run)
{
	const void *records;
	size_t bytes;
	int r;

	r = run->link->ops->records(run->link, wait_ms(run), block_max(run) - run->block_bytes,
				    &records, &bytes);
	if (r == 0) {
		patience_renew(&run->patience);
		r = take(run, records, bytes);
		if (r < 0)
			return r;
	} else if (r == -ENOBUFS && run->link->holds_records) {
		/* The ring is full of what is not committed yet: the board waits for that. */
		r = flush(run);
		return r < 0 ? r : release_committed(run, true);
	} else if (r == -EAGAIN && patience_silent(&run->patience)) {
		return out_of_patience(run);
	} else if (r == -EAGAIN && holds_back(run)) {
		r = release_committed(run, false);
		if (r < 0)
			return r;
	} else if (r != -EAGAIN && r != -ECANCELED) {
		return give_up(
			run, r,
			asprintf_or_null(r == -ENODEV ? "the board is gone" : "reading records: %s",
					 strerror(-r)));
	}
	if (run->block_bytes == block_max(run) ||
	    (run->block_bytes > 0 && now_ns() - run->block_since_ns >= FLUSH_NS)) {
		r = flush(run);
		if (r < 0)
			return r;
	}
	return patience_over(&run->patience, run->ledger) ? out_of_patience(run) : 0;
}

/* Until END, an error, or nobody waits any longer. All that came is with the sink then. */
static int collect(struct run *run)
{
	int r = 0, last;

	while (r == 0 && !run->ledger->ended) {
		if (cancelled(run))
			stop(run);
		r = collect_once(run);
	}
	last = flush(run);
	return r < 0 ? r : last;
}

/* What the END record's cause means for the run; the ledger has the details. */
static int cause_error(struct run *run)
{
	const struct ledger *l = run->ledger;
	_cleanup_free_ char *causes = NULL;
	int error;

	switch (l->end.cause) {
	case ETALON_HW_END_DONE:
	case ETALON_HW_END_COMPARATOR:
		return 0;
	case ETALON_HW_END_STOPPED:
		error = -ECANCELED;
		break;
	case ETALON_HW_END_EMISSION_OFF:
	case ETALON_HW_END_TRIPPED:
		error = -ECONNABORTED;
		break;
	case ETALON_HW_END_WAIT_TIMEOUT:
	case ETALON_HW_END_CLOCK_TIMEOUT:
		error = -ETIME;
		break;
	case ETALON_HW_END_OVERFLOW:
		error = -ENOBUFS;
		break;
	case ETALON_HW_END_FAULT:
	case ETALON_HW_END_RESET:
		error = -EIO;
		break;
	default:
		error = -EPROTO;
	}
	if (l->end.cause == ETALON_HW_END_TRIPPED)
		causes = link_causes_text(l->end.causes);
	return give_up(run, error,
		       asprintf_or_null("the program ended early: %s%s%s",
					end_cause_text(l->end.cause), causes && *causes ? ": " : "",
					causes ? causes : ""));
}

static void count_board_time(struct run *run)
{
	const struct ledger *l = run->ledger;
	uint64_t ticks;

	if (!l->started || !l->ended || l->end.tick < l->start.tick)
		return;
	ticks = l->end.tick - l->start.tick;
	atomic_fetch_add(&run->progress->board_ns,
			 (uint64_t)((unsigned __int128)ticks * l->start.tick_ps / 1000));
}

static int load(struct run *run)
{
	const struct segment *s = &run->segment;
	int r;

	r = run->link->ops->load(run->link, &s->program, s->lists, s->list_count, &run->loaded,
				 &run->result->refusal);
	if (r < 0)
		return refused(run, r, "the board does not take the program");
	if (run->loaded.points != s->points)
		return give_up(run, -EPROTO,
			       asprintf_or_null("the board counts %" PRIu64
						" points in the program, the plan has %" PRIu64,
						run->loaded.points, s->points));
	if (run->loaded.stride > ACQUIRE_BLOCK_BYTES)
		return give_up(
			run, -EPROTO,
			asprintf_or_null("records of %u bytes fit no block", run->loaded.stride));
	return 0;
}

static int start_and_collect(struct run *run)
{
	int r;

	patience_begin(&run->patience, run->link->description, &run->segment, &run->loaded);
	r = run->link->ops->start(run->link, &run->result->refusal);
	if (r < 0)
		return refused(run, r, "the board does not start the program");
	r = collect(run);
	if (!run->ledger->ended)
		stop(run);
	return r < 0 ? r : cause_error(run);
}

static int run_segment(struct run *run, unsigned int index, uint32_t generation, uint64_t run_key)
{
	struct acquire_result *result = run->result;
	int r, last;

	run->index = index;
	run->segment = run->plan->segments[index];
	run->segment.program.generation = generation;
	run->segment.program.run_key = run_key;
	run->stopped = false;
	run->block_bytes = 0;
	atomic_store(&run->progress->segment, index);
	r = load(run);
	if (r < 0)
		return r;
	run->ledger = &result->ledgers[result->ledger_count++];
	ledger_begin(run->ledger, generation, &run->segment.program, run->loaded.stride,
		     run->loaded.crc, run->segment.points);
	r = run->sink->begin(run->sink->userdata, index, &run->segment, &run->loaded);
	if (r < 0) {
		result->ledger_count--;
		return give_up(run, r,
			       asprintf_or_null("the run could not be stored: %s", strerror(-r)));
	}
	r = start_and_collect(run);
	count_board_time(run);
	last = run->sink->end(run->sink->userdata, index, run->ledger);
	if (last < 0 && r == 0)
		r = give_up(run, last,
			    asprintf_or_null("the run could not be stored: %s", strerror(-last)));
	/* The next program would drop what is still held. */
	if (run->link->holds_records && last == 0)
		last = release_committed(run, true);
	return r < 0 ? r : MIN(last, 0);
}

static int make_setpoints(struct run *run)
{
	for (size_t i = 0; i < run->plan->setpoint_count; i++) {
		const struct plan_setpoint *p = &run->plan->setpoints[i];
		int r = run->link->ops->set_source(run->link, p->source, p->value,
						   &run->result->refusal);

		if (r < 0)
			return refused(run, r, run->link->description->source[p->source].name);
	}
	return 0;
}

static int run_plan(struct run *run, uint64_t run_key_base, uint32_t *generation)
{
	int r = make_setpoints(run);

	for (unsigned int i = 0; r == 0 && i < run->plan->segment_count; i++) {
		if (cancelled(run))
			return -ECANCELED;
		if (++*generation == 0)
			++*generation;
		r = run_segment(run, i, *generation, run_key_base + i);
	}
	return r;
}

int acquire_run(struct link *link, const struct plan *plan, uint64_t run_key_base,
		uint32_t *generation, const struct acquire_sink *sink,
		struct acquire_progress *progress, struct acquire_result *ret)
{
	struct run run = {
		.link = link, .plan = plan, .sink = sink, .progress = progress, .result = ret};

	*ret = (struct acquire_result){};
	ret->ledgers = calloc(MAX(plan->segment_count, (size_t)1), sizeof(*ret->ledgers));
	if (!ret->ledgers)
		return ret->error = -ENOMEM;
	ret->error = run_plan(&run, run_key_base, generation);
	if (ret->error == -ECANCELED && !ret->message)
		ret->message = strdup("cancelled");
	return ret->error;
}

void acquire_result_clear(struct acquire_result *r)
{
	free(r->message);
	free(r->ledgers);
	*r = (struct acquire_result){};
}

void acquire_cancel(struct link *link, struct acquire_progress *progress)
{
	atomic_store(&progress->cancel, true);
	link->ops->records_cancel(link);
}
