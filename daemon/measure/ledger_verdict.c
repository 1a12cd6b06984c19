// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the counts of a ledger mean: do they agree, is the run complete, and if not, why.
 */
#include <inttypes.h>

#include "base/util.h"
#include "link/link.h"
#include "measure/ledger.h"

const char *end_cause_text(uint32_t cause)
{
	static const char *const texts[] = {
		[ETALON_HW_END_DONE] = "done",
		[ETALON_HW_END_STOPPED] = "cancelled",
		[ETALON_HW_END_EMISSION_OFF] = "light went off",
		[ETALON_HW_END_TRIPPED] = "tripped",
		[ETALON_HW_END_WAIT_TIMEOUT] = "never settled",
		[ETALON_HW_END_COMPARATOR] = "comparator",
		[ETALON_HW_END_OVERFLOW] = "overflow",
		[ETALON_HW_END_CLOCK_TIMEOUT] = "no clock edge",
		[ETALON_HW_END_FAULT] = "board fault",
		[ETALON_HW_END_RESET] = "board reset",
	};

	return cause < ARRAY_SIZE(texts) ? texts[cause] : "unknown cause";
}

static bool cause_planned(const struct ledger *l)
{
	return l->end.cause == ETALON_HW_END_DONE ||
	       (l->end.cause == ETALON_HW_END_COMPARATOR && l->comparator_ends);
}

static bool points_as_planned(const struct ledger *l)
{
	if (l->points_expected == 0)
		return true;
	if (l->may_be_short)
		return l->end.produced <= l->points_expected;
	return l->end.produced == l->points_expected;
}

bool ledger_counts_agree(const struct ledger *l)
{
	return l->started && l->ended && l->end.produced == l->received + l->end.dropped &&
	       l->end.produced >= l->next_point && l->end.dropped == l->gap_points &&
	       l->end.dropped == l->missing_points && l->missing_records == l->gap_records;
}

/* The board itself could not say END any more: nobody knows its counts. */
static bool end_is_of_host(const struct ledger *l)
{
	return l->end.flags & ETALON_HW_END_FLAG_HOST;
}

bool ledger_complete(const struct ledger *l)
{
	return ledger_counts_agree(l) && l->end.dropped == 0 && l->end.crc == l->crc &&
	       !end_is_of_host(l) && !l->echo_wrong && cause_planned(l) && points_as_planned(l);
}

static void say(json_t *why, char *text)
{
	if (text)
		json_array_append_new(why, json_string(text));
	free(text);
}

static void say_if(json_t *why, bool wrong, char *text)
{
	if (wrong)
		say(why, text);
	else
		free(text);
}

/* Every lie of the END record by its name: each count against the others. */
static void why_end(const struct ledger *l, json_t *why)
{
	uint64_t produced = l->end.produced, dropped = l->end.dropped;

	say_if(why, produced != l->received + dropped,
	       asprintf_or_null("END says %" PRIu64 " points were produced and %" PRIu64
				" dropped; %" PRIu64 " were received",
				produced, dropped, l->received));
	say_if(why, produced < l->next_point,
	       asprintf_or_null("END says %" PRIu64 " points were produced; point %" PRIu64
				" was received",
				produced, l->next_point - 1));
	say_if(why, dropped != l->gap_points,
	       asprintf_or_null("END says %" PRIu64
				" points were dropped; GAP records say %" PRIu64,
				dropped, l->gap_points));
	say_if(why, dropped != l->missing_points,
	       asprintf_or_null("END says %" PRIu64 " points were dropped; %" PRIu64
				" numbers are missing",
				dropped, l->missing_points));
	say_if(why, dropped > 0, asprintf_or_null("the board dropped %" PRIu64 " points", dropped));
	say_if(why, end_is_of_host(l),
	       strdup("the board could not say END any more: the counts are of what arrived"));
	say_if(why, !end_is_of_host(l) && l->end.crc != l->crc,
	       asprintf_or_null("CRC of the points is %08x; END says %08x", l->crc, l->end.crc));
	say_if(why, !points_as_planned(l),
	       asprintf_or_null("%" PRIu64 " points were produced; the plan has %" PRIu64, produced,
				l->points_expected));
}

static void why_cause(const struct ledger *l, json_t *why)
{
	_cleanup_free_ char *causes = NULL;

	if (cause_planned(l))
		return;
	if (l->end.cause == ETALON_HW_END_TRIPPED)
		causes = link_causes_text(l->end.causes);
	say(why, asprintf_or_null("ended early: %s%s%s", end_cause_text(l->end.cause),
				  causes && *causes ? ": " : "", causes ? causes : ""));
}

static json_t *why_not(const struct ledger *l)
{
	json_t *why = json_array();

	if (!l->started) {
		say(why, strdup("no START record: nothing of this program arrived"));
		return why;
	}
	say_if(why, l->echo_wrong,
	       strdup("START echoes another program than the one that was loaded"));
	say_if(why, l->host_gap_records > 0,
	       asprintf_or_null("%" PRIu64 " records, %" PRIu64
				" points among them, were lost on their way from the board",
				l->host_gap_records, l->host_gap_points));
	say_if(why, l->missing_records != l->gap_records,
	       asprintf_or_null("%" PRIu64 " records are missing; GAP records admit %" PRIu64,
				l->missing_records, l->gap_records));
	if (!l->ended) {
		say(why, strdup("no END record: the end of the program was not seen"));
		return why;
	}
	why_end(l, why);
	why_cause(l, why);
	return why;
}

static json_t *gap_list(const struct ledger *l)
{
	json_t *gaps = json_array();

	for (uint32_t i = 0; i < MIN(l->gap_count, (uint32_t)LEDGER_GAPS_MAX); i++)
		json_array_append_new(gaps,
				      json_pack("{s:I, s:I}", "first", (json_int_t)l->gaps[i].first,
						"count", (json_int_t)l->gaps[i].count));
	return gaps;
}

json_t *ledger_json(const struct ledger *l)
{
	const char *crc = !l->ended || end_is_of_host(l) ? "unknown"
			  : l->end.crc == l->crc	 ? "ok"
							 : "mismatch";

	return json_pack("{s:b, s:o, s:I, s:I, s:I, s:o, s:I, s:s, s:s, s:I, s:o}", "complete",
			 ledger_complete(l), "produced",
			 l->ended ? json_integer((json_int_t)l->end.produced) : json_null(),
			 "received", (json_int_t)l->received, "dropped",
			 (json_int_t)(l->ended ? l->end.dropped : l->gap_points), "duplicates",
			 (json_int_t)l->duplicates, "gaps", gap_list(l), "gap_count",
			 (json_int_t)l->gap_count, "crc", crc, "cause",
			 l->ended ? end_cause_text(l->end.cause) : "no end", "saturated",
			 (json_int_t)l->saturated, "why", why_not(l));
}
