// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the records of a run tell as a whole, from memory while it is written, else from its
 * blocks.
 */
#include <errno.h>

#include "data/meta.h"
#include "store/store_private.h"

static int feed(void *userdata, const void *records, size_t bytes, bool damaged)
{
	if (!damaged)
		summary_feed(userdata, records, bytes);
	return 0;
}

static int feed_stored(struct store *s, int64_t run, struct summary *summary)
{
	struct stored_segment *segments;
	size_t count;
	int r = store_segments(s, run, &segments, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = summary_begin(summary, segments[i].purpose, &segments[i].program,
				  segments[i].stride);
		if (r < 0)
			r = store_fail(s, -EUCLEAN,
				       "%s is damaged: a segment's program does not fit its board",
				       s->path);
		else
			r = store_each_block(s, run, segments[i].number, feed, summary);
	}
	store_segments_free(segments, count);
	return r;
}

static int summarise_stored(struct store *s, int64_t run, json_t *meta)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_(summary_freep) struct summary *summary = NULL;
	int r = store_run_description(s, run, &d);

	if (r == 0)
		r = summary_new(d, &summary);
	if (r == 0)
		r = feed_stored(s, run, summary);
	return r < 0 ? r : summary_meta(summary, meta);
}

/* Only now the temperature of this run is known: does the reference still fit? */
static int judge_reference(struct store *s, json_t *meta)
{
	const json_t *number = json_object_get(json_object_get(meta, META_REFERENCE), META_RUN);
	json_t *reference = NULL;
	int r;

	if (!json_is_integer(number))
		return 0;
	r = store_find_reference(s, meta, json_integer_value(number), &reference);
	if (r == -ENOENT) /* deleted meanwhile */
		reference = json_pack("{s:I, s:[s]}", META_RUN, json_integer_value(number),
				      META_REASONS, "the reference no longer exists");
	else if (r < 0)
		return r;
	json_object_set_new(meta, META_REFERENCE, reference);
	return 0;
}

int store_run_summarise(struct store *s, int64_t run, json_t *meta)
{
	struct writing *w = store_writing(s, run);
	int r = w ? summary_meta(w->summary, meta) : summarise_stored(s, run, meta);

	return r < 0 ? r : judge_reference(s, meta);
}
