// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which detectors a plan reads, under which names and in which ranges: what was asked for,
 * then what every measurement of the kind needs, found by role and never by name.
 */
#include <errno.h>

#include "measure/plan_build.h"

/* Room for all names that a board and a site may have. */
struct known_names {
	const char **name;
	size_t count;
};

static int known_detectors(const struct plan_build *b, struct known_names *ret)
{
	size_t most = b->d->head.detector_count + b->site->alias_count, n = 0;
	const char **name = calloc(most, sizeof(*name));

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < b->site->alias_count; i++)
		name[n++] = b->site->aliases[i].name;
	for (uint32_t i = 0; i < b->d->head.detector_count; i++)
		name[n++] = b->d->detector[i].name;
	*ret = (struct known_names){name, n};
	return 0;
}

static int unknown_detector(struct plan_build *b, const char *name)
{
	_cleanup_free_ const char **space = NULL;
	struct known_names known;
	int r = known_detectors(b, &known);

	if (r < 0)
		return r;
	space = known.name;
	return unknown_name(b->message, -ENOENT, "detector", name, "this board has",
			    (struct names){known.name, known.count});
}

/* An alias of the site, else a name of the board. */
static int find_detector(struct plan_build *b, const char *name)
{
	int detector;

	for (size_t i = 0; i < b->site->alias_count; i++) {
		if (!streq(b->site->aliases[i].name, name))
			continue;
		detector = description_detector(b->d, b->site->aliases[i].channel);
		if (detector < 0)
			return fail(b->message, -ENOENT,
				    "the site calls \"%s\" what this board does not have: %s", name,
				    b->site->aliases[i].channel);
		return detector;
	}
	detector = description_detector(b->d, name);
	return detector < 0 ? unknown_detector(b, name) : detector;
}

static int column_of(const struct plan_build *b, unsigned int detector)
{
	for (unsigned int i = 0; i < b->column_count; i++)
		if (b->column[i].detector == detector)
			return (int)i;
	return -ENOENT;
}

int plan_add_column(struct plan_build *b, unsigned int detector, const char *name, bool automatic)
{
	struct column *c = &b->column[b->column_count];
	int there = column_of(b, detector);

	if (there >= 0 && automatic)
		return 0;
	if (there >= 0)
		return fail(b->message, -EINVAL, "detectors: %s is named twice (%s is the same)",
			    b->d->detector[detector].name, b->column[there].name);
	if (b->column_count == ARRAY_SIZE(b->column))
		return fail(b->message, -EINVAL, "detectors: a program reads at most %zu at once",
			    ARRAY_SIZE(b->column));
	if (strlen(name) >= sizeof(c->name))
		return fail(b->message, -EINVAL, "detectors: the name \"%s\" is longer than %zu",
			    name, sizeof(c->name) - 1);
	*c = (struct column){.detector = detector,
			     .range = b->d->detector[detector].range_default,
			     .automatic = automatic};
	strcpy(c->name, name);
	b->column_count++;
	return 0;
}

/* The site's own word for a detector, else the board's. */
static const char *usual_name(const struct plan_build *b, unsigned int detector)
{
	const char *name = b->d->detector[detector].name;

	for (size_t i = 0; i < b->site->alias_count; i++)
		if (streq(b->site->aliases[i].channel, name))
			return b->site->aliases[i].name;
	return name;
}

static bool measures_power(const struct description *d, unsigned int detector)
{
	const struct etalon_hw_range *g =
		description_range_of(d, detector, d->detector[detector].range_default);

	return d->detector[detector].role == ETALON_HW_ROLE_SIGNAL &&
	       d->calibration[g->calibration_first].responsivity_na_per_w > 0;
}

/* Nobody said which: the signals that the site has words for, else all that measure light. */
static int default_columns(struct plan_build *b)
{
	bool named = false;
	int r;

	for (size_t i = 0; i < b->site->alias_count; i++) {
		int detector = description_detector(b->d, b->site->aliases[i].channel);

		named = named || (detector >= 0 && measures_power(b->d, (unsigned int)detector));
	}
	for (unsigned int i = 0; i < b->d->head.detector_count; i++) {
		bool has_word = usual_name(b, i) != b->d->detector[i].name;

		if (!measures_power(b->d, i) || (named && !has_word))
			continue;
		r = plan_add_column(b, i, usual_name(b, i), false);
		if (r < 0)
			return r;
	}
	if (b->column_count == 0)
		return fail(
			b->message, -EINVAL,
			"detectors: name at least one; this board has none that measures light");
	return 0;
}

static void record_names(struct plan_build *b)
{
	json_t *names = json_array();

	for (unsigned int i = 0; i < b->column_count; i++)
		json_array_append_new(names, json_string(b->column[i].name));
	json_object_set_new(b->request, "detectors", names);
}

int plan_columns(struct plan_build *b)
{
	const json_t *list = json_object_get(b->request, "detectors");
	json_t *item;
	size_t i;
	int r;

	if (!list) {
		r = default_columns(b);
		if (r == 0)
			record_names(b);
		return r;
	}
	if (!json_is_array(list) || json_array_size(list) == 0)
		return fail(b->message, -EINVAL, "detectors must be a list of names");
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return fail(b->message, -EINVAL, "detectors[%zu] must be a name", i);
		r = find_detector(b, json_string_value(item));
		if (r < 0)
			return r;
		r = plan_add_column(b, (unsigned int)r, json_string_value(item), false);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool related(const struct description *d, unsigned int other, unsigned int source)
{
	if (other == ETALON_HW_NO_CHANNEL || other >= d->head.source_count)
		return false;
	return other == source || d->source[other].belongs_to == source ||
	       d->source[source].belongs_to == other;
}

int plan_add_role(struct plan_build *b, unsigned int role, int source)
{
	for (unsigned int i = 0; i < b->d->head.detector_count; i++) {
		const struct etalon_hw_detector *t = &b->d->detector[i];
		int r;

		if (t->role != role ||
		    (source >= 0 && !related(b->d, t->source, (unsigned int)source)))
			continue;
		r = plan_add_column(b, i, usual_name(b, i), true);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_add_readbacks(struct plan_build *b, unsigned int source)
{
	const struct etalon_hw_source *s = &b->d->source[source];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(s->readback); i++)
		if (s->readback[i] != ETALON_HW_NO_CHANNEL)
			r = plan_add_column(b, s->readback[i], usual_name(b, s->readback[i]), true);
	return r;
}

void plan_drop_slow_columns(struct plan_build *b, uint64_t aperture_ns)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < b->column_count; i++) {
		const struct column *c = &b->column[i];
		const struct etalon_hw_range *g = description_range_of(b->d, c->detector, c->range);
		bool slow = b->d->detector[c->detector].flags & ETALON_HW_DETECTOR_SLOW;

		if (!c->automatic || slow || g->aperture_min_ns <= aperture_ns)
			b->column[kept++] = *c;
		else
			plan_warn(b, "%s is left out: it needs an aperture of %s", c->name,
				  duration_quantity(g->aperture_min_ns).text);
	}
	b->column_count = kept;
}

int plan_find_column(struct plan_build *b, const char *name)
{
	int r;

	for (unsigned int i = 0; i < b->column_count; i++)
		if (streq(b->column[i].name, name))
			return (int)i;
	r = find_detector(b, name);
	if (r < 0)
		return r;
	r = column_of(b, (unsigned int)r);
	if (r < 0)
		return fail(b->message, -ENOENT, "%s is not among the detectors of this request",
			    name);
	return r;
}

static int set_range(struct plan_build *b, const char *name, const json_t *value)
{
	const char *space[ETALON_HW_RANGES_MAX], *detector_name;
	_cleanup_free_ char *what = NULL;
	int column = plan_find_column(b, name), range;
	unsigned int detector;

	if (column < 0)
		return column;
	detector = b->column[column].detector;
	detector_name = b->d->detector[detector].name;
	if (!json_is_string(value))
		return fail(b->message, -EINVAL, "ranges: %s must be a text such as \"%s\"", name,
			    description_range_of(b->d, detector, 0)->name);
	range = description_range(b->d, detector, json_string_value(value));
	if (range >= 0) {
		b->column[column].range = (unsigned int)range;
		return 0;
	}
	for (unsigned int i = 0; i < b->d->detector[detector].range_count; i++)
		space[i] = description_range_of(b->d, detector, i)->name;
	what = asprintf_or_null("range of %s", detector_name);
	return unknown_name(b->message, -ENOENT, what ? what : "range", json_string_value(value),
			    "it has", (struct names){space, b->d->detector[detector].range_count});
}

int plan_ranges(struct plan_build *b)
{
	json_t *ranges = json_object_get(b->request, "ranges"), *value;
	const char *key;
	int r;

	if (!ranges)
		return 0;
	if (!json_is_object(ranges))
		return fail(b->message, -EINVAL,
			    "ranges must be an object such as {\"%s\": \"%s\"}", b->column[0].name,
			    description_range_of(b->d, b->column[0].detector, 0)->name);
	json_object_foreach(ranges, key, value) {
		r = set_range(b, key, value);
		if (r < 0)
			return r;
	}
	return 0;
}
